"""Route Server's BGP connections: one for each reflector of each cluster, kept as nodes come and go.

Ours are told by their name, since these objects carry no tags: a connection is ours when its name is the one that we would give
to its address. ARM takes one write at a time on a Route Server, so a pass starts one at most. New ones come before old ones go,
but where all peers are taken an old one goes first; and nothing goes over which alone somebody's routes are learned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from function_app.model.names import ClusterName, cluster_target, route_server_target
from function_app.model.once import once
from function_app.model.plan import (
    Change,
    ChangeReason,
    DeleteConnection,
    PutConnection,
    Refusal,
    RefusalCode,
    Verb,
    WaitsFor,
)
from function_app.model.platform_definitions import MOST_PEERS
from function_app.model.resources import Kind, PeerConnection, Resource, ResourceId, RouteServerObservation
from function_app.planning.cluster_resources import BGP_CONFIGURATION_NAME, DEFAULT_ASN, FILTER_NAME, route_server_peers
from function_app.planning.compare import differences
from function_app.planning.connection_names import NAME_PREFIX, connection_name, is_ours
from function_app.planning.facts import Facts
from function_app.planning.reflectors import CONNECTED, lost_without, reflectors_of
from function_app.planning.route_server_check import route_server_differs
from function_app.planning.situation import Situation
from function_app.planning.stages import cluster_connections, internal_address

_GUARDS = (Kind.BGP_CONFIGURATION, Kind.BGP_FILTER, Kind.BGP_PEER)


@dataclass
class Connections:
    """What is planned for a hub's Route Server; lives for one pass."""

    changes: list[Change] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    in_flight: bool = False
    """Some write on a connection is running; the next pass sees how it went."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """A connection that should be: which cluster's reflector, its address and AS number."""

    facts: Facts
    node: str
    address: str
    asn: int


def ours_of(cluster: ClusterName, observed: RouteServerObservation) -> tuple[PeerConnection, ...]:
    """Our connections to nodes of a cluster, whatever its node subnet is now."""
    return tuple(peer for peer in observed.connections if is_ours(cluster, peer))


def plan_connections(
    situation: Situation,
    facts: Mapping[ClusterName, Facts],
    given_up: Iterable[ClusterName] = (),
    planned: Collection[Change] = (),
) -> Connections:
    """What a hub's Route Server lacks and has too much.

    `facts` are the clusters that may be written, `given_up` those that an operator gave up: all their connections go, first.
    `planned` is what this pass changes on the clusters.
    """
    found = Connections()
    observed = situation.observations.route_server
    if not isinstance(observed, RouteServerObservation) or route_server_differs(situation) is not None:
        return found
    found.in_flight = any(peer.changing for peer in observed.connections)
    wishes = tuple(wish for one in facts.values() for wish in _wishes(situation, one))
    removals = [
        *(one for name in given_up for one in _forgotten(situation, name, observed)),
        *(one for each in facts.values() for one in _leaving(situation, each, observed)),
    ]
    stale = [
        one
        for each in facts.values()
        for one in _stale(situation, each, observed, coming=not barred(situation, each, planned))
    ]
    repairs, missing = _puts(situation, observed, wishes, found)
    room = max(0, MOST_PEERS - len(observed.connections))
    fitting, waiting = missing[:room], missing[room:]
    if not _room_to_come(observed, missing, removals, stale):
        found.refused.append(_too_many(situation, observed, wishes, missing))
        waiting = []
    ordered = [*removals, *repairs, *fitting, *stale]
    found.changes.extend(_one_at_a_time(ordered, observed))
    found.changes.extend(replace(change, waits_for=WaitsFor.ROUTE_SERVER_BUSY) for change in waiting)
    found.notes.extend(_orphans(situation, observed))
    return found


# --- what should be ----------------------------------------------------------------------------------------------------


def _wishes(situation: Situation, facts: Facts) -> tuple[_Wish, ...]:
    """The reflectors that may peer with Route Server: only once nothing but tenants' routes can leave by them."""
    if is_leaving(facts) or not _guarded(situation, facts):
        return ()
    asn = facts.definition.spec.bgp.asn
    return tuple(
        _Wish(facts, node.id.name, address, asn)
        for node in reflectors_of(facts.definition, facts.observed).annotated
        if (address := internal_address(node))
    )


def is_leaving(facts: Facts) -> bool:
    """The definition takes the cluster out of the hub, and no tenant's gateway is left on it."""
    return facts.definition.spec.leaving and not facts.generations


def _guarded(situation: Situation, facts: Facts) -> bool:
    """Filter, both peers and AS number are seen to stand as wanted."""
    configuration = facts.observed.get(Kind.BGP_CONFIGURATION, BGP_CONFIGURATION_NAME)
    asn = int((configuration.spec.get("asNumber") if configuration is not None else None) or DEFAULT_ASN)
    if asn != facts.definition.spec.bgp.asn or not filter_holds(facts):
        return False
    wanted = route_server_peers(situation.hub.name, facts.definition, situation.hub.hub.spec.route_server)
    return all(_stands(peer, facts) for peer in wanted)


def barred(situation: Situation, facts: Facts, planned: Iterable[Change]) -> bool:
    """No connection to this cluster comes before a person acts: something guards none, and no change that is planned mends it."""
    target = cluster_target(facts.name)
    mended = any(
        change.target == target and change.resource.kind in _GUARDS and change.waits_for is not WaitsFor.PERSON
        for change in planned
    )
    return not _guarded(situation, facts) and not mended


def _stands(wanted: Resource, facts: Facts) -> bool:
    found = facts.observed.resources.get(wanted.id)
    return found is not None and not found.terminating and not differences(wanted, found)


def filter_holds(facts: Facts) -> bool:
    """The filter accepts nothing outside the cluster's egress CIDR and ends in a reject."""
    found = facts.observed.get(Kind.BGP_FILTER, FILTER_NAME)
    if found is None or found.terminating:
        return False
    return _exports_within(found, facts.definition.spec.egress_cidr)


@once
def _exports_within(bgp_filter: Resource, egress_cidr: str) -> bool:
    *accepts, last = bgp_filter.spec.get("exportV4") or [{}]
    cidr = IPv4Network(egress_cidr)
    return last == {"action": "Reject"} and all(_inside(rule.get("cidr"), cidr) for rule in accepts)


def _inside(text: object, cidr: IPv4Network) -> bool:
    try:
        return IPv4Network(str(text)).subnet_of(cidr)
    except ValueError:
        return False


def _puts(
    situation: Situation, observed: RouteServerObservation, wishes: Iterable[_Wish], found: Connections
) -> tuple[list[Change], list[Change]]:
    """Connections of ours to put again, and those that are missing: a cluster's first before another's second."""
    standing = {peer.peer_ip: peer for peer in observed.connections}
    repairs: list[Change] = []
    missing: list[tuple[int, Change]] = []
    served: dict[ClusterName, int] = {}
    for wish in wishes:
        name, peer = wish.facts.name, standing.get(wish.address)
        number = served[name] = served.get(name, 0) + 1
        if peer is None:
            words = f"reflector {wish.node} of {name} has no connection yet"
            missing.append((number, _put(situation, wish, Verb.CREATE, ChangeReason.NEW, words)))
        elif not is_ours(name, peer):
            if peer.peer_asn != wish.asn:
                found.notes.append(
                    f"{name}: connection {peer.name} to reflector {wish.node} is not ours and expects AS number {peer.peer_asn}, "
                    f"not {wish.asn}: no session comes about. Correct or delete it"
                )
        elif peer.provisioning == "Failed" and peer.state != CONNECTED:
            repairs.append(_put(situation, wish, Verb.UPDATE, ChangeReason.RETRY, "its last write failed"))
        elif peer.peer_asn != wish.asn:
            words = f"it expects AS number {peer.peer_asn}, the cluster's is {wish.asn}"
            repairs.append(_put(situation, wish, Verb.UPDATE, ChangeReason.EDITED, words))
    return repairs, [change for _, change in sorted(missing, key=lambda one: one[0])]


def _put(situation: Situation, wish: _Wish, verb: Verb, reason: ChangeReason, words: str) -> Change:
    resource = ResourceId(Kind.BGP_CONNECTION, connection_name(wish.facts.name, wish.address))
    write = PutConnection(wish.address, wish.asn)
    return Change(verb, route_server_target(situation.hub.name), resource, reason, words, write)


# --- what should go ----------------------------------------------------------------------------------------------------


def _stale(situation: Situation, facts: Facts, observed: RouteServerObservation, *, coming: bool) -> list[Change]:
    """Ours whose node is no reflector any more; a reflector that is not ready keeps its own.

    `coming` says that reflectors without a connection get theirs by what passes do.
    """
    reflectors = reflectors_of(facts.definition, facts.observed)
    if situation.hub.doubt or is_leaving(facts) or not reflectors.nodes:
        return []
    own = cluster_connections(facts.definition, observed)
    served = {peer.peer_ip for peer in observed.connections}
    unserved = [node.id.name for node in reflectors.ready if internal_address(node) not in served]
    first = unserved[0] if unserved and coming and len(observed.connections) < MOST_PEERS else ""
    return [
        _gone(situation, facts, peer, own, first, coming=coming)
        for peer in ours_of(facts.name, observed)
        if not reflectors.address_of_any(peer.peer_ip)
    ]


def _gone(
    situation: Situation,
    facts: Facts,
    peer: PeerConnection,
    own: tuple[PeerConnection, ...],
    first: str,
    *,
    coming: bool,
) -> Change:
    """`first` is a reflector that is to have its connection before this one goes, empty when none has to."""
    words = f"no reflector of {facts.name} has the address {peer.peer_ip} any more"
    loss = lost_without(situation, facts, [peer.peer_ip])
    hindrance = loss.words or (f"reflector {first} is to have its own first" if first else "")
    last = peer.state == CONNECTED and sum(one.state == CONNECTED for one in own) == 1
    if not hindrance and last and facts.generations:
        hindrance = "it is the last one of the cluster that is connected"
    change = _delete(situation, peer, f"{words}; {hindrance}" if hindrance else words)
    if hindrance:
        return replace(change, waits_for=(loss.waits or WaitsFor.FABRIC) if coming else WaitsFor.PERSON)
    return replace(change, evidence_at=loss.evidence_at)


def _leaving(situation: Situation, facts: Facts, observed: RouteServerObservation) -> list[Change]:
    if not is_leaving(facts):
        return []
    words = f"cluster {facts.name} leaves the hub"
    return [_delete(situation, peer, words) for peer in ours_of(facts.name, observed)]


def _forgotten(situation: Situation, name: ClusterName, observed: RouteServerObservation) -> list[Change]:
    """A cluster that was given up cannot be asked whose its peers are: all connections into its node subnet go."""
    words = f"an operator gave up cluster {name}, which this connection talks to"
    peers = cluster_connections(situation.hub.clusters[name], observed)
    return [_delete(situation, peer, words) for peer in peers]


def _delete(situation: Situation, peer: PeerConnection, words: str) -> Change:
    resource = ResourceId(Kind.BGP_CONNECTION, peer.name)
    target = route_server_target(situation.hub.name)
    return Change(Verb.DELETE, target, resource, ChangeReason.REMOVED, words, DeleteConnection())


def _orphans(situation: Situation, observed: RouteServerObservation) -> Iterable[str]:
    for peer in observed.connections:
        if peer.name.startswith(NAME_PREFIX) and not any(is_ours(name, peer) for name in situation.hub.clusters):
            yield (
                f"connection {peer.name} bears our prefix and fits no cluster of this hub: its cluster's definition was removed, "
                "or somebody changed its address. It is left alone; delete it when nothing needs it"
            )


# --- how much fits, and when -------------------------------------------------------------------------------------------


def _room_to_come(
    observed: RouteServerObservation, missing: list[Change], removals: list[Change], stale: list[Change]
) -> bool:
    """Once what is on its way out has gone, everything missing fits."""
    going = {change.resource.name for change in (*removals, *stale)}
    going.update(peer.name for peer in observed.connections if peer.provisioning == "Deleting")
    return len(observed.connections) - len(going) + len(missing) <= MOST_PEERS


def _too_many(
    situation: Situation, observed: RouteServerObservation, wishes: tuple[_Wish, ...], missing: list[Change]
) -> Refusal:
    by_cluster: dict[str, int] = {}
    for wish in wishes:
        by_cluster[str(wish.facts.name)] = by_cluster.get(str(wish.facts.name), 0) + 1
    asked = ", ".join(f"{count} of {name}" for name, count in sorted(by_cluster.items()))
    lacking = ", ".join(change.resource.name for change in missing)
    target = route_server_target(situation.hub.name)
    message = (
        f"Route Server holds {MOST_PEERS} peers at most: {len(observed.connections)} connections exist, {len(wishes)} reflectors "
        f"want one ({asked}), and {lacking} finds no room. Have fewer reflectors, delete connections that nobody needs, or move a "
        "cluster to a second hub."
    )
    return Refusal(RefusalCode.PEERS, str(target), message)


def _one_at_a_time(changes: list[Change], observed: RouteServerObservation) -> list[Change]:
    """The first that may be made is; the others wait until ARM has finished with it."""
    taken = any(peer.changing for peer in observed.connections)
    placed: list[Change] = []
    for change in changes:
        if change.waits_for is None and taken:
            placed.append(replace(change, waits_for=WaitsFor.ROUTE_SERVER_BUSY))
            continue
        taken = taken or change.waits_for is None
        placed.append(change)
    return placed
