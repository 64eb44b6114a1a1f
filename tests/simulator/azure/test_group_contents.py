"""What a rule collection group may contain: refused when it is written, with the place."""

from __future__ import annotations

from typing import Any

import pytest
from azure_builders import POLICY, a_clock, a_collection, a_group, a_hub, a_net_rule, a_seed, an_app_rule

from simulator.model.azure.contents import accepted_properties
from simulator.model.errors import ArmError

GOOD = an_app_rule("www.tigera.io")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (a_group(priority=99), "priority is 99"),
        (a_group(priority=65001), "priority is 65001"),
        ({"properties": {"ruleCollections": []}}, "priority is None"),
        ({"tags": {}, **a_group()}, "'tags'"),
        (a_group(a_collection(GOOD, priority=70000)), r"ruleCollections\[0\]: priority"),
        (a_group(a_collection(GOOD, name="-no")), "'-no' is no name"),
        (a_group(a_collection(GOOD, name="x" * 81)), "is no name"),
        (a_group(a_collection(GOOD, action="Permit")), "action.type is 'Permit'"),
        (a_group({**a_collection(GOOD), "ruleCollectionType": "Filter"}), "ruleCollectionType is 'Filter'"),
        (a_group(a_collection({**GOOD, "ruleType": "AppRule"})), r"rules\[0\]: ruleType is 'AppRule'"),
        (a_group(a_collection({**GOOD, "fqdns": []})), "could not find member 'fqdns'"),
        (a_group(a_collection()), "at least one rule"),
        (a_group(a_collection(GOOD, a_net_rule("*"))), "rules of one kind"),
        (a_group(a_collection({**GOOD, "name": ""})), "a rule needs a name"),
        (a_group(a_collection(an_app_rule())), "needs targetFqdns"),
        (a_group(a_collection(an_app_rule("api.*.example.com"))), "targetFqdns"),
        (a_group(a_collection(an_app_rule("https://example.com"))), "targetFqdns"),
        (a_group(a_collection(an_app_rule("example.com", sources=("fd00::/8",)))), "sourceAddresses"),
        (a_group(a_collection(an_app_rule("example.com", sources=()))), "sourceAddresses or sourceIpGroups"),
        (a_group(a_collection({**GOOD, "sourceIpGroups": ["/subscriptions/s/ipGroups/g"]})), "was not found"),
        (a_group(a_collection({**GOOD, "protocols": [{"protocolType": "Ftp", "port": 21}]})), "protocolType is 'Ftp'"),
        (a_group(a_collection({**GOOD, "protocols": [{"protocolType": "Http", "port": 64001}]})), "port 64001"),
        (a_group(a_collection(a_net_rule("*", destinationPorts=["0"]))), "destinationPorts"),
        (a_group(a_collection(a_net_rule("*", destinationPorts=["9000-80"]))), "destinationPorts"),
        (a_group(a_collection(a_net_rule("*", ipProtocols=["GRE"]))), "ipProtocols"),
        (a_group(a_collection(a_net_rule(destinationFqdns=["*.example.com"]))), "destinationFqdns"),
        (a_group(a_collection(a_net_rule("*", destinationFqdns=["example.com"]))), "either destinationAddresses"),
    ],
)
def test_a_malformed_group_is_refused_at_the_put(body: dict[str, Any], where: str) -> None:
    """400 with the place, and nothing of it is stored."""
    hub = a_hub(a_clock())
    with pytest.raises(ArmError, match=where) as refused:
        hub.put_group(POLICY, "t-000", body)
    assert refused.value.status == 400
    assert list(hub.list_groups(POLICY).value) == []


def test_the_published_shape_of_a_group_is_accepted() -> None:
    """Microsoft's example of a rule collection group, with its read-only fields as a client may send them back."""
    rule = {
        "ruleType": "NetworkRule",
        "name": "network-rule1",
        "sourceAddresses": ["10.1.25.0/24", "10.1.26.1-10.1.26.9", "10.1.27.1"],
        "destinationAddresses": ["*"],
        "ipProtocols": ["TCP"],
        "destinationPorts": ["*"],
    }
    body = {
        "name": "ruleCollectionGroup1",
        "etag": 'W/"0"',
        "properties": {
            "size": "1.2MB",
            "provisioningState": "Succeeded",
            "priority": 110,
            "ruleCollections": [a_collection(rule, action="deny")],
        },
    }

    accepted = accepted_properties(body)

    assert accepted.keys() == {"priority", "ruleCollections"}
    (collection,) = accepted["ruleCollections"]
    assert collection["action"] == {"type": "Deny"}
    assert rule.items() <= collection["rules"][0].items()


def test_names_and_priorities_of_groups() -> None:
    """A group's name is checked, and its priority is its own within the policy."""
    clock = a_clock()
    hub = a_hub(clock, groups=(a_seed("t-000", priority=1000),))
    with pytest.raises(ArmError, match="is no name"):
        hub.put_group(POLICY, "t 1", a_group(priority=1001))
    with pytest.raises(ArmError, match="Priority 1000 of t-001 is taken by t-000"):
        hub.put_group(POLICY, "t-001", a_group(priority=1000))
    assert hub.put_group(POLICY, "t-000", a_group(priority=1000)).status == 200


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("groups_per_policy", 1, "1 rule collection groups at most"),
        ("bytes_per_group", 300, "300 at most"),
        ("collections_per_policy", 1, "2 rule collections, 1 at most"),
    ],
)
def test_limits_count_over_the_policy(limit: str, value: int, message: str) -> None:
    """What is there counts with what is written; replacing a group counts it once."""
    hub = a_hub(a_clock(), groups=(a_seed("t-000", a_collection(GOOD)),))
    setattr(hub.policies.limits, limit, value)
    with pytest.raises(ArmError, match=message):
        hub.put_group(POLICY, "t-001", a_group(a_collection(GOOD), priority=1001))
    hub.policies.limits.bytes_per_group = 2_000_000
    assert hub.put_group(POLICY, "t-000", a_group(a_collection(GOOD))).status == 200
