"""Azure Firewall as it is: slow, one write at a time, sometimes failing, sometimes refusing."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from stories.desk import Desk, describe, sample

from function_app.model.plan import RefusalCode, Stage, WaitsFor
from function_app.model.report import Report
from function_app.model.state import DecisionKind
from simulator.model.azure.groups import Refusal
from simulator.model.packets import Packet, Verdict

FIREWALL = "firewall/hub1"


def edited(name: str, before: str, after: str) -> dict[str, str | None]:
    """One tenant's file with one text replaced."""
    text = sample(f"tenants/{name}.yaml")[f"tenants/{name}.yaml"]
    assert before in text
    return {f"tenants/{name}.yaml": text.replace(before, after)}


def puts(reports: list[Report]) -> int:
    """Firewall writes that were accepted."""
    return sum(
        one.change.target == FIREWALL and one.result == "started" for report in reports for one in report.outcomes
    )


def test_a_tenant_stays_routed_while_the_firewall_works_on_an_edit(settled: Desk) -> None:
    """An edit of names keeps the stage at routed; `current` says that Git's version is not in force yet."""
    settled.reports.clear()
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))

    last = settled.settle()

    rows = [one for report in settled.reports for one in report.plan.attachments if one.key.tenant == "tenant0"]
    assert {Stage.ROUTED} == {one.stage for one in rows}
    assert not rows[0].current
    assert last.converged
    assert 1 == puts(settled.reports)


def test_a_write_accepted_whose_operation_then_fails_is_written_again(desk: Desk) -> None:
    """Failed with equal content is not equal: the shard is written a second time and then converges."""
    desk.world.hubs["hub1"].fail_next_operation(1, late=True)
    desk.commit(sample("tenants/tenant0.yaml"))

    last = desk.settle()

    assert last.converged, describe(last)
    assert 2 == puts(desk.reports)


def test_no_second_put_while_one_runs(desk: Desk) -> None:
    """Passes every ten seconds during a four-minute operation write nothing to the firewall."""
    desk.commit(sample("tenants/tenant0.yaml"))
    for _ in range(12):
        desk.run_pass()
        desk.world.advance(10)

    assert 1 == puts(desk.reports)


def test_a_busy_policy_is_waited_for(desk: Desk) -> None:
    """Somebody else's write holds the policy: ours is refused, waits, and goes through afterwards."""
    desk.world.hubs["hub1"].refuse_with(Refusal.RETRYABLE)
    desk.world.hubs["hub1"].busy(200)
    desk.commit(sample("tenants/tenant0.yaml"))

    last = desk.settle()

    assert last.converged, describe(last)
    assert 1 == puts(desk.reports)


def test_one_refused_rule_is_named_and_the_others_get_theirs(settled: Desk) -> None:
    """Tenant0 asks for a name that the firewall refuses in the commit in which tenant1 changes: only tenant0 waits."""
    settled.world.hubs["hub1"].refuse_contents("poison.example.com")
    settled.commit(
        {
            **edited("tenant0", "www.tigera.io", "poison.example.com"),
            **edited("tenant1", "docs.tigera.io", "www.tigera.io"),
        }
    )

    report = settled.settle()

    assert [(RefusalCode.RULE_REJECTED, "tenant0")] == [(one.code, one.subject) for one in report.plan.refused], (
        describe(report)
    )
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "shop", "https://www.tigera.io").verdict
    assert WaitsFor.DEFINITION in settled.attachment("tenant0", "spoke1-aks").waiting_for


def test_a_refused_rule_in_the_first_rules_of_all_holds_nobody_up(desk: Desk) -> None:
    """No shard exists yet: what is in force is nothing, and the tenant whose rules fail is found all the same."""
    desk.world.hubs["hub1"].refuse_contents("www.tigera.io")
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))

    report = desk.settle()

    assert [(RefusalCode.RULE_REJECTED, "tenant0")] == [(one.code, one.subject) for one in report.plan.refused]
    assert Verdict.ALLOWED == desk.send("spoke1-aks", "shop", "https://docs.tigera.io").verdict
    assert (WaitsFor.DEFINITION,) == desk.attachment("tenant0", "spoke1-aks").waiting_for


def test_refused_first_rules_of_a_sole_tenant_are_looked_at_when_their_pause_ends(desk: Desk) -> None:
    """Nothing ever succeeded, so they are asked for again after ever longer pauses, in which no pass looks whether they got in."""
    desk.world.hubs["hub1"].refuse_contents("www.tigera.io")
    desk.commit(sample("tenants/tenant0.yaml"))
    pauses: list[bool] = []
    for _ in range(60):
        report = desk.run_pass()
        paused = WaitsFor.FIREWALL_BACKOFF in {one.waits_for for one in report.plan.changes}
        pauses.append(paused)
        assert paused is ((WaitsFor.FIREWALL_BACKOFF,) == desk.attachment("tenant0", "spoke1-aks").waiting_for)
        desk.world.advance(report.plan.look_again_seconds or 0)

    assert 3 < sum(pauses)
    assert not any(first and second for first, second in pairwise(pauses))


def test_a_firewall_that_fails_for_an_hour_names_no_tenant(desk: Desk) -> None:
    """Each first write fails, whatever it says; once the firewall is well again everybody gets what Git asks for."""
    hub = desk.world.hubs["hub1"]
    hub.fail_next_operation(20, late=True)
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    for _ in range(200):
        desk.run_pass()
        desk.world.advance(20)
    told = {one.subject for one in desk.reports[-1].plan.refused}
    hub.accept_contents()
    desk.world.advance(1800)

    assert {"firewall/hub1 egress-000"} == told
    assert desk.settle().converged
    assert Verdict.ALLOWED == desk.send("spoke1-aks", "shop", "https://docs.tigera.io").verdict


def test_what_a_bad_edit_revokes_is_revoked_all_the_same(settled: Desk) -> None:
    """The refused edit also dropped www.tigera.io: that goes, though the rest of the edit is refused."""
    settled.world.hubs["hub1"].refuse_contents("poison.example.com")
    settled.commit(edited("tenant0", "www.tigera.io", "poison.example.com"))

    settled.settle()

    assert Verdict.DENIED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_what_two_versions_both_allow_stays_while_somebody_elses_rule_is_refused(settled: Desk) -> None:
    """Tenant1 narrows a wildcard to one name below it, in the commit whose rule for tenant0 the firewall refuses."""
    settled.world.hubs["hub1"].refuse_contents("poison.example.com")
    settled.commit(
        {
            **edited("tenant0", "www.tigera.io", "poison.example.com"),
            **edited("tenant1", '"*.payments.example"', "ledger.payments.example"),
        }
    )
    seen = set()
    for _ in range(40):
        settled.run_pass()
        settled.world.advance(20)
        seen.add(settled.send("spoke1-aks", "shop", "https://ledger.payments.example").verdict)

    assert {Verdict.ALLOWED} == seen
    assert RefusalCode.RULE_REJECTED in {one.code for one in settled.reports[-1].plan.refused}


def test_a_revocation_goes_before_what_waits_longer(settled: Desk) -> None:
    """An expired or dropped permission is the first thing that the firewall hears of."""
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))
    settled.settle()

    assert Verdict.DENIED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_block_ends_a_tenants_traffic_and_unblock_brings_it_back(settled: Desk) -> None:
    """Within one firewall write everything of the tenant is denied, by a rule that names it; annotations stay."""
    settled.decide(DecisionKind.BLOCK, "tenant0", expires=settled.world.clock.now() + timedelta(hours=4))
    settled.reports.clear()
    settled.settle()
    blocked = settled.send("spoke1-aks", "default", "http://www.tigera.io")
    other = settled.send("spoke1-aks", "shop", "https://docs.tigera.io")
    writes = puts(settled.reports)
    settled.state.withdraw(DecisionKind.BLOCK, "tenant0")
    settled.settle()

    assert (Verdict.DENIED, "egress-block") == (blocked.verdict, blocked.rule.group if blocked.rule else "")
    assert blocked.range_tenant == "tenant0"
    assert Verdict.ALLOWED == other.verdict
    assert 1 == writes
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_nobody_is_pointed_while_a_denial_that_nobody_wants_any_more_is_being_written(settled: Desk) -> None:
    """Blocked and unblocked while Azure writes: the rules stand, and what is pointed now would be denied in a moment."""
    api = settled.world.clusters["spoke1-aks"].api
    api.create("Namespace", None, {"metadata": {"name": "extra"}}, manager="kubectl")
    settled.decide(DecisionKind.BLOCK, "tenant0")
    settled.run_pass()
    settled.state.withdraw(DecisionKind.BLOCK, "tenant0")
    settled.commit(edited("tenant0", "namespaces: [default]", "namespaces: [default, extra]"))

    waiting, before = settled.run_pass(), api.get("Namespace", None, "extra")["metadata"].get("annotations")
    last = settled.settle()

    (row,) = (one for one in waiting.plan.attachments if one.key.tenant == "tenant0")
    assert WaitsFor.PERMITTED in row.waiting_for
    assert "may still deny 10.99.0.0/29" in row.detail
    assert not before
    assert last.converged, describe(last)
    assert api.get("Namespace", None, "extra")["metadata"].get("annotations")


def test_a_block_expires_by_itself(settled: Desk) -> None:
    """After its time the next pass lifts it."""
    settled.decide(DecisionKind.BLOCK, "tenant0", expires=settled.world.clock.now() + timedelta(minutes=30))
    settled.settle()
    settled.world.advance(1900)
    settled.settle()

    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_a_blocked_tenants_new_range_is_permitted_only_when_the_block_holds_it(settled: Desk) -> None:
    """Renumbering a blocked tenant never lets a packet out from either range."""
    settled.decide(DecisionKind.BLOCK, "tenant0")
    settled.settle()
    packets: list[Packet] = []
    settled.commit(edited("tenant0", "10.99.0.0/29", "10.99.0.16/29"))

    settled.settle(watch=lambda: packets.append(settled.send("spoke1-aks", "default", "http://www.tigera.io")))

    assert Verdict.ALLOWED not in {packet.verdict for packet in packets}


def test_rules_outside_our_shards_are_untouched(settled: Desk) -> None:
    """A group of somebody else in the same policy is the same at the end as at the beginning."""
    hub = settled.world.hubs["hub1"]
    foreign = {
        "priority": 5000,
        "ruleCollections": [
            {
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": "theirs",
                "priority": 100,
                "action": {"type": "Allow"},
                "rules": [
                    {
                        "ruleType": "ApplicationRule",
                        "name": "x",
                        "sourceAddresses": ["192.0.2.1"],
                        "targetFqdns": ["a.example"],
                        "protocols": [{"protocolType": "Https", "port": 443}],
                    }
                ],
            }
        ],
    }
    hub.put_group("tenants", "by-hand", {"properties": foreign})
    settled.world.advance(300)
    before = hub.get_group("tenants", "by-hand")
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))

    settled.settle()

    assert before == hub.get_group("tenants", "by-hand")
