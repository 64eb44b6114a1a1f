"""The shape of a world file: what exists before anybody acts. Rules that make a world impossible live in `world.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Document(BaseModel):
    """Frozen, camelCase, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class NodeDocument(Document):
    """One node; `reflector` labels it `route-reflector=true` and gives it a Route Server connection."""

    name: str
    address: str
    zone: str = "1"
    reflector: bool = False
    labels: dict[str, str] = Field(default_factory=dict)


class ClusterDocument(Document):
    """One AKS cluster with Calico Enterprise. `objects` are further Kubernetes objects that exist at the start.

    A `bare` cluster is as Calico's installation leaves it: no BGPConfiguration, and no Route Server connection to its reflectors.
    Pods become ready `pod_seconds` after they were scheduled; `workloads` maps a namespace to its pods' names.
    """

    hub: str
    resource_group: str = "spokes"
    api_mode: Literal["aggregated", "native"] = "native"
    kubernetes_version: str = "1.36.3"
    vnet: tuple[str, ...]
    node_subnet: str
    pods: str
    services: str
    asn: int = 64512
    reachable_by: str = ""
    bare: bool = False
    egress_ip_support: Literal["Disabled", "EnabledPerNamespace", "EnabledPerNamespaceOrPerPod"] = "Disabled"
    pod_seconds: float = 8.0
    nodes: tuple[NodeDocument, ...]
    workloads: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    objects: tuple[dict[str, Any], ...] = ()


class FirewallDocument(Document):
    """A firewall with its tenant policy and base policy. An empty `policy` makes it a classic firewall.

    `own` is then what stands on the firewall itself, as ARM speaks it: rule collections of three kinds, `threatIntelMode`,
    `additionalProperties`.
    """

    name: str
    policy: str = ""
    base_policy: str = ""
    private_ip: str = Field(alias="privateIP")
    public_ip: str = Field(alias="publicIP")
    operation_seconds: float = 240.0
    afc_managed: bool = False
    own: dict[str, Any] = Field(default_factory=dict)


class RouteServerDocument(Document):
    """A Route Server; connections to reflectors are made from the clusters' nodes."""

    name: str
    asn: int = 65515
    peer_ips: tuple[str, str] = Field(alias="peerIPs")
    routes_per_peer: int = 1000
    listing_seconds: float = 5.0


class HubDocument(Document):
    """One hub. `base_groups` and `groups` are rule collection groups (`{name, properties}`) present at the start."""

    subscription: str
    resource_group: str
    region: str = "westeurope"
    vnet: tuple[str, ...]
    firewall: FirewallDocument
    route_server: RouteServerDocument
    base_groups: tuple[dict[str, Any], ...] = ()
    groups: tuple[dict[str, Any], ...] = ()


class WorldDocument(Document):
    """A whole world file. `sites` maps names to addresses for DNS."""

    clock: datetime
    hubs: dict[str, HubDocument]
    clusters: dict[str, ClusterDocument]
    sites: dict[str, str] = Field(default_factory=dict)
