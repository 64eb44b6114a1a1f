"""Repository, state and clock of a hub in memory, behind the reconciler's ports: for stories and searches.

They keep the promises of the real ones (durable, fenced by epoch) and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from function_app.model.approval import Shown
from function_app.model.errors import CommitGone, LeaseLost, SourceError, StateError
from function_app.model.ledger import Record
from function_app.model.names import Commit, HubName
from function_app.model.once import Row
from function_app.model.state import Decision, HubState
from function_app.ports import BlobEntry, CommitEntry
from simulator.model.clock import VirtualClock

LEASE_SECONDS = 60.0


class MemoryRepository:
    """First-parent history made of dictionaries: path -> text."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._line: list[tuple[CommitEntry, dict[str, bytes]]] = []
        self._branches: dict[Commit, tuple[CommitEntry, dict[str, bytes]]] = {}
        self._rewound: dict[Commit, list[tuple[CommitEntry, dict[str, bytes]]]] = {}
        self._blobs: dict[str, bytes] = {}
        self.reachable = True

    def commit(self, files: Mapping[str, str | None], author: str = "someone@example.com") -> Commit:
        """Add a commit; None deletes a file. Paths are relative to the definitions folder."""
        entry, tree = self._made(files, author)
        self._line.append((entry, tree))
        return entry.commit

    def propose(self, files: Mapping[str, str | None], author: str = "someone@example.com") -> Commit:
        """A commit on a branch of its own that leaves the line where it ends now; to merge it, commit the same files."""
        entry, tree = self._made(files, f"{author} on a branch")
        self._branches[entry.commit] = entry, tree
        return entry.commit

    def rewind(self, to: int, *, gone: bool = False) -> Commit:
        """Drop the newest commits, as a force-push does, keeping the first `to`.

        By their ids they can still be read, as in a copy that had fetched them, unless they are `gone`.
        """
        for end in range(to, 0 if gone else len(self._line)):
            self._rewound[self._line[end][0].commit] = self._line[: end + 1]
        del self._line[to:]
        return self._line[-1][0].commit

    def _made(self, files: Mapping[str, str | None], author: str) -> tuple[CommitEntry, dict[str, bytes]]:
        parent, tree = (self._line[-1][0].commit, dict(self._line[-1][1])) if self._line else (None, {})
        for path, text in files.items():
            if text is None:
                tree.pop(path, None)
            else:
                tree[path] = text.encode()
        for content in tree.values():
            self._blobs[_blob_id(content)] = content
        seed = repr((len(self._line), sorted(tree.items()), author)).encode()
        commit = Commit(hashlib.sha1(seed, usedforsecurity=False).hexdigest())
        return CommitEntry(commit, author, self._clock.now(), parent), tree

    def fetch(self) -> None:
        """Nothing to bring, unless the repository is made unreachable."""
        if not self.reachable:
            raise SourceError("the repository cannot be reached")

    def resolve(self, ref: str) -> Commit:
        """`main` is the newest commit; anything else must be a commit id."""
        if ref == "main" and self._line:
            return self._line[-1][0].commit
        for entry, _ in (*self._line, *self._branches.values()):
            if entry.commit == ref:
                return entry.commit
        raise SourceError(f"{ref} does not exist")

    def first_parents(self, commit: Commit, since: Commit | None) -> Sequence[CommitEntry]:
        """The line up to `commit`, without `since` and what lies before it; raises CommitGone."""
        if commit in self._branches:
            entry = self._branches[commit][0]
            before = self.first_parents(entry.first_parent, since) if entry.first_parent not in (None, since) else []
            return [*before, entry]
        entries = [entry for entry, _ in self._line]
        if commit not in (entry.commit for entry in entries):
            entries = [entry for entry, _ in self._rewound.get(commit, ())]
        ids = [entry.commit for entry in entries]
        if commit not in ids:
            raise CommitGone(f"commit {commit[:12]} is gone from the repository")
        start = ids.index(since) + 1 if since in ids else 0
        return entries[start : ids.index(commit) + 1]

    def merge_base(self, one: Commit, other: Commit) -> Commit | None:
        """The older of the two, or where a branch left the line."""
        if other in self._branches:
            other = self._branches[other][0].first_parent or other
        before = [entry.commit for entry in self.first_parents(other, None)]
        return one if one in before else other

    def entries(self, commit: Commit) -> Sequence[BlobEntry]:
        """All files of one commit."""
        known = (*self._line, *self._branches.values(), *(line[-1] for line in self._rewound.values()))
        tree = next(tree for entry, tree in known if entry.commit == commit)
        return [BlobEntry(path, 0o100644, _blob_id(content), len(content)) for path, content in sorted(tree.items())]

    def read(self, blob: str) -> bytes:
        """One blob."""
        return self._blobs[blob]


@dataclass
class MemoryShown:
    """`ShownPlans` in memory."""

    kept: dict[tuple[HubName, Commit], list[Shown]] = field(default_factory=dict)

    def add(self, hub: HubName, shown: Shown) -> None:
        """Unless the last one for the commit was the same."""
        known = self.kept.setdefault((hub, shown.head), [])
        if not known or _digests(known[-1]) != _digests(shown):
            known.append(shown)

    def of(self, hub: HubName, head: Commit) -> tuple[Shown, ...]:
        """Oldest first."""
        return tuple(self.kept.get((hub, head), ()))


def _digests(shown: Shown) -> dict[str, str]:
    return {name: meaning.digest for name, meaning in shown.tenants.items()}


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass
class MemoryLedger:
    """A ledger in memory; `unreadable` makes it so."""

    records: list[Record] = field(default_factory=list)
    unreadable: str = ""
    _read: Row[Record] = field(default_factory=Row)

    def read(self) -> tuple[Record, ...]:
        """All records."""
        if self.unreadable:
            raise StateError(self.unreadable)
        found = Row(self.records)
        if found != self._read:
            self._read = found
        return self._read

    def append(self, records: Iterable[Record]) -> None:
        """All or none, fenced by epoch."""
        if self.unreadable:
            raise StateError(self.unreadable)
        added = tuple(records)
        newest = self.records[-1].epoch if self.records else 0
        if any(record.epoch < newest for record in added):
            raise LeaseLost("a newer epoch has written the ledger")
        self.records.extend(added)


@dataclass
class MemoryState:
    """A hub's small records in memory."""

    state: HubState = field(default_factory=HubState)
    epoch: int = 0
    recorded: dict[tuple[str, str], Decision] = field(default_factory=dict)

    def read(self) -> HubState:
        """What was last written."""
        return self.state

    def write(self, state: HubState, epoch: int) -> None:
        """Replace, fenced by epoch."""
        if epoch < self.epoch:
            raise LeaseLost("a newer epoch has written the state")
        self.state, self.epoch = state, epoch

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions."""
        return tuple(self.recorded.values())

    def decide(self, decision: Decision) -> None:
        """Add or replace."""
        self.recorded[(decision.kind, decision.subject)] = decision

    def withdraw(self, kind: str, subject: str) -> bool:
        """Take back."""
        return self.recorded.pop((kind, subject), None) is not None


@dataclass
class MemoryStatus:
    """The newest report of each hub."""

    reports: dict[HubName, Mapping[str, object]] = field(default_factory=dict)

    epochs: dict[HubName, int] = field(default_factory=dict)

    def record(self, hub: HubName, report: Mapping[str, object], epoch: int) -> None:
        """Keep it, fenced by epoch."""
        if epoch < self.epochs.get(hub, 0):
            raise LeaseLost("a newer epoch has written the status")
        self.reports[hub], self.epochs[hub] = report, epoch

    def latest(self, hub: HubName) -> Mapping[str, object] | None:
        """The newest one."""
        return self.reports.get(hub)


@dataclass
class MemoryLease:
    """One holder's lease."""

    leases: MemoryLeases
    hub: HubName
    epoch: int

    def check(self) -> None:
        """Ours and not run out, else LeaseLost; renews."""
        epoch, until = self.leases.held.get(self.hub, (0, None))
        if epoch != self.epoch or until is None or until < self.leases.clock.now():
            raise LeaseLost("the lease is held by somebody else or has run out")
        self.leases.held[self.hub] = (self.epoch, self.leases.clock.now() + timedelta(seconds=LEASE_SECONDS))

    def release(self) -> None:
        """Give it back."""
        if self.leases.held.get(self.hub, (0, None))[0] == self.epoch:
            self.leases.held[self.hub] = (self.epoch, None)


@dataclass
class MemoryLeases:
    """Leases by hub, on virtual time."""

    clock: VirtualClock
    held: dict[HubName, tuple[int, datetime | None]] = field(default_factory=dict)

    def acquire(self, hub: HubName, holder: str) -> MemoryLease | None:
        """The next epoch, unless somebody holds the hub."""
        del holder
        epoch, until = self.held.get(hub, (0, None))
        if until is not None and until >= self.clock.now():
            return None
        self.held[hub] = (epoch + 1, self.clock.now() + timedelta(seconds=LEASE_SECONDS))
        return MemoryLease(self, hub, epoch + 1)
