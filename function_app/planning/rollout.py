"""A cluster, or a hub, takes a commit up after those that come before it have been at rest with that commit for a while.

Another hub's status is read as a wait and nothing else: what it says lets us go on or keeps us, and never makes us write. At rest
means: everything of the commit is in force there, nothing waits, nothing is refused. The time counts from the last change there, so
a commit that changes nothing on the canary does not begin it anew, and one that follows another goes out with it. Trouble there
stops us, in words, for as long as it lasts. Should the state be lost, nobody remembers who was at rest: all is taken up at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from function_app.model.admission import Deferral, DeferralReason, Scope
from function_app.model.definitions import Rollout
from function_app.model.names import HubName
from function_app.model.plan import RefusalCode
from function_app.planning.deferring import Asked, Changed, Ground

_SOON = timedelta(seconds=15)
_LATER = timedelta(seconds=60)

type _NotYet = tuple[str, datetime | None]
"""Why not yet, in words, and when to ask again; None when a person must act there."""


def hubs_before(asked: Asked) -> tuple[HubName, ...]:
    """The hubs whose status must be read."""
    rollout = asked.hub.hub.spec.rollout
    return tuple(HubName(name) for name in (rollout.after if rollout is not None else ()))


def _applies(asked: Asked) -> bool:
    return bool(hubs_before(asked)) or any(one.spec.rollout for one in asked.hub.clusters.values())


def _defers(asked: Asked, _changed: Changed) -> Iterable[Deferral]:
    own = asked.hub.hub.spec.rollout
    if own is not None:
        reasons = (_hub_not_yet(asked, HubName(name), own) for name in own.after)
        yield from _deferred(Scope.hub(asked.hub.name), own, reasons)
    for name, cluster in asked.hub.clusters.items():
        rollout = cluster.spec.rollout
        if rollout is not None:
            reasons = (_cluster_not_yet(asked, before, rollout) for before in rollout.after)
            yield from _deferred(Scope.cluster(name), rollout, reasons)


ROLLOUT = Ground(applies=_applies, defers=_defers, strict=False)


def _deferred(scope: Scope, rollout: Rollout, reasons: Iterable[_NotYet | None]) -> Iterator[Deferral]:
    """The first reason tells; the time is that of the one that is asked soonest."""
    found = [one for one in reasons if one is not None]
    if found:
        again = min((until for _, until in found if until is not None), default=None)
        words = f"{scope.kind} {scope.name} comes after {', '.join(rollout.after)} (at rest for {rollout.wait}): {found[0][0]}"
        yield Deferral(scope, DeferralReason.ROLLOUT, words, again)


def _cluster_not_yet(asked: Asked, before: str, rollout: Rollout) -> _NotYet | None:
    rest = asked.state.settled.get(before)
    if rest is not None and rest.commit == asked.hub.commit:
        return _resting(before, rest.since, rollout, asked.now)
    if rest is not None:
        return f"{before} has not come to {asked.hub.commit[:10]} yet", asked.now + _SOON
    stuck = asked.state.stuck.get(before)
    if stuck is not None:
        return f"{before} is not at rest, which stops the rollout: {stuck}", None
    waits = {key: one for key, one in asked.state.waits.items() if key.endswith(f"@{before}") and one.waiting_for}
    if not waits:
        return f"{before} is not at rest yet", asked.now + _SOON
    key, first = next(iter(sorted(waits.items())))
    return f"{before} is not at rest: {key} waits for {first.waiting_for}{_more(len(waits))}", asked.now + _LATER


def _hub_not_yet(asked: Asked, before: HubName, rollout: Rollout) -> _NotYet | None:
    report, later = asked.elsewhere.get(before), asked.now + _LATER
    if report is None:
        return f"nothing is known of {before} yet", later
    since = report.get("settled_since")
    if report.get("commit") == asked.hub.commit and isinstance(since, str):
        return _resting(before, datetime.fromisoformat(since), rollout, asked.now)
    refused = [one for one in _rows(report, "refused") if one.get("code") != RefusalCode.DEFINITION_HELD]
    if refused:
        return (
            f"{before} is in trouble, which stops the rollout: {refused[0].get('message')}{_more(len(refused))}",
            None,
        )
    if report.get("commit") != asked.hub.commit:
        return f"{before} has not come to {asked.hub.commit[:10]} yet", later
    waiting = [one for one in _rows(report, "attachments") if one.get("waiting_for")]
    again = later if report.get("look_again_seconds") is not None else None
    if not waiting:
        return f"{before} is not at rest yet", again
    row = waiting[0]
    codes = ", ".join(sorted(str(code) for code in row.get("waiting_for") or ()))
    words = f"{before} is not at rest: {row.get('tenant')}@{row.get('cluster')} waits for {codes}"
    return words + _more(len(waiting)), again


def _resting(before: str, since: datetime, rollout: Rollout, now: datetime) -> _NotYet | None:
    until = since + rollout.rest
    return (
        (f"{before} is at rest since {since:%Y-%m-%d %H:%M} UTC, until {until:%H:%M}", until) if until > now else None
    )


def _more(count: int) -> str:
    return f", and {count - 1} more" if count > 1 else ""


def _rows(report: Mapping[str, object], key: str) -> list[Mapping[str, Any]]:
    rows = report.get(key)
    return [one for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []
