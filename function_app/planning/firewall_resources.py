"""What the definitions imply for a firewall policy: each tenant's rule collections, and the shards that hold them.

A shard is one rule collection group with the collections of many tenants, `TENANT-net` and `TENANT-app` each, because a
policy takes 60 groups and 2,000 collections. A PUT replaces a whole shard, so a shard is always rendered whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any

from function_app.model.definitions import AllowRule, Shards
from function_app.model.names import TenantName
from function_app.model.once import once
from function_app.model.resources import Body

Rule = Body
"""One rule as ARM speaks it."""

FIRST_SLOT_PRIORITY = 1000
"""Priority of a shard's first collection; tenant slot N takes two numbers from here on (ARM allows 100 to 65000)."""
BLOCK_COLLECTION = "blocked-tenants-net"
NET, APP = "-net", "-app"
ECHO_BYTES_PER_RULE = 190
"""What a GET adds to a rule as sent: empty lists and defaults. Measured on azure-mgmt-network models, rounded up."""


@dataclass(frozen=True)
class TenantRules:
    """One tenant's rules in one hub, as they stand or should stand in a shard. Rule order is that of the definition.

    Without slots, because digest and size are asked for several times in a pass and computed once.
    """

    tenant: TenantName
    net: tuple[Rule, ...] = field(default=(), hash=False)
    app: tuple[Rule, ...] = field(default=(), hash=False)

    def __bool__(self) -> bool:
        return bool(self.net or self.app)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Network rules, then application rules."""
        return self.net + self.app

    @property
    def collections(self) -> int:
        """How many rule collections this takes."""
        return bool(self.net) + bool(self.app)

    def sources(self) -> frozenset[str]:
        """Every source that some rule names."""
        return self._sources

    @cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(source for rule in self.rules for source in rule.get("sourceAddresses") or ())

    def digest(self) -> str:
        """Stable digest of the meaning."""
        return self._digest

    def size(self) -> int:
        """About how many bytes this takes in a shard as Azure echoes it."""
        return self._size

    @cached_property
    def _digest(self) -> str:
        return digest_of({"net": [meaning(rule) for rule in self.net], "app": [meaning(rule) for rule in self.app]})

    @cached_property
    def _size(self) -> int:
        return len(json.dumps([*self.net, *self.app])) + ECHO_BYTES_PER_RULE * (len(self.rules) + self.collections)


Content = Mapping[int, TenantRules]
"""What one shard holds, by slot."""


def content_digest(content: Content) -> str:
    """Digest of a content by what its tenants are permitted; slots are left out, so that a move is no new try."""
    return digest_of({str(rules.tenant): rules.digest() for rules in content.values() if rules})


def valid_on(rules: Iterable[AllowRule], day: date) -> tuple[AllowRule, ...]:
    """Those of them that have not expired: the day that a rule names is its last."""
    return tuple(rule for rule in rules if rule.expires is None or date.fromisoformat(rule.expires) >= day)


def render_rules(
    tenant: TenantName, rules: Iterable[AllowRule], ranges: Iterable[IPv4Network], today: date
) -> TenantRules:
    """A tenant's rules for its ranges; rules that have expired are left out, and without a range nothing is rendered."""
    sources = [str(cidr) for cidr in sorted(set(ranges))]
    if not sources:
        return TenantRules(tenant)
    valid = valid_on(rules, today)
    return TenantRules(
        tenant,
        net=tuple(_network_rule(rule, sources) for rule in valid if rule.destinations),
        app=tuple(_application_rule(rule, sources) for rule in valid if rule.fqdns),
    )


def _network_rule(rule: AllowRule, sources: list[str]) -> Rule:
    return {
        "ruleType": "NetworkRule",
        "name": rule.name,
        "description": rule.description,
        "ipProtocols": sorted(rule.transport),
        "sourceAddresses": sources,
        "destinationAddresses": sorted(rule.destinations),
        "destinationPorts": sorted(rule.ports) or ["*"],
    }


def _application_rule(rule: AllowRule, sources: list[str]) -> Rule:
    names = {"http": "Http", "https": "Https", "mssql": "Mssql"}
    pairs = sorted(protocol.split(":") for protocol in rule.protocols)
    return {
        "ruleType": "ApplicationRule",
        "name": rule.name,
        "description": rule.description,
        "sourceAddresses": sources,
        "targetFqdns": sorted(rule.fqdns),
        "protocols": [{"protocolType": names[kind], "port": int(port)} for kind, port in pairs],
    }


def joined(one: TenantRules, other: TenantRules, suffix: str) -> TenantRules:
    """The rules of both, for different ranges: a rule that both have names the ranges of both, others of one name get a suffix."""
    if not one or not other:
        return one or other
    return TenantRules(one.tenant, _joined(one.net, other.net, suffix), _joined(one.app, other.app, suffix))


def _joined(mine: tuple[Rule, ...], theirs: tuple[Rule, ...], suffix: str) -> tuple[Rule, ...]:
    found = {str(rule.get("name")): rule for rule in mine}
    for rule in theirs:
        name = str(rule.get("name"))
        standing = found.get(name)
        if standing is not None and meaning({**standing, "sourceAddresses": []}) == meaning(
            {**rule, "sourceAddresses": []}
        ):
            sources = {*(standing.get("sourceAddresses") or ()), *(rule.get("sourceAddresses") or ())}
            found[name] = {**standing, "sourceAddresses": sorted(sources, key=_address_order)}
        elif standing is not None:
            found[f"{name}.{suffix}"] = {**rule, "name": f"{name}.{suffix}"}
        else:
            found[name] = rule
    return tuple(found.values())


def _address_order(text: str) -> tuple[int, str]:
    try:
        return int(IPv4Network(text).network_address), text
    except ValueError:
        return -1, text


def block_rules(ranges: Mapping[TenantName, Iterable[IPv4Network]]) -> tuple[Rule, ...]:
    """One deny for each blocked tenant, by name."""
    return tuple(
        {
            "ruleType": "NetworkRule",
            "name": str(tenant),
            "description": "",
            "ipProtocols": ["Any"],
            "sourceAddresses": [str(cidr) for cidr in sorted(set(cidrs))],
            "destinationAddresses": ["*"],
            "destinationPorts": ["*"],
        }
        for tenant, cidrs in sorted(ranges.items())
        if set(cidrs)
    )


def shard_name(shards: Shards, index: int) -> str:
    """Name of the shard with this number, from 0."""
    return f"{shards.prefix}-{index:03d}"


def block_name(shards: Shards) -> str:
    """Name of the shard that denies blocked tenants; it stands in front of all others."""
    return f"{shards.prefix}-block"


def shard_index(shards: Shards, name: str) -> int | None:
    """The number of a shard of ours, None for the block shard and for everybody else's groups."""
    prefix, _, number = name.rpartition("-")
    return int(number) if prefix == shards.prefix and len(number) == 3 and number.isdecimal() else None


def shard_body(shards: Shards, name: str, content: Content) -> Body:
    """The whole ARM body of a shard; `content` is by slot."""
    collections: list[Body] = []
    for slot, tenant in sorted(content.items()):
        priority = FIRST_SLOT_PRIORITY + 2 * slot
        if tenant.net:
            collections.append(_collection(f"{tenant.tenant}{NET}", priority, "Allow", tenant.net))
        if tenant.app:
            collections.append(_collection(f"{tenant.tenant}{APP}", priority + 1, "Allow", tenant.app))
    index = shard_index(shards, name)
    priority = shards.priority.first + 1 + (index if index is not None else 0)
    return {"name": name, "properties": {"priority": priority, "ruleCollections": collections}}


def block_body(shards: Shards, rules: tuple[Rule, ...]) -> Body:
    """The whole ARM body of the block shard."""
    collection = _collection(BLOCK_COLLECTION, 100, "Deny", rules)
    return {
        "name": block_name(shards),
        "properties": {"priority": shards.priority.first, "ruleCollections": [collection]},
    }


def _collection(name: str, priority: int, action: str, rules: tuple[Rule, ...]) -> Body:
    return {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": name,
        "priority": priority,
        "action": {"type": action},
        "rules": list(rules),
    }


def read_shard(body: Body | None) -> Content:
    """The tenants that a group holds, by slot; collections that bear no tenant's name are ignored here."""
    return _read_shard(body) if body is not None else {}


@once
def _read_shard(body: Body) -> Content:
    """A pass asks for the same bodies several times: what stands, what is in force, what changes."""
    found: dict[int, TenantRules] = {}
    for collection in collections_of(body):
        name, priority = str(collection.get("name", "")), int(collection.get("priority", 0))
        slot, suffix = max(0, (priority - FIRST_SLOT_PRIORITY) // 2), name[-4:]
        if suffix not in (NET, APP) or str((collection.get("action") or {}).get("type", "")).lower() != "allow":
            continue
        tenant = TenantName(name[:-4])
        slot = next((taken for taken, rules in found.items() if rules.tenant == tenant), slot)
        while slot in found and found[slot].tenant != tenant:
            slot += 1
        known = found.get(slot, TenantRules(tenant))
        rules = tuple(collection.get("rules") or ())
        found[slot] = (
            TenantRules(tenant, net=rules, app=known.app)
            if suffix == NET
            else TenantRules(tenant, net=known.net, app=rules)
        )
    return found


def collections_of(body: Body | None) -> tuple[Body, ...]:
    """A group's rule collections."""
    return tuple(((body or {}).get("properties") or {}).get("ruleCollections") or ())


def sources_of(body: Body | None) -> frozenset[str]:
    """All sources that a group's rules name, whoever they are of."""
    rules = (rule for collection in collections_of(body) for rule in collection.get("rules") or ())
    return frozenset(source for rule in rules for source in rule.get("sourceAddresses") or ())


def group_meaning(body: Body) -> Any:
    """A group without echoes: what two bodies must share to do the same.

    Order of collections and rules matters only through priorities and positions, so positions of rules are kept and
    collections are ordered by priority. Read-only fields, empty lists and defaults are dropped, enums and ids compared
    without case (the service answers `Dnat` where the specification says `DNAT`; azure-rest-api-specs#9986).
    """
    properties = body.get("properties") or {}
    collections = sorted(
        collections_of(body),
        key=lambda collection: (int(collection.get("priority", 0)), str(collection.get("name", ""))),
    )
    return {
        "priority": int(properties.get("priority", 0)),
        "collections": [
            {
                "type": str(collection.get("ruleCollectionType", "")).lower(),
                "name": collection.get("name"),
                "priority": int(collection.get("priority", 0)),
                "action": str((collection.get("action") or {}).get("type", "")).lower(),
                "rules": [meaning(rule) for rule in collection.get("rules") or ()],
            }
            for collection in collections
        ],
    }


_SET_FIELDS = frozenset(
    {
        "sourceAddresses",
        "destinationAddresses",
        "destinationPorts",
        "ipProtocols",
        "targetFqdns",
        "fqdnTags",
        "destinationFqdns",
    }
    | {"sourceIpGroups", "destinationIpGroups", "targetUrls", "webCategories"}
)
_CASELESS_FIELDS = frozenset(
    {"ruleType", "ipProtocols", "targetFqdns", "destinationFqdns", "sourceIpGroups", "destinationIpGroups", "protocols"}
)


def meaning(rule: Rule) -> dict[str, Any]:
    """One rule without echoes and order."""
    return {key: _field_meaning(key, value) for key, value in rule.items() if value not in (None, "", [], False)}


def _field_meaning(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return value.lower() if key in _CASELESS_FIELDS else value
    if key == "protocols":
        pairs = ((str(item.get("protocolType", "")).lower(), int(item.get("port") or 0)) for item in value)
        return sorted(f"{kind}:{port}" for kind, port in pairs)
    folded = [str(item).lower() for item in value] if key in _CASELESS_FIELDS else value
    return sorted(folded) if key in _SET_FIELDS else folded


def digest_of(value: Any) -> str:
    """Short stable digest of JSON-ready data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
