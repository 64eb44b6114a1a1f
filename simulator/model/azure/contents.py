"""What a rule collection group may contain, checked when it is written, and how a read gives it back.

Fields, ranges and discriminators: Microsoft.Network 2025-09-01. Names: Microsoft Learn, resource-name-rules. One kind of rule
per collection: Microsoft Learn, policy-rule-sets. At least one rule, and a name, priority and action on each collection: what
the azurerm provider demands. IPv6 is refused, wildcards stand left-most in application rules and never in network rules
(Microsoft Learn, firewall known issues and fqdn-filtering-network-rules). That a field of no known name is refused is an
assumption, as are the wordings.
"""

from __future__ import annotations

import copy
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from simulator.model.errors import ArmError

Json = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?")
_FQDN = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?)*")
_SERVICE_TAG = re.compile(r"[A-Z][A-Za-z]+(\.[A-Za-z0-9]+)?")
_COLLECTION_TYPES = {
    "FirewallPolicyFilterRuleCollection": ("Allow", "Deny"),
    "FirewallPolicyNatRuleCollection": ("DNAT",),
}
_RULE_DEFAULTS: Mapping[str, Json] = {
    "ApplicationRule": {
        "sourceAddresses": [],
        "sourceIpGroups": [],
        "destinationAddresses": [],
        "protocols": [],
        "targetFqdns": [],
        "targetUrls": [],
        "fqdnTags": [],
        "webCategories": [],
        "httpHeadersToInsert": [],
        "terminateTLS": False,
    },
    "NetworkRule": {
        "ipProtocols": [],
        "sourceAddresses": [],
        "sourceIpGroups": [],
        "destinationAddresses": [],
        "destinationIpGroups": [],
        "destinationFqdns": [],
        "destinationPorts": [],
    },
    "NatRule": {
        "ipProtocols": [],
        "sourceAddresses": [],
        "sourceIpGroups": [],
        "destinationAddresses": [],
        "destinationPorts": [],
        "translatedAddress": None,
        "translatedFqdn": None,
        "translatedPort": None,
    },
}
_READ_ONLY_PROPERTIES = {"size", "provisioningState"}
_READ_ONLY = {"id", "name", "etag", "type"}


def check_name(name: str) -> None:
    """Raises ArmError 400 unless the name may be that of a group or collection."""
    if not _NAME.fullmatch(name):
        _refuse(
            "name",
            f"{name!r} is no name: 1 to 80 letters, digits, '.', '-', '_', alphanumeric first, no '.' or '-' last",
        )


def accepted_properties(body: Mapping[str, Any]) -> Json:
    """The group's properties with every default filled in, as a read returns them, without size and state.

    Raises ArmError 400 for anything that the service refuses at once.
    """
    _only(body, {"properties"} | _READ_ONLY, "body")
    properties = _mapping(body.get("properties"), "properties")
    _only(properties, {"priority", "ruleCollections"} | _READ_ONLY_PROPERTIES, "properties")
    return {
        "priority": _priority(properties.get("priority"), "properties"),
        "ruleCollections": [
            _collection(_mapping(entry, where), where)
            for index, entry in enumerate(_list(properties.get("ruleCollections") or [], "properties.ruleCollections"))
            for where in [f"properties.ruleCollections[{index}]"]
        ],
    }


def size_in_bytes(properties: Mapping[str, Any]) -> int:
    """What the group counts against its limit."""
    return len(json.dumps(properties, separators=(",", ":")).encode())


def _collection(entry: Mapping[str, Any], where: str) -> Json:
    kind = entry.get("ruleCollectionType")
    if kind not in _COLLECTION_TYPES:
        _refuse(where, f"ruleCollectionType is {kind!r}, known are {', '.join(_COLLECTION_TYPES)}")
    _only(entry, {"ruleCollectionType", "name", "priority", "action", "rules"}, where)
    name = entry.get("name")
    if not isinstance(name, str):
        _refuse(where, "a rule collection needs a name")
    check_name(name)
    action = _mapping(entry.get("action"), f"{where}.action").get("type")
    known = {choice.lower(): choice for choice in _COLLECTION_TYPES[kind]}
    if not isinstance(action, str) or action.lower() not in known:
        _refuse(where, f"action.type is {action!r}, known are {', '.join(known.values())}")
    rules = [
        _rule(_mapping(rule, f"{where}.rules[{index}]"), f"{where}.rules[{index}]")
        for index, rule in enumerate(_list(entry.get("rules") or [], f"{where}.rules"))
    ]
    if not rules:
        _refuse(where, "a rule collection needs at least one rule")
    if len({rule["ruleType"] for rule in rules}) > 1 or (
        kind.endswith("NatRuleCollection") != (rules[0]["ruleType"] == "NatRule")
    ):
        _refuse(where, "a rule collection holds rules of one kind that fits its own")
    return {
        "ruleCollectionType": kind,
        "action": {"type": known[action.lower()]},
        "rules": rules,
        "name": name,
        "priority": _priority(entry.get("priority"), where),
    }


def _rule(rule: Mapping[str, Any], where: str) -> Json:
    kind = rule.get("ruleType")
    if not isinstance(kind, str) or kind not in _RULE_DEFAULTS:
        _refuse(where, f"ruleType is {kind!r}, known are {', '.join(_RULE_DEFAULTS)}")
    defaults = _RULE_DEFAULTS[kind]
    _only(rule, {"ruleType", "name", "description"} | defaults.keys(), where)
    if not rule.get("name"):
        _refuse(where, "a rule needs a name")
    known: Json = {"ruleType": kind, "name": str(rule["name"])}
    if rule.get("description"):
        known["description"] = str(rule["description"])
    for field, default in defaults.items():
        value = rule.get(field)
        if isinstance(default, list):
            value = copy.deepcopy(_list(value or [], f"{where}.{field}"))
        elif value is None:
            value = default
        if value is not None:
            known[field] = value
    _check_sources(known, where)
    {"ApplicationRule": _check_application, "NetworkRule": _check_network, "NatRule": _check_nat}[kind](known, where)
    return known


def _check_sources(rule: Json, where: str) -> None:
    for group in (*rule["sourceIpGroups"], *rule.get("destinationIpGroups", ())):
        raise ArmError(400, "InvalidResourceReference", f"Resource {group} referenced by {where} was not found.")
    if not rule["sourceAddresses"]:
        _refuse(where, "a rule needs sourceAddresses or sourceIpGroups")
    _each(rule, "sourceAddresses", is_address, where)


def _check_application(rule: Json, where: str) -> None:
    if not rule["protocols"]:
        _refuse(where, "an application rule needs protocols")
    for protocol in rule["protocols"]:
        entry = _mapping(protocol, f"{where}.protocols")
        _only(entry, {"protocolType", "port"}, f"{where}.protocols")
        if str(entry.get("protocolType")).lower() not in ("http", "https", "mssql"):
            _refuse(where, f"protocolType is {entry.get('protocolType')!r}, known are Http, Https, Mssql")
        port = entry.get("port")
        if port is not None and (not isinstance(port, int) or not 0 <= port <= 64000):
            _refuse(where, f"port {port!r} of a protocol is not within 0 to 64000")
    if not any(rule[field] for field in ("targetFqdns", "targetUrls", "fqdnTags", "webCategories")):
        _refuse(where, "an application rule needs targetFqdns, targetUrls, fqdnTags or webCategories")
    _each(rule, "targetFqdns", _is_pattern, where)
    _each(rule, "destinationAddresses", is_address, where)


def _check_network(rule: Json, where: str) -> None:
    _check_protocols(rule, where)
    if not rule["destinationPorts"]:
        _refuse(where, "a network rule needs destinationPorts")
    if bool(rule["destinationAddresses"]) == bool(rule["destinationFqdns"]):
        _refuse(where, "a network rule needs either destinationAddresses or destinationFqdns")
    _each(rule, "destinationPorts", _is_ports, where)
    _each(rule, "destinationFqdns", lambda name: bool(_FQDN.fullmatch(name)), where)
    _each(rule, "destinationAddresses", lambda text: is_address(text) or bool(_SERVICE_TAG.fullmatch(text)), where)


def _check_nat(rule: Json, where: str) -> None:
    _check_protocols(rule, where)
    if len(rule["destinationPorts"]) != 1 or bool(rule.get("translatedAddress")) == bool(rule.get("translatedFqdn")):
        _refuse(where, "a NAT rule needs one destination port and either translatedAddress or translatedFqdn")


def _check_protocols(rule: Json, where: str) -> None:
    protocols = [str(protocol).lower() for protocol in rule["ipProtocols"]]
    if not protocols or not set(protocols) <= {"tcp", "udp", "icmp", "any"}:
        _refuse(where, f"ipProtocols are {rule['ipProtocols']}, known are TCP, UDP, ICMP, Any")


def _each(rule: Json, field: str, fits: Callable[[str], bool], where: str) -> None:
    for value in rule[field]:
        if not isinstance(value, str) or not fits(value):
            _refuse(f"{where}.{field}", f"{value!r} is not accepted there")


def is_address(text: str) -> bool:
    """Whether the text is `*`, an IPv4 address, a CIDR or a range `a-b`."""
    if text == "*":
        return True
    try:
        low, dash, high = text.partition("-")
        if dash:
            return ipaddress.IPv4Address(low) <= ipaddress.IPv4Address(high)
        ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_pattern(text: str) -> bool:
    """An FQDN, possibly with an asterisk as its left-most character."""
    bare = text.removeprefix("*").removeprefix(".")
    return text == "*" or bool(_FQDN.fullmatch(bare))


def _is_ports(text: str) -> bool:
    if text == "*":
        return True
    low, dash, high = text.partition("-")
    if not low.isdigit() or (dash and not high.isdigit()):
        return False
    return 1 <= int(low) <= int(high or low) <= 65535


def _priority(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= 65000:
        _refuse(where, f"priority is {value!r}, it must be within 100 and 65000")
    return value


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(where, "an object is expected")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(where, "a list is expected")
    return value


def _only(value: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(value.keys() - known)
    if unknown:
        _refuse(where, f"could not find member {unknown[0]!r}")


def _refuse(where: str, what: str) -> NoReturn:
    raise ArmError(400, "InvalidRequestFormat", f"Cannot parse the request: {where}: {what}.")
