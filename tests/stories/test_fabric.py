"""The network under the tenants: reflectors, their peerings and Route Server connections follow the nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stories.desk import HUB, Desk, describe, sample
from stories.fabric_worlds import (
    CLUSTER,
    FRESH,
    NEW,
    OLD,
    OTHER,
    TENANTS,
    WEBSITE,
    annotate,
    bare_desk,
    bare_world,
    cluster_ids,
    connections,
    label,
    mesh,
    put_connection,
    routed_desk,
    stored,
    written,
)

from function_app.model.plan import ChangeReason, RefusalCode, Stage, Verb, WaitsFor
from function_app.model.report import Result
from function_app.model.resources import Kind
from function_app.model.state import DecisionKind
from simulator.model.documents import NodeDocument
from simulator.model.packets import Packet, Verdict

PEERS = {"azure-route-server-a", "azure-route-server-b", "peer-with-route-reflectors"}
SECOND_NEW = NodeDocument(name="spoke1-10", address="10.1.0.20", zone="2", reflector=True)


@pytest.fixture
def routed() -> Desk:
    """Both tenants routed on a fabric that began with nothing."""
    return routed_desk()


def watched(desk: Desk, packets: list[Packet]) -> None:
    """Settle, sending from a routed namespace at every step of time."""
    last = desk.settle(watch=lambda: packets.append(desk.send(CLUSTER, "default", WEBSITE)))
    assert last.converged, describe(last)


# --- coming up ---------------------------------------------------------------------------------------------------------


def test_from_a_fresh_installation_to_a_routed_tenant() -> None:
    """No BGPConfiguration, no cluster id, no connection: all of it comes, then the tenants are routed, then nothing is written."""
    desk = bare_desk()
    desk.commit(sample(*TENANTS))

    last = desk.settle()
    again = desk.run_pass()

    assert last.converged, describe(last)
    assert {Stage.ROUTED} == {one.stage for one in last.plan.attachments}
    assert Verdict.ALLOWED == desk.send(CLUSTER, "default", WEBSITE).verdict
    assert {"spoke1-0": "244.0.0.1", "spoke1-1": "244.0.0.1"} == cluster_ids(desk)
    assert (63400, False) == (stored(desk, "BGPConfiguration")["default"]["spec"]["asNumber"], mesh(desk))
    assert PEERS == set(stored(desk, "BGPPeer"))
    assert {"spoke1-0", "spoke1-1"} == set(stored(desk, "CalicoNodeStatus"))
    assert {
        OLD: ("10.1.0.4", 63400),
        OTHER: ("10.1.0.5", 63400),
        "egress-gitops-spoke2-aks-10-2-0-4": ("10.2.0.4", 63400),
        "egress-gitops-spoke2-aks-10-2-0-5": ("10.2.0.5", 63400),
    } == connections(desk)
    assert (0, True) == (again.writes, again.converged)


def test_reflectors_come_one_at_a_time_and_the_mesh_goes_last() -> None:
    """A node's cluster id interrupts its pods, so no pass writes two; the mesh goes when every session is seen."""
    desk = bare_desk()
    desk.settle()

    steps = [
        [
            (str(outcome.change.resource), str(outcome.change.verb))
            for outcome in report.outcomes
            if outcome.change.target == f"cluster/{CLUSTER}"
            and outcome.change.resource.kind in (Kind.NODE, Kind.BGP_CONFIGURATION)
        ]
        for report in desk.reports
    ]
    assert [
        [("BGPConfiguration/default", "create"), ("Node/spoke1-0", "update")],
        [("Node/spoke1-1", "update")],
        [("BGPConfiguration/default", "update")],
    ] == [step for step in steps if step]


def test_the_filter_stands_before_any_reflector_speaks_to_azure() -> None:
    """A connection is put only when an earlier pass has seen filter and both peers; ARM takes one write at a time."""
    desk = bare_desk()
    desk.settle()

    puts = [
        [outcome.result for outcome in report.outcomes if outcome.change.resource.kind is Kind.BGP_CONNECTION]
        for report in desk.reports
    ]
    assert [] == puts[0]
    assert 4 == sum(map(len, puts))
    assert [Result.STARTED] == max(puts, key=len)
    spec = stored(desk, "BGPFilter")["export-egress-ips"]["spec"]
    assert ([{"action": "Reject"}], [{"action": "Reject"}]) == (spec["exportV4"], spec["importV4"])


def test_connections_of_others_are_used_and_never_touched(settled: Desk) -> None:
    """Terraform typed the peers in: they serve, none of ours joins them, and the hub converges."""
    assert [] == [one for one in written(settled) if one.change.resource.kind is Kind.BGP_CONNECTION]
    assert {"10.1.0.4", "10.1.0.5", "10.2.0.4", "10.2.0.5"} == {address for address, _ in connections(settled).values()}
    assert Verdict.ALLOWED == settled.send(CLUSTER, "default", WEBSITE).verdict
    assert (False, 2) == (mesh(settled), len(cluster_ids(settled)))


def test_a_cluster_joins_later(routed: Desk) -> None:
    """Its definition is merged when the hub already works: its fabric comes up, then its tenants, nobody else notices."""
    desk = bare_desk()
    spoke2, tenant1 = "clusters/spoke2-aks.yaml", "tenants/tenant1.yaml"
    desk.commit({spoke2: None})
    desk.commit(sample("tenants/tenant0.yaml"))
    alone = desk.settle()
    before = set(connections(desk))
    packets: list[Packet] = []
    desk.commit(sample(spoke2))
    desk.commit(sample(tenant1))

    watched(desk, packets)

    assert alone.converged
    assert {OLD, OTHER} == before
    assert set(connections(routed)) == set(connections(desk))
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


# --- nodes come and go -------------------------------------------------------------------------------------------------


def test_a_reflector_is_replaced_and_no_packet_is_lost(routed: Desk) -> None:
    """The new node gets its cluster id and its connection and teaches routes; only then the old connection goes."""
    packets: list[Packet] = []
    since = len(routed.reports)
    routed.world.replace_node(CLUSTER, "spoke1-0", FRESH)

    watched(routed, packets)

    done = [
        (str(one.change.verb), one.change.resource.name)
        for one in written(routed, since)
        if one.change.resource.kind in (Kind.NODE, Kind.BGP_CONNECTION)
    ]
    assert [("update", "spoke1-9"), ("create", NEW), ("delete", OLD)] == done
    assert {"spoke1-1": "244.0.0.1", "spoke1-9": "244.0.0.1"} == cluster_ids(routed)
    assert {"spoke1-1", "spoke1-9"} == set(stored(routed, "CalicoNodeStatus"))
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}
    routed.world.advance(200)
    assert {"up"} == {
        state for (name, _), state in routed.world.hubs[HUB].route_server.sessions().items() if name == NEW
    }


def test_both_reflectors_are_replaced_one_after_the_other(routed: Desk) -> None:
    """As by an upgrade of the pool: nothing of the old nodes is left, and the tenants never noticed."""
    packets: list[Packet] = []
    routed.world.replace_node(CLUSTER, "spoke1-0", FRESH)
    watched(routed, packets)
    routed.world.advance(200)
    routed.world.replace_node(CLUSTER, "spoke1-1", SECOND_NEW)
    watched(routed, packets)
    routed.world.advance(200)
    packets.append(routed.send(CLUSTER, "default", WEBSITE))

    assert {NEW, "egress-gitops-spoke1-aks-10-1-0-20"} == {name for name in connections(routed) if CLUSTER in name}
    assert {"spoke1-9", "spoke1-10"} == set(cluster_ids(routed))
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


def test_a_reflector_that_is_down_keeps_its_connection(routed: Desk) -> None:
    """It may come back: nothing is deleted and nothing waits."""
    routed.world.clusters[CLUSTER].set_node_ready("spoke1-0", ready=False)
    since = len(routed.reports)
    last = routed.settle()

    assert last.converged, describe(last)
    assert [] == [one for one in written(routed, since) if one.change.resource.kind is Kind.BGP_CONNECTION]
    assert any("only spoke1-1 is a ready route reflector" in note for note in last.plan.notes)


def test_a_node_that_is_a_reflector_no_more_loses_the_id_that_we_gave_it(routed: Desk) -> None:
    """With a third reflector in its place; what a person annotated on another node stays."""
    label(routed, "spoke1-2", "true")
    watched(routed, [])
    annotate(routed, "spoke1-3", "244.0.0.1")
    label(routed, "spoke1-0", None)

    watched(routed, [])

    assert {"spoke1-1", "spoke1-2", "spoke1-3"} == set(cluster_ids(routed))
    assert OLD not in connections(routed)
    assert {"spoke1-1", "spoke1-2"} == set(stored(routed, "CalicoNodeStatus"))


# --- who depends on whom -----------------------------------------------------------------------------------------------


def test_a_single_reflector_with_tenants_on_it_is_not_interrupted() -> None:
    """Its cluster id was lost and the mesh carries it: it stays as it is, and the note says how to get on."""
    desk = Desk.with_platform()
    label(desk, "spoke1-1", None)
    desk.commit(sample("tenants/tenant0.yaml"))
    first = desk.settle()
    annotate(desk, "spoke1-0", None)
    since = len(desk.reports)

    last = desk.settle()

    assert (True, True) == (first.converged, last.converged), describe(last)
    assert [] == written(desk, since)
    assert ({}, True) == (cluster_ids(desk), mesh(desk))
    assert any("spoke1-0 does not get its cluster id" in note for note in last.plan.notes)
    assert Verdict.ALLOWED == desk.send(CLUSTER, "default", WEBSITE).verdict


def test_no_reflector_is_touched_while_tenants_depend_on_it_alone(settled: Desk) -> None:
    """The other one's connection was deleted: its lost cluster id is restored only when the other teaches routes again."""
    server = settled.world.hubs[HUB].route_server
    other = next(name for name, (address, _) in connections(settled).items() if address == "10.1.0.5")
    server.delete(other)
    settled.world.advance(30)
    annotate(settled, "spoke1-0", None)

    first = settled.run_pass()
    waiting = [one for one in first.plan.changes if one.resource.name == "spoke1-0"]
    last = settled.settle()

    assert [WaitsFor.FABRIC] == [one.waits_for for one in waiting]
    assert "is learned over nothing else" in waiting[0].because
    assert last.converged, describe(last)
    assert {"spoke1-0", "spoke1-1"} == set(cluster_ids(settled))
    assert OTHER in connections(settled)


def test_where_no_other_way_can_come_a_person_is_asked(settled: Desk) -> None:
    """The other reflector's connection is somebody else's and broken: the cluster id waits for whoever can mend that."""
    server = settled.world.hubs[HUB].route_server
    broken = next(one for one in server.connections.values() if one.peer_ip == "10.1.0.5")
    broken.peer_asn = 64999
    settled.world.advance(30)
    annotate(settled, "spoke1-0", None)
    packets: list[Packet] = []

    stopped = settled.settle(watch=lambda: packets.append(settled.send(CLUSTER, "default", WEBSITE)))
    broken.peer_asn = 63400
    settled.world.advance(30)
    last = settled.settle()

    waiting = {one.resource.name: one.waits_for for one in stopped.plan.changes}
    assert (True, {"spoke1-0": WaitsFor.PERSON}) == (stopped.stopped, waiting)
    assert any("is not ours and expects AS number 64999" in note for note in stopped.plan.notes)
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}
    assert last.converged, describe(last)
    assert 2 == len(cluster_ids(settled))


def test_the_reflector_that_nobody_depends_on_is_made_one_first() -> None:
    """One lost its id and carries everything, the other is new and carries nothing: the new one's id and connection come first."""
    desk = Desk.with_platform()
    label(desk, "spoke1-1", None)
    desk.commit(sample("tenants/tenant0.yaml"))
    desk.settle()
    annotate(desk, "spoke1-0", None)
    label(desk, "spoke1-3", "true")
    packets: list[Packet] = []
    since = len(desk.reports)

    watched(desk, packets)

    done = [one.change.resource.name for one in written(desk, since) if one.change.resource.kind is Kind.NODE]
    assert ["spoke1-3", "spoke1-0"] == done
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


def test_a_stale_status_is_no_evidence() -> None:
    """A calico-node that does not report keeps the mesh on; nothing says that its sessions stand."""
    desk = bare_desk()
    desk.world.clusters[CLUSTER].silence_status("spoke1-1")
    desk.commit(sample(*TENANTS))
    for _ in range(10):
        desk.run_pass()
        desk.world.advance(15)
    waiting = [one for one in desk.reports[-1].plan.changes if one.target == f"cluster/{CLUSTER}"]
    on = mesh(desk)
    desk.world.clusters[CLUSTER].silence_status("spoke1-1", silent=False)

    last = desk.settle()

    fabric = [one for one in waiting if one.waits_for is WaitsFor.FABRIC]
    assert (True, ["default"]) == (on, [one.resource.name for one in fabric])
    assert "no CalicoNodeStatus younger than 60 s tells of the sessions of spoke1-1" in fabric[0].because
    assert (True, False) == (last.converged, mesh(desk))


# --- what people break -------------------------------------------------------------------------------------------------


def test_a_cluster_id_that_a_person_removed_comes_back(routed: Desk) -> None:
    """Drift; meanwhile the other reflector carries everything."""
    packets: list[Packet] = []
    since = len(routed.reports)
    annotate(routed, "spoke1-1", None)

    watched(routed, packets)

    assert {"spoke1-0", "spoke1-1"} == set(cluster_ids(routed))
    assert [(Kind.NODE, ChangeReason.DRIFT)] == [
        (one.change.resource.kind, one.change.reason) for one in written(routed, since)
    ]
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


@pytest.mark.parametrize(
    "patch", [{"nodeToNodeMeshEnabled": True}, {"asNumber": 64999}, {"nodeToNodeMeshEnabled": True, "asNumber": 1}]
)
def test_bgp_configuration_that_a_person_changed_is_put_right(routed: Desk, patch: dict[str, object]) -> None:
    """Of somebody else's object two keys are ours; the rest of it stays as it is."""
    api = routed.world.clusters[CLUSTER].api
    body = {"spec": {**patch, "logSeverityScreen": "Debug"}}
    api.merge_patch("BGPConfiguration", None, "default", body, manager="kubectl-edit")
    since = len(routed.reports)

    watched(routed, [])

    spec = stored(routed, "BGPConfiguration")["default"]["spec"]
    assert (63400, False, "Debug") == (spec["asNumber"], spec["nodeToNodeMeshEnabled"], spec["logSeverityScreen"])
    assert {ChangeReason.DRIFT} == {one.change.reason for one in written(routed, since)}


def test_bgp_configuration_that_a_person_deleted_is_made_again(routed: Desk) -> None:
    """With the mesh on at first: it goes when the sessions are seen."""
    routed.world.clusters[CLUSTER].api.delete("BGPConfiguration", None, "default")
    since = len(routed.reports)

    watched(routed, [])

    assert (63400, False) == (stored(routed, "BGPConfiguration")["default"]["spec"]["asNumber"], mesh(routed))
    assert [Verb.CREATE, Verb.UPDATE] == [one.change.verb for one in written(routed, since)]


def test_a_connection_of_ours_that_a_person_deleted_is_made_again(routed: Desk) -> None:
    """And one whose AS number was changed gets its own again."""
    server = routed.world.hubs[HUB].route_server
    server.delete(OLD)
    routed.world.advance(20)
    put_connection(routed, OTHER, "10.1.0.5", 64999)

    watched(routed, [])

    assert {OLD: ("10.1.0.4", 63400), OTHER: ("10.1.0.5", 63400)} == {
        name: one for name, one in connections(routed).items() if CLUSTER in name
    }


# --- what is refused ---------------------------------------------------------------------------------------------------


def test_another_as_number_is_refused_while_tenants_are_routed(routed: Desk) -> None:
    """It would drop every session at once; nothing is written for it, connections included."""
    path = "clusters/spoke1-aks.yaml"
    routed.commit({path: sample(path)[path].replace("asn: 63400", "asn: 64600")})
    packets: list[Packet] = []

    last = routed.settle(watch=lambda: packets.append(routed.send(CLUSTER, "default", WEBSITE)))

    assert last.stopped
    assert [RefusalCode.IMMUTABLE] == [one.code for one in last.plan.refused]
    assert "Changing it drops every BGP session" in last.plan.refused[0].message
    assert ("10.1.0.4", 63400) == connections(routed)[OLD]
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


def test_another_as_number_is_taken_while_nothing_is_routed() -> None:
    """Fabric and connections follow."""
    desk = bare_desk()
    desk.settle()
    path = "clusters/spoke1-aks.yaml"
    desk.commit({path: sample(path)[path].replace("asn: 63400", "asn: 64600")})

    last = desk.settle()

    assert last.converged, describe(last)
    assert 64600 == stored(desk, "BGPConfiguration")["default"]["spec"]["asNumber"]
    assert {("10.1.0.4", 64600), ("10.1.0.5", 64600)} == {
        one for name, one in connections(desk).items() if CLUSTER in name
    }


def test_eight_peers_are_all_that_a_route_server_holds() -> None:
    """With seven of somebody else's, one of four reflectors finds room; the refusal says the numbers and the way out."""
    desk = bare_desk()
    for number in range(7):
        put_connection(desk, f"nva-{number}", f"10.0.9.{number + 4}")

    last = desk.settle()

    assert last.stopped, describe(last)
    assert [RefusalCode.PEERS] == [one.code for one in last.plan.refused]
    assert (
        "8 connections exist, 4 reflectors want one (2 of spoke1-aks, 2 of spoke2-aks)" in last.plan.refused[0].message
    )
    assert 8 == len(connections(desk))


def test_where_all_peers_are_taken_an_old_one_goes_first(routed: Desk) -> None:
    """Four are somebody else's and four ours: the dead node's makes room for the new one's."""
    for number in range(4):
        put_connection(routed, f"nva-{number}", f"10.0.9.{number + 4}")
    packets: list[Packet] = []
    since = len(routed.reports)
    routed.world.replace_node(CLUSTER, "spoke1-0", FRESH)

    watched(routed, packets)

    done = [
        (str(one.change.verb), one.change.resource.name)
        for one in written(routed, since)
        if one.change.resource.kind is Kind.BGP_CONNECTION
    ]
    assert [("delete", OLD), ("create", NEW)] == done
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


def test_without_any_reflector_nothing_of_the_fabric_is_written() -> None:
    """Nobody labelled a node: the refusal says what to do."""
    world = bare_world()
    desk = bare_desk(world)
    for node in ("spoke1-0", "spoke1-1"):
        label(desk, node, None)

    last = desk.settle()

    assert [RefusalCode.FABRIC] == [one.code for one in last.plan.refused]
    assert "Label at least two nodes" in last.plan.refused[0].message
    assert {} == stored(desk, "BGPConfiguration")
    assert [] == [name for name in connections(desk) if CLUSTER in name]


def test_a_peering_of_somebody_else_with_the_reflectors_is_refused() -> None:
    """Two between the same nodes make either win by chance."""
    desk = bare_desk()
    rival = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "BGPPeer",
        "metadata": {"name": "theirs"},
        "spec": {"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'"},
    }
    desk.world.clusters[CLUSTER].api.create("BGPPeer", None, rival, manager="kubectl")

    last = desk.settle()

    assert last.stopped
    assert [RefusalCode.FOREIGN_PEER] == [one.code for one in last.plan.refused]
    assert "peer-with-route-reflectors" not in stored(desk, "BGPPeer")
    assert mesh(desk)


def test_nothing_of_the_fabric_is_written_to_another_cluster_of_the_same_name(routed: Desk) -> None:
    """Its kube-system has another uid: neither its nodes nor its connections are touched until that is accepted."""
    state = routed.ports.state.read()
    routed.state.write(replace(state, clusters={**state.clusters, CLUSTER: "another"}), routed.state.epoch)
    routed.world.replace_node(CLUSTER, "spoke1-0", FRESH)
    report = routed.run_pass()

    assert RefusalCode.CLUSTER_REPLACED in {one.code for one in report.plan.refused}
    assert [] == [one for one in report.plan.changes if CLUSTER in f"{one.target} {one.resource}"]


def test_a_connection_of_no_defined_cluster_is_reported(routed: Desk) -> None:
    """Its cluster's file was removed without taking the cluster out first."""
    put_connection(routed, "egress-gitops-gone-10-9-0-4", "10.9.0.4")

    last = routed.settle()

    assert last.converged, describe(last)
    assert any("egress-gitops-gone-10-9-0-4 bears our prefix" in note for note in last.plan.notes)


# --- leaving -----------------------------------------------------------------------------------------------------------


def leaving(path: str = "clusters/spoke1-aks.yaml") -> dict[str, str]:
    """The cluster's definition with `leaving`."""
    return {path: sample(path)[path].replace("spec:\n", "spec:\n  leaving: true\n", 1)}


def test_a_cluster_leaves() -> None:
    """Connections, peers, mesh, cluster ids, peering and witnesses go in this order, the filter last; the other one stays."""
    desk = bare_desk()
    desk.settle()
    since = len(desk.reports)
    desk.commit(leaving())

    last = desk.settle()

    steps = [str(one.change.resource) for one in written(desk, since)]
    assert [
        f"BgpConnection/{OLD}",
        f"BgpConnection/{OTHER}",
        "BGPPeer/azure-route-server-a",
        "BGPPeer/azure-route-server-b",
        "BGPConfiguration/default",
        "Node/spoke1-0",
        "Node/spoke1-1",
        "CalicoNodeStatus/spoke1-0",
        "CalicoNodeStatus/spoke1-1",
        "BGPPeer/peer-with-route-reflectors",
        "BGPFilter/export-egress-ips",
    ] == steps
    assert last.converged, describe(last)
    assert any("Its file can be removed" in note for note in last.plan.notes)
    assert ({}, True) == (cluster_ids(desk), mesh(desk))
    assert PEERS == set(stored(desk, "BGPPeer", "spoke2-aks"))
    desk.commit({"clusters/spoke1-aks.yaml": None})
    assert desk.settle().converged


def test_a_cluster_does_not_leave_under_its_tenants(routed: Desk) -> None:
    """The definition is held back and says why; the fabric stays."""
    routed.commit(leaving())
    report = routed.settle()

    assert [RefusalCode.DEFINITION_HELD] == [one.code for one in report.plan.refused]
    assert "tenant0" in report.plan.refused[0].message
    assert OLD in connections(routed)


def test_tenants_go_first_and_the_fabric_stands_until_their_gateways_have_gone(routed: Desk) -> None:
    """In one commit: the filter keeps the range while pods are left, then the cluster leaves."""
    moved = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    stays = moved[: moved.index("    - cluster: spoke1-aks")] + moved[moved.index("    - cluster: spoke2-aks") :]
    since = len(routed.reports)
    routed.commit({"tenants/tenant0.yaml": None, "tenants/tenant1.yaml": stays, **leaving()})
    refused = routed.run_pass()
    routed.decide(DecisionKind.WAIVER, refused.plan.plan_id, code=RefusalCode.REMOVALS)

    last = routed.settle()

    done = [str(one.change.resource) for one in written(routed, since)]
    gone = max(at for at, name in enumerate(done) if name.startswith("EgressGateway/"))
    assert last.converged, describe(last)
    assert gone < done.index(f"BgpConnection/{OLD}") < len(done) - 1
    assert "BGPFilter/export-egress-ips" == done[-1]
    assert {} == stored(routed, "BGPFilter")


# --- gateways and reflectors -------------------------------------------------------------------------------------------


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
    for _ in range(12):
        desk.run_pass()
        desk.world.advance(15)
    refused = desk.reports[-1].plan.refused
    path = "clusters/spoke1-aks.yaml"
    shared = sample(path)[path].replace("      clusterId:", "      dedicated: false\n      clusterId:")
    desk.commit({path: shared})

    last = desk.settle()

    assert [RefusalCode.FABRIC] == [one.code for one in refused]
    assert "All 4 nodes of spoke1-aks are route reflectors" in refused[0].message
    assert last.converged, describe(last)
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


def test_a_filter_that_is_not_ours_lets_no_reflector_speak_to_azure() -> None:
    """Somebody's filter of our name accepts everything: no connection is put until it is ours."""
    desk = bare_desk()
    theirs = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "BGPFilter",
        "metadata": {"name": "export-egress-ips"},
        "spec": {"exportV4": [{"action": "Accept"}]},
    }
    desk.world.clusters[CLUSTER].api.create("BGPFilter", None, theirs, manager="kubectl")

    for _ in range(12):
        desk.run_pass()
        desk.world.advance(15)

    assert {RefusalCode.FOREIGN_RESOURCE} == {one.code for one in desk.reports[-1].plan.refused}
    assert [] == [name for name in connections(desk) if CLUSTER in name]


def test_a_filter_whose_last_rejects_a_person_took_off_stops_new_connections(routed: Desk) -> None:
    """With `drift: report` nobody puts it right: the new node's connection waits, the old ones stay."""
    path = "clusters/spoke1-aks.yaml"
    routed.commit({path: sample(path)[path].replace("spec:\n", "spec:\n  drift: report\n", 1)})
    routed.settle()
    body = {"spec": {"exportV4": [{"action": "Accept"}]}}
    routed.world.clusters[CLUSTER].api.merge_patch("BGPFilter", None, "export-egress-ips", body, manager="kubectl")
    routed.world.replace_node(CLUSTER, "spoke1-0", FRESH)
    for _ in range(12):
        routed.run_pass()
        routed.world.advance(15)

    assert NEW not in connections(routed)
    assert OTHER in connections(routed)


def test_a_status_object_of_somebody_else_serves_as_well() -> None:
    """It tells of the same node's sessions: it is not touched, and not missed."""
    desk = bare_desk()
    theirs = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "CalicoNodeStatus",
        "metadata": {"name": "spoke1-0"},
        "spec": {"node": "spoke1-0", "classes": ["BGP"], "updatePeriodSeconds": 10},
    }
    desk.world.clusters[CLUSTER].api.create("CalicoNodeStatus", None, theirs, manager="kubectl")

    last = desk.settle()

    assert (True, False) == (last.converged, mesh(desk)), describe(last)
    managers = {entry["manager"] for entry in stored(desk, "CalicoNodeStatus")["spoke1-0"]["metadata"]["managedFields"]}
    assert "egress-gitops" not in managers
