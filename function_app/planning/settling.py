"""Since when a cluster, and the hub, has been at rest with all of a commit in force: what a rollout elsewhere waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from function_app.model.admission import Admission, ScopeKind
from function_app.model.names import ClusterName, cluster_target
from function_app.model.plan import Plan, RefusalCode
from function_app.model.state import HubState, Rest

HUB = ""
"""The hub among the names of its clusters."""


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
        and not any(one.subject.startswith(target) for one in plan.refused)
    )


def _refused(plan: Plan) -> bool:
    """A file that is held back is held back on every hub and says nothing about this one."""
    return any(one.code is not RefusalCode.DEFINITION_HELD for one in plan.refused)


def _rest(state: HubState, name: str, plan: Plan, now: datetime) -> Rest:
    before = state.settled.get(name)
    return Rest(plan.commit, before.since if before is not None else now)
