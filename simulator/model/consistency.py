"""Which worlds cannot exist: one function a subject, each giving every inconsistency it sees.

A problem reads `path in the file: what is wrong; what to write instead`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from simulator.model.azure.classic import OWN_LISTS
from simulator.model.documents import ClusterDocument, HubDocument, WorldDocument

ROUTE_SERVER_PEERS = 8
"""BGP peers of one Route Server (MicrosoftDocs/azure-docs, includes/route-server-limits.md)."""
ROUTE_SERVER_ASN = 65515
"""Every Route Server's own AS number (learn.microsoft.com, route-server-faq)."""
RESERVED_ASNS = frozenset({8074, 8075, 12076, 23456, 65515, 65517, 65518, 65519, 65520, *range(64496, 64512), 65535})
"""AS numbers that a Route Server does not peer with (learn.microsoft.com, route-server-faq)."""
AZURE_RESERVED_ADDRESSES = 4
"""Azure keeps the first four addresses and the last of each subnet (learn.microsoft.com, virtual-networks-faq)."""

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def inconsistencies(document: WorldDocument) -> tuple[str, ...]:
    """Everything that keeps this world from existing, empty when it can exist."""
    networks = tuple(_bad_networks(document))
    if networks:
        # The other rules compare networks and need them to be readable.
        return networks
    return tuple(problem for subject in SUBJECTS for problem in subject(document))


def _bad_networks(document: WorldDocument) -> Iterator[str]:
    for path, text in _network_texts(document):
        try:
            IPv4Network(text)
        except (AddressValueError, NetmaskValueError, ValueError):
            yield f"{path}: {text!r} is no IPv4 network; write a CIDR without host bits such as 10.1.0.0/16"
    for path, text in _address_texts(document):
        try:
            IPv4Address(text)
        except AddressValueError:
            yield f"{path}: {text!r} is no IPv4 address; write one such as 10.1.0.4"


def _network_texts(document: WorldDocument) -> Iterator[tuple[str, str]]:
    for name, hub in document.hubs.items():
        for position, text in enumerate(hub.vnet):
            yield f"hubs.{name}.vnet[{position}]", text
    for name, cluster in document.clusters.items():
        for position, text in enumerate(cluster.vnet):
            yield f"clusters.{name}.vnet[{position}]", text
        yield f"clusters.{name}.nodeSubnet", cluster.node_subnet
        yield f"clusters.{name}.pods", cluster.pods
        yield f"clusters.{name}.services", cluster.services


def _address_texts(document: WorldDocument) -> Iterator[tuple[str, str]]:
    for name, hub in document.hubs.items():
        yield f"hubs.{name}.firewall.privateIP", hub.firewall.private_ip
        yield f"hubs.{name}.firewall.publicIP", hub.firewall.public_ip
        for position, text in enumerate(hub.route_server.peer_ips):
            yield f"hubs.{name}.routeServer.peerIPs[{position}]", text
    for name, cluster in document.clusters.items():
        for position, node in enumerate(cluster.nodes):
            yield f"clusters.{name}.nodes[{position}].address", node.address
    for name, text in document.sites.items():
        yield f"sites.{name}", text


def clock(document: WorldDocument) -> Iterator[str]:
    """The clock needs a zone: virtual time is UTC."""
    if document.clock.tzinfo is None:
        yield f"clock: {document.clock} names no time zone; write it with a Z"


def hubs(document: WorldDocument) -> Iterator[str]:
    """A hub's addresses lie in its VNet, and no two hubs share a policy or a Route Server."""
    for name, hub in document.hubs.items():
        yield from _hub_addresses(f"hubs.{name}", hub)
        if hub.route_server.asn != ROUTE_SERVER_ASN:
            yield (
                f"hubs.{name}.routeServer.asn: {hub.route_server.asn} is not a Route Server's; "
                f"every Route Server speaks as {ROUTE_SERVER_ASN}"
            )
        firewall = hub.firewall
        if firewall.base_policy and not firewall.policy:
            yield f"hubs.{name}.firewall.basePolicy: a classic firewall has no policy to inherit; name a policy too"
        if firewall.policy and any(firewall.own.get(kind) for kind in OWN_LISTS):
            yield f"hubs.{name}.firewall.own: a firewall with a policy has no rules of its own; leave one of the two out"
        if firewall.base_policy and firewall.base_policy == firewall.policy:
            yield f"hubs.{name}.firewall.basePolicy: {firewall.policy} cannot be its own base; name another policy"
        if firewall.operation_seconds < 0 or hub.route_server.listing_seconds < 0:
            yield f"hubs.{name}: an operation cannot take less than 0 seconds"
    yield from _shared_resources(document)


def _hub_addresses(path: str, hub: HubDocument) -> Iterator[str]:
    vnet = _networks(hub.vnet)
    addresses = {
        "firewall.privateIP": hub.firewall.private_ip,
        "routeServer.peerIPs[0]": hub.route_server.peer_ips[0],
        "routeServer.peerIPs[1]": hub.route_server.peer_ips[1],
    }
    for field, text in addresses.items():
        if not _inside(text, vnet):
            yield f"{path}.{field}: {text} lies outside the hub's VNet {', '.join(hub.vnet)}; take an address in it"
    if len(set(addresses.values())) < len(addresses):
        yield f"{path}: the firewall and the two Route Server instances need three different addresses"


def _shared_resources(document: WorldDocument) -> Iterator[str]:
    owners: dict[str, list[str]] = defaultdict(list)
    for name, hub in document.hubs.items():
        scope = f"{hub.subscription}/{hub.resource_group}".lower()
        for kind, resource in (
            ("policy", hub.firewall.policy),
            ("firewall", hub.firewall.name),
            ("Route Server", hub.route_server.name),
        ):
            if resource:
                owners[f"{kind} {scope}/{resource.lower()}"].append(name)
    for resource, names in owners.items():
        if len(names) > 1:
            yield f"hubs: {', '.join(names)} share the {resource}; give each hub its own"


def vnets(document: WorldDocument) -> Iterator[str]:
    """VNets that are peered cannot overlap (Azure refuses such a peering); all VNets of a world count as peered."""
    prefixes = [
        (f"{group}.{name}.vnet[{position}]", IPv4Network(text))
        for group, members in (("hubs", document.hubs), ("clusters", document.clusters))
        for name, member in members.items()
        for position, text in enumerate(member.vnet)
    ]
    for position, (path, prefix) in enumerate(prefixes):
        for other_path, other in prefixes[:position]:
            if prefix.overlaps(other):
                yield f"{path}: {prefix} overlaps {other_path} {other}; peered VNets need disjoint prefixes"


def clusters(document: WorldDocument) -> Iterator[str]:
    """A cluster belongs to a hub; its subnet lies in its VNet, its pod and service ranges outside of it."""
    for name, cluster in document.clusters.items():
        path = f"clusters.{name}"
        if not _DNS_LABEL.fullmatch(name):
            yield f"{path}: {name!r} is no cluster name; use lower-case letters, digits and dashes"
        if cluster.hub not in document.hubs:
            yield f"{path}.hub: there is no hub {cluster.hub!r}; known: {', '.join(sorted(document.hubs)) or 'none'}"
        yield from _cluster_ranges(path, cluster)
        if cluster.pod_seconds < 0:
            yield f"{path}.podSeconds: a pod cannot become ready before it was scheduled; write 0 or more"
        yield from _workloads(path, cluster)


def _cluster_ranges(path: str, cluster: ClusterDocument) -> Iterator[str]:
    vnet = _networks(cluster.vnet)
    subnet, pods, services = (IPv4Network(text) for text in (cluster.node_subnet, cluster.pods, cluster.services))
    if not any(subnet.subnet_of(prefix) for prefix in vnet):
        yield f"{path}.nodeSubnet: {subnet} lies outside the cluster's VNet {', '.join(cluster.vnet)}"
    for field, network in (("pods", pods), ("services", services)):
        if any(network.overlaps(prefix) for prefix in vnet):
            yield f"{path}.{field}: {network} overlaps the cluster's VNet {', '.join(cluster.vnet)}; take another range"
    if pods.overlaps(services):
        yield f"{path}.services: {services} overlaps the pod range {pods}; take another range"


def _workloads(path: str, cluster: ClusterDocument) -> Iterator[str]:
    for namespace, pods in cluster.workloads.items():
        if not _DNS_LABEL.fullmatch(namespace):
            yield f"{path}.workloads: {namespace!r} is no namespace name; use lower-case letters, digits and dashes"
        for pod in sorted({pod for pod in pods if pods.count(pod) > 1}):
            yield f"{path}.workloads.{namespace}: two pods are called {pod}; a name is given once per namespace"


def nodes(document: WorldDocument) -> Iterator[str]:
    """Node addresses lie in the node subnet and are given once; names are given once per cluster."""
    owners: dict[str, list[str]] = defaultdict(list)
    for name, cluster in document.clusters.items():
        path = f"clusters.{name}.nodes"
        subnet = IPv4Network(cluster.node_subnet)
        names = [node.name for node in cluster.nodes]
        if not names:
            yield f"{path}: a cluster without nodes runs nothing; add one"
        for duplicate in sorted({node for node in names if names.count(node) > 1}):
            yield f"{path}: two nodes are called {duplicate}; a name is given once per cluster"
        for position, node in enumerate(cluster.nodes):
            owners[node.address].append(f"{path}[{position}]")
            yield from node_address(f"{path}[{position}].address", IPv4Address(node.address), subnet)
    for address, paths in owners.items():
        if len(paths) > 1:
            yield f"{', '.join(paths)}: the address {address} is given {len(paths)} times; give each node its own"


def node_address(path: str, address: IPv4Address, subnet: IPv4Network) -> Iterator[str]:
    """Why a node cannot have this address in this subnet."""
    if address not in subnet:
        yield f"{path}: {address} lies outside nodeSubnet {subnet}; take an address in it"
    elif int(address) - int(subnet.network_address) < AZURE_RESERVED_ADDRESSES or address == subnet.broadcast_address:
        yield f"{path}: Azure keeps {address} of {subnet} for itself; take one from {subnet.network_address + 4} on"


def peerings(document: WorldDocument) -> Iterator[str]:
    """Each cluster has a reflector and an AS number that a Route Server peers with; 8 connections at most."""
    connections: dict[str, list[str]] = defaultdict(list)
    for name, cluster in document.clusters.items():
        reflectors = [node.name for node in cluster.nodes if node.reflector]
        connections[cluster.hub].extend(f"{name}-{node}" for node in reflectors)
        if not reflectors:
            yield f"clusters.{name}.nodes: no node reflects routes, so nothing is advertised; set reflector on one or two"
        if cluster.asn in RESERVED_ASNS or not 1 <= cluster.asn <= 65534:
            yield (
                f"clusters.{name}.asn: a Route Server does not peer with AS {cluster.asn}; "
                "take a free 16-bit number such as 64512"
            )
    for hub, names in connections.items():
        if len(names) > ROUTE_SERVER_PEERS:
            yield (
                f"hubs.{hub}.routeServer: {len(names)} reflectors peer with it, a Route Server takes "
                f"{ROUTE_SERVER_PEERS}; have fewer reflectors or another hub"
            )


SUBJECTS: tuple[Callable[[WorldDocument], Iterator[str]], ...] = (clock, hubs, vnets, clusters, nodes, peerings)


def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network, ...]:
    return tuple(IPv4Network(text) for text in texts)


def _inside(text: str, networks: tuple[IPv4Network, ...]) -> bool:
    return any(IPv4Address(text) in network for network in networks)
