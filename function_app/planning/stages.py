"""How far a generation has come, computed afresh from what is observed; nothing here is stored.

Each condition answers `Met` or words that say what is missing. What cannot be read is `Unknown`, never met and never
taken for absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from function_app.model.definitions import Attachment, Cluster
from function_app.model.ledger import Generation
from function_app.model.names import ClusterName
from function_app.model.once import once
from function_app.model.platform_definitions import MOST_PEERS
from function_app.model.resources import (
    ClusterObservation,
    Kind,
    LearnedRoute,
    LearnedRoutes,
    PeerConnection,
    Resource,
    RouteServerObservation,
    Unreadable,
)
from function_app.planning.cluster_resources import FILTER_NAME
from function_app.planning.compare import holds_all
from function_app.planning.connection_names import is_ours
from function_app.planning.selectors import hits

INSTANCES = ("RouteServiceRole_IN_0", "RouteServiceRole_IN_1")
"""The two Route Server instances as learned routes name them (Microsoft.Network bgpConnections/learnedRoutes)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the five. `evidence_at` is the time of the oldest evidence used; `unknown` means that it could not be read.

    `person` says that nothing of what passes do will ever meet it.
    """

    met: bool
    detail: str = ""
    unknown: bool = False
    person: bool = False
    evidence_at: datetime | None = None


def pooled(
    generation: Generation, attachment: Attachment, cluster: ClusterObservation, live: Iterable[Generation]
) -> Condition:
    """The IPPool exists with this range and block size, enabled, not terminating, allocatable where the API says so.

    In native mode Calico takes overlapping pools and lets the one in use, then the older one, give addresses; a pool that is
    disabled keeps nobody from it (projectcalico/calico, kube-controllers/pkg/controllers/ippool, v3.32). `live` are all
    generations of the cluster: somebody else's pool goes by nothing that passes do.
    """
    pool = cluster.get(Kind.IP_POOL, generation.pool)
    if pool is None:
        return Condition(met=False, detail=f"IPPool {generation.pool} does not exist", evidence_at=cluster.at)
    wrong = _wrong_pool(generation, pool, attachment.gateway.block_size)
    if wrong or _allocatable(pool) is not False:
        return Condition(met=not wrong, detail=wrong, evidence_at=cluster.at)
    words = f"IPPool {generation.pool} cannot be allocated from"
    theirs = next((one for one in foreign_pools(generation, cluster, live) if not one.spec.get("disabled")), None)
    if theirs is None:
        return Condition(met=False, detail=words, evidence_at=cluster.at)
    return Condition(
        met=False, detail=f"{words}: {overlap_words(generation, theirs)}", person=True, evidence_at=cluster.at
    )


def foreign_pools(
    generation: Generation, cluster: ClusterObservation, live: Iterable[Generation]
) -> tuple[Resource, ...]:
    """Pools of no live generation that share addresses with this one and are not being deleted, by name."""
    overlapping = [
        pool
        for pool in cluster.of(Kind.IP_POOL)
        if not pool.terminating and (cidr := pool_range(pool)) is not None and cidr.overlaps(generation.range)
    ]
    known = {generation.pool, *(one.pool for one in live)} if overlapping else ()
    return tuple(pool for pool in overlapping if pool.id.name not in known)


def overlap_words(generation: Generation, theirs: Resource) -> str:
    """What is in the way of a pool that was to come, or has come, and what a person can do about it."""
    return (
        f"IPPool {theirs.id.name} ({theirs.spec.get('cidr')}), which is not ours, overlaps {generation.range}. "
        "Delete it, or renumber the attachment to a free range."
    )


@once
def pool_range(pool: Resource) -> IPv4Network | None:
    """The addresses of a pool, None when they are no IPv4 range."""
    try:
        return IPv4Network(str(pool.spec.get("cidr", "")), strict=False)
    except ValueError:
        return None


@once
def _wrong_pool(generation: Generation, pool: Resource, block_size: int) -> str:
    found = [
        (pool.terminating, "is being deleted"),
        (
            pool.spec.get("cidr") != str(generation.range),
            f"has the range {pool.spec.get('cidr')}, not {generation.range}",
        ),
        (pool.spec.get("blockSize", 26) != block_size, f"has block size {pool.spec.get('blockSize', 26)}"),
        (bool(pool.spec.get("disabled")), "is disabled"),
    ]
    return next((f"IPPool {generation.pool} {words}" for is_wrong, words in found if is_wrong), "")


@once
def _allocatable(pool: Resource) -> bool | None:
    for condition in pool.status.get("conditions") or ():
        if condition.get("type") == "Allocatable":
            return bool(condition.get("status") == "True")
    return None


def gateway_pods(generation: Generation, cluster: ClusterObservation) -> tuple[Resource, ...]:
    """All pods of this gateway, terminating ones included."""
    return _of_gateway(generation, cluster.within(Kind.POD, generation.gateway_namespace))


@once
def _of_gateway(generation: Generation, pods: tuple[Resource, ...]) -> tuple[Resource, ...]:
    return tuple(pod for pod in pods if _bears(pod.labels, generation.labels))


def _bears(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def serving(generation: Generation, cluster: ClusterObservation) -> Condition:
    """The Deployment carries the gateway's current spec and has rolled it out, and its pods' addresses lie in the range.

    The EgressGateway's own status is no evidence: it says Ready before a pod is scheduled and is never taken back
    (tigera/operator, egressgateway_controller.go).
    """
    name, namespace = generation.gateway, generation.gateway_namespace
    gateway = cluster.get(Kind.EGRESS_GATEWAY, name, namespace)
    deployment = cluster.get(Kind.DEPLOYMENT, name, namespace)
    if gateway is None or gateway.terminating or deployment is None or deployment.terminating:
        missing = "EgressGateway" if gateway is None or gateway.terminating else "Deployment"
        return Condition(met=False, detail=f"{missing} {namespace}/{name} does not exist yet", evidence_at=cluster.at)
    wrong = _not_serving(generation, gateway, deployment, ready_pods(generation, cluster))
    return Condition(met=not wrong, detail=wrong, evidence_at=cluster.at)


@once
def _not_serving(generation: Generation, gateway: Resource, deployment: Resource, ready: tuple[Resource, ...]) -> str:
    return (
        _stale(gateway, deployment, generation)
        or _not_rolled_out(deployment)
        or _wrong_addresses(generation, ready, int(deployment.spec.get("replicas", 1)))
    )


def _stale(gateway: Resource, deployment: Resource, generation: Generation) -> str:
    template = deployment.spec.get("template") or {}
    metadata = template.get("metadata") or {}
    pools = (metadata.get("annotations") or {}).get("cni.projectcalico.org/ipv4pools", "")
    wanted = gateway.spec.get("template", {}).get("spec", {})
    found = template.get("spec") or {}
    checks = [
        (f'"{generation.pool}"' not in pools, "still uses another pool"),
        (deployment.spec.get("replicas") != gateway.spec.get("replicas", 1), "still has another number of replicas"),
        (not _bears(metadata.get("labels") or {}, generation.labels), "still has other pod labels"),
        (
            any(
                found.get(key) != wanted[key]
                for key in ("terminationGracePeriodSeconds", "tolerations")
                if key in wanted
            )
            or not holds_all(wanted.get("affinity"), found.get("affinity")),
            "still carries an earlier pod template",
        ),
    ]
    wrong = [words for is_wrong, words in checks if is_wrong]
    return f"Deployment {deployment.id.namespace}/{deployment.id.name} {wrong[0]}" if wrong else ""


def _not_rolled_out(deployment: Resource) -> str:
    status, replicas = deployment.status, int(deployment.spec.get("replicas", 1))
    name = f"Deployment {deployment.id.namespace}/{deployment.id.name}"
    if replicas < 1:
        return f"{name} has no replicas"
    if int(status.get("observedGeneration", 0)) < int(deployment.metadata.get("generation", 1)):
        return f"{name} has not been acted on since its last change"
    updated, available = int(status.get("updatedReplicas", 0)), int(status.get("availableReplicas", 0))
    if updated < replicas or available < replicas:
        return f"{name}: {min(updated, available)} of {replicas} gateway pods available"
    return ""


def _wrong_addresses(generation: Generation, ready: tuple[Resource, ...], replicas: int) -> str:
    outside = [pod.id.name for pod in ready if not _inside(pod_address(pod), generation.range)]
    if outside:
        return f"gateway pod {outside[0]} has an address outside {generation.range}"
    if len(ready) < replicas:
        return f"{len(ready)} of {replicas} gateway pods ready"
    return ""


def ready_pods(generation: Generation, cluster: ClusterObservation) -> tuple[Resource, ...]:
    """Gateway pods that take traffic now."""
    return _ready_of(generation, gateway_pods(generation, cluster))


@once
def _ready_of(_: Generation, pods: tuple[Resource, ...]) -> tuple[Resource, ...]:
    return tuple(pod for pod in pods if not pod.terminating and _is_ready(pod))


def _is_ready(pod: Resource) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in pod.status.get("conditions") or ()
    )


def pod_address(pod: Resource) -> IPv4Address | None:
    """The pod's address, None while it has none."""
    return _address(str(pod.status.get("podIP", "")))


def _inside(address: IPv4Address | None, cidr: IPv4Network) -> bool:
    return address is not None and address in cidr


def filter_accepts(generation: Generation, cluster: ClusterObservation) -> bool:
    """The filter that stands on the cluster lets the range out and ends in a reject."""
    found = cluster.get(Kind.BGP_FILTER, FILTER_NAME)
    if found is None or found.terminating:
        return False
    return generation.cidr in _exported(found)


@once
def _exported(bgp_filter: Resource) -> frozenset[str]:
    """Ranges that a filter lets out, read once for all attachments of a cluster; none unless it ends in a reject."""
    rules = bgp_filter.spec.get("exportV4") or [{}]
    if rules[-1] != {"action": "Reject"}:
        return frozenset()
    return frozenset(
        str(rule.get("cidr"))
        for rule in rules
        if rule.get("action") == "Accept" and rule.get("matchOperator") == "In" and rule.get("cidr")
    )


def cluster_connections(cluster: Cluster, route_server: RouteServerObservation) -> tuple[PeerConnection, ...]:
    """Route Server connections whose peer is a node of this cluster."""
    return _connections_of(route_server, cluster)


@once
def _connections_of(route_server: RouteServerObservation, cluster: Cluster) -> tuple[PeerConnection, ...]:
    nodes = IPv4Network(cluster.spec.network.nodes)
    return tuple(peer for peer in route_server.connections if _inside(_address(peer.peer_ip), nodes))


@lru_cache(maxsize=16_384)
def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def routes_inside(cidr: IPv4Network, connections: tuple[PeerConnection, ...]) -> tuple[LearnedRoute, ...]:
    """Learned routes for the range or a part of it."""
    return tuple(route for peer in connections for route in peer.routes_inside(cidr))


def advertised(
    generation: Generation,
    definition: Cluster,
    cluster: ClusterObservation,
    route_server: RouteServerObservation | Unreadable,
) -> Condition:
    """The filter accepts the range, and each Route Server instance learned a way to each gateway pod's own node."""
    if not filter_accepts(generation, cluster):
        return Condition(
            met=False, detail=f"BGPFilter {FILTER_NAME} does not accept {generation.range}", evidence_at=cluster.at
        )
    if isinstance(route_server, Unreadable):
        return Condition(met=False, detail=f"Route Server: {route_server.message}", unknown=True)
    ways = _ways(route_server, definition, cluster.at)
    if not ways.learned:
        stuck = hopeless(definition, cluster, route_server)
        missing = f"Route Server has no BGP connection to a node of this cluster: {stuck or 'one is to come'}"
        return Condition(met=False, detail=missing, person=bool(stuck), evidence_at=route_server.at)
    if None in ways.learned:
        return Condition(met=False, detail="Route Server is still listing its learned routes", unknown=True)
    wrong = _unlearned(generation, cluster, ways.learned)
    stuck = hopeless(definition, cluster, route_server) if wrong else ""
    if stuck:
        return Condition(met=False, detail=f"{wrong}: {stuck}", person=True, evidence_at=ways.evidence_at)
    return Condition(met=not wrong, detail=wrong, evidence_at=ways.evidence_at)


@dataclass(frozen=True, slots=True)
class _Ways:
    """What a cluster's connections, but for those that are being written, have taught: the same for all of its attachments."""

    learned: tuple[LearnedRoutes | None, ...]
    """By connection; None while Route Server is still listing what one taught."""
    evidence_at: datetime


@once
def _ways(route_server: RouteServerObservation, definition: Cluster, seen_at: datetime) -> _Ways:
    peers = [peer for peer in cluster_connections(definition, route_server) if not peer.changing]
    return _Ways(
        learned=tuple(peer.routes for peer in peers),
        evidence_at=min([seen_at, *(peer.routes_at for peer in peers if peer.routes_at is not None)]),
    )


def hopeless(
    definition: Cluster,
    cluster: ClusterObservation,
    route_server: RouteServerObservation,
    left_out: frozenset[str] = frozenset(),
) -> str:
    """Why no way out comes about by itself, in words; empty when one may. Nodes with the addresses left out count for nothing."""
    connections, full = cluster_connections(definition, route_server), len(route_server.connections) >= MOST_PEERS
    selector, asn = definition.spec.bgp.reflectors.selector, definition.spec.bgp.asn
    reflectors = {internal_address(node) for node in cluster.of(Kind.NODE) if hits(selector, node.labels)}
    if not reflectors - left_out:
        return "no other node is a route reflector" if left_out else "no node is a route reflector"
    by_address = {peer.peer_ip: peer for peer in connections}
    name = ClusterName(definition.metadata.name)
    for address in reflectors - left_out:
        peer = by_address.get(address)
        if not full if peer is None else is_ours(name, peer) or peer.peer_asn == asn:
            return ""
    return "each reflector's connection is somebody else's and expects another AS number, or finds no room"


def _unlearned(generation: Generation, cluster: ClusterObservation, learned: tuple[LearnedRoutes | None, ...]) -> str:
    pods = ready_pods(generation, cluster)
    if not pods:
        return ""
    nodes = tuple(cluster.get(Kind.NODE, _node_of(pod)) for pod in pods)
    return _not_learned(generation, pods, nodes, learned)


def _node_of(pod: Resource) -> str:
    return str(pod.spec.get("nodeName", ""))


@once
def _not_learned(
    generation: Generation,
    pods: tuple[Resource, ...],
    nodes: tuple[Resource | None, ...],
    learned: tuple[LearnedRoutes | None, ...],
) -> str:
    routes = tuple(route for found in learned if found is not None for route in found.inside(generation.range))
    for pod, found in zip(pods, nodes, strict=True):
        address, node = pod_address(pod), _node_of(pod)
        own = internal_address(found) if found is not None else ""
        for instance in INSTANCES:
            hops = {
                route.next_hop for route in routes if route.instance == instance and address in _network(route.network)
            }
            if not own or own not in hops:
                where = f"by way of {', '.join(sorted(hops))}" if hops else "nothing"
                return f"Route Server instance {instance[-1]} has learned {where} for {address} on node {node}"
    return ""


def learned_ways(
    generation: Generation, cluster: ClusterObservation, connections: tuple[PeerConnection, ...]
) -> frozenset[tuple[str, IPv4Address]]:
    """Instance and gateway address of every ready pod for which that instance has learned the pod's own node."""
    routes = routes_inside(generation.range, connections)
    found: set[tuple[str, IPv4Address]] = set()
    for pod in ready_pods(generation, cluster):
        address, node = pod_address(pod), cluster.get(Kind.NODE, str(pod.spec.get("nodeName", "")))
        own = internal_address(node) if node is not None else ""
        found.update(
            (route.instance, address)
            for route in routes
            if address is not None and own and route.next_hop == own and address in _network(route.network)
        )
    return frozenset(found)


@lru_cache(maxsize=16_384)
def _network(text: str) -> IPv4Network:
    return IPv4Network(text)


def internal_address(node: Resource) -> str:
    """A node's InternalIP, empty when it has none."""
    for address in node.status.get("addresses") or ():
        if address.get("type") == "InternalIP":
            return str(address.get("address", ""))
    return ""
