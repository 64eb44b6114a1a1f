"""Who held which range from when to when, by which commit. Append-only; written before the first write that makes it true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Network

from function_app.model.definitions import OnRemoval
from function_app.model.names import (
    GENERATION_LABEL,
    AttachmentKey,
    ClusterName,
    Commit,
    GenerationId,
    NamespaceName,
    TenantName,
)
from function_app.model.once import Keeper, once


class RecordKind(StrEnum):
    """What a ledger record says."""

    RESERVE = "reserve"
    ROUTE = "route"
    UNROUTE = "unroute"
    LEAVE = "leave"
    FREED = "freed"
    QUARANTINE_END = "quarantine_end"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the ledger.

    `seq` counts from 1 without gaps within a hub, `epoch` is the lease's. `gateway` (NAMESPACE/NAME) and `pool` are the
    names that the generation bears on its cluster; `on_removal` stands on `leave` and tells what becomes of the workloads.
    `commit` last changed the tenant's file, `author` wrote it, `approver` and `pull_request` are what it says of its review;
    once the file is gone, `commit` is the one in force.
    """

    seq: int
    epoch: int
    at: datetime
    kind: RecordKind
    tenant: TenantName
    cluster: ClusterName
    generation: GenerationId
    range: IPv4Network
    namespaces: tuple[NamespaceName, ...]
    commit: Commit
    author: str
    gateway: str = ""
    pool: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    on_removal: OnRemoval = OnRemoval.NODE
    approver: str = ""
    pull_request: str = ""


class Holding(StrEnum):
    """How far a generation has come in the ledger."""

    HELD = "held"
    LEAVING = "leaving"
    QUARANTINED = "quarantined"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Generation(Keeper):
    """One pool-and-gateway pair as the ledger knows it.

    `routed` are the namespaces recorded as pointing here with the time of the record; `switched_at` is the time of the last
    `route` record. `labels` are the gateway's template labels (they carry the generation id unless adopted).
    """

    id: GenerationId
    key: AttachmentKey
    range: IPv4Network
    gateway_namespace: str
    gateway: str
    pool: str
    labels: Mapping[str, str] = field(hash=False)
    holding: Holding
    reserved_at: datetime
    commit: Commit
    routed: Mapping[NamespaceName, datetime] = field(default_factory=dict, hash=False)
    switched_at: datetime | None = None
    leaving_at: datetime | None = None
    freed_at: datetime | None = None
    on_removal: OnRemoval = OnRemoval.NODE

    @property
    def live(self) -> bool:
        """Something of it may still exist on the cluster."""
        return self.holding in (Holding.HELD, Holding.LEAVING)

    @property
    def cidr(self) -> str:
        """Its range as clusters and firewall write it."""
        return _written(self)


@once
def _written(generation: Generation) -> str:
    return str(generation.range)


@dataclass(frozen=True)
class Ledger:
    """A hub's ledger, read and folded. `last_seq` is 0 when it holds nothing.

    Without slots, because live generations are grouped once, when they are first asked for.
    """

    records: tuple[Record, ...]
    generations: Mapping[GenerationId, Generation]

    @property
    def last_seq(self) -> int:
        """Sequence number of the newest record."""
        return self.records[-1].seq if self.records else 0

    def live(self) -> tuple[Generation, ...]:
        """Generations that are held or leaving, oldest first."""
        return self._live

    @cached_property
    def _live(self) -> tuple[Generation, ...]:
        return tuple(generation for generation in self.generations.values() if generation.live)

    def of(self, key: AttachmentKey) -> tuple[Generation, ...]:
        """Live generations of one attachment, oldest first."""
        return self._by_attachment.get(key, ())

    @cached_property
    def _by_attachment(self) -> Mapping[AttachmentKey, tuple[Generation, ...]]:
        found: dict[AttachmentKey, tuple[Generation, ...]] = {}
        for generation in self.live():
            found[generation.key] = (*found.get(generation.key, ()), generation)
        return found

    def stamped(self, drafts: Iterable[Record], epoch: int) -> tuple[Record, ...]:
        """Drafts with the next sequence numbers and the lease's epoch."""
        return tuple(replace(draft, seq=seq, epoch=epoch) for seq, draft in enumerate(drafts, start=self.last_seq + 1))

    def with_drafts(self, drafts: Iterable[Record]) -> Ledger:
        """The ledger as it will be once these drafts are appended; raises BrokenLedger."""
        return fold(self.stamped(drafts, epoch=0), onto=self)


@once
def folded(records: Sequence[Record]) -> Ledger:
    """All records of a hub as its ledger; raises BrokenLedger."""
    return fold(records)


class BrokenLedger(ValueError):
    """Records that contradict each other: a gap in `seq`, or a record about a generation that was never reserved."""


def fold(records: Iterable[Record], *, onto: Ledger | None = None) -> Ledger:
    """Replay records into generations, after those of a ledger that is folded already; raises BrokenLedger."""
    kept, before = tuple(records), onto or Ledger((), {})
    if not kept:
        return before
    generations = dict(before.generations)
    for position, record in enumerate(kept, start=before.last_seq + 1):
        if record.seq != position:
            raise BrokenLedger(f"record {position} has seq {record.seq}: the ledger has a gap or was reordered")
        if record.kind is RecordKind.RESERVE:
            known = generations.get(record.generation)
            generations[record.generation] = reserved = _reserved(record, known, position)
            if known is None and GENERATION_LABEL not in reserved.labels:
                generations.update({one.id: _unnamed(one) for one in generations.values() if _gives_up(one, reserved)})
            continue
        known = generations.get(record.generation)
        if known is None:
            raise BrokenLedger(f"record {position} speaks of generation {record.generation}, which was never reserved")
        generations[record.generation] = _advanced(known, record)
    return Ledger(before.records + kept, generations)


def _reserved(record: Record, known: Generation | None, position: int) -> Generation:
    """A new generation; or one that was leaving and is wanted again before it was freed."""
    if known is not None and known.holding is Holding.LEAVING:
        return replace(known, holding=Holding.HELD, leaving_at=None, on_removal=OnRemoval.NODE, commit=record.commit)
    if known is not None:
        raise BrokenLedger(f"record {position} reserves generation {record.generation} a second time")
    namespace, _, gateway = record.gateway.rpartition("/")
    return Generation(
        id=record.generation,
        key=AttachmentKey(record.tenant, record.cluster),
        range=record.range,
        gateway_namespace=namespace,
        gateway=gateway,
        pool=record.pool,
        labels=record.labels,
        holding=Holding.HELD,
        reserved_at=record.at,
        commit=record.commit,
    )


def _gives_up(known: Generation, reserved: Generation) -> bool:
    """Its names were adopted anew while nobody was ever routed to it: what stands under them is not of its making."""
    names = known.gateway_namespace, known.gateway
    return (
        known.live
        and known.id != reserved.id
        and known.key == reserved.key
        and known.switched_at is None
        and names == (reserved.gateway_namespace, reserved.gateway)
    )


def _unnamed(known: Generation) -> Generation:
    """Under names that nothing bears, so that nobody takes what is another generation's for its own."""
    gateway, pool = f"{known.gateway}-{known.id}", f"{known.pool}-{known.id}"
    return replace(known, gateway=gateway, pool=pool, labels={GENERATION_LABEL: str(known.id)})


def _advanced(known: Generation, record: Record) -> Generation:
    match record.kind:
        case RecordKind.ROUTE:
            routed = {**known.routed, **dict.fromkeys(record.namespaces, record.at)}
            return replace(known, routed=routed, switched_at=record.at)
        case RecordKind.UNROUTE:
            gone = set(record.namespaces)
            return replace(known, routed={name: at for name, at in known.routed.items() if name not in gone})
        case RecordKind.LEAVE:
            return replace(known, holding=Holding.LEAVING, leaving_at=record.at, on_removal=record.on_removal)
        case RecordKind.FREED:
            return replace(known, holding=Holding.QUARANTINED, freed_at=record.at)
        case _:
            return replace(known, holding=Holding.ENDED)
