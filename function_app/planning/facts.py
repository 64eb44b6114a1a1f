"""What one cluster's observation says about the generations on it: who points at them, and what of them is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import AddressValueError, IPv4Network

from function_app.model.definitions import Cluster, OnRemoval
from function_app.model.ledger import Generation, Holding
from function_app.model.names import (
    BLOCKED_ANNOTATION,
    GENERATION_LABEL,
    POLICY_ANNOTATION,
    ClusterName,
    GenerationId,
    NamespaceName,
)
from function_app.model.resources import ClusterObservation, Kind, Resource, ResourceId, RouteServerObservation
from function_app.planning.cluster_resources import EGRESS_SUPPORT_KEY, EGRESS_SUPPORT_PER_POD, FELIX_NAME
from function_app.planning.hand_made import in_use
from function_app.planning.pointers import NOWHERE, Gateways, Pointer, pointer_of
from function_app.planning.situation import Situation
from function_app.planning.stages import cluster_connections, gateway_pods, pod_address, routes_inside

FOREIGN_DELAY = timedelta(hours=24)
"""How long somebody else's namespace or pod that still uses a gateway of our making can delay its removal."""
UNREADABLE_DELAY = timedelta(minutes=10)
"""How long a removed tenant's rules stay when its cluster cannot be read: denying is always safe."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One readable cluster: pointers of its namespaces, and foreign users by generation."""

    name: ClusterName
    definition: Cluster
    observed: ClusterObservation
    generations: Mapping[GenerationId, Generation] = field(hash=False)
    pointers: Mapping[NamespaceName, Pointer] = field(hash=False)
    pointing: Mapping[GenerationId, tuple[NamespaceName, ...]] = field(hash=False)
    """By generation: the namespaces whose annotations may select its gateway, by name."""
    pod_users: Mapping[GenerationId, tuple[str, ...]] = field(hash=False)
    recorded: Mapping[NamespaceName, tuple[Generation, ...]] = field(hash=False)
    """By namespace: the generations that the ledger records as routed from it, oldest first."""
    by_hand: tuple[Generation, ...] = ()
    """Stand-ins of gateways that somebody made by hand and somebody uses; the ledger may know such a gateway as well."""

    def namespace(self, name: NamespaceName) -> Resource | None:
        """A namespace that exists and is not being deleted."""
        found = self.observed.get(Kind.NAMESPACE, name)
        return found if found is not None and not found.terminating else None

    def pointer(self, name: NamespaceName) -> Pointer:
        """Where a namespace points."""
        return self.pointers.get(name, NOWHERE)

    def naming(self, policy: str) -> tuple[NamespaceName, ...]:
        """Namespaces whose annotation names an EgressGatewayPolicy."""
        return tuple(
            NamespaceName(namespace.id.name)
            for namespace in self.observed.of(Kind.NAMESPACE)
            if namespace.annotations.get(POLICY_ANNOTATION) == policy
        )

    def users(self, generation: Generation) -> tuple[str, ...]:
        """Who still points at a gateway and counts: blocked namespaces do not, their traffic is meant to end."""
        found = [str(name) for name in self.pointing.get(generation.id, ()) if not self._is_blocked(name, generation)]
        return (*found, *self.pod_users.get(generation.id, ()))

    def foreign_users(self, generation: Generation) -> tuple[str, ...]:
        """Users that the ledger does not list and that do not bear our mark."""
        return tuple(
            name
            for name in self.users(generation)
            if NamespaceName(name) not in self.recorded and not self.pointer(NamespaceName(name)).ours
        )

    def ends_by_time(self, generation: Generation) -> bool:
        """Time alone ends what delays the removal: nobody but foreign users points at the gateway, and we made it."""
        return not _made_by_hand(generation) and self._only_foreign_users(generation)

    def ends_by_hand(self, generation: Generation) -> bool:
        """Only a person ends it: whoever points by hand at a gateway that was made by hand may have done so before us."""
        return _made_by_hand(generation) and self._only_foreign_users(generation)

    def _only_foreign_users(self, generation: Generation) -> bool:
        users = self.users(generation)
        return bool(users) and set(users) == set(self.foreign_users(generation))

    def _is_blocked(self, name: NamespaceName, generation: Generation) -> bool:
        if generation.on_removal is not OnRemoval.BLOCK or generation.holding is not Holding.LEAVING:
            return False
        found = self.namespace(name)
        return found is not None and found.annotations.get(BLOCKED_ANNOTATION) == blocked_value(generation)


def _made_by_hand(generation: Generation) -> bool:
    """It was adopted: its pods bear the labels that they bore before."""
    return GENERATION_LABEL not in generation.labels


def blocked_value(generation: Generation) -> str:
    """What the intent annotation of a removal with `onRemoval: block` says."""
    return f"{generation.key.tenant}/{generation.id}"


def cluster_facts(situation: Situation, generations: Iterable[Generation]) -> dict[ClusterName, Facts]:
    """Facts of every defined cluster that was read."""
    live = tuple(generations)
    return {
        name: _facts(name, definition, observed, {one.id: one for one in live if one.key.cluster == name})
        for name, definition in situation.hub.clusters.items()
        if (observed := situation.cluster(name)) is not None
    }


def _facts(
    name: ClusterName, definition: Cluster, observed: ClusterObservation, live: Mapping[GenerationId, Generation]
) -> Facts:
    gateways = Gateways(live.values(), observed)
    pointers = {
        NamespaceName(namespace.id.name): pointer
        for namespace in observed.of(Kind.NAMESPACE)
        if (pointer := pointer_of(namespace, gateways, home=namespace.id.name)).anywhere
    }
    pointing: dict[GenerationId, tuple[NamespaceName, ...]] = {}
    for namespace_name, pointer in sorted(pointers.items()):
        for hit in pointer.hits:
            pointing[hit] = (*pointing.get(hit, ()), namespace_name)
    users: dict[GenerationId, tuple[str, ...]] = {}
    if _pods_may_point(observed):
        for pod in observed.of(Kind.POD):
            for hit in sorted(pointer_of(pod, gateways, home=pod.id.namespace).hits):
                users[hit] = (*users.get(hit, ()), f"pod {pod.id.namespace}/{pod.id.name}")
    recorded: dict[NamespaceName, tuple[Generation, ...]] = {}
    for generation in live.values():
        for namespace_name in generation.routed:
            recorded[namespace_name] = (*recorded.get(namespace_name, ()), generation)
    return Facts(name, definition, observed, live, pointers, pointing, users, recorded, in_use(name, observed))


def _pods_may_point(observed: ClusterObservation) -> bool:
    felix = observed.get(Kind.FELIX_CONFIGURATION, FELIX_NAME)
    value = felix.spec.get(EGRESS_SUPPORT_KEY, "") if felix is not None else ""
    return str(value).lower() == EGRESS_SUPPORT_PER_POD.lower()


def rules_stay(situation: Situation, facts: Mapping[ClusterName, Facts], generation: Generation) -> bool:
    """Firewall rules may still allow this generation's range: as long as its gateway must stay, whoever it waits for."""
    if generation.holding is Holding.HELD:
        return True
    if generation.holding is not Holding.LEAVING or generation.leaving_at is None:
        return False
    found = facts.get(generation.key.cluster)
    if found is None:
        return situation.now - generation.leaving_at < UNREADABLE_DELAY
    return not gateway_may_go(situation, found, generation)


def gateway_may_go(situation: Situation, facts: Facts, generation: Generation) -> bool:
    """Nothing that counts points at the gateway any more, or only foreign users do, of one that we made, and have had a day."""
    if not facts.users(generation):
        return True
    waited = generation.leaving_at is not None and situation.now - generation.leaving_at >= FOREIGN_DELAY
    return waited and facts.ends_by_time(generation)


def pods_left(facts: Facts, generation: Generation) -> tuple[Resource, ...]:
    """Pods that run the gateway or still bear an address of the range, terminating ones included."""
    own = {pod.id: pod for pod in gateway_pods(generation, facts.observed)}
    bearing = {
        pod.id: pod
        for pod in facts.observed.of(Kind.POD)
        if (address := pod_address(pod)) is not None and address in generation.range
    }
    return tuple(sorted((own | bearing).values(), key=lambda pod: str(pod.id)))


def keeps_pool(facts: Facts, generation: Generation) -> ResourceId | None:
    """What keeps a pool that is being deleted for good: its gateway that stays, or else a pod that does not go with that."""
    gateway = facts.observed.get(Kind.EGRESS_GATEWAY, generation.gateway, generation.gateway_namespace)
    if gateway is not None and not gateway.terminating:
        return gateway.id
    going = {pod.id for pod in gateway_pods(generation, facts.observed)}
    return next((pod.id for pod in pods_left(facts, generation) if not pod.terminating and pod.id not in going), None)


def blocks_left(facts: Facts, generation: Generation) -> tuple[str, ...]:
    """IPAM blocks inside the range."""
    return tuple(
        block.id.name
        for block in facts.observed.of(Kind.IPAM_BLOCK)
        if _inside(str(block.spec.get("cidr", "")), generation.range)
    )


def _inside(text: str, cidr: IPv4Network) -> bool:
    try:
        return IPv4Network(text).subnet_of(cidr)
    except (AddressValueError, ValueError):
        return False


def routes_left(definition: Cluster, route_server: RouteServerObservation, generation: Generation) -> bool | None:
    """Whether Route Server still knows a route inside the range; None while it cannot be told."""
    connections = cluster_connections(definition, route_server)
    if any(peer.routes is None for peer in connections):
        return None
    return bool(routes_inside(generation.range, connections))
