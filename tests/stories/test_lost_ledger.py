"""A ledger that is empty: a new hub, or a lost one, and what is believed then."""

from __future__ import annotations

import pytest
from stories.desk import Desk, describe, sample

from function_app.model.ledger import RecordKind
from function_app.model.names import GENERATION_LABEL, HUB_LABEL, MANAGED_BY_LABEL, TENANT_LABEL
from function_app.model.plan import RefusalCode, Stage, WaitsFor
from function_app.model.state import HubState
from simulator.model.faults import Action, Fault
from simulator.model.packets import Verdict

CLUSTER = "spoke1-aks"


def test_a_hub_is_called_new_only_when_every_target_was_read(desk: Desk) -> None:
    """With one cluster silent an empty ledger may be a lost one: no range is given out until it answers."""
    desk.world.faults.add(Fault(target="cluster/spoke2-aks", action=Action.TIMEOUT_BEFORE, count=0))
    desk.commit(sample("tenants/tenant0.yaml"))
    for _ in range(5):
        desk.run_pass()
        desk.world.advance(60)
    waiting = desk.attachment("tenant0", CLUSTER)
    before = list(desk.ledger.records)
    desk.world.faults.clear()

    last = desk.settle()

    assert (WaitsFor.LEDGER,) == waiting.waiting_for
    assert [] == before
    assert last.converged, describe(last)


def test_a_pool_that_only_looks_like_ours_never_opens_the_filter(settled: Desk) -> None:
    """Ledger lost, tree in doubt, and somebody's pool of other addresses bears our labels: only egress ranges are accepted."""
    labels = {
        MANAGED_BY_LABEL: "egress-gitops",
        HUB_LABEL: "hub1",
        TENANT_LABEL: "tenant7",
        GENERATION_LABEL: "deadbeef",
    }
    spec = {"cidr": "10.50.0.0/24", "blockSize": 32, "nodeSelector": "!all()", "vxlanMode": "Never"}
    body = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "IPPool",
        "metadata": {"name": "tenant7-pool", "labels": labels},
        "spec": spec,
    }
    settled.world.clusters[CLUSTER].api.create("IPPool", None, body, manager="kubectl")
    settled.commit({"hubs/hub1.yaml": None})
    settled.ledger.records.clear()
    settled.state.state = HubState()
    for _ in range(10):
        settled.run_pass()
        settled.world.advance(30)

    rules = str(settled.world.clusters[CLUSTER].api.objects("BGPFilter"))
    assert "10.99.0.0/29" in rules
    assert "10.50.0.0" not in rules


def test_a_cluster_that_was_silent_when_the_ledger_was_lost_is_added_when_it_answers(settled: Desk) -> None:
    """Its attachments are rebuilt late, keep their ranges, and are not disturbed meanwhile."""
    settled.world.faults.add(Fault(target="cluster/spoke2-aks", action=Action.TIMEOUT_BEFORE, count=0))
    settled.ledger.records.clear()
    settled.state.state = HubState()
    for _ in range(3):
        settled.run_pass()
        settled.world.advance(60)
    early = {str(one.cluster) for one in settled.ledger.records if one.kind is RecordKind.RESERVE}
    settled.world.faults.clear()
    for _ in range(3):
        settled.run_pass()
        settled.world.advance(60)

    late = {str(one.cluster) for one in settled.ledger.records if one.kind is RecordKind.RESERVE}
    assert {"spoke1-aks"} == early
    assert {"spoke1-aks", "spoke2-aks"} == late
    assert "tenant1" == settled.send("spoke2-aks", "shop", "https://docs.tigera.io").range_tenant


def test_an_unreadable_ledger_is_looked_at_again(settled: Desk) -> None:
    """Nothing is left to revoke, and yet a further pass is asked for: the ledger may have been restored."""
    settled.ledger.unreadable = "line 3 is damaged"

    report = settled.run_pass()

    assert (60.0, False) == (report.plan.look_again_seconds, report.converged)


def test_a_name_written_anew_as_a_wildcard_goes_on_without_a_ledger(settled: Desk) -> None:
    """Nothing is given while the ledger cannot be read, and nothing that stands goes for what would have come in its place."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"] or ""
    settled.ledger.unreadable = "line 3 is damaged"
    settled.commit({"tenants/tenant0.yaml": text.replace("[www.tigera.io]", '["*.tigera.io"]')})
    for _ in range(10):
        settled.run_pass()
        settled.world.advance(60)
    without = [settled.send(CLUSTER, "default", f"http://{name}.tigera.io").verdict for name in ("www", "docs")]
    settled.ledger.unreadable = ""

    last = settled.settle()

    assert [Verdict.ALLOWED, Verdict.DENIED] == without
    assert last.converged, describe(last)
    assert Verdict.ALLOWED == settled.send(CLUSTER, "default", "http://docs.tigera.io").verdict


def test_a_gateway_whose_pool_is_gone_keeps_its_range_and_gets_its_pool_again(settled: Desk) -> None:
    """Ledger lost and pool deleted by hand: its pods bear out what the definition says, and they stay the same."""
    before = {one.name for one in settled.attachment("tenant0", CLUSTER).gateways}
    settled.ledger.records.clear()
    settled.state.state = HubState()
    settled.world.clusters[CLUSTER].api.delete("IPPool", None, "tenant0-pool")

    last = settled.settle()

    assert last.converged, describe(last)
    assert before == {one.name for one in settled.attachment("tenant0", CLUSTER).gateways}
    assert "tenant0-pool" in {one["metadata"]["name"] for one in settled.world.clusters[CLUSTER].api.objects("IPPool")}
    assert Verdict.ALLOWED is settled.send(CLUSTER, "default", "http://www.tigera.io").verdict


def _pods_without_an_account(desk: Desk, cidr: str) -> None:
    """Ledger, pool and file of tenant0 are gone and only its gateway still stands; a quarantine later `heir` asks for a range."""
    desk.ledger.records.clear()
    desk.state.state = HubState()
    desk.world.clusters[CLUSTER].api.delete("IPPool", None, "tenant0-pool")
    desk.commit({"tenants/tenant0.yaml": None})
    desk.run_pass()
    desk.world.advance(25 * 3600)
    heir = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"].replace("tenant0", "heir")
    desk.commit({"tenants/heir.yaml": heir.replace("10.99.0.0/29", cidr)})


@pytest.mark.parametrize("cidr", ["10.99.0.0/29", "10.99.0.0/30"])
def test_pods_that_nothing_accounts_for_keep_their_addresses_until_a_person_acts(settled: Desk, cidr: str) -> None:
    """Whoever asks for a range that they stand in is told which pod it is."""
    _pods_without_an_account(settled, cidr)

    report = settled.settle()

    refusal = next(one for one in report.plan.refused if one.code is RefusalCode.RANGE_HELD)
    assert report.stopped
    assert "pod tenant0-egw/" in refusal.message
    assert "on spoke1-aks bears 10.99.0." in refusal.message
    assert "heir" not in {str(one.tenant) for one in settled.ledger.records}


def test_a_range_is_given_out_by_itself_once_such_pods_are_gone(settled: Desk) -> None:
    """Somebody deletes their gateway, and the passes that follow go on."""
    _pods_without_an_account(settled, "10.99.0.0/29")
    settled.settle()
    settled.world.clusters[CLUSTER].api.delete("EgressGateway", "tenant0-egw", "tenant0-egw")
    settled.world.advance(2)
    settled.run_pass()
    early = settled.attachment("heir", CLUSTER)

    last = settled.settle()

    assert (WaitsFor.PODS_GONE,) == early.waiting_for
    assert Stage.ROUTED is settled.attachment("heir", CLUSTER).stage, describe(last)
