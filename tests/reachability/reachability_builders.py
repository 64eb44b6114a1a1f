"""Rule collection groups for tests that ask who may reach what."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

from function_app.planning.reachability.policy import Policy, policy_of
from function_app.planning.reachability.reach import Answer, ask, destination_of
from function_app.planning.reachability.spans import Spans
from function_app.planning.reachability.traffic import addresses

TENANT0 = "10.99.0.0/29"


def net(*destinations: str, name: str = "net", sources: Iterable[str] = (TENANT0,), **more: Any) -> dict[str, Any]:
    """A network rule for TCP 443."""
    return {
        "ruleType": "NetworkRule",
        "name": name,
        "sourceAddresses": list(sources),
        "destinationAddresses": list(destinations),
        "ipProtocols": ["TCP"],
        "destinationPorts": ["443"],
        "destinationFqdns": [],
        **more,
    }


def app(*fqdns: str, name: str = "web", sources: Iterable[str] = (TENANT0,), **more: Any) -> dict[str, Any]:
    """An application rule for HTTPS."""
    return {
        "ruleType": "ApplicationRule",
        "name": name,
        "sourceAddresses": list(sources),
        "targetFqdns": list(fqdns),
        "protocols": [{"protocolType": "Https", "port": 443}],
        "destinationAddresses": [],
        **more,
    }


def collection(
    *rules: dict[str, Any], name: str = "tenant0-app", priority: int = 200, action: str = "Allow"
) -> dict[str, Any]:
    """A filter rule collection."""
    return {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": name,
        "priority": priority,
        "action": {"type": action},
        "rules": list(rules),
    }


def group(*collections: dict[str, Any], name: str = "egress-000", priority: int = 1000) -> dict[str, Any]:
    """A rule collection group as a GET shows it."""
    return {"name": name, "properties": {"priority": priority, "ruleCollections": list(collections)}}


def sources(text: str = TENANT0) -> Spans[int]:
    """A range as a set."""
    return addresses([IPv4Network(text)])


def answered(policy: Policy, to: str, source: str = TENANT0) -> Answer:
    """What the policy says about one destination."""
    return ask(policy, sources(source), destination_of(to))


def says(*own: dict[str, Any], to: str, base: Iterable[dict[str, Any]] = (), source: str = TENANT0) -> tuple[str, str]:
    """The answer and the rule that decides, empty for the default denial."""
    answer = answered(policy_of(own, base), to, source)
    return answer.says.value, answer.rule.rule if answer.rule is not None else ""
