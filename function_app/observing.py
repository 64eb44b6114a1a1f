"""What one target shows, read in one go: which lists are asked for and how they become an observation.

One paged LIST a kind, never a GET per object. Raises the errors of `model.errors`; who catches them is `reconcile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus

from function_app.model.errors import NotFound, TargetError, TargetRejected, TargetUnavailable
from function_app.model.once import Read, once
from function_app.model.resources import (
    ApiMode,
    Body,
    ClusterObservation,
    FirewallObservation,
    Kind,
    LearnedRoute,
    LearnedRoutes,
    PeerConnection,
    Resource,
    ResourceId,
    RouteServerObservation,
    Unreadable,
)
from function_app.ports import Clock, ClusterApi, FirewallApi, RouteListing, RouteServerApi
from function_app.side_by_side import Each, InTurn

GATEWAY_PARTS = "app.kubernetes.io/component=EgressGateway.operator.tigera.io"
"""Label that Tigera's operator gives to every Deployment and pod of an EgressGateway."""

_WHOLE = (
    Kind.EGRESS_GATEWAY,
    Kind.IP_POOL,
    Kind.NAMESPACE,
    Kind.NODE,
    Kind.IPAM_BLOCK,
    Kind.BGP_FILTER,
    Kind.BGP_PEER,
    Kind.BGP_CONFIGURATION,
    Kind.CALICO_NODE_STATUS,
    Kind.FELIX_CONFIGURATION,
    Kind.EGRESS_GATEWAY_POLICY,
    Kind.DISRUPTION_BUDGET,
)
"""Kinds that we write are read whole: what bears a name that ours would take must be seen, whoever made it.

The longest first, here and among all: their pages come one after the other, and the short ones beside them.
"""
_SELECTED = {Kind.DEPLOYMENT: GATEWAY_PARTS, Kind.POD: GATEWAY_PARTS}
_PREREQUISITES = frozenset({Kind.INSTALLATION, Kind.LICENSE_KEY, Kind.TIGERA_STATUS, Kind.DATASTORE_MIGRATION})
"""What writing depends on and is never written. A cluster that does not serve one of them has none of it, which is a fact."""
_GATEWAY_KINDS = frozenset({Kind.EGRESS_GATEWAY, Kind.EGRESS_GATEWAY_POLICY})
_OF_THE_OPERATOR = frozenset({Kind.INSTALLATION, Kind.TIGERA_STATUS, Kind.DATASTORE_MIGRATION, Kind.EGRESS_GATEWAY})
_OF_KUBERNETES = frozenset({Kind.NAMESPACE, Kind.NODE, Kind.POD, Kind.DEPLOYMENT, Kind.DISRUPTION_BUDGET})
_NOT_OF_CALICO = _OF_KUBERNETES | _OF_THE_OPERATOR | {Kind.IPAM_BLOCK}
"""Kinds that kube-apiserver answers for where an aggregated API server answers for the rest of Calico's."""
_IN_A_NAMESPACE = (Kind.POD, Kind.DEPLOYMENT, Kind.DISRUPTION_BUDGET)
_IN_TURN = InTurn()


def observe_cluster(
    api: ClusterApi, clock: Clock, emptying: Iterable[str] = (), each: Each = _IN_TURN
) -> ClusterObservation:
    """Read a cluster. `emptying` are gateway namespaces that may be deleted: everything in them must be known.

    `each` says how the listings are made.
    """
    at = clock.now()
    mode = api.mode()
    listed = each(lambda kind: _listed(api, mode, kind), (*_SELECTED, *_WHOLE, *sorted(_PREREQUISITES)))
    resources = _by_id(body for found in listed for body in found)
    if _pods_may_point(resources):
        resources.update(_by_id(api.list(Kind.POD)))
    emptied = [(kind, namespace) for namespace in sorted(set(emptying)) for kind in _IN_A_NAMESPACE]
    for found in each(lambda one: api.list(one[0], namespace=one[1]), emptied):
        resources.update(_by_id(found))
    system = resources.get(ResourceId(Kind.NAMESPACE, "kube-system"))
    return ClusterObservation(api.target, at, mode, system.uid if system is not None else "", resources)


def _listed(api: ClusterApi, mode: ApiMode, kind: Kind) -> Sequence[Body]:
    if kind in _SELECTED:
        return api.list(kind, label_selector=_SELECTED[kind])
    return _prerequisites(api, mode, kind) if kind in _PREREQUISITES else _whole(api, mode, kind)


def _prerequisites(api: ClusterApi, mode: ApiMode, kind: Kind) -> Sequence[Body]:
    """All objects of a kind that a cluster may well not serve; of a licence no more than its status, never the key."""
    try:
        found = _whole(api, mode, kind)
    except TargetRejected as problem:
        if problem.status != HTTPStatus.NOT_FOUND:
            raise
        return ()
    return tuple(_without_key(body) for body in found) if kind is Kind.LICENSE_KEY else found


def _without_key(body: Body) -> Body:
    metadata = body.get("metadata") or {}
    return {
        "apiVersion": body.get("apiVersion"),
        "kind": body.get("kind"),
        "metadata": {"name": metadata.get("name")},
        "status": body.get("status") or {},
    }


def _whole(api: ClusterApi, mode: ApiMode, kind: Kind) -> Sequence[Body]:
    """All objects of a kind. Raises TargetError, in words where the cause is a part of Calico that is missing or down."""
    try:
        return api.list(kind)
    except TargetRejected as problem:
        if problem.status != HTTPStatus.NOT_FOUND or kind not in _GATEWAY_KINDS:
            raise
        message = (
            f"{kind} is not served on {api.target}: its definition (CRD) is not installed, or was removed. Without it Calico "
            "runs no egress gateways, and what is there of them cannot be seen. Nothing is written to this cluster. Install "
            "Calico Enterprise's CRDs, which the open source edition does not bring, or remove the cluster from Git."
        )
        raise TargetRejected(message, code=problem.code, status=problem.status) from problem
    except TargetUnavailable as problem:
        down = problem.status == HTTPStatus.SERVICE_UNAVAILABLE and mode is ApiMode.AGGREGATED
        if not down or kind in _NOT_OF_CALICO:
            raise
        message = (
            f"Calico's aggregated API server does not answer on {api.target} (503 for {kind}): what it keeps is unknown, not "
            "absent, so nothing is written to this cluster. Look at its pods (`kubectl get pods -A -l apiserver=true`) "
            "and at the APIService v3.projectcalico.org."
        )
        raise TargetUnavailable(
            message, code=problem.code, status=problem.status, retry_after=problem.retry_after
        ) from problem


def _by_id(bodies: Iterable[Body]) -> dict[ResourceId, Resource]:
    return {resource.id: resource for resource in map(_resource, bodies)}


@once
def _resource(body: Body) -> Resource:
    metadata = body.get("metadata") or {}
    kind = Kind(str(body.get("kind")))
    return Resource(ResourceId(kind, str(metadata.get("name", "")), str(metadata.get("namespace", ""))), body)


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
            "rules has no policy: migrate it to one first, classic rules cannot be managed; `egressctl import` writes the policy."
        ) from problem
    groups = {str(body.get("name", "")): Read(body) if type(body) is dict else body for body in api.groups()}
    base = str(((policy.get("properties") or {}).get("basePolicy") or {}).get("id", ""))
    base_groups = {str(body.get("name", "")): body for body in api.base_groups(base)} if base else {}
    return FirewallObservation(api.target, at, policy, groups, base_groups)


def classic_firewall(api: FirewallApi, seen: FirewallObservation | Unreadable) -> Body | None:
    """The hub's firewall where its rules are its own; None where a policy has them, or the firewall cannot be read either."""
    if isinstance(seen, FirewallObservation) and (seen.policy.get("properties") or {}).get("firewalls"):
        return None
    try:
        firewall = api.firewall()
    except TargetError:
        return None
    return None if (firewall.get("properties") or {}).get("firewallPolicy") else firewall


POLL_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.0, 2.0)
"""Pauses between looks at a listing of learned routes, which takes Azure some seconds; longer than this it is the next pass's."""


def observe_route_server(
    api: RouteServerApi, clock: Clock, operations: Mapping[str, str], each: Each = _IN_TURN
) -> RouteServerObservation:
    """Read a Route Server's connections and what each learned; `operations` are listings that an earlier pass started.

    A listing that has not answered in time leaves `routes` None and its URL for the next pass. What a connection teaches while a
    write on it runs is not asked for: that is None as well. `each` says how the connections are asked about.
    """
    at = clock.now()
    hub = api.hub()
    bodies = tuple(api.connections())
    names = [name for body in bodies if (name := _name(body)) and not _changing(body)]
    started = each(lambda name: _started(api, name, operations.get(name, "")), names)
    listings = dict(zip(names, started, strict=True))
    for pause in POLL_SECONDS:
        running = [name for name, listing in listings.items() if listing.routes is None and listing.operation]
        if not running:
            break
        clock.sleep(pause)
        answers = each(lambda name: _resumed(api, listings[name].operation), running)
        listings.update(zip(running, answers, strict=True))
    connections = tuple(_connection(body, listings.get(_name(body), _UNKNOWN), clock.now()) for body in bodies)
    return RouteServerObservation(api.target, at, hub, connections)


def _name(body: Body) -> str:
    return str(body.get("name", ""))


_UNKNOWN = RouteListing(None)


def _changing(body: Body) -> bool:
    return str((body.get("properties") or {}).get("provisioningState")) in ("Updating", "Creating", "Deleting")


def _started(api: RouteServerApi, name: str, operation: str) -> RouteListing:
    """A connection that went since it was listed teaches nothing any more; the next pass does not see it."""
    if operation:
        with suppress(NotFound):
            return api.resume_learned_routes(operation)
    with suppress(NotFound):
        return api.start_learned_routes(name)
    return _UNKNOWN


def _resumed(api: RouteServerApi, operation: str) -> RouteListing:
    with suppress(NotFound):
        return api.resume_learned_routes(operation)
    return _UNKNOWN


def _connection(body: Body, listing: RouteListing, now: datetime) -> PeerConnection:
    properties = body.get("properties") or {}
    routes = _routes(listing.routes) if listing.routes is not None else None
    return PeerConnection(
        name=_name(body),
        peer_ip=str(properties.get("peerIp", "")),
        peer_asn=int(properties.get("peerAsn") or 0),
        state=str(properties.get("connectionState", "Unknown")),
        routes=routes,
        routes_at=now if routes is not None else None,
        operation=listing.operation if routes is None else "",
        provisioning=str(properties.get("provisioningState", "Succeeded")),
    )


@once
def _routes(listed: Mapping[str, Sequence[Body]]) -> LearnedRoutes:
    return LearnedRoutes(_route(instance, route) for instance, found in listed.items() for route in found)


def _route(instance: str, route: Body) -> LearnedRoute:
    return LearnedRoute(
        instance=instance,
        network=str(route.get("network", "")),
        next_hop=str(route.get("nextHop", "")),
        source_peer=str(route.get("sourcePeer", "")),
    )
