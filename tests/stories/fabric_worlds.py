"""Worlds for stories about the fabric: what Calico's and Azure's installation leave, before anybody typed in a peer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stories.desk import HUB, PLATFORM, ROOT, Desk, describe, sample

from function_app.model.report import Outcome
from simulator.model.bgp.inputs import REFLECTOR_ANNOTATION
from simulator.model.documents import NodeDocument
from simulator.model.packets import Packet
from simulator.model.trees import Object
from simulator.model.world import World, read_document

CLUSTER = "spoke1-aks"
WEBSITE = "http://www.tigera.io"
TENANTS = ("tenants/tenant0.yaml", "tenants/tenant1.yaml")
OLD, OTHER = "egress-gitops-spoke1-aks-10-1-0-4", "egress-gitops-spoke1-aks-10-1-0-5"
NEW = "egress-gitops-spoke1-aks-10-1-0-19"
FRESH = NodeDocument(name="spoke1-9", address="10.1.0.19", zone="1", reflector=True)
SECOND_NEW = NodeDocument(name="spoke1-10", address="10.1.0.20", zone="2", reflector=True)
PEERS = {"azure-route-server-a", "azure-route-server-b", "peer-with-route-reflectors"}


def bare_world(**changes: Any) -> World:
    """The walkthrough without BGPConfiguration, cluster ids and connections; `changes` are made to each cluster."""
    document = read_document(ROOT / "simulator" / "worlds" / "walkthrough.yaml")
    clusters = {
        name: cluster.model_copy(update={"bare": True, **changes}) for name, cluster in document.clusters.items()
    }
    return World(document.model_copy(update={"clusters": clusters}))


def bare_desk(world: World | None = None) -> Desk:
    """A desk over such a world with hub and clusters in Git."""
    desk = Desk.at(world or bare_world())
    desk.repository.commit(sample(*PLATFORM))
    return desk


def routed_desk(world: World | None = None) -> Desk:
    """The same with both tenants of the sample, settled."""
    desk = bare_desk(world)
    desk.commit(sample(*TENANTS))
    report = desk.settle()
    assert report.converged
    return desk


def watched(desk: Desk, packets: list[Packet]) -> None:
    """Settle, sending from a routed namespace at every step of time."""
    last = desk.settle(watch=lambda: packets.append(desk.send(CLUSTER, "default", WEBSITE)))
    assert last.converged, describe(last)


def leaving(path: str = "clusters/spoke1-aks.yaml") -> dict[str, str]:
    """The cluster's definition with `leaving`."""
    return {path: sample(path)[path].replace("spec:\n", "spec:\n  leaving: true\n", 1)}


def connections(desk: Desk) -> dict[str, tuple[str, int]]:
    """Address and AS number of each connection of the hub's Route Server, by name."""
    found = desk.world.hubs[HUB].route_server.connections.values()
    return {one.name: (one.peer_ip, one.peer_asn) for one in found}


def cluster_ids(desk: Desk, cluster: str = CLUSTER) -> dict[str, str]:
    """The route reflectors' cluster ids by node."""
    return {
        node["metadata"]["name"]: node["metadata"]["annotations"][REFLECTOR_ANNOTATION]
        for node in desk.world.clusters[cluster].api.objects("Node")
        if REFLECTOR_ANNOTATION in (node["metadata"].get("annotations") or {})
    }


def mesh(desk: Desk, cluster: str = CLUSTER) -> bool:
    """Whether the node-to-node mesh is on."""
    spec = stored(desk, "BGPConfiguration", cluster)["default"]["spec"]
    return bool(spec.get("nodeToNodeMeshEnabled", True))


def stored(desk: Desk, kind: str, cluster: str = CLUSTER) -> Mapping[str, Object]:
    """All objects of a kind by name."""
    return {one["metadata"]["name"]: one for one in desk.world.clusters[cluster].api.objects(kind)}


def written(desk: Desk, since: int = 0) -> list[Outcome]:
    """What passes after the first `since` carried out."""
    return [outcome for report in desk.reports[since:] for outcome in report.outcomes]


def annotate(desk: Desk, node: str, value: str | None, cluster: str = CLUSTER) -> None:
    """A person sets or removes a node's cluster id."""
    body = {"metadata": {"annotations": {REFLECTOR_ANNOTATION: value}}}
    desk.world.clusters[cluster].api.merge_patch("Node", None, node, body, manager="kubectl-edit")


def label(desk: Desk, node: str, value: str | None, cluster: str = CLUSTER) -> None:
    """A person makes a node a reflector, or no reflector any more."""
    body = {"metadata": {"labels": {"route-reflector": value}}}
    desk.world.clusters[cluster].api.merge_patch("Node", None, node, body, manager="kubectl-label")


def put_connection(desk: Desk, name: str, address: str, asn: int = 63400) -> None:
    """Somebody creates a connection."""
    desk.world.hubs[HUB].route_server.put(name, {"properties": {"peerIp": address, "peerAsn": asn}})
    desk.world.advance(20)
