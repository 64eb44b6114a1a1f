"""Firewall rules and time: expiry, backing off, blocks in front, merges while a write runs."""

from __future__ import annotations

from stories.desk import HUB, Desk, describe, sample
from stories.interruptions import writes_to
from stories.test_change_windows import until, with_windows
from stories.test_suspended import passes

from function_app.model.plan import Stage, WaitsFor
from function_app.model.state import DecisionKind
from simulator.model.faults import Action, Fault
from simulator.model.packets import Packet, Verdict

CLUSTER = "spoke1-aks"
FIREWALL = f"firewall/{HUB}"


def edited(before: str, after: str, name: str = "tenant0") -> dict[str, str | None]:
    """A tenant's file with one text replaced."""
    text = sample(f"tenants/{name}.yaml")[f"tenants/{name}.yaml"]
    assert before in text
    return {f"tenants/{name}.yaml": text.replace(before, after)}


def ended_alone(day: str) -> dict[str, str | None]:
    """Tenant1 on its two clusters, with one rule, that ends with a day."""
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    rules = (
        f'egress:\n    allow:\n      - name: documentation\n        fqdns: [docs.tigera.io]\n        expires: "{day}"\n'
    )
    return {"tenants/tenant1.yaml": text[: text.index("egress:\n")] + rules}


def test_a_merge_during_a_write_waits_for_it_without_asking(settled: Desk) -> None:
    """Azure takes one write at a time: the second merge is sent once, when the first has ended."""
    before = writes_to(settled, FIREWALL)
    settled.commit(edited("www.tigera.io", "docs.tigera.io"))
    settled.run_pass()
    settled.world.advance(20)
    settled.commit(edited("www.tigera.io", "example.com"))
    waiting = settled.run_pass()
    for _ in range(5):
        settled.world.advance(20)
        settled.run_pass()
    during = writes_to(settled, FIREWALL) - before

    last = settled.settle()

    assert [WaitsFor.FIREWALL_BUSY] == [one.waits_for for one in waiting.plan.changes]
    assert 1 == during
    assert 2 == writes_to(settled, FIREWALL) - before
    assert last.converged, describe(last)
    assert Verdict.ALLOWED == settled.send(CLUSTER, "default", "http://example.com").verdict


def test_a_permission_ends_when_it_expires(settled: Desk) -> None:
    """On its last day it holds; on the day after it is the first thing that goes, without a commit."""
    settled.commit(edited('        # expires: "2027-06-30"', '        expires: "2026-11-24"'))
    settled.settle()
    settled.world.advance(24 * 3600)
    settled.settle()
    on_its_last_day = settled.send(CLUSTER, "default", "http://www.tigera.io")
    settled.world.advance(24 * 3600)

    last = settled.settle()

    assert last.converged, describe(last)
    assert Verdict.ALLOWED == on_its_last_day.verdict
    assert Verdict.DENIED == settled.send(CLUSTER, "default", "http://www.tigera.io").verdict


def test_whoever_is_blocked_waits_for_no_rule_that_has_ended(settled: Desk) -> None:
    """All that a blocked newcomer may reach ended yesterday: it is brought up and comes to rest, and nothing passes."""
    settled.decide(DecisionKind.BLOCK, "tenant1")
    settled.commit(ended_alone("2026-11-22"))

    last = settled.settle()

    assert last.converged, describe(last)
    assert Stage.ROUTED is settled.attachment("tenant1", CLUSTER).stage
    assert Verdict.DENIED == settled.send(CLUSTER, "shop", "https://docs.tigera.io").verdict


def test_a_rule_that_ends_while_the_next_waits_for_its_window_is_not_waited_for(settled: Desk) -> None:
    """One of two clusters takes changes up next week, and by then both versions allow nothing: no pass looks every 20 s."""
    settled.commit({**ended_alone("2026-11-23"), **with_windows("cluster", CLUSTER)})
    settled.settle()
    until(settled, 22, 30)
    ((file, text),) = ended_alone("2026-11-23").items()
    settled.commit({file: f"{text}      - name: more\n        fqdns: [www.tigera.io]\n"})
    passes(settled)
    until(settled, 23, 59)
    on_its_last_day = settled.send(CLUSTER, "shop", "https://docs.tigera.io").verdict

    last = passes(settled)

    row = settled.attachment("tenant1", CLUSTER)
    assert (Stage.ROUTED, (WaitsFor.CHANGE_WINDOW,)) == (row.stage, row.waiting_for)
    assert row.detail.endswith("nothing of what it may reach is given yet")
    assert 3600 <= (last.plan.look_again_seconds or 0)
    assert (Verdict.ALLOWED, Verdict.DENIED) == (
        on_its_last_day,
        settled.send(CLUSTER, "shop", "https://docs.tigera.io").verdict,
    )
    assert Verdict.ALLOWED == settled.send("spoke2-aks", "shop", "https://www.tigera.io").verdict


def test_a_firewall_that_fails_everything_is_not_asked_in_every_pass(settled: Desk) -> None:
    """Every operation fails for two hours: the writes become rare, the shard is named and no tenant, and afterwards all is well."""
    settled.world.hubs["hub1"].refuse_contents(lambda _: True)
    settled.commit(edited("www.tigera.io", "docs.tigera.io"))
    before = writes_to(settled, FIREWALL)
    for _ in range(120):
        report = settled.run_pass()
        settled.world.advance(60)
    tries = writes_to(settled, FIREWALL) - before
    settled.world.hubs["hub1"].accept_contents()

    last = settled.settle()

    assert 4 <= tries <= 12
    assert ["firewall/hub1 egress-000"] == [one.subject for one in report.plan.refused]
    assert last.converged, describe(last)
    assert Verdict.ALLOWED == settled.send(CLUSTER, "default", "http://docs.tigera.io").verdict


def test_a_block_stands_in_front_of_the_tenants_own_network_rules(settled: Desk) -> None:
    """Tenant1 reaches an address by a network rule: blocked, it does not."""
    before = settled.send(CLUSTER, "shop", "https://api.payments.example")
    settled.decide(DecisionKind.BLOCK, "tenant1")
    settled.settle()
    blocked = settled.send(CLUSTER, "shop", "https://api.payments.example")

    assert (Verdict.ALLOWED, "ledger") == (before.verdict, before.rule.rule if before.rule else "")
    assert (Verdict.DENIED, "egress-block") == (blocked.verdict, blocked.rule.group if blocked.rule else "")


def test_rules_that_stand_hold_while_their_shard_is_written(settled: Desk) -> None:
    """Throughout an edit of tenant1 nothing of tenant0 is denied, and its stage does not move."""
    packets: list[Packet] = []
    settled.commit(edited("docs.tigera.io", "example.com", "tenant1"))
    settled.reports.clear()

    settled.settle(watch=lambda: packets.append(settled.send(CLUSTER, "default", "http://www.tigera.io")))

    assert {Verdict.ALLOWED} == {packet.verdict for packet in packets}
    assert {()} == {
        one.waiting_for for report in settled.reports for one in report.plan.attachments if one.key.tenant == "tenant0"
    }


def test_one_that_was_accepted_and_whose_answer_was_lost_is_not_sent_twice(settled: Desk) -> None:
    """The PUT goes through, its answer does not: the next pass observes the operation and waits."""
    before = writes_to(settled, FIREWALL)
    settled.world.faults.add(Fault(target=FIREWALL, verb="put", action=Action.TIMEOUT_AFTER))
    settled.commit(edited("www.tigera.io", "docs.tigera.io"))

    last = settled.settle()

    assert 1 == writes_to(settled, FIREWALL) - before
    assert last.converged, describe(last)


def test_throttled_writes_come_through_when_the_time_is_over(settled: Desk) -> None:
    """429 with, without and with an absurd Retry-After: at most one try a pass, and an end."""
    for nth, retry_after in enumerate((30.0, None, 1e9), start=1):
        settled.world.faults.add(
            Fault(target=FIREWALL, verb="put", action=Action.REFUSE, status=429, retry_after=retry_after, nth=nth)
        )
    before, passes = writes_to(settled, FIREWALL), len(settled.reports)
    settled.commit(edited("www.tigera.io", "docs.tigera.io"))

    last = settled.settle()

    assert last.converged, describe(last)
    assert 4 == writes_to(settled, FIREWALL) - before <= len(settled.reports) - passes


def test_no_write_names_a_blocked_tenants_new_range_before_the_block_holds_it(settled: Desk) -> None:
    """A blocked tenant renumbers: the block is planned first, and the tenant's shard not at all until the block stands."""
    settled.decide(DecisionKind.BLOCK, "tenant0")
    settled.settle()
    settled.commit(edited("10.99.0.0/29", "10.99.0.16/29"))

    report = settled.run_pass()

    planned = {one.resource.name: str(one.write) for one in report.plan.changes if one.target == FIREWALL}
    assert {"egress-block"} == set(planned)
    assert "10.99.0.16/29" in planned["egress-block"]
