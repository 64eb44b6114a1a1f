"""Who stood behind an address at a time, as the ledger tells it. Pure: records in, attributions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv4Network

from function_app.model.ledger import Holding, Record, RecordKind
from function_app.model.names import ClusterName, Commit, GenerationId, NamespaceName, TenantName

_BITS = 32


@dataclass(frozen=True, slots=True)
class Attribution:
    """One generation that held a range.

    `namespaces` were pointed at it, the last of them by `commit` of `author`; before the first was, these two and the review are
    those of its reservation. `formerly` were the last to be taken off it, at `unrouted_at`: connections that began before may
    still run over it. `holding` is how far it had come, `since` when the range was given to it, `freed_at` when nothing of it was
    left, and `ended_at` when its quarantine was over.
    """

    tenant: TenantName
    cluster: ClusterName
    generation: GenerationId
    range: IPv4Network
    holding: Holding
    namespaces: tuple[NamespaceName, ...]
    commit: Commit
    author: str
    since: datetime
    gateway: str = ""
    approver: str = ""
    pull_request: str = ""
    formerly: tuple[NamespaceName, ...] = ()
    unrouted_at: datetime | None = None
    freed_at: datetime | None = None
    ended_at: datetime | None = None


class LedgerIndex:
    """A hub's records by range, so that a year of them answers at once. Grows with the ledger, which only ever does."""

    def __init__(self) -> None:
        self._count = 0
        self._newest: Record | None = None
        self._by_range: dict[tuple[int, int], list[Record]] = {}

    def follow(self, records: Sequence[Record]) -> None:
        """Take in what has come since; a ledger that does not continue what is known is taken in afresh."""
        if self._count and (len(records) < self._count or records[self._count - 1] != self._newest):
            self._count, self._by_range = 0, {}
        for record in records[self._count :] if self._count else records:
            key = int(record.range.network_address), record.range.prefixlen
            self._by_range.setdefault(key, []).append(record)
        self._count, self._newest = len(records), records[-1] if records else None

    def who_held(self, asked: IPv4Network, at: datetime) -> tuple[Attribution, ...]:
        """Whose range met `asked` at that time, newest first; while nobody's did, who held one last.

        A range in quarantine counts as its former holder's: late packets and logs are theirs.
        """
        address, length = int(asked.network_address), asked.prefixlen
        touching = (
            records
            for (network, prefix), records in self._by_range.items()
            if network >> (shift := _BITS - min(prefix, length)) == address >> shift
        )
        return standing(found for records in touching for found in _folded(records, at))

    def by_range(self) -> Iterator[tuple[IPv4Network, Sequence[Record]]]:
        """Every range that was ever given out, with its records."""
        for (network, prefix), records in self._by_range.items():
            yield IPv4Network((network, prefix)), records


def who_held(records: Sequence[Record], asked: IPv4Network, at: datetime) -> tuple[Attribution, ...]:
    """`LedgerIndex.who_held` for records that are asked once."""
    index = LedgerIndex()
    index.follow(records)
    return index.who_held(asked, at)


def standing(found: Iterable[Attribution]) -> tuple[Attribution, ...]:
    """Those whose range is not free again, newest first; when all are, the one that was last."""
    newest_first = sorted(found, key=lambda each: each.since, reverse=True)
    holding = tuple(each for each in newest_first if each.holding is not Holding.ENDED)
    return holding or tuple(sorted(newest_first, key=_end, reverse=True)[:1])


def after(known: Attribution | None, record: Record) -> Attribution | None:
    """A generation once this record about it was written; None for one that was never reserved, which nobody can have held."""
    if record.kind is RecordKind.RESERVE:
        return _reserved(record, known)
    return _advanced(known, record) if known is not None else None


def _folded(records: Iterable[Record], at: datetime) -> Iterable[Attribution]:
    found: dict[GenerationId, Attribution] = {}
    for record in records:
        if record.at > at:
            continue
        held = after(found.get(record.generation), record)
        if held is not None:
            found[record.generation] = held
    return found.values()


def _reserved(record: Record, known: Attribution | None) -> Attribution:
    """A new generation, or one that was leaving and is wanted again."""
    if known is not None:
        return replace(_by(known, record), holding=Holding.HELD)
    return Attribution(
        tenant=record.tenant,
        cluster=record.cluster,
        generation=record.generation,
        range=record.range,
        holding=Holding.HELD,
        namespaces=(),
        commit=record.commit,
        author=record.author,
        since=record.at,
        gateway=record.gateway,
        approver=record.approver,
        pull_request=record.pull_request,
    )


def _advanced(known: Attribution, record: Record) -> Attribution:
    match record.kind:
        case RecordKind.ROUTE:
            namespaces = tuple(dict.fromkeys((*known.namespaces, *record.namespaces)))
            return replace(_by(known, record), namespaces=namespaces, formerly=(), unrouted_at=None)
        case RecordKind.UNROUTE:
            gone = frozenset(record.namespaces)
            left = tuple(each for each in known.namespaces if each not in gone)
            return replace(known, namespaces=left, formerly=record.namespaces, unrouted_at=record.at)
        case RecordKind.LEAVE:
            return replace(known, holding=Holding.LEAVING)
        case RecordKind.FREED:
            return replace(known, holding=Holding.QUARANTINED, freed_at=record.at)
        case _:
            return replace(known, holding=Holding.ENDED, ended_at=record.at)


def _by(known: Attribution, record: Record) -> Attribution:
    return replace(
        known,
        commit=record.commit,
        author=record.author,
        approver=record.approver,
        pull_request=record.pull_request,
    )


def _end(attribution: Attribution) -> datetime:
    return attribution.ended_at or attribution.since
