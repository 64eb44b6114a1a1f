"""What cannot be read is not empty, what is refused is not done, and nobody else waits for either."""

from __future__ import annotations

import pytest
from stories.desk import HUB, Desk, describe, sample
from stories.interruptions import writes_to

from function_app.model.ledger import RecordKind
from function_app.model.names import cluster_target
from function_app.model.plan import RefusalCode, WaitsFor
from function_app.model.report import Result
from simulator.inprocess import Door, InProcessCluster
from simulator.model.faults import Action, Fault
from simulator.model.packets import Verdict

CLUSTER = "spoke1-aks"
TARGET = "cluster/spoke1-aks"
KINDS = ("Namespace", "IPPool", "EgressGateway", "BGPFilter", "BGPPeer", "Deployment", "Pod", "FelixConfiguration")


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_that_cannot_be_listed_makes_the_whole_cluster_unreadable(settled: Desk, kind: str) -> None:
    """503 for one list is not an empty list: nothing is made again and nothing pruned, even while a tenant is leaving."""
    settled.world.faults.add(Fault(target=TARGET, verb="list", kind=kind, action=Action.REFUSE, status=503, count=0))
    settled.commit({"tenants/tenant0.yaml": None})
    before = writes_to(settled, TARGET)
    for _ in range(5):
        report = settled.run_pass()
        settled.world.advance(30)

    assert 0 == writes_to(settled, TARGET) - before
    assert [TARGET] == [str(one.target) for one in report.unreadable]
    assert RecordKind.FREED not in {one.kind for one in settled.ledger.records}
    assert (WaitsFor.TARGET,) == settled.attachment("tenant1", CLUSTER).waiting_for


@pytest.mark.parametrize(
    "fault",
    [
        Fault(target=TARGET, verb="list", kind="IPPool", action=action, count=0)
        for action in (Action.HTML, Action.EMPTY_OBJECT, Action.CUT, Action.TRUNCATED, Action.UNREACHABLE)
    ],
    ids=lambda fault: str(fault.action),
)
def test_an_answer_that_is_none_reads_as_no_answer(settled: Desk, fault: Fault) -> None:
    """A page of HTML, `{}`, half a body and a reset connection never mean that the pools are gone."""
    settled.world.faults.add(fault)
    before = writes_to(settled, TARGET)
    for _ in range(3):
        report = settled.run_pass()
        settled.world.advance(30)
    settled.world.faults.clear()

    last = settled.settle()

    assert 0 == writes_to(settled, TARGET) - before
    assert [TARGET] == [str(one.target) for one in report.unreadable]
    assert last.converged, describe(last)


def test_an_unreadable_cluster_keeps_its_ranges_until_an_operator_gives_it_up(settled: Desk) -> None:
    """Its attachment is removed, its connections are gone, and it does not answer: the range stays held all the same."""
    settled.world.faults.add(Fault(target="cluster/spoke2-aks", action=Action.TIMEOUT_BEFORE, count=0))
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    start, end = text.index("    - cluster: spoke2-aks"), text.index("  egress:")
    settled.commit({"tenants/tenant1.yaml": text[:start] + text[end:]})
    for name in ("spoke2-aks-spoke2-0", "spoke2-aks-spoke2-1"):
        settled.world.hubs[HUB].delete_connection("hub-rs", name)
        settled.world.advance(60)
    for _ in range(30):
        settled.run_pass()
        settled.world.advance(60)

    assert RecordKind.FREED not in {one.kind for one in settled.ledger.records}


def test_another_cluster_behind_the_name_is_not_written(settled: Desk) -> None:
    """The kubeconfig now leads to somebody else's cluster: said with the way out, and nothing is written to it."""
    stranger = InProcessCluster(Door(settled.world), "spoke2-aks")
    stranger.target = cluster_target(CLUSTER)
    ours = dict(settled.ports.clusters)
    clusters = {**ours, CLUSTER: stranger}
    object.__setattr__(settled.ports, "clusters", clusters)
    before = writes_to(settled, TARGET)
    for _ in range(3):
        report = settled.run_pass()
        settled.world.advance(60)
    written = writes_to(settled, TARGET) - before
    object.__setattr__(settled.ports, "clusters", ours)

    last = settled.settle()

    assert [(RefusalCode.CLUSTER_REPLACED, TARGET)] == [(one.code, one.subject) for one in report.plan.refused]
    assert 0 == written
    assert last.converged, describe(last)


@pytest.mark.parametrize(("status", "retry_after"), [(429, 30.0), (429, None), (429, 1e9), (500, None), (503, None)])
def test_a_target_that_says_not_now_is_asked_once_a_pass(desk: Desk, status: int, retry_after: float | None) -> None:
    """The first write is turned away: the others of that cluster are not tried, other targets go on, and all ends well."""
    desk.world.faults.add(
        Fault(target=TARGET, verb="apply", action=Action.REFUSE, status=status, retry_after=retry_after, count=0)
    )
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    tries: list[int] = []
    for _ in range(4):
        before = writes_to(desk, TARGET, "apply")
        report = desk.run_pass()
        tries.append(writes_to(desk, TARGET, "apply") - before)
        desk.world.advance(60)
    results = {str(one.change.target): set[Result]() for one in report.outcomes}
    elsewhere = writes_to(desk, "cluster/spoke2-aks", "apply")
    desk.world.faults.clear()

    last = desk.settle()

    assert [1, 1, 1, 1] == tries
    assert {TARGET} <= set(results)
    assert elsewhere > 0
    assert last.converged, describe(last)


def test_what_an_admission_webhook_refuses_fails_alone(desk: Desk) -> None:
    """Tenant0's pool is refused: it is reported so, what needs the pool is skipped, and everybody else arrives."""
    desk.world.faults.add(
        Fault(
            target=TARGET, verb="apply", kind="IPPool", name="tenant0-pool", action=Action.REFUSE, status=403, count=0
        )
    )
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))

    first = desk.run_pass()
    for _ in range(40):
        desk.run_pass()
        desk.world.advance(20)

    results = {str(one.change.resource): one.result for one in first.outcomes if str(one.change.target) == TARGET}
    gateways = str(desk.world.clusters[CLUSTER].api.objects("EgressGateway"))
    assert Result.FAILED == results["IPPool/tenant0-pool"]
    assert Result.SKIPPED == results["EgressGateway/tenant0-egw/tenant0-egw"]
    assert "tenant0-egw" not in gateways
    assert () == desk.attachment("tenant1", CLUSTER).waiting_for
    assert WaitsFor.POOLED in desk.attachment("tenant0", CLUSTER).waiting_for


def test_a_delete_that_is_refused_is_tried_again(settled: Desk) -> None:
    """The gateway's deletion is forbidden at first: it stays on the books, and goes when it may."""
    settled.world.faults.add(
        Fault(target=TARGET, verb="delete", kind="EgressGateway", action=Action.REFUSE, status=403, count=3)
    )
    settled.commit({"tenants/tenant0.yaml": None})

    last = settled.settle()

    tries = writes_to(settled, TARGET, "delete", "EgressGateway")
    assert 4 == tries
    assert last.converged, describe(last)
    assert RecordKind.FREED in {one.kind for one in settled.ledger.records}


def test_a_write_that_was_lost_is_made_again(desk: Desk) -> None:
    """The API server answers 200 with an empty object and stores nothing: that is no success."""
    desk.world.faults.add(Fault(target=TARGET, verb="apply", kind="IPPool", action=Action.EMPTY_OBJECT))
    desk.commit(sample("tenants/tenant0.yaml"))

    first = desk.run_pass()
    last = desk.settle()

    results = {str(one.change.resource): one.result for one in first.outcomes}
    assert Result.FAILED == results["IPPool/tenant0-pool"]
    assert last.converged, describe(last)
    assert Verdict.ALLOWED == desk.send(CLUSTER, "default", "http://www.tigera.io").verdict


def test_a_calico_api_server_that_is_down_degrades_its_cluster_only(settled: Desk) -> None:
    """Its group answers 503 while everything else works: the cluster is unreadable, and the other one is served."""
    settled.world.clusters[CLUSTER].api.calico_apiserver_down = True
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    settled.commit({"tenants/tenant1.yaml": text.replace("10.99.1.0/29", "10.99.1.16/29")})
    before = writes_to(settled, TARGET)
    for _ in range(60):
        report = settled.run_pass()
        settled.world.advance(20)

    assert [TARGET] == [str(one.target) for one in report.unreadable]
    assert 0 == writes_to(settled, TARGET) - before
    assert "10.99.1.16/29" == settled.attachment("tenant1", "spoke2-aks").cidr
    assert () == settled.attachment("tenant1", "spoke2-aks").waiting_for
