"""A cluster leaves: tenants first, then its fabric, step by step."""

from __future__ import annotations

from stories.desk import Desk, describe, sample
from stories.fabric_worlds import OLD, OTHER, PEERS, bare_desk, cluster_ids, connections, leaving, mesh, stored, written

from function_app.model.plan import RefusalCode
from function_app.model.state import DecisionKind


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
