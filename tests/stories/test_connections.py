"""Route Server's connections: eight at most, ours by their name, none before its filter."""

from __future__ import annotations

from typing import Any

import pytest
from stories.desk import HUB, Desk, describe, sample
from stories.fabric_worlds import (
    CLUSTER,
    FRESH,
    NEW,
    OLD,
    OTHER,
    WEBSITE,
    bare_desk,
    connections,
    label,
    put_connection,
    watched,
    written,
)

from function_app.model.plan import RefusalCode, Verb, WaitsFor
from function_app.model.resources import Kind
from simulator.model.azure.groups import State
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


PODS = {"action": "Accept", "matchOperator": "In", "cidr": "10.244.0.0/16"}


@pytest.mark.parametrize(
    ("kind", "name", "spec"),
    [
        ("BGPFilter", "export-egress-ips", {"exportV4": [{"action": "Accept"}]}),
        ("BGPFilter", "export-egress-ips", {"exportV4": [PODS, {"action": "Reject"}]}),
        ("BGPPeer", "azure-route-server-b", {"filters": []}),
    ],
    ids=["accepts everything", "accepts pods", "a peer without it"],
)
def test_no_new_connection_while_more_than_tenants_would_leave_by_it(
    routed: Desk, kind: str, name: str, spec: dict[str, Any]
) -> None:
    """With `drift: report` nobody puts it right: the new node's connection waits, the old ones stay."""
    path = "clusters/spoke1-aks.yaml"
    routed.commit({path: sample(path)[path].replace("spec:\n", "spec:\n  drift: report\n", 1)})
    routed.settle()
    routed.world.clusters[CLUSTER].api.merge_patch(kind, None, name, {"spec": spec}, manager="kubectl")
    routed.world.replace_node(CLUSTER, "spoke1-0", FRESH)
    for _ in range(12):
        routed.run_pass()
        routed.world.advance(15)

    assert NEW not in connections(routed)
    assert OTHER in connections(routed)


def test_a_connection_whose_last_write_failed_is_put_again(routed: Desk) -> None:
    """While it has no session; one that failed and works is left alone."""
    server = routed.world.hubs[HUB].route_server
    for name in (OLD, OTHER):
        server.connection(name).state = State.FAILED
    server.reset(OLD, 60)
    routed.world.advance(20)
    since = len(routed.reports)

    last = routed.settle()

    assert last.converged, describe(last)
    assert [(Verb.UPDATE, OLD)] == [(one.change.verb, one.change.resource.name) for one in written(routed, since)]


def test_a_connection_that_is_being_written_is_looked_at_again(routed: Desk) -> None:
    """Nothing else is to be done: whether that write succeeds is seen by a pass that somebody must ask for."""
    connection = routed.world.hubs[HUB].route_server.connection(OLD)
    before = routed.run_pass()
    connection.state = State.UPDATING

    meanwhile = routed.run_pass()

    assert (None, True) == (before.plan.look_again_seconds, before.converged)
    assert [] == written(routed, len(routed.reports) - 1)
    assert (meanwhile.plan.look_again_seconds or 1e9) <= 60


def test_where_no_label_is_left_every_connection_stays(routed: Desk) -> None:
    """Somebody took it off all nodes: refused, and tenants are learned as before."""
    for node in ("spoke1-0", "spoke1-1"):
        label(routed, node, None)
    packets: list[Packet] = []

    last = routed.settle(watch=lambda: packets.append(routed.send(CLUSTER, "default", WEBSITE)))

    assert last.stopped, describe(last)
    assert [RefusalCode.FABRIC] == [one.code for one in last.plan.refused]
    assert {OLD, OTHER} <= set(connections(routed))
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


def test_the_last_connection_that_works_stays_while_it_works() -> None:
    """Nobody is routed yet, and the new reflector's connection is somebody's and broken."""
    desk = bare_desk()
    path = "tenants/tenant0.yaml"
    desk.commit({path: sample(path)[path].replace("namespaces: [default]", "namespaces: [later]")})
    desk.settle()
    label(desk, "spoke1-1", None)
    desk.settle()
    put_connection(desk, "by-hand", "10.1.0.6", 64999)
    label(desk, "spoke1-2", "true")
    label(desk, "spoke1-0", None)

    report = desk.run_pass()

    waiting = {one.resource.name: one for one in report.plan.changes}[OLD]
    assert (Verb.DELETE, WaitsFor.FABRIC) == (waiting.verb, waiting.waits_for)
    assert "it is the last one of the cluster that is connected" in waiting.because


def test_on_a_route_server_that_may_be_another_nothing_is_written(routed: Desk) -> None:
    """The definition names another AS number than it has: not even a connection whose node is no reflector any more goes."""
    label(routed, "spoke1-2", "true")
    watched(routed, [])
    path = "hubs/hub1.yaml"
    routed.commit({path: sample(path)[path].replace("asn: 65515", "asn: 65520")})
    label(routed, "spoke1-0", None)
    before = connections(routed)

    report = routed.settle()

    assert [RefusalCode.PREFLIGHT] == [one.code for one in report.plan.refused], describe(report)
    assert before == connections(routed)
