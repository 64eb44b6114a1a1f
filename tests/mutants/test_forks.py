"""Work in forks: each has its answer, and who has none is told with the reason."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from mutants.forks import Lost, allow, in_forks


def _answers(works: list[Callable[[], int]], folder: Path) -> dict[int, int | Lost]:
    return dict(in_forks(works, 2, folder))


def test_answers_come_with_the_number_of_their_work(tmp_path: Path) -> None:
    """More works than may run at a time; what one changes, no other one and not we see."""
    seen: list[int] = []

    def work(number: int) -> int:
        seen.append(number)
        return 10 * number + len(seen)

    assert _answers([partial(work, each) for each in range(3)], tmp_path) == {0: 1, 1: 11, 2: 21}
    assert not seen
    assert not list(tmp_path.iterdir())


def test_who_fails_or_finds_no_end_is_lost_and_no_other_one_with_it(tmp_path: Path) -> None:
    """An error is told with its text; a loop ends with the processor time that it is allowed."""

    def endless() -> int:
        allow(1)
        return sum(1 for _ in count())

    answers = _answers([lambda: 1 // 0, endless, lambda: 3], tmp_path)

    assert answers[2] == 3
    assert answers[1] == Lost("ended by SIGXCPU", endless=True)
    failed = answers[0]
    assert isinstance(failed, Lost)
    assert "ZeroDivisionError" in failed.why
    assert not failed.endless
