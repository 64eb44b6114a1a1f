"""What people and machines change behind our back is found by the next pass and undone, or left alone when it is theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from stories.desk import Desk, describe, sample

from function_app.model.plan import ChangeReason, RefusalCode, WaitsFor
from simulator.model.documents import NodeDocument
from simulator.model.packets import Verdict

CLUSTER = "spoke1-aks"


def the(desk: Desk, kind: str, name: str) -> dict[str, Any]:
    """One object as stored."""
    return next(one for one in desk.world.clusters[CLUSTER].api.objects(kind) if one["metadata"]["name"] == name)


def _delete(kind: str, namespace: str | None, name: str) -> Callable[[Desk], object]:
    return lambda desk: desk.world.clusters[CLUSTER].api.delete(kind, namespace, name)


def _patch(kind: str, namespace: str | None, name: str, body: dict[str, Any]) -> Callable[[Desk], object]:
    return lambda desk: desk.world.clusters[CLUSTER].api.merge_patch(
        kind, namespace, name, body, manager="kubectl-edit"
    )


@pytest.mark.parametrize(
    ("harm", "repaired"),
    [
        pytest.param(
            _delete("BGPFilter", None, "export-egress-ips"), "BGPFilter/export-egress-ips", id="filter deleted"
        ),
        pytest.param(
            _delete("BGPPeer", None, "azure-route-server-a"), "BGPPeer/azure-route-server-a", id="peer deleted"
        ),
        pytest.param(
            _delete("EgressGateway", "tenant0-egw", "tenant0-egw"),
            "EgressGateway/tenant0-egw/tenant0-egw",
            id="gateway deleted",
        ),
        pytest.param(
            _delete("PodDisruptionBudget", "tenant0-egw", "tenant0-egw"),
            "PodDisruptionBudget/tenant0-egw/tenant0-egw",
            id="budget deleted",
        ),
        pytest.param(
            _delete("IPPool", None, "tenant0-pool"), "IPPool/tenant0-pool", id="pool deleted, aggregated mode"
        ),
        pytest.param(
            _patch("BGPFilter", None, "export-egress-ips", {"spec": {"exportV4": [{"action": "Accept"}]}}),
            "BGPFilter/export-egress-ips",
            id="filter opened",
        ),
        pytest.param(
            _patch("EgressGateway", "tenant0-egw", "tenant0-egw", {"spec": {"replicas": 1}}),
            "EgressGateway/tenant0-egw/tenant0-egw",
            id="replicas edited",
        ),
        pytest.param(
            _patch("IPPool", None, "tenant0-pool", {"spec": {"natOutgoing": True}}),
            "IPPool/tenant0-pool",
            id="pool made to SNAT",
        ),
        pytest.param(
            _patch(
                "Namespace", None, "default", {"metadata": {"annotations": {"egress.projectcalico.org/selector": None}}}
            ),
            "Namespace/default",
            id="annotation removed",
        ),
        pytest.param(
            _patch("FelixConfiguration", None, "default", {"spec": {"egressIPSupport": "Disabled"}}),
            "FelixConfiguration/default",
            id="egress support switched off",
        ),
    ],
)
def test_harm_is_undone_by_the_next_pass(settled: Desk, harm: Callable[[Desk], object], repaired: str) -> None:
    """The repair is the next pass's, is called drift, and traffic is the tenant's again."""
    harm(settled)

    report = settled.run_pass()
    last = settled.settle()

    assert (repaired, ChangeReason.DRIFT) in {(str(one.resource), one.reason) for one in report.plan.changes}, describe(
        report
    )
    assert last.converged, describe(last)
    packet = settled.send(CLUSTER, "default", "http://www.tigera.io")
    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.range_tenant)


def test_a_rule_edited_in_the_portal_is_restored(settled: Desk) -> None:
    """A person allows everything for a tenant by hand; the shard is written again as Git has it."""

    def open_wide(properties: dict[str, Any]) -> None:
        for collection in properties["ruleCollections"]:
            for rule in collection["rules"]:
                if "targetFqdns" in rule:
                    rule["targetFqdns"] = ["*"]

    settled.world.hubs["hub1"].edit_group("tenants", "egress-000", open_wide)
    settled.world.advance(300)

    report = settled.run_pass()
    settled.settle()

    assert [ChangeReason.DRIFT] == [one.reason for one in report.plan.changes]
    assert Verdict.DENIED == settled.send(CLUSTER, "default", "http://example.com").verdict


def test_what_operators_write_is_no_drift(settled: Desk) -> None:
    """Affinity, defaults and status that the operator adds to our gateway never make a pass write."""
    gateway = the(settled, "EgressGateway", "tenant0-egw")

    report = settled.run_pass()

    assert "affinity" in gateway["spec"]["template"]["spec"]
    assert 0 == report.writes


def test_a_foreign_object_under_our_name_is_reported_and_not_touched(desk: Desk) -> None:
    """A pool of somebody else bears the name that ours would take: refused with words, everybody else goes on."""
    spec = {"cidr": "10.99.0.0/29", "blockSize": 31, "nodeSelector": "!all()", "vxlanMode": "Never"}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "IPPool", "metadata": {"name": "tenant0-pool"}, "spec": spec}
    desk.world.clusters[CLUSTER].api.create("IPPool", None, body, manager="kubectl")
    before = the(desk, "IPPool", "tenant0-pool")
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))

    report = desk.settle()

    assert RefusalCode.RANGE_HELD in {one.code for one in report.plan.refused}
    assert before == the(desk, "IPPool", "tenant0-pool")
    assert (WaitsFor.FOREIGN,) == desk.attachment("tenant0", CLUSTER).waiting_for
    assert () == desk.attachment("tenant1", CLUSTER).waiting_for


def test_a_peer_of_somebody_else_for_the_same_address_is_reported_and_none_is_added(desk: Desk) -> None:
    """Two peers for one address would make either win by chance."""
    spec = {"peerIP": "10.0.1.4", "asNumber": 65515, "nodeSelector": "all()", "reachableBy": "10.1.0.1"}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "BGPPeer", "metadata": {"name": "by-hand"}, "spec": spec}
    desk.world.clusters[CLUSTER].api.create("BGPPeer", None, body, manager="kubectl")

    report = desk.settle()

    names = {one["metadata"]["name"] for one in desk.world.clusters[CLUSTER].api.objects("BGPPeer")}
    assert RefusalCode.FOREIGN_PEER in {one.code for one in report.plan.refused}
    assert {"by-hand", "azure-route-server-b", "peer-with-route-reflectors"} == names


def test_foreign_annotations_on_a_namespace_are_left_alone(desk: Desk) -> None:
    """Somebody already sends the namespace elsewhere: reported, not overwritten."""
    foreign = {
        "egress.projectcalico.org/selector": "app == 'theirs'",
        "egress.projectcalico.org/namespaceSelector": "all()",
    }
    _patch("Namespace", None, "default", {"metadata": {"annotations": foreign}})(desk)
    desk.commit(sample("tenants/tenant0.yaml"))

    report = desk.settle()

    assert RefusalCode.FOREIGN_RESOURCE in {one.code for one in report.plan.refused}, describe(report)
    assert foreign == the(desk, "Namespace", "default")["metadata"]["annotations"]


def only_reported(desk: Desk) -> None:
    """A commit says so of the first cluster."""
    text = sample("clusters/spoke1-aks.yaml")["clusters/spoke1-aks.yaml"]
    reporting = (
        text.replace("spec:\n", "spec:\n  drift: report\n", 1)
        if "drift:" not in text
        else text.replace("drift: correct", "drift: report")
    )
    desk.commit({"clusters/spoke1-aks.yaml": reporting})
    desk.settle()


def test_a_hub_may_ask_that_drift_is_only_reported(settled: Desk) -> None:
    """With `drift: report` the change is in the plan, waits for a person, and nothing is written."""
    only_reported(settled)
    _delete("PodDisruptionBudget", "tenant0-egw", "tenant0-egw")(settled)

    report = settled.run_pass()

    assert [(ChangeReason.DRIFT, WaitsFor.PERSON)] == [(one.reason, one.waits_for) for one in report.plan.changes]
    assert 0 == report.writes


def test_a_namespace_that_lost_its_way_waits_for_a_person_where_drift_is_only_reported(settled: Desk) -> None:
    """Nobody looks again for a cut-over that no pass makes, and the tenant's row says whose turn it is."""
    only_reported(settled)
    lost = dict.fromkeys(the(settled, "Namespace", "default")["metadata"]["annotations"])
    _patch("Namespace", None, "default", {"metadata": {"annotations": lost}})(settled)

    report = settled.settle()

    assert report.stopped, describe(report)
    row = settled.attachment("tenant0", CLUSTER)
    assert (WaitsFor.PERSON,) == row.waiting_for
    assert (
        "namespace default belongs to tenant0 and had lost its way to tenant0-egw; drift is only reported here"
        in row.detail
    )


def test_a_fight_with_another_controller_is_named_and_backed_off(settled: Desk) -> None:
    """Somebody's controller sets replicas back each time: after a few repairs we repair ever more rarely and say who it is."""
    settled.reports.clear()
    edit = _patch("EgressGateway", "tenant0-egw", "tenant0-egw", {"spec": {"replicas": 1}})
    for _ in range(120):
        edit(settled)
        settled.run_pass()
        settled.world.advance(15)

    repairs = sum(one.writes for one in settled.reports)
    last = settled.reports[-1]
    assert 4 <= repairs <= 10
    assert WaitsFor.BACKOFF in {one.waits_for for report in settled.reports for one in report.plan.changes}
    assert any("kubectl-edit" in note and "spec.replicas" in note for note in last.plan.notes), last.plan.notes


def test_after_a_fight_the_next_repair_is_made_and_all_is_well(settled: Desk) -> None:
    """Once the other side stops, the resource is brought back and the passes converge."""
    edit = _patch("EgressGateway", "tenant0-egw", "tenant0-egw", {"spec": {"replicas": 1}})
    for _ in range(20):
        edit(settled)
        settled.run_pass()
        settled.world.advance(15)

    last = settled.settle()

    assert last.converged, describe(last)
    assert 2 == the(settled, "EgressGateway", "tenant0-egw")["spec"]["replicas"]


def test_what_a_release_renders_differently_is_neither_drift_nor_an_edit(settled: Desk) -> None:
    """An object that an earlier release left differently is changed as `release`, and the plan counts how many there are."""
    key = "cluster/spoke1-aks PodDisruptionBudget/tenant0-egw/tenant0-egw"
    source, _ = settled.state.state.rendered[key]
    settled.state.state = replace(
        settled.state.state, rendered={**settled.state.state.rendered, key: (source, "earlier")}
    )
    _patch("PodDisruptionBudget", "tenant0-egw", "tenant0-egw", {"spec": {"maxUnavailable": 2}})(settled)

    report = settled.run_pass()

    assert [(ChangeReason.RELEASE, key.split(" ")[1])] == [
        (one.reason, str(one.resource)) for one in report.plan.changes
    ]
    assert any("without a commit: 1 on cluster/spoke1-aks" in note for note in report.plan.notes)


def test_a_filter_comes_back_before_the_peers_that_carry_it(settled: Desk) -> None:
    """Filter and peers were deleted: the filter is the first thing that is written again."""
    for name in ("azure-route-server-a", "azure-route-server-b"):
        _delete("BGPPeer", None, name)(settled)
    _delete("BGPFilter", None, "export-egress-ips")(settled)

    report = settled.run_pass()

    written = [str(one.change.resource) for one in report.outcomes]
    assert ["BGPFilter/export-egress-ips", "BGPPeer/azure-route-server-a", "BGPPeer/azure-route-server-b"] == written


def test_a_pool_that_is_terminating_leaves_its_gateway_running(settled: Desk) -> None:
    """On a cluster in native mode a deleted pool stays until its addresses are free: it is refused with words, packets flow."""
    cluster = settled.world.clusters["spoke2-aks"]
    cluster.api.delete("IPPool", None, "tenant1-pool")
    for _ in range(5):
        report = settled.run_pass()
        settled.world.advance(60)

    assert [RefusalCode.IMMUTABLE] == [one.code for one in report.plan.refused], describe(report)
    assert "Renumber the attachment" in report.plan.refused[0].message
    packet = settled.send("spoke2-aks", "shop", "https://docs.tigera.io")
    assert (Verdict.ALLOWED, "tenant1") == (packet.verdict, packet.range_tenant)


def test_a_pool_that_goes_with_its_gateway_comes_back_with_it(settled: Desk) -> None:
    """Both were deleted: the pool goes by itself once the pods went, so passes wait for that and for nobody."""
    cluster = settled.world.clusters["spoke2-aks"]
    since = len(settled.reports)
    cluster.api.delete("IPPool", None, "tenant1-pool")
    cluster.api.delete("EgressGateway", "tenant1-egw", "tenant1-egw")

    last = settled.settle()

    later = settled.reports[since:]
    assert last.converged, describe(last)
    assert [] == [one for report in later for one in report.plan.refused]
    assert any("is being deleted" in row.detail for report in later for row in report.plan.attachments)
    packet = settled.send("spoke2-aks", "shop", "https://docs.tigera.io")
    assert (Verdict.ALLOWED, "tenant1") == (packet.verdict, packet.range_tenant)


def test_a_replaced_reflector_node_is_noticed(settled: Desk) -> None:
    """An upgrade replaces one reflector: what routes are left carries the tenants, and no pass undoes anything."""
    settled.world.replace_node(CLUSTER, "spoke1-0", NodeDocument(name="spoke1-9", address="10.1.0.9", zone="1"))
    for _ in range(20):
        settled.run_pass()
        settled.world.advance(30)

    packet = settled.send(CLUSTER, "default", "http://www.tigera.io")
    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.range_tenant)


def test_no_peer_comes_back_while_its_filter_is_fought_over(settled: Desk) -> None:
    """Somebody opens the filter each time; while its repair rests, a peer that was deleted is not made under an open filter."""
    peer = ("BGPPeer", "azure-route-server-a")
    edit = _patch("BGPFilter", None, "export-egress-ips", {"spec": {"exportV4": [{"action": "Accept"}]}})
    resting: list[str] = []
    while "export-egress-ips" not in resting:
        edit(settled)
        plan = settled.run_pass().plan
        settled.world.advance(15)
        resting = [one.resource.name for one in plan.changes if one.waits_for is WaitsFor.BACKOFF]
    _delete(peer[0], None, peer[1])(settled)

    report = settled.run_pass()

    assert [("export-egress-ips", WaitsFor.BACKOFF), ("azure-route-server-a", WaitsFor.BACKOFF)] == [
        (one.resource.name, one.waits_for) for one in report.plan.changes
    ]
    assert all(one["metadata"]["name"] != peer[1] for one in settled.world.clusters[CLUSTER].api.objects(peer[0]))
    assert settled.settle().converged
    assert the(settled, *peer)
