"""The BGP speakers of one cluster: who knows which route, and what a node offers to a peer outside.

Inside: with the node-to-node mesh on, all nodes that are no route reflector exchange their routes; a BGPPeer with a
peerSelector connects the nodes it selects on either side, with its filters in both directions (confd client.go); a reflector
(a node with the cluster-id annotation) passes on what others told it. A node that is not Ready is taken for dead: the others
and the peers keep its routes for the hold time. Source of the export order: projectcalico/calico confd bgp_processor.go.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from simulator.model.bgp.exports import CalicoExport
from simulator.model.bgp.filters import ExportFilter, Verdict, export_filter
from simulator.model.bgp.inputs import Inputs, Peer, Speaker, listings, read_inputs, unchanged
from simulator.model.bgp.prefixes import Prefix
from simulator.model.bgp.routes import Route, RouteKind
from simulator.model.bgp.views import ClusterView, Object
from simulator.model.selectors import SelectorError, matches

HOLD = timedelta(seconds=180)
"""Hold time towards Azure Route Server (Microsoft Learn, route-server-faq); used inside the cluster as well."""


class Link(StrEnum):
    """How a session between a node and a peer stands."""

    UP = "up"
    SILENT = "the node is dead and its hold time has not run out"
    NO_NODE = "no live node has the connection's address"
    WRONG_NODE_ASN = "the connection expects another AS number than the cluster's"
    NO_PEER = "no BGPPeer of the node names this address"
    WRONG_PEER_ASN = "the BGPPeer expects another AS number"
    NOT_REACHABLE = "the BGPPeer lacks a reachableBy in the node subnet, so the session flaps"


@dataclass(frozen=True, slots=True)
class Offer:
    """What one node offers to one peer. `policy` changes when an edit makes BIRD offer everything again."""

    link: Link
    routes: tuple[Route, ...] = ()
    policy: tuple[str, ...] = ()


_Hop = tuple[str, ExportFilter, ExportFilter]
"""A node that passes routes on, what its session's filters let out, and what they let in on the other side."""


@dataclass(slots=True)
class _Life:
    """When a node was last alive, and what it had then."""

    at: datetime
    speaker: Speaker
    routes: tuple[Route, ...]


class Fabric:
    """Follows one cluster's routing through time; `observe` must be called at each moment that matters."""

    def __init__(self, cluster: ClusterView) -> None:
        self.cluster = cluster
        self.inputs: Inputs | None = None
        self._looked: tuple[Sequence[Object], ...] = ()
        self._revision: int | None = None
        self._all_alive_at: datetime | None = None
        self._calico = CalicoExport()
        self._configured: Inputs | None = None
        self._lives: dict[str, _Life] = {}
        self._known: dict[str, tuple[Route, ...]] = {}
        self._offers: dict[tuple[str, int, str, int], Offer] = {}

    def observe(self, now: datetime) -> bool:
        """Take in the cluster as it is now; whether anything that decides routes has changed.

        A reader that counts its changes need not be looked through while it counts none and every node is alive.
        """
        revision: int | None = getattr(self.cluster.api, "revision", None)
        if revision is not None and revision == self._revision and self._all_alive_at is not None:
            self._all_alive_at = now
            return False
        for life in self._lives.values() if self._all_alive_at is not None else ():
            life.at = max(life.at, self._all_alive_at or life.at)
        self._revision = revision
        looked = listings(self.cluster)
        inputs = self.inputs if unchanged(self._looked, looked) and self.inputs else self._read()
        changed = inputs is not self.inputs and inputs != self.inputs
        self.inputs, self._looked = inputs, looked
        if changed:
            self._calico = CalicoExport(inputs)
        for speaker in inputs.speakers:
            if speaker.ready and speaker.address:
                old = self._lives.get(speaker.name)
                routes = old.routes if old and not changed else tuple(self._own_routes(speaker, inputs))
                self._lives[speaker.name] = _Life(now, speaker, routes)
        expired = [name for name, life in self._lives.items() if now - life.at >= HOLD]
        for name in expired:
            del self._lives[name]
        self._all_alive_at = now if all(life.at == now for life in self._lives.values()) else None
        if changed or expired:
            self._known.clear()
            self._offers.clear()
        return bool(changed or expired)

    def offer(self, peer_ip: str, peer_asn: int, instance_ip: str, instance_asn: int) -> Offer:
        """What the node with address `peer_ip` offers to the Route Server instance."""
        key = (peer_ip, peer_asn, instance_ip, instance_asn)
        found = self._offers.get(key)
        if found is None:
            found = self._offers[key] = self._make_offer(*key)
        return found

    def owns(self, address: str) -> bool:
        """Whether a node of this cluster has, or shortly ago had, the address."""
        return any(life.speaker.address == address for life in self._lives.values())

    def _make_offer(self, peer_ip: str, peer_asn: int, instance_ip: str, instance_asn: int) -> Offer:
        inputs = self.inputs
        node = next((life.speaker for life in self._lives.values() if life.speaker.address == peer_ip), None)
        if inputs is None or node is None:
            return Offer(Link.NO_NODE)
        if not any(speaker.ready for speaker in inputs.speakers if speaker.name == node.name):
            return Offer(Link.SILENT)
        if inputs.asn != peer_asn:
            return Offer(Link.WRONG_NODE_ASN)
        peer = _peer_towards(node, instance_ip, inputs.peers)
        if peer is None:
            return Offer(Link.NO_PEER)
        if peer.asn != instance_asn:
            return Offer(Link.WRONG_PEER_ASN)
        if not _on_link(peer.reachable_by, self.cluster.document.node_subnet):
            return Offer(Link.NOT_REACHABLE)
        rules = inputs.rules
        policy = tuple(rules.get(name, "") for name in peer.filters)
        exported = self._export(
            node.name, self._routes_known_to(node), export_filter(peer.filters, rules, external=True, asn=inputs.asn)
        )
        if not peer.keep:
            exported = (replace(route, next_hop=node.address) for route in exported)
        return Offer(Link.UP, tuple(exported), policy)

    def _routes_known_to(self, node: Speaker) -> tuple[Route, ...]:
        """One route for each prefix, the node's own first."""
        found = self._known.get(node.name)
        if found is None:
            best: dict[Prefix, Route] = {}
            for route in (*self._lives[node.name].routes, *self._routes_told_to(node)):
                best.setdefault(route.prefix, route)
            found = self._known[node.name] = tuple(best.values())
        return found

    def _routes_told_to(self, node: Speaker) -> Iterator[Route]:
        """Breadth first: neighbours' own routes, and what reflectors among them pass on."""
        inputs = self.inputs
        if inputs is None:
            return
        rules, import_rules = inputs.rules, inputs.import_rules
        reached = {node.name}
        queue: deque[tuple[Speaker, tuple[_Hop, ...]]] = deque([(node, ())])
        while queue:
            via, onward = queue.popleft()
            for name in sorted(self._lives.keys() - reached):
                other = self._lives[name].speaker
                session = _session(via, other, inputs)
                if session is None:
                    continue
                reached.add(name)
                told = export_filter(session, rules, external=False)
                taken = export_filter(session, import_rules, external=False)
                chain = ((name, told, taken), *onward)
                yield from self._told(self._lives[name].routes, chain)
                if other.reflector:
                    queue.append((other, chain))

    def _read(self) -> Inputs:
        """With any BGPFilter that BIRD cannot parse, confd keeps the peers and filters of before (confd bird.toml, check_cmd)."""
        inputs = read_inputs(self.cluster)
        if inputs.parses:
            self._configured = inputs
            return inputs
        before = self._configured or replace(inputs, mesh=False, peers=(), filters=(), imports=())
        return replace(
            inputs,
            asn=before.asn,
            mesh=before.mesh,
            peers=before.peers,
            filters=before.filters,
            imports=before.imports,
        )

    def _own_routes(self, speaker: Speaker, inputs: Inputs) -> Iterator[Route]:
        """Blocks of more than one address as such; pods by their route to the workload.

        The node's own table is in BIRD too: its default route, its subnet, and the way to each peer with a `reachableBy`
        (confd templates bird.cfg and bird_aggr.cfg).
        """
        for prefix in self._calico.blocks.get(speaker.name, ()):
            if prefix.length < 32:
                yield Route(prefix, speaker.address, RouteKind.BLOCK)
        for node, prefix in inputs.workloads:
            if node == speaker.name:
                yield Route(prefix, speaker.address, RouteKind.WORKLOAD)
        for prefix in inputs.services:
            yield Route(prefix, speaker.address, RouteKind.SERVICE)
        subnet = ipaddress.IPv4Network(self.cluster.document.node_subnet)
        yield Route(Prefix.parse(str(subnet)), speaker.address, RouteKind.HOST)
        yield Route(Prefix(0, 0), str(subnet[1]), RouteKind.HOST)
        for peer in inputs.peers:
            if peer.peer_ip and peer.reachable_by and applies(peer, speaker):
                yield Route(Prefix.parse(peer.peer_ip), peer.reachable_by, RouteKind.HOST)

    def _told(self, routes: Iterable[Route], chain: tuple[_Hop, ...]) -> Iterator[Route]:
        """What of a node's own routes passes every session on the way."""
        for node, told, taken in chain:
            passed = (replace(route, remote=True) for route in self._export(node, routes, told))
            routes = [route for route in passed if taken.verdict(route) is not Verdict.REJECT]
        yield from routes

    def _export(self, node: str, routes: Iterable[Route], filters: ExportFilter) -> Iterator[Route]:
        """Filters first; what none of them matched goes through Calico's own export."""
        for route in routes:
            verdict = filters.verdict(route)
            accepted = verdict is Verdict.UNDECIDED and self._calico.accepts(node, route.prefix)
            if accepted or verdict is Verdict.ACCEPT:
                yield route


def _selects(selector: str, labels: Mapping[str, str]) -> bool:
    try:
        return matches(selector, labels)
    except SelectorError:
        return False


def applies(peer: Peer, node: Speaker) -> bool:
    """A BGPPeer with neither node nor nodeSelector is for all nodes."""
    return node.name == peer.node if peer.node else _selects(peer.node_selector, dict(node.labels))


def _peer_towards(node: Speaker, address: str, peers: tuple[Peer, ...]) -> Peer | None:
    """Two BGPPeers for one node and address do not add up: a global one wins, then (an assumption) the first by name."""
    fitting = [peer for peer in peers if peer.peer_ip == address and applies(peer, node)]
    return min(fitting, key=lambda peer: (bool(peer.node or peer.node_selector), peer.name), default=None)


def sessions_of(node: Speaker, inputs: Inputs) -> Iterator[tuple[Speaker, str]]:
    """The other nodes with which a node is to have a session, and of which type calico-node calls it."""
    for other in inputs.speakers:
        if other.name == node.name:
            continue
        if _peering(node, other, inputs) is not None:
            yield other, "NodePeer"
        elif _session(node, other, inputs) is not None:
            yield other, "NodeMesh"


def _session(one: Speaker, other: Speaker, inputs: Inputs) -> tuple[str, ...] | None:
    """The filters of the session between two nodes, None when they have none."""
    peer = _peering(one, other, inputs)
    if peer is not None:
        return peer.filters
    return () if inputs.mesh and not (one.reflector or other.reflector) else None


def _peering(one: Speaker, other: Speaker, inputs: Inputs) -> Peer | None:
    """The BGPPeer by which two nodes are connected, from either side."""
    for peer in inputs.peers:
        if not peer.peer_selector:
            continue
        for node, target in ((one, other), (other, one)):
            if applies(peer, node) and _selects(peer.peer_selector, dict(target.labels)):
                return peer
    return None


def _on_link(address: str, subnet: str) -> bool:
    try:
        return ipaddress.IPv4Address(address) in ipaddress.IPv4Network(subnet)
    except ValueError:
        return False
