"""What a pass tells to the outside once it is over: the ledger's new records, as log events.

Who reads the firewall's log in Log Analytics joins it with these events: a tenant stands behind an address. So a record is logged
at least once, in order, whatever dies in between; and since a workspace forgets after some weeks what a ledger keeps for years,
the records that still hold are logged again each day. What cannot be told keeps no pass from being made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import structlog

from function_app.model.errors import LeaseLost, StateError
from function_app.model.ledger import BrokenLedger, Generation, Ledger, Record, RecordKind, fold
from function_app.model.names import HubName
from function_app.service.parts import Parts


def tell(hub: HubName, parts: Parts, epoch: int) -> None:
    """Tell what has not been told of a hub; `epoch` is the lease's under which the pass was made."""
    try:
        told = parts.told.read(hub)
        ledger = fold(parts.stores(hub).ledger.read())
        today = parts.clock.now().date()
        for record in ledger.records:
            if record.seq > told.ledger_seq:
                _log(hub, record, restated=False)
        if told.restated_on != today:
            for record in standing(ledger):
                if record.seq <= told.ledger_seq:
                    _log(hub, record, restated=True)
        now_told = replace(told, ledger_seq=ledger.last_seq, restated_on=today)
        if now_told != told:
            parts.told.write(hub, now_told, epoch)
    except LeaseLost:
        return  # a newer pass tells
    except (StateError, BrokenLedger) as problem:
        structlog.get_logger().warning("telling.failed", hub=hub, problem=str(problem))


def standing(ledger: Ledger) -> Iterator[Record]:
    """The records by which live generations hold their ranges and namespaces point at them, in their order."""
    live = {generation.id: generation for generation in ledger.live()}
    newest: dict[tuple[str, ...], Record] = {}
    for record in ledger.records:
        if (generation := live.get(record.generation)) is not None:
            for key in _holds(record, generation):
                newest[key] = record
    yield from sorted(set(newest.values()), key=lambda record: record.seq)


def _holds(record: Record, generation: Generation) -> Iterable[tuple[str, ...]]:
    """What of a live generation a record is the reason for; a later one takes its place."""
    if record.kind is RecordKind.ROUTE:
        return tuple((record.generation, name) for name in record.namespaces if name in generation.routed)
    return ((record.generation, record.kind),) if record.kind in (RecordKind.RESERVE, RecordKind.LEAVE) else ()


def _log(hub: HubName, record: Record, *, restated: bool) -> None:
    """The event's shape is a contract: docs/telemetry.md."""
    structlog.get_logger().info(
        "ledger.recorded",
        hub=hub,
        seq=record.seq,
        epoch=record.epoch,
        at=record.at.isoformat(),
        kind=record.kind.value,
        tenant=record.tenant,
        cluster=record.cluster,
        generation=record.generation,
        range=str(record.range),
        namespaces=list(record.namespaces),
        commit=record.commit,
        author=record.author,
        restated=restated,
    )
