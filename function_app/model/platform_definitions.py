"""What the platform team writes: Hub, Cluster and Guardrails. Shapes only; `reading` checks what values mean together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from function_app.model.azure_definitions import ClusterAzure, HubAzure
from function_app.model.definition_fields import (
    Address,
    ApplyMode,
    AzureName,
    Cidr,
    Definition,
    DnsLabel,
    DriftMode,
    Expectation,
    Metadata,
    Port,
)
from function_app.model.rollout_definitions import ChangeWindow, Rollout

MOST_PEERS = 8
"""BGP peers that one Route Server holds (Microsoft Learn, route-server-faq)."""
REFLECTORS_PER_CLUSTER = 2
"""What a cluster is reckoned with before its nodes are seen: two route reflectors, so that one may fail."""


class AksApiServer(Definition):
    """Reach the API server through the AKS resource, with an Entra token."""

    aks_resource_id: Annotated[
        str,
        Field(
            pattern=r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ContainerService/managedClusters/[^/]+$",
            description="The AKS cluster's resource id: "
            "/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ContainerService/managedClusters/NAME",
        ),
    ]


class UrlApiServer(Definition):
    """Reach the API server by address; `ca_data` is base64 PEM. Credentials come from the settings, never from here."""

    server: Annotated[
        str,
        Field(
            pattern=r"^https?://[^\s/@?#]+(/[^\s?#@]*)?$",
            description="The API server's URL, without user and query",
            examples=["https://10.1.0.10:6443"],
        ),
    ]
    ca_data: Annotated[str | None, Field(description="The API server's certificate authority: PEM, base64-encoded")] = (
        None
    )


def _api_server_form(value: object) -> str:
    """Which of the two forms was meant, so that a mistake is explained in that one's terms."""
    if isinstance(value, dict):
        return "url" if "server" in value or "caData" in value else "aks"
    return "url" if isinstance(value, UrlApiServer) else "aks"


ApiServer = Annotated[
    Annotated[AksApiServer, Tag("aks")] | Annotated[UrlApiServer, Tag("url")], Discriminator(_api_server_form)
]


class ClusterNetwork(Definition):
    """Ranges that are in use in a cluster and its VNet; no egress range may touch them."""

    vnet: Annotated[
        tuple[Cidr, ...], Field(min_length=1, description="The VNet's address space", examples=[["10.1.0.0/16"]])
    ]
    nodes: Annotated[Cidr, Field(description="The node subnet, inside the VNet", examples=["10.1.0.0/22"])]
    pods: Annotated[Cidr, Field(description="The pods' range", examples=["10.244.0.0/16"])]
    services: Annotated[Cidr, Field(description="The services' range", examples=["172.16.0.0/16"])]


class Reflectors(Definition):
    """Which nodes reflect routes, as a Calico selector, and their BGP cluster id; `dedicated` keeps gateways off them."""

    selector: Annotated[
        str, Field(min_length=1, max_length=512, description="Calico selector of the reflector nodes")
    ] = "route-reflector == 'true'"
    cluster_id: Annotated[
        Address, Field(description="Route reflector cluster id, written as an address", examples=["244.0.0.1"])
    ] = "244.0.0.1"
    dedicated: Annotated[
        bool, Field(description="Whether these nodes run no gateways; becoming a reflector interrupts a node's pods")
    ] = True


class ClusterBgp(Definition):
    """BGP of one cluster. `adopt` takes over an existing filter and Route Server peers of the published names."""

    asn: Annotated[
        int, Field(ge=1, le=65534, description="The cluster's BGP AS number: 16 bits, none that Azure or IANA reserve")
    ] = 64512
    reachable_by: Annotated[
        Address,
        Field(description="The node subnet's gateway, by which nodes reach the Route Server", examples=["10.1.0.1"]),
    ]
    reflectors: Reflectors = Reflectors()
    adopt: Annotated[bool, Field(description="Take over an existing filter and Route Server peers")] = False


class ClusterSpec(Definition):
    """One spoke AKS cluster."""

    hub: Annotated[DnsLabel, Field(description="The hub's name: hubs/NAME.yaml")]
    api_server: ApiServer
    network: ClusterNetwork
    bgp: ClusterBgp
    egress_cidr: Annotated[
        Cidr,
        Field(
            description="Where this cluster's egress ranges come from: an IPv4 range without host bits, nobody else's",
            examples=["10.99.0.0/24"],
            alias="egressCIDR",
        ),
    ]
    reserved_namespaces: Annotated[
        tuple[DnsLabel, ...], Field(description="Namespaces that no tenant may claim, besides those of the system")
    ] = ()
    drift: Annotated[DriftMode, Field(description="Undo drift (`correct`), or only say it (`report`)")] = (
        DriftMode.CORRECT
    )
    leaving: Annotated[
        bool,
        Field(
            description="Take down what is ours on the cluster once no tenant is attached, before this file is removed"
        ),
    ] = False
    change_windows: Annotated[
        tuple[ChangeWindow, ...],
        Field(description="When commits are taken up here; without any, always. What denies never waits"),
    ] = ()
    rollout: Annotated[
        Rollout | None, Field(description="Which clusters of the hub take a commit up before this one")
    ] = None
    azure: Annotated[ClusterAzure | None, Field(description="What Terraform builds; without it nothing")] = None


class Cluster(Definition):
    """`gitops/clusters/NAME.yaml`."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["Cluster"]
    metadata: Metadata
    spec: ClusterSpec


class PriorityBand(Definition):
    """Rule collection group priorities that are ours; the first belongs to the block shard."""

    first: Annotated[int, Field(ge=100, le=65000, description="The first priority; it is the block shard's")] = 1000
    last: Annotated[int, Field(ge=100, le=65000, description="The last priority")] = 1099


class Shards(Definition):
    """How tenants are packed into rule collection groups. Groups are named PREFIX-000, PREFIX-001, ... and PREFIX-block."""

    prefix: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9-]{0,30}$",
            description="What our rule collection groups' names begin with: a lower-case letter, then letters, digits, hyphens",
        ),
    ] = "egress"
    priority: PriorityBand = PriorityBand()
    tenants_per_shard: Annotated[int, Field(ge=1, le=500, description="How many tenants share one group")] = 25
    max_bytes: Annotated[int, Field(ge=1_000, le=2_000_000, description="The size that a group is kept below")] = (
        1_400_000
    )


class HubFirewall(Definition):
    """The firewall policy that holds tenants' rules; the policy is a child of Terraform's platform policy."""

    name: Annotated[AzureName, Field(description="The Azure Firewall's name", examples=["hub-fw"])]
    policy: Annotated[AzureName, Field(description="The firewall policy for tenants' rules", examples=["tenants"])]
    shards: Shards = Shards()


class RouteServer(Definition):
    """The hub's Azure Route Server."""

    name: Annotated[AzureName, Field(description="The Route Server's name", examples=["hub-rs"])]
    asn: Annotated[int, Field(ge=1, le=4294967295, description="Its AS number; Azure's is 65515")] = 65515
    peer_ips: Annotated[
        tuple[Address, ...],
        Field(
            min_length=2,
            max_length=2,
            alias="peerIPs",
            description="The addresses of its two instances",
            examples=[["10.0.1.4", "10.0.1.5"]],
        ),
    ]


class Limits(Definition):
    """What a plan may not exceed without a waiver, and how long things wait."""

    routes_per_peer: Annotated[
        int,
        Field(
            ge=1,
            le=4000,
            description="Routes that one peer may send; Azure drops the session at 1,000, and a re-advertisement counts twice",
        ),
    ] = 500
    rule_collection_groups: Annotated[
        int, Field(ge=1, le=100, description="Rule collection groups that the policy may hold")
    ] = 60
    rule_collections: Annotated[int, Field(ge=1, le=2000, description="Rule collections that the policy may hold")] = (
        2000
    )
    removals: Annotated[int, Field(ge=1, description="Attachments that one plan may begin to remove")] = 5
    removals_percent: Annotated[int, Field(ge=1, le=100, description="The same as a share of all attachments")] = 20
    drain_minutes: Annotated[
        int, Field(ge=0, le=1440, description="How long a former gateway stays after the last switch")
    ] = 10
    quarantine_hours: Annotated[
        int, Field(ge=0, le=8760, description="How long a freed range is given to nobody else")
    ] = 24


class HubSpec(Definition):
    """One firewall policy with its Route Server: the unit of reconciliation."""

    subscription: Annotated[
        str,
        Field(
            pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
            description="The Azure subscription's id",
            examples=["11111111-2222-3333-4444-555555555555"],
        ),
    ]
    resource_group: Annotated[
        str,
        Field(
            min_length=1,
            max_length=90,
            pattern=r"^[-\w._()]*[-\w_()]$",
            description="The hub's resource group: letters, digits, `-`, `_`, `.`, parentheses; no dot at the end",
            examples=["hub-network"],
        ),
    ]
    vnet: Annotated[
        tuple[Cidr, ...], Field(min_length=1, description="The hub VNet's address space", examples=[["10.0.0.0/16"]])
    ]
    firewall: HubFirewall
    route_server: RouteServer
    limits: Limits = Limits()
    drift: Annotated[DriftMode, Field(description="Undo drift (`correct`), or only say it (`report`)")] = (
        DriftMode.CORRECT
    )
    change_windows: Annotated[
        tuple[ChangeWindow, ...],
        Field(description="When commits are taken up here; without any, always. What denies never waits"),
    ] = ()
    rollout: Annotated[Rollout | None, Field(description="Which hubs take a commit up before this one")] = None
    apply: Annotated[
        ApplyMode,
        Field(
            description="Which changes of tenants are applied: all that are `merged`, or, `reviewed`, those alone that mean what "
            "was shown and approved; what takes something away always is"
        ),
    ] = ApplyMode.MERGED
    azure: Annotated[HubAzure | None, Field(description="What Terraform builds; without it nothing")] = None


class Hub(Definition):
    """`gitops/hubs/NAME.yaml`."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["Hub"]
    metadata: Metadata
    spec: HubSpec


class ReplicaBounds(Definition):
    """Allowed number of gateway replicas."""

    min: Annotated[int, Field(ge=1, le=64, description="At least so many")] = 1
    max: Annotated[int, Field(ge=1, le=64, description="At most so many")] = 64


class Forbidden(Definition):
    """What no tenant may write: wildcards at all, names, ports, destinations (a rule that covers one is refused)."""

    wildcards: Annotated[bool, Field(description="Whether names with `*.` are forbidden")] = False
    fqdns: Annotated[
        tuple[str, ...], Field(description="Names that no rule may cover", examples=[["*.pastebin.com"]])
    ] = ()
    ports: Annotated[
        tuple[Port, ...], Field(description="Ports that no rule may cover", examples=[["22", "3389"]])
    ] = ()
    destinations: Annotated[
        tuple[str, ...],
        Field(
            description="Destinations that no rule may reach; `*` and 0.0.0.0/0 forbid only rules for everything",
            examples=[["*", "0.0.0.0/0"]],
        ),
    ] = ("*", "0.0.0.0/0")


class GuardrailsSpec(Definition):
    """What the organisation forbids."""

    require_owner: Annotated[bool, Field(description="Whether each tenant must name an owner")] = True
    replicas: ReplicaBounds = ReplicaBounds()
    forbid: Forbidden = Forbidden()
    expect: Annotated[tuple[Expectation, ...], Field(description="Statements that must hold for every tenant")] = ()


class Guardrails(Definition):
    """`gitops/guardrails.yaml`; without the file the defaults hold."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["Guardrails"]
    metadata: Metadata
    spec: GuardrailsSpec = GuardrailsSpec()
