"""Answering who asks: how hubs stand, what a pass would do, and who stood behind an address. Nothing is decided or written here."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

from function_app.measuring import carried
from function_app.model.errors import EgressError, StateError
from function_app.model.names import HubName
from function_app.model.plan import Stage
from function_app.reconcile import preview
from function_app.reporting.json_report import preview_json, status_json
from function_app.reporting.page import HubContent, Page, content_of, render
from function_app.service import showing
from function_app.service.attribution import attributed, holders
from function_app.service.history import last_error
from function_app.service.parts import Parts, Stores
from function_app.service.requests import (
    Answer,
    BadRequest,
    Json,
    address_range,
    hub_name,
    moment_of,
    needed,
    only,
    optional,
)

PASSES_SHOWN, MOST_PASSES = 10, 200


def status(asked: Mapping[str, object], parts: Parts) -> Answer:
    """How hubs stand, from what is stored: `?hub=NAME`, else all; `?passes=N` for up to 200. Raises BadRequest, StateError."""
    only(asked, {"hub", "passes"})
    shown = _how_many(optional(asked, "passes"))
    poisoned = [{"hub": each.hub, "since": each.since.isoformat()} for each in parts.passes.poisoned()]
    rows = [_hub_status(hub, parts, shown) for hub in _hubs(asked, parts.known_hubs())]
    return Answer(200, {"hubs": rows, "poisoned": poisoned})


def plan(asked: Mapping[str, object], parts: Parts) -> Answer:
    """What a pass would do now, read afresh from Git and the targets: `?hub=NAME`, else all. Raises BadRequest, SourceError.

    With `?ref=BRANCH`, and `&base=BRANCH` for another than ours, what merging it would bring about: a review, comment included.
    """
    only(asked, {"hub", "ref", "base"})
    ref, base = optional(asked, "ref"), optional(asked, "base")
    if ref:
        return showing.answer(ref, base or None, parts)
    if base:
        raise BadRequest("`base` goes with `ref`, the branch that is to be merged.")
    source = parts.source()
    hubs = _hubs(asked, sorted(source.tree.definitions.hubs))

    def previewed(hub: HubName) -> Json:
        try:
            return preview_json(preview(hub, source, parts.ports(hub, source.tree), parts.patience))
        except EgressError as problem:
            return {"hub": hub, "problem": str(problem)}

    return Answer(200, parts.patience.previewing(len(hubs))(carried(previewed), hubs))


def whois(asked: Mapping[str, object], parts: Parts) -> Answer:
    """Who stood behind an address: `?address=10.99.0.3&at=2026-11-23T14:05:00Z&hub=NAME`; now and all hubs unless said.

    Raises BadRequest, StateError.
    """
    only(asked, {"hub", "address", "at"})
    address, at = address_range(needed(asked, "address", "10.99.0.3")), optional(asked, "at")
    now = parts.clock.now()
    hubs = _hubs(asked, parts.known_hubs())
    return Answer(200, attributed({hub: parts.stores(hub) for hub in hubs}, address, moment_of(at) if at else now, now))


def page(asked: Mapping[str, object], parts: Parts) -> Page:
    """All hubs as one HTML page, with who was behind `?address=` if one is asked for.

    Raises BadRequest for what nobody knows, StateError.
    """
    only(asked, {"address", "at"})
    address, now, problem = optional(asked, "address"), parts.clock.now(), ""
    found: Json | None = None
    if address:
        try:
            found = cast("Json", whois(asked, parts).body)
        except BadRequest as wrong:
            problem = str(wrong)
    contents = [
        content(_hub_status(hub, parts, PASSES_SHOWN), hub, parts.stores(hub), now) for hub in parts.known_hubs()
    ]
    return render(contents, now, found=found, asked=address, problem=problem)


def content(row: Json, hub: HubName, stores: Stores, now: datetime) -> HubContent:
    """A hub for the page; a ledger that cannot be read is said, the rest is shown."""
    try:
        return content_of(row, holders(hub, stores, now), now)
    except StateError as problem:
        return content_of({**row, "problem": f"{row.get('problem') or ''} {problem}".strip()}, (), now)


def health() -> Answer:
    """For probes, and open to strangers: settings could be read, and the one program that is needed is there."""
    if shutil.which("git") is None:
        return Answer(503, {"status": "git is missing"})
    return Answer(200, {"status": "ok"})


def _hub_status(hub: HubName, parts: Parts, shown: int) -> Json:
    """The newest report, blocks, suspensions, what is asked for and the last passes; what cannot be read is said."""
    stores, problems = parts.stores(hub), list[str]()
    row: Json = {}
    try:
        row["latest"] = stores.status.latest(hub)
    except StateError as problem:
        problems.append(str(problem))
    try:
        now = parts.clock.now()
        row["decided"] = tuple(one for one in stores.state.decisions() if one.is_in_force(now))
    except StateError as problem:
        problems.append(str(problem))
    try:
        row["asked"] = _asked(hub, parts)
        row["entries"] = parts.history.entries(hub)
    except StateError as problem:
        problems.append(str(problem))
    latest, decided, entries = row.get("latest"), row.get("decided"), row.get("entries")
    passes = entries if isinstance(entries, tuple) else ()
    return {
        **status_json(
            hub,
            latest if isinstance(latest, Mapping) else None,
            decided if isinstance(decided, tuple) else (),
            " ".join(problems),
        ),
        "asked": row.get("asked"),
        "last_error": last_error(passes),
        "coverage": coverage(latest) if isinstance(latest, Mapping) else {},
        "passes": list(passes[-shown:]),
    }


def coverage(report: Mapping[str, object]) -> Json:
    """By cluster, how many namespaces leave as tenants and how many as nodes: `{CLUSTER: {as_tenants, as_nodes}}`."""
    attachments, nodes = report.get("attachments"), report.get("unattributed")
    rows = [each for each in attachments if isinstance(each, Mapping)] if isinstance(attachments, list) else []
    found: Json = {}
    for cluster, names in nodes.items() if isinstance(nodes, Mapping) else ():
        tenants = {
            str(name)
            for each in rows
            if each.get("cluster") == cluster and each.get("stage") == Stage.ROUTED.value
            for name in each.get("namespaces") or ()
        }
        found[str(cluster)] = {"as_tenants": len(tenants), "as_nodes": len(names)}
    return found


def _how_many(text: str) -> int:
    """How many passes are shown; raises BadRequest."""
    if not text:
        return PASSES_SHOWN
    if not text.isdecimal() or not 0 < int(text) <= MOST_PASSES:
        raise BadRequest(f"`passes` must be a number from 1 to {MOST_PASSES}.")
    return int(text)


def _asked(hub: HubName, parts: Parts) -> Json:
    asked = parts.intents.read(hub)
    again = asked.look_again_at
    return {
        "pending": asked.pending,
        "reasons": sorted(each.value for each in asked.intent.reasons),
        "by": list(asked.intent.by),
        "look_again_at": again.isoformat() if again else None,
    }


def _hubs(asked: Mapping[str, object], known: Iterable[str]) -> tuple[HubName, ...]:
    """The one that is asked for, or all; raises BadRequest."""
    all_of_them, name = tuple(HubName(each) for each in known), optional(asked, "hub")
    if not name:
        return all_of_them
    if hub_name(name) not in all_of_them:
        raise BadRequest(f"There is no hub of that name; known are: {', '.join(all_of_them) or 'none yet'}.", 404)
    return (HubName(name),)
