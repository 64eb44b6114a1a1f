"""BGPFilter semantics, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.model.bgp.filters import Verdict, export_filter
from simulator.model.bgp.prefixes import Prefix
from simulator.model.bgp.routes import Route, RouteKind

A, B = "10.99.0.0/29", "10.99.0.8/29"


def verdict(network: str, *rule_lists: list[dict[str, Any]], remote: bool = False) -> Verdict:
    """What filters with these export rules say of a route to an outside peer."""
    names = [f"filter{index}" for index in range(len(rule_lists))]
    rules = {name: json.dumps(entries) for name, entries in zip(names, rule_lists, strict=True)}
    route = Route(Prefix.parse(network), "10.1.0.4", RouteKind.BLOCK, remote)
    return export_filter(names, rules, external=True).verdict(route)


def rule(action: str, cidr: str, operator: str = "In", **more: Any) -> dict[str, Any]:
    """A rule about a prefix."""
    return {"action": action, "cidr": cidr, "matchOperator": operator, **more}


def test_two_rejects_of_what_lies_outside_reject_everything() -> None:
    """The published example's filter: a route inside one range is outside the other."""
    rules = [rule("Reject", A, "NotIn"), rule("Reject", B, "NotIn")]
    assert verdict("10.99.0.1/32", rules) is Verdict.REJECT
    assert verdict("10.99.0.9/32", rules) is Verdict.REJECT


def test_a_single_reject_leaves_the_range_to_calico() -> None:
    """Right for one range: inside falls through, outside is rejected."""
    rules = [rule("Reject", A, "NotIn")]
    assert verdict("10.99.0.1/32", rules) is Verdict.UNDECIDED
    assert verdict("10.244.0.0/26", rules) is Verdict.REJECT


def test_accepts_with_a_final_reject() -> None:
    """The list that grows with tenants; the first match ends it."""
    rules = [rule("Accept", A), rule("Accept", B), {"action": "Reject"}]
    assert verdict("10.99.0.6/31", rules) is Verdict.ACCEPT
    assert verdict("10.99.0.8/29", rules) is Verdict.ACCEPT
    assert verdict("10.99.0.0/28", rules) is Verdict.REJECT
    assert verdict("10.99.0.1/32", [{"action": "Reject"}, *rules]) is Verdict.REJECT


def test_nothing_said_decides_nothing() -> None:
    """No filters, an empty one, and one that does not exist."""
    assert verdict("10.244.0.0/26") is Verdict.UNDECIDED
    assert verdict("10.244.0.0/26", []) is Verdict.UNDECIDED
    missing = export_filter(("gone",), {}, external=True)
    assert missing.verdict(Route(Prefix.parse("10.244.0.0/26"), "10.1.0.4", RouteKind.BLOCK)) is Verdict.UNDECIDED


def test_filters_run_in_the_order_of_the_peer() -> None:
    """What the first does not match goes to the second."""
    assert verdict("10.99.0.1/32", [rule("Accept", B)], [{"action": "Reject"}]) is Verdict.REJECT
    assert verdict("10.99.0.9/32", [rule("Accept", B)], [{"action": "Reject"}]) is Verdict.ACCEPT


@pytest.mark.parametrize(
    ("network", "operator", "lengths", "expected"),
    [
        ("10.99.0.0/29", "Equal", None, True),
        ("10.99.0.1/32", "Equal", None, False),
        ("10.99.0.1/32", "NotEqual", None, True),
        ("10.99.0.0/29", "NotEqual", None, False),
        ("10.99.0.1/32", "NotIn", None, False),
        ("10.99.0.0/28", "NotIn", None, True),
        ("10.99.0.1/32", "In", {"max": 31}, False),
        ("10.99.0.2/31", "In", {"max": 31}, True),
        ("10.99.0.0/29", "In", {"min": 30}, False),
        ("10.99.0.1/32", "NotIn", {"max": 31}, True),
        ("10.99.0.0/29", "Equal", {"min": 29, "max": 29}, False),
        ("10.99.0.0/29", "NotEqual", {"min": 29, "max": 29}, True),
    ],
)
def test_operators(network: str, operator: str, lengths: dict[str, int] | None, expected: bool) -> None:
    """`In` is equal or more specific; a prefix never equals a prefix set."""
    more = {"prefixLength": lengths} if lengths else {}
    assert (verdict(network, [rule("Accept", A, operator, **more)]) is Verdict.ACCEPT) == expected


def test_other_match_fields_narrow_a_rule() -> None:
    """All fields of a rule must match; communities are carried by no route here."""
    assert verdict("10.99.0.1/32", [rule("Reject", A, source="RemotePeers")]) is Verdict.UNDECIDED
    assert verdict("10.99.0.1/32", [rule("Reject", A, source="RemotePeers")], remote=True) is Verdict.REJECT
    assert verdict("10.99.0.1/32", [rule("Reject", A, peerType="iBGP")]) is Verdict.UNDECIDED
    assert verdict("10.99.0.1/32", [rule("Reject", A, peerType="eBGP")]) is Verdict.REJECT
    assert verdict("10.99.0.1/32", [rule("Reject", A, communities={"values": ["65001:1"]})]) is Verdict.UNDECIDED
    assert verdict("10.99.0.1/32", [rule("Reject", A, interface="cali*")]) is Verdict.UNDECIDED
