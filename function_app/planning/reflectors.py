"""What an observation says of a cluster's route reflectors: which nodes they are, how their sessions stand, who depends on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address

from function_app.model.definitions import Cluster
from function_app.model.ledger import Generation
from function_app.model.plan import WaitsFor
from function_app.model.resources import (
    ClusterObservation,
    Kind,
    PeerConnection,
    Resource,
    ResourceId,
    RouteServerObservation,
)
from function_app.planning.cluster_resources import REFLECTOR_PEER_NAME
from function_app.planning.facts import Facts
from function_app.planning.keeping import Draft, behind_a_person
from function_app.planning.selectors import hits, parsed
from function_app.planning.situation import Situation
from function_app.planning.stages import (
    cluster_connections,
    gateway_pods,
    hopeless,
    internal_address,
    learned_ways,
    pod_address,
)

CLUSTER_ID_ANNOTATION = "projectcalico.org/RouteReflectorClusterID"
"""What makes a node a route reflector (projectcalico/calico, libcalico-go backend/k8s/resources/node.go)."""
ESTABLISHED = "Established"
CONNECTED = "Connected"
"""What ARM calls a connection of which at least one instance has a session."""
STATUS_AGE = timedelta(seconds=60)
"""How old a CalicoNodeStatus may be to count as evidence."""


@dataclass(frozen=True, slots=True)
class Reflectors:
    """The nodes that the definition's selector matches. `annotated` are ready and bear the cluster id that is defined."""

    understood: bool
    nodes: tuple[Resource, ...]
    ready: tuple[Resource, ...]
    annotated: tuple[Resource, ...]

    def address_of_any(self, address: str) -> bool:
        """Whether one of the matched nodes, ready or not, has this InternalIP."""
        return any(internal_address(node) == address for node in self.nodes)


def reflectors_of(definition: Cluster, observed: ClusterObservation) -> Reflectors:
    """The reflectors of a cluster that was read."""
    wanted = definition.spec.bgp.reflectors
    nodes = tuple(node for node in observed.of(Kind.NODE) if hits(wanted.selector, node.labels) is True)
    ready = tuple(node for node in nodes if is_ready(node))
    annotated = tuple(node for node in ready if node.annotations.get(CLUSTER_ID_ANNOTATION) == wanted.cluster_id)
    return Reflectors(parsed(wanted.selector) is not None, nodes, ready, annotated)


def is_ready(node: Resource) -> bool:
    """The node is Ready and stays."""
    conditions = {entry.get("type"): entry.get("status") for entry in node.status.get("conditions") or ()}
    return not node.terminating and conditions.get("Ready", "True") == "True"


def peering_stands(facts: Facts) -> bool:
    """Every node is to have a session with every reflector, by our peering."""
    found = facts.observed.get(Kind.BGP_PEER, REFLECTOR_PEER_NAME)
    return found is not None and _reflects(facts, found)


def peered(facts: Facts) -> bool:
    """The same by anybody's peering."""
    return any(_reflects(facts, found) for found in facts.observed.of(Kind.BGP_PEER))


def _reflects(facts: Facts, peer: Resource) -> bool:
    return not peer.terminating and peer.spec.get("peerSelector") == facts.definition.spec.bgp.reflectors.selector


def unsettled(observed: ClusterObservation, reflector: Resource) -> str:
    """What keeps a reflector from being established with every other ready node, in words; empty when nothing does.

    CalicoNodeStatus is the only place in the API that shows sessions; an old one is no evidence.
    """
    name = reflector.id.name
    peers = _told_sessions(observed, name)
    if peers is None:
        return f"no CalicoNodeStatus younger than {STATUS_AGE.total_seconds():.0f} s tells of the sessions of {name}"
    for other in observed.of(Kind.NODE):
        if other.id.name == name or not is_ready(other):
            continue
        state = peers.get(internal_address(other), "missing")
        if state != ESTABLISHED:
            return f"the session of {name} with {other.id.name} is {state}"
    return ""


def untold(facts: Facts, draft: Draft, node: str) -> bool:
    """Nothing tells of a reflector's sessions, nor will before a person acts."""
    stuck = behind_a_person(facts, draft, ResourceId(Kind.CALICO_NODE_STATUS, node))
    return stuck and _told_sessions(facts.observed, node) is None


def _told_sessions(observed: ClusterObservation, node: str) -> dict[str, str] | None:
    """State by peer address as calico-node last told, None when that is too long ago.

    While a labelled node has no cluster id yet, BIRD has two sessions with it, the mesh's and the peering's (projectcalico/calico,
    confd bgp_processor.go): one of them is enough.
    """
    for status in observed.of(Kind.CALICO_NODE_STATUS):
        if status.spec.get("node") != node or "BGP" not in (status.spec.get("classes") or ()):
            continue
        told = _moment(str(status.status.get("lastUpdated") or ""))
        if told is not None and observed.at - told <= STATUS_AGE:
            sessions = (status.status.get("bgp") or {}).get("peersV4") or ()
            states = [(str(one.get("peerIP", "")), str(one.get("state", ""))) for one in sessions]
            return {**dict(states), **{peer: state for peer, state in states if state == ESTABLISHED}}
    return None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def anything_routed(facts: Facts) -> bool:
    """Some workload's traffic depends on the routes of this cluster, by a gateway of ours or by one made by hand."""
    return bool(facts.by_hand) or any(one.routed or facts.users(one) for one in facts.generations.values())


@dataclass(frozen=True, slots=True)
class Loss:
    """What would be lost without some routes, in words, empty for nothing; `evidence_at` is the oldest reading relied on.

    `person` says that nothing of what passes do will make those routes come by another way.
    """

    words: str
    evidence_at: datetime | None = None
    person: bool = False

    @property
    def waits(self) -> WaitsFor | None:
        """What a change waits for that would lose that."""
        return (WaitsFor.PERSON if self.person else WaitsFor.FABRIC) if self.words else None


def lost_without(situation: Situation, facts: Facts, addresses: Iterable[str], cut_off: str = "") -> Loss:
    """Which generation would no longer be learned as it is now, were the connections of these peers left out.

    What remains counts only when its peer is a ready reflector and connected: the peering with Route Server selects those alone.
    Routes of any other stay for the hold time, and nobody knows for how long still. `cut_off` names a node of which no other node
    would know what runs on it.
    """
    if not anything_routed(facts):
        return Loss("")
    route_server = situation.observations.route_server
    if not isinstance(route_server, RouteServerObservation):
        return Loss("the Route Server's routes cannot be read")
    left_out = frozenset(addresses)
    connections = cluster_connections(facts.definition, route_server)
    leaving = tuple(one for one in connections if one.peer_ip in left_out)
    if not leaving and not cut_off:
        return Loss("")
    if any(one.routes is None for one in (connections if cut_off else leaving)):
        return Loss("Route Server is still listing its learned routes")
    alive = {internal_address(node) for node in reflectors_of(facts.definition, facts.observed).ready}
    staying = tuple(
        one
        for one in connections
        if one.peer_ip not in left_out and one.peer_ip in alive and one.state == CONNECTED and one.routes is not None
    )
    for generation in (*facts.generations.values(), *facts.by_hand):
        standing = learned_ways(generation, facts.observed, (*leaving, *staying))
        if cut_off and (pod := _carrying(generation, facts, cut_off, standing)) is not None:
            words = f"{pod} carries traffic there and is cut off while the node's sessions come anew; let it run elsewhere first"
            return Loss(words, person=True)
        if standing - learned_ways(generation, facts.observed, staying):
            stuck = hopeless(facts.definition, facts.observed, route_server, left_out)
            words = f"{generation.range} of {generation.key} is learned over nothing else"
            return Loss(f"{words}: {stuck}" if stuck else words, person=bool(stuck))
    return Loss("", min([facts.observed.at, *_read_at(leaving), *_read_at(staying)]))


def _carrying(
    generation: Generation, facts: Facts, node: str, ways: frozenset[tuple[str, IPv4Address]]
) -> ResourceId | None:
    """The first gateway pod on a node to which Route Server knows a way."""
    known = {address for _, address in ways}
    pods = (pod for pod in gateway_pods(generation, facts.observed) if pod.spec.get("nodeName") == node)
    return min((pod.id for pod in pods if pod_address(pod) in known), key=str, default=None)


def _read_at(connections: Iterable[PeerConnection]) -> list[datetime]:
    return [one.routes_at for one in connections if one.routes_at is not None]
