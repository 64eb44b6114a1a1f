"""Names and places, each a type of its own so that one cannot be passed for another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, NewType

HubName = NewType("HubName", str)
ClusterName = NewType("ClusterName", str)
TenantName = NewType("TenantName", str)
NamespaceName = NewType("NamespaceName", str)
Commit = NewType("Commit", str)
"""A full Git object id of a commit, 40 hex digits."""
GenerationId = NewType("GenerationId", str)
"""8 lower-case hex digits, drawn when the ledger reserves a range; never reused."""
PlanId = NewType("PlanId", str)
TargetName = NewType("TargetName", str)
"""`cluster/NAME`, `firewall/HUB` or `route-server/HUB`."""

FIELD_MANAGER = "egress-gitops"
"""Our name in Kubernetes managedFields."""
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
TENANT_LABEL = "egress-gitops.io/tenant"
HUB_LABEL = "egress-gitops.io/hub"
GENERATION_LABEL = "egress-gitops.io/generation"
BLOCKED_ANNOTATION = "egress-gitops.io/blocked-by-removal"
"""On a workload namespace: its tenant was removed with `onRemoval: block`; the value names tenant and generation."""

SELECTOR_ANNOTATION = "egress.projectcalico.org/selector"
NAMESPACE_SELECTOR_ANNOTATION = "egress.projectcalico.org/namespaceSelector"
POLICY_ANNOTATION = "egress.projectcalico.org/egressGatewayPolicy"
EGRESS_ANNOTATIONS = (SELECTOR_ANNOTATION, NAMESPACE_SELECTOR_ANNOTATION, POLICY_ANNOTATION)

ALWAYS_RESERVED_NAMESPACES = frozenset(
    {
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "calico-system",
        "calico-apiserver",
        "tigera-operator",
        "gatekeeper-system",
        "tigera-system",
    }
)
"""No tenant may claim these, whatever the cluster definition says; names ending in `-egw` are reserved as well."""


def cluster_target(name: str) -> TargetName:
    """The target of one cluster."""
    return TargetName(f"cluster/{name}")


def firewall_target(hub: str) -> TargetName:
    """The target of a hub's firewall policy."""
    return TargetName(f"firewall/{hub}")


def activity_log_target(hub: str) -> TargetName:
    """What Azure's activity log tells of a hub's firewall policy."""
    return TargetName(f"activity-log/{hub}")


def route_server_target(hub: str) -> TargetName:
    """The target of a hub's Route Server."""
    return TargetName(f"route-server/{hub}")


class AttachmentKey(NamedTuple):
    """One tenant on one cluster."""

    tenant: TenantName
    cluster: ClusterName

    def __str__(self) -> str:
        return f"{self.tenant}@{self.cluster}"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a value stands in a file; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
