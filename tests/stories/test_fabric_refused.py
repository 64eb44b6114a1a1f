"""What of the fabric is refused, with the reason and the way out."""

from __future__ import annotations

from dataclasses import replace

from stories.desk import Desk, describe, sample
from stories.fabric_worlds import (
    CLUSTER,
    FRESH,
    OLD,
    WEBSITE,
    bare_desk,
    bare_world,
    connections,
    label,
    mesh,
    stored,
    written,
)

from function_app.model.plan import RefusalCode, Stage
from function_app.model.state import DecisionKind
from simulator.model.packets import Packet, Verdict


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
    report = routed.settle()

    assert report.stopped, describe(report)
    assert RefusalCode.CLUSTER_REPLACED in {one.code for one in report.plan.refused}
    assert [] == [one for one in report.plan.changes if CLUSTER in f"{one.target} {one.resource}"]


def test_a_cluster_that_was_rebuilt_waits_until_it_is_accepted_once(routed: Desk) -> None:
    """Tenants who come to it wait for a person, not for ever; accepted, its fabric comes up and they are routed."""
    routed.world.clusters[CLUSTER].rebuild()
    since = len(routed.reports)

    stopped = routed.settle()
    before = written(routed, since)
    routed.decide(DecisionKind.FORGET, CLUSTER)
    routed.settle()
    routed.state.withdraw(DecisionKind.FORGET, CLUSTER)
    last = routed.settle()

    assert (True, []) == (stopped.stopped, before), describe(stopped)
    assert last.converged, describe(last)
    assert {Stage.ROUTED} == {one.stage for one in last.plan.attachments}
    assert Verdict.ALLOWED == routed.send(CLUSTER, "default", WEBSITE).verdict
