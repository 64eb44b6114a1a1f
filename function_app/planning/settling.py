"""Since when a cluster, and the hub, has been at rest with all of a commit in force, or who must act before it can be.

It is what a rollout elsewhere waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from function_app.model.admission import Admission, ScopeKind
from function_app.model.names import ClusterName, TargetName, cluster_target
from function_app.model.plan import Plan, Refusal, RefusalCode
from function_app.model.state import HubState, Rest
from function_app.model.tree import HubDefinitions
from function_app.planning.behind import NEEDS_A_PERSON

HUB = ""
"""The hub among the names of its clusters."""
_SOON_SECONDS = 15.0


def settled_after(
    state: HubState, plan: Plan, admission: Admission, clusters: Iterable[ClusterName], now: datetime
) -> Mapping[str, Rest]:
    """By cluster, and for the hub as `HUB`: what is at rest after this pass, and since when without a break."""
    whole = any(one.scope.kind is ScopeKind.HUB for one in admission.platform) or bool(admission.suspended)
    names = tuple(clusters)
    found = {str(name) for name in names if not whole and _is_at_rest(plan, admission, name)}
    if len(found) == len(names) and not plan.changes and not _refused(plan):
        found.add(HUB)
    return {name: _rest(state, name, plan, now) for name in sorted(found)}


def stuck_after(plan: Plan, admission: Admission, hub: HubDefinitions) -> Mapping[str, str]:
    """By cluster that others come after: what keeps it from rest until a person acts, in words that no pass alone changes."""
    before = {name for cluster in hub.clusters.values() if cluster.spec.rollout for name in cluster.spec.rollout.after}
    found = {name: next(_persons(plan, admission, ClusterName(name)), None) for name in sorted(before)}
    return {name: words for name, words in found.items() if words is not None}


def looking_again(seconds: float | None, before: HubState, after: HubState) -> float | None:
    """The next look: soon when who must act has changed, since this pass decided by what the one before left."""
    if before.stuck.keys() == after.stuck.keys():
        return seconds
    return min(seconds if seconds is not None else _SOON_SECONDS, _SOON_SECONDS)


def _persons(plan: Plan, admission: Admission, name: ClusterName) -> Iterator[str]:
    target = cluster_target(name)
    yield from (f"{one.subject} is refused ({one.code})" for one in plan.refused if _is_on(one, target))
    for row in plan.attachments:
        deferral = admission.deferred.get(row.key)
        persons = NEEDS_A_PERSON.issuperset(row.waiting_for) or (deferral is not None and deferral.until is None)
        if row.key.cluster == name and row.waiting_for and persons:
            yield f"{row.key} waits for {', '.join(row.waiting_for)}"
    for one in (*admission.suspended.values(), *admission.platform):
        if one.until is None and (one.scope in admission.suspended or one.scope.name in (name, plan.hub)):
            yield f"{one.scope} is not taken up: {one.words}"


def _is_on(refusal: Refusal, target: TargetName) -> bool:
    """It names the target, or a resource on it."""
    return refusal.subject.split(" ", 1)[0] == target


def _is_at_rest(plan: Plan, admission: Admission, name: ClusterName) -> bool:
    target = cluster_target(name)
    rows = [row for row in plan.attachments if row.key.cluster == name]
    moving = any(
        change.target == target or any(key.cluster == name for key in change.attachments) for change in plan.changes
    )
    return (
        str(name) in plan.clusters
        and not moving
        and all(row.current and not row.waiting_for for row in rows)
        and not any(one.scope.name == name for one in admission.platform)
        and not any(_is_on(one, target) for one in plan.refused)
    )


def _refused(plan: Plan) -> bool:
    """A file that is held back is held back on every hub and says nothing about this one."""
    return any(one.code is not RefusalCode.DEFINITION_HELD for one in plan.refused)


def _rest(state: HubState, name: str, plan: Plan, now: datetime) -> Rest:
    before = state.settled.get(name)
    return Rest(plan.commit, before.since if before is not None else now)
