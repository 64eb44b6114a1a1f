"""What stands in the way of giving a range out: somebody who holds a part of it, or anything seen that still uses one.

seen inside the range        whoever gives it back         = the range is given out
a pool that is not ours      a person; terminating: itself = once it is gone
a gateway pod                a person; terminating: itself = once no pod bears an address of it
an IPAM block, a route       itself, once the pods went    = once it is gone
a rule of another tenant     our next write of its shard   = once no shard shows it

Two ranges overlap only when one of them contains the other, so who is in the way is found without looking at everybody.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network

from function_app.model.ledger import Generation, Holding, Ledger, Record
from function_app.model.names import ClusterName, GenerationId, TenantName
from function_app.model.plan import Refusal, RefusalCode, WaitsFor
from function_app.model.resources import ClusterObservation, Kind, Resource, RouteServerObservation
from function_app.model.tree import DefinedAttachment
from function_app.planning.firewall_resources import read_shard, shard_index
from function_app.planning.limits import standing_routes
from function_app.planning.situation import Situation
from function_app.planning.stages import pod_address, pool_range, routes_inside

Obstacle = tuple[WaitsFor, Refusal]
_BITS = 32


class RangeIndex[T]:
    """Values by range. What overlaps comes out in the order in which it was added."""

    def __init__(self) -> None:
        self._members: dict[tuple[int, int], list[tuple[int, T]]] = {}
        self._places: list[tuple[int, int]] = []
        self._count = 0

    def add(self, cidr: IPv4Network, value: T) -> None:
        """Add a value; several may share a range."""
        place = int(cidr.network_address), cidr.prefixlen
        if place not in self._members:
            self._members[place] = []
            insort(self._places, place)
        self._members[place].append((self._count, value))
        self._count += 1

    def overlapping(self, cidr: IPv4Network) -> list[T]:
        """Values whose range shares an address with this one."""
        found = [member for place in self._touching(cidr) for member in self._members[place]]
        return [value for _, value in sorted(found, key=lambda member: member[0])]

    def _touching(self, cidr: IPv4Network) -> Iterator[tuple[int, int]]:
        first, last, length = int(cidr.network_address), int(cidr.broadcast_address), cidr.prefixlen
        for shorter in range(length):
            around = first >> (_BITS - shorter) << (_BITS - shorter), shorter
            if around in self._members:
                yield around
        begin = bisect_left(self._places, (first, length))
        yield from self._places[begin : bisect_left(self._places, (last + 1, 0))]


@dataclass(frozen=True, slots=True)
class User:
    """Something seen that uses addresses, what its end waits for, and the tenant that it is of, if it says so."""

    words: str
    waits_for: WaitsFor
    tenant: TenantName | None = None


class Claims:
    """The ranges of one pass's ledger, which grows while ranges are given out, and of what was read that uses them."""

    def __init__(self, situation: Situation, ledger: Ledger) -> None:
        self.ledger = ledger
        self._situation = situation
        self._known = {(one.key.cluster, one.pool) for one in ledger.live()}
        self._standing: dict[ClusterName, int] = {}

    def give_out(self, draft: Record) -> None:
        """Add a reservation."""
        self._held.add(draft.range, draft.generation)
        stood_already = draft.generation in self.ledger.generations
        self.ledger = self.ledger.with_drafts((draft,))
        self._known.add((draft.cluster, draft.pool))
        if draft.cluster in self._standing and not stood_already:
            self._standing[draft.cluster] += self._sent((self.ledger.generations[draft.generation],), draft.cluster)

    def standing_routes(self, name: ClusterName) -> int:
        """Routes that each peer of a cluster carries, those of what was given out included; counted once for all that ask."""
        if name not in self._standing:
            here = (one for one in self.ledger.live() if one.key.cluster == name)
            self._standing[name] = self._sent(here, name)
        return self._standing[name]

    def _sent(self, generations: Iterable[Generation], name: ClusterName) -> int:
        cluster = self._situation.cluster(name)
        return standing_routes(generations, cluster) if cluster is not None else 0

    def in_the_way(self, defined: DefinedAttachment) -> Obstacle | None:
        """Whoever keeps the range from being given out now."""
        return self._claimed(defined) or self._occupied(defined)

    @cached_property
    def _held(self) -> RangeIndex[GenerationId]:
        index = RangeIndex[GenerationId]()
        for generation in self.ledger.generations.values():
            index.add(generation.range, generation.id)
        return index

    @cached_property
    def _pools(self) -> RangeIndex[tuple[str, Resource]]:
        """Pools of every cluster that was read, with the cluster's name."""
        index = RangeIndex[tuple[str, Resource]]()
        for name in self._situation.observations.clusters:
            cluster = self._situation.cluster(ClusterName(name))
            for pool in cluster.of(Kind.IP_POOL) if cluster is not None else ():
                if (cidr := pool_range(pool)) is not None:
                    index.add(cidr, (name, pool))
        return index

    def _claimed(self, defined: DefinedAttachment) -> Obstacle | None:
        """Somebody holds a part of the range, or held it until a moment ago."""
        generations: Mapping[GenerationId, Generation] = self.ledger.generations
        for identity in self._held.overlapping(defined.range):
            other = generations[identity]
            if other.holding is Holding.ENDED:
                continue
            words = f"{defined.range} overlaps {other.range}, "
            if other.live:
                words += f"which is {other.holding} by {other.key}"
                waits = WaitsFor.QUARANTINE if other.holding is Holding.LEAVING else WaitsFor.PERSON
                return waits, Refusal(RefusalCode.RANGE_HELD, str(defined.key), f"{words}. Choose a free range.")
            own_again = other.key == defined.key and other.range == defined.range
            until = (other.freed_at or self._situation.now) + self._situation.quarantine
            if not own_again and self._situation.now < until:
                words += f"which {other.key} held; its quarantine ends at {until:%Y-%m-%d %H:%M} UTC"
                return WaitsFor.QUARANTINE, Refusal(RefusalCode.QUARANTINE, str(defined.key), words)
        return None

    def _occupied(self, defined: DefinedAttachment) -> Obstacle | None:
        """Something that the ledger does not know already uses a part of the range, on any target that was read."""
        adopted = defined.attachment.adopt.pool if defined.attachment.adopt is not None else None
        taken_over, going = False, list[User]()
        for name, pool in self._pools.overlapping(defined.range):
            own = name == defined.key.cluster and pool.id.name == adopted
            taken_over = taken_over or own
            if own or (ClusterName(name), pool.id.name) in self._known:
                continue
            if pool.terminating:
                going.append(User(f"IPPool {pool.id.name} on {name} is going", WaitsFor.BLOCKS_GONE))
                continue
            words = (
                f"{defined.range} overlaps IPPool {pool.id.name} ({pool.spec.get('cidr')}) on {name}, which is not ours. "
                "Choose a free range, or name the pool under `adopt` to take it over."
            )
            return WaitsFor.FOREIGN, Refusal(RefusalCode.RANGE_HELD, str(defined.key), words)
        return _still_used(defined, going if taken_over else [*self._in_use(defined), *going])

    def _in_use(self, defined: DefinedAttachment) -> Iterator[User]:
        """What is left of somebody, though no pool and no record speaks of him: a ledger was lost, or a pool deleted by hand."""
        yield from (one for one in self._users.overlapping(defined.range) if one.tenant != defined.key.tenant)
        yield from (User(words, WaitsFor.ROUTES_GONE) for words in self._routes(defined.range))

    @cached_property
    def _users(self) -> RangeIndex[User]:
        """By what they use; only what lies where egress ranges may come from, since pods and their blocks are many."""
        index = RangeIndex[User]()
        spaces = [IPv4Network(one.spec.egress_cidr) for one in self._situation.hub.clusters.values()]
        for cidr, user in (*self._on_clusters(), *self._ruled()):
            if any(cidr.overlaps(space) for space in spaces):
                index.add(cidr, user)
        return index

    def _on_clusters(self) -> Iterator[tuple[IPv4Network, User]]:
        for name in self._situation.observations.clusters:
            cluster = self._situation.cluster(ClusterName(name))
            if cluster is not None:
                yield from _on_cluster(name, cluster)

    def _ruled(self) -> Iterator[tuple[IPv4Network, User]]:
        firewall, shards = self._situation.firewall, self._situation.hub.hub.spec.firewall.shards
        for name, body in firewall.groups.items() if firewall is not None else ():
            for rules in read_shard(body).values() if shard_index(shards, name) is not None else ():
                for cidr in _networks(rules.sources()):
                    words = f"a rule of {rules.tenant} in {name} allows {cidr}"
                    yield cidr, User(words, WaitsFor.RULES_GONE, rules.tenant)

    def _routes(self, cidr: IPv4Network) -> Iterator[str]:
        seen = self._situation.observations.route_server
        for route in routes_inside(cidr, seen.connections) if isinstance(seen, RouteServerObservation) else ():
            yield f"Route Server still knows a route for {route.network} by way of {route.next_hop}"


def _still_used(defined: DefinedAttachment, found: list[User]) -> Obstacle | None:
    if not found:
        return None
    first = next((one for one in found if one.waits_for is WaitsFor.FOREIGN), found[0])
    words = f"{defined.range} is still in use: {first.words}"
    return first.waits_for, Refusal(RefusalCode.RANGE_HELD, str(defined.key), words)


def _on_cluster(name: str, cluster: ClusterObservation) -> Iterator[tuple[IPv4Network, User]]:
    for pod in cluster.of(Kind.POD):
        address = pod_address(pod)
        if address is not None:
            words = f"pod {pod.id.namespace}/{pod.id.name} on {name} bears {address}"
            going = User(f"{words} and is going", WaitsFor.PODS_GONE)
            stays = User(f"{words}. Delete its gateway, or choose a free range.", WaitsFor.FOREIGN)
            yield IPv4Network(address), going if pod.terminating else stays
    for block in cluster.of(Kind.IPAM_BLOCK):
        for cidr in _networks([str(block.spec.get("cidr", ""))]):
            yield cidr, User(f"IPAM block {block.id.name} on {name} is not gone yet", WaitsFor.BLOCKS_GONE)


def _networks(texts: Iterable[str]) -> tuple[IPv4Network, ...]:
    return tuple(network for text in texts if (network := _network(text)) is not None)


def _network(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None
