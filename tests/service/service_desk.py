"""A service over one simulated hub, in process: what is asked, the queue and history in memory, on virtual time.

The memory ports keep the promises of the real ones. `crash_at` ends the process at its n-th call to one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from stories.desk import HUB, IN_ORDER, PLATFORM, Desk, sample

from function_app.gathering import Patience, Unanswered
from function_app.looking import Seen
from function_app.model.errors import LeaseLost, SourceError, StateError
from function_app.model.intent import HubIntent, Intent, merged
from function_app.model.names import Commit, HubName
from function_app.model.telling import CommitStatus, Notice, Told
from function_app.model.tree import Tree
from function_app.ports import (
    Clock,
    CommitStatuses,
    History,
    HubPorts,
    Intents,
    Leases,
    LedgerStore,
    Notices,
    Passes,
    PoisonedMessage,
    StateStore,
    StatusStore,
    ToldStore,
)
from function_app.reconcile import Source
from function_app.reviewing import Compared, compared
from function_app.service.intake import first_look
from function_app.service.passes import Ran, run_hub
from simulator.memory import MemoryLedger, MemoryShown, MemoryState, MemoryStatus


class Killed(BaseException):
    """The process ends here; nothing but the queue's own memory of the message goes on."""


@dataclass
class MemoryIntents:
    """`Intents` in memory."""

    hubs: dict[HubName, HubIntent] = field(default_factory=dict)
    unreachable: bool = False

    def record(self, hub: HubName, intent: Intent) -> int:
        """One more."""
        self._check()
        now = self.hubs.get(hub, HubIntent())
        self.hubs[hub] = replace(now, wanted=now.wanted + 1, intent=merged(now.intent, intent))
        return now.wanted + 1

    def read(self, hub: HubName) -> HubIntent:
        """Where it stands."""
        self._check()
        return self.hubs.get(hub, HubIntent())

    def served(self, hub: HubName, upto: int, at: datetime) -> None:
        """Up to there."""
        self._check()
        now = self.read(hub)
        done = max(now.served, upto)
        if done > now.served:
            left = Intent() if done >= now.wanted else now.intent
            self.hubs[hub] = replace(now, served=done, served_at=at, intent=left)

    def look_again(self, hub: HubName, at: datetime | None) -> bool:
        """Note it."""
        self._check()
        now = self.read(hub)
        self.hubs[hub] = replace(now, look_again_at=at)
        return now.look_again_at != at

    def _check(self) -> None:
        if self.unreachable:
            raise StateError("storage cannot be reached")


@dataclass
class MemoryPasses:
    """`Passes` in memory: messages with the time at which they appear. `sent` are the delays of all that were ever sent."""

    now: Callable[[], datetime]
    messages: list[tuple[datetime, HubName | None]] = field(default_factory=list)
    sent: list[tuple[HubName | None, float]] = field(default_factory=list)
    poison: list[PoisonedMessage] = field(default_factory=list)

    def send(self, hub: HubName | None, delay_seconds: float = 0.0) -> None:
        """Put it in."""
        self.messages.append((self.now() + timedelta(seconds=delay_seconds), hub))
        self.sent.append((hub, delay_seconds))

    def poisoned(self) -> tuple[PoisonedMessage, ...]:
        """What was set aside."""
        return tuple(self.poison)

    def revive(self) -> tuple[PoisonedMessage, ...]:
        """Once more."""
        taken, self.poison = tuple(self.poison), []
        for each in taken:
            if each.hub is not None:
                self.send(each.hub)
        return taken

    def visible(self) -> list[tuple[datetime, HubName | None]]:
        """What can be received now."""
        return sorted(
            (each for each in self.messages if each[0] <= self.now()), key=lambda each: (each[0], each[1] or "")
        )


@dataclass
class MemoryHistory:
    """`History` in memory."""

    kept: dict[HubName, list[Mapping[str, object]]] = field(default_factory=dict)
    epochs: dict[HubName, int] = field(default_factory=dict)
    problem: str = ""

    def add(self, hub: HubName, entry: Mapping[str, object], epoch: int) -> None:
        """Fenced by epoch."""
        if self.problem:
            raise StateError(self.problem)
        if epoch < self.epochs.get(hub, 0):
            raise LeaseLost("a newer epoch has written the history")
        self.kept.setdefault(hub, []).append(entry)
        self.epochs[hub] = epoch

    def entries(self, hub: HubName) -> tuple[Mapping[str, object], ...]:
        """Oldest first."""
        return tuple(self.kept.get(hub, ()))


@dataclass
class MemoryTold:
    """`ToldStore` in memory."""

    kept: dict[HubName, tuple[Told, int]] = field(default_factory=dict)
    problem: str = ""

    def read(self, hub: HubName) -> Told:
        """What was written."""
        if self.problem:
            raise StateError(self.problem)
        return self.kept.get(hub, (Told(), 0))[0]

    def write(self, hub: HubName, told: Told, epoch: int) -> None:
        """Fenced by epoch."""
        if epoch < self.kept.get(hub, (Told(), 0))[1]:
            raise LeaseLost("a newer epoch has told")
        self.kept[hub] = (told, epoch)


@dataclass
class MemoryChannel:
    """`Notices` and `CommitStatuses` in memory."""

    given: list[Notice] = field(default_factory=list)
    statuses: list[CommitStatus] = field(default_factory=list)
    problem: str = ""

    def give(self, notice: Notice) -> None:
        """One notice."""
        self._check()
        self.given.append(notice)

    def set(self, status: CommitStatus) -> None:
        """One status."""
        self._check()
        self.statuses.append(status)

    def _check(self) -> None:
        if self.problem:
            raise SourceError(self.problem)


@dataclass(frozen=True, slots=True)
class MemoryStores:
    """What is kept of a hub."""

    ledger: LedgerStore
    state: StateStore
    status: StatusStore


class Watched:
    """A port whose calls are told before and after they are made."""

    def __init__(self, port: object, told: Callable[[str, str], None]) -> None:
        self._port = port
        self._told = told

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value):
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            self._told("before", name)
            result = value(*arguments, **named)
            self._told("after", name)
            return Watched(result, self._told) if name == "acquire" and result is not None else result

        return call


@dataclass
class ServiceDesk:
    """`Parts` for one hub's world. `on_fetch` is called when a pass fetches, `on_call` with each call to a port of the service."""

    desk: Desk
    memory: MemoryIntents = field(default_factory=MemoryIntents)
    chronicle: MemoryHistory = field(default_factory=MemoryHistory)
    tellings: MemoryTold = field(default_factory=MemoryTold)
    channel: MemoryChannel = field(default_factory=MemoryChannel)
    shown: MemoryShown = field(default_factory=MemoryShown)
    fetches: int = 0
    fetched: Source | None = None
    source_problem: str = ""
    on_fetch: Callable[[], None] = lambda: None
    on_call: Callable[[str, str], None] = lambda _when, _name: None
    queue: MemoryPasses = field(init=False)
    known: set[HubName] = field(default_factory=lambda: {HUB})
    redelivery_seconds: float = 600.0
    holder: str = "desk"
    patience: Patience = IN_ORDER

    def __post_init__(self) -> None:
        self.queue = MemoryPasses(self.desk.world.clock.now)

    @classmethod
    def with_platform(cls) -> ServiceDesk:
        """A service whose repository holds hub, clusters, guardrails and rule sets, and no tenant."""
        return cls(Desk.with_platform())

    @property
    def clock(self) -> Clock:
        """Virtual."""
        return self.desk.ports.clock

    @property
    def intents(self) -> Intents:
        """Watched."""
        return cast("Intents", Watched(self.memory, self._told))

    @property
    def passes(self) -> Passes:
        """Watched."""
        return cast("Passes", Watched(self.queue, self._told))

    @property
    def history(self) -> History:
        """Watched."""
        return cast("History", Watched(self.chronicle, self._told))

    @property
    def told(self) -> ToldStore:
        """Watched."""
        return cast("ToldStore", Watched(self.tellings, self._told))

    @property
    def commit_statuses(self) -> CommitStatuses:
        """Kept."""
        return self.channel

    @property
    def notices(self) -> Notices:
        """Kept."""
        return self.channel

    @property
    def leases(self) -> Leases:
        """Watched."""
        return cast("Leases", Watched(self.desk.ports.leases, self._told))

    def source(self, *, fetch: bool = True) -> Source:
        """The newest tree, counted, or the one that was fetched last."""
        if not fetch and self.fetched is not None:
            return self.fetched
        self.fetches += 1
        self.fetched = None
        self.on_fetch()
        if self.source_problem:
            raise SourceError(self.source_problem)
        self.fetched = self.desk.tree()
        return self.fetched

    def compared(self, base: str | None, head: str) -> Compared:
        """Two commits of the desk's one line."""
        repository, today = self.desk.repository, self.clock.now().date()
        commits = repository.resolve(base or "main"), repository.resolve(head)
        return compared(repository, *commits, today=today, root="gitops")

    def committed_at(self, commit: Commit) -> datetime | None:
        """As the repository knows."""
        line = self.desk.repository.first_parents(self.desk.repository.resolve("main"), None)
        return next((entry.at for entry in line if entry.commit == commit), None)

    def known_hubs(self) -> tuple[HubName, ...]:
        """Those with something kept."""
        return tuple(sorted(self.known | self.memory.hubs.keys()))

    def stores(self, hub: HubName) -> MemoryStores:
        """The world's hub's, and empty ones for any other."""
        if hub != HUB:
            return MemoryStores(MemoryLedger(), MemoryState(), MemoryStatus())
        ports = self.desk.ports
        return MemoryStores(ports.ledger, ports.state, ports.status)

    def ports(self, _hub: HubName, _tree: Tree) -> HubPorts:
        """The world's, its leases and status watched."""
        ports = self.desk.ports
        return replace(
            ports,
            leases=self.leases,
            status=cast("StatusStore", Watched(ports.status, self._told)),
            state=cast("StateStore", Watched(ports.state, self._told)),
        )

    def unanswered(self, _hub: HubName) -> Unanswered[Seen]:
        """Nothing is ever left."""
        return Unanswered()

    def _told(self, when: str, name: str) -> None:
        self.on_call(when, name)

    def deliver(self) -> Ran | None:
        """Receive one visible message and complete it; one whose receiver is killed or fails appears again later."""
        visible = self.queue.visible()
        if not visible:
            return None
        message = visible[0]
        self.queue.messages.remove(message)
        try:
            if message[1] is None:
                first_look(self)
                return Ran.NOTHING
            return run_hub(message[1], self)
        except (Killed, Exception):
            self.queue.messages.append((self.clock.now() + timedelta(seconds=self.redelivery_seconds), message[1]))
            raise

    def work(self) -> list[Ran]:
        """Deliver all that is visible, and what that makes visible."""
        done: list[Ran] = []
        while (ran := self.deliver()) is not None:
            done.append(ran)
            assert len(done) < 1000, "messages without end"
        return done

    def work_for(self, seconds: float, step: float = 5.0) -> list[Ran]:
        """Work while time goes by."""
        done = self.work()
        for _ in range(int(seconds / step)):
            self.desk.world.advance(step)
            done += self.work()
        return done

    def crash_at(self, number: int) -> None:
        """Be killed at the n-th moment before or after a call, counted from here, once."""
        left = number

        def count(_when: str, _name: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        self.on_call = count


__all__ = ["HUB", "PLATFORM", "Killed", "MemoryIntents", "ServiceDesk", "sample"]
