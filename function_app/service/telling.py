"""What a pass tells to the outside once it is over: ledger records as log events, the commit's status, notices to owners.

Who reads the firewall's log in Log Analytics joins it with the ledger's events: a tenant stands behind an address. So a record is
logged at least once, in order, whatever dies in between; and since a workspace forgets after some weeks what a ledger keeps for
years, the records that still hold are logged again each day. What cannot be told keeps no pass from being made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

import structlog

from function_app.measuring import ROUTED_SECONDS
from function_app.model.errors import LeaseLost, SettingsError, SourceError, StateError
from function_app.model.ledger import BrokenLedger, Holding, Ledger, Record, RecordKind, fold
from function_app.model.names import HubName
from function_app.model.report import Report
from function_app.model.telling import Notice, Told
from function_app.model.tree import Tree
from function_app.reporting.commit_status import statuses_to_set
from function_app.reporting.notices import notices_of, remembered, untold
from function_app.service.parts import Parts

MOST_NOTICES = 10
"""Of one pass; the others follow with the next ones, so that a bad hour does not fill a channel at once."""


def tell(hub: HubName, parts: Parts, epoch: int, report: Report, tree: Tree) -> None:
    """Tell what has not been told of a hub; `epoch` is the lease's under which the pass was made."""
    try:
        told = parts.told.read(hub)
        now = parts.clock.now()
        after = _statuses(parts, report, _notices(hub, parts, report, tree, now, _ledger(hub, parts, now, told)))
        if after != told:
            parts.told.write(hub, after, epoch)
    except LeaseLost:
        return  # a newer pass tells
    except (StateError, BrokenLedger) as problem:
        structlog.get_logger().warning("telling.failed", hub=hub, problem=str(problem))


def _ledger(hub: HubName, parts: Parts, now: datetime, told: Told) -> Told:
    ledger = fold(parts.stores(hub).ledger.read())
    for record in ledger.records:
        if record.seq > told.ledger_seq:
            _log(hub, record, restated=False)
            _measure(hub, record, parts)
    if told.restated_on != now.date():
        for record in standing(ledger):
            if record.seq <= told.ledger_seq:
                _log(hub, record, restated=True)
    return replace(told, ledger_seq=ledger.last_seq, restated_on=now.date())


def _statuses(parts: Parts, report: Report, told: Told) -> Told:
    """What was set before one fails is remembered; the rest is tried again after the next pass."""
    newest = told.status
    try:
        channel = parts.commit_statuses
    except SettingsError as problem:
        structlog.get_logger().warning("commit_status.failed", hub=report.plan.hub, problem=str(problem))
        return told
    if channel is None:
        return told
    for status in statuses_to_set(report, told.status):
        try:
            channel.set(status)
        except SourceError as problem:
            structlog.get_logger().warning("commit_status.failed", hub=status.hub, problem=str(problem))
            break
        newest = status
    return replace(told, status=newest)


def _notices(hub: HubName, parts: Parts, report: Report, tree: Tree, now: datetime, told: Told) -> Told:
    channel = parts.notices
    if channel is None:
        return told
    found = notices_of(report, tree, parts.stores(hub).state.decisions(), now)
    new, failed = untold(found, told.notices, now), list[Notice]()
    for notice in new[:MOST_NOTICES]:
        try:
            channel.give(notice)
        except SourceError as problem:
            structlog.get_logger().warning("notice.failed", hub=hub, kind=notice.kind.value, problem=str(problem))
            failed.append(notice)
    return replace(told, notices=remembered(found, told.notices, now, (*failed, *new[MOST_NOTICES:])))


def standing(ledger: Ledger) -> Iterator[Record]:
    """The records from which all that still holds can be told, in their order: a replay of them ends where that of all does.

    Ranges in quarantine are among it, since late packets are their former holder's.
    """
    held = {generation.id for generation in ledger.generations.values() if generation.holding is not Holding.ENDED}
    newest: dict[tuple[str, ...], Record] = {}
    for record in ledger.records:
        if record.generation in held:
            newest.setdefault((record.generation, "first"), record)
            for key in _says(record):
                newest[key] = record
    yield from sorted(set(newest.values()), key=lambda record: record.seq)


def _says(record: Record) -> Iterable[tuple[str, ...]]:
    """What a record says of its generation; a later one that says the same takes its place.

    A namespace that was taken off is said again too: the record that routed it may speak of others that still are.
    """
    said = [(record.generation, "namespace", name) for name in record.namespaces]
    return said if record.kind is RecordKind.UNROUTE else [(record.generation, record.kind), *said]


def _measure(hub: HubName, record: Record, parts: Parts) -> None:
    if record.kind is RecordKind.ROUTE and (committed := parts.committed_at(record.commit)) is not None:
        ROUTED_SECONDS.record(max((record.at - committed).total_seconds(), 0.0), {"hub": hub})


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
