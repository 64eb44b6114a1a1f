"""Who changed a shard outside Git, by Azure's activity log: for people, after it was undone. Nothing fails by it.

The log shows a write some minutes late, so it is asked again until it names somebody, or an hour is over. Writes of ours are told
by the id that each of our requests bears.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from function_app.model.names import HubName, firewall_target
from function_app.model.resources import ActivityLog, Body, Kind, Unreadable, is_our_request
from function_app.model.state import Drift

ASKED_FOR = timedelta(hours=1)
LOOKS_BACK = timedelta(days=1)
"""Drift is found within minutes, unless nobody looked."""
_NOBODY = "unknown, because Azure's activity log shows no write by anybody else"


def unexplained(drifts: Mapping[str, Drift], hub: HubName) -> Mapping[str, datetime]:
    """Shards whose drift was undone and of which nobody is named yet, with the time of that."""
    target = str(firewall_target(hub))
    shards = {drift: _shard(drift) for drift in drifts.values() if drift.target == target and not drift.who}
    return {shard: drift.at for drift, shard in shards.items() if shard}


def explained(
    drifts: Mapping[str, Drift], hub: HubName, log: ActivityLog | Unreadable | None, now: datetime
) -> Mapping[str, Drift]:
    """The drifts, with who it was where the log tells; what it cannot tell is said when it will not be asked again."""
    asked = unexplained(drifts, hub)
    found = {shard: _who(log, shard, at, now) for shard, at in asked.items()}
    return {
        key: replace(drift, who=found[_shard(drift)])
        if not drift.who and asked.get(_shard(drift)) == drift.at
        else drift
        for key, drift in drifts.items()
    }


def _shard(drift: Drift) -> str:
    kind, _, name = drift.resource.partition("/")
    return name if kind == Kind.RULE_COLLECTION_GROUP else ""


def _who(log: ActivityLog | Unreadable | None, shard: str, undone: datetime, now: datetime) -> str:
    last = now - undone >= ASKED_FOR
    if log is None:
        return ""
    if isinstance(log, Unreadable):
        return f"unknown, because Azure's activity log cannot be read: {log.message}" if last or log.permanent else ""
    if shard not in log.events:
        return ""
    for event in sorted(log.events[shard], key=lambda each: str(each.get("eventTimestamp")), reverse=True):
        caller, at = str(event.get("caller") or ""), str(event.get("eventTimestamp") or "")
        if caller and _is_write(event) and not is_our_request(_request_of(event)):
            return f"{_printable(caller)} at {_printable(at)}, says Azure's activity log"
    return _NOBODY if last else ""


def _is_write(event: Body) -> bool:
    name = event.get("operationName")
    operation = str(name.get("value") if isinstance(name, Mapping) else "").lower()
    status = event.get("status")
    failed = isinstance(status, Mapping) and status.get("value") == "Failed"
    return operation.endswith(("/rulecollectiongroups/write", "/rulecollectiongroups/delete")) and not failed


def _request_of(event: Body) -> str:
    request = event.get("httpRequest")
    return str(request.get("clientRequestId") or "") if isinstance(request, Mapping) else ""


def _printable(text: str) -> str:
    return "".join(each for each in text if each.isprintable())[:80]
