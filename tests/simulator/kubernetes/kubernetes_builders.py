"""Clusters and bodies with defaults, for stories about simulated clusters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.model.clock import VirtualClock
from simulator.model.documents import ClusterDocument, NodeDocument
from simulator.model.errors import ApiError
from simulator.model.kubernetes.cluster import Cluster
from simulator.model.trees import Object

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
MANAGER = "egress-gitops"
PERSON = "kubectl-edit"


def a_clock() -> VirtualClock:
    """Virtual time at the start of every story."""
    return VirtualClock(START)


def a_node(number: int, **settings: Any) -> NodeDocument:
    """One of the cluster's nodes; zones go round."""
    return NodeDocument(
        **{"name": f"node-{number}", "address": f"10.1.0.{4 + number}", "zone": str(number % 3 + 1), **settings}
    )


def a_cluster(clock: VirtualClock, mode: str = "native", *, nodes: int = 3, **settings: Any) -> Cluster:
    """A settled cluster without tenants."""
    values: dict[str, Any] = {
        "hub": "hub1",
        "api_mode": mode,
        "vnet": ("10.1.0.0/16",),
        "node_subnet": "10.1.0.0/22",
        "pods": "10.244.0.0/16",
        "services": "172.16.0.0/16",
        "nodes": tuple(a_node(number, reflector=number == 0) for number in range(nodes)),
        **settings,
    }
    return Cluster("spoke1-aks", ClusterDocument(**values), clock)


def a_namespace(name: str, **metadata: Any) -> Object:
    """A namespace to apply."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **metadata}}


def a_pool(name: str = "tenant0-pool", cidr: str = "10.99.0.0/29", **spec: Any) -> Object:
    """An egress pool as the documentation recommends it."""
    recommended = {"cidr": cidr, "blockSize": 32, "natOutgoing": False, "nodeSelector": "!all()", "vxlanMode": "Never"}
    return calico("IPPool", name, {**recommended, **spec})


def calico(kind: str, name: str, spec: Mapping[str, Any]) -> Object:
    """An object of projectcalico.org/v3."""
    return {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def a_gateway(name: str = "tenant0-egw", pool: str = "tenant0-pool", **spec: Any) -> Object:
    """A gateway with two replicas, in the namespace of its name."""
    return {
        "apiVersion": "operator.tigera.io/v1",
        "kind": "EgressGateway",
        "metadata": {"name": name, "namespace": name},
        "spec": {"replicas": 2, "logSeverity": "Info", "ipPools": [{"name": pool}], **spec},
    }


def put_up(cluster: Cluster, body: Object, *, manager: str = MANAGER, force: bool = False) -> Object:
    """Server-side apply of a body, by its own name."""
    metadata = body["metadata"]
    return cluster.api.apply(
        body["kind"], metadata.get("namespace"), metadata["name"], body, manager=manager, force=force
    )


def put_up_tenant(cluster: Cluster, name: str = "tenant0", cidr: str = "10.99.0.0/29", **spec: Any) -> None:
    """Namespace, pool and gateway of one tenant."""
    put_up(cluster, a_namespace(f"{name}-egw"))
    put_up(cluster, a_pool(f"{name}-pool", cidr))
    put_up(cluster, a_gateway(f"{name}-egw", f"{name}-pool", **spec))


def gateway(cluster: Cluster, name: str = "tenant0-egw") -> Object:
    """The gateway as it is stored."""
    return cluster.api.get("EgressGateway", name, name)


def deployment(cluster: Cluster, name: str = "tenant0-egw") -> Object:
    """The gateway's Deployment as it is stored."""
    return cluster.api.get("Deployment", name, name)


def pods(cluster: Cluster, namespace: str = "tenant0-egw") -> list[Object]:
    """The pods of a namespace."""
    return list(cluster.api.list("Pod", namespace).items)


def addresses(cluster: Cluster, namespace: str = "tenant0-egw") -> list[str]:
    """The addresses of a namespace's pods, sorted."""
    return sorted(pod["status"].get("podIP", "") for pod in pods(cluster, namespace))


def conditions(obj: Mapping[str, Any]) -> dict[str, tuple[str, str, str]]:
    """(status, reason, message) by condition type."""
    return {
        entry["type"]: (entry["status"], entry.get("reason", ""), entry.get("message", ""))
        for entry in obj.get("status", {}).get("conditions", ())
    }


def fields_of(obj: Object, manager: str, operation: str = "Apply", subresource: str = "") -> Any:
    """The fieldsV1 that one manager owns; None when it owns nothing."""
    for entry in obj["metadata"].get("managedFields", ()):
        if (entry["manager"], entry["operation"], entry.get("subresource", "")) == (manager, operation, subresource):
            return entry["fieldsV1"]
    return None


def refused(status: int, reason: str) -> Any:
    """Expect an ApiError with this status and reason."""
    return pytest.raises(ApiError, check=lambda error: (error.status, error.reason) == (status, reason))
