"""Single-file rules for hubs, clusters and guardrails."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from ipaddress import IPv4Network
from zoneinfo import available_timezones

from function_app.model.definitions import ChangeWindow, Cluster, Guardrails, Hub, Rollout, UrlApiServer
from function_app.model.errors import Severity
from function_app.reading.findings import Finding, Findings, duplicates, found
from function_app.reading.fqdns import fqdn_fault
from function_app.reading.places import Path, quoted
from function_app.reading.ranges import (
    EVERYTHING,
    Fault,
    address,
    address_fault,
    destination_fault,
    network,
    network_fault,
    port_fault,
)
from function_app.reading.rule_forms import expectation_findings

# Azure Route Server takes 16-bit numbers and none of these (Microsoft Learn, route-server-faq).
_RESERVED_ASNS = (
    (range(65515, 65516), "Azure Route Server's own"),
    (range(65517, 65521), "reserved by Azure"),
    (range(8074, 8076), "reserved by Azure"),
    (range(12076, 12077), "reserved by Azure"),
    (range(23456, 23457), "reserved by IANA"),
    (range(64496, 64512), "reserved by IANA for documentation"),
    (range(65535, 65552), "reserved by IANA"),
)
ROUTE_SERVER_ASN = 65515


def hub_findings(hub: Hub) -> Findings:
    """Everything that one hub's file tells by itself."""
    spec = hub.spec
    vnet = _usable(spec.vnet)
    yield from _networks(("spec", "vnet"), spec.vnet)
    yield from duplicates(("spec", "routeServer", "peerIPs"), spec.route_server.peer_ips)
    for index, text in enumerate(spec.route_server.peer_ips):
        path: Path = ("spec", "routeServer", "peerIPs", index)
        yield from found(path, address_fault(text))
        yield from _inside_vnet(path, text, vnet, "the Route Server lies in the hub's VNet")
    if spec.route_server.asn != ROUTE_SERVER_ASN:
        message = f"Azure Route Server's AS number is always {ROUTE_SERVER_ASN}."
        yield Finding(
            ("spec", "routeServer", "asn"), Fault("route-server-asn", message, "Leave `asn` out."), Severity.WARNING
        )
    yield from _windows(spec.change_windows)
    yield from _rollout(hub.metadata.name, spec.rollout)
    band = spec.firewall.shards.priority
    if band.last <= band.first:
        message = f"the priority band {band.first} to {band.last} has no room: the first belongs to the block shard."
        hint = f"Write a `last` above {band.first}, one more for each shard."
        yield Finding(("spec", "firewall", "shards", "priority", "last"), Fault("priority-band", message, hint))


def cluster_findings(cluster: Cluster) -> Findings:
    """Everything that one cluster's file tells by itself."""
    spec = cluster.spec
    vnet = _usable(spec.network.vnet)
    where: Path = ("spec", "network")
    yield from _networks((*where, "vnet"), spec.network.vnet)
    for name, text in (("nodes", spec.network.nodes), ("pods", spec.network.pods), ("services", spec.network.services)):
        yield from found((*where, name), network_fault(text))
    yield from found(("spec", "egressCIDR"), network_fault(spec.egress_cidr))
    yield from _own_ranges(cluster, vnet)
    yield from _bgp(cluster)
    yield from duplicates(("spec", "reservedNamespaces"), spec.reserved_namespaces)
    yield from _windows(spec.change_windows)
    yield from _rollout(cluster.metadata.name, spec.rollout)
    if isinstance(spec.api_server, UrlApiServer) and spec.api_server.ca_data is not None:
        yield from found(("spec", "apiServer", "caData"), _certificate_fault(spec.api_server.ca_data))


def _windows(windows: Sequence[ChangeWindow]) -> Findings:
    for index, window in enumerate(windows):
        where: Path = ("spec", "changeWindows", index)
        yield from duplicates((*where, "days"), window.days)
        if window.from_ == window.to:
            message = f"the window closes when it opens, at {window.to}."
            yield Finding((*where, "to"), Fault("window-empty", message, 'For a whole day write "00:00" to "24:00".'))
        if window.time_zone not in available_timezones():
            close = get_close_matches(window.time_zone, available_timezones(), n=1)
            hint = f"Did you mean `{close[0]}`?" if close else "Write a name of the IANA database: Europe/Berlin, UTC."
            message = f"{quoted(window.time_zone)} is no time zone."
            yield Finding((*where, "timeZone"), Fault("time-zone", message, hint))


def _rollout(name: str, rollout: Rollout | None) -> Findings:
    if rollout is None:
        return
    where: Path = ("spec", "rollout", "after")
    yield from duplicates(where, rollout.after)
    if name in rollout.after:
        fault = Fault("rollout-circle", "nothing comes after itself.", "Name others, or leave `rollout` out.")
        yield Finding((*where, rollout.after.index(name)), fault)


def guardrails_findings(guardrails: Guardrails) -> Findings:
    """Everything that the guardrails' file tells by itself."""
    spec = guardrails.spec
    if spec.replicas.min > spec.replicas.max:
        message = f"no number is at least {spec.replicas.min} and at most {spec.replicas.max}."
        yield Finding(
            ("spec", "replicas", "max"), Fault("replica-bounds", message, f"Write {spec.replicas.min} or more.")
        )
    where: Path = ("spec", "forbid")
    for index, name in enumerate(spec.forbid.fqdns):
        yield from found((*where, "fqdns", index), fqdn_fault(name))
    for index, text in enumerate(spec.forbid.ports):
        yield from found((*where, "ports", index), port_fault(text))
    for index, text in enumerate(spec.forbid.destinations):
        if text != str(EVERYTHING):
            yield from found((*where, "destinations", index), destination_fault(text))
    for name, texts in (
        ("fqdns", spec.forbid.fqdns),
        ("ports", spec.forbid.ports),
        ("destinations", spec.forbid.destinations),
    ):
        yield from duplicates((*where, name), texts)
    yield from expectation_findings(("spec", "expect"), spec.expect)


def _networks(path: Path, texts: Sequence[str]) -> Findings:
    yield from duplicates(path, texts)
    for index, text in enumerate(texts):
        yield from found((*path, index), network_fault(text))


def _usable(texts: Iterable[str]) -> list[IPv4Network]:
    return [range_ for text in texts if network_fault(text) is None and (range_ := network(text)) is not None]


def _inside_vnet(path: Path, text: str, vnet: Sequence[IPv4Network], why: str) -> Findings:
    single = address(text)
    if single is not None and vnet and not any(single in range_ for range_ in vnet):
        message = f"{text} lies outside {', '.join(map(str, vnet))}; {why}."
        yield Finding(path, Fault("outside-vnet", message, "Correct this value or `vnet`."))


def _own_ranges(cluster: Cluster, vnet: Sequence[IPv4Network]) -> Findings:
    """The node subnet lies in the VNet; pods and services lie elsewhere, apart from each other."""
    where: Path = ("spec", "network")
    spec = cluster.spec.network
    for nodes in _usable([spec.nodes]):
        if vnet and not any(nodes.subnet_of(range_) for range_ in vnet):
            message = f"the node subnet {nodes} lies outside the VNet ({', '.join(map(str, vnet))})."
            yield Finding((*where, "nodes"), Fault("outside-vnet", message, "Correct `nodes` or `vnet`."))
    named = [("the VNet", range_) for range_ in vnet]
    for name, text in (("pods", spec.pods), ("services", spec.services)):
        for range_ in _usable([text]):
            for other_name, other in named:
                if range_.overlaps(other):
                    message = f"the range of {name}, {range_}, overlaps {other_name}, {other}."
                    yield Finding((*where, name), Fault("overlap", message, "Correct the one that is wrong."))
            named.append((f"the range of {name}", range_))


def _bgp(cluster: Cluster) -> Findings:
    bgp = cluster.spec.bgp
    for numbers, why in _RESERVED_ASNS:
        if bgp.asn in numbers:
            message = f"AS number {bgp.asn} is {why}; a Route Server peer cannot have it."
            yield Finding(("spec", "bgp", "asn"), Fault("reserved-asn", message, "Take one from 64512 to 65514."))
    path: Path = ("spec", "bgp", "reachableBy")
    yield from found(path, address_fault(bgp.reachable_by))
    gateway = address(bgp.reachable_by)
    for nodes in _usable([cluster.spec.network.nodes]):
        if gateway is not None and gateway not in nodes:
            message = f"{gateway} lies outside the node subnet {nodes}, so nodes may not reach it."
            hint = f"The subnet's gateway is usually {nodes.network_address + 1}."
            yield Finding(path, Fault("outside-subnet", message, hint), Severity.WARNING)
    yield from found(("spec", "bgp", "reflectors", "clusterId"), address_fault(bgp.reflectors.cluster_id))


def _certificate_fault(text: str) -> Fault | None:
    hint = "Write the CA's PEM certificate, base64-encoded: `base64 -w0 ca.crt`."
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return Fault("ca-data", "this is not base64.", hint)
    if b"PRIVATE KEY" in decoded:
        return Fault("ca-data", "this holds a private key, which must never be in Git.", f"Replace that key. {hint}")
    if b"-----BEGIN CERTIFICATE-----" not in decoded:
        return Fault("ca-data", "this is no PEM certificate.", hint)
    return None
