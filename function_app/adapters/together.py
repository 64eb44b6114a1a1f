"""Those who ask for the same thing at the same moment are served by one call to storage, and each of them knows that it is done.

Belongs here: who calls for whom, within one process. What is asked for while a call is under way waits for the next one, since
that call may have begun too early to count; one of those who wait makes it for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition

from function_app.model.errors import EgressError, StateError


@dataclass(slots=True, eq=False)
class _Waiting[A, R]:
    asked: A
    results: Sequence[R] | None = None
    """That of each who were served together, in their order; None as long as it is not done."""
    place: int = 0
    error: EgressError | None = None

    @property
    def over(self) -> bool:
        return self.results is not None or self.error is not None


class Together[A, R]:
    """A function of one argument that may be called from many threads.

    `act` gets the arguments of all who wait, oldest first, and returns a result for each; what it raises is raised to all of them.
    """

    def __init__(self, act: Callable[[Sequence[A]], Sequence[R]]) -> None:
        self._act = act
        self._turn = Condition()
        self._acting = False
        self._waiting: list[_Waiting[A, R]] = []

    def __call__(self, asked: A) -> R:
        """Its result; raises the EgressError that kept the call from being made."""
        mine = _Waiting[A, R](asked)
        with self._turn:
            self._waiting.append(mine)
            self._turn.wait_for(lambda: mine.over or not self._acting)
            if not mine.over:
                self._acting, served, self._waiting = True, self._waiting, []
        if not mine.over:
            try:
                self._serve(served)
            finally:
                with self._turn:
                    self._acting = False
                    self._turn.notify_all()
        if mine.results is None:
            raise mine.error or StateError("It was given up before it was done.")
        return mine.results[mine.place]

    def _serve(self, served: Sequence[_Waiting[A, R]]) -> None:
        results: Sequence[R] | None = None
        error: EgressError = StateError("Whoever did it for all who asked at that moment has failed; its log says how.")
        try:
            results = self._act([each.asked for each in served])
        except EgressError as problem:
            error = problem
        finally:
            for place, each in enumerate(served):
                each.place, each.results = place, results
                each.error = None if results is not None else error
