"""Writing rule collection groups: slow, serial, whole, and sometimes in vain."""

from __future__ import annotations

from typing import Any

import pytest
from azure_builders import BASE, POLICY, a_clock, a_collection, a_group, a_hub, a_net_rule, a_seed, an_app_rule

from simulator.model.azure.evaluation import Application, Connection
from simulator.model.azure.groups import Refusal
from simulator.model.errors import ArmError

TIGERA = a_group(a_collection(an_app_rule("www.tigera.io")))
EXAMPLE = a_group(a_collection(an_app_rule("example.com")))
TO_TIGERA = Connection("10.99.0.1", "178.128.166.225", 443, application=Application.HTTPS, fqdn="www.tigera.io")
TO_EXAMPLE = Connection("10.99.0.1", "93.184.216.34", 443, application=Application.HTTPS, fqdn="example.com")


def state(body: dict[str, Any]) -> str:
    """The provisioning state of a resource."""
    return str(body["properties"]["provisioningState"])


def names(body: dict[str, Any]) -> list[str]:
    """All FQDNs of a group."""
    rules = [rule for each in body["properties"]["ruleCollections"] for rule in each["rules"]]
    return [name for rule in rules for name in rule["targetFqdns"]]


def test_a_new_group_is_in_force_only_when_its_operation_succeeded() -> None:
    """A write is answered at once, takes four minutes, and changes what the firewall does at its end."""
    clock = a_clock()
    hub = a_hub(clock)

    accepted = hub.put_group(POLICY, "t-000", TIGERA)

    assert accepted.status == 201
    assert accepted.retry_after > 0
    assert accepted.body is not None
    assert state(accepted.body) == "Updating"
    clock.advance(239)
    assert hub.get_operation(accepted.operation_id)["status"] == "InProgress"
    assert state(hub.get_policy(POLICY)) == "Updating"
    assert not hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed
    clock.advance(1)
    assert hub.get_operation(accepted.operation_id)["status"] == "Succeeded"
    assert state(hub.get_group(POLICY, "t-000")) == state(hub.get_policy(POLICY)) == "Succeeded"
    assert hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed


def test_a_put_replaces_the_whole_group() -> None:
    """What the second body lacks is gone, and until the second write ends the first stays in force."""
    clock = a_clock()
    hub = a_hub(clock, groups=(a_seed("t-000", a_collection(an_app_rule("www.tigera.io"))),))

    assert hub.put_group(POLICY, "T-000", EXAMPLE).status == 200
    assert hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed
    clock.advance(240)

    assert names(hub.get_group(POLICY, "t-000")) == ["example.com"]
    assert not hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed
    assert hub.evaluator().judge(TO_EXAMPLE, lambda _: None).allowed


@pytest.mark.parametrize(
    ("refusal", "status", "code", "retry"),
    [
        (Refusal.CONFLICT, 409, "AnotherOperationInProgress", None),
        (Refusal.RETRYABLE, 429, "RetryableErrorDueToAnotherOperation", "30"),
    ],
)
def test_the_second_writer_is_refused_at_once(refusal: Refusal, status: int, code: str, retry: str | None) -> None:
    """One write at a time for a policy, whichever group it concerns; the loser leaves no trace."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.refuse_with(refusal)
    hub.put_group(POLICY, "t-000", TIGERA)

    with pytest.raises(ArmError) as refused:
        hub.put_group(POLICY, "t-001", a_group(priority=1001))

    assert (status, code, retry) == (refused.value.status, refused.value.code, refused.value.headers.get("Retry-After"))
    assert [group["name"] for group in hub.list_groups(POLICY).value] == ["t-000"]
    clock.advance(240)
    assert hub.put_group(POLICY, "t-001", a_group(priority=1001)).status == 201


def test_a_write_to_the_base_policy_blocks_its_child() -> None:
    """A parent's change is pushed to its children, so it is the same queue."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.put_group(BASE, "platform", a_group(priority=200))

    with pytest.raises(ArmError, match="Another operation"):
        hub.put_group(POLICY, "t-000", TIGERA)


def test_a_loser_may_be_accepted_and_fail_later() -> None:
    """Accepted, then FirewallPolicyUpdateFailed; the winner's write is not touched by it."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.refuse_with(Refusal.ACCEPTED_THEN_FAILED)
    winner = hub.put_group(POLICY, "t-000", TIGERA)
    loser = hub.put_group(POLICY, "t-001", a_group(a_collection(an_app_rule("example.com")), priority=1001))

    clock.advance(240)

    failed = hub.get_operation(loser.operation_id)
    assert (failed["status"], failed["error"]["code"]) == ("Failed", "FirewallPolicyUpdateFailed")
    assert hub.get_operation(winner.operation_id)["status"] == "Succeeded"
    assert state(hub.get_group(POLICY, "t-001")) == "Failed"
    assert hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed
    assert not hub.evaluator().judge(TO_EXAMPLE, lambda _: None).allowed


def test_a_loser_that_failed_does_not_end_the_winners_turn() -> None:
    """The lock is the winner's until its own write ends."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.put_group(POLICY, "t-000", TIGERA)
    hub.refuse_with(Refusal.ACCEPTED_THEN_FAILED)
    hub.put_group(POLICY, "t-001", a_group(priority=1001))
    clock.advance(30)
    hub.refuse_with(Refusal.CONFLICT)
    assert state(hub.get_policy(POLICY)) == "Updating"
    with pytest.raises(ArmError, match="Another operation"):
        hub.put_group(POLICY, "t-001", a_group(priority=1001))


def test_a_loser_on_the_winners_own_group_is_what_a_read_shows() -> None:
    """The winner's rules come into force, the loser's body stays on show as Failed."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.refuse_with(Refusal.ACCEPTED_THEN_FAILED)
    hub.put_group(POLICY, "t-000", TIGERA)
    hub.put_group(POLICY, "t-000", EXAMPLE)
    clock.advance(240)
    shown = hub.get_group(POLICY, "t-000")
    assert (state(shown), names(shown)) == ("Failed", ["example.com"])
    assert hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed
    assert not hub.evaluator().judge(TO_EXAMPLE, lambda _: None).allowed


def test_a_base_policys_write_takes_as_long_for_its_childs_firewall() -> None:
    """The base has no firewall of its own and refreshes the child's."""
    clock = a_clock()
    hub = a_hub(clock)
    operation = hub.put_group(BASE, "platform", a_group(priority=200)).operation_id
    clock.advance(239)
    assert hub.get_operation(operation)["status"] == "InProgress"
    clock.advance(1)
    assert hub.get_operation(operation)["status"] == "Succeeded"


def test_a_failed_deletion_leaves_the_rules_in_force() -> None:
    """Its result is the error, the group says Failed."""
    clock = a_clock()
    hub = a_hub(clock, groups=(a_seed("t-000", a_collection(an_app_rule("www.tigera.io"))),))
    hub.fail_next_operation()
    deletion = hub.delete_group(POLICY, "t-000")
    clock.advance(30)
    with pytest.raises(ArmError) as failed:
        hub.get_result(deletion.operation_id)
    assert failed.value.code == "FirewallPolicyUpdateFailed"
    assert state(hub.get_group(POLICY, "t-000")) == "Failed"
    assert hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed


def test_default_groups_cannot_be_deleted() -> None:
    """Azure made them."""
    hub = a_hub(a_clock(), groups=(a_seed("DefaultNetworkRuleCollectionGroup", priority=200),))
    with pytest.raises(ArmError, match="cannot be deleted"):
        hub.delete_group(POLICY, "DefaultNetworkRuleCollectionGroup")


@pytest.mark.parametrize(("late", "seconds"), [(False, 30), (True, 240)])
def test_after_a_failed_write_a_read_shows_the_new_content_and_the_firewall_keeps_the_old(
    late: bool, seconds: int
) -> None:
    """Equal content is not enough: only Succeeded says that it is in force. Writing the same again heals it."""
    clock = a_clock()
    hub = a_hub(clock, groups=(a_seed("t-000", a_collection(an_app_rule("www.tigera.io"))),))
    hub.fail_next_operation(late=late)
    operation = hub.put_group(POLICY, "t-000", EXAMPLE).operation_id
    clock.advance(seconds - 1)
    assert hub.get_operation(operation)["status"] == "InProgress"

    clock.advance(1)

    assert hub.get_operation(operation)["status"] == "Failed"
    shown = hub.get_group(POLICY, "t-000")
    assert (state(shown), names(shown)) == ("Failed", ["example.com"])
    assert state(hub.get_policy(POLICY)) == "Failed"
    assert hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed
    assert not hub.evaluator().judge(TO_EXAMPLE, lambda _: None).allowed
    hub.put_group(POLICY, "t-000", EXAMPLE)
    clock.advance(240)
    assert state(hub.get_group(POLICY, "t-000")) == state(hub.get_policy(POLICY)) == "Succeeded"
    assert hub.evaluator().judge(TO_EXAMPLE, lambda _: None).allowed


def test_a_content_that_the_firewall_refuses_fails_every_time_and_names_nothing() -> None:
    """A planted culprit fails the shard it is in until it is left out."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.refuse_contents("Bad.example")
    bad = hub.put_group(POLICY, "t-000", a_group(a_collection(an_app_rule("www.tigera.io", "bad.example"))))
    clock.advance(240)
    good = hub.put_group(POLICY, "t-000", TIGERA)
    clock.advance(240)

    failed = hub.get_operation(bad.operation_id)
    assert failed["status"] == "Failed"
    assert "bad.example" not in failed["error"]["message"]
    assert hub.get_operation(good.operation_id)["status"] == "Succeeded"
    hub.accept_contents()
    healed = hub.put_group(POLICY, "t-000", a_group(a_collection(an_app_rule("bad.example"))))
    clock.advance(240)
    assert hub.get_operation(healed.operation_id)["status"] == "Succeeded"


def test_a_policy_without_a_firewall_is_quick() -> None:
    """14 s instead of minutes: what is measured there says nothing of the real thing."""
    clock = a_clock()
    hub = a_hub(clock, firewall={"name": ""})
    operation = hub.put_group(POLICY, "t-000", TIGERA).operation_id
    clock.advance(14)
    assert hub.get_operation(operation)["status"] == "Succeeded"
    assert hub.get_policy(POLICY)["properties"]["firewalls"] == []


def test_a_foreign_write_is_seen_or_not_before_it_blocks() -> None:
    """Somebody works on the base policy; whether the child's state says so is a switch."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.busy(100)
    assert state(hub.get_policy(POLICY)) == "Updating"
    clock.advance(100)
    assert state(hub.get_policy(POLICY)) == "Succeeded"

    hub.busy(100, visible=False)
    assert state(hub.get_policy(POLICY)) == "Succeeded"
    with pytest.raises(ArmError, match="Another operation"):
        hub.put_group(POLICY, "t-000", TIGERA)


def test_deleting_takes_as_long_and_the_rules_hold_until_then() -> None:
    """202, then gone; a second time there is nothing to do."""
    clock = a_clock()
    hub = a_hub(clock, groups=(a_seed("t-000", a_collection(an_app_rule("www.tigera.io"))),))

    deletion = hub.delete_group(POLICY, "t-000")

    assert deletion.status == 202
    assert state(hub.get_group(POLICY, "t-000")) == "Deleting"
    assert hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed
    assert hub.get_result(deletion.operation_id) is None
    clock.advance(240)
    assert hub.get_result(deletion.operation_id) == {}
    assert not hub.evaluator().judge(TO_TIGERA, lambda _: None).allowed
    with pytest.raises(ArmError) as gone:
        hub.get_group(POLICY, "t-000")
    assert gone.value.status == 404
    assert hub.delete_group(POLICY, "t-000").status == 204


def test_somebody_edits_a_group_in_the_portal() -> None:
    """The same slow write, under rights of their own."""
    clock = a_clock()
    hub = a_hub(clock, groups=(a_seed("t-000", a_collection(an_app_rule("www.tigera.io"))),))
    before = hub.get_group(POLICY, "t-000")["etag"]
    hub.roles.allowed = frozenset({"Microsoft.Network/firewallPolicies/ruleCollectionGroups/read"})

    hub.edit_group(
        POLICY,
        "t-000",
        lambda properties: properties["ruleCollections"][0]["rules"][0]["targetFqdns"].append("evil.example"),
    )
    clock.advance(240)

    after = hub.get_group(POLICY, "t-000")
    assert names(after) == ["www.tigera.io", "evil.example"]
    assert after["etag"] != before


def test_a_read_gives_back_more_than_was_written() -> None:
    """Defaults, size, type, an id in another letter case where others refer to it; the order of the lists is kept."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.put_group(
        POLICY,
        "t-000",
        a_group(a_collection(a_net_rule("*"), name="z-net", priority=300), *TIGERA["properties"]["ruleCollections"]),
    )

    shown = hub.get_group(POLICY, "t-000")

    assert [each["name"] for each in shown["properties"]["ruleCollections"]] == ["z-net", "tenant0-app"]
    network, application = (each["rules"][0] for each in shown["properties"]["ruleCollections"])
    assert network["sourceIpGroups"] == network["destinationIpGroups"] == network["destinationFqdns"] == []
    assert application["terminateTLS"] is False
    assert application["webCategories"] == application["fqdnTags"] == application["destinationAddresses"] == []
    assert shown["properties"]["size"].endswith("MB")
    (reference,) = hub.get_policy(POLICY)["properties"]["ruleCollectionGroups"]
    assert reference["id"] != shown["id"]
    assert reference["id"].lower() == shown["id"].lower()
    clock.advance(240)
    assert hub.put_group(POLICY, "t-000", shown).status == 200


def test_groups_are_listed_in_pages() -> None:
    """Whole bodies, twenty at a time."""
    hub = a_hub(a_clock(), groups=tuple(a_seed(f"t-{index:03}", priority=1000 + index) for index in range(45)))

    pages = [hub.list_groups(POLICY)]
    while pages[-1].skip:
        pages.append(hub.list_groups(POLICY, pages[-1].skip))

    assert [len(page.value) for page in pages] == [20, 20, 5]
    assert len({group["name"] for page in pages for group in page.value}) == 45


def test_a_policy_kept_by_azure_firewall_for_containers_is_read_only() -> None:
    """It says so, and refuses."""
    hub = a_hub(a_clock(), firewall={"afc_managed": True})
    assert hub.get_policy(POLICY)["properties"]["afcManaged"] is True
    with pytest.raises(ArmError, match="read-only"):
        hub.put_group(POLICY, "t-000", TIGERA)


def test_a_classic_firewall_has_no_policy() -> None:
    """Nothing to write rule collection groups to."""
    hub = a_hub(a_clock(), firewall={"policy": "", "base_policy": ""})
    assert "firewallPolicy" not in hub.get_firewall("hub-fw")["properties"]
    with pytest.raises(ArmError) as missing:
        hub.get_policy(POLICY)
    assert missing.value.status == 404
