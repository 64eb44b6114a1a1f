"""What a tenant's file could allow of what the firewall denied by default. A suggestion is no permission: a person reads it first.

Denied by an explicit rule (a block, a base policy) means that somebody wanted it so: nothing is suggested for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from function_app.attributing.tally import Flow

MOST_SUGGESTED = 20
"""Entries for one tenant, the most denied first."""
_NO_NAME = re.compile(r"[^a-z0-9]+")
_FQDN = re.compile(r"(?=.{4,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_WEB = {"http": "http", "https": "https", "mssql": "mssql"}
_TRANSPORT = {"tcp": "TCP", "udp": "UDP", "icmp": "ICMP"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One entry of `spec.egress.allow`, and how many denied lines it stands for."""

    tenant: str
    count: int
    entry: dict[str, object]


def suggestions(flows: Iterable[tuple[Flow, int]]) -> list[Suggestion]:
    """By tenant, the most denied first."""
    names: dict[tuple[str, str], dict[str, int]] = {}
    addresses: dict[tuple[str, str, str], dict[str, int]] = {}
    for flow, count in flows:
        tenant = flow.tenant
        if not tenant or not flow.denied or flow.explicit:
            continue
        protocol = str(flow.protocol or "").lower()
        if flow.application and protocol in _WEB and _FQDN.fullmatch(flow.destination.lower()) and flow.port:
            ways = names.setdefault((tenant, flow.destination.lower()), {})
            way = f"{_WEB[protocol]}:{flow.port}"
            ways[way] = ways.get(way, 0) + count
        elif not flow.application and protocol in _TRANSPORT and _is_address(flow.destination):
            ports = addresses.setdefault((tenant, flow.destination, _TRANSPORT[protocol]), {})
            ports[str(flow.port or "*")] = ports.get(str(flow.port or "*"), 0) + count
    found = [
        Suggestion(tenant, sum(ways.values()), {"name": _name(name), "fqdns": [name], "protocols": sorted(ways)})
        for (tenant, name), ways in names.items()
    ]
    found += [
        Suggestion(
            tenant,
            sum(ports.values()),
            {
                "name": _name(f"{address}-{transport}"),
                "destinations": [address],
                "ports": sorted(ports),
                "transport": [transport],
            },
        )
        for (tenant, address, transport), ports in addresses.items()
    ]
    ordered = sorted(found, key=lambda one: (one.tenant, -one.count, str(one.entry["name"])))
    kept: dict[str, int] = {}
    chosen: list[Suggestion] = []
    for one in ordered:
        kept[one.tenant] = kept.get(one.tenant, 0) + 1
        if kept[one.tenant] <= MOST_SUGGESTED:
            chosen.append(one)
    return chosen


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _name(text: str) -> str:
    return _NO_NAME.sub("-", text.lower()).strip("-")[:60].rstrip("-")
