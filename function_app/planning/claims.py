"""What stands in the way of giving a range out: somebody who holds a part of it, or a pool that uses one.

Two ranges overlap only when one of them contains the other, so who is in the way is found without looking at everybody.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import IPv4Network

from function_app.model.ledger import Generation, Holding, Ledger, Record
from function_app.model.names import ClusterName, GenerationId
from function_app.model.plan import Refusal, RefusalCode, WaitsFor
from function_app.model.resources import Kind, Resource
from function_app.model.tree import DefinedAttachment
from function_app.planning.situation import Situation

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


class Claims:
    """The ranges of one pass's ledger, which grows while ranges are given out, and of the pools that were read."""

    def __init__(self, situation: Situation, ledger: Ledger) -> None:
        self.ledger = ledger
        self._situation = situation
        self._known = {(one.key.cluster, one.pool) for one in ledger.live()}

    def give_out(self, draft: Record) -> None:
        """Add a reservation."""
        self._held.add(draft.range, draft.generation)
        self.ledger = self.ledger.with_drafts((draft,))
        self._known.add((draft.cluster, draft.pool))

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
                cidr = _network(str(pool.spec.get("cidr", "")))
                if cidr is not None:
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
        """Some pool that the ledger does not know already uses a part of the range, on any cluster that was read."""
        adopted = defined.attachment.adopt.pool if defined.attachment.adopt is not None else None
        for name, pool in self._pools.overlapping(defined.range):
            own = name == defined.key.cluster and pool.id.name == adopted
            if own or (ClusterName(name), pool.id.name) in self._known:
                continue
            words = (
                f"{defined.range} overlaps IPPool {pool.id.name} ({pool.spec.get('cidr')}) on {name}, which is not ours. "
                "Choose a free range, or name the pool under `adopt` to take it over."
            )
            return WaitsFor.FOREIGN, Refusal(RefusalCode.RANGE_HELD, str(defined.key), words)
        return None


def _network(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text, strict=False)
    except ValueError:
        return None
