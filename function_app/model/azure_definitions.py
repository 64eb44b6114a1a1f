"""The parts of Hub and Cluster that Terraform builds from; the reconciler checks them and acts on nothing of them.

terraform/modules/inventory/definitions has the same keys and defaults; tests/terraform holds one against the other.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from function_app.model.definition_fields import Cidr, Definition

Zones = Annotated[
    tuple[Literal["1", "2", "3"], ...],
    Field(min_length=1, description='Availability zones, in quotes: ["1", "2", "3"]'),
]
VmSize = Annotated[
    str, Field(pattern=r"^Standard_[A-Za-z0-9_]+$", description="An Azure VM size", examples=["Standard_D4ds_v5"])
]


class HubAzure(Definition):
    """What Terraform builds of a hub. Without it the hub's network is somebody else's."""

    location: Annotated[
        str, Field(pattern=r"^[a-z]{4,}[0-9]?$", description="The Azure region", examples=["westeurope"])
    ]
    firewall_subnet: Annotated[
        Cidr, Field(description="AzureFirewallSubnet, inside the VNet, /26 or larger", examples=["10.0.0.0/26"])
    ]
    route_server_subnet: Annotated[
        Cidr, Field(description="RouteServerSubnet, /27 or larger; peerIPs lie in it", examples=["10.0.1.0/27"])
    ]
    tier: Annotated[
        Literal["Standard", "Premium"], Field(description="The firewall's tier; Basic has no DNS proxy")
    ] = "Standard"
    public_ips: Annotated[
        int,
        Field(
            ge=1,
            le=20,
            alias="publicIPs",
            description="The firewall's addresses; each brings 2,496 SNAT ports per instance",
        ),
    ] = 2
    zones: Zones = ("1", "2", "3")


Least = Annotated[int, Field(ge=1, le=1000, description="At least so many nodes")]
Most = Annotated[int, Field(ge=1, le=1000, description="At most so many nodes")]


class SystemPool(Definition):
    """The pool of the cluster's own pods, between two sizes."""

    vm_size: VmSize = "Standard_D4ds_v5"
    min: Least = 3
    max: Most = 6


class WorkloadPool(Definition):
    """The pool of tenants' pods and of their gateways, between two sizes."""

    vm_size: VmSize = "Standard_D8ds_v5"
    min: Least = 3
    max: Most = 12


class ReflectorPool(Definition):
    """The pool of route reflectors: fixed, since each node is a peer of the Route Server."""

    vm_size: VmSize = "Standard_D2ds_v5"
    count: Annotated[
        int,
        Field(ge=2, le=8, description="Route reflectors; a Route Server takes 8 peers of all its clusters together"),
    ] = 2


class Maintenance(Definition):
    """When Azure may upgrade the cluster and its nodes."""

    day: Annotated[
        Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        Field(description="The day of the week"),
    ] = "Sunday"
    hour: Annotated[int, Field(ge=0, le=23, description="The hour at which it may begin; it may take four")] = 2
    utc_offset: Annotated[
        str, Field(pattern=r"^[+-][0-9]{2}:[0-9]{2}$", description="The hour's offset from UTC", examples=["+01:00"])
    ] = "+00:00"


class ClusterAzure(Definition):
    """What Terraform builds of a cluster. Without it the cluster is somebody else's."""

    kubernetes_version: Annotated[
        Literal["1.34", "1.35", "1.36"],
        Field(description='Kubernetes, in quotes: "1.35"; one that AKS and Calico Enterprise 3.23 both support'),
    ] = "1.35"
    reflector_subnet: Annotated[
        Cidr, Field(description="The reflectors' own subnet, inside the VNet, /28 for two", examples=["10.1.4.0/28"])
    ]
    platform_priority: Annotated[
        int,
        Field(
            ge=200, le=999, description="The priority of this cluster's rules in the hub's base policy, nobody else's"
        ),
    ]
    zones: Zones = ("1", "2", "3")
    system_pool: SystemPool = SystemPool()
    workload_pool: WorkloadPool = WorkloadPool()
    reflectors: ReflectorPool = ReflectorPool()
    maintenance: Maintenance = Maintenance()
