"""What the firewall should hold when the ledger cannot say which ranges are whose."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from planning_builders import HUB, NOON, RANGE, TENANT, a_situation, seen, the_sample

from function_app.model.admission import Admission
from function_app.model.names import AttachmentKey, ClusterName, firewall_target
from function_app.model.once import Row
from function_app.model.resources import FirewallObservation
from function_app.model.state import Decision, DecisionKind, HubState, ShardMemory
from function_app.planning.firewall_plan import FirewallWish
from function_app.planning.firewall_resources import TenantRules, render_rules, shard_body
from function_app.planning.firewall_wish import revocations_only
from function_app.planning.permissions import permissions

OLD_RANGE = IPv4Network("10.99.0.64/29")
ELSEWHERE = ClusterName("spoke2-aks")


def standing(*ranges: IPv4Network) -> TenantRules:
    """Tenant0's rules for these ranges."""
    return render_rules(TENANT, the_sample().rules[TENANT], ranges, NOON.date())


def wished(shown: TenantRules, provisioning: str = "Succeeded", **other: Any) -> FirewallWish:
    """What is wished for when this stands in the first shard and the ledger cannot be read."""
    body = shard_body(the_sample().hub.spec.firewall.shards, "egress-000", {0: shown})
    body = {**body, "properties": {**body["properties"], "provisioningState": provisioning}}
    firewall = FirewallObservation(firewall_target(HUB), NOON, {"properties": {}}, {"egress-000": body})
    return revocations_only(a_situation(seen(), **other), firewall)


def test_a_block_covers_the_range_in_force_and_the_one_in_git() -> None:
    """A tenant that is renumbering is blocked while nobody can say on which range it lives: on both."""
    block = Decision(DecisionKind.BLOCK, TENANT, "leak", "someone", NOON, None)

    wish = wished(standing(OLD_RANGE), decisions=(block,))

    assert {TENANT: (RANGE, OLD_RANGE)} == wish.blocked


def test_what_stands_keeps_its_ranges_though_git_has_another() -> None:
    """Nothing is given to the range of Git, nothing is taken from the one in force."""
    wish = wished(standing(OLD_RANGE))

    assert permissions(standing(OLD_RANGE)) == permissions(wish.tenants[TENANT])


def test_in_doubt_over_the_tree_nothing_is_taken_either() -> None:
    """A tenant that the tree has lost keeps what stands while it cannot be told whether somebody removed it."""
    doubtful = replace(the_sample(), rules={}, doubt=("the history was rewound",))

    wish = wished(standing(RANGE), hub=doubtful)

    assert permissions(standing(RANGE)) == permissions(wish.tenants[TENANT])


def test_whoever_git_knows_nothing_of_is_left_as_it_stands() -> None:
    """A rewound branch takes a tenant's definition away before its removal has begun, and no ledger can say that it still runs."""
    wish = wished(standing(RANGE), hub=replace(the_sample(), rules={}))

    assert permissions(standing(RANGE)) == permissions(wish.tenants[TENANT])


@pytest.mark.parametrize(
    ("doubt", "known", "left"),
    [
        ((), None, False),
        (("the history was rewound",), None, True),
        (("the history was rewound",), (), True),
        (("the history was rewound",), (RANGE,), True),
        (("the history was rewound",), (RANGE, OLD_RANGE), False),
    ],
    ids=["Git tells", "nothing is known", "nothing is in force", "less is in force", "as much is in force"],
)
def test_a_write_that_failed_is_not_made_again_for_whom_git_does_not_tell(
    doubt: tuple[str, ...], known: tuple[IPv4Network, ...] | None, *, left: bool
) -> None:
    """What it shows may be somebody's opening: it comes into force by us only as far as it is in force already."""
    hub = replace(the_sample(), doubt=doubt)
    before = None if known is None else shard_body(hub.hub.spec.firewall.shards, "egress-000", {0: standing(*known)})
    state = HubState(shards={"egress-000": ShardMemory(in_force=before)})

    wish = wished(standing(RANGE, OLD_RANGE), "Failed", hub=hub, state=state)

    assert ({"egress-000"} if left else set()) == wish.left


def test_what_is_held_back_on_one_cluster_leaves_the_other_clusters_ranges() -> None:
    """What is not taken up for one attachment goes for the ranges in its cluster, whichever it has there, and for no other's."""
    one = next(key for key in the_sample().attachments if key.tenant == TENANT)
    other = AttachmentKey(TENANT, ELSEWHERE)

    waiting = wished(standing(RANGE), hub=replace(the_sample(), narrowed={other: Row()}))
    taken = wished(standing(RANGE, OLD_RANGE), hub=replace(the_sample(), narrowed={one: Row()}))

    assert permissions(standing(RANGE)) == permissions(waiting.tenants[TENANT])
    assert not taken.tenants[TENANT]


def test_a_rule_that_git_has_wider_by_now_stays_as_it_stands() -> None:
    """A commit writes a rule anew as a wider one: nothing is given, and what both versions allow is not taken."""
    hub = the_sample()
    wider = tuple(
        rule.model_copy(
            update={
                "fqdns": tuple(f"*.{name.partition('.')[2]}" for name in rule.fqdns),
                "destinations": tuple("0.0.0.0/0" for _ in rule.destinations),
            }
        )
        for rule in hub.rules[TENANT]
    )

    wish = wished(standing(RANGE), hub=replace(hub, rules={**hub.rules, TENANT: Row(wider)}))

    assert standing(RANGE) == wish.tenants[TENANT]


@pytest.mark.parametrize(
    "asked_about", [True, False], ids=["asked about", "removed, where what leaves is asked of nobody"]
)
def test_what_somebody_opened_is_narrowed_to_git_only_where_git_was_approved(*, asked_about: bool) -> None:
    """A removed tenant's last file may be one that nobody approved: of it nothing comes in by way of a wildcard made by hand."""
    rules = standing(RANGE)
    opened = TenantRules(TENANT, rules.net, tuple({**rule, "targetFqdns": ["*"]} for rule in rules.app))
    hub = the_sample() if asked_about else replace(the_sample(), attachments={})

    wish = wished(opened, hub=hub, admission=Admission(reviewed=True))

    left = rules if asked_about else replace(rules, app=())
    assert permissions(left) == permissions(wish.tenants[TENANT])
