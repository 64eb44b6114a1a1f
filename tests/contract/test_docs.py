"""What the documents say is so: links lead somewhere, examples are valid, commands and targets exist."""

from __future__ import annotations

import re
import subprocess
from datetime import date
from pathlib import Path

import pytest
from typer.main import get_command

from function_app.cli import app
from function_app.reading.definitions import read_directory

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def tracked() -> frozenset[str]:
    """Paths that git knows, or would add."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    return frozenset(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    """Relative links of a page point at files or folders that exist."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

    assert [] == [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """Paths in backquotes that look like files of this project are files of this project."""
    names = re.findall(r"`((?:function_app|simulator|demo|docs|gitops|tests|schemas)/[\w./-]+\.\w+)`", page.read_text())
    known = tracked()

    assert [] == [name for name in names if name not in known]


def test_every_egressctl_command_in_the_readme_exists() -> None:
    """Whoever copies a command from the README gets a command."""
    text = (ROOT / "README.md").read_text()
    words = set(re.findall(r"egressctl ([a-z]+)", text))
    command = get_command(app)

    assert set() == words - set(getattr(command, "commands", {}))


def test_every_make_target_that_a_page_names_exists() -> None:
    """`make X` in any page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text())}

    assert set() == named - targets


def test_the_readmes_tenant_is_valid(tmp_path: Path) -> None:
    """The example that newcomers copy passes `egressctl validate` beside the sample."""
    text = (ROOT / "README.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert example is not None
    for path in (ROOT / "gitops").rglob("*.yaml"):
        copy = tmp_path / path.relative_to(ROOT / "gitops")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    (tmp_path / "tenants" / "orders.yaml").write_text(example[1])

    definitions, problems = read_directory(tmp_path, today=date(2026, 11, 23))

    assert () == problems
    assert definitions is not None
    assert "orders" in definitions.tenants
