"""What keeps a cluster, after which others come, from rest until a person acts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from planning_builders import CLUSTER, HUB, KEY, NOON, the_sample

from function_app.model.admission import Admission, Deferral, DeferralReason, Scope
from function_app.model.definitions import Rollout
from function_app.model.names import ClusterName, Commit, PlanId, TenantName
from function_app.model.plan import AttachmentState, Plan, Refusal, RefusalCode, Stage, WaitsFor
from function_app.planning.settling import stuck_after

_LAST = ClusterName("spoke2-aks")


def _order(*, ordered: bool = True) -> Any:
    hub = the_sample()
    spec = hub.clusters[_LAST].spec
    rollout = Rollout(after=(CLUSTER,), wait="30m") if ordered else None
    last = hub.clusters[_LAST].model_copy(update={"spec": spec.model_copy(update={"rollout": rollout})})
    return replace(hub, clusters={**hub.clusters, _LAST: last})


def _plan(*waits: WaitsFor, refused: str = "") -> Plan:
    row = AttachmentState(KEY, "10.99.0.0/29", Stage.ROUTED, current=True, waiting_for=waits, detail="")
    refusals = (Refusal(RefusalCode.FOREIGN_PEER, refused, "Somebody's."),) if refused else ()
    return Plan(PlanId("p"), HUB, Commit("c"), (), (), refusals, (row,))


def _deferral(scope: Scope, until: datetime | None) -> Deferral:
    return Deferral(scope, DeferralReason.ROLLOUT, "later", until)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (f"cluster/{CLUSTER}", f"cluster/{CLUSTER} is refused (foreign-peer)"),
        (f"cluster/{CLUSTER} BGPPeer/theirs", f"cluster/{CLUSTER} BGPPeer/theirs is refused (foreign-peer)"),
        (f"cluster/{CLUSTER}2", None),
    ],
)
def test_a_refusal_is_of_the_cluster_that_it_names(subject: str, words: str | None) -> None:
    """On the cluster or on a resource there, and not on another whose name begins with the same letters."""
    assert words == stuck_after(_plan(refused=subject), Admission(), _order()).get(CLUSTER)


@pytest.mark.parametrize(
    ("waits", "stuck"), [((WaitsFor.NAMESPACE,), True), ((WaitsFor.DRAIN, WaitsFor.NAMESPACE), False), ((), False)]
)
def test_an_attachment_that_waits_for_a_person_alone_keeps_its_cluster(
    waits: tuple[WaitsFor, ...], stuck: bool
) -> None:
    """While it waits for time as well, that is waited for first."""
    assert stuck == bool(stuck_after(_plan(*waits), Admission(), _order()))


@pytest.mark.parametrize(("until", "stuck"), [(None, True), (NOON, False)])
def test_what_is_deferred_without_an_end_keeps_its_cluster(until: datetime | None, stuck: bool) -> None:
    """An attachment that itself comes after somebody who is stuck, the cluster's own file, and any suspension, of whomever."""
    cluster, tenant = Scope.cluster(CLUSTER), Scope.tenant(TenantName("other"))
    row = Admission(deferred={KEY: _deferral(cluster, until)})
    platform = Admission(platform=(_deferral(cluster, until),))
    suspended = Admission(suspended={tenant: _deferral(tenant, until)})

    assert stuck == bool(stuck_after(_plan(WaitsFor.ROLLOUT), row, _order()))
    assert stuck == bool(stuck_after(_plan(), platform, _order()))
    assert stuck == bool(stuck_after(_plan(), suspended, _order()))
    assert {} == stuck_after(_plan(), Admission(platform=(_deferral(Scope.cluster(_LAST), until),)), _order())


def test_nothing_is_kept_of_clusters_after_which_nobody_comes() -> None:
    """Nobody reads it."""
    assert {} == stuck_after(_plan(WaitsFor.NAMESPACE), Admission(), _order(ordered=False))
