"""`egressctl import` at a terminal, with targets that cannot be read and folders that are not valid."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.session import Session


@pytest.fixture
def gitops(session: Session) -> Path:
    """The sample's folder."""
    return session.repository / "gitops"


def test_what_cannot_be_read_is_not_imported_and_said(session: Session, gitops: Path) -> None:
    """Nothing is written, and it is a failure."""
    before = {path: path.read_text() for path in gitops.rglob("*.yaml")}

    told = session.run("import", "--dir", str(gitops))

    assert 1 == told.exit_code
    for words in ("not imported, and why", "spoke1-aks cannot be read", "no rule is imported"):
        assert words in told.stdout
    assert before == {path: path.read_text() for path in gitops.rglob("*.yaml")}


@pytest.mark.parametrize(
    ("file", "text", "arguments", "words"),
    [
        ("tenants/tenant0.yaml", "kind: Tenant\n", (), "is not valid"),
        ("tenants/tenant0.yaml", None, ("--hub", "nowhere"), "name one of the hubs"),
    ],
)
def test_what_cannot_be_meant_is_said(
    session: Session, gitops: Path, file: str, text: str | None, arguments: tuple[str, ...], words: str
) -> None:
    """An invalid folder, a hub that nobody defined."""
    if text is not None:
        (gitops / file).write_text(text)

    told = session.run("import", "--dir", str(gitops), *arguments)

    assert 1 == told.exit_code
    assert words in told.stderr
