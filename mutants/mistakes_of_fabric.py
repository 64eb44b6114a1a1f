"""Mistakes in the network under the tenants: reflectors, Route Server's connections, a cluster's leave, what is checked first."""

from __future__ import annotations

from mutants.mistake import Mistake

_FABRIC = "function_app/planning/fabric.py"
_CONNECTIONS = "function_app/planning/connections.py"
_REFLECTORS = "function_app/planning/reflectors.py"
_RISES = ("tests/stories/test_fabric_rises.py",)
_NODES = ("tests/stories/test_nodes_replaced.py",)
_LEAVES = ("tests/stories/test_cluster_leaves.py",)
_PREFLIGHT = ("tests/stories/test_preflight.py",)

FABRIC = (
    Mistake(
        "reflectors-all-at-once",
        "All reflectors leave the mesh in one pass: every pod on them is cut off, and every route of the cluster with it.",
        "1",
        _FABRIC,
        "_placed(one, loss, turn=at == turn) for at",
        "_placed(one, loss, turn=True) for at",
        _RISES,
    ),
    Mistake(
        "reflector-interrupted-while-needed",
        "The one node over which tenants are learned gets its cluster id: their routes are gone for as long as that takes.",
        "1",
        _FABRIC,
        "    return lost_without(situation, facts, [internal_address(node)])\n",
        '    return Loss("")\n',
        _NODES,
    ),
    Mistake(
        "mesh-off-before-every-session-stands",
        "The mesh goes while a reflector lacks sessions: nodes lose the way to each other's pods.",
        "1",
        "function_app/planning/bgp_configuration.py",
        '    return next((words for node in reflectors.ready if (words := unsettled(facts.observed, node))), "")\n',
        '    return ""\n',
        _RISES,
    ),
    Mistake(
        "old-status-taken-for-settled",
        "What calico-node said an hour ago counts as the sessions of now.",
        "1, 5",
        _REFLECTORS,
        "        if told is not None and observed.at - told <= STATUS_AGE:\n",
        "        if told is not None:\n",
        _RISES,
    ),
    Mistake(
        "connection-before-its-filter",
        "Route Server is connected while no filter stands: pod ranges of the whole cluster reach Azure.",
        "3",
        _CONNECTIONS,
        "    if is_leaving(facts) or not _guarded(situation, facts):\n",
        "    if is_leaving(facts):\n",
        _RISES,
    ),
    Mistake(
        "old-connection-goes-before-the-new-one-teaches",
        "A replaced reflector's connection goes at once: the routes learned over it alone are gone.",
        "1",
        _CONNECTIONS,
        '    hindrance = loss.words or (f"reflector {first} is to have its own first" if first else "")\n',
        '    hindrance = ""\n',
        _NODES,
    ),
    Mistake(
        "connections-of-others-taken-for-ours",
        "A connection that somebody made by hand is deleted because its node is no reflector to us.",
        "4",
        _CONNECTIONS,
        "    return tuple(peer for peer in observed.connections if is_ours(cluster, peer))\n",
        "    return observed.connections\n",
        _RISES,
    ),
    Mistake(
        "several-writes-on-a-route-server",
        "ARM takes one write at a time on a Route Server: the others are refused in every pass.",
        "8",
        _CONNECTIONS,
        "        if change.waits_for is None and taken:\n",
        "        if change.waits_for is None and taken and False:\n",
        _RISES,
    ),
    Mistake(
        "leaves-under-its-tenants",
        "A cluster that is to leave is taken down while tenants' gateways still serve on it.",
        "1",
        _CONNECTIONS,
        "    return facts.definition.spec.leaving and not facts.generations\n",
        "    return facts.definition.spec.leaving\n",
        _LEAVES,
    ),
    Mistake(
        "what-is-checked-first-stops-nothing",
        "A cluster whose Calico cannot run gateways, or is moving to another store, is written to all the same.",
        "7",
        "function_app/planning/preflight.py",
        "    stopped = frozenset(name for name in seen if any(one.subject == cluster_target(name) for one in refused))\n",
        "    stopped = frozenset[ClusterName]()\n",
        _PREFLIGHT,
    ),
    Mistake(
        "peers-of-another-route-server",
        "The definition names another Route Server's addresses, and the peers of the one that is there are rewritten to them.",
        "7",
        "function_app/planning/route_server_check.py",
        "    if number == defined.asn and set(addresses) == set(defined.peer_ips):\n",
        "    if True:\n",
        _PREFLIGHT,
    ),
)
