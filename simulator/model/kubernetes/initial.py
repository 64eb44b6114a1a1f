"""What exists in a cluster before anybody acts: an AKS cluster on which Calico Enterprise was installed.

Belongs here: bodies only. Who wrote what follows a recorded installation by operator v1.42.4; the BGPConfiguration is the
published example's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.model.documents import ClusterDocument, NodeDocument
from simulator.model.kubernetes.kinds import CALICO_GROUP, served_kinds

OPERATOR = "tigera-operator"
CONTROLLER = "kube-controller-manager"
NODE_AGENT = "kubelet"
INSTALLER = "kubectl-create"

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease", "tigera-operator", "calico-system")
_REFLECTOR_LABEL = "route-reflector"
_DEFINED_LATER = frozenset({"DatastoreMigration"})
"""Kinds whose definition somebody installs when there is need of them (Calico docs, crd-migration)."""


def initial_objects(cluster: str, document: ClusterDocument) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(field manager, body) of everything, in an order in which it can be created."""
    for namespace in dict.fromkeys((*_NAMESPACES, *document.workloads)):
        yield INSTALLER, _cluster_scoped(document, "Namespace", namespace)
    for node in document.nodes:
        yield NODE_AGENT, node_object(cluster, document, node)
    yield CONTROLLER, _api_service(document)
    for kind in served_kinds(document.api_mode).values():
        if not kind.builtin and kind.kind not in _DEFINED_LATER:
            yield INSTALLER, definition(document, kind.kind)
    yield INSTALLER, _installation(document)
    yield INSTALLER, _license(document)
    yield OPERATOR, _pod_pool(document)
    yield OPERATOR, _felix(document)
    if document.egress_ip_support != "Disabled":
        yield (
            INSTALLER,
            _cluster_scoped(document, "FelixConfiguration", "default", {"egressIPSupport": document.egress_ip_support}),
        )
    if not document.bare:
        bgp = {"asNumber": document.asn, "nodeToNodeMeshEnabled": True, "logSeverityScreen": "Info"}
        yield INSTALLER, _cluster_scoped(document, "BGPConfiguration", "default", bgp)
    for body in sorted(document.objects, key=_order):
        yield INSTALLER, body


def node_object(cluster: str, document: ClusterDocument, node: NodeDocument) -> Mapping[str, Any]:
    """A ready node as AKS and calico-node register it."""
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.azure.com/cluster": f"MC_{document.resource_group}_{cluster}",
        "topology.kubernetes.io/zone": node.zone,
        **({_REFLECTOR_LABEL: "true"} if node.reflector else {}),
        **node.labels,
    }
    length = document.node_subnet.partition("/")[2]
    body = _cluster_scoped(document, "Node", node.name, {"providerID": f"azure:///{node.name}"})
    body["metadata"] |= {
        "labels": labels,
        "annotations": {"projectcalico.org/IPv4Address": f"{node.address}/{length}"},
    }
    body["status"] = {
        "addresses": [{"type": "InternalIP", "address": node.address}, {"type": "Hostname", "address": node.name}],
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
        ],
        "nodeInfo": {"kubeletVersion": f"v{document.kubernetes_version}", "operatingSystem": "linux"},
    }
    return body


def _order(body: Mapping[str, Any]) -> int:
    order = ("Namespace", "IPPool", "BGPFilter", "BGPPeer", "EgressGatewayPolicy", "EgressGateway")
    return order.index(body["kind"]) if body["kind"] in order else len(order)


def _cluster_scoped(
    document: ClusterDocument, kind: str, name: str, spec: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    served = served_kinds(document.api_mode)[kind]
    body: dict[str, Any] = {"apiVersion": served.api_version, "kind": kind, "metadata": {"name": name}}
    if spec is not None:
        body["spec"] = spec
    return body


def _api_service(document: ClusterDocument) -> Mapping[str, Any]:
    """With a service: calico-apiserver answers. Without: Kubernetes registered the CRDs' group by itself."""
    spec: dict[str, Any] = {
        "group": CALICO_GROUP,
        "version": "v3",
        "groupPriorityMinimum": 1500,
        "versionPriority": 200,
    }
    reason = "Local"
    if document.api_mode == "aggregated":
        spec["service"] = {"name": "calico-api", "namespace": "calico-system", "port": 443}
        reason = "Passed"
    body = _cluster_scoped(document, "APIService", f"v3.{CALICO_GROUP}", spec)
    body["status"] = {"conditions": [{"type": "Available", "status": "True", "reason": reason, "message": ""}]}
    return body


def definition(document: ClusterDocument, kind: str) -> Mapping[str, Any]:
    """A CustomResourceDefinition without its schema: enough to be listed. Aggregated kinds lie in the backing group."""
    served = served_kinds(document.api_mode)[kind]
    group, version = ("crd.projectcalico.org", "v1") if served.aggregated else (served.group, served.version)
    spec = {
        "group": group,
        "names": {"kind": kind, "listKind": f"{kind}List", "plural": served.plural, "singular": served.singular},
        "scope": "Namespaced" if served.namespaced else "Cluster",
        "versions": [{"name": version, "served": True, "storage": True}],
    }
    return _cluster_scoped(document, "CustomResourceDefinition", f"{served.plural}.{group}", spec)


def _installation(document: ClusterDocument) -> Mapping[str, Any]:
    pools = [{"cidr": document.pods, "encapsulation": "VXLAN", "disableBGPExport": True}]
    spec = {
        "variant": "TigeraSecureEnterprise",
        "kubernetesProvider": "AKS",
        "cni": {"type": "Calico", "ipam": {"type": "Calico"}},
        "calicoNetwork": {"bgp": "Enabled", "ipPools": pools},
    }
    body = _cluster_scoped(document, "Installation", "default", spec)
    body["status"] = {"variant": "TigeraSecureEnterprise", "calicoVersion": "v3.23.1", "computed": spec}
    return body


def _license(document: ClusterDocument) -> Mapping[str, Any]:
    """A licence whose status Calico's own controller has written."""
    body = _cluster_scoped(document, "LicenseKey", "default", {"token": "simulated"})
    body["status"] = {
        "expiry": "2099-12-31T23:59:59Z",
        "features": ["cnx", "all"],
        "gracePeriod": "90d",
        "maxnodes": 100,
        "package": "Enterprise",
    }
    return body


def _pod_pool(document: ClusterDocument) -> Mapping[str, Any]:
    spec = {
        "allowedUses": ["Workload", "Tunnel"],
        "assignmentMode": "Automatic",
        "blockSize": 26,
        "cidr": document.pods,
        "disableBGPExport": True,
        "ipipMode": "Never",
        "natOutgoing": True,
        "nodeSelector": "all()",
        "vxlanMode": "Always",
    }
    body = _cluster_scoped(document, "IPPool", "default-ipv4-ippool", spec)
    body["metadata"]["labels"] = {"app.kubernetes.io/managed-by": OPERATOR}
    return body


def _felix(document: ClusterDocument) -> Mapping[str, Any]:
    spec = {
        "bpfEnabled": False,
        "healthPort": 9099,
        "nftablesMode": "Disabled",
        "policySyncPathPrefix": "/var/run/nodeagent",
        "vxlanPort": 4789,
        "vxlanVNI": 4096,
    }
    body = _cluster_scoped(document, "FelixConfiguration", "default", spec)
    body["metadata"]["annotations"] = {"operator.tigera.io/bpfEnabled": "false"}
    return body
