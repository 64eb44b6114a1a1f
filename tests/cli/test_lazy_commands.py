"""Commands are imported when they are run; what is said of them before is what they say themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from function_app.cli import app
from function_app.cli.program import Commands

ROOT = Path(__file__).parents[2]
OVERVIEW = Commands(name="egressctl")


@pytest.mark.parametrize("name", OVERVIEW.commands)
def test_the_overview_says_what_the_command_says(name: str) -> None:
    """The words in the overview begin the command's own help."""
    summary = OVERVIEW.commands[name].help
    shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).stdout
    assert summary is not None
    assert summary in shown


@pytest.mark.parametrize(
    ("arguments", "untouched"),
    [
        (["--help"], ("pydantic", "yaml", "structlog", "jinja2", "function_app.reconcile")),
        (["validate"], ("structlog", "jinja2", "kubernetes", "azure", "function_app.reconcile")),
    ],
)
def test_a_command_waits_for_no_other(arguments: list[str], untouched: tuple[str, ...]) -> None:
    """The overview is shown without any model, and a folder is checked without the parts of a pass."""
    code = (
        "import sys\n"
        "from function_app.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "finally:\n"
        f"    print([name for name in {untouched!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "[]")
