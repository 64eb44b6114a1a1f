"""What is read of a cluster, and the few questions asked of its objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from simulator.model.documents import ClusterDocument
from simulator.model.trees import name_of

Object = Mapping[str, Any]
"""A stored Kubernetes object."""


class ObjectReader(Protocol):
    """The stored objects of one cluster."""

    def objects(self, kind: str, /) -> Sequence[Object]:
        """All stored objects of a kind, as they are; not to be changed."""


class ClusterView(Protocol):
    """One simulated cluster, read only."""

    @property
    def name(self) -> str:
        """The cluster's name."""

    @property
    def document(self) -> ClusterDocument:
        """How the world file described it."""

    @property
    def api(self) -> ObjectReader:
        """Its objects."""


def spec_of(thing: Object) -> Mapping[str, Any]:
    """`spec`, empty when absent."""
    return thing.get("spec") or {}


def internal_ip(node: Object) -> str:
    """A Node's InternalIP, empty when it has none."""
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((str(entry["address"]) for entry in addresses if entry.get("type") == "InternalIP"), "")


def is_ready(thing: Object) -> bool:
    """Whether a Node or Pod says Ready; a Node without conditions counts as ready, a Pod must be Running."""
    status = thing.get("status") or {}
    conditions = {entry["type"]: entry["status"] for entry in status.get("conditions") or ()}
    if "phase" in status or thing.get("kind") == "Pod":
        return status.get("phase") == "Running" and conditions.get("Ready") == "True"
    return bool(conditions.get("Ready", "True") == "True")


def pod_address(pod: Object) -> str:
    """The address of a pod of its own, empty while it has none and for pods on the host's network."""
    if spec_of(pod).get("hostNetwork"):
        return ""
    status = pod.get("status") or {}
    return "" if status.get("phase") in ("Succeeded", "Failed") else str(status.get("podIP") or "")


def default_spec(cluster: ClusterView, kind: str) -> Mapping[str, Any]:
    """The spec of the object `default` of a singleton kind, empty when there is none."""
    return next((spec_of(thing) for thing in cluster.api.objects(kind) if name_of(thing) == "default"), {})
