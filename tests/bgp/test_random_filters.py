"""Any filter over any routes: what one running BIRD lets out is what the simulator says."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from clusters import CLUSTER_ASN, REFLECTOR, SERVICES, WORKER, Cluster, Thing, a_cluster, simulated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from places import INSTANCES, NODE_SUBNET
from speakers import Network

POOLS = ("10.244.0.0/16", "10.99.0.0/29", "10.99.0.8/29", "10.99.0.0/24")
BLOCKS = ("10.244.2.0/26", "10.99.0.0/29", "10.99.0.8/31", "10.99.0.10/32", "10.99.0.64/28")
PODS = ("10.244.0.9", "10.244.2.1", "10.99.0.0", "10.99.0.7", "10.99.0.8", "10.99.0.10", "10.99.0.65", "192.168.1.1")
CIDRS = (
    *("0.0.0.0/0", NODE_SUBNET, SERVICES, f"{INSTANCES[0]}/32", "10.0.0.0/8", "128.0.0.0/1"),
    *(*POOLS, *BLOCKS, *(f"{pod}/32" for pod in PODS), "10.99.0.0/28", "10.244.0.0/26", "10.99.0.8/30"),
)
_NODES = st.sampled_from((REFLECTOR, WORKER))
_MATCHES: dict[str, st.SearchStrategy[Any]] = {
    "source": st.just("RemotePeers"),
    "interface": st.sampled_from(("*", "cali*", "cali", "eth0", "*0", "tunl0")),
    "peerType": st.sampled_from(("eBGP", "iBGP")),
    "communities": st.just({"values": ["65001:1"]}),
    "asPathPrefix": st.sampled_from(([CLUSTER_ASN], [65001], [CLUSTER_ASN, 65001])),
    "priority": st.sampled_from((512, 1024)),
}


@st.composite
def a_rule(draw: st.DrawFn) -> Thing:
    """A rule that the API takes and BIRD can parse; most are about a prefix."""
    rule: Thing = {"action": draw(st.sampled_from(("Accept", "Reject")))}
    if draw(st.integers(0, 7)):
        cidr = draw(st.sampled_from(CIDRS))
        rule |= {"cidr": cidr, "matchOperator": draw(st.sampled_from(("In", "NotIn", "Equal", "NotEqual")))}
        if draw(st.booleans()):
            longest = draw(st.integers(IPv4Network(cidr).prefixlen, 32))
            bounds = {"min": draw(st.integers(0, longest)), "max": longest}
            named = draw(st.sampled_from((("min",), ("max",), ("min", "max"))))
            rule["prefixLength"] = {bound: bounds[bound] for bound in named}
    if not draw(st.integers(0, 3)):
        field = draw(st.sampled_from(sorted(_MATCHES)))
        rule[field] = draw(_MATCHES[field])
    return rule


@st.composite
def a_random_cluster(draw: st.DrawFn) -> Cluster:
    """Pods and blocks on either node, in pools shown or hidden or in none, and two filters, one of which may be missing."""
    cluster = a_cluster()
    cluster.services(*draw(st.lists(st.sampled_from((SERVICES, "10.99.0.0/28")), unique=True)))
    for pool in draw(st.lists(st.sampled_from(POOLS), unique=True)):
        cluster.pool(pool, disableBGPExport=draw(st.booleans()))
    pools = [IPv4Network(pool["spec"]["cidr"]) for pool in cluster.objects("IPPool")]
    for block in draw(st.lists(st.sampled_from(BLOCKS), unique=True)):
        if any(IPv4Network(block).subnet_of(pool) for pool in pools):
            cluster.block(block, draw(_NODES))
    for pod in draw(st.lists(st.sampled_from(PODS), unique=True, min_size=3)):
        cluster.pod(pod, draw(_NODES))
    names = draw(st.permutations(("export-egress-ips", "another", "missing")))
    for name in names:
        if name != "missing":
            imports = draw(st.lists(a_rule(), max_size=2))
            cluster.filter(*draw(st.lists(a_rule(), max_size=4)), name=name, imports=imports)
    cluster.peers(filters=list(names))
    return cluster


@pytest.mark.usefixtures("node_interfaces")
@settings(max_examples=60, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(cluster=a_random_cluster())
def test_what_bird_lets_out_is_what_the_simulator_says(network: Network, cluster: Cluster) -> None:
    """Operators, lengths, order, every match field, several filters, and Calico's own export behind them.

    Rules for what a peer tells change nothing of what it is told.
    """
    assert simulated(cluster) == network.settle(cluster)
