"""Suspended by a person: until it ends nothing is written there but what denies.

A suspension is a decision kept beside blocks, so it works with Git down, and it always expires. What Git has meanwhile is not
taken up, drift is reported and not undone, what was under way stands still.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace

from function_app.model.admission import Admission, Deferral, DeferralReason, Scope
from function_app.model.names import ClusterName, HubName, TargetName, TenantName, cluster_target, firewall_target
from function_app.model.plan import Change, WaitsFor
from function_app.model.resources import Kind
from function_app.model.state import Decision, DecisionKind
from function_app.planning.connection_names import cluster_of
from function_app.planning.deferring import Asked, Changed, Ground


def _suspensions(asked: Asked) -> Iterator[tuple[Scope, Decision]]:
    for one in asked.active(DecisionKind.SUSPEND):
        scope = Scope.of(one.subject)
        if scope is not None:
            yield scope, one


def suspended(asked: Asked) -> dict[Scope, Deferral]:
    """The suspensions in force."""
    return {scope: _deferral(scope, one) for scope, one in _suspensions(asked)}


def _deferral(scope: Scope, one: Decision) -> Deferral:
    until = f" until {one.expires:%Y-%m-%d %H:%M} UTC" if one.expires is not None else ""
    words = (
        f"{scope.kind} {scope.name} is suspended by {one.by}{until}: {one.reason}. Only what denies is written there; end it with "
        f"`egressctl resume {scope.kind} {scope.name}`"
    )
    return Deferral(scope, DeferralReason.SUSPENDED, words, one.expires)


def _defers(asked: Asked, _changed: Changed) -> Iterable[Deferral]:
    return suspended(asked).values()


SUSPENSION = Ground(applies=lambda asked: any(_suspensions(asked)), defers=_defers)


def standing_still(
    hub: HubName,
    clusters: Iterable[ClusterName],
    changes: Iterable[Change],
    admission: Admission,
    open_filters: Container[TargetName],
) -> Iterator[Change]:
    """The same changes, in which those wait that write where somebody suspended; on the firewall only what denies is left.

    A shared object of a cluster is written for others as well and goes on, unless all that it serves is suspended. A filter that
    is open is closed even then: it keeps the cluster's other routes in, which nobody suspended.
    """
    names = tuple(clusters)
    for change in changes:
        closes = change.resource.kind is Kind.BGP_FILTER and change.target in open_filters
        stands = (
            admission.suspended
            and change.target != firewall_target(hub)
            and _stands(hub, names, change, admission, closes=closes)
        )
        yield replace(change, waits_for=WaitsFor.SUSPENDED) if stands else change


def _stands(
    hub: HubName, clusters: tuple[ClusterName, ...], change: Change, admission: Admission, *, closes: bool
) -> bool:
    cluster = next((name for name in clusters if change.target == cluster_target(name)), None)
    if cluster is None:
        cluster = cluster_of(change.resource.name, clusters)
    if admission.suspension_of(hub, cluster, None) is not None:
        return True
    if closes:
        return False
    tenants: set[TenantName] = {key.tenant for key in change.attachments}
    return bool(tenants) and all(admission.suspension_of(hub, None, tenant) is not None for tenant in tenants)
