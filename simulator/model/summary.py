"""The state of a world in short, for people and for checks over HTTP: JSON-ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from simulator.model.azure.arm import AzureHub
from simulator.model.clock import VirtualClock
from simulator.model.kubernetes.cluster import Cluster
from simulator.model.packets import Packet

EGRESS_PREFIX = "egress.projectcalico.org/"


class Describable(Protocol):
    """The parts of a world that a summary shows."""

    clock: VirtualClock
    clusters: Mapping[str, Cluster]
    hubs: Mapping[str, AzureHub]
    packets: list[Packet]


def describe(world: Describable) -> dict[str, Any]:
    """Time, clusters with counts and key objects, hubs with policies, groups and the next hops learned for pods' addresses."""
    return {
        "clock": world.clock.now().isoformat(),
        "clusters": {name: _cluster(cluster) for name, cluster in world.clusters.items()},
        "hubs": {name: _hub(hub) for name, hub in world.hubs.items()},
        "packets": len(world.packets),
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    api = cluster.api
    return {
        "api_mode": cluster.document.api_mode,
        "counts": {kind: len(api.objects(kind)) for kind in api.kinds},
        "pools": {_name(each): each["spec"]["cidr"] for each in api.objects("IPPool")},
        "gateways": {f"{_namespace(each)}/{_name(each)}": _gateway(each) for each in api.objects("EgressGateway")},
        "pods": {
            f"{_namespace(each)}/{_name(each)}": {
                "ip": each.get("status", {}).get("podIP", ""),
                "node": each.get("spec", {}).get("nodeName", ""),
                "phase": each.get("status", {}).get("phase", ""),
                "terminating": "deletionTimestamp" in each["metadata"],
            }
            for each in api.objects("Pod")
        },
        "annotated": {_name(each): found for each in api.objects("Namespace") if (found := _egress(each))},
        "filters": {_name(each): each.get("spec", {}).get("exportV4", []) for each in api.objects("BGPFilter")},
        "peers": sorted(_name(each) for each in api.objects("BGPPeer")),
    }


def _gateway(gateway: Mapping[str, Any]) -> dict[str, Any]:
    spec = gateway.get("spec", {})
    return {
        "replicas": spec.get("replicas"),
        "pools": [entry.get("name") or entry.get("cidr") for entry in spec.get("ipPools", ())],
        "state": gateway.get("status", {}).get("state", ""),
    }


def _egress(namespace: Mapping[str, Any]) -> dict[str, str]:
    annotations = namespace["metadata"].get("annotations") or {}
    return {
        key.removeprefix(EGRESS_PREFIX): value for key, value in annotations.items() if key.startswith(EGRESS_PREFIX)
    }


def _hub(hub: AzureHub) -> dict[str, Any]:
    server = hub.route_server
    return {
        "policies": {
            policy.name: {
                "state": str(policy.state),
                "groups": {
                    group.name: hub.policies.group_body(policy, group)["properties"]["provisioningState"]
                    for group in policy.groups.values()
                },
            }
            for policy in hub.policies.policies.values()
        },
        "route_server": {
            "connections": {
                connection.name: server.connection_body(connection)["properties"]
                for connection in server.connections.values()
            },
            "sessions": {f"{name} {address}": reason for (name, address), reason in server.sessions().items()},
            "routes": {
                address: sorted(hops)
                for cluster in hub.attached()
                for pod in cluster.api.objects("Pod")
                if (address := pod.get("status", {}).get("podIP", "")) and (hops := server.next_hops(address))
            },
        },
    }


def _name(item: Mapping[str, Any]) -> str:
    return str(item["metadata"]["name"])


def _namespace(item: Mapping[str, Any]) -> str:
    return str(item["metadata"].get("namespace", ""))
