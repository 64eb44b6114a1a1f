"""What Route Server's instances really learn, against what the simulator says that they learn."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import pytest
from clusters import (
    CLUSTER_ASN,
    FILTER,
    POD_BLOCKS,
    SERVICES,
    WORKER,
    Cluster,
    Thing,
    a_cluster,
    add_tenant,
    simulated,
    tenant_range,
)
from places import (
    GATEWAY,
    INSTANCES,
    NODE_SUBNET,
    REFLECTOR_ADDRESS,
    WORKER_ADDRESS,
    a_namespace,
    on_loopback,
)
from speakers import Network, Start

from simulator.model.bgp.fabric import Fabric
from simulator.model.bgp.prefixes import Prefix

A, B = tenant_range(0), tenant_range(1)
TENANT_A = {"10.99.0.0/32": WORKER_ADDRESS, "10.99.0.7/32": REFLECTOR_ADDRESS}
SERVICE_RANGE = {SERVICES: REFLECTOR_ADDRESS}


def learned(network: Network, cluster: Cluster) -> dict[str, str]:
    """What both instances have learned, which is what the simulator says."""
    real = network.settle(cluster)
    assert simulated(cluster) == real
    assert real[0] == real[1]
    return real[0]


def not_in(cidr: str) -> Thing:
    """A rule of the published example."""
    return {"action": "Reject", "matchOperator": "NotIn", "cidr": cidr}


@pytest.mark.parametrize("tenants", [0, 1, 2, 50])
def test_our_filter_lets_the_tenants_ranges_out_and_nothing_else(network: Network, tenants: int) -> None:
    """From no tenant to fifty: every gateway's address is told with its node as next hop, no pod block, no service range."""
    cluster = a_cluster(tenants)
    found = learned(network, cluster)
    ranges = [Prefix.parse(tenant_range(number)) for number in range(tenants)]
    assert {tenant: {WORKER_ADDRESS, REFLECTOR_ADDRESS} if tenant.length else set() for tenant in ranges} == {
        tenant: {hop for prefix, hop in found.items() if tenant.covers(Prefix.parse(prefix))} for tenant in ranges
    }
    assert all(any(tenant.covers(Prefix.parse(prefix)) for tenant in ranges) for prefix in found)


def test_the_published_filter_lets_nothing_out(network: Network) -> None:
    """Two `Reject NotIn` in a row: what lies in one range lies outside the other."""
    cluster = a_cluster(2)
    cluster.filter(not_in(A), not_in(B))
    assert {} == learned(network, cluster)


def test_the_published_filter_works_for_one_range(network: Network) -> None:
    """As its text has it, for as long as there is a single tenant."""
    cluster = a_cluster(1)
    cluster.filter(not_in(A))
    assert TENANT_A == learned(network, cluster)


@pytest.mark.parametrize("how", ["empty", "missing", "unlisted"])
def test_without_rules_pods_and_services_leak(network: Network, how: str) -> None:
    """Therefore the reconciler never writes such a filter."""
    cluster = a_cluster(1)
    if how == "empty":
        cluster.filter()
    elif how == "missing":
        cluster.remove("BGPFilter", FILTER)
    else:
        cluster.peers(filters=None)
    assert TENANT_A | POD_BLOCKS | SERVICE_RANGE == learned(network, cluster)


def test_renumbering(network: Network) -> None:
    """Both ranges for as long as both generations exist, then the new one alone."""
    cluster = a_cluster(1)
    add_tenant(cluster, B)
    cluster.our_filter(A, B)
    tenant_b = {"10.99.0.8/32": WORKER_ADDRESS, "10.99.0.15/32": REFLECTOR_ADDRESS}
    assert TENANT_A | tenant_b == learned(network, cluster)
    cluster.our_filter(B)
    assert tenant_b == learned(network, cluster)


@pytest.mark.usefixtures("node_interfaces")
def test_accepting_everything_tells_the_nodes_own_table(network: Network) -> None:
    """An Accept without a match draws Azure's traffic to the reflector: its default route is among what it tells."""
    cluster = a_cluster(1)
    cluster.filter({"action": "Accept"})
    own_table = {NODE_SUBNET: REFLECTOR_ADDRESS} | dict.fromkeys(
        ("0.0.0.0/0", *(f"{address}/32" for address in INSTANCES)), GATEWAY
    )
    own_pod = {"10.244.0.5/32": REFLECTOR_ADDRESS}
    assert TENANT_A | POD_BLOCKS | SERVICE_RANGE | own_table | own_pod == learned(network, cluster)


def test_an_accept_bypasses_what_calico_would_hold_back(network: Network) -> None:
    """Aggregation and a pool's `disableBGPExport`, on the reflector; the worker held back what is its own."""
    cluster = a_cluster()
    cluster.pool("10.244.0.0/16", disableBGPExport=True)
    cluster.filter()
    assert SERVICE_RANGE == learned(network, cluster)
    cluster.filter({"action": "Accept", "matchOperator": "In", "cidr": "10.244.0.0/16"})
    own = dict.fromkeys(("10.244.0.0/26", "10.244.0.5/32"), REFLECTOR_ADDRESS)
    assert SERVICE_RANGE | own == learned(network, cluster)


def test_a_borrowed_address_hides_behind_the_lenders_block(network: Network) -> None:
    """A worker's pod in the reflector's block is not told by the reflector, unless a filter accepts it."""
    cluster = a_cluster()
    cluster.pod("10.244.0.60", WORKER)
    cluster.filter()
    assert POD_BLOCKS | SERVICE_RANGE == learned(network, cluster)
    cluster.filter({"action": "Accept", "matchOperator": "In", "cidr": "10.244.0.32/27"}, {"action": "Reject"})
    assert {"10.244.0.60/32": WORKER_ADDRESS} == learned(network, cluster)


def test_an_empty_block_of_one_address_is_not_told(network: Network) -> None:
    """A larger block is told without any pod in it; one address only while its pod is there."""
    cluster = a_cluster(1)
    cluster.block("10.99.0.4/32", WORKER)
    cluster.block("10.99.0.2/31", WORKER)
    assert TENANT_A | {"10.99.0.2/31": WORKER_ADDRESS} == learned(network, cluster)


def test_a_service_range_inside_a_hidden_pool_stays_inside(network: Network) -> None:
    """Calico rejects hidden pools before it accepts service ranges, and whatever lies in a service range goes out."""
    cluster = a_cluster()
    cluster.filter()
    cluster.pool("172.16.0.0/12", disableBGPExport=True)
    assert POD_BLOCKS == learned(network, cluster)


@pytest.mark.usefixtures("node_interfaces")
@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ({}, True),
        ({"keepOriginalNextHop": False}, False),
        ({"keepOriginalNextHop": None, "nextHopMode": "Keep"}, True),
        ({"keepOriginalNextHop": True, "nextHopMode": "Self"}, False),
        ({"keepOriginalNextHop": None, "nextHopMode": "Auto"}, False),
    ],
)
def test_next_hops(start: Start, spec: Thing, kept: bool) -> None:
    """Kept: the gateway's node. Not kept: the reflector, for everything."""
    cluster = a_cluster(1)
    cluster.peers(**spec)
    with start(cluster, a_namespace()) as network:
        assert (TENANT_A if kept else dict.fromkeys(TENANT_A, REFLECTOR_ADDRESS)) == learned(network, cluster)


@pytest.mark.usefixtures("node_interfaces")
@pytest.mark.parametrize(
    ("match", "rejected"),
    [
        ({"source": "RemotePeers"}, {"10.99.0.0/32"}),
        ({"interface": "cali*"}, {"10.99.0.7/32"}),
        ({"interface": "cali"}, set()),
        ({"interface": "eth0"}, {"10.99.0.0/32"}),
        ({"interface": "*"}, {"10.99.0.0/32", "10.99.0.7/32"}),
        ({"peerType": "eBGP"}, {"10.99.0.0/32", "10.99.0.7/32"}),
        ({"peerType": "iBGP"}, set()),
        ({"communities": {"values": ["65001:1"]}}, set()),
        ({"asPathPrefix": [65001]}, set()),
        ({"asPathPrefix": [63400]}, {"10.99.0.0/32", "10.99.0.7/32"}),
        ({"priority": 1024}, {"10.99.0.0/32", "10.99.0.7/32"}),
        ({"priority": 512}, set()),
    ],
)
def test_other_match_fields(network: Network, match: Thing, rejected: set[str]) -> None:
    """Every one that a rule may have besides a prefix."""
    cluster = a_cluster(1)
    cluster.filter(
        {"action": "Reject", **match}, {"action": "Accept", "matchOperator": "In", "cidr": A}, {"action": "Reject"}
    )
    assert TENANT_A.keys() - rejected == learned(network, cluster).keys()


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "Accept", "matchOperator": "In", "cidr": "10.99.0.1/29"},
        {"action": "Accept", "matchOperator": "Equal", "cidr": "10.99.0.1/29"},
        {"action": "Accept", "matchOperator": "In", "cidr": "fd00::/8"},
        {"action": "Accept", "matchOperator": "In", "cidr": A, "prefixLength": {"min": 0, "max": 28}},
        {"action": "Accept", "matchOperator": "NotIn", "cidr": A, "prefixLength": {"min": 31, "max": 30}},
    ],
)
def test_a_filter_that_bird_cannot_parse_freezes_all_filters(network: Network, rule: Thing) -> None:
    """Whoever wrote it, listed or not: edits of other filters take effect only when it is gone; pools and blocks go on."""
    cluster = a_cluster(1)
    fabric = Fabric(cluster)
    assert simulated(cluster, fabric) == network.settle(cluster)
    cluster.filter(rule, name="somebodys")
    add_tenant(cluster, B)
    cluster.our_filter(A, B)
    cluster.block("10.99.0.2/31", WORKER)
    frozen = TENANT_A | {"10.99.0.2/31": WORKER_ADDRESS}
    assert [frozen, frozen] == simulated(cluster, fabric) == network.settle(cluster)
    cluster.remove("BGPFilter", "somebodys")
    thawed = frozen | {"10.99.0.8/32": WORKER_ADDRESS, "10.99.0.15/32": REFLECTOR_ADDRESS}
    assert [thawed, thawed] == simulated(cluster, fabric) == network.settle(cluster)


def between_nodes(*, imports: Sequence[Thing] = ()) -> Cluster:
    """The peering of nodes and reflectors lists the filter, those with Route Server do not."""
    cluster = a_cluster(1)
    cluster.filter({"action": "Accept", "matchOperator": "In", "cidr": A}, {"action": "Reject"}, imports=imports)
    spec = {"nodeSelector": "all()", "peerSelector": "route-reflector == 'true'", "filters": [FILTER]}
    cluster.put("BGPPeer", "peers", spec)
    cluster.peers(filters=None)
    return cluster


OWN = {"10.99.0.7/32": REFLECTOR_ADDRESS} | SERVICE_RANGE | {"10.244.0.0/26": REFLECTOR_ADDRESS}


def test_an_egress_filter_between_nodes_stops_pod_blocks(network: Network) -> None:
    """The peering of nodes and reflectors carries filters in both directions, so ours does not belong there."""
    assert TENANT_A | OWN == learned(network, between_nodes())


@pytest.mark.usefixtures("node_interfaces")
@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ({}, False),
        ({"matchOperator": "In", "cidr": A}, False),
        ({"matchOperator": "NotIn", "cidr": A}, True),
        ({"source": "RemotePeers"}, False),
        ({"interface": "*"}, False),
        ({"peerType": "iBGP"}, False),
        ({"peerType": "eBGP"}, True),
        ({"asPathPrefix": [CLUSTER_ASN]}, True),
        ({"priority": 1024}, False),
    ],
)
def test_what_a_reflector_takes_from_a_node(network: Network, rule: Thing, taken: bool) -> None:
    """Rules for what is taken hold here too: with ours, which rejects all of it, no other node's tenant is ever learned."""
    found = learned(network, between_nodes(imports=[{"action": "Reject", **rule}]))
    assert (TENANT_A | OWN if taken else OWN) == found


def test_on_loopback_addresses_as_well(start: Start) -> None:
    """Where no namespace may be made."""
    cluster = a_cluster(1)
    with start(cluster, nullcontext(on_loopback())) as network:
        assert TENANT_A == learned(network, cluster)
