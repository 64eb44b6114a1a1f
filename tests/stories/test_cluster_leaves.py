"""A cluster leaves: tenants first, then its fabric, step by step."""

from __future__ import annotations

from typing import Any

from stories.desk import HUB, Desk, describe, sample
from stories.fabric_worlds import (
    CLUSTER,
    OLD,
    OTHER,
    PEERS,
    bare_desk,
    cluster_ids,
    connections,
    leaving,
    mesh,
    stored,
    written,
)

from function_app.model.plan import RefusalCode, WaitsFor
from function_app.model.resources import Kind
from function_app.model.state import DecisionKind
from simulator.model.faults import Action, Fault


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
    assert 1 == max(
        sum(one.change.resource.kind is Kind.NODE for one in report.outcomes) for report in desk.reports[since:]
    )
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


def test_a_cluster_does_not_leave_while_route_server_cannot_be_read() -> None:
    """Whether it still talks to the cluster is not known, so its peers keep their filter."""
    desk = bare_desk()
    desk.settle()
    desk.commit(leaving())
    desk.world.faults.add(Fault(target=f"route-server/{HUB}", action=Action.UNREACHABLE, count=0))
    since = len(desk.reports)

    for _ in range(3):
        desk.run_pass()
        desk.world.advance(60)

    assert [] == written(desk, since)
    assert PEERS == set(stored(desk, "BGPPeer"))


def test_the_filter_stays_while_a_peer_of_somebody_else_lists_it() -> None:
    """Without it that peer would export every pool; the refusal names it. What is not ours stays as well."""
    desk = bare_desk()
    api = desk.world.clusters[CLUSTER].api
    elsewhere = {"nodeSelector": "all()", "peerIP": "10.0.9.9", "asNumber": 65001, "filters": ["export-egress-ips"]}
    theirs: dict[str, Any] = {
        "peer-with-route-reflectors": {"nodeSelector": "has(nothing)", "peerSelector": "has(nothing)"},
        "theirs": elsewhere,
    }
    for name, spec in theirs.items():
        body = {"apiVersion": "projectcalico.org/v3", "kind": "BGPPeer", "metadata": {"name": name}, "spec": spec}
        api.create("BGPPeer", None, body, manager="kubectl")
        desk.settle()
    desk.commit(leaving())

    last = desk.settle()

    assert last.stopped, describe(last)
    assert [RefusalCode.FOREIGN_PEER] == [one.code for one in last.plan.refused]
    assert set(theirs) == set(stored(desk, "BGPPeer"))
    assert {"export-egress-ips"} == set(stored(desk, "BGPFilter"))


def test_the_filter_goes_after_a_peer_of_somebody_else_that_is_going() -> None:
    """It still carries the filter while it terminates; nobody has to act, so passes look again and name nobody."""
    desk = bare_desk()
    desk.settle()
    api = desk.world.clusters[CLUSTER].api
    spec = {"nodeSelector": "all()", "peerIP": "10.0.9.9", "asNumber": 65001, "filters": ["export-egress-ips"]}
    metadata: dict[str, Any] = {"name": "theirs", "finalizers": ["example.com/wait"]}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "BGPPeer", "metadata": metadata, "spec": spec}
    api.create("BGPPeer", None, body, manager="kubectl")
    api.delete("BGPPeer", None, "theirs")
    desk.commit(leaving())
    for _ in range(20):
        report = desk.run_pass()
        desk.world.advance(30)

    waiting = {str(one.resource): one.waits_for for one in report.plan.changes}
    assert {"BGPFilter/export-egress-ips": WaitsFor.FABRIC} == waiting, describe(report)
    assert ((), True) == (report.plan.refused, report.plan.look_again_seconds is not None)
    api.merge_patch("BGPPeer", None, "theirs", {"metadata": {"finalizers": None}}, manager="kubectl")
    assert desk.settle().converged
    assert {} == stored(desk, "BGPFilter")


def test_a_cluster_whose_file_went_too_early_names_a_person(routed: Desk) -> None:
    """Its tenants are still being taken down when nobody can say any more where it is: both ways out are told, and one goes on."""
    moved = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    stays = moved[: moved.index("    - cluster: spoke1-aks")] + moved[moved.index("    - cluster: spoke2-aks") :]
    path = "clusters/spoke1-aks.yaml"
    routed.commit({"tenants/tenant0.yaml": None, "tenants/tenant1.yaml": stays})
    refused = routed.run_pass()
    routed.decide(DecisionKind.WAIVER, refused.plan.plan_id, code=RefusalCode.REMOVALS)
    routed.run_pass()
    routed.commit({path: None})

    stopped = routed.settle()
    told = routed.attachment("tenant0", CLUSTER)
    routed.commit(sample(path))
    last = routed.settle()

    assert (True, (WaitsFor.PERSON,)) == (stopped.stopped, told.waiting_for), describe(stopped)
    assert "egressctl forget spoke1-aks" in told.detail
    assert last.converged, describe(last)
