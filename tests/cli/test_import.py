"""`egressctl import` at a terminal, with targets that cannot be read and folders that are not valid."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli.session import Session

from function_app.cli import importing
from function_app.model.names import firewall_target
from function_app.model.resources import FirewallObservation, Observations, Unreadable


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


def test_a_policy_that_exists_is_not_written_over(
    session: Session, gitops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A template of that name would take away what it holds, and it is attached to no firewall: another name is asked for."""
    now, target = datetime(2026, 11, 23, tzinfo=UTC), firewall_target("hub1")
    unread = Unreadable(target, now, "")
    seen = Observations({}, FirewallObservation(target, now, {"properties": {}}, {}), unread)
    monkeypatch.setattr(importing, "look", lambda *_: seen)
    monkeypatch.setattr(importing, "classic_firewall", lambda *_: {"name": "hub-fw", "location": "westeurope"})

    told = session.run("import", "--dir", str(gitops))

    assert 1 == told.exit_code
    assert "would be overwritten" in " ".join(told.stderr.split())
    assert [] == list(gitops.parent.glob("*firewall-policy.json"))
