"""New connections of every workload, looked at around each call and after each step of time.

A connection that was allowed and is lost, denied though the definition allows it, or leaves under another identity: a
violation by the call it happened in, or by nobody's leave when nobody but us has touched anything since all was well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from function_app.model.ledger import Holding
from function_app.model.names import EGRESS_ANNOTATIONS
from simulator.judge.asking import Asked
from simulator.judge.books import Books
from simulator.judge.truth import find
from simulator.judge.violations import Invariant, Violation
from simulator.model.packets import Packet, Reason, Verdict, send
from simulator.model.packets.gateways import node_address
from simulator.model.trees import annotations_of
from simulator.model.world import World

_DECIDING = ("Namespace", "Pod", "Node", "IPPool", "FelixConfiguration", "EgressGatewayPolicy")
"""Kinds that a packet's way out of its cluster depends on."""

_NEW_POD = timedelta(seconds=15)
"""A route takes two rounds of five seconds to be learned, and somebody must look after that."""

type Workload = tuple[str, str]
"""Cluster and namespace."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What one namespace's connections did, and the state of the world in which they did."""

    state: tuple[object, ...]
    """Versions, and the listings that decide: a frozen listing that is the same object is the same content."""
    packets: tuple[Packet, ...]


class PacketJudge:
    """`urls` are probed from every workload namespace. `blocked` gives tenants under an emergency denial."""

    def __init__(
        self, world: World, hub: str, books: Books, urls: Sequence[str], blocked: Callable[[], frozenset[str]]
    ) -> None:
        self._world = world
        self._hub = hub
        self._books = books
        self._urls = tuple(urls)
        self.blocked = blocked
        self._last: dict[Workload, _Look] = {}
        self.asked: list[Asked] = []
        self.denied: set[Workload] = set()
        """Carried by a tenant when a pass had its emergency denial written, since all was last well; it may land after an unblock.

        What a pass points at the tenant afterwards is not among them: that a denial is on its way is no news to it.
        """
        self.refused: set[str] = set()
        """URLs whose names the firewall refused in a rule when a pass wrote to it, since all was last well.

        A wildcard that a commit narrows to such a name cannot be narrowed; what it let in besides must not stay.
        """
        self.disturbed: dict[str, set[str]] = {name: set() for name in world.clusters}
        self.sent = 0

    def look(
        self, clusters: Iterable[str], namespaces: frozenset[str] | None = None, *, call: str = "", judged: bool = True
    ) -> Iterator[Violation]:
        """Probe, compare with the last look, and remember. `namespaces` None means all of these clusters."""
        for cluster in clusters:
            for namespace in self._world.clusters[cluster].document.workloads:
                if namespaces is None or namespace in namespaces:
                    yield from self._look(cluster, namespace, call, judged=judged)

    def forget(self) -> None:
        """All is well."""
        self.denied.clear()
        self.refused.clear()
        self.note_denials()

    def note_denials(self) -> None:
        """A pass begins or writes to the firewall, and has denied whatever blocked tenants carry.

        Not only as it begins: it learns what is blocked later, and a block that came in between is in the write. What the
        firewall refuses it learns by writing.
        """
        policies = self._world.hubs[self._hub].policies
        self.refused |= {url for url in self._urls if policies.refuses(_a_rule_for(url))}
        blocked = self.blocked()
        if not blocked:
            return
        for cluster, one in self._world.clusters.items():
            for namespace in one.document.workloads:
                if blocked & {str(held.key.tenant) for held in self._books.routed_to(cluster, namespace)}:
                    self.denied.add((cluster, namespace))

    def _look(self, cluster: str, namespace: str, call: str, *, judged: bool) -> Iterator[Violation]:
        hub, key = self._world.hubs[self._hub], (cluster, namespace)
        objects = self._world.clusters[cluster].api.objects
        state = (
            hub.policies.enforced_version,
            hub.route_server.learned_version,
            *(objects(kind) for kind in _DECIDING),
        )
        before = self._last.get(key)
        if before is not None and all(old is new for old, new in zip(before.state, state, strict=True)):
            return
        now = _Look(state, self._probe(cluster, namespace))
        if before is not None and any(self._just_started(packet) for packet in now.packets):
            return
        self._last[key] = now
        if before is None or not judged or (not call and self.disturbed[cluster]):
            return
        for old, new in zip(before.packets, now.packets, strict=True):
            words = self._wrong(old, new)
            if words:
                yield Violation(Invariant.PACKETS, words, self._world.clock.now(), call)
                return

    def _just_started(self, packet: Packet) -> bool:
        """Calico uses a gateway pod as soon as it is ready, which may be seconds before Route Server knows the way back.

        A gateway that gets more pods cannot avoid that; the plan says so. A moment later the same connection is judged.
        """
        if packet.reason is not Reason.NO_ROUTE_BACK:
            return False
        home, _, name = packet.gateway.partition("/")
        pod = find(self._world.clusters[packet.cluster], "Pod", name, home)
        started = (pod.get("status") or {}).get("startTime") if pod is not None else None
        return started is not None and self._world.clock.now() - datetime.fromisoformat(started) <= _NEW_POD

    def _probe(self, cluster: str, namespace: str) -> tuple[Packet, ...]:
        """The same turn for the same URL each time, so that only a change of gateways changes the gateway."""
        self._world.packets.clear()
        found = tuple(send(self._world, cluster, namespace, url) for url in self._urls)
        self.sent += len(found)
        return found

    def _wrong(self, old: Packet, new: Packet) -> str:
        where = f"{new.namespace} on {new.cluster} to {new.url}"
        told = f"{_told(old)}, then {_told(new)}"
        if self._proper(old) and self._misattributed(old, new):
            return f"a connection of {where} changed its identity: {told}"
        if old.verdict is not Verdict.ALLOWED or not self._proper(old):
            return ""
        if new.verdict is Verdict.DROPPED and new.pod and not self._may_end(new):
            return f"a connection of {where} was allowed and is lost: {told}; {new.reason}"
        if new.verdict is Verdict.DENIED and self._should_pass(new):
            return f"a connection of {where} was allowed and is denied: {told}"
        return ""

    def _proper(self, packet: Packet) -> bool:
        """It left as somebody who may stand for its namespace, or as its node while nobody does."""
        if not packet.source:
            return False
        if packet.gateway == packet.node:
            held = [
                one for one in self._books.routed_to(packet.cluster, packet.namespace) if one.holding is Holding.HELD
            ]
            return not held and not self._annotated(packet)
        return self._stands_for(packet) or self._by_hand(packet)

    def _stands_for(self, packet: Packet) -> bool:
        """A gateway carried it under the address of somebody who may stand for its namespace.

        A gateway whose pool is gone leaves as its node: that is a leak, also while nobody claims the namespace, and no
        connection that passes keep.
        """
        if self._leaves_as_node(packet):
            return False
        return self._books.holder(packet.source) in self._acceptable(packet)

    def _by_hand(self, packet: Packet) -> bool:
        """A gateway carried it whose range was never anybody's here: somebody made it, and it is not ours to shut out."""
        carried = packet.gateway != packet.node and not self._leaves_as_node(packet)
        return carried and not self._books.holder(packet.source)

    def _leaves_as_node(self, packet: Packet) -> bool:
        return packet.source == node_address(self._world.clusters[packet.cluster], packet.node)

    def _annotated(self, packet: Packet) -> bool:
        """Somebody's annotations stand there without effect; what they will do is that person's."""
        namespace = find(self._world.clusters[packet.cluster], "Namespace", packet.namespace)
        return namespace is not None and any(key in annotations_of(namespace) for key in EGRESS_ANNOTATIONS)

    def _misattributed(self, old: Packet, new: Packet) -> bool:
        if not new.source:
            return False
        if new.gateway != new.node:
            return not self._stands_for(new) and not (self._by_hand(old) and self._by_hand(new))
        if old.gateway == old.node or not self._books.routed_to(new.cluster, new.namespace):
            return False
        claimants = {asked.claimant(new.cluster, new.namespace) for asked in self.asked}
        if "" in claimants:
            return False
        return not any(asked.bypasses(tenant, new.destination) for asked in self.asked for tenant in claimants)

    def _acceptable(self, packet: Packet) -> set[str]:
        where = (packet.cluster, packet.namespace)
        recorded = {str(one.key.tenant) for one in self._books.routed_to(*where)}
        return recorded | {asked.claimant(*where) for asked in self.asked} | self._books.ever_routed(*where)

    def _may_end(self, packet: Packet) -> bool:
        """Whoever had the namespace asks that its traffic ends, and nobody who could carry it claims it."""
        where = (packet.cluster, packet.namespace)
        if all(self._can_carry(asked, *where) for asked in self.asked):
            return False
        had = self._books.ever_routed(*where)
        return any(asked.ends_traffic(tenant) for asked in self.asked for tenant in had)

    def _can_carry(self, asked: Asked, cluster: str, namespace: str) -> bool:
        """Not so for a claimant that asks for the range of somebody who has not left it yet."""
        tenant = asked.claimant(cluster, namespace)
        wanted = asked.range_of(tenant, cluster)
        return bool(tenant) and not any(
            one.range.overlaps(wanted) and one.key.tenant != tenant
            for one in self._books.live()
            if wanted is not None and one.holding is Holding.LEAVING
        )

    def _should_pass(self, packet: Packet) -> bool:
        """Every tree since all was last well asks that this connection be allowed, today as well."""
        today = self._world.clock.now().date()
        claimants = {asked.claimant(packet.cluster, packet.namespace) for asked in self.asked}
        if "" in claimants or claimants & self.blocked() or (packet.cluster, packet.namespace) in self.denied:
            return False
        if packet.url in self.refused and not all(
            one.spells(tenant, packet.url, today) for one in self.asked for tenant in claimants
        ):
            return False
        return all(asked.allows(tenant, packet.url, today) for asked in self.asked for tenant in claimants)


def _a_rule_for(url: str) -> dict[str, Any]:
    """A group with one rule for the name in a URL."""
    return {"ruleCollections": [{"rules": [{"targetFqdns": [urlsplit(url).hostname or ""]}]}]}


def _told(packet: Packet) -> str:
    by = f"as {packet.source} by {packet.gateway}" if packet.source else "without leaving"
    rule = f" ({packet.rule.collection})" if packet.rule.collection else ""
    return f"{packet.verdict} {by}{rule}"
