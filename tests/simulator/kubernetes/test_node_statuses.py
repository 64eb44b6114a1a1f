"""CalicoNodeStatus in the simulator: what calico-node tells of a node's sessions, and when it tells nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.model.kubernetes.cluster import Cluster
from simulator.model.world import World

WORLD = Path(__file__).parents[3] / "simulator" / "worlds" / "walkthrough.yaml"
PEERING = {"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'"}


@pytest.fixture(params=["spoke1-aks", "spoke2-aks"])
def cluster(request: pytest.FixtureRequest) -> tuple[World, Cluster]:
    """One cluster of either mode, and its world."""
    world = World.from_file(WORLD)
    return world, world.clusters[request.param]


def asked(cluster: Cluster, node: str) -> None:
    """Ask for a node's sessions."""
    spec = {"node": node, "classes": ["BGP"], "updatePeriodSeconds": 10}
    create(cluster, "CalicoNodeStatus", node, spec)


def create(cluster: Cluster, kind: str, name: str, spec: dict[str, Any]) -> None:
    """As a person does."""
    body = {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name}, "spec": spec}
    cluster.api.create(kind, None, body, manager="kubectl")


def told(cluster: Cluster, node: str) -> dict[str, Any]:
    """What its status says now."""
    status: dict[str, Any] = cluster.api.get("CalicoNodeStatus", None, node).get("status") or {}
    return status


def states(cluster: Cluster, node: str) -> dict[str, tuple[str, str]]:
    """State and type by peer."""
    return {one["peerIP"]: (one["state"], one["type"]) for one in told(cluster, node)["bgp"]["peersV4"]}


def test_the_mesh_is_told_of_until_a_node_becomes_a_reflector(cluster: tuple[World, Cluster]) -> None:
    """A cluster id takes the node out of the mesh; the peering with reflectors brings the sessions back."""
    world, it = cluster
    first, others = it.document.nodes[0], [one.address for one in it.document.nodes[1:]]
    asked(it, first.name)
    before = states(it, first.name)
    annotation = {"metadata": {"annotations": {"projectcalico.org/RouteReflectorClusterID": "244.0.0.1"}}}
    it.api.merge_patch("Node", None, first.name, annotation, manager="kubectl")
    world.advance(10)
    alone = states(it, first.name)
    create(it, "BGPPeer", "peering", PEERING)
    world.advance(10)

    assert dict.fromkeys(others, ("Established", "NodeMesh")) == before
    assert {} == alone
    assert dict.fromkeys(others, ("Established", "NodePeer")) == states(it, first.name)


def test_a_session_with_a_dead_node_is_not_established(cluster: tuple[World, Cluster]) -> None:
    """Counted apart."""
    _, it = cluster
    first, second = it.document.nodes[:2]
    it.set_node_ready(second.name, ready=False)
    asked(it, first.name)

    assert ("Active", "NodeMesh") == states(it, first.name)[second.address]
    assert 1 == told(it, first.name)["bgp"]["numberNotEstablishedV4"]


def test_sessions_with_route_server_are_told_of(cluster: tuple[World, Cluster]) -> None:
    """By the instances' addresses, once Azure has the session."""
    world, it = cluster
    first = it.document.nodes[0]
    spec = {"peerIP": "10.0.1.4", "asNumber": 65515, "nodeSelector": "all()", "reachableBy": f"{first.address[:7]}1"}
    create(it, "BGPPeer", "outside", spec)
    asked(it, first.name)
    before = states(it, first.name)["10.0.1.4"]
    world.advance(30)

    assert ("Active", "NodePeer") == before
    assert ("Established", "NodePeer") == states(it, first.name)["10.0.1.4"]


@pytest.mark.parametrize("how", ["silent", "not ready"])
def test_a_node_that_does_not_report_leaves_its_status_as_it_was(cluster: tuple[World, Cluster], how: str) -> None:
    """Old, and therefore no evidence; a living one's is never older than its period."""
    world, it = cluster
    first = it.document.nodes[0]
    asked(it, first.name)
    at = told(it, first.name)["lastUpdated"]
    world.advance(9)
    still = told(it, first.name)["lastUpdated"]
    world.advance(1)
    again = told(it, first.name)["lastUpdated"]
    if how == "silent":
        it.silence_status(first.name)
    else:
        it.set_node_ready(first.name, ready=False)
    world.advance(300)

    assert (True, True) == (at == still, again > at)
    assert again == told(it, first.name)["lastUpdated"]


def test_a_status_for_a_node_that_does_not_exist_stays_empty(cluster: tuple[World, Cluster]) -> None:
    """Nobody is there to write it."""
    _, it = cluster
    asked(it, "ghost")
    assert {} == told(it, "ghost")
