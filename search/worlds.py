"""A small world, so that things collide: one hub, two clusters (one for each way of serving Calico's API), three namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

import yaml

from simulator.model.documents import (
    ClusterDocument,
    FirewallDocument,
    HubDocument,
    NodeDocument,
    RouteServerDocument,
    WorldDocument,
)
from simulator.model.world import World

HUB = "hub1"
CLUSTERS = ("spoke1", "spoke2")
NAMESPACES = ("alpha", "beta", "gamma")
TENANTS = ("t0", "t1", "t2", "t3")
SITES = ("s0.example", "s1.example", "s2.example")
BELOW, WILDCARD = "api.s1.example", "*.s1.example"
"""A name that a rule lets in by itself or by a wildcard."""
SERVICE = "198.51.100.20"
"""Reached by address and port alone, so that a network rule decides."""
OPEN = "open.example"
"""Let pass for everybody by the platform's own rules, so that a way that is lost shows without any rule of a tenant."""
PROBES = (*(f"https://{site}" for site in (*SITES, BELOW)), f"tcp://{SERVICE}:443")
SLOTS = 5
OVERLAPPING = 5
"""A slot twice as large, over the first two."""
CANARY = "canary-5e1f-do-not-show"


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs between histories from the start: how tight limits are and how rules are packed."""

    routes_per_peer: int = 500
    tenants_per_shard: int = 25
    max_bytes: int = 1_400_000
    reviewed: bool = False
    """The hub applies what was approved."""
    bare: bool = False
    """The fabric is ours from the first cluster id on; else Terraform and a person set it up and keep it."""


def egress_cidr(cluster: str) -> str:
    """Where a cluster's ranges come from."""
    return f"10.99.{CLUSTERS.index(cluster)}.0/24"


def cidr_of(cluster: str, slot: int) -> str:
    """The range that a slot stands for."""
    third = CLUSTERS.index(cluster)
    return f"10.99.{third}.0/28" if slot == OVERLAPPING else f"10.99.{third}.{8 * slot}/29"


def small_world(*, bare: bool = False) -> World:
    """Nothing of ours exists yet."""
    clusters = {name: _cluster(number, bare=bare) for number, name in enumerate(CLUSTERS, start=1)}
    return World(_DOCUMENT.model_copy(update={"clusters": clusters}))


@cache
def _cluster(number: int, *, bare: bool) -> ClusterDocument:
    nodes = tuple(
        NodeDocument(name=f"n{number}-{at}", address=f"10.{number}.0.{4 + at}", zone=str(at + 1), reflector=at < 2)
        for at in range(4 if bare else 3)
    )
    return ClusterDocument(
        hub=HUB,
        api_mode="aggregated" if number == 1 else "native",
        vnet=(f"10.{number}.0.0/16",),
        node_subnet=f"10.{number}.0.0/22",
        pods=f"10.{243 + number}.0.0/16",
        services=f"172.{15 + number}.0.0/16",
        asn=63400,
        bare=bare,
        nodes=nodes,
        workloads=dict.fromkeys(NAMESPACES, ("app",)),
    )


_NODES_MAY = {
    "name": "platform",
    "properties": {
        "priority": 200,
        "ruleCollections": [
            {
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": "nodes-app",
                "priority": 300,
                "action": {"type": "Allow"},
                "rules": [
                    {
                        "ruleType": "ApplicationRule",
                        "name": "everybody",
                        "sourceAddresses": ["10.1.0.0/22", "10.2.0.0/22"],
                        "targetFqdns": [SITES[0]],
                        "protocols": [{"protocolType": "Https", "port": 443}],
                    },
                    {
                        "ruleType": "ApplicationRule",
                        "name": "updates",
                        "sourceAddresses": ["10.1.0.0/22", "10.2.0.0/22", "10.99.0.0/16"],
                        "targetFqdns": [OPEN],
                        "protocols": [{"protocolType": "Https", "port": 443}],
                    },
                ],
            }
        ],
    },
}
_DOCUMENT = WorldDocument(
    clock=datetime(2026, 11, 23, 8, tzinfo=UTC),
    hubs={
        HUB: HubDocument(
            subscription="11111111-2222-3333-4444-555555555555",
            resource_group="hub",
            vnet=("10.0.0.0/16",),
            firewall=FirewallDocument(
                name="fw",
                policy="tenants",
                base_policy="platform",
                private_ip="10.0.0.4",
                public_ip="203.0.113.10",
                operation_seconds=60,
            ),
            route_server=RouteServerDocument(name="rs", peer_ips=("10.0.1.4", "10.0.1.5")),
            base_groups=(_NODES_MAY,),
        )
    },
    clusters={},
    sites={site: f"93.184.216.{30 + at}" for at, site in enumerate((*SITES, BELOW, OPEN))},
)


@cache
def platform_files(variant: Variant) -> dict[str, str | None]:
    """Hub, clusters, guardrails and one rule set as files."""
    return {
        f"hubs/{HUB}.yaml": hub_file(variant, reviewed=variant.reviewed),
        **{f"clusters/{name}.yaml": cluster_file(name) for name in CLUSTERS},
        "guardrails.yaml": guardrails_file(strict=False),
        "rulesets/shared.yaml": ruleset_file(SITES[1]),
    }


def hub_file(variant: Variant, *, reviewed: bool) -> str:
    """The hub's definition."""
    hub = {
        **({"apply": "reviewed"} if reviewed else {}),
        "subscription": "11111111-2222-3333-4444-555555555555",
        "resourceGroup": "hub",
        "vnet": ["10.0.0.0/16"],
        "firewall": {
            "name": "fw",
            "policy": "tenants",
            "shards": {
                "prefix": "egress",
                "priority": {"first": 1000, "last": 1019},
                "tenantsPerShard": variant.tenants_per_shard,
                "maxBytes": variant.max_bytes,
            },
        },
        "routeServer": {"name": "rs", "asn": 65515, "peerIPs": ["10.0.1.4", "10.0.1.5"]},
        "limits": {"routesPerPeer": variant.routes_per_peer, "quarantineHours": 1, "drainMinutes": 5},
    }
    return _text("Hub", HUB, hub)


AT_ONCE, IN_A_WINDOW, AFTER_THE_OTHER = PACES = ("at once", "in a window", "after the other")


def cluster_file(
    name: str, *, drift: str = "correct", leaving: bool = False, pace: str = AT_ONCE, adopt: bool = False
) -> str:
    """One cluster's definition; `pace` is one of `PACES`, `adopt` takes over a filter and peers that stand."""
    window = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "12:00", "to": "14:00"}
    paces: dict[str, dict[str, object]] = {
        AT_ONCE: {},
        IN_A_WINDOW: {"changeWindows": [{**window, "timeZone": "Etc/UTC"}]},
        AFTER_THE_OTHER: {"rollout": {"after": [one for one in CLUSTERS if one != name], "wait": "5m"}},
    }
    number = CLUSTERS.index(name) + 1
    scope = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/spokes/providers"
    spec = {
        "hub": HUB,
        "apiServer": {"aksResourceId": f"{scope}/Microsoft.ContainerService/managedClusters/{name}"},
        "network": {
            "vnet": [f"10.{number}.0.0/16"],
            "nodes": f"10.{number}.0.0/22",
            "pods": f"10.{243 + number}.0.0/16",
            "services": f"172.{15 + number}.0.0/16",
        },
        "bgp": {
            "asn": 63400,
            "reachableBy": f"10.{number}.0.1",
            "reflectors": {"selector": "route-reflector == 'true'", "clusterId": "244.0.0.1"},
            **({"adopt": True} if adopt else {}),
        },
        "egressCIDR": egress_cidr(name),
        "drift": drift,
        **paces[pace],
        **({"leaving": True} if leaving else {}),
    }
    return _text("Cluster", name, spec)


def guardrails_file(*, strict: bool) -> str:
    """What the organisation forbids; the strict form forbids a name that tenants use."""
    forbid = {"fqdns": [SITES[2]]} if strict else {"ports": ["22"]}
    return _text("Guardrails", "guardrails", {"requireOwner": False, "forbid": {**forbid, "wildcards": False}})


def ruleset_file(site: str, *, ends: date | None = None) -> str:
    """The shared rule set, which permits one name, perhaps until a day."""
    return _text("RuleSet", "shared", {"allow": [{"name": "common", "fqdns": [site], **_until(ends)}]})


def _until(ends: date | None) -> dict[str, object]:
    return {"expires": ends.isoformat()} if ends is not None else {}


def _text(kind: str, name: str, spec: object) -> str:
    return yaml.safe_dump(
        {"apiVersion": "egress-gitops.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    )


@dataclass(frozen=True, slots=True)
class Place:
    """One attachment of a tenant's file."""

    cluster: str
    slot: int
    namespaces: tuple[str, ...]
    replicas: int = 2
    adopt: bool = False
    """Takes over a pool and a gateway under the published example's names."""


@dataclass(frozen=True, slots=True)
class TenantFile:
    """A tenant as its file has it. `sites` are names that it may reach, `service` adds a network rule.

    `ends` is the last day of the first of these rules; the others go on, as the same name may do by way of a wildcard.
    """

    name: str
    places: tuple[Place, ...]
    sites: tuple[str, ...] = (SITES[0],)
    service: bool = False
    shared: bool = False
    bypass: bool = False
    blocks: bool = False
    ends: date | None = None

    def text(self) -> str:
        """As YAML."""
        return _tenant_text(self)


def _adopting(tenant: str) -> dict[str, object]:
    return {"gateway": f"{tenant}-egw", "pool": f"{tenant}-pool", "labels": {"tenant": f"{tenant}-egw"}}


@cache
def _tenant_text(file: TenantFile) -> str:
    allow: list[dict[str, object]] = [
        {"name": site.replace("*", "any").replace(".", "-"), "fqdns": [site]} for site in sorted(file.sites)
    ]
    if file.service:
        allow.append({"name": "service", "destinations": [f"{SERVICE}/32"], "ports": ["443"]})
    if allow:
        allow[0].update(_until(file.ends))
    egress: dict[str, object] = {"allow": allow}
    if file.shared:
        egress["include"] = ["shared"]
    if file.bypass:
        egress["bypass"] = ["10.0.0.0/8"]
    spec = {
        "onRemoval": "block" if file.blocks else "node",
        "attachments": [
            {
                "cluster": place.cluster,
                "cidr": cidr_of(place.cluster, place.slot),
                "namespaces": list(place.namespaces),
                "gateway": {"replicas": place.replicas, **({"terminationGraceSeconds": 0} if place.adopt else {})},
                **({"adopt": _adopting(file.name)} if place.adopt else {}),
            }
            for place in file.places
        ],
        "egress": egress,
    }
    return _text("Tenant", file.name, spec)
