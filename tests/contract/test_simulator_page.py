"""The simulator's page names tests that exist, and one for every row of the recordings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_the_page_names_exists(name: str) -> None:
    """File and function, by their names."""
    file, _, function = name.partition("::")
    assert re.search(rf"^def {function}\(", (ROOT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_recorded_row_has_a_test() -> None:
    """What cannot be tested belongs under Unproven."""
    section = PAGE.partition("## Held to recordings")[2].partition("### Unproven")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and "recorded | test" not in line]
    assert set() == {f"{number:02}" for number in range(19)} - set(re.findall(r"\b\d\d\b", " ".join(rows)))
    assert [] == [row for row in rows if "::test_" not in row]
