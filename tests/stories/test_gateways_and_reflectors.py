"""Gateways keep off reflectors, which are interrupted whenever they become one."""

from __future__ import annotations

from stories.desk import Desk, describe, sample
from stories.fabric_worlds import CLUSTER, WEBSITE, bare_desk, cluster_ids, label, watched

from function_app.model.plan import RefusalCode
from simulator.model.packets import Packet, Verdict


def gateway_nodes(desk: Desk) -> set[str]:
    """Where the gateway pods of a cluster run."""
    pods = desk.world.clusters[CLUSTER].api.objects("Pod")
    return {one["spec"]["nodeName"] for one in pods if one["metadata"]["namespace"].endswith("-egw")}


def test_gateways_keep_off_reflectors(routed: Desk) -> None:
    """A reflector is interrupted whenever it becomes one: no gateway runs there."""
    assert {"spoke1-2", "spoke1-3"} == gateway_nodes(routed)


def test_gateways_move_when_their_node_becomes_a_reflector_only_as_they_roll(routed: Desk) -> None:
    """Kubernetes does not evict for a required affinity: a new reflector keeps the gateways that run there."""
    before = gateway_nodes(routed)
    label(routed, "spoke1-2", "true")
    packets: list[Packet] = []

    watched(routed, packets)

    assert before == gateway_nodes(routed)
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


def test_where_every_node_is_a_reflector_gateways_have_nowhere_to_go() -> None:
    """The refusal says so; with `dedicated: false` they run on reflectors."""
    desk = bare_desk()
    for node in ("spoke1-2", "spoke1-3"):
        label(desk, node, "true")
    desk.commit(sample("tenants/tenant0.yaml"))
    stopped = desk.settle()
    refused = stopped.plan.refused
    path = "clusters/spoke1-aks.yaml"
    shared = sample(path)[path].replace("      clusterId:", "      dedicated: false\n      clusterId:")
    desk.commit({path: shared})

    last = desk.settle()

    assert [RefusalCode.FABRIC] == [one.code for one in refused]
    assert "All 4 nodes of spoke1-aks are route reflectors" in refused[0].message
    assert (True, True) == (stopped.stopped, last.converged), describe(last)
    assert Verdict.ALLOWED == desk.send(CLUSTER, "default", WEBSITE).verdict


def test_a_selector_that_the_scheduler_does_not_understand_is_noted() -> None:
    """Reflectors are found by it all the same; gateways are not kept off them."""
    desk = bare_desk()
    path = "clusters/spoke1-aks.yaml"
    either = """selector: "route-reflector == 'true' || has(never)" """
    desk.commit({path: sample(path)[path].replace("selector: route-reflector == 'true'", either)})
    desk.commit(sample("tenants/tenant0.yaml"))

    last = desk.settle()

    assert last.converged, describe(last)
    assert {"spoke1-0", "spoke1-1"} == set(cluster_ids(desk))
    assert any("gateways are not kept off reflectors" in note for note in last.plan.notes)
