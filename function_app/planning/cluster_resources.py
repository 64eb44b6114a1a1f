"""What the definitions imply for a cluster: one generation's objects, and the filter, peers and switch that all share.

Names follow the published example, so that its users can move over: namespace and gateway `TENANT-egw`, pool
`TENANT-pool`, filter `export-egress-ips`, peers `azure-route-server-a` and `-b`, peering `peer-with-route-reflectors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import Any

from function_app.model.definitions import Attachment, Cluster, RouteServer
from function_app.model.ledger import Generation
from function_app.model.names import (
    FIELD_MANAGER,
    GENERATION_LABEL,
    HUB_LABEL,
    MANAGED_BY_LABEL,
    NAMESPACE_SELECTOR_ANNOTATION,
    POLICY_ANNOTATION,
    SELECTOR_ANNOTATION,
    TENANT_LABEL,
    GenerationId,
    HubName,
    TenantName,
)
from function_app.model.resources import Kind, Resource, ResourceId

FILTER_NAME = "export-egress-ips"
PEER_NAMES = ("azure-route-server-a", "azure-route-server-b")
REFLECTOR_PEER_NAME = "peer-with-route-reflectors"
BGP_CONFIGURATION_NAME = "default"
DEFAULT_ASN = 64512
"""Calico's AS number when BGPConfiguration names none (Tigera docs, reference/resources/bgpconfig)."""
STATUS_PERIOD_SECONDS = 10
FELIX_NAME = "default"
EGRESS_SUPPORT_KEY = "egressIPSupport"
EGRESS_SUPPORT = "EnabledPerNamespace"
EGRESS_SUPPORT_PER_POD = "EnabledPerNamespaceOrPerPod"


def mark(hub: HubName, tenant: TenantName | None = None, generation: GenerationId | None = None) -> dict[str, str]:
    """The labels that say that an object is ours and whose it is."""
    labels = {MANAGED_BY_LABEL: FIELD_MANAGER, HUB_LABEL: str(hub)}
    if tenant is not None:
        labels[TENANT_LABEL] = str(tenant)
    if generation is not None:
        labels[GENERATION_LABEL] = str(generation)
    return labels


def plain_names(tenant: TenantName) -> tuple[str, str, str]:
    """Gateway namespace, gateway and pool of a tenant's first generation on a cluster."""
    return f"{tenant}-egw", f"{tenant}-egw", f"{tenant}-pool"


def later_names(tenant: TenantName, generation: GenerationId) -> tuple[str, str, str]:
    """The same for a generation that starts while another one still exists."""
    return f"{tenant}-egw", f"{tenant}-egw-{generation}", f"{tenant}-pool-{generation}"


def home_apart(tenant: TenantName, generation: GenerationId) -> str:
    """A gateway namespace for one that cannot live where the tenant's former gateway does, since that one is not ours."""
    return f"{tenant}-{generation}-egw"


def template_labels(tenant: TenantName, generation: GenerationId) -> dict[str, str]:
    """Labels of the gateway's pods; the generation's is what annotations select, and it is never reused."""
    return {TENANT_LABEL: str(tenant), GENERATION_LABEL: str(generation)}


def gateway_selector(generation: Generation) -> str:
    """Calico selector for this generation's gateway pods."""
    return " && ".join(f"{key} == '{value}'" for key, value in sorted(_selecting_labels(generation).items()))


def namespace_selector(generation: Generation) -> str:
    """Calico selector for the namespace in which its gateway runs."""
    return f"projectcalico.org/name == '{generation.gateway_namespace}'"


def pointing_annotations(generation: Generation, *, bypass: bool) -> dict[str, str | None]:
    """The one patch that points a namespace here; None removes a key, so that changing the form is one patch."""
    if bypass:
        return {
            SELECTOR_ANNOTATION: None,
            NAMESPACE_SELECTOR_ANNOTATION: None,
            POLICY_ANNOTATION: generation.gateway,
        }
    return {
        SELECTOR_ANNOTATION: gateway_selector(generation),
        NAMESPACE_SELECTOR_ANNOTATION: namespace_selector(generation),
        POLICY_ANNOTATION: None,
    }


def generation_resources(
    hub: HubName,
    generation: Generation,
    attachment: Attachment,
    bypass: Iterable[str],
    affinity: Mapping[str, Any] | None = None,
) -> tuple[Resource, ...]:
    """Every object of one generation that is wholly ours, in the order in which they are created.

    `affinity` is the gateway pods' (`placing.py`), None where the operator's own is to stand.
    """
    tenant = generation.key.tenant
    labels = mark(hub, tenant, generation.id)
    found = [_pool(generation, attachment, labels), _gateway(generation, attachment, labels, affinity)]
    if attachment.adopt is None:
        found.insert(0, home_of(hub, generation))
    if attachment.gateway.disruption_budget:
        found.append(_disruption_budget(generation, labels))
    ranges = tuple(bypass)
    if ranges:
        found.append(_policy(generation, ranges, labels))
    return tuple(found)


def _selecting_labels(generation: Generation) -> Mapping[str, str]:
    if GENERATION_LABEL in generation.labels:
        return {GENERATION_LABEL: generation.labels[GENERATION_LABEL]}
    return generation.labels


def _object(
    kind: Kind, api_version: str, name: str, namespace: str, labels: Mapping[str, str], spec: Mapping[str, Any] | None
) -> Resource:
    metadata: dict[str, Any] = {"name": name}
    if labels:
        metadata["labels"] = dict(labels)
    if namespace:
        metadata["namespace"] = namespace
    body: dict[str, Any] = {"apiVersion": api_version, "kind": str(kind), "metadata": metadata}
    if spec is not None:
        body["spec"] = dict(spec)
    return Resource(ResourceId(kind, name, namespace), body)


def home_of(hub: HubName, generation: Generation) -> Resource:
    """The namespace that a generation's gateway lives in, as ours."""
    return _object(Kind.NAMESPACE, "v1", generation.gateway_namespace, "", mark(hub, generation.key.tenant), None)


def _pool(generation: Generation, attachment: Attachment, labels: Mapping[str, str]) -> Resource:
    # A pool that only gateways name: no node selects it, no encapsulation, no SNAT (Tigera docs, egress-gateway-azure).
    spec = {
        "cidr": str(generation.range),
        "blockSize": attachment.gateway.block_size,
        "nodeSelector": "!all()",
        "vxlanMode": "Never",
        "natOutgoing": False,
        "disabled": False,
    }
    return _object(Kind.IP_POOL, "projectcalico.org/v3", generation.pool, "", labels, spec)


def _gateway(
    generation: Generation, attachment: Attachment, labels: Mapping[str, str], affinity: Mapping[str, Any] | None
) -> Resource:
    gateway = attachment.gateway
    # What is taken over keeps running where it runs: a word more in its template would replace its pods.
    adopted = attachment.adopt is not None
    selected = dict(gateway.node_selector) if adopted else {"kubernetes.io/os": "linux", **gateway.node_selector}
    pod_spec: dict[str, Any] = {"terminationGracePeriodSeconds": gateway.termination_grace_seconds}
    if selected:
        pod_spec["nodeSelector"] = selected
    if affinity is not None and not adopted:
        pod_spec["affinity"] = dict(affinity)
    if gateway.zone_spread:
        pod_spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(generation.labels)},
            }
        ]
    if gateway.tolerations:
        pod_spec["tolerations"] = [
            toleration.model_dump(exclude_none=True, by_alias=True) for toleration in gateway.tolerations
        ]
    wanted = {
        name: dict(value)
        for name, value in (("requests", gateway.resources.requests), ("limits", gateway.resources.limits))
        if value
    }
    if wanted:
        pod_spec["containers"] = [{"name": "egress-gateway", "resources": wanted}]
    spec = {
        "replicas": gateway.replicas,
        "logSeverity": gateway.log_severity,
        "ipPools": [{"name": generation.pool}],
        "template": {"metadata": {"labels": dict(generation.labels)}, "spec": pod_spec},
    }
    return _object(
        Kind.EGRESS_GATEWAY, "operator.tigera.io/v1", generation.gateway, generation.gateway_namespace, labels, spec
    )


def _disruption_budget(generation: Generation, labels: Mapping[str, str]) -> Resource:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": dict(generation.labels)}}
    return _object(Kind.DISRUPTION_BUDGET, "policy/v1", generation.gateway, generation.gateway_namespace, labels, spec)


def _policy(generation: Generation, bypass: tuple[str, ...], labels: Mapping[str, str]) -> Resource:
    # A rule without a gateway routes normally; longest prefix wins, so the rule without a destination is the rest.
    rules: list[dict[str, Any]] = [{"destination": {"cidr": cidr}} for cidr in sorted(bypass)]
    rules.append(
        {"gateway": {"selector": gateway_selector(generation), "namespaceSelector": namespace_selector(generation)}}
    )
    return _object(Kind.EGRESS_GATEWAY_POLICY, "projectcalico.org/v3", generation.gateway, "", labels, {"rules": rules})


def export_filter(hub: HubName, ranges: Iterable[IPv4Network]) -> Resource:
    """An Accept for each range, then a Reject that stays even when there is no range.

    Two `Reject NotIn` rules in a row, as in the published example, reject everything; an empty or missing filter exports
    every pool (Calico confd, buildExportFilter). Nothing is taken from Route Server: Calico accepts by default, and would program
    the VNets' ranges, or a default route, into every node.
    """
    rules: list[dict[str, Any]] = [
        {"action": "Accept", "matchOperator": "In", "cidr": str(cidr)} for cidr in sorted(set(ranges), key=_place)
    ]
    rules.append({"action": "Reject"})
    spec = {"exportV4": rules, "importV4": [{"action": "Reject"}]}
    return _object(Kind.BGP_FILTER, "projectcalico.org/v3", FILTER_NAME, "", mark(hub), spec)


def lists_filter(peer: Resource) -> bool:
    """The peer, whosever it is, lists the filter; whether that exists is another question."""
    return FILTER_NAME in (peer.spec.get("filters") or ())


def _place(cidr: IPv4Network) -> tuple[int, int]:
    """The order of networks; their own comparison works it out anew for each pair."""
    return int(cidr.network_address), cidr.prefixlen


def route_server_peers(hub: HubName, cluster: Cluster, route_server: RouteServer) -> tuple[Resource, ...]:
    """The peerings of the cluster's reflectors with both Route Server instances, carrying the filter.

    The next hop is kept, or the reflector would draw all return traffic; `reachableBy` keeps the session from flapping on
    Azure (Tigera docs, egress-gateway-azure).
    """
    return tuple(
        _object(
            Kind.BGP_PEER,
            "projectcalico.org/v3",
            name,
            "",
            mark(hub),
            {
                "peerIP": address,
                "asNumber": route_server.asn,
                "nodeSelector": cluster.spec.bgp.reflectors.selector,
                "keepOriginalNextHop": True,
                "reachableBy": cluster.spec.bgp.reachable_by,
                "filters": [FILTER_NAME],
            },
        )
        for name, address in zip(PEER_NAMES, route_server.peer_ips, strict=True)
    )


def reflector_peer(hub: HubName, cluster: Cluster) -> Resource:
    """The peering of every node with the reflectors. It bears no filter: that would stop reflection of pod blocks.

    Calico applies such a peering's filters in both directions (projectcalico/calico, confd client.go).
    """
    spec = {"nodeSelector": "all()", "peerSelector": cluster.spec.bgp.reflectors.selector}
    return _object(Kind.BGP_PEER, "projectcalico.org/v3", REFLECTOR_PEER_NAME, "", mark(hub), spec)


def bgp_configuration(asn: int) -> Resource:
    """BGPConfiguration where there is none: the AS number, and the mesh on until reflectors take its place.

    It bears no mark of ours: it is the cluster's, and of it two keys are ours.
    """
    spec = {"asNumber": asn, "nodeToNodeMeshEnabled": True}
    return _object(Kind.BGP_CONFIGURATION, "projectcalico.org/v3", BGP_CONFIGURATION_NAME, "", {}, spec)


def node_status(hub: HubName, node: str) -> Resource:
    """Asks calico-node to tell of a node's BGP sessions."""
    spec = {"node": node, "classes": ["BGP"], "updatePeriodSeconds": STATUS_PERIOD_SECONDS}
    return _object(Kind.CALICO_NODE_STATUS, "projectcalico.org/v3", node, "", mark(hub), spec)
