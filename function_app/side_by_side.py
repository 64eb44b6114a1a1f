"""Several calls to one target, or several hubs, at once: `map` with a bounded width.

The first failure is raised when all calls that were under way have ended; none is begun after it. The threads are daemons: a
process that ends does not wait for what does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from threading import Thread
from typing import Protocol


class Each(Protocol):
    """How a function is called for each of some items; the results are in the items' order."""

    def __call__[A, B](self, act: Callable[[A], B], items: Iterable[A], /) -> list[B]:
        """Raises what the first failed call raised."""


class InTurn:
    """One after the other, in the calling thread."""

    def __call__[A, B](self, act: Callable[[A], B], items: Iterable[A], /) -> list[B]:
        """As `Each`."""
        return [act(item) for item in items]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """So many at once, the calling thread being one of them."""

    width: int

    def __call__[A, B](self, act: Callable[[A], B], items: Iterable[A], /) -> list[B]:
        """As `Each`."""
        asked = tuple(items)
        places, done, failures = count(), dict[int, B](), dict[int, BaseException]()

        def work() -> None:
            # next() on a count is one step of the interpreter: no two threads get the same place.
            while not failures and (place := next(places)) < len(asked):
                try:
                    done[place] = act(asked[place])
                except BaseException as problem:  # noqa: BLE001 - raised again where the results are asked for
                    failures[place] = problem

        others = [Thread(target=work, daemon=True) for _ in range(min(self.width, len(asked)) - 1)]
        for thread in others:
            thread.start()
        work()
        for thread in others:
            thread.join()
        if failures:
            raise failures[min(failures)]
        return [done[place] for place in range(len(asked))]
