"""`make demo` and the excerpt of it that the README shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from wire.conftest import Played

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- demo:excerpt -->\n", "<!-- /demo:excerpt -->"


def excerpt(text: str) -> str:
    """The first two acts, as a block of code."""
    start, end = text.index("Act 1."), text.index("Act 3.")
    lines = "\n".join(line.rstrip() for line in text[start:end].strip().splitlines())
    return f"```text\n{lines}\n```\n"


@pytest.mark.xdist_group("demo")
def test_every_check_of_the_demo_passes(played: Played) -> None:
    """The walkthrough ends with exit 0, and its table has no cross in it."""
    assert (0, False) == (played.exit_code, "✗" in played.text), played.text


@pytest.mark.xdist_group("demo")
def test_the_readme_shows_what_the_demo_prints(played: Played, request: pytest.FixtureRequest) -> None:
    """The recorded excerpt is the demo's output to the letter; `make golden` renews it."""
    page = README.read_text()
    before, rest = page.split(BEGIN)
    recorded, after = rest.split(END)
    if request.config.getoption("--renew-golden"):
        README.write_text(before + BEGIN + excerpt(played.text) + END + after)
        return

    assert excerpt(played.text) == recorded
