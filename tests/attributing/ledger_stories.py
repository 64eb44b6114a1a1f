"""A ledger with everything that a line may fall into, and logs over it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

from function_app.attributing.index import AddressIndex
from function_app.model.ledger import Record, RecordKind
from function_app.model.names import ClusterName, Commit, GenerationId, NamespaceName, TenantName
from function_app.model.spans import spans

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    """Hours after the start."""
    return START + timedelta(hours=hours)


def record(
    seq: int, kind: str, hours: float, tenant: str = "tenant0", generation: str = "0a", **changed: Any
) -> Record:
    """A record of a tenant's generation."""
    values: dict[str, Any] = {
        "seq": seq,
        "epoch": 1,
        "at": at(hours),
        "kind": RecordKind(kind),
        "tenant": TenantName(tenant),
        "cluster": ClusterName("spoke1-aks"),
        "generation": GenerationId(generation),
        "range": IPv4Network("10.99.0.0/29"),
        "namespaces": (),
        "commit": Commit(f"c{seq}"),
        "author": "jo@example.com",
    }
    return Record(**(values | changed))


def names(*namespaces: str) -> tuple[NamespaceName, ...]:
    """Namespaces."""
    return tuple(NamespaceName(name) for name in namespaces)


LIFE = (
    record(1, "reserve", 0),
    record(2, "route", 1, namespaces=names("default")),
    record(3, "route", 2, namespaces=names("shop")),
    record(4, "reserve", 3, generation="0b", range=IPv4Network("10.99.0.16/29")),
    record(5, "route", 4, generation="0b", range=IPv4Network("10.99.0.16/29"), namespaces=names("default", "shop")),
    record(6, "unroute", 4, namespaces=names("default", "shop")),
    record(7, "leave", 5),
    record(8, "freed", 6),
    record(9, "quarantine_end", 30),
    record(10, "reserve", 40, "tenant1", "0c", range=IPv4Network("10.99.0.0/30")),
    record(11, "route", 41, "tenant1", "0c", range=IPv4Network("10.99.0.0/30"), namespaces=names("other")),
    record(12, "leave", 50, "tenant1", "0c", range=IPv4Network("10.99.0.0/30")),
    record(13, "freed", 51, "tenant1", "0c", range=IPv4Network("10.99.0.0/30")),
    record(14, "reserve", 52, "tenant1", "0d", range=IPv4Network("10.99.0.0/29")),
)
NODES = {"spoke1-aks": "10.1.0.0/22"}


def index() -> AddressIndex:
    """The life, compiled."""
    return AddressIndex(spans(LIFE), NODES, START)


def network_line(source: str, hours: float, **columns: Any) -> dict[str, Any]:
    """A line of AZFWNetworkRule as Log Analytics exports it."""
    when = at(hours).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "TimeGenerated": when,
        "Protocol": "TCP",
        "SourceIp": source,
        "SourcePort": 40000,
        "DestinationIp": "198.51.100.20",
        "DestinationPort": 5432,
        "Action": "Deny",
        "Policy": "",
        "RuleCollectionGroup": "",
        "RuleCollection": "",
        "Rule": "",
        "ActionReason": "Default Action",
        "Type": "AZFWNetworkRule",
    } | columns


def web_line(source: str, hours: float, fqdn: str = "www.tigera.io", **columns: Any) -> dict[str, Any]:
    """A line of AZFWApplicationRule."""
    own: dict[str, Any] = {"Protocol": "HTTPS", "Fqdn": fqdn, "DestinationPort": 443, "Type": "AZFWApplicationRule"}
    line = network_line(source, hours, **own)
    del line["DestinationIp"]
    return line | columns
