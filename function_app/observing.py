"""What one target shows, read in one go: which lists are asked for and how they become an observation.

One paged LIST a kind, never a GET per object. Raises the errors of `model.errors`; who catches them is `reconcile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from function_app.model.errors import NotFound, TargetRejected
from function_app.model.resources import (
    Body,
    ClusterObservation,
    FirewallObservation,
    Kind,
    LearnedRoute,
    PeerConnection,
    Resource,
    ResourceId,
    RouteServerObservation,
)
from function_app.ports import Clock, ClusterApi, FirewallApi, RouteListing, RouteServerApi

GATEWAY_PARTS = "app.kubernetes.io/component=EgressGateway.operator.tigera.io"
"""Label that Tigera's operator gives to every Deployment and pod of an EgressGateway."""

_WHOLE = (
    Kind.NAMESPACE,
    Kind.NODE,
    Kind.IP_POOL,
    Kind.IPAM_BLOCK,
    Kind.BGP_FILTER,
    Kind.BGP_PEER,
    Kind.FELIX_CONFIGURATION,
    Kind.EGRESS_GATEWAY,
    Kind.EGRESS_GATEWAY_POLICY,
    Kind.DISRUPTION_BUDGET,
)
"""Kinds that we write are read whole: what bears a name that ours would take must be seen, whoever made it."""
_SELECTED = {Kind.DEPLOYMENT: GATEWAY_PARTS, Kind.POD: GATEWAY_PARTS}


def observe_cluster(api: ClusterApi, clock: Clock, emptying: Iterable[str] = ()) -> ClusterObservation:
    """Read a cluster. `emptying` are gateway namespaces that may be deleted: everything in them must be known."""
    at = clock.now()
    mode = api.mode()
    found = [body for kind in _WHOLE for body in api.list(kind)]
    found.extend(body for kind, selector in _SELECTED.items() for body in api.list(kind, label_selector=selector))
    resources = _by_id(found)
    if _pods_may_point(resources):
        resources.update(_by_id(api.list(Kind.POD)))
    for namespace in sorted(set(emptying)):
        for kind in (Kind.POD, Kind.DEPLOYMENT, Kind.DISRUPTION_BUDGET):
            resources.update(_by_id(api.list(kind, namespace=namespace)))
    system = resources.get(ResourceId(Kind.NAMESPACE, "kube-system"))
    return ClusterObservation(api.target, at, mode, system.uid if system is not None else "", resources)


def _by_id(bodies: Iterable[Body]) -> dict[ResourceId, Resource]:
    found: dict[ResourceId, Resource] = {}
    for body in bodies:
        metadata = body.get("metadata") or {}
        key = ResourceId(Kind(str(body.get("kind"))), str(metadata.get("name", "")), str(metadata.get("namespace", "")))
        found[key] = Resource(key, body)
    return found


def _pods_may_point(resources: Mapping[ResourceId, Resource]) -> bool:
    """Annotations on pods have an effect in this mode only."""
    felix = resources.get(ResourceId(Kind.FELIX_CONFIGURATION, "default"))
    value = str(felix.spec.get("egressIPSupport", "")) if felix is not None else ""
    return value.lower() == "enabledpernamespaceorperpod"


def observe_firewall(api: FirewallApi, clock: Clock) -> FirewallObservation:
    """Read a firewall policy, its groups and those of its base policy."""
    at = clock.now()
    try:
        policy = api.policy()
    except NotFound as problem:
        raise TargetRejected(
            f"The firewall policy does not exist ({problem}). Correct spec.firewall.policy of the hub. A firewall with classic "
            "rules has no policy: migrate it to one first, classic rules cannot be managed."
        ) from problem
    groups = {str(body.get("name", "")): body for body in api.groups()}
    base = str(((policy.get("properties") or {}).get("basePolicy") or {}).get("id", ""))
    base_groups = {str(body.get("name", "")): body for body in api.base_groups(base)} if base else {}
    return FirewallObservation(api.target, at, policy, groups, base_groups)


POLL_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.0, 2.0)
"""Pauses between looks at a listing of learned routes, which takes Azure some seconds; longer than this it is the next pass's."""


def observe_route_server(api: RouteServerApi, clock: Clock, operations: Mapping[str, str]) -> RouteServerObservation:
    """Read a Route Server's connections and what each learned; `operations` are listings that an earlier pass started.

    A listing that has not answered in time leaves `routes` None and its URL for the next pass.
    """
    at = clock.now()
    hub = api.hub()
    bodies = tuple(api.connections())
    listings = {name: _started(api, name, operations.get(name, "")) for name in map(_name, bodies)}
    for pause in POLL_SECONDS:
        running = [name for name, listing in listings.items() if listing.routes is None]
        if not running:
            break
        clock.sleep(pause)
        listings.update({name: api.resume_learned_routes(listings[name].operation) for name in running})
    connections = tuple(_connection(body, listings[_name(body)], clock.now()) for body in bodies)
    return RouteServerObservation(api.target, at, hub, connections)


def _name(body: Body) -> str:
    return str(body.get("name", ""))


def _started(api: RouteServerApi, name: str, operation: str) -> RouteListing:
    if operation:
        with suppress(NotFound):
            return api.resume_learned_routes(operation)
    return api.start_learned_routes(name)


def _connection(body: Body, listing: RouteListing, now: datetime) -> PeerConnection:
    properties = body.get("properties") or {}
    routes = None
    if listing.routes is not None:
        routes = tuple(_route(instance, route) for instance, found in listing.routes.items() for route in found)
    return PeerConnection(
        name=_name(body),
        peer_ip=str(properties.get("peerIp", "")),
        peer_asn=int(properties.get("peerAsn") or 0),
        state=str(properties.get("connectionState", "Unknown")),
        routes=routes,
        routes_at=now if routes is not None else None,
        operation=listing.operation if routes is None else "",
    )


def _route(instance: str, route: Body) -> LearnedRoute:
    return LearnedRoute(
        instance=instance,
        network=str(route.get("network", "")),
        next_hop=str(route.get("nextHop", "")),
        source_peer=str(route.get("sourcePeer", "")),
    )
