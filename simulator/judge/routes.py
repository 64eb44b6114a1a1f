"""The routes of routed attachments, judged around each write of ours that can touch them.

A way is an address of a serving gateway pod, learned by one Route Server instance over one connection and told by that
connection's node at this moment. It lives when the node is ready; a dead node's routes stay for the hold time and are no way to
rely on. While a reflector of the cluster works, no write of ours may take the last living way of an address whose namespaces
are routed, nor of one by which a gateway that somebody made by hand carries traffic. What a write interrupts for seconds counts as
taken: the cluster id takes its node out of all sessions, a PUT on a standing connection ends its session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from function_app.model.ledger import Generation, Holding
from function_app.model.names import EGRESS_ANNOTATIONS
from simulator.judge.books import Books
from simulator.judge.truth import find, serving_pods
from simulator.judge.violations import Invariant
from simulator.model.azure.groups import State
from simulator.model.azure.route_server import Connection
from simulator.model.bgp.fabric import Fabric, Link
from simulator.model.bgp.inputs import REFLECTOR_ANNOTATION
from simulator.model.bgp.prefixes import Prefix, parse_address
from simulator.model.bgp.routes import Route
from simulator.model.bgp.views import ClusterView, Object, internal_ip, is_ready, pod_address, spec_of
from simulator.model.faults import Call
from simulator.model.packets.gateways import choose_exit
from simulator.model.trees import annotations_of, name_of
from simulator.model.world import World

_ON_CLUSTERS = frozenset({"Node", "BGPConfiguration", "BGPPeer", "BGPFilter"})

_TURNS, _SOMEWHERE = range(3), "192.0.2.1"
"""Whichever gateway a connection takes, and a destination that nobody's bypass names."""

type Finding = tuple[Invariant, str]


@dataclass(frozen=True, slots=True)
class _Need:
    """Somebody's traffic needs that this instance knows the way to this address."""

    attachment: str
    cluster: str
    instance: int
    address: str


type _Ways = Mapping[_Need, Mapping[str, bool]]
"""For each need the connections over which it is met, and whether that way lives."""


@dataclass(frozen=True, slots=True)
class RoutesBefore:
    """The ways directly before a call."""

    call: Call
    ways: _Ways
    cluster_id: str = ""
    """Of the node that the call is about."""


class RouteJudge:
    """Judges writes to the fabric and to Route Server; `forgotten` gives clusters that an operator gave up."""

    def __init__(self, world: World, hub: str, books: Books, forgotten: Callable[[], frozenset[str]]) -> None:
        self._world = world
        self._hub = hub
        self._books = books
        self._forgotten = forgotten

    def before(self, call: Call) -> RoutesBefore | None:
        """None for a call that touches no route."""
        if call.target.startswith("route-server/"):
            return RoutesBefore(call, self._ways(self._world.clusters))
        if call.kind in _ON_CLUSTERS:
            return RoutesBefore(call, self._ways([call.target.removeprefix("cluster/")]), self._cluster_id(call))
        return None

    def after(self, before: RoutesBefore) -> Iterator[Finding]:
        """The first need of each attachment that this write left without a living way."""
        call = before.call
        interrupted = call.name if before.cluster_id != self._cluster_id(call) else ""
        now = self._ways({need.cluster for need in before.ways}, interrupted)
        told: set[str] = set()
        for need, ways in before.ways.items():
            left = now.get(need, {})
            taken = ways.keys() - left.keys()
            if not taken or any(left.values()) or need.attachment in told:
                continue
            if any(ways.values()) or self._works(need.cluster):
                told.add(need.attachment)
                instance = "ab"[need.instance]
                words = f"{need.address} of {need.attachment} is routed and Route Server's instance {instance}"
                yield Invariant.ROUTES, f"{words} lost its last way to it, over {', '.join(sorted(taken))}"

    def _ways(self, clusters: Iterable[str], interrupted: str = "") -> _Ways:
        found: dict[_Need, dict[str, bool]] = {}
        for name in clusters:
            view = self._world.clusters[name]
            routed = [one for one in self._routed() if one.key.cluster == name]
            pods = [(str(one.key), pod) for one in routed for pod in serving_pods(view, one)]
            pods += self._by_hand(view)
            if pods:
                self._add(found, view, pods, interrupted)
        return found

    def _by_hand(self, view: ClusterView) -> Iterator[tuple[str, Object]]:
        """Gateways that carry somebody's traffic and whose addresses were never anybody's here."""
        if not any(set(EGRESS_ANNOTATIONS).intersection(annotations_of(one)) for one in view.api.objects("Namespace")):
            return
        told: set[str] = set()
        for pod in view.api.objects("Pod"):
            if pod["metadata"]["namespace"] not in view.document.workloads:
                continue
            for turn in _TURNS:
                gateway = choose_exit(view, pod, _SOMEWHERE, turn).gateway
                address = pod_address(gateway) if gateway is not None else ""
                if gateway is not None and address and address not in told and not self._books.holder(address):
                    told.add(address)
                    yield f"{name_of(gateway)}, made by hand,", gateway

    def _routed(self) -> Iterator[Generation]:
        given_up = self._forgotten()
        return (
            one
            for one in self._books.live()
            if one.holding is Holding.HELD and one.routed and str(one.key.cluster) not in given_up
        )

    def _add(
        self,
        found: dict[_Need, dict[str, bool]],
        view: ClusterView,
        carrying: list[tuple[str, Object]],
        interrupted: str,
    ) -> None:
        server = self._world.hubs[self._hub].route_server
        fabric = Fabric(view)
        fabric.observe(self._world.clock.now())
        nodes = {internal_ip(one): one for one in view.api.objects("Node")}
        homes = {name_of(one): address for address, one in nodes.items()}
        pods = [
            (attachment, pod_address(pod), homes.get(str(spec_of(pod).get("nodeName")))) for attachment, pod in carrying
        ]
        for key, instance, route in server.learned():
            connection = server.connections.get(key)
            if connection is None or not _stands(connection) or not _in(view, connection):
                continue
            node = nodes.get(connection.peer_ip)
            lives = node is not None and is_ready(node)
            if node is not None and name_of(node) == interrupted:
                continue
            if lives and not _told(fabric, connection, server.document.peer_ips[instance], server.document.asn, route):
                continue
            for attachment, address, home in pods:
                if route.next_hop == home and route.prefix.covers(Prefix(parse_address(address), 32)):
                    need = _Need(attachment, view.name, instance, address)
                    ways = found.setdefault(need, {})
                    ways[connection.name] = ways.get(connection.name, False) or lives

    def _cluster_id(self, call: Call) -> str:
        if call.kind != "Node":
            return ""
        node = find(self._world.clusters[call.target.removeprefix("cluster/")], "Node", call.name)
        return annotations_of(node).get(REFLECTOR_ANNOTATION, "") if node is not None else ""

    def _works(self, cluster: str) -> bool:
        """Some ready node of the cluster is a reflector."""
        nodes = self._world.clusters[cluster].api.objects("Node")
        return any(is_ready(one) and annotations_of(one).get(REFLECTOR_ANNOTATION) for one in nodes)


def _stands(connection: Connection) -> bool:
    """No write is about to end its session."""
    return connection.state is not State.DELETING and connection.shown == (connection.peer_ip, connection.peer_asn)


def _in(view: ClusterView, connection: Connection) -> bool:
    subnet = Prefix.parse(view.document.node_subnet)
    return subnet.covers(Prefix(parse_address(connection.peer_ip), 32))


def _told(fabric: Fabric, connection: Connection, instance: str, asn: int, route: Route) -> bool:
    """The node tells this instance of the route at this moment."""
    offer = fabric.offer(connection.peer_ip, connection.peer_asn, instance, asn)
    return offer.link is Link.UP and any(one.prefix == route.prefix for one in offer.routes)
