"""Somebody else writes at the same time: another pass, a person, another tool. What lands stale is refused, or undone."""

from __future__ import annotations

from typing import Any

import pytest
from stories.desk import HUB, IN_ORDER, Desk, describe, sample
from stories.interruptions import READS, interrupted, once, writes_to

from function_app.applying import apply_plan
from function_app.model.errors import LeaseLost
from function_app.model.ledger import fold
from function_app.model.names import firewall_target
from function_app.model.plan import Change, ChangeReason, Plan, PutGroup, Verb
from function_app.model.report import Result
from function_app.model.resources import Kind, ResourceId
from function_app.observing import observe_firewall
from function_app.reconcile import HubBusy
from simulator.model.faults import Call
from simulator.model.packets import Verdict

CLUSTER = "spoke1-aks"
FIREWALL = f"firewall/{HUB}"


def edited(before: str, after: str) -> dict[str, str | None]:
    """Tenant0's file with one text replaced."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    assert before in text
    return {"tenants/tenant0.yaml": text.replace(before, after)}


def test_the_filter_is_written_only_onto_the_version_that_was_read(settled: Desk) -> None:
    """Between reading and writing somebody changes the shared list: our write is refused, and the next pass decides afresh."""
    api = settled.world.clusters[CLUSTER].api
    accept = {"action": "Accept", "matchOperator": "In", "cidr": "10.99.0.248/29"}

    def change() -> None:
        api.merge_patch(
            "BGPFilter",
            None,
            "export-egress-ips",
            {"spec": {"exportV4": [accept, {"action": "Reject"}]}},
            manager="kubectl",
        )

    interrupted(settled, before=once(lambda call: (call.verb, call.kind) == ("apply", "BGPFilter"), change))
    settled.commit(edited("10.99.0.0/29", "10.99.0.16/29"))

    report = settled.run_pass()
    stale = next(one for one in report.outcomes if one.change.resource.kind == "BGPFilter")
    between = str(api.objects("BGPFilter"))
    last = settled.settle()

    assert Result.FAILED == stale.result, describe(report)
    assert "10.99.0.248/29" in between
    assert last.converged, describe(last)
    assert "10.99.0.248/29" not in str(api.objects("BGPFilter"))


def test_a_pass_that_was_paused_past_its_lease_writes_nothing_more(desk: Desk) -> None:
    """Within its first write two minutes go by and another pass takes over: it writes nothing more, state and status neither."""
    calls: list[Call] = []

    def paused(call: Call) -> None:
        if call.verb in READS:
            return
        calls.append(call)
        if len(calls) == 1:
            desk.world.advance(120)
            assert desk.ports.leases.acquire(HUB, "another") is not None

    interrupted(desk, before=paused)
    desk.commit(sample("tenants/tenant0.yaml"))

    with pytest.raises(LeaseLost):
        desk.run_pass()

    assert 1 == len(calls)
    assert None is desk.ports.status.latest(HUB)


def test_two_passes_one_of_them_late_end_where_one_would_have(desk: Desk) -> None:
    """The late one wakes after the other has settled: what it still wrote is undone, and a further pass writes nothing."""
    other = Desk(desk.world, desk.repository, desk.ports, desk.ledger, desk.state, draw=desk.draw)

    def overtaken() -> None:
        desk.world.advance(120)
        other.settle()

    interrupted(desk, before=once(lambda call: call.verb not in READS and call.kind == "IPPool", overtaken))
    desk.commit(sample("tenants/tenant0.yaml"))

    with pytest.raises(LeaseLost):
        desk.run_pass()
    last = other.settle()

    assert last.converged, describe(last)
    assert 0 == other.run_pass().writes
    assert Verdict.ALLOWED == other.send(CLUSTER, "default", "http://www.tigera.io").verdict
    assert ["tenant0"] == [str(one.key.tenant) for one in fold(other.ledger.records).generations.values()]


def test_a_busy_hub_is_no_failure_and_leaves_no_trace(settled: Desk) -> None:
    """Timer, webhook and resync at once: whoever comes second is told so, and has neither read nor written anything."""
    reads_before = sum(settled.world.faults.calls.values())
    refused: list[HubBusy] = []

    def come_second(_: Call) -> None:
        if refused:
            return
        with pytest.raises(HubBusy) as problem:
            Desk(settled.world, settled.repository, settled.ports, settled.ledger, settled.state).run_pass()
        refused.append(problem.value)

    interrupted(settled, before=come_second)
    report = settled.run_pass()

    alone = sum(settled.world.faults.calls.values()) - reads_before
    settled.run_pass()
    assert refused
    assert report.converged, describe(report)
    assert alone == sum(settled.world.faults.calls.values()) - reads_before - alone


def test_a_shard_that_somebody_wrote_since_it_was_read_is_not_overwritten(settled: Desk) -> None:
    """Azure has no guard on a PUT: the group is read again, and what it shows now is left for the next pass."""
    hub = settled.world.hubs[HUB]
    seen = observe_firewall(settled.ports.firewall, settled.ports.clock)

    def open_wide(properties: dict[str, Any]) -> None:
        properties["ruleCollections"][0]["rules"][0]["description"] = "by hand"

    hub.edit_group("tenants", "egress-000", open_wide)
    settled.world.advance(300)
    plan = settled.reports[-1].plan
    change = Change(
        Verb.UPDATE,
        firewall_target(HUB),
        ResourceId(Kind.RULE_COLLECTION_GROUP, "egress-000"),
        ChangeReason.EDITED,
        "a story",
        PutGroup(seen.groups["egress-000"]),
    )
    one = Plan(plan.plan_id, plan.hub, plan.commit, (change,), (), (), ())
    lease = settled.ports.leases.acquire(HUB, "story")
    assert lease is not None
    before = writes_to(settled, FIREWALL)

    outcomes = apply_plan(one, settled.ports, lease, fold(settled.ledger.records), seen, IN_ORDER)
    fresh = observe_firewall(settled.ports.firewall, settled.ports.clock)
    again = apply_plan(one, settled.ports, lease, fold(settled.ledger.records), fresh, IN_ORDER)

    assert [Result.PENDING, Result.STARTED] == [one.result for one in (*outcomes, *again)]
    assert 1 == writes_to(settled, FIREWALL) - before


def test_a_policy_that_somebody_began_to_write_since_it_was_read_is_not_written(settled: Desk) -> None:
    """After our last reading somebody's write begins: no PUT is sent, and it is pending, not failed."""
    hub = settled.world.hubs[HUB]
    interrupted(
        settled,
        before=once(
            lambda call: (call.target, call.kind) == ("cluster/spoke2-aks", "Namespace"), lambda: hub.busy(100)
        ),
    )
    settled.commit(edited("www.tigera.io", "docs.tigera.io"))
    before = writes_to(settled, FIREWALL)

    report = settled.run_pass()
    sent = writes_to(settled, FIREWALL) - before
    last = settled.settle()

    assert [Result.PENDING] == [one.result for one in report.outcomes], describe(report)
    assert 0 == sent
    assert last.converged, describe(last)
    assert 1 == writes_to(settled, FIREWALL) - before
