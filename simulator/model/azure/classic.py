"""A classic firewall: rules that stand on the firewall itself, as the evaluator judges them.

Network collections come before application collections, each kind by its collections' priorities, a collection's rules in their
order; the first match ends it (Microsoft Learn, rule-processing, classic rules). Fields: Microsoft.Network 2025-09-01.
Not modelled: what the evaluator does not model of a policy either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.model.azure.contents import Json
from simulator.model.azure.groups import EnforcedGroup

OWN_LISTS = ("applicationRuleCollections", "natRuleCollections", "networkRuleCollections")
"""What a firewall with a policy leaves empty."""


def classic_rules(own: Mapping[str, Any]) -> EnforcedGroup:
    """All that is in force on a classic firewall, as one group of no policy."""
    collections = [
        *_collections(own.get("networkRuleCollections") or (), _network),
        *_collections(own.get("applicationRuleCollections") or (), _application),
    ]
    return EnforcedGroup("", "", {"priority": 100, "ruleCollections": collections})


def _collections(entries: Any, rule_of: Any) -> Iterator[Json]:
    for entry in entries:
        properties = entry["properties"]
        yield {
            "name": entry["name"],
            "priority": properties["priority"],
            "action": properties["action"],
            "rules": [rule_of(rule) for rule in properties.get("rules") or ()],
        }


def _network(rule: Mapping[str, Any]) -> Json:
    return {
        "ruleType": "NetworkRule",
        "name": rule["name"],
        "sourceAddresses": rule.get("sourceAddresses") or [],
        "ipProtocols": rule.get("protocols") or [],
        "destinationAddresses": rule.get("destinationAddresses") or [],
        "destinationFqdns": rule.get("destinationFqdns") or [],
        "destinationPorts": rule.get("destinationPorts") or [],
    }


def _application(rule: Mapping[str, Any]) -> Json:
    return {
        "ruleType": "ApplicationRule",
        "name": rule["name"],
        "sourceAddresses": rule.get("sourceAddresses") or [],
        "protocols": rule.get("protocols") or [],
        "targetFqdns": rule.get("targetFqdns") or [],
        "destinationAddresses": [],
    }
