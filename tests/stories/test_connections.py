"""Route Server's connections: eight at most, ours by their name, none before its filter."""

from __future__ import annotations

from stories.desk import Desk, describe, sample
from stories.fabric_worlds import (
    CLUSTER,
    FRESH,
    NEW,
    OLD,
    OTHER,
    bare_desk,
    connections,
    put_connection,
    watched,
    written,
)

from function_app.model.plan import RefusalCode
from function_app.model.resources import Kind
from simulator.model.packets import Packet, Verdict


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


def test_a_connection_of_no_defined_cluster_is_reported(routed: Desk) -> None:
    """Its cluster's file was removed without taking the cluster out first."""
    put_connection(routed, "egress-gitops-gone-10-9-0-4", "10.9.0.4")

    last = routed.settle()

    assert last.converged, describe(last)
    assert any("egress-gitops-gone-10-9-0-4 bears our prefix" in note for note in last.plan.notes)


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
