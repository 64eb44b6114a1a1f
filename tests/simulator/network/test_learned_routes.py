"""What Route Server learns of a cluster: filters, next hops, sessions, limits, time."""

from __future__ import annotations

from typing import Any

import pytest
from network_builders import ACCEPT_TENANT0, INSTANCES, LEARN, REJECT, SmallWorld, a_world

from simulator.model.azure.operations import KEPT_LISTING
from simulator.model.errors import ArmError

EGRESS = {"10.99.0.1/32": "10.1.0.5", "10.99.0.2/32": "10.1.0.6"}
POD_BLOCKS = {f"10.244.{index}.0/26": f"10.1.0.{4 + index}" for index in range(4)}


def settle(world: SmallWorld) -> None:
    """Let a change be learned."""
    world.clock.advance(LEARN)


def test_accept_list_with_final_reject_exports_the_egress_ranges_alone() -> None:
    """Both instances learn both gateways' blocks over both peers, each with its owner as next hop."""
    world = a_world()
    assert [world.learned(instance, f"spoke1-n{node}") for instance in (0, 1) for node in (0, 1)] == [EGRESS] * 4


def test_rows_are_shaped_as_azure_gives_them() -> None:
    """202 first, then rows by instance; the result expires."""
    world = a_world()
    listing = world.hub.learned_routes("hub-rs", "SPOKE1-N0")
    assert (listing.status, world.hub.get_result(listing.operation_id)) == (202, None)
    world.clock.advance(5)
    result = world.hub.get_result(listing.operation_id)
    assert result is not None
    assert list(result) == ["RouteServiceRole_IN_0", "RouteServiceRole_IN_1"]
    assert result["RouteServiceRole_IN_1"][0] == {
        "localAddress": "10.0.1.5",
        "network": "10.99.0.1/32",
        "nextHop": "10.1.0.5",
        "sourcePeer": "10.1.0.4",
        "origin": "EBgp",
        "asPath": "63400",
        "weight": 32768,
    }
    world.clock.advance(KEPT_LISTING.total_seconds() + 1)
    with pytest.raises(ArmError, match="not found"):
        world.hub.get_result(listing.operation_id)


def test_the_published_filter_with_two_rejects_exports_nothing() -> None:
    """Two `Reject NotIn` in sequence: healthy sessions, two empty lists."""
    world = a_world()
    world.spoke.pool("tenant1-pool", "10.99.0.8/29", "tenant1")
    world.spoke.filter(
        *({"action": "Reject", "matchOperator": "NotIn", "cidr": cidr} for cidr in ("10.99.0.0/29", "10.99.0.8/29"))
    )
    settle(world)
    assert (world.learned(0), world.learned(1)) == ({}, {})
    assert set(world.hub.route_server.sessions().values()) == {"up"}


def test_a_single_reject_works_for_one_range() -> None:
    """What is not rejected goes through Calico's own export."""
    world = a_world()
    world.spoke.filter({"action": "Reject", "matchOperator": "NotIn", "cidr": "10.99.0.0/29"})
    settle(world)
    assert world.learned() == EGRESS


@pytest.mark.parametrize("how", ["empty", "missing", "unlisted"])
def test_an_empty_or_missing_filter_leaks_the_pod_blocks(how: str) -> None:
    """Nothing rejects, so Calico exports every pool."""
    world = a_world()
    if how == "empty":
        world.spoke.filter()
    elif how == "missing":
        world.spoke.api.remove("BGPFilter", "export-egress-ips")
    else:
        world.spoke.peers(filters=None)
    settle(world)
    assert world.learned() == EGRESS | POD_BLOCKS


def test_pools_that_may_not_be_exported() -> None:
    """Export of a pool is off where no filter decided; an explicit Accept bypasses that on the owner and not beyond.

    Accepting everything tells Route Server of the node's own table as well.
    """
    world = a_world()
    world.spoke.pool("default-pool", "10.244.0.0/16", natOutgoing=True, disableBGPExport=True)
    world.spoke.filter()
    settle(world)
    assert world.learned() == EGRESS
    world.spoke.filter({"action": "Accept"})
    settle(world)
    own_table = {
        "0.0.0.0/0": "10.1.0.1",
        "10.1.0.0/22": "10.1.0.4",
        **dict.fromkeys(("10.0.1.4/32", "10.0.1.5/32"), "10.1.0.1"),
    }
    assert world.learned() == EGRESS | own_table | {"10.244.0.0/26": "10.1.0.4", "10.244.0.9/32": "10.1.0.4"}


def test_an_explicit_accept_exports_pods_on_the_peer_itself_besides_their_block() -> None:
    """Aggregation is bypassed; with blocks of one address there is nothing more to say."""
    world = a_world()
    world.spoke.api.remove("IPAMBlock", "10.99.0.1-32")
    world.spoke.block("10.99.0.0/31", "n1")
    settle(world)
    assert world.learned(connection="spoke1-n1") == {"10.99.0.0/31": "10.1.0.5", **EGRESS}
    assert world.learned(connection="spoke1-n0") == {"10.99.0.0/31": "10.1.0.5", "10.99.0.2/32": "10.1.0.6"}


def test_routes_go_with_their_pool() -> None:
    """A deleted pool withdraws what lies in it though the gateways still run; only their own node may still tell."""
    world = a_world()
    world.spoke.api.remove("IPPool", "tenant0-pool")
    settle(world)
    assert world.learned() == {}
    assert world.learned(connection="spoke1-n1") == {"10.99.0.1/32": "10.1.0.5"}


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ({"keepOriginalNextHop": False}, False),
        ({"keepOriginalNextHop": None}, False),
        ({"keepOriginalNextHop": None, "nextHopMode": "Keep"}, True),
        ({"keepOriginalNextHop": True, "nextHopMode": "Self"}, False),
    ],
)
def test_next_hops(spec: dict[str, Any], kept: bool) -> None:
    """Without keeping the original, the peer itself becomes next hop for everything."""
    world = a_world()
    world.spoke.peers(**spec)
    settle(world)
    assert world.learned() == (EGRESS if kept else dict.fromkeys(EGRESS, "10.1.0.4"))


@pytest.mark.parametrize(
    "spec",
    [
        {"asNumber": 65001},
        {"reachableBy": None},
        {"reachableBy": "10.9.9.9"},
        {"nodeSelector": "route-reflector == 'false'"},
        {"peerIP": "10.0.1.99"},
    ],
)
def test_half_of_route_server(spec: dict[str, Any]) -> None:
    """A wrong BGPPeer takes one instance away, the other goes on."""
    world = a_world()
    world.spoke.peer("azure-route-server-b", **{"instance": INSTANCES[1], **spec})
    settle(world)
    assert (world.learned(0), world.learned(1)) == (EGRESS, {})
    down = {instance for (_, instance), reason in world.hub.route_server.sessions().items() if reason != "up"}
    assert down == {INSTANCES[1]}


def test_the_cluster_must_have_the_as_number_that_route_server_expects() -> None:
    """Without BGPConfiguration the cluster speaks as 64512."""
    world = a_world()
    world.spoke.api.remove("BGPConfiguration", "default")
    settle(world)
    assert world.learned() == {}
    assert world.hub.get_connection("hub-rs", "spoke1-n0")["properties"]["connectionState"] == "NotConnected"
    world.hub.put_connection("hub-rs", "spoke1-n0", {"properties": {"peerIp": "10.1.0.4", "peerAsn": 64512}})
    world.clock.advance(15)
    settle(world)
    assert world.learned() == EGRESS
    assert world.hub.get_connection("hub-rs", "spoke1-n0")["properties"]["connectionState"] == "Connected"


def test_a_global_peer_for_the_same_address_wins_over_ours() -> None:
    """Two BGPPeers for one node and address do not add up."""
    world = a_world()
    world.spoke.peer("somebody", INSTANCES[0], nodeSelector=None, filters=[])
    settle(world)
    assert world.learned(0) == EGRESS | POD_BLOCKS
    assert world.learned(1) == EGRESS


def test_without_mesh_and_reflection_a_peer_knows_its_own_routes_alone() -> None:
    """Mesh off before peerings exist: other nodes' gateways are no longer learned; peerings bring them back."""
    world = a_world()
    world.spoke.api.put("BGPConfiguration", "default", {"asNumber": 63400, "nodeToNodeMeshEnabled": False})
    settle(world)
    assert (world.learned(), world.learned(connection="spoke1-n1")) == ({}, {"10.99.0.1/32": "10.1.0.5"})
    world.spoke.api.put(
        "BGPPeer", "peer-with-route-reflectors", {"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'"}
    )
    settle(world)
    assert world.learned() == EGRESS


def test_reflectors_pass_on_what_others_told_them() -> None:
    """n0 hears of n2 only through the reflector n1, and only while that is one."""
    world = a_world()
    world.spoke.api.put("BGPConfiguration", "default", {"asNumber": 63400, "nodeToNodeMeshEnabled": False})
    world.spoke.api.put("BGPPeer", "to-n1", {"nodeSelector": "all()", "peerSelector": "kubernetes.io/hostname == 'n1'"})
    node = world.spoke.api.get("Node", "n1")
    node["metadata"]["labels"] = {**node["metadata"]["labels"], "kubernetes.io/hostname": "n1"}
    settle(world)
    assert world.learned() == {"10.99.0.1/32": "10.1.0.5"}
    node["metadata"]["annotations"] = {"projectcalico.org/RouteReflectorClusterID": "244.0.0.1"}
    settle(world)
    assert world.learned() == EGRESS


def test_a_reflector_leaves_the_mesh_at_once() -> None:
    """The cluster id alone, before any peering exists, cuts that node off from the others."""
    world = a_world()
    world.spoke.api.get("Node", "n1")["metadata"]["annotations"] = {
        "projectcalico.org/RouteReflectorClusterID": "244.0.0.1"
    }
    settle(world)
    assert world.learned() == {"10.99.0.2/32": "10.1.0.6"}
    assert world.learned(connection="spoke1-n1") == {"10.99.0.1/32": "10.1.0.5"}


def test_an_egress_filter_on_the_peering_between_nodes_stops_pod_blocks_inside() -> None:
    """It is applied in both directions there; with an export of pods, only the peer's own block is left."""
    world = a_world()
    world.spoke.api.put("BGPConfiguration", "default", {"asNumber": 63400, "nodeToNodeMeshEnabled": False})
    world.spoke.api.put(
        "BGPPeer",
        "peer-with-route-reflectors",
        {"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'", "filters": ["export-egress-ips"]},
    )
    world.spoke.peers(filters=None)
    settle(world)
    assert world.learned() == EGRESS | {"10.244.0.0/26": "10.1.0.4"}


def test_a_change_is_not_learned_at_once() -> None:
    """Who does not look again reads the old routes."""
    world = a_world()
    world.spoke.api.remove("IPAMBlock", "10.99.0.2-32")
    world.spoke.api.remove("Pod", "egw-2")
    world.spoke.block("10.99.0.2/32", "n3")
    world.spoke.pod("tenant0-egw", "egw-3", "n3", "10.99.0.2", egw="tenant0")
    assert world.hub.route_server.next_hops("10.99.0.2") == {"10.1.0.6"}
    world.clock.advance(4)
    assert world.hub.route_server.next_hops("10.99.0.2") == {"10.1.0.6"}
    world.clock.advance(7)
    assert world.hub.route_server.next_hops("10.99.0.2") == {"10.1.0.7"}


def test_a_dead_node_is_believed_for_its_hold_time() -> None:
    """A gateway's node dies, then the peer that told of it: routes stay three minutes."""
    world = a_world()
    world.spoke.kill_node("n1")
    world.clock.advance(150)
    assert world.hub.route_server.next_hops("10.99.0.1") == {"10.1.0.5"}
    assert world.learned(connection="spoke1-n1") == EGRESS
    world.clock.advance(50)
    assert world.hub.route_server.next_hops("10.99.0.1") == frozenset()
    assert world.learned(connection="spoke1-n1") == {}
    assert world.learned() == {"10.99.0.2/32": "10.1.0.6"}


def test_too_many_routes_drop_the_session_for_everybody() -> None:
    """Beyond the limit nothing is learned over that connection."""
    world = a_world(routes_per_peer=5)
    assert world.learned() == EGRESS
    world.spoke.filter()
    settle(world)
    assert world.learned() == {}
    world.spoke.filter(ACCEPT_TENANT0, REJECT)
    settle(world)
    assert world.learned() == EGRESS


def test_an_edited_filter_counts_every_route_twice() -> None:
    """Within the limit and still dropped for a moment: the peer tells everything again on top of what is there."""
    world = a_world(routes_per_peer=3)
    world.spoke.filter(ACCEPT_TENANT0, {"action": "Accept", "matchOperator": "In", "cidr": "10.99.1.0/29"}, REJECT)
    seen = set()
    for _ in range(20):
        world.clock.advance(1)
        seen.add(len(world.hub.route_server.next_hops("10.99.0.1")))
    assert seen == {0, 1}
    assert world.learned() == EGRESS


def test_service_ranges_are_told_only_if_configured() -> None:
    """And then a filter is all that keeps them in."""
    world = a_world()
    world.spoke.api.put(
        "BGPConfiguration", "default", {"asNumber": 63400, "serviceClusterIPs": [{"cidr": "172.16.0.0/16"}]}
    )
    settle(world)
    assert world.learned() == EGRESS
    world.spoke.filter()
    settle(world)
    assert world.learned()["172.16.0.0/16"] == "10.1.0.4"


def test_connections_are_made_and_deleted_one_at_a_time() -> None:
    """A node that was replaced gets a new connection; the eighth is the last."""
    world = a_world()
    hub = world.hub
    made = hub.put_connection("hub-rs", "spoke1-n3", {"properties": {"peerIp": "10.1.0.7", "peerAsn": 63400}})
    assert made.status == 201
    with pytest.raises(ArmError, match="Another operation"):
        hub.delete_connection("hub-rs", "spoke1-n0")
    world.clock.advance(15)
    assert hub.delete_connection("hub-rs", "spoke1-n0").status == 202
    world.clock.advance(15)
    assert [entry["name"] for entry in hub.list_connections("hub-rs").value] == ["spoke1-n1", "spoke1-n3"]
    for index in range(6):
        hub.put_connection("hub-rs", f"more-{index}", {"properties": {"peerIp": f"10.5.0.{index}", "peerAsn": 63400}})
        world.clock.advance(15)
    with pytest.raises(ArmError, match="8 peers at most"):
        hub.put_connection("hub-rs", "ninth", {"properties": {"peerIp": "10.5.0.99", "peerAsn": 63400}})


def test_what_a_connection_taught_goes_with_it() -> None:
    """It stands while the deletion runs, and once ARM says that the connection is gone no route of it is left or comes again."""
    world = a_world()
    server = world.hub.route_server
    world.hub.delete_connection("hub-rs", "spoke1-n0")
    world.clock.advance(14)
    assert {"spoke1-n0", "spoke1-n1"} == {connection for connection, _, _ in server.learned()}
    version = server.learned_version
    world.clock.advance(1)
    assert "spoke1-n0" not in server.connections
    assert {"spoke1-n1"} == {connection for connection, _, _ in server.learned()}
    assert server.learned_version > version
    world.clock.advance(5)
    assert {"spoke1-n1"} == {connection for connection, _, _ in server.learned()}


@pytest.mark.parametrize(
    "properties",
    [
        {"peerIp": "node", "peerAsn": 63400},
        {"peerIp": "10.5.0.1", "peerAsn": 65515},
        {"peerIp": "10.5.0.1", "peerAsn": 70000},
        {"peerIp": "10.1.0.5", "peerAsn": 63400},
    ],
)
def test_connections_that_route_server_does_not_take(properties: dict[str, Any]) -> None:
    """No address, an AS number that Azure keeps, one of more than 16 bits, an address twice."""
    with pytest.raises(ArmError) as refused:
        a_world().hub.put_connection("hub-rs", "new", {"properties": properties})
    assert refused.value.status == 400
