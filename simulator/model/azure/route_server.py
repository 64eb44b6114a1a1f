"""Azure Route Server: its connections, and what each of its two instances learned over them.

Sources: Microsoft Learn, route-server-faq (AS numbers, hold time) and route-server-limits (8 peers, routes per peer, the
session drops beyond); simonpainter.com, "prefix limit in Azure Route Server" (a full re-advertisement counts twice).
No official figure exists for propagation: here the world is sampled every 5 s and a sample is learned 5 s later. What a
connection taught stands while it is being deleted and goes with it, before ARM says that it is gone: the sessions are Route
Server's own to end, and no later moment could be asked for. Nobody official says so (docs/not-proven.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from simulator.model.azure.contents import Json
from simulator.model.azure.groups import Accepted, State
from simulator.model.azure.ids import ResourceIds, etag_of
from simulator.model.azure.operations import KEPT_LISTING, Operation, Operations
from simulator.model.bgp.fabric import Fabric, Link, Offer
from simulator.model.bgp.prefixes import Prefix, parse_address
from simulator.model.bgp.routes import Route
from simulator.model.bgp.views import ClusterView
from simulator.model.clock import VirtualClock
from simulator.model.documents import RouteServerDocument
from simulator.model.errors import ArmError

PROPAGATION_SECONDS = 5.0
CONNECTION_SECONDS = 15.0
"""How long a change of a connection takes; an assumption."""
MAX_CONNECTIONS = 8
POLL_SECONDS = 2
_WEIGHT = 32768
_NO_SESSION = "the session was ended on Route Server's side"
_UNUSABLE_ASNS = frozenset(
    {8074, 8075, 12076, 23456, 65515, 65517, 65518, 65519, 65520, 65535, *range(64496, 64512)},
)


@dataclass(slots=True)
class Connection:
    """One bgpConnection. `asked` is what a running write will make of address and AS number; ARM shows that at once."""

    name: str
    peer_ip: str
    peer_asn: int
    state: State
    version: int = 1
    asked: tuple[str, int] | None = None

    @property
    def shown(self) -> tuple[str, int]:
        """Address and AS number as ARM shows them."""
        return self.asked or (self.peer_ip, self.peer_asn)


@dataclass(frozen=True, slots=True)
class Learned:
    """What one instance has from one connection, or why nothing."""

    reason: str
    routes: tuple[Route, ...] = ()
    policy: tuple[str, ...] = ()


_Sessions = Mapping[tuple[str, int], Learned]
"""By connection (lower case) and instance index."""


class RouteServer:
    """One Route Server with its connections, fed by the clusters that `clusters` gives.

    `learned_version` rises whenever what was learned changes.
    """

    def __init__(
        self,
        document: RouteServerDocument,
        *,
        ids: ResourceIds,
        clock: VirtualClock,
        operations: Operations,
        clusters: Callable[[], Iterator[ClusterView]],
    ) -> None:
        self.document = document
        self.connections: dict[str, Connection] = {}
        self.learned_version = 0
        self._ids = ids
        self._clock = clock
        self._operations = operations
        self._clusters = clusters
        self._fabrics: dict[str, Fabric] = {}
        self._running: Operation | None = None
        self._arriving: _Sessions = {}
        self._sessions: _Sessions = {}
        self._peers: object = ()
        self._deaf: set[int] = set()
        self._resting: dict[str, datetime] = {}
        self._steady = False
        self._next_hops: dict[Prefix, frozenset[str]] = {}
        clock.schedule(PROPAGATION_SECONDS, self._tick)

    def connection(self, name: str) -> Connection:
        """Raises ArmError 404."""
        found = self.connections.get(name.lower())
        if found is None:
            resource = f"Microsoft.Network/virtualHubs/{self.document.name}/bgpConnections/{name}"
            raise ArmError(404, "ResourceNotFound", f"The Resource '{resource}' was not found.")
        return found

    def seed(self, name: str, peer_ip: str, peer_asn: int) -> None:
        """A connection that exists from the start. Raises ArmError when it could not."""
        self._check(name, peer_ip, peer_asn)
        self.connections[name.lower()] = Connection(name, peer_ip, peer_asn, State.SUCCEEDED)

    def put(self, name: str, body: Mapping[str, Any]) -> Accepted:
        """Begin to create or change a connection. Raises ArmError 400, 409."""
        properties = body.get("properties")
        if not isinstance(properties, Mapping):
            raise ArmError(400, "InvalidRequestFormat", "Cannot parse the request: properties: an object is expected.")
        peer_ip, peer_asn = properties.get("peerIp"), properties.get("peerAsn")
        self._check(name, peer_ip, peer_asn)
        self._admit()
        found = self.connections.get(name.lower())
        status = 200 if found else 201
        if found is None:
            found = self.connections[name.lower()] = Connection(name, "", 0, State.UPDATING, 0)
        found.state = State.UPDATING
        found.version += 1
        found.asked = (str(peer_ip), int(peer_asn or 0))
        finish = partial(self._finish_put, found, str(peer_ip), int(peer_asn or 0))
        self._running = self._operations.start(CONNECTION_SECONDS, finish)
        return Accepted(status, self.connection_body(found), self._running.id, POLL_SECONDS)

    def delete(self, name: str) -> Accepted:
        """Begin to delete a connection. Raises ArmError 409."""
        found = self.connections.get(name.lower())
        if found is None:
            return Accepted(204, None, "", 0)
        self._admit()
        found.state = State.DELETING
        self._running = self._operations.start(CONNECTION_SECONDS, partial(self._finish_delete, found))
        return Accepted(202, None, self._running.id, POLL_SECONDS)

    def list_routes(self, name: str) -> Accepted:
        """Begin to list what was learned over a connection. Raises ArmError 404."""
        found = self.connection(name)
        finish = partial(self._finish_listing, found)
        operation = self._operations.start(self.document.listing_seconds, finish, KEPT_LISTING)
        return Accepted(202, None, operation.id, POLL_SECONDS)

    def next_hops(self, address: str) -> frozenset[str]:
        """Where the hub sends packets for an address: next hops of the longest learned prefix, empty when none covers it."""
        whole = Prefix(parse_address(address), 32)
        for length in range(32, -1, -1):
            found = self._next_hops.get(whole.cut(length))
            if found:
                return found
        return frozenset()

    def deafen(self, instance: int, *, deaf: bool = True) -> None:
        """One instance has no sessions, as while it is replaced, or has them again: half of what a hub learns is missing."""
        (self._deaf.add if deaf else self._deaf.discard)(instance)

    def reset(self, name: str, seconds: float) -> None:
        """The sessions over one connection end, and come up again after so long. Raises ArmError 404."""
        self._resting[self.connection(name).name.lower()] = self._clock.now() + timedelta(seconds=seconds)

    def learned(self) -> Iterator[tuple[str, int, Route]]:
        """Every route that stands: (connection, instance index, route)."""
        for (key, instance), learned in self._sessions.items():
            for route in learned.routes:
                yield key, instance, route

    def sessions(self) -> Mapping[tuple[str, str], str]:
        """Each connection and instance address with `up`, or why it is not."""
        names = {key: connection.name for key, connection in self.connections.items()}
        addresses = self.document.peer_ips
        return {
            (names[key], addresses[instance]): learned.reason
            for (key, instance), learned in self._sessions.items()
            if key in names
        }

    def established(self, node: str) -> frozenset[str]:
        """The instances that have a session with the node of this address."""
        return frozenset(
            self.document.peer_ips[instance]
            for (key, instance), learned in self._sessions.items()
            if learned.reason == Link.UP and key in self.connections and self.connections[key].peer_ip == node
        )

    def connection_body(self, connection: Connection) -> Json:
        """The connection as ARM speaks it."""
        identity = self._ids.network("virtualHubs", self.document.name, "bgpConnections", connection.name)
        peer_ip, peer_asn = connection.shown
        up = any(
            learned.reason == Link.UP for (key, _), learned in self._sessions.items() if key == connection.name.lower()
        )
        return {
            "id": identity,
            "name": connection.name,
            "type": "Microsoft.Network/virtualHubs/bgpConnections",
            "etag": etag_of(identity, connection.version),
            "properties": {
                "peerAsn": peer_asn,
                "peerIp": peer_ip,
                "provisioningState": str(connection.state),
                "connectionState": "Connected" if up else "NotConnected",
            },
        }

    def _check(self, name: str, peer_ip: object, peer_asn: object) -> None:
        try:
            parse_address(str(peer_ip))
        except ValueError:
            raise ArmError(400, "InvalidRequestFormat", f"peerIp {peer_ip!r} is no IPv4 address.") from None
        if not isinstance(peer_asn, int) or not 1 <= peer_asn <= 65535 or peer_asn in _UNUSABLE_ASNS:
            raise ArmError(400, "BadRequest", f"peerAsn {peer_asn!r} cannot be used with a Route Server.")
        others = [connection for key, connection in self.connections.items() if key != name.lower()]
        if len(others) >= MAX_CONNECTIONS:
            raise ArmError(
                400, "BadRequest", f"Route Server {self.document.name} holds {MAX_CONNECTIONS} peers at most."
            )
        if any(connection.shown[0] == peer_ip for connection in others):
            raise ArmError(400, "BadRequest", f"Another connection has the peerIp {peer_ip}.")

    def _admit(self) -> None:
        if self._running is not None:
            message = "Another operation on this or dependent resource is in progress."
            raise ArmError(409, "AnotherOperationInProgress", message)

    def _finish_put(self, connection: Connection, peer_ip: str, peer_asn: int, _operation: Operation) -> None:
        connection.peer_ip, connection.peer_asn, connection.state = peer_ip, peer_asn, State.SUCCEEDED
        connection.version += 1
        connection.asked = None
        self._running = None

    def _finish_delete(self, connection: Connection, _operation: Operation) -> None:
        key = connection.name.lower()
        self.connections.pop(key, None)
        self._running = None
        self._arriving = _without(self._arriving, key)
        self._learn(_without(self._sessions, key))

    def _finish_listing(self, connection: Connection, operation: Operation) -> None:
        operation.result = {
            f"RouteServiceRole_IN_{instance}": self._rows(connection, instance)
            for instance in range(len(self.document.peer_ips))
        }

    def _rows(self, connection: Connection, instance: int) -> list[Json]:
        learned = self._sessions.get((connection.name.lower(), instance), Learned(""))
        return [
            {
                "localAddress": self.document.peer_ips[instance],
                "network": str(route.prefix),
                "nextHop": route.next_hop,
                "sourcePeer": connection.peer_ip,
                "origin": "EBgp",
                "asPath": str(connection.peer_asn),
                "weight": _WEIGHT,
            }
            for route in learned.routes
        ]

    def _tick(self) -> None:
        """What was sampled last time is learned now."""
        self._learn(self._arriving)
        self._arriving = self._sample()
        self._clock.schedule(PROPAGATION_SECONDS, self._tick)

    def _learn(self, sessions: _Sessions) -> None:
        before, self._sessions = self._sessions, sessions
        if before is not sessions and before != sessions:
            self._next_hops = _next_hops(sessions)
            self.learned_version += 1

    def _sample(self) -> _Sessions:
        now = self._clock.now()
        fabrics = [self._fabrics.get(cluster.name) or self._follow(cluster) for cluster in self._clusters()]
        moved = [fabric for fabric in fabrics if fabric.observe(now)]
        resting = frozenset(key for key, until in self._resting.items() if now < until)
        connections = tuple((key, one.peer_ip, one.peer_asn) for key, one in self.connections.items())
        peers = (connections, resting, frozenset(self._deaf))
        if not moved and peers == self._peers and self._steady:
            return self._arriving
        sample = {
            (key, instance): Learned(_NO_SESSION)
            if instance in self._deaf or key in resting
            else self._listen(connection, instance, fabrics, self._arriving.get((key, instance)))
            for key, connection in self.connections.items()
            for instance in range(len(self.document.peer_ips))
        }
        self._steady, self._peers = sample == self._arriving, peers
        return self._arriving if self._steady else sample

    def _follow(self, cluster: ClusterView) -> Fabric:
        fabric = self._fabrics[cluster.name] = Fabric(cluster)
        return fabric

    def _listen(self, connection: Connection, instance: int, fabrics: list[Fabric], before: Learned | None) -> Learned:
        fabric = next((each for each in fabrics if each.owns(connection.peer_ip)), None)
        if fabric is None:
            return Learned(Link.NO_NODE)
        address = self.document.peer_ips[instance]
        offer = fabric.offer(connection.peer_ip, connection.peer_asn, address, self.document.asn)
        if offer.link is Link.SILENT:
            return before or Learned(offer.link)
        if offer.link is not Link.UP:
            return Learned(offer.link)
        return self._count(offer, before)

    def _count(self, offer: Offer, before: Learned | None) -> Learned:
        """Too many routes drop the session; an edited filter makes the peer tell everything again, which counts twice."""
        limit, count = self.document.routes_per_peer, len(offer.routes)
        told_again = before is not None and before.reason == Link.UP and before.policy != offer.policy
        if told_again and before is not None:
            count += len(before.routes)
        if count > limit:
            return Learned(f"the peer sent {count} routes, {limit} at most, and the session dropped")
        return Learned(offer.link, offer.routes, offer.policy)


def _without(sessions: _Sessions, connection: str) -> _Sessions:
    return {key: learned for key, learned in sessions.items() if key[0] != connection}


def _next_hops(sessions: _Sessions) -> dict[Prefix, frozenset[str]]:
    found: dict[Prefix, set[str]] = {}
    for learned in sessions.values():
        for route in learned.routes:
            found.setdefault(route.prefix, set()).add(route.next_hop)
    return {prefix: frozenset(hops) for prefix, hops in found.items()}
