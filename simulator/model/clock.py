"""A clock that moves only when told to, and runs what was scheduled on the way."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count


class VirtualClock:
    """Virtual time in UTC with a queue of things to happen."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()

    def now(self) -> datetime:
        """The present moment of the simulated world."""
        return self._now

    def schedule(self, seconds: float, action: Callable[[], None]) -> None:
        """Let `action` happen that many seconds from now; actions due at one moment run in the order of scheduling."""
        heapq.heappush(self._queue, (self._now + timedelta(seconds=seconds), next(self._order), action))

    def advance(self, seconds: float) -> None:
        """Move time forward, running every action that falls due at its own moment."""
        end = self._now + timedelta(seconds=seconds)
        while self._queue and self._queue[0][0] <= end:
            due, _, action = heapq.heappop(self._queue)
            self._now = max(self._now, due)
            action()
        self._now = end
