"""The threads of a pass: targets are read and written at once, and nobody waits for one of them.

A pass plans when the others have answered and `grace` is over. Who is late then is planned alone when it answers, and the
pass stays for that no longer than until the others want to be looked at again, without holding the hub meanwhile. What has
not answered by then is not thrown away: it goes on, and this process's next pass over the hub finds it further on instead of
asking a second time. So a target that always takes half a minute is planned in the end, however often the others are looked
at; and it gets no grace again while it stays late, so it costs the others `grace` once and not once a pass.

What an earlier pass began is taken up only when nobody else had the hub in between (the lease's epochs follow each other),
since nobody has then written to that target: we write to none that we have not read. What took longer than `limit` is too
old to act on and is begun again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from math import inf
from threading import Lock, Thread
from time import monotonic

from function_app.model.names import TargetName
from function_app.side_by_side import Each, InTurn, SideBySide

GIVEN_UP = 10
"""So many limits old, a reading that never ended is forgotten and another one begun."""
LEAST_PAUSE = 1.0
"""Seconds before a pass that is due at once."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a pass waits for targets that are late, in seconds of real time.

    `grace` after the last answer the pass goes on without them; until `limit` each is still planned alone when it answers.
    `workers` is how many targets are written at once; 1 reads and writes everything in the calling thread, in order.
    `lists` and `writes` are how many calls of each sort one cluster gets at once.
    """

    grace: float = 1.5
    limit: float = 60.0
    workers: int = 16
    lists: int = 4
    writes: int = 8

    @property
    def listing(self) -> Each:
        """How the listings of one cluster are made."""
        return SideBySide(self.lists) if self.workers > 1 else InTurn()

    @property
    def writing(self) -> Each:
        """How those writes to one cluster are made that need not wait for each other."""
        return SideBySide(self.writes) if self.workers > 1 else InTurn()

    def previewing(self, hubs: int) -> Each:
        """How so many hubs are previewed for one answer: all at once, so that it waits for late targets once and not once a hub."""
        return SideBySide(hubs) if self.workers > 1 else InTurn()


@dataclass(frozen=True, slots=True)
class Reading[T]:
    """How a target is read. One `about` the same thing may stand in for another; about None, for none."""

    read: Callable[[], T]
    about: Hashable = None


@dataclass(frozen=True, slots=True)
class _UnderWay[T]:
    about: Hashable
    began: float
    answer: Future[T]


class Unanswered[T]:
    """What this process's passes over one hub have not been answered yet, and by whom they were kept waiting."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._epoch = 0
        self._running: Mapping[TargetName, _UnderWay[T]] = {}
        self._late: frozenset[TargetName] = frozenset()

    def left_before(self, epoch: int) -> tuple[Mapping[TargetName, _UnderWay[T]], frozenset[TargetName]]:
        """Readings that a pass of this epoch may take up, and the targets that were late."""
        with self._lock:
            return (self._running if epoch == self._epoch + 1 else {}), self._late

    def leave(self, epoch: int, running: Mapping[TargetName, _UnderWay[T]], late: Collection[TargetName]) -> None:
        """Keep what is still running; a pass that lost the hub to a later one leaves nothing."""
        with self._lock:
            if epoch >= self._epoch:
                self._epoch, self._running, self._late = epoch, dict(running), frozenset(late)


class Gathering[T]:
    """One pass's readings: asked of all targets at once, answered in the targets' own time."""

    def __init__(
        self,
        readings: Mapping[TargetName, Reading[T]],
        patience: Patience,
        unanswered: Unanswered[T],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._now = now
        self._readings = readings
        self._patience = patience
        self._unanswered = unanswered
        self._running: dict[TargetName, _UnderWay[T]] = {}
        self._late: set[TargetName] = set()
        self._answers: dict[TargetName, T] = {}
        self._started = self._now()
        self._planned = inf
        self._due = inf

    def first(self, epoch: int) -> dict[TargetName, T]:
        """The answers, once everybody has answered or `grace` has passed; who was late before gets none."""
        if self._patience.workers == 1:
            return {name: reading.read() for name, reading in self._readings.items()}
        before, late = self._unanswered.left_before(epoch)
        for name, reading in self._readings.items():
            self._running[name] = self._begun(name, reading, before.get(name))
        self._late = set(late & self._readings.keys())
        awaited = self._readings.keys() - self._late or self._readings.keys()
        deadline = self._started + self._patience.limit
        while awaited & self._running.keys():
            left = deadline - self._now()
            if not self._answered(min(left, self._patience.grace) if self._answers else left):
                break
        self._late |= self._running.keys()
        self._planned = self._now()
        return dict(self._answers)

    def leave(self, epoch: int) -> None:
        """What still runs is there for whoever has the hub after this epoch; said before the hub is given back."""
        self._unanswered.leave(epoch, self._running, self._late)

    def another(self, epoch: int, look_again: float | None) -> dict[TargetName, T] | None:
        """All answers again, once a late target has answered; None when there is none, or the others want to be looked at.

        `epoch` is the one that was left, `look_again` the seconds from now after which the others want that.
        """
        if not self._running:
            return None
        self._due = min(self._due, self._now() + (inf if look_again is None else look_again))
        # Whoever makes the next pass pauses that long at least, and it is to begin when it is due.
        until = min(self._due - LEAST_PAUSE, self._started + self._patience.limit)
        before = len(self._answers)
        while self._running and len(self._answers) == before:
            if not self._answered(until - self._now()):
                break
        self.leave(epoch)
        return dict(self._answers) if len(self._answers) > before else None

    def writing_until(self, look_again: float | None) -> float:
        """When a pass with this plan has to begin its last write, in seconds of time.monotonic."""
        if self._patience.workers == 1:
            return inf
        soonest = self._now() + self._patience.grace
        return max(soonest, min(self._due, self._now() + (inf if look_again is None else look_again)))

    def pause(self, look_again: float | None) -> float | None:
        """What is left of a plan's `look_again` seconds after the waiting that was done here."""
        if look_again is None or self._due == inf:
            return look_again
        return max(LEAST_PAUSE, min(look_again, self._due - self._now()))

    def _begun(self, name: TargetName, reading: Reading[T], before: _UnderWay[T] | None) -> _UnderWay[T]:
        if before is not None and reading.about is not None and reading.about == before.about:
            oldest = self._patience.limit * (1 if before.answer.done() else GIVEN_UP)
            if self._now() - before.began <= oldest:
                return before
        return _UnderWay(reading.about, self._now(), _in_a_thread(name, reading.read))

    def _answered(self, seconds: float) -> bool:
        """Wait for answers; False when none came in time."""
        names = {under_way.answer: name for name, under_way in self._running.items()}
        done, _ = wait(names, timeout=max(0.0, seconds), return_when=FIRST_COMPLETED)
        now = self._now()
        for answer in done:
            name = names[answer]
            under_way = self._running.pop(name)
            if under_way.began < self._started and now - under_way.began > self._patience.limit:
                self._running[name] = self._begun(name, self._readings[name], None)
                continue
            self._answers[name] = answer.result()
            if now <= self._planned + self._patience.grace:
                self._late.discard(name)
        return bool(done)


def at_once[T](tasks: Mapping[TargetName, Callable[[], T]], patience: Patience) -> dict[TargetName, T]:
    """Run all tasks and wait for every one of them."""
    if patience.workers == 1:
        return {name: task() for name, task in tasks.items()}
    with ThreadPoolExecutor(max_workers=patience.workers, thread_name_prefix="target") as pool:
        running = {name: pool.submit(task) for name, task in tasks.items()}
    return {name: task.result() for name, task in running.items()}


def _in_a_thread[T](name: TargetName, read: Callable[[], T]) -> Future[T]:
    """A process that ends does not wait for what does not answer."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(read())
        except BaseException as problem:  # noqa: BLE001 - raised again where the answer is asked for
            answer.set_exception(problem)

    Thread(target=run, name=name, daemon=True).start()
    return answer
