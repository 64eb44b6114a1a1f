"""A tenant arrives: stages climb in order, and only then does its traffic change."""

from __future__ import annotations

from stories.desk import Desk, sample

from function_app.model.plan import Stage, WaitsFor
from simulator.model.packets import Verdict


def test_a_new_tenant_becomes_routed_and_then_nothing_is_written(desk: Desk) -> None:
    """Denied before the merge, allowed after it from the tenant's range, and the pass after the last one writes nothing."""
    before = desk.send("spoke1-aks", "default", "http://www.tigera.io")
    desk.commit(sample("tenants/tenant0.yaml"))

    last = desk.settle()

    after = desk.send("spoke1-aks", "default", "http://www.tigera.io")
    assert (Verdict.DENIED, 470) == (before.verdict, before.http_status)
    assert (Verdict.ALLOWED, "tenant0", "tenant0") == (after.verdict, after.tenant, after.range_tenant)
    assert last.converged
    assert 0 == desk.run_pass().writes


def test_stages_climb_in_order(desk: Desk) -> None:
    """No pass shows an earlier stage than the one before, and the namespace is annotated only when all four hold."""
    desk.commit(sample("tenants/tenant0.yaml"))

    desk.settle()

    order = list(Stage)
    stages = [order.index(one.stage) for report in desk.reports for one in report.plan.attachments]
    assert sorted(stages) == stages
    assert order.index(Stage.ROUTED) == stages[-1]


def test_the_first_pass_starts_everything_that_depends_on_nothing(desk: Desk) -> None:
    """Namespace, pool, gateway, filter, peers and shard are written in one pass; the annotation waits, and the second reflector."""
    desk.commit(sample("tenants/tenant0.yaml"))

    report = desk.run_pass()

    ready = {change.resource.kind for change in report.plan.ready}
    waiting = {(str(change.resource), change.waits_for) for change in report.plan.changes if change.waits_for}
    assert {
        "Namespace",
        "IPPool",
        "EgressGateway",
        "PodDisruptionBudget",
        "BGPFilter",
        "BGPPeer",
        "Node",
        "CalicoNodeStatus",
        "RuleCollectionGroup",
    } <= ready
    fabric = {("Node/spoke1-1", WaitsFor.FABRIC), ("Node/spoke2-1", WaitsFor.FABRIC)}
    mesh = ("BGPConfiguration/default", WaitsFor.FABRIC)
    assert {("Namespace/default", WaitsFor.POOLED), mesh, *fabric} == waiting


def test_a_namespace_that_does_not_exist_blocks_only_itself(desk: Desk) -> None:
    """The workload namespace is never created; the tenant's other namespace is routed."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"].replace(
        "namespaces: [default]", "namespaces: [default, ghost]"
    )
    desk.commit({"tenants/tenant0.yaml": text})

    desk.settle()

    assert (WaitsFor.NAMESPACE,) == desk.attachment("tenant0", "spoke1-aks").waiting_for
    assert Verdict.ALLOWED == desk.send("spoke1-aks", "default", "http://www.tigera.io").verdict
    assert not [
        one for one in desk.world.clusters["spoke1-aks"].api.objects("Namespace") if one["metadata"]["name"] == "ghost"
    ]


def test_two_tenants_on_two_clusters_are_told_apart(settled: Desk) -> None:
    """Both Route Server instances learn both tenants' ranges and no pod range; each packet is attributed to its tenant."""
    tenants = {
        ("spoke1-aks", "default", "http://www.tigera.io"): "tenant0",
        ("spoke1-aks", "shop", "https://docs.tigera.io"): "tenant1",
        ("spoke2-aks", "shop", "https://docs.tigera.io"): "tenant1",
    }

    seen = {call: settled.send(*call) for call in tenants}

    assert tenants == {call: packet.tenant for call, packet in seen.items()}
    assert tenants == {call: packet.range_tenant for call, packet in seen.items()}


def test_one_put_for_all_tenants_of_a_merge(desk: Desk) -> None:
    """Two tenants in one commit cost one firewall operation."""
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))

    desk.settle()

    puts = [one for report in desk.reports for one in report.outcomes if one.change.target == "firewall/hub1"]
    assert 1 == len(puts)
