"""Who stood behind an address at a time, as the ledger tells it. Pure: records in, attributions out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv4Network

from function_app.model.ledger import Holding, Record, RecordKind
from function_app.model.names import ClusterName, Commit, GenerationId, NamespaceName, TenantName

_BITS = 32


@dataclass(frozen=True, slots=True)
class Attribution:
    """One generation that held a range.

    `namespaces` were pointed at it, the last of them by `commit` of `author`; before the first was, these two are those of its
    reservation. `holding` is how far it had come, `since` when the range was given to it, `freed_at` when nothing of it was
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
    freed_at: datetime | None = None
    ended_at: datetime | None = None


def who_held(records: Iterable[Record], asked: IPv4Network, at: datetime) -> tuple[Attribution, ...]:
    """Whose range met `asked` at that time, newest first; while nobody's did, who held one last.

    A range in quarantine counts as its former holder's: late packets and logs are theirs.
    """
    found: dict[GenerationId, Attribution] = {}
    for record in _touching(records, asked):
        if record.at > at:
            continue
        known = found.get(record.generation)
        if record.kind is RecordKind.RESERVE:
            found[record.generation] = _reserved(record, known)
        elif known is not None:
            found[record.generation] = _advanced(known, record)
    newest_first = sorted(found.values(), key=lambda each: each.since, reverse=True)
    holding = tuple(each for each in newest_first if each.holding is not Holding.ENDED)
    return holding or tuple(sorted(newest_first, key=_end, reverse=True)[:1])


def _touching(records: Iterable[Record], asked: IPv4Network) -> Iterable[Record]:
    """Records about ranges that meet the one asked for. A year holds some hundred thousand, so nothing is built on the way."""
    address, length = int(asked.network_address), asked.prefixlen
    for record in records:
        shift = _BITS - min(record.range.prefixlen, length)
        if int(record.range.network_address) >> shift == address >> shift:
            yield record


def _reserved(record: Record, known: Attribution | None) -> Attribution:
    """A new generation, or one that was leaving and is wanted again."""
    if known is not None:
        return replace(known, holding=Holding.HELD, commit=record.commit, author=record.author)
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
    )


def _advanced(known: Attribution, record: Record) -> Attribution:
    match record.kind:
        case RecordKind.ROUTE:
            namespaces = tuple(dict.fromkeys((*known.namespaces, *record.namespaces)))
            return replace(known, namespaces=namespaces, commit=record.commit, author=record.author)
        case RecordKind.UNROUTE:
            gone = frozenset(record.namespaces)
            return replace(known, namespaces=tuple(each for each in known.namespaces if each not in gone))
        case RecordKind.LEAVE:
            return replace(known, holding=Holding.LEAVING)
        case RecordKind.FREED:
            return replace(known, holding=Holding.QUARANTINED, freed_at=record.at)
        case _:
            return replace(known, holding=Holding.ENDED, ended_at=record.at)


def _end(attribution: Attribution) -> datetime:
    return attribution.ended_at or attribution.since
