"""Who asks at the same moment is served by one call, which begins after all of them have asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Event, Thread

import pytest
from state_faces import at_once

from function_app.adapters.together import Together
from function_app.model.errors import EgressError, StateError

SECONDS = 20.0


class Slow:
    """Doubles numbers; the first call waits until it is let go. `calls` are the arguments of each call."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.calls: list[tuple[int, ...]] = []
        self.begun, self.let_go = Event(), Event()
        self.problem = problem

    def act(self, numbers: Sequence[int]) -> Sequence[int]:
        """One call."""
        self.calls.append(tuple(numbers))
        if len(self.calls) == 1:
            self.begun.set()
            assert self.let_go.wait(SECONDS)
        elif self.problem is not None:
            raise self.problem
        return [2 * number for number in numbers]


def outcome(together: Together[int, int], number: int) -> int | Exception:
    """What somebody gets."""
    try:
        return together(number)
    except (EgressError, ValueError) as problem:
        return problem


def while_one_is_under_way(slow: Slow, numbers: Sequence[int]) -> list[object]:
    """What those get who come while the first call is under way."""
    together = Together(slow.act)
    first = Thread(target=together, args=(0,))
    first.start()
    assert slow.begun.wait(SECONDS)
    found: list[object] = []
    late = Thread(target=lambda: found.extend(at_once(*[partial(outcome, together, number) for number in numbers])))
    late.start()
    while len(together._waiting) < len(numbers):
        first.join(0.01)
    slow.let_go.set()
    first.join(SECONDS)
    late.join(SECONDS)
    return found


def test_who_comes_meanwhile_is_served_by_one_more_call() -> None:
    """Not by the one that is under way, which may have begun too early; each gets the result of what it asked itself."""
    slow = Slow()

    assert [2, 4, 6, 8] == while_one_is_under_way(slow, [1, 2, 3, 4])
    assert [(0,), (1, 2, 3, 4)] == [tuple(sorted(each)) for each in slow.calls]


@pytest.mark.parametrize("problem", [StateError("storage is away"), ValueError("a mistake of ours")])
def test_a_call_that_fails_fails_for_all_and_the_next_one_is_made(problem: Exception) -> None:
    """Nobody is told that it was done, nobody waits for ever."""
    slow = Slow(problem)

    found = while_one_is_under_way(slow, [1, 2, 3])

    assert 2 == len(slow.calls)
    assert all(isinstance(each, EgressError | ValueError) for each in found)
    assert 3 == len(found)
