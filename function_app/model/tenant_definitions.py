"""What tenants write: Tenant and RuleSet. Shapes only; `reading` checks what values mean together."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from function_app.model.definition_fields import (
    Cidr,
    Day,
    Definition,
    DnsLabel,
    Expectation,
    LabelKey,
    LabelValue,
    Metadata,
    Port,
    Quantity,
    RuleId,
    TenantId,
    WebProtocol,
)


class OnRemoval(StrEnum):
    """What becomes of a workload's traffic when its attachment is removed: leaves as the node, or ends."""

    NODE = "node"
    BLOCK = "block"


class TenantMetadata(Definition):
    """A tenant's identity: a rename is a new tenant."""

    name: TenantId


class Owner(Definition):
    """Who answers for a tenant."""

    team: Annotated[str, Field(min_length=1, max_length=80, description="The team", examples=["payments"])]
    contact: Annotated[
        str, Field(min_length=3, max_length=120, description="How to reach it", examples=["payments@example.com"])
    ]


class Toleration(Definition):
    """A Kubernetes toleration for gateway pods."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class Resources(Definition):
    """CPU and memory of one gateway pod, Kubernetes quantities."""

    requests: dict[Literal["cpu", "memory"], Quantity] = Field(default_factory=dict)
    limits: dict[Literal["cpu", "memory"], Quantity] = Field(default_factory=dict)


class Gateway(Definition):
    """The egress gateway of one attachment."""

    replicas: Annotated[
        int,
        Field(
            ge=1, le=64, description="How many gateway pods; the range must hold them, their surge and terminating ones"
        ),
    ] = 2
    block_size: Annotated[
        int,
        Field(
            ge=26, le=32, description="Prefix length of the pool's blocks, a block belongs to one node; 32 is advised"
        ),
    ] = 32
    log_severity: Annotated[
        Literal["Fatal", "Error", "Warn", "Info", "Debug", "Trace"], Field(description="What the gateway logs")
    ] = "Info"
    zone_spread: Annotated[bool, Field(description="Spread the pods over availability zones")] = True
    disruption_budget: Annotated[bool, Field(description="Let node drains take one pod at a time")] = True
    termination_grace_seconds: Annotated[
        int, Field(ge=0, le=600, description="How long a stopping pod may finish connections")
    ] = 30
    resources: Resources = Resources()
    tolerations: tuple[Toleration, ...] = ()
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Only nodes with these labels run the gateway"
    )


class Adopt(Definition):
    """Take over an existing, unmarked gateway and pool; `gateway` is NAME or NAMESPACE/NAME, `labels` its template labels."""

    gateway: Annotated[
        str,
        Field(
            pattern=r"^([-a-z0-9]+/)?[-a-z0-9.]+$",
            description="The existing EgressGateway, NAME or NAMESPACE/NAME",
            examples=["tenant0-egw/tenant0-egw"],
        ),
    ]
    pool: Annotated[
        str, Field(pattern=r"^[-a-z0-9.]+$", description="The existing IPPool's name", examples=["tenant0-pool"])
    ]
    labels: Annotated[
        dict[LabelKey, LabelValue],
        Field(
            min_length=1,
            description="The labels of the existing gateway's pod template",
            examples=[{"tenant": "tenant0"}],
        ),
    ]

    @property
    def names(self) -> tuple[str, str, str]:
        """Gateway namespace, gateway and pool; a gateway without a namespace lives in the one of its name."""
        namespace, _, gateway = self.gateway.rpartition("/")
        return namespace or gateway, gateway, self.pool


class Attachment(Definition):
    """One tenant on one cluster."""

    cluster: Annotated[DnsLabel, Field(description="The cluster's name: clusters/NAME.yaml")]
    cidr: Annotated[
        Cidr,
        Field(
            description="The range, inside the cluster's egressCIDR and nobody else's: an IPv4 range without host bits"
        ),
    ]
    namespaces: Annotated[
        tuple[DnsLabel, ...],
        Field(
            min_length=1,
            description="The workload namespaces whose pods leave through the gateway",
            examples=[["default"]],
        ),
    ]
    gateway: Gateway = Gateway()
    adopt: Annotated[
        Adopt | None, Field(description="Take over an existing gateway and pool instead of making new ones")
    ] = None

    @property
    def range(self) -> IPv4Network:
        """The CIDR as a network; checked before anything asks."""
        return _network(self.cidr)


@lru_cache(maxsize=16_384)
def _network(text: str) -> IPv4Network:
    return IPv4Network(text)


class AllowRule(Definition):
    """One permission: `fqdns` makes an application rule, `destinations` with `ports` a network rule."""

    name: RuleId
    description: Annotated[str, Field(max_length=200, description="Why the rule exists, for readers")] = ""
    fqdns: Annotated[
        tuple[str, ...],
        Field(
            description="Names of an application rule: `www.example.com` or `*.example.com`",
            examples=[["www.example.com", "*.example.com"]],
        ),
    ] = ()
    protocols: Annotated[
        tuple[WebProtocol, ...],
        Field(
            description='Protocols and ports of an application rule: "https:443"', examples=[["http:80", "https:443"]]
        ),
    ] = ("https:443",)
    destinations: Annotated[
        tuple[str, ...],
        Field(
            description="Destinations of a network rule: address, range, CIDR or Azure service tag",
            examples=[["198.51.100.20/32", "Storage.WestEurope"]],
        ),
    ] = ()
    ports: Annotated[
        tuple[Port, ...],
        Field(description='Ports of a network rule, in quotes: "443", "8000-8010", "*"', examples=[["443"]]),
    ] = ()
    transport: Annotated[
        tuple[Literal["TCP", "UDP", "ICMP"], ...], Field(description="Transports of a network rule")
    ] = ("TCP",)
    expires: Day | None = None


class Egress(Definition):
    """What a tenant may reach, and which destinations do not go through its gateway (`bypass`)."""

    include: Annotated[
        tuple[DnsLabel, ...], Field(description="Shared rule sets: rulesets/NAME.yaml", examples=[["baseline"]])
    ] = ()
    allow: Annotated[tuple[AllowRule, ...], Field(description="The tenant's own permissions; all else is denied")] = ()
    bypass: Annotated[
        tuple[Cidr, ...],
        Field(description="Destinations that do not go through the gateway", examples=[["10.0.0.0/8"]]),
    ] = ()


class TenantSpec(Definition):
    """One owner of egress identities."""

    owner: Owner | None = None
    on_removal: Annotated[
        OnRemoval,
        Field(description="When the tenant is removed its pods leave as their node (`node`), or not at all (`block`)"),
    ] = OnRemoval.NODE
    attachments: Annotated[
        tuple[Attachment, ...], Field(min_length=1, description="On which clusters, with which range and namespaces")
    ]
    egress: Egress = Egress()
    expect: Annotated[
        tuple[Expectation, ...], Field(description="Statements that are checked against the resulting firewall policy")
    ] = ()


class Tenant(Definition):
    """`gitops/tenants/NAME.yaml`."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["Tenant"]
    metadata: TenantMetadata
    spec: TenantSpec


class RuleSetSpec(Definition):
    """Rules that several tenants include."""

    allow: Annotated[tuple[AllowRule, ...], Field(min_length=1, description="The shared permissions")]


class RuleSet(Definition):
    """`gitops/rulesets/NAME.yaml`."""

    api_version: Literal["egress-gitops.io/v1alpha1"]
    kind: Literal["RuleSet"]
    metadata: Metadata
    spec: RuleSetSpec
