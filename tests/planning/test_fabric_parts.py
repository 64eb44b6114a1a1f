"""Small decisions about the fabric: names of connections, which nodes gateways avoid, what counts as evidence."""

from __future__ import annotations

from typing import Any

import pytest
from planning_builders import a_node, a_resource, seen, the_cluster

from function_app.model.definitions import Cluster
from function_app.model.names import ClusterName
from function_app.model.resources import Kind, LearnedRoutes, PeerConnection, Resource
from function_app.planning.connection_names import cluster_of, connection_name, is_ours
from function_app.planning.placing import excluding, gateway_affinity
from function_app.planning.reflectors import unsettled


def test_a_connection_is_named_after_cluster_and_address() -> None:
    """Within ARM's 80 characters; long cluster names that begin alike stay apart."""
    long = "a" * 62
    names = [connection_name(ClusterName(long + last), "255.255.255.255") for last in "xy"]

    assert "egress-gitops-spoke1-aks-10-1-0-4" == connection_name(ClusterName("spoke1-aks"), "10.1.0.4")
    assert [80, 80] == [len(name) for name in names]
    assert 2 == len(set(names))


def test_a_connections_name_tells_its_cluster() -> None:
    """Also where one cluster's name begins like another's; a name of somebody else's tells nothing."""
    clusters = [ClusterName("spoke1"), ClusterName("spoke1-10"), ClusterName("a" * 63)]
    for name in clusters:
        assert name == cluster_of(connection_name(name, "10.1.0.4"), clusters)
    assert cluster_of("egress-gitops-spoke2-10-1-0-4", clusters) is None
    assert cluster_of("spoke1-10-1-0-4", clusters) is None


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        ("egress-gitops-spoke1-aks-10-1-0-4", "10.1.0.4", True),
        ("egress-gitops-spoke1-aks-10-1-0-4", "10.1.0.5", False),
        ("egress-gitops-spoke2-aks-10-1-0-4", "10.1.0.4", False),
        ("spoke1-aks-spoke1-0", "10.1.0.4", False),
    ],
)
def test_a_connection_is_ours_by_its_whole_name(name: str, address: str, expected: bool) -> None:
    """The prefix alone is no mark: somebody may have changed the address, or mean another cluster."""
    assert expected == is_ours(
        ClusterName("spoke1-aks"), PeerConnection(name, address, 63400, "Connected", LearnedRoutes())
    )


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("route-reflector == 'true'", [("route-reflector", "NotIn", ["true"])]),
        ('a.b/c=="x y"', [("a.b/c", "NotIn", ["x y"])]),
        ("has(rr)", [("rr", "DoesNotExist", None)]),
        ("has(rr) && pool == 'system'", [("rr", "DoesNotExist", None), ("pool", "NotIn", ["system"])]),
        ("all()", None),
        ("rr == 'true' || has(x)", None),
        ("!has(rr)", None),
        ("rr in {'a', 'b'}", None),
        ("rr == 'a && b'", None),
    ],
)
def test_nodes_that_gateways_avoid(selector: str, expected: list[tuple[str, str, list[str] | None]] | None) -> None:
    """A node is no reflector when one part of a conjunction does not hold; other selectors are not guessed at."""
    found = excluding(selector)
    told = None if found is None else [(one["key"], one["operator"], one.get("values")) for one in found]
    assert expected == told


def reflecting(**reflectors: Any) -> Cluster:
    """The sample's cluster with other reflectors."""
    body = the_cluster().model_dump(by_alias=True)
    body["spec"]["bgp"]["reflectors"] |= reflectors
    body["spec"]["network"] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in body["spec"]["network"].items()
    }
    return Cluster.model_validate(body)


def test_each_part_of_a_selector_makes_a_term_of_its_own() -> None:
    """Terms are alternatives, the requirements of one hold together; what the operator would add stands in each."""
    affinity = gateway_affinity(reflecting(selector="has(rr) && pool == 'system'"), {"a": "b"})
    assert affinity is not None
    terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]

    assert [
        ["type", "kubernetes.azure.com/cluster", "rr"],
        ["type", "kubernetes.azure.com/cluster", "pool"],
    ] == [[one["key"] for one in term["matchExpressions"]] for term in terms]
    sibling = affinity["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"]
    assert {"a": "b"} == sibling["labelSelector"]["matchLabels"]


def test_gateways_may_run_on_reflectors_that_are_not_dedicated() -> None:
    """Then the operator's own affinity stands."""
    assert gateway_affinity(reflecting(dedicated=False), {"a": "b"}) is None


def status(updated: str | None, *sessions: tuple[str, str], classes: tuple[str, ...] = ("BGP",)) -> Resource:
    """A CalicoNodeStatus of node-a."""
    peers = [{"peerIP": address, "state": state, "type": "NodePeer"} for address, state in sessions]
    body: dict[str, Any] = {"spec": {"node": "node-a", "classes": list(classes)}}
    if updated is not None:
        body["status"] = {"lastUpdated": updated, "bgp": {"peersV4": peers}}
    return a_resource(Kind.CALICO_NODE_STATUS, "node-a", **body)


UP = ("10.1.0.7", "Established")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([status("2026-11-23T11:59:30Z", UP)], ""),
        ([], "no CalicoNodeStatus younger"),
        ([status(None)], "no CalicoNodeStatus younger"),
        ([status("2026-11-23T11:58:00Z", UP)], "no CalicoNodeStatus younger"),
        ([status("2026-11-23T11:59:30", UP)], "no CalicoNodeStatus younger"),
        ([status("yesterday", UP)], "no CalicoNodeStatus younger"),
        ([status("2026-11-23T11:59:30Z", UP, classes=("Agent",))], "no CalicoNodeStatus younger"),
        ([status("2026-11-23T11:59:30Z", UP, ("10.1.0.7", "Active"))], ""),
        ([status("2026-11-23T11:59:30Z", ("10.1.0.7", "Active"))], "the session of node-a with node-b is Active"),
        ([status("2026-11-23T11:59:30Z")], "the session of node-a with node-b is missing"),
    ],
)
def test_what_says_that_a_reflector_is_settled(found: list[Resource], words: str) -> None:
    """Only a young report of an Established session with every other ready node."""
    cluster = seen(*found)
    assert words == "" or unsettled(cluster, a_node("node-a", "10.1.0.6")).startswith(words)
    assert bool(words) == bool(unsettled(cluster, a_node("node-a", "10.1.0.6")))
