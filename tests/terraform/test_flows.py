"""EgressFlows answers as `egressctl attribute` does, whatever the workspace has forgotten of the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from inspect import cleandoc
from ipaddress import IPv4Network
from typing import Any

import structlog
from attributing.ledger_stories import names, record
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import LogCapture
from terraform.flows_in_python import Row, Rows, Workspace

from function_app.attributing.index import AddressIndex
from function_app.model.ledger import Ledger, Record, fold
from function_app.model.spans import spans
from function_app.service.telling import _log, standing
from terraform_provider.workspace import TREE

QUERY = TREE / "terraform/modules/alerts/queries/egress_flows.kql"
NODE = "10.1.0.7"
NAMESPACES = ("blue", "default", "shop")
DAY = timedelta(days=1)


def test_what_is_restated_is_the_query() -> None:
    """A statement that is changed, added or taken away here or there is changed on both sides."""
    statements = [line for line in QUERY.read_text(encoding="utf-8").splitlines() if not line.startswith("//")]
    restated = [each for each in vars(Workspace).values() if isinstance(each, cached_property)]
    assert statements == [line for each in restated for line in cleandoc(each.__doc__ or "").splitlines()[2:]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Ranges of which one tenant has one at a time; the second lies over the first."""

    tenant: str
    ranges: tuple[str, ...]


PLACES = (
    _Place("tenant0", ("10.99.0.0/29", "10.99.0.0/28")),
    _Place("tenant1", ("10.99.0.16/30",)),
)
AFTER = {
    "reserve": ("route", "leave"),
    "route": ("route", "unroute", "leave"),
    "unroute": ("route", "unroute", "leave"),
    "leave": ("reserve", "unroute", "freed"),
    "freed": ("quarantine_end",),
}


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[Record, ...]:
    """Generations that come, change and go over some weeks; a tenant takes its own range back during quarantine."""
    found: list[Record] = []
    living: dict[str, str] = {}
    place_of: dict[str, tuple[_Place, str]] = {}
    hours = 0.0
    for _ in range(draw(st.integers(1, 30))):
        hours += draw(st.sampled_from((0.0, 0.5, 7.0, 40.0)))
        free = [
            place
            for place in PLACES
            if all(living[one] in ("freed", "quarantine_end") for one in living if place_of[one][0] is place)
        ]
        able = [one for one, last in living.items() if last in AFTER]
        new = draw(st.booleans()) if free and able else bool(free)
        if new:
            place, generation = draw(st.sampled_from(free)), f"{len(living):02x}"
            kind, place_of[generation] = "reserve", (place, draw(st.sampled_from(place.ranges)))
        else:
            generation = draw(st.sampled_from(able))
            kind = draw(st.sampled_from(AFTER[living[generation]]))
        about = draw(st.sets(st.sampled_from(NAMESPACES), min_size=1)) if kind in ("route", "unroute") else set()
        place, held = place_of[generation]
        changed: dict[str, Any] = {"range": IPv4Network(held), "namespaces": names(*sorted(about))}
        found.append(record(len(found) + 1, kind, hours, place.tenant, generation, **changed))
        living[generation] = kind
    return tuple(found)


@settings(max_examples=60)
@given(records=ledgers(), hours=st.integers(0, 200), since=st.sampled_from((timedelta(hours=6), DAY, 3 * DAY)))
def test_the_workbook_says_what_attribute_says(records: tuple[Record, ...], hours: int, since: timedelta) -> None:
    """For each line of the time asked about: at the very moment of a record, before it, in quarantine, of a node, of nobody."""
    now = records[-1].at + timedelta(hours=hours)
    index = AddressIndex(spans(records), {"spoke1-aks": "10.1.0.0/22"}, records[0].at)
    lines = list(_lines(records, now, since))

    told = Workspace(_traces(records, now), lines, now, since).flows

    assert sorted(line["id"] for line in lines) == sorted(line["id"] for line in told)
    for line in told:
        expected = index.who(line["SourceIp"], line["TimeGenerated"].isoformat())
        tenant, cluster, routed, commit, generation, holding = expected.columns
        if not tenant:
            cluster = holding = ""  # why there is nobody, only `attribute` says
        in_order = ", ".join(sorted(filter(None, routed.split(", "))))
        assert (tenant, cluster, in_order, commit, generation, holding) == tuple(
            line[name] for name in ("tenant", "cluster", "names", "commit", "generation", "holding")
        )


@given(records=ledgers())
def test_what_is_told_again_ends_where_the_ledger_does(records: tuple[Record, ...]) -> None:
    """A replay of the standing records knows the same holders, namespaces, commits and stages as one of all."""
    assert _ends(records) == _ends(tuple(standing(fold(records))))


def _ends(records: tuple[Record, ...]) -> dict[str, tuple[object, ...]]:
    return {
        span.held.generation: (span.held.tenant, span.held.range, set(span.held.namespaces), span.held.commit, span.held.holding)
        for span in spans(records)
        if span.ends is None
    }  # fmt: skip


def _traces(records: tuple[Record, ...], now: datetime) -> Rows:
    """What the service logs: each record when it came, and each midnight again what still holds."""
    found = [_told(one, one.at, restated=False) for one in records]
    midnight = records[0].at.replace(hour=0, minute=0) + DAY
    while midnight <= now:
        before = Ledger((), {}) if not (known := [one for one in records if one.at < midnight]) else fold(known)
        found += [_told(one, midnight, restated=True) for one in standing(before)]
        midnight += DAY
    return found


def _told(one: Record, at: datetime, *, restated: bool) -> Row:
    capture = LogCapture()
    structlog.configure(processors=[capture])
    try:
        _log("hub1", one, restated=restated)  # type: ignore[arg-type]
    finally:
        structlog.reset_defaults()
    return {"TimeGenerated": at + timedelta(milliseconds=300), "Message": json.dumps(capture.entries[0])}


def _lines(records: tuple[Record, ...], now: datetime, since: timedelta) -> Iterator[Row]:
    """Every kind of address at every moment that matters and beside it, none before `since`."""
    moments = {one.at + beside for one in records for beside in (timedelta(0), timedelta(microseconds=-1))}
    moments |= {now - since + timedelta(seconds=1), now}
    for moment in sorted(one for one in moments if now - since < one <= now):
        for source in ("10.99.0.1", "10.99.0.9", "10.99.0.17", "192.0.2.1", NODE, "fe80::1", "10.99.0.1/24", ""):
            yield {"TimeGenerated": moment.astimezone(UTC), "SourceIp": source, "id": f"{moment} {source}"}
