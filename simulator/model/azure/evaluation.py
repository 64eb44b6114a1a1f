"""How Azure Firewall judges a connection: the rules in force, in its order.

Network rules before application rules whatever the priorities; within each the parent policy first, then the group's priority,
the collection's, and the order in the list; the first match ends it; what matches nothing is denied (Microsoft Learn,
rule-processing and policy-overview). An asterisk stands for anything to its left, several labels included; `*.x` does not match
`x` (an assumption). Application rules see HTTP, HTTPS and MSSQL by Host or SNI only. An application rule always translates the
source, a network rule only towards public destinations (Microsoft Learn, snat-private-range).
Not modelled: threat intelligence, DNAT, the built-in infrastructure collection, TLS inspection and URLs, FQDN tags, web
categories, service tags: rules that rest on these alone never match.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from simulator.model.azure.groups import EnforcedGroup

Resolve = Callable[[str], str | None]
"""DNS: a name's address, None when it has none."""

_Span = tuple[int, int]
_PRIVATE = tuple(
    (int(network.network_address), int(network.broadcast_address))
    for network in map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)


class Application(StrEnum):
    """What an application rule can tell apart."""

    HTTP = "Http"
    HTTPS = "Https"
    MSSQL = "Mssql"


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection at the firewall; `fqdn` is the Host or SNI, empty when there is none. `protocol` is TCP, UDP or ICMP."""

    source: str
    destination: str
    port: int
    protocol: str = "TCP"
    application: Application | None = None
    fqdn: str = ""


@dataclass(frozen=True, slots=True)
class RuleName:
    """Where a rule stands; all empty for the default action."""

    policy: str = ""
    group: str = ""
    collection: str = ""
    rule: str = ""


NO_RULE = RuleName()


class RuleType(StrEnum):
    """Which rules decided."""

    NETWORK = "network"
    APPLICATION = "application"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the firewall does. `rule_type` is NONE for the default denial; `translated`: the destination sees another source."""

    allowed: bool
    rule: RuleName
    rule_type: RuleType
    translated: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    """One compiled rule."""

    name: RuleName
    allow: bool
    sources: tuple[_Span, ...]
    fits: Callable[[Connection, Resolve], bool]


class Evaluator:
    """The rules in force at one time."""

    def __init__(self, groups: Iterable[EnforcedGroup]) -> None:
        self._network: list[_Rule] = []
        self._application: list[_Rule] = []
        depth: dict[str, int] = {}
        groups = list(groups)
        for group in groups:
            depth.setdefault(group.policy, len(depth))
        for group in sorted(groups, key=lambda each: (depth[each.policy], each.properties["priority"])):
            for collection in sorted(group.properties["ruleCollections"], key=lambda each: int(each["priority"])):
                self._compile(group, collection)
        self._by_source: dict[str, tuple[list[_Rule], list[_Rule]]] = {}

    def judge(self, connection: Connection, resolve: Resolve) -> Judgement:
        """What happens to a new connection."""
        network, application = self._concerning(connection.source)
        for rule in network:
            if rule.fits(connection, resolve):
                translated = rule.allow and not _within(_address(connection.destination), _PRIVATE)
                return Judgement(rule.allow, rule.name, RuleType.NETWORK, translated)
        if connection.application is not None:
            for rule in application:
                if rule.fits(connection, resolve):
                    return Judgement(rule.allow, rule.name, RuleType.APPLICATION, rule.allow)
        return Judgement(allowed=False, rule=NO_RULE, rule_type=RuleType.NONE)

    def _concerning(self, source: str) -> tuple[list[_Rule], list[_Rule]]:
        found = self._by_source.get(source)
        if found is None:
            address = _address(source)
            network, application = (
                [rule for rule in rules if _within(address, rule.sources)]
                for rules in (self._network, self._application)
            )
            found = self._by_source[source] = (network, application)
        return found

    def _compile(self, group: EnforcedGroup, collection: Mapping[str, Any]) -> None:
        allow = collection["action"]["type"] == "Allow"
        for rule in collection["rules"]:
            name = RuleName(group.policy, group.group, collection["name"], rule["name"])
            sources = _spans(rule["sourceAddresses"])
            if rule["ruleType"] == "NetworkRule":
                self._network.append(_Rule(name, allow, sources, _NetworkTest(rule)))
            elif rule["ruleType"] == "ApplicationRule":
                self._application.append(_Rule(name, allow, sources, _ApplicationTest(rule)))


class _NetworkTest:
    """Protocol, port, and destination by address or by what DNS says of a name."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self._protocols = {str(protocol).upper() for protocol in rule["ipProtocols"]}
        self._ports = tuple(_ports(text) for text in rule["destinationPorts"])
        self._destinations = _spans(rule["destinationAddresses"])
        self._names = tuple(rule["destinationFqdns"])

    def __call__(self, connection: Connection, resolve: Resolve) -> bool:
        if not self._protocols & {"ANY", connection.protocol}:
            return False
        if connection.protocol != "ICMP" and not _within(connection.port, self._ports):
            return False
        return _within(_address(connection.destination), self._destinations) or any(
            resolve(name) == connection.destination for name in self._names
        )


class _ApplicationTest:
    """Protocol with port, destination address if the rule names any, and the name asked for."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self._protocols = {(str(entry["protocolType"]).lower(), entry.get("port")) for entry in rule["protocols"]}
        self._destinations = _spans(rule["destinationAddresses"])
        self._names = tuple(str(name).lower() for name in rule["targetFqdns"])

    def __call__(self, connection: Connection, _resolve: Resolve) -> bool:
        if connection.application is None or not connection.fqdn:
            return False
        kind = connection.application.lower()
        if not {(kind, connection.port), (kind, None)} & self._protocols:
            return False
        if self._destinations and not _within(_address(connection.destination), self._destinations):
            return False
        return any(matches_name(pattern, connection.fqdn.lower()) for pattern in self._names)


def matches_name(pattern: str, name: str) -> bool:
    """Whether an application rule's FQDN, in lower case, takes in a name in lower case."""
    return name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern


class FirewallLog:
    """The newest rows of the structured log tables (Microsoft Learn, monitor-firewall-reference)."""

    def __init__(self, resource_id: str, size: int = 10_000) -> None:
        self.rows: deque[dict[str, Any]] = deque(maxlen=size)
        self._resource_id = resource_id
        self._count = 0

    def write(self, at: datetime, connection: Connection, judgement: Judgement) -> dict[str, Any]:
        """One row; a default denial has empty rule columns and the ActionReason `Default Action`."""
        self._count += 1
        default = judgement.rule_type is RuleType.NONE
        application = judgement.rule_type is RuleType.APPLICATION or (default and connection.application is not None)
        row: dict[str, Any] = {
            "Type": "AZFWApplicationRule" if application else "AZFWNetworkRule",
            "TimeGenerated": at.isoformat(),
            "Protocol": str(connection.application).upper() if application else connection.protocol,
            "SourceIp": connection.source,
            "SourcePort": 32768 + self._count % 28232,
            "DestinationPort": connection.port,
            "Action": "Allow" if judgement.allowed else "Deny",
            "Policy": judgement.rule.policy,
            "RuleCollectionGroup": judgement.rule.group,
            "RuleCollection": judgement.rule.collection,
            "Rule": judgement.rule.rule,
            "ActionReason": "Default Action" if default else "",
            "_ResourceId": self._resource_id.lower(),
        }
        if application:
            row |= {
                "Fqdn": connection.fqdn,
                "TargetUrl": "",
                "IsTlsInspected": False,
                "WebCategory": "",
                "IsExplicitProxyRequest": False,
            }
        else:
            row["DestinationIp"] = connection.destination
        self.rows.append(row)
        return row


def denial_text(judgement: Judgement) -> str:
    """The body of the 470 answer to a plain HTTP request."""
    if judgement.rule_type is RuleType.NONE:
        return "Action: Deny. Reason: No rule matched. Proceeding with default action."
    return f"Action: Deny. Rule Collection: {judgement.rule.collection}. Rule: {judgement.rule.rule}."


def _address(text: str) -> int:
    return int(ipaddress.IPv4Address(text))


def _within(value: int, spans: tuple[_Span, ...]) -> bool:
    return any(low <= value <= high for low, high in spans)


def _spans(addresses: Iterable[str]) -> tuple[_Span, ...]:
    """Addresses, CIDRs, ranges and `*` as intervals; service tags give none."""
    return tuple(span for text in addresses if (span := _span(text)))


def _span(text: str) -> _Span | None:
    if text == "*":
        return 0, 0xFFFFFFFF
    low, dash, high = text.partition("-")
    try:
        if dash:
            return _address(low), _address(high)
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None
    return int(network.network_address), int(network.broadcast_address)


def _ports(text: str) -> _Span:
    if text == "*":
        return 0, 65535
    low, _, high = text.partition("-")
    return int(low), int(high or low)
