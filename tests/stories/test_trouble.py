"""Targets that do not answer, processes that die, ledgers that are lost: late is fine, wrong is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from stories.desk import HUB, Desk, describe, sample

from function_app.model.ledger import RecordKind
from function_app.model.plan import RefusalCode, WaitsFor
from function_app.model.state import DecisionKind, HubState
from function_app.reconcile import HubBusy
from simulator.model.faults import Action, Crash, Fault
from simulator.model.packets import Verdict


def test_a_dead_cluster_delays_only_its_own(desk: Desk) -> None:
    """Spoke2 is black-holed: spoke1's attachments are routed, spoke2's waits for its target."""
    desk.commit(sample("tenants/tenant0.yaml"))
    desk.settle()
    desk.world.faults.add(Fault(target="cluster/spoke2-aks", action=Action.TIMEOUT_BEFORE, count=0))
    desk.commit(sample("tenants/tenant1.yaml"))
    for _ in range(40):
        desk.run_pass()
        desk.world.advance(20)

    assert () == desk.attachment("tenant0", "spoke1-aks").waiting_for
    assert () == desk.attachment("tenant1", "spoke1-aks").waiting_for
    assert (WaitsFor.TARGET,) == desk.attachment("tenant1", "spoke2-aks").waiting_for


def test_an_unreadable_cluster_is_never_an_empty_one(settled: Desk) -> None:
    """With spoke1 answering 503 nothing of it is removed or written, and its tenants' rules stay."""
    settled.world.faults.add(Fault(target="cluster/spoke1-aks", action=Action.REFUSE, status=503, count=0))
    settled.reports.clear()
    for _ in range(6):
        settled.run_pass()
        settled.world.advance(60)

    assert 0 == sum(one.writes for one in settled.reports)
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_rules_of_a_removed_tenant_go_though_its_cluster_cannot_be_read(settled: Desk) -> None:
    """Ten minutes after the removal is recorded its rules go; its range stays held until the cluster is read again."""
    settled.world.faults.add(Fault(target="cluster/spoke1-aks", action=Action.REFUSE, status=503, count=0))
    settled.commit({"tenants/tenant0.yaml": None})
    for _ in range(20):
        settled.run_pass()
        settled.world.advance(60)

    assert Verdict.DENIED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict
    assert RecordKind.FREED not in {one.kind for one in settled.ledger.records}


def test_rules_on_a_cluster_whose_file_was_removed_too_early_are_waited_for_until_they_go(settled: Desk) -> None:
    """Only a person can give the range back, but its rules go with time: no pass says that it rests before they have gone."""
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    start, end = text.index("    - cluster: spoke2-aks"), text.index("  egress:")
    settled.commit({"tenants/tenant1.yaml": text[:start] + text[end:], "clusters/spoke2-aks.yaml": None})
    first, since = settled.run_pass(), settled.world.clock.now()

    last, took = settled.settle(), settled.world.clock.now() - since
    settled.world.advance(3600)
    later = settled.run_pass()

    assert (WaitsFor.PERSON, WaitsFor.UNPOINTED) == first.plan.attachments[-1].waiting_for
    assert (None, (WaitsFor.PERSON,)) == (last.plan.look_again_seconds, last.plan.attachments[-1].waiting_for)
    assert timedelta(minutes=10) < took < timedelta(minutes=20)
    assert 0 == later.writes


@pytest.mark.parametrize("action", [Action.CRASH_BEFORE, Action.CRASH_AFTER])
def test_killed_at_every_call_it_converges_all_the_same(action: Action) -> None:
    """A process that dies at the n-th call, for every n of an onboarding, is continued by the next one."""
    reached = 0
    for nth in range(1, 400, 13):
        desk = Desk.with_platform()
        desk.commit(sample("tenants/tenant0.yaml"))
        desk.world.faults.add(Fault(target="*", action=action, nth=nth, count=1))
        try:
            desk.settle()
        except Crash:
            reached += 1
            desk.world.advance(61)
            desk.checkpoint = None
        last = desk.settle()
        assert last.converged, describe(last)
        assert Verdict.ALLOWED == desk.send("spoke1-aks", "default", "http://www.tigera.io").verdict
    assert reached > 10


def test_a_lost_ledger_is_rebuilt_and_gives_nothing_out_for_one_quarantine(settled: Desk) -> None:
    """What runs goes on without a write that packets feel; a new tenant waits a day."""
    settled.ledger.records.clear()
    settled.state.state = HubState()
    settled.run_pass()
    newcomer = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"].replace("name: tenant0", "name: tenant2")
    settled.commit(
        {"tenants/tenant2.yaml": newcomer.replace("10.99.0.0/29", "10.99.0.32/29").replace("[default]", "[other]")}
    )

    settled.run_pass()
    early = settled.attachment("tenant2", "spoke1-aks")
    packet = settled.send("spoke1-aks", "default", "http://www.tigera.io")
    settled.world.advance(24 * 3600 + 60)
    settled.run_pass()
    late = settled.attachment("tenant2", "spoke1-aks")

    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.range_tenant)
    assert WaitsFor.LEDGER in early.waiting_for
    assert WaitsFor.LEDGER not in late.waiting_for
    assert {"tenant0", "tenant1"} == {
        str(one.tenant) for one in settled.ledger.records if one.author.startswith("rebuilt")
    }


def test_with_an_unreadable_ledger_only_revocations_proceed(settled: Desk) -> None:
    """An addition waits, a dropped name goes, and the refusal says so."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    other = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    settled.ledger.unreadable = "line 3 is damaged"
    settled.commit(
        {"tenants/tenant0.yaml": text.replace("www.tigera.io", "docs.tigera.io"), "tenants/tenant1.yaml": other + "\n"}
    )
    for _ in range(20):
        settled.run_pass()
        settled.world.advance(30)

    assert RefusalCode.LEDGER_UNREADABLE in {one.code for one in settled.reports[-1].plan.refused}
    assert Verdict.DENIED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict
    assert Verdict.DENIED == settled.send("spoke1-aks", "default", "http://docs.tigera.io").verdict
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "shop", "https://docs.tigera.io").verdict


def test_with_an_unreadable_ledger_a_rule_opened_by_hand_is_narrowed_to_what_git_has(settled: Desk) -> None:
    """Somebody lets tenant0 reach everything: that ends, and what Git allows it is never denied."""
    settled.ledger.unreadable = "line 3 is damaged"

    def open_up(properties: dict[str, Any]) -> None:
        for collection in properties["ruleCollections"]:
            for rule in collection["rules"]:
                if collection["name"] == "tenant0-app":
                    rule["targetFqdns"] = ["*"]

    settled.world.hubs[HUB].edit_group("tenants", "egress-000", open_up)
    seen: set[Verdict] = set()
    for _ in range(40):
        settled.run_pass()
        settled.world.advance(20)
        seen.add(settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict)

    assert {Verdict.ALLOWED} == seen
    assert Verdict.DENIED == settled.send("spoke1-aks", "default", "http://docs.tigera.io").verdict


def test_a_forgotten_cluster_frees_its_ranges_once_route_server_no_longer_talks_to_it(settled: Desk) -> None:
    """An operator gives spoke2 up: its connections are deleted first, then its range is freed."""
    settled.world.faults.add(Fault(target="cluster/spoke2-aks", action=Action.TIMEOUT_BEFORE, count=0))
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    start = text.index("    - cluster: spoke2-aks")
    end = text.index("  egress:")
    settled.commit({"tenants/tenant1.yaml": text[:start] + text[end:]})
    settled.decide(DecisionKind.FORGET, "spoke2-aks")
    for _ in range(30):
        settled.run_pass()
        settled.world.advance(30)

    names = [one["name"] for one in settled.ports.route_server.connections()]
    assert not [name for name in names if name.startswith("spoke2")]
    assert [("freed", "spoke2-aks")] == [
        (str(one.kind), str(one.cluster)) for one in settled.ledger.records if one.kind is RecordKind.FREED
    ]


def test_only_one_pass_at_a_time(settled: Desk) -> None:
    """While somebody holds the lease a second pass does not start."""
    settled.ports.leases.acquire(HUB, "another")

    with pytest.raises(HubBusy):
        settled.run_pass()
