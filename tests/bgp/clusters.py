"""A cluster of two nodes as Kubernetes objects, which both BIRD's configuration and the simulator's answer come from.

The reflector peers with both Route Server instances, the worker with the reflector.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

from places import GATEWAY, INSTANCES, NODE_SUBNET, REFLECTOR_ADDRESS, WORKER_ADDRESS

from function_app.model.names import HubName
from function_app.planning.cluster_resources import export_filter
from simulator.model.bgp.fabric import Fabric
from simulator.model.documents import ClusterDocument, NodeDocument

Thing = dict[str, Any]
REFLECTOR, WORKER = "reflector", "worker"
ADDRESSES = {REFLECTOR: REFLECTOR_ADDRESS, WORKER: WORKER_ADDRESS}
CLUSTER_ASN, ROUTE_SERVER_ASN = 63400, 65515
CLUSTER_ID = "244.0.0.1"
FILTER = "export-egress-ips"
POD_BLOCKS = {"10.244.0.0/26": REFLECTOR_ADDRESS, "10.244.1.0/26": WORKER_ADDRESS}
SERVICES = "172.16.0.0/16"
_EGRESS = IPv4Network("10.99.0.0/16")
_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Cluster:
    """What the simulator reads of a cluster, changed by hand."""

    name = "spoke1-aks"

    def __init__(self) -> None:
        self.api = self
        self.document = ClusterDocument(
            hub="hub1",
            vnet=("10.1.0.0/16",),
            node_subnet=NODE_SUBNET,
            pods="10.244.0.0/16",
            services=SERVICES,
            asn=CLUSTER_ASN,
            nodes=tuple(NodeDocument(name=name, address=address) for name, address in ADDRESSES.items()),
        )
        self._things: dict[str, dict[str, Thing]] = {}
        for name, address in ADDRESSES.items():
            status = {
                "addresses": [{"type": "InternalIP", "address": address}],
                "conditions": [{"type": "Ready", "status": "True"}],
            }
            labels = {"route-reflector": "true"} if name == REFLECTOR else {}
            annotations = {"projectcalico.org/RouteReflectorClusterID": CLUSTER_ID} if name == REFLECTOR else {}
            self.put("Node", name, {}, metadata={"labels": labels, "annotations": annotations}, status=status)
        self.services()
        self.put("BGPPeer", "peers", {"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'"})
        self.peers()

    def objects(self, kind: str) -> Sequence[Thing]:
        """All objects of a kind."""
        return list(self._things.get(kind, {}).values())

    def put(self, kind: str, name: str, spec: Thing, *, metadata: Thing | None = None, **more: Any) -> None:
        """Create or replace an object."""
        self._things.setdefault(kind, {})[name] = {"metadata": {"name": name, **(metadata or {})}, "spec": spec, **more}

    def remove(self, kind: str, name: str) -> None:
        """Delete an object."""
        del self._things[kind][name]

    def services(self, *ranges: str) -> None:
        """Service ranges that the nodes announce."""
        spec = {"asNumber": CLUSTER_ASN, "nodeToNodeMeshEnabled": False}
        self.put("BGPConfiguration", "default", {**spec, "serviceClusterIPs": [{"cidr": each} for each in ranges]})

    def peers(self, **spec: Any) -> None:
        """The peerings with both Route Server instances; None leaves a field out."""
        for letter, instance in zip("ab", INSTANCES, strict=True):
            base = {
                "nodeSelector": "route-reflector == 'true'",
                "peerIP": instance,
                "asNumber": ROUTE_SERVER_ASN,
                "keepOriginalNextHop": True,
                "reachableBy": GATEWAY,
                "filters": [FILTER],
            }
            wanted = {key: value for key, value in (base | spec).items() if value is not None}
            self.put("BGPPeer", f"azure-route-server-{letter}", wanted)

    def pool(self, cidr: str, **spec: Any) -> None:
        """An IPPool."""
        self.put("IPPool", cidr, {"cidr": cidr, **spec})

    def block(self, cidr: str, node: str) -> None:
        """A block that belongs to a node."""
        self.put("IPAMBlock", cidr, {"cidr": cidr, "affinity": f"host:{node}"})

    def pod(self, address: str, node: str) -> None:
        """A running pod."""
        status = {"phase": "Running", "podIP": address}
        self.put("Pod", address, {"nodeName": node}, status=status)

    def filter(self, *rules: Thing, name: str = FILTER, imports: Sequence[Thing] = ()) -> None:
        """A BGPFilter with these export rules, and these for what a peer tells."""
        self.put("BGPFilter", name, {"exportV4": list(rules), **({"importV4": list(imports)} if imports else {})})

    def our_filter(self, *ranges: str) -> None:
        """The filter as the reconciler writes it for these ranges."""
        body = export_filter(HubName("hub1"), map(IPv4Network, ranges)).body
        self.put("BGPFilter", body["metadata"]["name"], body["spec"])


def a_cluster(tenants: int = 0) -> Cluster:
    """Pods on both nodes, announced service ranges, that many tenants, and our filter for them."""
    cluster = Cluster()
    cluster.pool("10.244.0.0/16")
    for block, address in POD_BLOCKS.items():
        node = REFLECTOR if address == REFLECTOR_ADDRESS else WORKER
        cluster.block(block, node)
        cluster.pod(str(IPv4Network(block)[5]), node)
    cluster.services(SERVICES)
    ranges = [tenant_range(number) for number in range(tenants)]
    for number, cidr in enumerate(ranges):
        add_tenant(cluster, cidr, block_size=(32, 31, 29)[number % 3])
    cluster.our_filter(*ranges)
    return cluster


def tenant_range(number: int) -> str:
    """Each tenant's eight addresses."""
    return f"{_EGRESS[8 * number]}/29"


def add_tenant(cluster: Cluster, cidr: str, block_size: int = 32) -> None:
    """A pool, and a gateway pod on each node, in a block of that node; in the same one where a block is the range."""
    cluster.pool(cidr)
    blocks = list(IPv4Network(cidr).subnets(new_prefix=block_size))
    for node, block in ((WORKER, blocks[0]), (REFLECTOR, blocks[-1])):
        cluster.block(str(block), node)
        cluster.pod(str(block[-1] if node == REFLECTOR else block[0]), node)


def simulated(cluster: Cluster, fabric: Fabric | None = None) -> list[dict[str, str]]:
    """What the simulator says that each Route Server instance learns: next hop by prefix."""
    fabric = fabric or Fabric(cluster)
    fabric.observe(_NOW)
    offers = [fabric.offer(REFLECTOR_ADDRESS, CLUSTER_ASN, instance, ROUTE_SERVER_ASN) for instance in INSTANCES]
    return [{str(route.prefix): route.next_hop for route in offer.routes} for offer in offers]
