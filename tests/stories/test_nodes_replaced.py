"""Nodes come and go under routed tenants, and nobody is cut off from whom somebody depends."""

from __future__ import annotations

from stories.desk import HUB, Desk, describe, sample
from stories.fabric_worlds import (
    CLUSTER,
    FRESH,
    NEW,
    OLD,
    OTHER,
    SECOND_NEW,
    WEBSITE,
    annotate,
    cluster_ids,
    connections,
    label,
    mesh,
    stored,
    watched,
    written,
)

from function_app.model.plan import WaitsFor
from function_app.model.report import Report
from function_app.model.resources import Kind
from simulator.model.faults import Action, Fault
from simulator.model.packets import Packet, Verdict


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
    told = "only spoke1-1 is a ready route reflector; Route Server loses every tenant's route the moment it is replaced"
    assert any(told in note for note in last.plan.notes)


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


def test_no_second_reflector_is_interrupted_while_the_first_one_is_not_settled(routed: Desk) -> None:
    """The other one's calico-node tells nothing of its sessions: the lost cluster id waits until it does."""
    routed.world.clusters[CLUSTER].silence_status("spoke1-1")
    routed.world.advance(90)
    annotate(routed, "spoke1-0", None)

    first = routed.run_pass()
    waiting = [one for one in first.plan.changes if one.resource.name == "spoke1-0"]
    routed.world.clusters[CLUSTER].silence_status("spoke1-1", silent=False)
    last = routed.settle()

    assert [WaitsFor.FABRIC] == [one.waits_for for one in waiting]
    assert "tells of the sessions of spoke1-1" in waiting[0].because
    assert last.converged, describe(last)
    assert "spoke1-0" in cluster_ids(routed)


def test_nobody_is_interrupted_while_route_server_cannot_be_read(routed: Desk) -> None:
    """Whose routes come over the node is not known."""
    annotate(routed, "spoke1-0", None)
    routed.world.faults.add(Fault(target=f"route-server/{HUB}", action=Action.UNREACHABLE, count=0))

    first = routed.run_pass()
    waiting = [one for one in first.plan.changes if one.resource.name == "spoke1-0"]
    routed.world.faults.clear()
    last = routed.settle()

    assert [WaitsFor.FABRIC] == [one.waits_for for one in waiting]
    assert "cannot be read" in waiting[0].because
    assert last.converged, describe(last)


def two_minutes(desk: Desk) -> tuple[Report, set[Verdict]]:
    """A pass every 15 s: the last one, and what became of a connection after each."""
    verdicts: set[Verdict] = set()
    for _ in range(8):
        report = desk.run_pass()
        desk.world.advance(15)
        verdicts.add(desk.send(CLUSTER, "default", WEBSITE).verdict)
    return report, verdicts


def test_the_routes_of_a_dead_reflector_are_no_way_to_rely_on(routed: Desk) -> None:
    """They stay for the hold time: the living one is not interrupted, and no packet is lost before the dead one wakes."""
    routed.world.clusters[CLUSTER].set_node_ready("spoke1-1", ready=False)
    annotate(routed, "spoke1-0", None)

    first, verdicts = two_minutes(routed)
    kept = "spoke1-0" not in cluster_ids(routed)
    routed.world.clusters[CLUSTER].set_node_ready("spoke1-1", ready=True)
    last = routed.settle()

    assert (True, {Verdict.ALLOWED}) == (kept, verdicts), describe(first)
    assert last.converged, describe(last)
    assert "spoke1-0" in cluster_ids(routed)


def test_the_routes_of_a_reflector_that_lost_its_label_are_no_way_to_rely_on(routed: Desk) -> None:
    """Route Server lists them still, but the peering selects it no more: the other one's lost cluster id waits for a second."""
    label(routed, "spoke1-1", None)
    annotate(routed, "spoke1-0", None)

    first, verdicts = two_minutes(routed)
    kept = "spoke1-0" not in cluster_ids(routed)
    label(routed, "spoke1-1", "true")
    last = routed.settle()

    assert (True, {Verdict.ALLOWED}) == (kept, verdicts), describe(first)
    assert any("spoke1-0 does not get its cluster id" in note for note in first.plan.notes)
    assert last.converged, describe(last)
    assert {"spoke1-0", "spoke1-1"} == set(cluster_ids(routed))
