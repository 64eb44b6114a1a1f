"""A cluster's fabric comes up: reflectors one at a time, the filter before any session with Azure, the mesh off last."""

from __future__ import annotations

from stories.desk import Desk, describe, sample
from stories.fabric_worlds import (
    CLUSTER,
    OLD,
    OTHER,
    PEERS,
    TENANTS,
    WEBSITE,
    bare_desk,
    cluster_ids,
    connections,
    mesh,
    stored,
    watched,
    written,
)

from function_app.model.plan import Stage, WaitsFor
from function_app.model.report import Result
from function_app.model.resources import Kind
from simulator.model.packets import Packet, Verdict


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
