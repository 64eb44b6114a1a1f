"""Ledger, state and leases that a history can watch, and in which a process can die."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from function_app.model.ledger import Record
from function_app.model.names import HubName
from function_app.model.state import HubState
from simulator.memory import MemoryLease, MemoryLeases, MemoryLedger, MemoryState
from simulator.model.faults import Crash

Appended = Callable[[Sequence[Record], Sequence[Record]], None]


@dataclass
class WatchedLedger(MemoryLedger):
    """`dies` is `before` or `after` while the process is to die at the next append."""

    dies: str = ""
    on_append: Appended = lambda _before, _added: None

    def append(self, records: Iterable[Record]) -> None:
        """Append and tell; or die on the way."""
        planned, self.dies = self.dies, ""
        if planned == "before":
            raise Crash("before the ledger was appended to")
        before, added = tuple(self.records), tuple(records)
        super().append(added)
        self.on_append(before, added)
        if planned == "after":
            raise Crash("after the ledger was appended to")


@dataclass
class WatchedState(MemoryState):
    """`dies` lets the process die before the next write."""

    dies: bool = False

    def write(self, state: HubState, epoch: int) -> None:
        """Replace, or die before."""
        planned, self.dies = self.dies, False
        if planned:
            raise Crash("before the state was written")
        super().write(state, epoch)


@dataclass
class WatchedLeases(MemoryLeases):
    """Leases that a dead process does not give back. `on_acquire` is told of each."""

    on_acquire: Callable[[MemoryLease], None] = field(default=lambda _: None)

    def acquire(self, hub: HubName, holder: str) -> MemoryLease | None:
        """As ever, but told."""
        lease = super().acquire(hub, holder)
        if lease is None:
            return None
        mortal = MortalLease(self, hub, lease.epoch)
        self.on_acquire(mortal)
        return mortal

    def holds(self, lease: MemoryLease) -> bool:
        """Whether the lease is still its holder's, without renewing it."""
        epoch, until = self.held.get(lease.hub, (0, None))
        return epoch == lease.epoch and until is not None and until >= self.clock.now()


@dataclass
class MortalLease(MemoryLease):
    """A lease of a process that may die: then nobody releases it."""

    def release(self) -> None:
        """Give it back, unless this process is dying."""
        if not isinstance(sys.exception(), Crash):
            super().release()
