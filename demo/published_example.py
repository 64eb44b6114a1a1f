"""The published example as its readers have it: the walkthrough carried out by hand on one cluster and a policy."""

from __future__ import annotations

from typing import Any

from simulator.model.world import World

CLUSTER = "spoke1-aks"
LABELS = {"tenant": "tenant0-egw"}
BY_HAND: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tenant0-egw"}},
    {
        "apiVersion": "projectcalico.org/v3",
        "kind": "IPPool",
        "metadata": {"name": "tenant0-pool"},
        "spec": {"cidr": "10.99.0.0/29", "blockSize": 31, "nodeSelector": "!all()", "vxlanMode": "Never"},
    },
    {
        "apiVersion": "operator.tigera.io/v1",
        "kind": "EgressGateway",
        "metadata": {"name": "tenant0-egw", "namespace": "tenant0-egw"},
        "spec": {
            "logSeverity": "Info",
            "replicas": 2,
            "ipPools": [{"name": "tenant0-pool"}],
            "template": {"metadata": {"labels": LABELS}, "spec": {"terminationGracePeriodSeconds": 0}},
        },
    },
    {
        "apiVersion": "projectcalico.org/v3",
        "kind": "BGPPeer",
        "metadata": {"name": "azure-route-server-a"},
        "spec": {
            "peerIP": "10.0.1.4",
            "reachableBy": "10.1.0.1",
            "asNumber": 65515,
            "keepOriginalNextHop": True,
            "nodeSelector": "route-reflector == 'true'",
        },
    },
    {
        "apiVersion": "projectcalico.org/v3",
        "kind": "BGPPeer",
        "metadata": {"name": "azure-route-server-b"},
        "spec": {
            "peerIP": "10.0.1.5",
            "reachableBy": "10.1.0.1",
            "asNumber": 65515,
            "keepOriginalNextHop": True,
            "nodeSelector": "route-reflector == 'true'",
        },
    },
]
RULES = {
    "priority": 4000,
    "ruleCollections": [
        {
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
            "name": "by-hand",
            "priority": 100,
            "action": {"type": "Allow"},
            "rules": [
                {
                    "ruleType": "ApplicationRule",
                    "name": "tigera",
                    "sourceAddresses": ["10.99.0.0/29"],
                    "targetFqdns": ["www.tigera.io"],
                    "protocols": [{"protocolType": "Http", "port": 80}],
                }
            ],
        }
    ],
}


def carry_out(world: World) -> None:
    """What the walkthrough's `kubectl` and `az` steps leave behind."""
    api = world.clusters[CLUSTER].api
    for body in BY_HAND:
        api.create(body["kind"], body["metadata"].get("namespace"), body, manager="kubectl-client-side-apply")
    felix = {"spec": {"egressIPSupport": "EnabledPerNamespaceOrPerPod"}}
    api.merge_patch("FelixConfiguration", None, "default", felix, manager="kubectl-patch")
    annotation = {"egress.projectcalico.org/namespaceSelector": "projectcalico.org/name == 'tenant0-egw'"}
    api.merge_patch("Namespace", None, "default", {"metadata": {"annotations": annotation}}, manager="kubectl-annotate")
    world.hubs["hub1"].put_group("tenants", "by-hand", {"properties": RULES})
    world.advance(600)
