"""One shape for what is desired and what is observed, so that they compare."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from ipaddress import IPv4Network
from operator import attrgetter
from typing import Any, NamedTuple

from function_app.model.names import TargetName
from function_app.model.once import Keeper, Row

Body = Mapping[str, Any]
"""JSON as the target's API speaks it."""


class Kind(StrEnum):
    """Every kind of resource that we read or write."""

    __hash__ = str.__hash__  # StrEnum's own is written in Python, and every lookup of a resource asks for it

    NAMESPACE = "Namespace"
    NODE = "Node"
    POD = "Pod"
    DEPLOYMENT = "Deployment"
    DISRUPTION_BUDGET = "PodDisruptionBudget"
    IP_POOL = "IPPool"
    IPAM_BLOCK = "IPAMBlock"
    BGP_FILTER = "BGPFilter"
    BGP_PEER = "BGPPeer"
    BGP_CONFIGURATION = "BGPConfiguration"
    CALICO_NODE_STATUS = "CalicoNodeStatus"
    FELIX_CONFIGURATION = "FelixConfiguration"
    EGRESS_GATEWAY = "EgressGateway"
    EGRESS_GATEWAY_POLICY = "EgressGatewayPolicy"
    INSTALLATION = "Installation"
    LICENSE_KEY = "LicenseKey"
    TIGERA_STATUS = "TigeraStatus"
    DATASTORE_MIGRATION = "DatastoreMigration"
    FIREWALL_POLICY = "FirewallPolicy"
    RULE_COLLECTION_GROUP = "RuleCollectionGroup"
    BGP_CONNECTION = "BgpConnection"


class ResourceId(NamedTuple):
    """Which resource, within a target."""

    kind: Kind
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource(Keeper):
    """One thing with an id and a body."""

    id: ResourceId
    body: Body = field(hash=False)

    @property
    def metadata(self) -> Body:
        """Kubernetes metadata; empty for Azure resources."""
        value: Body = self.body.get("metadata") or {}
        return value

    @property
    def spec(self) -> Body:
        """Kubernetes spec; empty when absent."""
        value: Body = self.body.get("spec") or {}
        return value

    @property
    def status(self) -> Body:
        """Kubernetes status; empty when absent."""
        value: Body = self.body.get("status") or {}
        return value

    @property
    def uid(self) -> str:
        """Kubernetes uid, empty when absent."""
        return str(self.metadata.get("uid", ""))

    @property
    def resource_version(self) -> str:
        """Kubernetes resourceVersion, empty when absent."""
        return str(self.metadata.get("resourceVersion", ""))

    @property
    def labels(self) -> Mapping[str, str]:
        """Kubernetes labels."""
        return self.metadata.get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """Kubernetes annotations."""
        return self.metadata.get("annotations") or {}

    @property
    def terminating(self) -> bool:
        """Deletion was asked for and has not finished."""
        return "deletionTimestamp" in self.metadata


class ApiMode(StrEnum):
    """Who serves `projectcalico.org/v3` on a cluster."""

    AGGREGATED = "aggregated"
    NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A target that could not be read in this pass; never the same as an empty one.

    `late` means that it may still answer within this pass; `permanent` that waiting does not help.
    """

    target: TargetName
    at: datetime
    message: str
    permanent: bool = False
    late: bool = False
    retry_after: float | None = None


@dataclass(frozen=True)
class ClusterObservation:
    """Everything we read of one cluster, in one go. `identity` is the uid of its kube-system namespace.

    Without slots, because what is looked up for every attachment is put in order once, when it is first asked for.
    """

    target: TargetName
    at: datetime
    mode: ApiMode
    identity: str
    resources: Mapping[ResourceId, Resource]

    def of(self, kind: Kind) -> tuple[Resource, ...]:
        """All resources of one kind, by name."""
        return self._by_kind.get(kind, ())

    def within(self, kind: Kind, namespace: str) -> tuple[Resource, ...]:
        """All resources of one kind in one namespace, by name."""
        return self._by_namespace.get((kind, namespace), ())

    @cached_property
    def _by_kind(self) -> Mapping[Kind, tuple[Resource, ...]]:
        found: dict[Kind, list[Resource]] = {}
        for key, resource in self.resources.items():
            found.setdefault(key.kind, []).append(resource)
        return {kind: tuple(sorted(members, key=_place)) for kind, members in found.items()}

    @cached_property
    def _by_namespace(self) -> Mapping[tuple[Kind, str], tuple[Resource, ...]]:
        found: dict[tuple[Kind, str], list[Resource]] = {}
        for kind, members in self._by_kind.items():
            for resource in members:
                found.setdefault((kind, resource.id.namespace), []).append(resource)
        return {place: tuple(members) for place, members in found.items()}

    def get(self, kind: Kind, name: str, namespace: str = "") -> Resource | None:
        """One resource, None when it does not exist."""
        return self.resources.get(ResourceId(kind, name, namespace))


_place = attrgetter("id.name", "id.namespace")


@dataclass(frozen=True, slots=True)
class FirewallObservation:
    """A firewall policy with its rule collection groups, bodies as ARM speaks them.

    `groups` are the policy's own by name, `base_groups` those of its base policy. `attached_firewalls` are resource ids.
    """

    target: TargetName
    at: datetime
    policy: Body
    groups: Mapping[str, Body]
    base_groups: Mapping[str, Body] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Some write of anybody is still running on the policy."""
        return self.policy.get("properties", {}).get("provisioningState") in ("Updating", "Creating", "Deleting")


@dataclass(frozen=True, slots=True)
class LearnedRoute:
    """One route that one Route Server instance learned; `network` and `next_hop` as text."""

    instance: str
    network: str
    next_hop: str
    source_peer: str


class LearnedRoutes(Row[LearnedRoute]):
    """The routes of one listing, in the order of their addresses once somebody asks for a range."""

    def inside(self, cidr: IPv4Network) -> tuple[LearnedRoute, ...]:
        """Routes for the range or a part of it."""
        addresses, routes = self._by_address
        first = bisect_left(addresses, int(cidr.network_address))
        behind = bisect_left(addresses, int(cidr.broadcast_address) + 1)
        return tuple(route for length, route in routes[first:behind] if length >= cidr.prefixlen)

    @cached_property
    def _by_address(self) -> tuple[list[int], list[tuple[int, LearnedRoute]]]:
        """Each route's first address, and with it prefix length and route; what is no IPv4 network is left out."""
        found = sorted(
            (
                (int(network.network_address), network.prefixlen, route)
                for route in self
                if (network := network_of(route.network)) is not None
            ),
            key=lambda one: one[:2],
        )
        return [address for address, _, _ in found], [(length, route) for _, length, route in found]


@dataclass(frozen=True, slots=True)
class PeerConnection:
    """One BGP connection of a Route Server. `routes` is None while the listing operation still runs."""

    name: str
    peer_ip: str
    peer_asn: int
    state: str
    routes: LearnedRoutes | None
    routes_at: datetime | None = None
    """When the routes were answered."""
    operation: str = ""
    """URL of the listing operation to resume, empty when none runs."""
    provisioning: str = "Succeeded"
    """ARM's provisioningState."""

    @property
    def changing(self) -> bool:
        """A write on it is running: what it teaches is about to change."""
        return self.provisioning in ("Updating", "Creating", "Deleting")

    def routes_inside(self, cidr: IPv4Network) -> tuple[LearnedRoute, ...]:
        """Learned routes for the range or a part of it."""
        return self.routes.inside(cidr) if self.routes is not None else ()


@lru_cache(maxsize=32_768)
def network_of(text: str) -> IPv4Network | None:
    """The range that others wrote down, None when it is no IPv4 range; kept, since the same few thousand come again and again."""
    try:
        return IPv4Network(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class RouteServerObservation(Keeper):
    """A Route Server with its connections and what each of its two instances learned from them."""

    target: TargetName
    at: datetime
    hub: Body
    connections: tuple[PeerConnection, ...]


OUR_REQUESTS = "e6e55006"
"""The first eight digits of the request ids that Azure is given by us, by which its activity log shows which writes are ours."""


def is_our_request(request: str) -> bool:
    """Whether a request's id says that it was ours."""
    return request.lower().startswith(OUR_REQUESTS)


@dataclass(frozen=True, slots=True)
class ActivityLog:
    """What Azure's activity log shows, by rule collection group: events as its API has them."""

    events: Mapping[str, Sequence[Body]]


@dataclass(frozen=True, slots=True)
class Observations:
    """What a pass saw. A cluster that has no entry was not asked."""

    clusters: Mapping[str, ClusterObservation | Unreadable]
    firewall: FirewallObservation | Unreadable
    route_server: RouteServerObservation | Unreadable
