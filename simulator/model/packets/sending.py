"""One packet from a pod to a URL, step by step: gateway, source address, firewall, and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from simulator.model.azure.arm import AzureHub
from simulator.model.azure.evaluation import Application, Connection, Judgement, RuleType, denial_text
from simulator.model.bgp.prefixes import Prefix, parse_address
from simulator.model.bgp.views import ClusterView, Object, is_ready, pod_address, spec_of
from simulator.model.packets.gateways import Exit, address_outside, choose_exit, node_address, pool_of
from simulator.model.packets.packet import Packet, Reason, Verdict, World
from simulator.model.trees import labels_of, name_of

TENANT_LABEL = "egress-gitops.io/tenant"
_SCHEMES: dict[str, tuple[int | None, str, Application | None]] = {
    "http": (80, "TCP", Application.HTTP),
    "https": (443, "TCP", Application.HTTPS),
    "mssql": (1433, "TCP", Application.MSSQL),
    "tcp": (None, "TCP", None),
    "udp": (None, "UDP", None),
}


@dataclass(frozen=True, slots=True)
class _Url:
    """A destination as a client names it."""

    host: str
    port: int
    protocol: str
    application: Application | None


def send(world: World, cluster: str, namespace: str, url: str, *, pod: str | None = None) -> Packet:
    """Open one connection from a pod of the namespace and record what became of it in `world.packets`.

    Raises KeyError for an unknown cluster and ValueError for a URL with another scheme than http, https, mssql, tcp, udp, or
    one that needs a port and has none.
    """
    view, target = world.clusters[cluster], _parse(url)
    client = _client(view, namespace, pod)
    name = name_of(client) if client is not None else pod or ""
    packet = Packet(world.clock.now(), cluster, namespace, name, url, Verdict.DROPPED, Reason.NO_CLIENT)
    if client is not None:
        packet = _follow(world, view, client, target, packet)
    world.packets.append(packet)
    return packet


def connection_of(packet: Packet) -> Connection:
    """A packet as the firewall sees it; a destination named by address has no FQDN."""
    target = _parse(packet.url)
    destination = packet.destination.rpartition(":")[0]
    name = "" if target.host == destination else target.host
    return Connection(packet.source, destination, target.port, target.protocol, target.application, name)


def send_all(world: World, urls: Iterable[str]) -> tuple[Packet, ...]:
    """Let every running pod of the workload namespaces open a connection to each URL."""
    urls = tuple(urls)
    return tuple(
        send(world, cluster, namespace, url, pod=pod)
        for cluster in sorted(world.clusters)
        for namespace, pod in _workloads(world.clusters[cluster])
        for url in urls
    )


def _workloads(cluster: ClusterView) -> list[tuple[str, str]]:
    """Pods that can send in the workload namespaces, whoever made them."""
    namespaces = cluster.document.workloads.keys()
    return sorted(
        (pod["metadata"]["namespace"], name_of(pod))
        for pod in _senders(cluster)
        if pod["metadata"]["namespace"] in namespaces
    )


def _parse(url: str) -> _Url:
    parts = urlsplit(url)
    known = _SCHEMES.get(parts.scheme)
    if known is None or not parts.hostname:
        raise ValueError(f"{url!r}: write scheme://host[:port] with one of {', '.join(_SCHEMES)}")
    port, protocol, application = known
    port = parts.port or port
    if port is None:
        raise ValueError(f"{url!r}: {parts.scheme} needs a port")
    return _Url(parts.hostname.lower(), port, protocol, application)


def _client(cluster: ClusterView, namespace: str, pod: str | None) -> Object | None:
    fitting = [
        each
        for each in _senders(cluster)
        if each["metadata"]["namespace"] == namespace and pod in (None, name_of(each))
    ]
    return min(fitting, key=name_of, default=None)


def _senders(cluster: ClusterView) -> Iterator[Object]:
    """Running pods with an address of their own, on nodes that are alive."""
    alive = {name_of(node) for node in cluster.api.objects("Node") if is_ready(node)}
    for pod in cluster.api.objects("Pod"):
        if (
            pod_address(pod)
            and spec_of(pod).get("nodeName") in alive
            and (pod.get("status") or {}).get("phase") == "Running"
        ):
            yield pod


def _follow(world: World, cluster: ClusterView, client: Object, target: _Url, packet: Packet) -> Packet:
    destination = _resolve(world, target.host)
    if destination is None:
        return _lose(packet, Reason.NO_ADDRESS, f"DNS knows no {target.host}")
    packet = replace(packet, destination=f"{destination}:{target.port}")
    if _inside(destination, (cluster.document.pods, cluster.document.services)):
        step = f"{destination} is in the cluster: delivered directly"
        return _pass(replace(packet, source=pod_address(client)), target, Reason.NO_FIREWALL, step)
    way = choose_exit(cluster, client, destination, len(world.packets))
    if way.lost is not None:
        return _lose(packet, way.lost, way.why)
    return _leave(world, cluster, way, client, target, _step(packet, way.why))


def _leave(world: World, cluster: ClusterView, way: Exit, client: Object, target: _Url, packet: Packet) -> Packet:
    """Out of the cluster with a source address, then to the firewall unless the destination lies nearer."""
    carrier = way.gateway if way.gateway is not None else client
    node = str(spec_of(carrier).get("nodeName") or "")
    source = address_outside(cluster, carrier)
    gateway = f"{carrier['metadata']['namespace']}/{name_of(carrier)}" if way.gateway is not None else node
    holder = _holder(world, source)
    step = f"leaves {node} with source {source}"
    packet = _step(packet, step, source=source, gateway=gateway, node=node, tenant=holder, range_tenant=holder)
    hub = world.hubs[cluster.document.hub]
    destination = packet.destination.rpartition(":")[0]
    lost = _way_back(hub, source, node_address(cluster, node))
    if _inside(destination, (*cluster.document.vnet, *hub.document.vnet)):
        if lost is not None:
            return _lose(packet, lost, f"the answer for {source} does not come back")
        return _pass(packet, target, Reason.NO_FIREWALL, f"{destination} is in the VNet: reached without the firewall")
    return _judge(world, hub, target, packet, lost)


def _judge(world: World, hub: AzureHub, target: _Url, packet: Packet, lost: Reason | None) -> Packet:
    """The firewall sees a network rule's decision at once; for an application rule the handshake must come through first."""
    connection = connection_of(packet)
    judgement = hub.evaluator().judge(connection, lambda fqdn: _resolve(world, fqdn))
    step = f"default route to firewall {hub.document.firewall.private_ip}"
    if lost is None or judgement.rule_type is RuleType.NETWORK:
        hub.log.write(packet.at, connection, judgement)
        packet = _step(packet, step, rule=judgement.rule, tenant=_named_tenant(judgement) or packet.tenant)
    else:
        packet = _step(packet, step)
    if lost is not None and (judgement.allowed or judgement.rule_type is not RuleType.NETWORK):
        return _lose(packet, lost, f"the answer for {packet.source} does not come back")
    reason = Reason.DEFAULT_ACTION if judgement.rule_type is RuleType.NONE else Reason.RULE
    if judgement.allowed:
        outside = hub.document.firewall.public_ip if judgement.translated else packet.source
        return _pass(packet, target, reason, f"allowed by {judgement.rule.collection}, the destination sees {outside}")
    return _deny(packet, target, judgement, reason)


def _deny(packet: Packet, target: _Url, judgement: Judgement, reason: Reason) -> Packet:
    """A plain HTTP request is answered 470 by the firewall's proxy; anything else is reset or gets silence."""
    proxied = target.application is Application.HTTP and judgement.rule_type is not RuleType.NETWORK
    answer = denial_text(judgement) if proxied else ""
    if target.application is Application.HTTPS and judgement.rule_type is not RuleType.NETWORK:
        answer = "connection reset during the TLS handshake"
    step = f"denied by {judgement.rule.collection or 'the default action'}"
    status = 470 if proxied else None
    return _step(packet, step, verdict=Verdict.DENIED, reason=reason, http_status=status, answer=answer)


def _way_back(hub: AzureHub, source: str, node: str) -> Reason | None:
    """Azure itself routes to nodes; to any other source only by what Route Server learned."""
    if source == node:
        return None
    hops = hub.route_server.next_hops(source)
    if not hops:
        return Reason.NO_ROUTE_BACK
    return None if node in hops else Reason.WRONG_NEXT_HOP


def _holder(world: World, source: str) -> str:
    """The tenant whose pool holds an address, on any cluster; pods' own pools have no tenant."""
    for name in sorted(world.clusters):
        pool = pool_of(world.clusters[name], source)
        if pool is not None:
            return labels_of(pool).get(TENANT_LABEL, "")
    return ""


def _named_tenant(judgement: Judgement) -> str:
    """`tenant0` from a collection `tenant0-app` or `tenant0-net` that allowed; other collections name nobody."""
    name, _, kind = judgement.rule.collection.rpartition("-")
    return name if judgement.allowed and kind in ("app", "net") else ""


def _resolve(world: World, host: str) -> str | None:
    try:
        parse_address(host)
    except ValueError:
        return world.sites.get(host.lower())
    return host


def _inside(address: str, ranges: Iterable[str]) -> bool:
    whole = Prefix(parse_address(address), 32)
    return any(Prefix.parse(text).covers(whole) for text in ranges)


def _step(packet: Packet, step: str, **learned: Any) -> Packet:
    """One step further, and what was learned about the packet in it."""
    return replace(packet, path=(*packet.path, step), **learned)


def _lose(packet: Packet, reason: Reason, step: str) -> Packet:
    return _step(packet, step, verdict=Verdict.DROPPED, reason=reason)


def _pass(packet: Packet, target: _Url, reason: Reason, step: str) -> Packet:
    spoken = target.application in (Application.HTTP, Application.HTTPS)
    return _step(packet, step, verdict=Verdict.ALLOWED, reason=reason, http_status=200 if spoken else None)
