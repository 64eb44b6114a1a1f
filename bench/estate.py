"""The measured hub: its world, its definitions, and edits of them.

One tenant has one attachment; clusters take turns in blocks, so that each holds the same number. Every tenant's rules make
two rule collections, one of network and one of application rules. With 25 tenants a shard, 999 tenants fill 40 shards and
1,998 of the 2,000 collections that a policy takes; the base policy holds one more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from itertools import islice
from math import ceil

import yaml

from simulator.model.documents import (
    ClusterDocument,
    FirewallDocument,
    HubDocument,
    NodeDocument,
    RouteServerDocument,
    WorldDocument,
)

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
SPOKE_GROUP = "bench-spokes"
NODES = 6
TENANTS_PER_SHARD = 25
ADDRESSES = 8
"""Addresses of a range: two replicas, one of surge, one terminating."""


@dataclass(frozen=True, slots=True)
class Estate:
    """One hub with so many tenants on so many clusters.

    Several hubs share one repository when `hub`, `first_tenant` and `first_cluster` keep them apart. A firewall write takes
    `operation_seconds`, a listing of learned routes `listing_seconds`, both virtual.
    """

    tenants: int = 999
    clusters: int = 4
    hub: str = "hub1"
    first_tenant: int = 0
    first_cluster: int = 0
    operation_seconds: float = 20.0
    listing_seconds: float = 0.0

    @property
    def cluster_names(self) -> tuple[str, ...]:
        """The clusters."""
        return tuple(f"{self.hub}-spoke{number}" for number in range(1, self.clusters + 1))

    @property
    def shards(self) -> int:
        """How many shards hold all tenants."""
        return ceil(self.tenants / TENANTS_PER_SHARD)

    @property
    def tenant_numbers(self) -> range:
        """The tenants."""
        return range(self.first_tenant, self.first_tenant + self.tenants)

    def cluster_of(self, tenant: int) -> int:
        """Which of this hub's clusters a tenant is on, from 0."""
        return (tenant - self.first_tenant) // ceil(self.tenants / self.clusters)

    def world(self, clock: datetime) -> WorldDocument:
        """What exists before the first pass: clusters with Calico and workloads, an empty firewall policy."""
        return WorldDocument(
            clock=clock,
            hubs={self.hub: self._hub_world()},
            clusters={name: self._cluster_world(number) for number, name in enumerate(self.cluster_names)},
            sites={"www.example.com": "93.184.216.34"},
        )

    def _hub_world(self) -> HubDocument:
        rule = {
            "ruleType": "ApplicationRule",
            "name": "registries",
            "sourceAddresses": [str(self._nodes(number)) for number in range(self.clusters)],
            "targetFqdns": ["mcr.microsoft.com"],
            "protocols": [{"protocolType": "Https", "port": 443}],
        }
        collection = {
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
            "name": "nodes-app",
            "priority": 300,
            "action": {"type": "Allow"},
            "rules": [rule],
        }
        return HubDocument(
            subscription=SUBSCRIPTION,
            resource_group=f"bench-{self.hub}",
            vnet=(f"{self._vnet}.0.0/16",),
            firewall=FirewallDocument(
                name="hub-fw",
                policy="tenants",
                base_policy="platform",
                private_ip=f"{self._vnet}.0.4",
                public_ip=f"203.0.113.{10 + self.first_cluster}",
                operation_seconds=self.operation_seconds,
            ),
            route_server=RouteServerDocument(
                name="hub-rs",
                peer_ips=self._peer_ips,
                routes_per_peer=4000,
                listing_seconds=self.listing_seconds,
            ),
            base_groups=({"name": "platform", "properties": {"priority": 200, "ruleCollections": [collection]}},),
        )

    def _cluster_world(self, number: int) -> ClusterDocument:
        name, nodes = self.cluster_names[number], islice(self._nodes(number).hosts(), 3, 3 + NODES)
        return ClusterDocument(
            hub=self.hub,
            resource_group=SPOKE_GROUP,
            api_mode="aggregated" if number % 2 else "native",
            vnet=(f"10.{self._spoke(number)}.0.0/16",),
            node_subnet=str(self._nodes(number)),
            pods=f"10.{200 + self._spoke(number)}.0.0/16",
            services="172.16.0.0/16",
            asn=63400,
            nodes=tuple(
                NodeDocument(name=f"{name}-{index}", address=str(address), zone=str(index % 3 + 1), reflector=index < 2)
                for index, address in enumerate(nodes)
            ),
            workloads={workload(tenant): ("web",) for tenant in self._on(number)},
        )

    def _on(self, number: int) -> tuple[int, ...]:
        return tuple(tenant for tenant in self.tenant_numbers if self.cluster_of(tenant) == number)

    def definitions(self) -> dict[str, str]:
        """Every file of the hub by path relative to the definitions folder."""
        files = {f"hubs/{self.hub}.yaml": self._hub(), "rulesets/baseline.yaml": _baseline()}
        files |= {
            f"clusters/{name}.yaml": self._cluster(number, name) for number, name in enumerate(self.cluster_names)
        }
        return files | {tenant_file(tenant): self.tenant(tenant) for tenant in self.tenant_numbers}

    def _hub(self) -> str:
        return _file(
            "Hub",
            self.hub,
            {
                "subscription": SUBSCRIPTION,
                "resourceGroup": f"bench-{self.hub}",
                "vnet": [f"{self._vnet}.0.0/16"],
                "firewall": {
                    "name": "hub-fw",
                    "policy": "tenants",
                    "shards": {"tenantsPerShard": TENANTS_PER_SHARD, "priority": {"first": 1000, "last": 1059}},
                },
                "routeServer": {"name": "hub-rs", "asn": 65515, "peerIPs": list(self._peer_ips)},
                "limits": {"routesPerPeer": 4000},
            },
        )

    def _cluster(self, number: int, name: str) -> str:
        clusters = "Microsoft.ContainerService/managedClusters"
        nodes = self._nodes(number)
        return _file(
            "Cluster",
            name,
            {
                "hub": self.hub,
                "apiServer": {
                    "aksResourceId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{SPOKE_GROUP}/providers/{clusters}/{name}"
                },
                "network": {
                    "vnet": [f"10.{self._spoke(number)}.0.0/16"],
                    "nodes": str(nodes),
                    "pods": f"10.{200 + self._spoke(number)}.0.0/16",
                    "services": "172.16.0.0/16",
                },
                "bgp": {
                    "asn": 63400,
                    "reachableBy": str(nodes.network_address + 1),
                    "reflectors": {"selector": "route-reflector == 'true'", "clusterId": f"244.0.0.{number + 1}"},
                },
                "egressCIDR": str(self._egress(number)),
            },
        )

    def tenant(self, tenant: int, *, replicas: int = 2, site: str = "www.example.com") -> str:
        """One tenant's file; `replicas` and `site` are what edits change."""
        number = self.cluster_of(tenant)
        place = tenant - self._on(number)[0]
        cidr = IPv4Network((int(self._egress(number).network_address) + ADDRESSES * place, 29))
        allow = [
            {"name": "site", "fqdns": [site, "*.vendor.example"], "protocols": ["https:443"]},
            {"name": "partner-api", "fqdns": ["api.partner.example"], "protocols": ["https:443"]},
            {"name": "ledger", "destinations": ["198.51.100.20/32", "198.51.100.24/29"], "ports": ["443", "8443"]},
        ]
        return _file(
            "Tenant",
            tenant_name(tenant),
            {
                "owner": {"team": f"team-{tenant:04d}", "contact": f"team-{tenant:04d}@example.com"},
                "attachments": [
                    {
                        "cluster": self.cluster_names[number],
                        "cidr": str(cidr),
                        "namespaces": [workload(tenant)],
                        "gateway": {"replicas": replicas},
                    }
                ],
                "egress": {"include": ["baseline"], "allow": allow},
            },
        )

    @property
    def _vnet(self) -> str:
        return f"10.{128 + self.first_cluster}"

    @property
    def _peer_ips(self) -> tuple[str, str]:
        return (f"{self._vnet}.1.4", f"{self._vnet}.1.5")

    def _spoke(self, number: int) -> int:
        return self.first_cluster + number + 1

    def _nodes(self, number: int) -> IPv4Network:
        return IPv4Network(f"10.{self._spoke(number)}.0.0/22")

    def _egress(self, number: int) -> IPv4Network:
        return IPv4Network((int(IPv4Address("10.96.0.0")) + (self.first_cluster + number) * 16384, 18))


def tenant_name(tenant: int) -> str:
    """The name of a tenant."""
    return f"tenant{tenant:04d}"


def tenant_file(tenant: int) -> str:
    """The path of a tenant's file."""
    return f"tenants/{tenant_name(tenant)}.yaml"


def workload(tenant: int) -> str:
    """The namespace of a tenant's pods."""
    return f"team-{tenant:04d}"


def _baseline() -> str:
    sign_in = {"name": "entra-sign-in", "fqdns": ["login.microsoftonline.com"], "protocols": ["https:443"]}
    return _file("RuleSet", "baseline", {"allow": [sign_in]})


def _file(kind: str, name: str, spec: dict[str, object]) -> str:
    document = {
        "apiVersion": "egress-gitops.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
    return yaml.safe_dump(document, sort_keys=False)
