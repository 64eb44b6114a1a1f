"""A classic firewall: what the policy would be that lets through and denies the same, for its owner to deploy.

Rules of a classic firewall stand on the firewall itself, by kind: DNAT, then network, then application rules, each kind by its
collections' priorities. A policy whose three default groups hold one kind each is judged in the same order (Microsoft Learn,
rule-processing and policy-rule-sets). Fields: Microsoft.Network 2025-09-01; names in `additionalProperties`: Azure CLI and Azure
PowerShell, which write them.

What has no place in a policy is left out and listed. A rule that is left out may only have allowed something: where one that denies
has no place, there is no policy, for without that rule the firewall would let through more than it does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from function_app.model.resources import Body

GROUPS: Mapping[str, tuple[str, int]] = {
    "natRuleCollections": ("DefaultDnatRuleCollectionGroup", 100),
    "networkRuleCollections": ("DefaultNetworkRuleCollectionGroup", 200),
    "applicationRuleCollections": ("DefaultApplicationRuleCollectionGroup", 300),
}
"""Azure's own three groups and their priorities, which nobody can change (Microsoft Learn, policy-rule-sets)."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?")
"""What a policy takes as a collection's name (Microsoft Learn, resource-name-rules and rule-processing)."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_TAGGED = ({"protocolType": "Http", "port": 80}, {"protocolType": "Https", "port": 443})
_PROXY, _SERVERS = "Network.DNS.EnableProxy", "Network.DNS.Servers"
_PRIVATE = "Network.SNAT.PrivateRanges"
_KNOWN_NAMES, _KNOWN_ADDRESSES = "ThreatIntel.Whitelist.FQDNs", "ThreatIntel.Whitelist.IpAddresses"


@dataclass(frozen=True, slots=True)
class Migration:
    """The policy's properties and its groups by name, as they would be PUT.

    `left` has no place in a policy, each with the reason; `changed` is written otherwise and means the same; `barred` says why the
    policy must not be deployed: it would let through what is denied today.
    """

    policy: Body = field(hash=False)
    groups: Mapping[str, Body] = field(hash=False)
    left: tuple[str, ...]
    changed: tuple[str, ...]
    barred: tuple[str, ...]


@dataclass(slots=True)
class _Told:
    """What a person must know, as it comes up."""

    left: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    barred: list[str] = field(default_factory=list)


def migrated(firewall: Body, most_bytes: int = 1_400_000) -> Migration:
    """The policy for a firewall's own rules and settings; a group is kept below `most_bytes` as JSON."""
    properties = firewall.get("properties") or {}
    told = _Told()
    groups: dict[str, Body] = {}
    for kind, (name, priority) in GROUPS.items():
        parts = _parted(_collections(kind, properties.get(kind) or (), told), most_bytes)
        for number, collections in enumerate(parts):
            # The kind's further groups stand behind its first, in order, and before the next kind's.
            called = f"{name}-{number + 1}" if number else name
            groups[called] = {"properties": {"priority": priority + number, "ruleCollections": collections}}
    policy = _policy(properties, told)
    return Migration(policy, groups, tuple(told.left), tuple(told.changed), tuple(told.barred))


def _parted(collections: Iterator[dict[str, Any]], most_bytes: int) -> Iterator[list[dict[str, Any]]]:
    """The collections in their order, as many together as fit into a group."""
    part: list[dict[str, Any]] = []
    room = most_bytes
    for each in collections:
        size = len(json.dumps(each))
        if part and size > room:
            yield part
            part, room = [], most_bytes
        part.append(each)
        room -= size
    if part:
        yield part


def _policy(properties: Mapping[str, Any], told: _Told) -> dict[str, Any]:
    """What the firewall sets for all rules."""
    settings = dict(properties.get("additionalProperties") or {})
    policy: dict[str, Any] = {
        "sku": {"tier": (properties.get("sku") or {}).get("tier") or "Standard"},
        "threatIntelMode": properties.get("threatIntelMode") or "Alert",
    }
    known = {"fqdns": _texts(settings.pop(_KNOWN_NAMES, "")), "ipAddresses": _texts(settings.pop(_KNOWN_ADDRESSES, ""))}
    if any(known.values()):
        policy["threatIntelWhitelist"] = known
    proxy, servers = settings.pop(_PROXY, ""), _texts(settings.pop(_SERVERS, ""))
    if proxy or servers:
        policy["dnsSettings"] = {"enableProxy": str(proxy).lower() == "true", "servers": servers}
    if private := _texts(settings.pop(_PRIVATE, "")):
        policy["snat"] = {"privateRanges": private}
    told.left += [f"the setting {name} stays with the firewall; see that it holds there" for name in sorted(settings)]
    return policy


def _collections(kind: str, entries: Sequence[Body], told: _Told) -> Iterator[dict[str, Any]]:
    """A kind's collections as a group's, in the order in which they are judged."""
    names: set[str] = set()
    priorities: dict[int, str] = {}
    for entry in sorted(entries, key=lambda each: int((each.get("properties") or {}).get("priority", 0))):
        properties = entry.get("properties") or {}
        given, priority = str(entry.get("name", "")), int(properties.get("priority", 0))
        place = f"{kind.removesuffix('s')} {given}"
        action = str((properties.get("action") or {}).get("type", ""))
        if priority in priorities:
            told.barred.append(
                f"{place} has priority {priority}, as {priorities[priority]}: nothing says which is judged first; renumber one"
            )
        priorities[priority] = given
        if kind == "natRuleCollections" and action.lower() != "dnat":
            told.left.append(f"{place}: a policy translates destinations alone, not sources ({action})")
            continue
        denies = action.lower() == "deny"
        rules = list(_rules(kind, place, properties.get("rules") or (), denies, told))
        if not rules:
            told.left.append(f"{place}: it holds no rule that a policy could have")
            continue
        name = _named(given, names)
        if name != given:
            told.changed.append(f"{place} is named {name}: a policy takes letters, digits, '.', '-' and '_'")
        yield {
            "ruleCollectionType": f"FirewallPolicy{'Nat' if kind == 'natRuleCollections' else 'Filter'}RuleCollection",
            "name": name,
            "priority": priority,
            "action": {"type": "DNAT" if kind == "natRuleCollections" else action.capitalize()},
            "rules": rules,
        }


def _rules(kind: str, place: str, rules: Sequence[Body], denies: bool, told: _Told) -> Iterator[dict[str, Any]]:
    """Each rule as one or several of a policy, with names of their own."""
    names: set[str] = set()
    for rule in rules:
        given = str(rule.get("name") or "rule")
        parts = list(_TRANSLATED[kind](rule))
        if why := _obstacle(rule, parts):
            (told.barred if denies else told.left).append(f"{place}/{given}: {why}")
            continue
        if len(parts) > 1:
            told.changed.append(f"{place}/{given} becomes {len(parts)} rules: {_WHY_SEVERAL[kind]}")
        for part in parts:
            kept = {"name": _free(given, names), **part}
            if rule.get("description"):
                kept["description"] = str(rule["description"])
            yield kept


def _obstacle(rule: Body, parts: Sequence[Body]) -> str:
    """Why a rule has no place in a policy; `parts` are what it would become."""
    addresses = [*(rule.get("sourceAddresses") or ()), *(rule.get("destinationAddresses") or ())]
    if any(":" in str(each) for each in addresses):
        return "it names an IPv6 address, which a policy's rules are documented to refuse"
    if not rule.get("sourceAddresses") and not rule.get("sourceIpGroups"):
        return "it names no source"
    return "" if parts else "it names no destination that a policy knows"


def _network(rule: Body) -> Iterator[dict[str, Any]]:
    common = {
        "ruleType": "NetworkRule",
        "ipProtocols": [str(each) for each in rule.get("protocols") or ()],
        **_sources(rule),
        "destinationPorts": list(rule.get("destinationPorts") or ("*",)),
    }
    if rule.get("destinationAddresses") or rule.get("destinationIpGroups"):
        yield {
            **common,
            "destinationAddresses": list(rule.get("destinationAddresses") or ()),
            "destinationIpGroups": list(rule.get("destinationIpGroups") or ()),
        }
    if rule.get("destinationFqdns"):
        yield {**common, "destinationFqdns": list(rule["destinationFqdns"])}


def _application(rule: Body) -> Iterator[dict[str, Any]]:
    protocols = [dict(each) for each in rule.get("protocols") or ()]
    common = {"ruleType": "ApplicationRule", **_sources(rule)}
    if rule.get("targetFqdns"):
        yield {**common, "protocols": protocols, "targetFqdns": list(rule["targetFqdns"])}
    if rule.get("fqdnTags"):
        yield {**common, "protocols": protocols or [dict(each) for each in _TAGGED], "fqdnTags": list(rule["fqdnTags"])}


def _nat(rule: Body) -> Iterator[dict[str, Any]]:
    translated = {key: rule[key] for key in ("translatedAddress", "translatedFqdn", "translatedPort") if rule.get(key)}
    for port in rule.get("destinationPorts") or ():
        yield {
            "ruleType": "NatRule",
            "ipProtocols": [str(each) for each in rule.get("protocols") or ()],
            **_sources(rule),
            "destinationAddresses": list(rule.get("destinationAddresses") or ()),
            "destinationPorts": [port],
            "translatedPort": port,
            **translated,
        }


_TRANSLATED: Mapping[str, Callable[[Body], Iterator[dict[str, Any]]]] = {
    "natRuleCollections": _nat,
    "networkRuleCollections": _network,
    "applicationRuleCollections": _application,
}
_WHY_SEVERAL: Mapping[str, str] = {
    "natRuleCollections": "a policy translates one port a rule",
    "networkRuleCollections": "a policy's rule has addresses or names, not both",
    "applicationRuleCollections": "a policy's rule has names or tags, not both",
}


def _sources(rule: Body) -> dict[str, Any]:
    return {
        "sourceAddresses": list(rule.get("sourceAddresses") or ()),
        "sourceIpGroups": list(rule.get("sourceIpGroups") or ()),
    }


def _named(given: str, taken: set[str]) -> str:
    """A name that a policy takes, and no other collection of the group has."""
    plain = _NOT_IN_A_NAME.sub("-", given)[:75].strip("-._") or "collection"
    return _free(given if _NAME.fullmatch(given) else plain, taken)


def _free(name: str, taken: set[str]) -> str:
    found = next(each for each in (name, *(f"{name}-{number}" for number in range(2, 10_000))) if each not in taken)
    taken.add(found)
    return found


def _texts(joined: object) -> list[str]:
    return [each.strip() for each in str(joined or "").split(",") if each.strip()]
