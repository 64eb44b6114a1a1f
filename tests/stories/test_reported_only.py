"""Where drift is only reported, what lies in or builds on what somebody deleted waits for the person who brings it back."""

from __future__ import annotations

from typing import Any

import pytest
from stories.desk import Desk, describe, sample

from function_app.model.plan import ChangeReason, WaitsFor
from function_app.model.report import Report, Result

CLUSTER = "spoke1-aks"
_CLUSTER_FILE, _TENANT_FILE = f"clusters/{CLUSTER}.yaml", "tenants/tenant0.yaml"
TENANT = sample(_TENANT_FILE)[_TENANT_FILE]
HOME = ("Namespace", None, "tenant0-egw")
POOL = ("IPPool", None, "tenant0-pool")
GATEWAY = ("EgressGateway", "tenant0-egw", "tenant0-egw")
BUDGET = ("PodDisruptionBudget", "tenant0-egw", "tenant0-egw")
POLICY = ("EgressGatewayPolicy", None, "tenant0-egw")
Named = tuple[str, str | None, str]


def bypassing(text: str = TENANT) -> str:
    """A tenant's file with a destination that does not go through the gateway."""
    return text.replace("  expect:", "    bypass: [192.168.0.0/16]\n  expect:", 1)


def corrected() -> dict[str, str]:
    """The cluster's definition, under which drift is undone."""
    return sample(_CLUSTER_FILE)


def reported(text: str) -> Desk:
    """Settled with tenant0 as in `text`; drift on its cluster is only reported."""
    desk = Desk.with_platform()
    reporting = corrected()[_CLUSTER_FILE].replace("spec:\n", "spec:\n  drift: report\n", 1)
    desk.commit({_TENANT_FILE: text, _CLUSTER_FILE: reporting})
    assert desk.settle().converged
    return desk


def delete(desk: Desk, what: Named) -> None:
    """Somebody deletes it, and everything in it is gone before anybody commits."""
    desk.world.clusters[CLUSTER].api.delete(*what)
    for _ in range(3):
        desk.run_pass()
        desk.world.advance(15)


def failures(desk: Desk) -> list[str]:
    """Writes that were refused, in all passes."""
    return [
        str(one.change.resource)
        for report in desk.reports
        for one in report.outcomes
        if one.result in (Result.FAILED, Result.SKIPPED)
    ]


def waiting(report: Report) -> dict[str, WaitsFor | None]:
    """What each change waits for."""
    return {str(one.resource): one.waits_for for one in report.plan.changes}


def marks(desk: Desk, kind: str, name: str) -> dict[str, Any]:
    """An object's labels."""
    found = next(one for one in desk.world.clusters[CLUSTER].api.objects(kind) if one["metadata"]["name"] == name)
    return dict(found["metadata"]["labels"])


def test_a_gateway_that_went_with_its_namespace_is_drift_like_it() -> None:
    """While the namespace was Terminating no pass looked further, and the next took what had been in it for new."""
    desk = reported(TENANT)
    delete(desk, HOME)

    stopped = desk.settle()
    row = desk.attachment("tenant0", CLUSTER)
    desk.commit(corrected())
    last = desk.settle()

    assert stopped.stopped, describe(stopped)
    assert {(ChangeReason.DRIFT, WaitsFor.PERSON)} == {(one.reason, one.waits_for) for one in stopped.plan.changes}
    assert (WaitsFor.PERSON,) == row.waiting_for
    assert [] == failures(desk)
    assert last.converged, describe(last)


@pytest.mark.parametrize("gone", [HOME, POOL, GATEWAY], ids=lambda one: one[0])
@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        pytest.param(
            TENANT.replace("{replicas: 2}", "{replicas: 2, disruptionBudget: false}"),
            TENANT,
            {"PodDisruptionBudget/tenant0-egw/tenant0-egw"},
            id="a budget comes",
        ),
        pytest.param(
            TENANT, bypassing(), {"EgressGatewayPolicy/tenant0-egw", "Namespace/default"}, id="a bypass comes"
        ),
        pytest.param(
            TENANT,
            TENANT.replace("{replicas: 2}", "{replicas: 2, logSeverity: Debug}"),
            {"EgressGateway/tenant0-egw/tenant0-egw"},
            id="the gateway is edited",
        ),
    ],
)
def test_what_a_commit_adds_to_it_waits_for_the_same_person(
    gone: Named, before: str, after: str, held: set[str]
) -> None:
    """It is new or edited, and would be written into nothing in each pass; once drift is corrected all of it comes."""
    desk = reported(before)
    delete(desk, gone)
    desk.commit({_TENANT_FILE: after})

    stopped = desk.settle()
    row = desk.attachment("tenant0", CLUSTER)
    desk.commit(corrected())
    last = desk.settle()

    expected = held if gone != GATEWAY else held | {"EgressGateway/tenant0-egw/tenant0-egw"}
    assert stopped.stopped, describe(stopped)
    assert {WaitsFor.PERSON} == set(waiting(stopped).values())
    assert expected <= set(waiting(stopped)), describe(stopped)
    assert (WaitsFor.PERSON,) == row.waiting_for
    assert [] == failures(desk)
    assert last.converged, describe(last)


def test_another_range_waits_for_the_namespace_that_both_gateways_live_in() -> None:
    """The next generation's pool and gateway are new; its row names the person, and nothing is tried."""
    desk = reported(TENANT)
    delete(desk, HOME)
    desk.commit({_TENANT_FILE: TENANT.replace("10.99.0.0/29", "10.99.0.64/29")})

    stopped = desk.settle()
    row = desk.attachment("tenant0", CLUSTER)
    desk.commit(corrected())
    last = desk.settle()

    assert stopped.stopped, describe(stopped)
    assert WaitsFor.PERSON in row.waiting_for
    assert [] == failures(desk)
    assert last.converged, describe(last)


def test_nothing_waits_for_a_budget() -> None:
    """Nobody lives in one: a bypass comes while the budget is missed."""
    desk = reported(TENANT)
    delete(desk, BUDGET)
    desk.commit({_TENANT_FILE: bypassing()})

    stopped = desk.settle()

    assert {"PodDisruptionBudget/tenant0-egw/tenant0-egw": WaitsFor.PERSON} == waiting(stopped), describe(stopped)
    assert () == desk.attachment("tenant0", CLUSTER).waiting_for
    assert desk.world.clusters[CLUSTER].api.objects("EgressGatewayPolicy")


def test_no_namespace_is_pointed_at_a_policy_that_does_not_exist() -> None:
    """Whose connections are dropped already says so, and whoever comes keeps its way until the policy is there."""
    desk = reported(bypassing())
    desk.world.clusters[CLUSTER].api.create("Namespace", None, {"metadata": {"name": "pay"}}, manager="kubectl")
    delete(desk, POLICY)
    alone = desk.attachment("tenant0", CLUSTER)
    desk.commit({_TENANT_FILE: bypassing(TENANT.replace("[default]", "[default, pay]"))})

    stopped = desk.settle()
    held = desk.attachment("tenant0", CLUSTER)
    annotated = {
        one["metadata"]["name"]: "egress.projectcalico.org/egressGatewayPolicy"
        in one["metadata"].get("annotations", {})
        for one in desk.world.clusters[CLUSTER].api.objects("Namespace")
    }
    desk.commit(corrected())
    last = desk.settle()

    assert ((WaitsFor.PERSON,), (WaitsFor.PERSON,)) == (alone.waiting_for, held.waiting_for)
    assert "needs EgressGatewayPolicy/tenant0-egw, which does not exist" in held.detail
    assert stopped.stopped, describe(stopped)
    assert (True, False) == (annotated["default"], annotated["pay"])
    assert last.converged, describe(last)


def test_a_peer_that_went_while_its_filter_could_not_be_kept_is_drift() -> None:
    """The filter had lost its marks, so no pass looked at its peers, and a deleted one came back as new."""
    desk = reported(TENANT)
    api, labels = desk.world.clusters[CLUSTER].api, marks(desk, "BGPFilter", "export-egress-ips")
    unmarked = dict.fromkeys(labels)
    api.merge_patch("BGPFilter", None, "export-egress-ips", {"metadata": {"labels": unmarked}}, manager="kubectl-edit")
    delete(desk, ("BGPPeer", None, "azure-route-server-a"))
    api.merge_patch("BGPFilter", None, "export-egress-ips", {"metadata": {"labels": labels}}, manager="kubectl-edit")

    assert WaitsFor.PERSON is waiting(desk.run_pass())["BGPPeer/azure-route-server-a"]


def test_a_peering_that_went_beside_somebody_elses_is_drift() -> None:
    """While theirs was there ours was not looked at, and when theirs was gone ours came back as new."""
    desk = reported(TENANT)
    api = desk.world.clusters[CLUSTER].api
    theirs = {"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'"}
    api.create("BGPPeer", None, {"metadata": {"name": "theirs"}, "spec": theirs}, manager="kubectl")
    delete(desk, ("BGPPeer", None, "peer-with-route-reflectors"))
    api.delete("BGPPeer", None, "theirs")

    assert WaitsFor.PERSON is waiting(desk.run_pass())["BGPPeer/peer-with-route-reflectors"]
