"""A hub without clusters, and the bodies that tests write to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulator.model.azure.arm import AzureHub
from simulator.model.clock import VirtualClock
from simulator.model.documents import FirewallDocument, HubDocument, RouteServerDocument

POLICY = "tenants"
BASE = "platform"


def a_clock() -> VirtualClock:
    """Virtual time, a Monday morning."""
    return VirtualClock(datetime(2026, 11, 23, 8, tzinfo=UTC))


def a_hub(clock: VirtualClock, *, firewall: dict[str, Any] | None = None, **hub: Any) -> AzureHub:
    """A hub whose writes take 240 s; `firewall` and the rest override fields of the documents."""
    fields: dict[str, Any] = {
        "name": "hub-fw",
        "policy": POLICY,
        "base_policy": BASE,
        "private_ip": "10.0.0.4",
        "public_ip": "203.0.113.10",
        **(firewall or {}),
    }
    document = HubDocument(
        subscription="11111111-2222-3333-4444-555555555555",
        resource_group="demo-hub-network",
        vnet=("10.0.0.0/16",),
        firewall=FirewallDocument(**fields),
        route_server=RouteServerDocument(name="hub-rs", peer_ips=("10.0.1.4", "10.0.1.5")),
        **hub,
    )
    return AzureHub("hub1", document, clock, {})


def an_app_rule(*fqdns: str, name: str = "web", sources: tuple[str, ...] = ("10.99.0.0/29",)) -> dict[str, Any]:
    """An application rule for HTTPS and HTTP."""
    return {
        "ruleType": "ApplicationRule",
        "name": name,
        "sourceAddresses": list(sources),
        "targetFqdns": list(fqdns),
        "protocols": [{"protocolType": "Https", "port": 443}, {"protocolType": "Http", "port": 80}],
    }


def a_net_rule(
    *destinations: str, name: str = "net", sources: tuple[str, ...] = ("10.99.0.0/29",), **more: Any
) -> dict[str, Any]:
    """A network rule for TCP 443."""
    return {
        "ruleType": "NetworkRule",
        "name": name,
        "sourceAddresses": list(sources),
        "destinationAddresses": list(destinations),
        "ipProtocols": ["TCP"],
        "destinationPorts": ["443"],
        **more,
    }


def a_collection(
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


def a_group(*collections: dict[str, Any], priority: int = 1000) -> dict[str, Any]:
    """The body of a PUT."""
    return {"properties": {"priority": priority, "ruleCollections": list(collections)}}


def a_seed(name: str, *collections: dict[str, Any], priority: int = 1000) -> dict[str, Any]:
    """A group of a world file."""
    return {"name": name, **a_group(*collections, priority=priority)}
