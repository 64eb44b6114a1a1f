"""The page of planted mistakes shows the whole table, and the runner reads from it whom to ask first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mutants.mistake import Mistake
from mutants.page import BEGIN, END, noticed_before, renew
from mutants.running import ROOT, Fate, Trial
from mutants.table import MISTAKES

HARM = "Packets are lost."
TRIALS = (
    Trial(Mistake("one", HARM, "1", "a.py", "x", "y"), Fate.KILLED, "tests/test_a.py::test_b[c-1]", 2.0),
    Trial(Mistake("two", HARM, "1, 5", "a.py", "x", "y"), Fate.SURVIVED, "", 40.0),
)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with an old table."""
    path = tmp_path / "mutants.md"
    path.write_text(f"# Before\n\n{BEGIN}\n\nold\n\n{END}\n\nAfter.\n", encoding="utf-8")
    return path


def test_a_run_replaces_the_table_and_nothing_else(page: Path) -> None:
    """Counts, a row for each mistake, and what went unnoticed in bold."""
    renew(TRIALS, 90.0, page)

    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Before\n")
    assert text.endswith("\n\nAfter.\n")
    assert "old" not in text
    assert "1 of 2 mistakes noticed" in text
    assert f"| one | 1 | {HARM} | `tests/test_a.py::test_b[c-1]` |" in text
    assert f"| two | 1, 5 | {HARM} | **survived** |" in text


def test_the_next_run_asks_first_who_noticed_it_the_last_time(page: Path) -> None:
    """A mistake that nobody noticed has nobody to ask."""
    renew(TRIALS, 90.0, page)

    assert {"one": "tests/test_a.py::test_b[c-1]"} == noticed_before(page)


def test_a_page_without_a_place_for_the_table_is_an_error(page: Path) -> None:
    """It says which markers are missing."""
    page.write_text("# Nothing\n", encoding="utf-8")

    with pytest.raises(ValueError, match="lacks the markers"):
        renew(TRIALS, 90.0, page)


def test_the_page_shows_every_mistake_and_who_noticed_it() -> None:
    """One that was added since the last whole run is missing here: `make mutants WRITE=1`."""
    assert [mistake.name for mistake in MISTAKES] == list(noticed_before())


@pytest.mark.parametrize("test", sorted({name.partition("[")[0] for name in noticed_before().values()}))
def test_who_noticed_it_exists(test: str) -> None:
    """File and function, by their names."""
    file, _, function = test.partition("::")

    assert re.search(rf"^def {function}\(", (ROOT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
