"""What people change by hand in the fabric is put right, and what would hurt is not."""

from __future__ import annotations

import pytest
from stories.desk import HUB, Desk, describe, sample
from stories.fabric_worlds import (
    CLUSTER,
    OLD,
    OTHER,
    WEBSITE,
    annotate,
    bare_desk,
    cluster_ids,
    connections,
    label,
    mesh,
    put_connection,
    stored,
    watched,
    written,
)

from function_app.model.plan import ChangeReason, RefusalCode, Verb, WaitsFor
from function_app.model.resources import Kind
from simulator.model.faults import Action, Fault
from simulator.model.packets import Packet, Verdict


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


def on_both_sides(desk: Desk, asn: int) -> None:
    """Somebody changes the AS number of the cluster and of its connections, and the sessions come up again."""
    body = {"spec": {"asNumber": asn}}
    desk.world.clusters[CLUSTER].api.merge_patch("BGPConfiguration", None, "default", body, manager="kubectl-edit")
    for name, address in ((OLD, "10.1.0.4"), (OTHER, "10.1.0.5")):
        put_connection(desk, name, address, asn)
    desk.world.advance(30)


def test_an_as_number_that_was_changed_on_both_sides_is_not_put_back_under_tenants(routed: Desk) -> None:
    """Their sessions stand under it; putting it back would drop all of them. The definition follows instead, unnoticed."""
    on_both_sides(routed, 64600)
    since = len(routed.reports)
    packets: list[Packet] = []

    stopped = routed.settle(watch=lambda: packets.append(routed.send(CLUSTER, "default", WEBSITE)))
    path = "clusters/spoke1-aks.yaml"
    routed.commit({path: sample(path)[path].replace("asn: 63400", "asn: 64600")})
    watched(routed, packets)

    assert stopped.stopped, describe(stopped)
    assert [RefusalCode.IMMUTABLE] == [one.code for one in stopped.plan.refused]
    assert "Write asn: 64600 in the definition" in stopped.plan.refused[0].message
    assert [] == written(routed, since)
    assert {Verdict.ALLOWED} == {one.verdict for one in packets}


def test_an_as_number_that_was_changed_on_both_sides_is_put_back_while_nobody_is_routed() -> None:
    """Cluster first, then the connections, one after the other."""
    desk = bare_desk()
    desk.settle()
    on_both_sides(desk, 64600)
    since = len(desk.reports)

    last = desk.settle()

    steps = [str(one.change.resource) for one in written(desk, since)]
    assert ["BGPConfiguration/default", f"BgpConnection/{OLD}", f"BgpConnection/{OTHER}"] == steps
    assert [1, 1, 1] == [len(report.outcomes) for report in desk.reports[since:] if report.outcomes]

    assert last.converged, describe(last)
    assert 63400 == stored(desk, "BGPConfiguration")["default"]["spec"]["asNumber"]
    assert {("10.1.0.4", 63400), ("10.1.0.5", 63400)} == {
        one for name, one in connections(desk).items() if CLUSTER in name
    }


def test_an_as_number_waits_for_route_server_to_be_read(routed: Desk) -> None:
    """Whether sessions stand under the number that somebody wrote is not known meanwhile."""
    body = {"spec": {"asNumber": 64600}}
    routed.world.clusters[CLUSTER].api.merge_patch("BGPConfiguration", None, "default", body, manager="kubectl-edit")
    routed.world.faults.add(Fault(target=f"route-server/{HUB}", action=Action.UNREACHABLE, count=0))

    unread = routed.run_pass()
    routed.world.faults.clear()
    last = routed.settle()

    assert [("default", WaitsFor.FABRIC)] == [
        (one.resource.name, one.waits_for) for one in unread.plan.changes if one.target == f"cluster/{CLUSTER}"
    ]
    assert last.converged, describe(last)
    assert 63400 == stored(routed, "BGPConfiguration")["default"]["spec"]["asNumber"]


def test_in_doubt_nothing_of_the_fabric_is_taken_away(routed: Desk) -> None:
    """The hub's file is gone, which is taken for a mistake: a node that lost its label keeps cluster id and connection."""
    label(routed, "spoke1-2", "true")
    watched(routed, [])
    path = "hubs/hub1.yaml"
    routed.commit({path: None})
    label(routed, "spoke1-0", None)

    routed.settle()
    kept = (OLD in connections(routed), "spoke1-0" in cluster_ids(routed))
    routed.commit(sample(path))
    watched(routed, [])

    assert (True, True) == kept
    assert (False, False) == (OLD in connections(routed), "spoke1-0" in cluster_ids(routed))


def test_the_peering_comes_before_the_next_reflector(routed: Desk) -> None:
    """Both are gone: a node that leaves the mesh without it would have no session with anybody."""
    routed.world.clusters[CLUSTER].api.delete("BGPPeer", None, "peer-with-route-reflectors")
    annotate(routed, "spoke1-1", None)

    first = routed.run_pass()
    last = routed.settle()

    waiting = {one.resource.name: one for one in first.plan.changes}["spoke1-1"]
    assert (WaitsFor.FABRIC, True) == (
        waiting.waits_for,
        "the peering with the reflectors comes first" in waiting.because,
    )
    assert last.converged, describe(last)


def only_reported() -> dict[str, str]:
    """The cluster's definition with `drift: report`."""
    path = "clusters/spoke1-aks.yaml"
    return {path: sample(path)[path].replace("spec:\n", "spec:\n  drift: report\n", 1)}


@pytest.mark.parametrize(
    ("kind", "name"), [("BGPPeer", "peer-with-route-reflectors"), ("CalicoNodeStatus", "spoke1-0")]
)
def test_where_drift_is_only_reported_the_mesh_waits_for_a_person(kind: str, name: str) -> None:
    """Somebody deleted what it is turned off for, or what tells that it may be: passes come to rest and name both."""
    desk = bare_desk()
    desk.run_pass()
    desk.world.advance(15)
    desk.run_pass()
    desk.commit(only_reported())
    desk.world.clusters[CLUSTER].api.delete(kind, None, name)

    stopped = desk.settle()
    told = {str(one.resource): one.waits_for for one in stopped.plan.changes}
    on = mesh(desk)
    desk.commit(sample("clusters/spoke1-aks.yaml"))
    last = desk.settle()

    assert stopped.stopped, describe(stopped)
    assert {f"{kind}/{name}": WaitsFor.PERSON, "BGPConfiguration/default": WaitsFor.PERSON} == told
    assert (True, True, False) == (on, last.converged, mesh(desk)), describe(last)


def test_where_drift_is_only_reported_the_next_reflector_waits_for_a_person(routed: Desk) -> None:
    """Nothing tells any more how a reflector in use stands: another node is not interrupted, and passes come to rest."""
    routed.commit(only_reported())
    routed.settle()
    routed.world.clusters[CLUSTER].api.delete("CalicoNodeStatus", None, "spoke1-0")
    label(routed, "spoke1-2", "true")

    stopped = routed.settle()
    told = {one.resource.name: one.waits_for for one in stopped.plan.changes if one.resource.kind is Kind.NODE}
    routed.commit(sample("clusters/spoke1-aks.yaml"))
    watched(routed, [])

    assert stopped.stopped, describe(stopped)
    assert {"spoke1-2": WaitsFor.PERSON} == told
    assert {"spoke1-0", "spoke1-1", "spoke1-2"} == set(cluster_ids(routed))


def test_where_drift_is_only_reported_tenants_wait_for_a_person(routed: Desk) -> None:
    """Somebody deleted the BGPConfiguration, so no session stands: passes come to rest and say who must act."""
    routed.commit(only_reported())
    routed.settle()
    routed.world.clusters[CLUSTER].api.delete("BGPConfiguration", None, "default")
    routed.world.advance(60)

    stopped = routed.settle()
    told = routed.attachment("tenant0", CLUSTER)
    routed.commit(sample("clusters/spoke1-aks.yaml"))
    watched(routed, [])

    assert (True, (WaitsFor.PERSON,)) == (stopped.stopped, told.waiting_for), describe(stopped)
