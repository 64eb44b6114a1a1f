"""What a person wrote: Hub, Cluster, Tenant, RuleSet, Guardrails.

Shapes only: each field's form is checked here, rules across files live in `reading/check.py`. The committed JSON Schemas
are generated from these classes. Attribute names are Python's, field names in files are the camelCase aliases.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

API_VERSION = "egress-gitops.io/v1alpha1"


class Definition(BaseModel):
    """Common settings: frozen, strict, camelCase in files, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
TenantId = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=40)]
RuleId = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=60)]
Cidr = Annotated[str, Field(description="IPv4 CIDR without host bits, e.g. 10.99.0.0/29")]
Address = Annotated[str, Field(description="IPv4 address, e.g. 10.0.1.4")]
Port = Annotated[str, Field(description='One port or a range, quoted: "443" or "8000-8010"')]
WebProtocol = Annotated[str, Field(pattern=r"^(http|https|mssql):[0-9]{1,5}$", description='e.g. "https:443"')]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description='A day, quoted: "2027-06-30"')]


class DriftMode(StrEnum):
    """What to do with drift: undo it, or only say it."""

    CORRECT = "correct"
    REPORT = "report"


class OnRemoval(StrEnum):
    """What becomes of a workload's traffic when its attachment is removed: leaves as the node, or ends."""

    NODE = "node"
    BLOCK = "block"


class Metadata(Definition):
    """A definition's identity; the file is named after it."""

    name: DnsLabel


class TenantMetadata(Definition):
    """A tenant's identity: a rename is a new tenant."""

    name: TenantId


class Owner(Definition):
    """Who answers for a tenant."""

    team: Annotated[str, Field(min_length=1, max_length=80)]
    contact: Annotated[str, Field(min_length=3, max_length=120)]


class Toleration(Definition):
    """A Kubernetes toleration for gateway pods."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class Resources(Definition):
    """CPU and memory of one gateway pod, Kubernetes quantities."""

    requests: dict[Literal["cpu", "memory"], str] = Field(default_factory=dict)
    limits: dict[Literal["cpu", "memory"], str] = Field(default_factory=dict)


class Gateway(Definition):
    """The egress gateway of one attachment."""

    replicas: Annotated[int, Field(ge=1, le=64)] = 2
    block_size: Annotated[int, Field(ge=26, le=32)] = 32
    log_severity: Literal["Fatal", "Error", "Warn", "Info", "Debug", "Trace"] = "Info"
    zone_spread: bool = True
    disruption_budget: bool = True
    termination_grace_seconds: Annotated[int, Field(ge=0, le=600)] = 30
    resources: Resources = Resources()
    tolerations: tuple[Toleration, ...] = ()
    node_selector: dict[str, str] = Field(default_factory=dict)


class Adopt(Definition):
    """Take over an existing, unmarked gateway and pool; `gateway` is NAME or NAMESPACE/NAME, `labels` its template labels."""

    gateway: Annotated[str, Field(pattern=r"^([-a-z0-9]+/)?[-a-z0-9.]+$")]
    pool: Annotated[str, Field(pattern=r"^[-a-z0-9.]+$")]
    labels: Annotated[dict[str, str], Field(min_length=1)]


class Attachment(Definition):
    """One tenant on one cluster."""

    cluster: DnsLabel
    cidr: Cidr
    namespaces: Annotated[tuple[DnsLabel, ...], Field(min_length=1)]
    gateway: Gateway = Gateway()
    adopt: Adopt | None = None

    @property
    def range(self) -> IPv4Network:
        """The CIDR as a network; checked before anything asks."""
        return IPv4Network(self.cidr)


class AllowRule(Definition):
    """One permission: `fqdns` makes an application rule, `destinations` with `ports` a network rule."""

    name: RuleId
    description: Annotated[str, Field(max_length=200)] = ""
    fqdns: tuple[str, ...] = ()
    protocols: tuple[WebProtocol, ...] = ("https:443",)
    destinations: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    transport: tuple[Literal["TCP", "UDP", "ICMP"], ...] = ("TCP",)
    expires: Day | None = None


class Egress(Definition):
    """What a tenant may reach, and which destinations do not go through its gateway (`bypass`)."""

    include: tuple[DnsLabel, ...] = ()
    allow: tuple[AllowRule, ...] = ()
    bypass: tuple[Cidr, ...] = ()


class Expectation(Definition):
    """A statement about the resulting firewall policy."""

    reach: Annotated[str, Field(min_length=1, max_length=300)]
    verdict: Literal["allow", "deny"]


class TenantSpec(Definition):
    """One owner of egress identities."""

    owner: Owner | None = None
    on_removal: OnRemoval = OnRemoval.NODE
    attachments: Annotated[tuple[Attachment, ...], Field(min_length=1)]
    egress: Egress = Egress()
    expect: tuple[Expectation, ...] = ()


class Tenant(Definition):
    """`gitops/tenants/NAME.yaml`."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["Tenant"]
    metadata: TenantMetadata
    spec: TenantSpec


class RuleSetSpec(Definition):
    """Rules that several tenants include."""

    allow: Annotated[tuple[AllowRule, ...], Field(min_length=1)]


class RuleSet(Definition):
    """`gitops/rulesets/NAME.yaml`."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["RuleSet"]
    metadata: Metadata
    spec: RuleSetSpec


class AksApiServer(Definition):
    """Reach the API server through the AKS resource, with an Entra token."""

    aks_resource_id: Annotated[
        str,
        Field(
            pattern=r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ContainerService/managedClusters/[^/]+$"
        ),
    ]


class UrlApiServer(Definition):
    """Reach the API server by address; `ca_data` is base64 PEM. Credentials come from the settings, never from here."""

    server: Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s?#@]*)?$")]
    ca_data: str | None = None


class ClusterNetwork(Definition):
    """Ranges that are in use in a cluster and its VNet; no egress range may touch them."""

    vnet: Annotated[tuple[Cidr, ...], Field(min_length=1)]
    nodes: Cidr
    pods: Cidr
    services: Cidr


class Reflectors(Definition):
    """Which nodes reflect routes, as a Calico selector, and their BGP cluster id."""

    selector: Annotated[str, Field(min_length=1, max_length=512)] = "route-reflector == 'true'"
    cluster_id: Address = "244.0.0.1"


class ClusterBgp(Definition):
    """BGP of one cluster. `adopt` takes over an existing filter and Route Server peers of the published names."""

    asn: Annotated[int, Field(ge=1, le=65534)] = 64512
    reachable_by: Address
    reflectors: Reflectors = Reflectors()
    adopt: bool = False


class ClusterSpec(Definition):
    """One spoke AKS cluster."""

    hub: DnsLabel
    api_server: AksApiServer | UrlApiServer
    network: ClusterNetwork
    bgp: ClusterBgp
    egress_cidr: Cidr
    reserved_namespaces: tuple[DnsLabel, ...] = ()
    drift: DriftMode = DriftMode.CORRECT
    azure: dict[str, Any] = Field(default_factory=dict, description="Read by Terraform alone")


class Cluster(Definition):
    """`gitops/clusters/NAME.yaml`."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["Cluster"]
    metadata: Metadata
    spec: ClusterSpec


class PriorityBand(Definition):
    """Rule collection group priorities that are ours; the first belongs to the block shard."""

    first: Annotated[int, Field(ge=100, le=65000)] = 1000
    last: Annotated[int, Field(ge=100, le=65000)] = 1099


class Shards(Definition):
    """How tenants are packed into rule collection groups. Groups are named PREFIX-000, PREFIX-001, ... and PREFIX-block."""

    prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")] = "egress"
    priority: PriorityBand = PriorityBand()
    tenants_per_shard: Annotated[int, Field(ge=1, le=500)] = 25
    max_bytes: Annotated[int, Field(ge=1_000, le=2_000_000)] = 1_400_000


class HubFirewall(Definition):
    """The firewall policy that holds tenants' rules; the policy is a child of Terraform's platform policy."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    policy: Annotated[str, Field(min_length=1, max_length=80)]
    shards: Shards = Shards()


class RouteServer(Definition):
    """The hub's Azure Route Server."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    asn: Annotated[int, Field(ge=1, le=4294967295)] = 65515
    peer_ips: Annotated[tuple[Address, ...], Field(min_length=2, max_length=2, alias="peerIPs")]


class Limits(Definition):
    """What a plan may not exceed without a waiver, and how long things wait."""

    routes_per_peer: Annotated[int, Field(ge=1, le=4000)] = 500
    rule_collection_groups: Annotated[int, Field(ge=1, le=100)] = 60
    rule_collections: Annotated[int, Field(ge=1, le=2000)] = 2000
    removals: Annotated[int, Field(ge=1)] = 5
    removals_percent: Annotated[int, Field(ge=1, le=100)] = 20
    drain_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    quarantine_hours: Annotated[int, Field(ge=0, le=8760)] = 24


class HubSpec(Definition):
    """One firewall policy with its Route Server: the unit of reconciliation."""

    subscription: Annotated[str, Field(pattern=r"^[0-9a-fA-F-]{36}$")]
    resource_group: Annotated[str, Field(min_length=1, max_length=90)]
    vnet: Annotated[tuple[Cidr, ...], Field(min_length=1)]
    firewall: HubFirewall
    route_server: RouteServer
    limits: Limits = Limits()
    drift: DriftMode = DriftMode.CORRECT
    azure: dict[str, Any] = Field(default_factory=dict, description="Read by Terraform alone")


class Hub(Definition):
    """`gitops/hubs/NAME.yaml`."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["Hub"]
    metadata: Metadata
    spec: HubSpec


class ReplicaBounds(Definition):
    """Allowed number of gateway replicas."""

    min: Annotated[int, Field(ge=1)] = 1
    max: Annotated[int, Field(ge=1)] = 64


class Forbidden(Definition):
    """What no tenant may write: wildcards at all, names, ports, destinations (a rule that covers one is refused)."""

    wildcards: bool = False
    fqdns: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    destinations: tuple[str, ...] = ("*", "0.0.0.0/0")


class GuardrailsSpec(Definition):
    """What the organisation forbids."""

    require_owner: bool = True
    replicas: ReplicaBounds = ReplicaBounds()
    forbid: Forbidden = Forbidden()
    expect: tuple[Expectation, ...] = ()


class Guardrails(Definition):
    """`gitops/guardrails.yaml`; without the file the defaults hold."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["Guardrails"]
    metadata: Metadata
    spec: GuardrailsSpec = GuardrailsSpec()


AnyDefinition = Hub | Cluster | Tenant | RuleSet | Guardrails
KINDS: dict[str, type[Hub | Cluster | Tenant | RuleSet | Guardrails]] = {
    "Hub": Hub,
    "Cluster": Cluster,
    "Tenant": Tenant,
    "RuleSet": RuleSet,
    "Guardrails": Guardrails,
}
