"""Foreign firewall rules that let a range out, as entries of `allow`; those thereby superseded; and what has no words here.

A copy must allow nothing that was denied: a rule for a part of a range is not widened to the whole, and where somebody denies
behind the place of our shards nothing is copied, since a copy would come before that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from function_app.model.definitions import Shards
from function_app.model.resources import Body, FirewallObservation, network_of
from function_app.planning.firewall_resources import collections_of
from function_app.planning.in_force import is_ours
from function_app.reading.ranges import destination_networks

_NO_NAME = re.compile(r"[^a-z0-9]+")
_WEB = {"http": "http", "https": "https", "mssql": "mssql"}
_TRANSPORTS = frozenset({"TCP", "UDP", "ICMP"})
_ONLY_APPLICATION = (
    "fqdnTags",
    "targetUrls",
    "webCategories",
    "terminateTLS",
    "httpHeadersToInsert",
    "destinationAddresses",
)
_ONLY_NETWORK = ("destinationIpGroups", "destinationFqdns", "sourceKubeSelectorGroups", "destinationGeoLocations")


@dataclass(frozen=True, slots=True)
class ForeignRule:
    """One rule of a group that is not ours, with where it stands."""

    group: str
    collection: str
    priority: tuple[int, int]
    denies: bool
    body: Body = field(hash=False)

    def __str__(self) -> str:
        return f"{self.group}/{self.collection}/{self.body.get('name', '')}"

    @property
    def sources(self) -> tuple[str, ...]:
        """As they stand."""
        return tuple(str(one) for one in self.body.get("sourceAddresses") or ())


@dataclass(slots=True)
class RulesFound:
    """`allow` are entries of a definition; `superseded` are rules whose whole effect stands in the copies."""

    allow: list[dict[str, Any]] = field(default_factory=list)
    copied: list[ForeignRule] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def foreign_rules(shards: Shards, firewall: FirewallObservation) -> tuple[ForeignRule, ...]:
    """All filter rules of the policy that are not ours, in Azure's order within their kind."""
    found = [
        ForeignRule(
            name,
            str(collection.get("name", "")),
            (int((body.get("properties") or {}).get("priority", 0)), int(collection.get("priority", 0))),
            str((collection.get("action") or {}).get("type", "")).lower() == "deny",
            rule,
        )
        for name, body in sorted(firewall.groups.items())
        if not is_ours(shards, name)
        for collection in collections_of(body)
        if "filter" in str(collection.get("ruleCollectionType", "")).lower()
        for rule in collection.get("rules") or ()
    ]
    return tuple(sorted(found, key=lambda one: one.priority))


def rules_for(range_: IPv4Network, rules: Sequence[ForeignRule], shards: Shards) -> RulesFound:
    """What lets this range out, as entries of `allow`."""
    found = RulesFound()
    mine = [
        rule
        for rule in rules
        if any(_meets(source, range_) for source in rule.sources) or rule.body.get("sourceIpGroups")
    ]
    behind = [rule for rule in mine if rule.denies and rule.priority[0] >= shards.priority.first]
    names: set[str] = set()
    for rule in mine:
        if rule.denies:
            continue
        why = _obstacle(rule, range_, behind)
        if why:
            found.left.append(f"{rule} for {range_}: {why}")
            continue
        found.allow.append(_entry(rule.body, names))
        found.copied.append(rule)
    return found


def superseded(
    rules: Sequence[ForeignRule], copied_for: Mapping[ForeignRule, Sequence[IPv4Network]]
) -> tuple[str, ...]:
    """Copied rules all of whose sources are imported ranges: their owner may remove them once everything is converged."""
    return tuple(
        str(rule)
        for rule in rules
        if rule in copied_for and all(any(network_of(one) == cidr for cidr in copied_for[rule]) for one in rule.sources)
    )


def _obstacle(rule: ForeignRule, range_: IPv4Network, behind: Sequence[ForeignRule]) -> str:
    body = rule.body
    if behind:
        return f"{behind[0]} denies behind the place of our shards, and a copy would come before it"
    if body.get("sourceIpGroups"):
        return "its sources are an IP group, which is not read"
    if not any(_covers(source, range_) for source in rule.sources):
        return f"it is for a part of the range ({', '.join(rule.sources)}); a copy would allow all of it"
    application = str(body.get("ruleType", "")).lower() == "applicationrule"
    odd = [key for key in (_ONLY_APPLICATION if application else _ONLY_NETWORK) if body.get(key)]
    if odd:
        return f"it uses {', '.join(odd)}, which a definition cannot say"
    if application:
        protocols = [str(one.get("protocolType", "")).lower() for one in body.get("protocols") or ()]
        return (
            ""
            if body.get("targetFqdns") and all(one in _WEB for one in protocols)
            else "it names no FQDN, or an odd protocol"
        )
    if not {str(one).upper() for one in body.get("ipProtocols") or ()} <= _TRANSPORTS:
        return "it is for any protocol; a definition names TCP, UDP, ICMP"
    if not body.get("destinationAddresses") or any(one in ("*", "0.0.0.0/0") for one in body["destinationAddresses"]):
        return "it is for every destination, which would void all rules with names"
    return ""


def _entry(rule: Body, names: set[str]) -> dict[str, Any]:
    plain = _NO_NAME.sub("-", str(rule.get("name", "")).lower()).strip("-")[:50].rstrip("-") or "rule"
    name = next(one for one in (plain, *(f"{plain}-{number}" for number in range(2, 10_000))) if one not in names)
    names.add(name)
    if rule.get("targetFqdns"):
        protocols = [f"{str(one['protocolType']).lower()}:{one['port']}" for one in rule.get("protocols") or ()]
        return {"name": name, "fqdns": list(rule["targetFqdns"]), "protocols": protocols}
    transports = [str(one).upper() for one in rule.get("ipProtocols") or ()]
    return {
        "name": name,
        "destinations": list(rule["destinationAddresses"]),
        "ports": [str(one) for one in rule.get("destinationPorts") or ("*",)],
        "transport": transports,
    }


def _meets(source: str, range_: IPv4Network) -> bool:
    return any(part.overlaps(range_) for part in destination_networks(source))


def _covers(source: str, range_: IPv4Network) -> bool:
    return any(range_.subnet_of(part) for part in destination_networks(source))
