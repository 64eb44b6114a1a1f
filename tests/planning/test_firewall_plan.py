"""Which shard is written first, which waits, and which policy is not written at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

import pytest
from planning_builders import HUB, NOON, the_sample

from function_app.model.definitions import Hub
from function_app.model.names import TargetName, TenantName
from function_app.model.plan import ChangeReason, DeleteGroup, PutGroup, RefusalCode, Verb, WaitsFor
from function_app.model.resources import Body, FirewallObservation
from function_app.model.state import HubState, ShardMemory, Wait
from function_app.planning.firewall_plan import FirewallPlan, FirewallWish, plan_firewall
from function_app.planning.firewall_resources import TenantRules, content_digest, shard_body
from function_app.planning.in_force import FIRST_BACKOFF, LONGEST_BACKOFF, learn

ATTACHED = [{"id": "/subscriptions/1/firewalls/hub-fw"}]


def the_hub() -> Hub:
    """The sample's hub with one tenant a shard."""
    hub = the_sample().hub
    shards = hub.spec.firewall.shards.model_copy(update={"tenants_per_shard": 1})
    firewall = hub.spec.firewall.model_copy(update={"shards": shards})
    return hub.model_copy(update={"spec": hub.spec.model_copy(update={"firewall": firewall})})


def rules_of(tenant: str, *names: str, source: str = "10.99.0.0/29") -> TenantRules:
    """A tenant that may reach these names."""
    rule = {
        "ruleType": "ApplicationRule",
        "name": "web",
        "sourceAddresses": [source],
        "targetFqdns": list(names),
        "protocols": [{"protocolType": "Https", "port": 443}],
    }
    return TenantRules(TenantName(tenant), app=(rule,) if names else ())


def a_shard(index: int, rules: TenantRules, *, state: str = "Succeeded", etag: str = "1") -> Body:
    """A shard as Azure shows it."""
    body = dict(shard_body(the_hub().spec.firewall.shards, f"egress-{index:03d}", {0: rules}))
    body["etag"] = etag
    body["properties"] = {**body["properties"], "provisioningState": state}
    return body


def a_policy(*groups: Body, state: str = "Succeeded", **properties: Any) -> FirewallObservation:
    """A policy with these groups, attached to a firewall."""
    policy = {"properties": {"provisioningState": state, "firewalls": ATTACHED, **properties}}
    return FirewallObservation(
        TargetName("firewall/hub1"), NOON, policy, {str(group["name"]): group for group in groups}
    )


def planned(
    firewall: FirewallObservation,
    *wanted: TenantRules,
    state: HubState | None = None,
    blocked: Mapping[TenantName, tuple[IPv4Network, ...]] | None = None,
    now: datetime = NOON,
) -> FirewallPlan:
    """What is planned for these tenants, after learning from what is seen."""
    hub, before = the_hub(), state or HubState()
    shards = learn(before.shards, hub.spec.firewall.shards, firewall, now)
    known = HubState(shards=shards, placement=before.placement, rendered=before.rendered, waits=before.waits)
    wish = FirewallWish({one.tenant: one for one in wanted}, blocked or {}, {}, {})
    return plan_firewall(HUB, hub, firewall, known, wish, now)


def order(plan: FirewallPlan) -> list[tuple[str, WaitsFor | None]]:
    """Shards in the order of the plan, and what they wait for."""
    return [(change.resource.name, change.waits_for) for change in plan.changes]


def test_what_takes_something_away_goes_first() -> None:
    """Shard 1 only adds and has waited for an hour; shard 2 revokes and comes before it."""
    firewall = a_policy(
        a_shard(0, rules_of("a", "a.example")),
        a_shard(1, rules_of("b", "b.example")),
        a_shard(2, rules_of("c", "c.example", "revoked.example")),
    )
    waits = {"shard egress-001": Wait("waiting", "", NOON - timedelta(hours=1))}

    plan = planned(
        firewall,
        rules_of("a", "a.example"),
        rules_of("b", "b.example", "more.example"),
        rules_of("c", "c.example"),
        state=HubState(waits=waits),
    )

    assert [("egress-002", None), ("egress-001", WaitsFor.FIREWALL_BUSY)] == order(plan)


def test_then_what_has_waited_longest() -> None:
    """Of additions the oldest, then by name; one a pass."""
    firewall = a_policy(*(a_shard(n, rules_of(name, "x.example")) for n, name in enumerate("abc")))
    waits = {"shard egress-002": Wait("waiting", "", NOON - timedelta(minutes=5))}

    plan = planned(
        firewall,
        *(rules_of(name, "x.example", "more.example") for name in "abc"),
        state=HubState(waits=waits),
    )

    expected = [("egress-002", None), ("egress-000", WaitsFor.FIREWALL_BUSY), ("egress-001", WaitsFor.FIREWALL_BUSY)]
    assert expected == order(plan)


def test_a_busy_policy_is_not_written() -> None:
    """Whoever writes to it: everything of ours waits."""
    firewall = a_policy(a_shard(0, rules_of("a", "a.example")), state="Updating")

    plan = planned(firewall, rules_of("a", "b.example"))

    assert [("egress-000", WaitsFor.FIREWALL_BUSY)] == order(plan)


def test_a_shard_that_is_being_written_as_wanted_is_left_alone() -> None:
    """It is in flight, and nothing of it is in force until it has succeeded."""
    plan = planned(
        a_policy(a_shard(0, rules_of("a", "a.example"), state="Updating"), state="Updating"), rules_of("a", "a.example")
    )

    assert ((), True, {}) == (plan.changes, plan.in_flight, plan.in_force)


def test_what_succeeded_last_is_in_force_while_another_content_is_written() -> None:
    """Memory knows it; what the shard shows is not yet true."""
    old, new = rules_of("a", "old.example"), rules_of("a", "new.example")
    memory = ShardMemory(in_force=a_shard(0, old))

    for state in ("Updating", "Failed"):
        plan = planned(a_policy(a_shard(0, new, state=state)), new, state=HubState(shards={"egress-000": memory}))
        assert [old.digest()] == [rules.digest() for rules in plan.in_force[TenantName("a")]]


def test_equal_content_that_failed_is_written_again() -> None:
    """Its reason is a retry, unless it must wait for the backoff."""
    failed = a_shard(0, rules_of("a", "a.example"), state="Failed")
    learned = learn({}, the_hub().spec.firewall.shards, a_policy(failed), NOON)

    early = planned(
        a_policy(failed), rules_of("a", "a.example"), state=HubState(shards=learned), now=NOON + timedelta(seconds=59)
    )
    late = planned(
        a_policy(failed), rules_of("a", "a.example"), state=HubState(shards=learned), now=NOON + timedelta(seconds=60)
    )

    assert [("egress-000", WaitsFor.FIREWALL_BACKOFF)] == order(early)
    assert [("egress-000", None)] == order(late)
    assert [ChangeReason.RETRY] == [one.reason for one in late.changes]


def test_of_a_shard_that_is_gone_nothing_is_in_force_and_what_failed_is_remembered() -> None:
    """It may have gone because only refused rules were left in it, which must not be tried afresh."""
    before = ShardMemory(in_force=a_shard(0, rules_of("a", "a.example")), failures={"refused": 2})

    learned = learn({"egress-000": before}, the_hub().spec.firewall.shards, a_policy(), NOON)

    assert {"egress-000": ShardMemory(in_force={}, failures={"refused": 2})} == learned


def test_only_the_content_that_failed_waits() -> None:
    """A new one may carry a revocation and goes at once."""
    failed = a_shard(0, rules_of("a", "a.example", "bad.example"), state="Failed")

    plan = planned(a_policy(failed), rules_of("a", "a.example"))

    assert [("egress-000", None)] == order(plan)


def test_each_failure_is_counted_once_and_doubles_the_wait() -> None:
    """One etag is one failure; the wait ends at half an hour."""
    memories: dict[str, ShardMemory] = {}
    shards, rules = the_hub().spec.firewall.shards, rules_of("a", "a.example")
    waits = []
    for etag in range(8):
        for _ in range(2):
            memories = learn(memories, shards, a_policy(a_shard(0, rules, state="Failed", etag=str(etag))), NOON)
        until = memories["egress-000"].backoff_until
        assert until is not None
        waits.append(until - NOON)

    doubled = [FIRST_BACKOFF * 2**n for n in range(5)]
    assert [*doubled, LONGEST_BACKOFF, LONGEST_BACKOFF, LONGEST_BACKOFF] == waits
    assert {content_digest({0: rules}): 8} == memories["egress-000"].failures


def test_a_content_that_stands_after_all_clears_what_failed_beside_it() -> None:
    """The firewall was at fault: keeping count of its failures would hold everybody's change back for ever."""
    shards, good = the_hub().spec.firewall.shards, rules_of("a", "a.example")
    other = {"0123456789abcdef": 2}
    tried = ShardMemory(failures={**other, content_digest({0: good}): 2}, backoff_until=NOON)

    after = learn({"egress-000": tried}, shards, a_policy(a_shard(0, good)), NOON)["egress-000"]
    innocent = learn({"egress-000": ShardMemory(failures=other)}, shards, a_policy(a_shard(0, good)), NOON)[
        "egress-000"
    ]

    assert ({}, None) == (after.failures, after.backoff_until)
    assert other == innocent.failures


def test_a_policy_that_others_manage_or_that_has_no_firewall_is_refused_and_not_written() -> None:
    """Both say what to do instead."""
    wanted = rules_of("a", "a.example")

    managed = planned(a_policy(afcManaged=True), wanted)
    classic = planned(a_policy(firewalls=[]), wanted)

    for plan, words in ((managed, "afcManaged"), (classic, "migrated to a policy first")):
        assert ((), [RefusalCode.POLICY_UNSUITABLE]) == (plan.changes, [one.code for one in plan.refused])
        assert words in plan.refused[0].message
        assert "Firewall policy tenants" in plan.refused[0].message


def test_a_shard_that_nobody_needs_goes_and_a_new_one_is_created() -> None:
    """Deleted, created, updated: each with its verb and reason."""
    firewall = a_policy(a_shard(0, rules_of("gone", "a.example")), a_shard(1, rules_of("b", "b.example")))

    plan = planned(firewall, rules_of("b", "c.example"), rules_of("c", "c.example"))
    found = {(str(one.verb), one.resource.name, str(one.reason), type(one.write)) for one in plan.changes}

    # The newcomer takes the place of the one that goes: one write instead of two.
    assert {
        (Verb.UPDATE, "egress-000", ChangeReason.EDITED, PutGroup),
        (Verb.UPDATE, "egress-001", ChangeReason.EDITED, PutGroup),
    } == found


def test_an_empty_shard_is_deleted() -> None:
    """Its last tenant has gone."""
    plan = planned(a_policy(a_shard(0, rules_of("gone", "a.example"))))

    expected = [(Verb.DELETE, ChangeReason.REMOVED, DeleteGroup(), "rules of gone go")]
    assert expected == [(one.verb, one.reason, one.write, one.because) for one in plan.changes]


def test_a_shard_that_is_going_is_not_deleted_twice() -> None:
    """Its deletion runs."""
    assert () == planned(a_policy(a_shard(0, rules_of("gone", "a.example"), state="Deleting"))).changes


def test_a_block_comes_before_everything_and_its_lifting_after_revocations() -> None:
    """Denying is the most urgent write there is."""
    firewall = a_policy(a_shard(0, rules_of("a", "a.example", "revoked.example")))
    blocked = {TenantName("a"): (IPv4Network("10.99.0.0/29"),)}

    plan = planned(firewall, rules_of("a", "a.example"), blocked=blocked)

    assert [("egress-block", None), ("egress-000", WaitsFor.FIREWALL_BUSY)] == order(plan)
    assert ChangeReason.BLOCKED == plan.changes[0].reason
    assert isinstance(plan.changes[0].write, PutGroup)
    collection = plan.changes[0].write.body["properties"]["ruleCollections"][0]
    assert ("Deny", ["10.99.0.0/29"]) == (collection["action"]["type"], collection["rules"][0]["sourceAddresses"])


def test_the_first_block_is_a_creation_and_a_second_tenant_an_update_of_it() -> None:
    """A pass says what it does to the policy."""
    one, two = (IPv4Network("10.99.0.0/29"),), (IPv4Network("10.99.0.8/29"),)
    first = planned(a_policy(), blocked={TenantName("a"): one}).changes[0]
    assert isinstance(first.write, PutGroup)
    standing = {**first.write.body, "etag": "1"}

    second = planned(a_policy(standing), blocked={TenantName("a"): one, TenantName("b"): two}).changes[0]

    assert [(Verb.CREATE, ChangeReason.BLOCKED), (Verb.UPDATE, ChangeReason.BLOCKED)] == [
        (each.verb, each.reason) for each in (first, second)
    ]


FIRST, SECOND = IPv4Network("10.99.0.0/29"), IPv4Network("10.99.0.8/29")


@pytest.mark.parametrize(
    ("state", "before", "may_deny"),
    [
        pytest.param("Succeeded", ShardMemory(), {SECOND}, id="it stands"),
        pytest.param("Updating", ShardMemory(in_force={}), {SECOND}, id="it is being made"),
        pytest.param("Updating", ShardMemory(), None, id="nobody remembers what stood before"),
        pytest.param("Deleting", ShardMemory(in_force={}), {SECOND}, id="it is going"),
        pytest.param(
            "Failed", ShardMemory(in_force={}, possible=(str(FIRST),)), {FIRST, SECOND}, id="one more was seen"
        ),
    ],
)
def test_what_the_block_shard_may_deny_is_told_whatever_is_blocked_now(
    state: str, before: ShardMemory, may_deny: set[IPv4Network] | None
) -> None:
    """Nobody is blocked any more, and until the shard says otherwise its denials, and those that are coming, hold."""
    made = planned(a_policy(), blocked={TenantName("b"): (SECOND,)}).changes[0].write
    assert isinstance(made, PutGroup)
    shown = {**made.body, "etag": "1", "properties": {**made.body["properties"], "provisioningState": state}}

    plan = planned(a_policy(shown), state=HubState(shards={"egress-block": before}))

    assert (None if may_deny is None else set(map(str, may_deny))) == plan.may_deny


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        pytest.param(("a",), ChangeReason.REMOVED, id="one goes"),
        pytest.param(("a more",), ChangeReason.EDITED, id="one goes, one changes"),
        pytest.param(("a", "b", "c"), ChangeReason.NEW, id="one comes"),
        pytest.param(("a more", "b", "c"), ChangeReason.EDITED, id="one comes, one changes"),
    ],
)
def test_a_shard_is_called_removed_or_new_only_when_nothing_else_happens_to_it(
    wanted: tuple[str, ...], reason: ChangeReason
) -> None:
    """A and B stand in one shard; whoever reads the plan must not take an edit for a removal."""
    hub = the_hub()
    body = dict(
        shard_body(
            hub.spec.firewall.shards, "egress-000", {0: rules_of("a", "a.example"), 1: rules_of("b", "b.example")}
        )
    )
    body["properties"] = {**body["properties"], "provisioningState": "Succeeded"}
    names = {"a": ("a.example",), "a more": ("a.example", "more.example"), "b": ("b.example",), "c": ("c.example",)}
    state = HubState(placement={TenantName("c"): ("egress-000", 2)})

    plan = planned(a_policy(body), *(rules_of(one[0], *names[one]) for one in wanted), state=state)

    assert [("egress-000", reason)] == [(change.resource.name, change.reason) for change in plan.changes]


def test_groups_of_others_are_not_ours_to_count_or_to_wait_for() -> None:
    """Neither a group of theirs in flight nor its rules say anything of ours."""
    theirs = {**a_shard(9, rules_of("a", "a.example"), state="Updating"), "name": "platform-009"}

    plan = planned(a_policy(theirs), rules_of("a", "a.example"))

    assert (False, {}) == (plan.in_flight, plan.in_force)
    assert [("egress-000", None)] == order(plan)
