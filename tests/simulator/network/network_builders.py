"""A small world with a stand-in for Kubernetes: objects in lists, changed by hand.

One hub, one cluster `spoke1` of four nodes: n0 and n1 peer with Route Server, tenant0's gateways run on n1 and n2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulator.model.azure.arm import AzureHub
from simulator.model.clock import VirtualClock
from simulator.model.documents import ClusterDocument, FirewallDocument, HubDocument, NodeDocument, RouteServerDocument
from simulator.model.packets import Packet

Thing = dict[str, Any]
INSTANCES = ("10.0.1.4", "10.0.1.5")
ACCEPT_TENANT0: Thing = {"action": "Accept", "matchOperator": "In", "cidr": "10.99.0.0/29"}
REJECT: Thing = {"action": "Reject"}
LEARN = 11
"""Seconds after which a change has been learned."""


class Objects:
    """Stored objects by kind."""

    def __init__(self) -> None:
        self.by_kind: dict[str, list[Thing]] = {}

    def objects(self, kind: str) -> list[Thing]:
        """As the real store gives them."""
        return self.by_kind.get(kind, [])

    def put(self, kind: str, name: str, spec: Thing | None = None, **more: Any) -> Thing:
        """Add an object, or replace the one of this name."""
        metadata = {"name": name, "uid": f"{kind}-{name}", **more.pop("metadata", {})}
        thing = {"kind": kind, "metadata": metadata, "spec": spec or {}, **more}
        self.by_kind[kind] = [each for each in self.objects(kind) if each["metadata"]["name"] != name] + [thing]
        return thing

    def get(self, kind: str, name: str) -> Thing:
        """The object of this name."""
        return next(each for each in self.objects(kind) if each["metadata"]["name"] == name)

    def remove(self, kind: str, name: str) -> None:
        """Take an object away."""
        self.by_kind[kind].remove(self.get(kind, name))


@dataclass
class StandIn:
    """A cluster."""

    name: str
    document: ClusterDocument
    api: Objects = field(default_factory=Objects)

    def node(self, name: str, address: str, **labels: str) -> Thing:
        """A ready node."""
        status = {
            "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        return self.api.put("Node", name, metadata={"labels": labels}, status=status)

    def kill_node(self, name: str) -> None:
        """The machine is dead."""
        self.api.get("Node", name)["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]

    def pod(self, namespace: str, name: str, node: str, address: str, **labels: str) -> Thing:
        """A running, ready pod."""
        status = {"phase": "Running", "podIP": address, "conditions": [{"type": "Ready", "status": "True"}]}
        metadata = {"namespace": namespace, "labels": labels}
        return self.api.put("Pod", name, {"nodeName": node}, metadata=metadata, status=status)

    def unready(self, name: str) -> None:
        """The pod runs and is not ready."""
        self.api.get("Pod", name)["status"]["conditions"] = [{"type": "Ready", "status": "False"}]

    def pool(self, name: str, cidr: str, tenant: str = "", **spec: Any) -> None:
        """An IPPool, labelled with its tenant."""
        labels = {"egress-gitops.io/tenant": tenant} if tenant else {}
        self.api.put("IPPool", name, {"cidr": cidr, **spec}, metadata={"labels": labels})

    def block(self, cidr: str, node: str) -> None:
        """An IPAM block of a node."""
        self.api.put("IPAMBlock", cidr.replace("/", "-"), {"cidr": cidr, "affinity": f"host:{node}", "allocations": []})

    def peer(self, name: str, instance: str, **spec: Any) -> None:
        """A Route Server peer of the reflectors."""
        base = {
            "nodeSelector": "route-reflector == 'true'",
            "peerIP": instance,
            "asNumber": 65515,
            "keepOriginalNextHop": True,
            "reachableBy": "10.1.0.1",
            "filters": ["export-egress-ips"],
        }
        self.api.put("BGPPeer", name, {key: value for key, value in (base | spec).items() if value is not None})

    def peers(self, **spec: Any) -> None:
        """Both of them."""
        self.peer("azure-route-server-a", INSTANCES[0], **spec)
        self.peer("azure-route-server-b", INSTANCES[1], **spec)

    def filter(self, *rules: Thing, name: str = "export-egress-ips") -> None:
        """A BGPFilter."""
        self.api.put("BGPFilter", name, {"exportV4": list(rules)})

    def annotate(self, kind: str, name: str, **annotations: str) -> None:
        """Set exactly these egress annotations on a namespace or pod."""
        self.api.get(kind, name)["metadata"]["annotations"] = {
            f"egress.projectcalico.org/{key}": value for key, value in annotations.items()
        }


@dataclass
class SmallWorld:
    """What packets travel in."""

    clock: VirtualClock
    clusters: dict[str, StandIn]
    hubs: dict[str, AzureHub]
    sites: dict[str, str]
    packets: list[Packet] = field(default_factory=list)

    @property
    def spoke(self) -> StandIn:
        """The cluster."""
        return self.clusters["spoke1"]

    @property
    def hub(self) -> AzureHub:
        """The hub."""
        return self.hubs["hub1"]

    def learned(self, instance: int = 0, connection: str = "spoke1-n0") -> dict[str, str]:
        """Next hop by network, as a listing that starts now answers."""
        accepted = self.hub.learned_routes("hub-rs", connection)
        self.clock.advance(5)
        result = self.hub.get_result(accepted.operation_id)
        assert result is not None
        return {row["network"]: row["nextHop"] for row in result[f"RouteServiceRole_IN_{instance}"]}


def a_group(name: str, fqdn: str, source: str, collection: str, priority: int = 1000) -> Thing:
    """A group of the world that allows one name."""
    rule = {
        "ruleType": "ApplicationRule",
        "name": "web",
        "sourceAddresses": [source],
        "targetFqdns": [fqdn],
        "protocols": [{"protocolType": "Https", "port": 443}, {"protocolType": "Http", "port": 80}],
    }
    entry = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": collection,
        "priority": 200,
        "action": {"type": "Allow"},
        "rules": [rule],
    }
    return {"name": name, "properties": {"priority": priority, "ruleCollections": [entry]}}


def a_world(
    *, groups: tuple[Thing, ...] = (), routes_per_peer: int = 1000, egress: str = "EnabledPerNamespace"
) -> SmallWorld:
    """tenant0 is set up from end to end: pools, gateways, filter, peers, annotated namespace `default`."""
    clock = VirtualClock(datetime(2026, 11, 23, 8, tzinfo=UTC))
    nodes = tuple(NodeDocument(name=f"n{i}", address=f"10.1.0.{4 + i}", reflector=i < 2) for i in range(4))
    document = ClusterDocument(
        hub="hub1",
        vnet=("10.1.0.0/16",),
        node_subnet="10.1.0.0/22",
        pods="10.244.0.0/16",
        services="172.16.0.0/16",
        asn=63400,
        nodes=nodes,
        workloads={"default": ("netshoot",), "shop": ("web",)},
    )
    spoke = StandIn("spoke1", document)
    for node in nodes:
        spoke.node(node.name, node.address, **({"route-reflector": "true"} if node.reflector else {}))
    _fill(spoke, egress)
    hub = HubDocument(
        subscription="11111111-2222-3333-4444-555555555555",
        resource_group="demo-hub-network",
        vnet=("10.0.0.0/16",),
        firewall=FirewallDocument(
            name="hub-fw", policy="tenants", base_policy="platform", private_ip="10.0.0.4", public_ip="203.0.113.10"
        ),
        route_server=RouteServerDocument(name="hub-rs", peer_ips=INSTANCES, routes_per_peer=routes_per_peer),
        groups=groups or (a_group("t-000", "www.tigera.io", "10.99.0.0/29", "tenant0-app"),),
    )
    clusters = {"spoke1": spoke}
    sites = {"www.tigera.io": "178.128.166.225", "example.com": "93.184.216.34"}
    world = SmallWorld(clock, clusters, {"hub1": AzureHub("hub1", hub, clock, clusters)}, sites)
    clock.advance(LEARN)
    return world


def _fill(spoke: StandIn, egress: str) -> None:
    api = spoke.api
    api.put("FelixConfiguration", "default", {"egressIPSupport": egress})
    api.put("BGPConfiguration", "default", {"asNumber": 63400})
    for namespace in ("default", "shop", "tenant0-egw"):
        api.put("Namespace", namespace, metadata={"labels": {"kubernetes.io/metadata.name": namespace}})
    spoke.pool("default-pool", "10.244.0.0/16", natOutgoing=True)
    spoke.pool("tenant0-pool", "10.99.0.0/29", "tenant0", natOutgoing=False)
    for index in range(4):
        spoke.block(f"10.244.{index}.0/26", f"n{index}")
    spoke.block("10.99.0.1/32", "n1")
    spoke.block("10.99.0.2/32", "n2")
    spoke.pod("default", "netshoot", "n3", "10.244.3.7")
    spoke.pod("shop", "web", "n0", "10.244.0.9")
    spoke.pod("tenant0-egw", "egw-1", "n1", "10.99.0.1", egw="tenant0")
    spoke.pod("tenant0-egw", "egw-2", "n2", "10.99.0.2", egw="tenant0")
    spoke.filter(ACCEPT_TENANT0, REJECT)
    spoke.peers()
    spoke.annotate("Namespace", "default", **TO_TENANT0)


TO_TENANT0 = {"selector": "egw == 'tenant0'", "namespaceSelector": "projectcalico.org/name == 'tenant0-egw'"}
