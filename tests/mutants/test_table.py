"""The table of planted mistakes is sound: every text is still there, and still makes a program."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mutants.mistake import Mistake, planted
from mutants.planting import NotPlanted, outside_functions
from mutants.table import MISTAKES, SUITES, UnknownMistake, chosen

ROOT = Path(__file__).parents[2]
OURS = [mistake for mistake in MISTAKES if mistake.breaks != "world"]
WORLDS = [mistake for mistake in MISTAKES if mistake.breaks == "world"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: str(mistake.name))
def test_a_mistake_applies_to_the_source_exactly_once_and_leaves_a_program(mistake: Mistake) -> None:
    """A table that no longer fits the source would test nothing; nor would a change that takes effect at import alone."""
    source = (ROOT / mistake.file).read_text(encoding="utf-8")

    wrong = planted(mistake, source)

    assert ast.dump(ast.parse(source)) != ast.dump(ast.parse(wrong))
    assert outside_functions(source) == outside_functions(wrong)


def test_there_are_enough_mistakes_on_both_sides() -> None:
    """At least thirty in our own rules and six in the simulator alone, each under a name of its own."""
    assert len(OURS) >= 30
    assert len(WORLDS) >= 6
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)
    assert {"function_app"} == {mistake.file.split("/")[0] for mistake in OURS}
    assert {"simulator"} == {mistake.file.split("/")[0] for mistake in WORLDS}


def test_every_invariant_but_silence_is_broken_by_some_mistake() -> None:
    """The ten invariants of the design; the tenth, nothing secret anywhere, is the business of the adapters' tests."""
    words = {number.strip() for mistake in OURS for number in mistake.breaks.split(",")}
    broken = {int(number) for number in words - {"told", "approved"}}

    assert set(range(1, 10)) == broken


@pytest.mark.parametrize("path", sorted({path for mistake in MISTAKES for path in mistake.likely}))
def test_the_tests_to_ask_first_exist(path: str) -> None:
    """A path that is no longer there, or that is not collected, would only be passed over."""
    assert (ROOT / path).exists()
    assert f"{path}/".startswith(tuple(f"{suite}/" for suite in SUITES))


def test_a_mistake_whose_text_is_gone_is_an_error() -> None:
    """It says which one and how often its text was found."""
    mistake = Mistake("gone", "Nothing.", "1", "x.py", "absent", "other")

    with pytest.raises(NotPlanted, match="gone: its text stands 0 times"):
        planted(mistake, "present\n")


def test_mistakes_are_chosen_by_name() -> None:
    """No name means all of them; a wrong name is told with those that exist."""
    first = MISTAKES[0]

    assert (first,) == chosen((first.name,))
    assert chosen(()) == MISTAKES
    with pytest.raises(UnknownMistake, match="no such mistake"):
        chosen(("nonsense",))
