"""One tenant's gateway on one cluster as it is observed, for tests that ask about one detail of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from function_app.model.definitions import Attachment, Cluster
from function_app.model.ledger import Generation, Holding, Ledger
from function_app.model.names import (
    FIELD_MANAGER,
    AttachmentKey,
    ClusterName,
    Commit,
    GenerationId,
    HubName,
    TargetName,
    TenantName,
    firewall_target,
)
from function_app.model.resources import (
    ApiMode,
    ClusterObservation,
    Kind,
    LearnedRoute,
    LearnedRoutes,
    Observations,
    PeerConnection,
    Resource,
    ResourceId,
    RouteServerObservation,
    Unreadable,
)
from function_app.model.state import HubState
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.planning.cluster_resources import export_filter, template_labels
from function_app.planning.situation import Situation
from function_app.reading.definitions import read_directory

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HUB = HubName("hub1")
TENANT = TenantName("tenant0")
CLUSTER = ClusterName("spoke1-aks")
KEY = AttachmentKey(TENANT, CLUSTER)
IDENTITY = GenerationId("0a1b2c3d")
RANGE = IPv4Network("10.99.0.0/29")
INSTANCES = ("RouteServiceRole_IN_0", "RouteServiceRole_IN_1")
NODES = {"node-a": "10.1.0.6", "node-b": "10.1.0.7"}


def the_sample() -> HubDefinitions:
    """The project's sample definitions."""
    definitions, problems = read_directory(Path(__file__).parents[2] / "gitops", today=date(2026, 11, 23))
    assert definitions is not None, problems
    return hub_definitions(Tree(Commit("0" * 40), definitions), HUB)


def the_attachment() -> Attachment:
    """Tenant0 on spoke1 as the sample defines it."""
    return the_sample().attachments[KEY].attachment


def the_cluster() -> Cluster:
    """Spoke1 as the sample defines it."""
    return the_sample().clusters[CLUSTER]


def a_generation(**other: Any) -> Generation:
    """Tenant0's generation on spoke1, held; `other` overrides fields."""
    fields: dict[str, Any] = {
        "id": IDENTITY,
        "key": KEY,
        "range": RANGE,
        "gateway_namespace": "tenant0-egw",
        "gateway": "tenant0-egw",
        "pool": "tenant0-pool",
        "labels": template_labels(TENANT, IDENTITY),
        "holding": Holding.HELD,
        "reserved_at": NOON,
        "commit": Commit("0" * 40),
    }
    return Generation(**{**fields, **other})


def a_resource(
    kind: Kind,
    name: str,
    namespace: str = "",
    *,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> Resource:
    """Any object."""
    body = {"metadata": {"name": name, "namespace": namespace, **metadata}, "spec": spec or {}, "status": status or {}}
    return Resource(ResourceId(kind, name, namespace), body)


def a_pool(**spec: Any) -> Resource:
    """Tenant0's pool as it should be; `spec` overrides fields."""
    return a_resource(Kind.IP_POOL, "tenant0-pool", spec={"cidr": str(RANGE), "blockSize": 32, **spec})


def a_gateway(replicas: int = 2, **pod_spec: Any) -> Resource:
    """Tenant0's EgressGateway, which says Ready whatever happens."""
    template = {"metadata": {"labels": template_labels(TENANT, IDENTITY)}, "spec": pod_spec}
    return a_resource(
        Kind.EGRESS_GATEWAY,
        "tenant0-egw",
        "tenant0-egw",
        spec={"replicas": replicas, "template": template},
        status={"state": "Ready"},
    )


def a_deployment(
    replicas: int = 2,
    *,
    pool: str = "tenant0-pool",
    status: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    generation: int = 3,
    **pod_spec: Any,
) -> Resource:
    """The operator's Deployment, rolled out; `status` overrides fields of it."""
    metadata = {
        "annotations": {"cni.projectcalico.org/ipv4pools": f'["{pool}"]'},
        "labels": template_labels(TENANT, IDENTITY) if labels is None else dict(labels),
    }
    complete = {"observedGeneration": 3, "updatedReplicas": replicas, "availableReplicas": replicas}
    return a_resource(
        Kind.DEPLOYMENT,
        "tenant0-egw",
        "tenant0-egw",
        spec={"replicas": replicas, "template": {"metadata": metadata, "spec": pod_spec}},
        status={**complete, **(status or {})},
        generation=generation,
    )


def a_pod(name: str, address: str, node: str, *, ready: bool = True, **metadata: Any) -> Resource:
    """One gateway pod."""
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return a_resource(
        Kind.POD,
        name,
        "tenant0-egw",
        spec={"nodeName": node},
        status={"podIP": address, "conditions": conditions, "phase": "Running"},
        labels=template_labels(TENANT, IDENTITY),
        **metadata,
    )


def a_node(name: str, address: str) -> Resource:
    """One node, a route reflector."""
    return a_resource(
        Kind.NODE,
        name,
        labels={"route-reflector": "true"},
        status={"addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]},
    )


PODS = (a_pod("egw-1", "10.99.0.1", "node-a"), a_pod("egw-2", "10.99.0.2", "node-b"))


def seen(*resources: Resource, without: tuple[Kind, ...] = ()) -> ClusterObservation:
    """A cluster on which tenant0's gateway is complete; `resources` replace what bears the same id, `without` leaves kinds out."""
    complete = (
        a_pool(),
        a_gateway(),
        a_deployment(),
        *PODS,
        *(a_node(name, address) for name, address in NODES.items()),
        export_filter(HUB, [RANGE]),
    )
    found = {one.id: one for one in complete if one.id.kind not in without}
    found.update({one.id: one for one in resources})
    return ClusterObservation(TargetName("cluster/spoke1-aks"), NOON, ApiMode.AGGREGATED, "uid-1", found)


def learned(
    hops: Mapping[str, str] | None = None,
    *,
    instances: tuple[str, ...] = INSTANCES,
    at: datetime = NOON,
    running: bool = False,
    peer_ip: str = "10.1.0.4",
) -> RouteServerObservation:
    """A Route Server that learned each gateway pod's address by way of its own node; `hops` are other ways by network."""
    ways = {"10.99.0.1/32": "10.1.0.6", "10.99.0.2/32": "10.1.0.7"} if hops is None else hops
    routes = LearnedRoutes(
        LearnedRoute(one, network, hop, peer_ip) for one in instances for network, hop in ways.items()
    )
    peer = PeerConnection(
        "spoke1-0",
        peer_ip,
        63400,
        "Connected",
        None if running else routes,
        None if running else at,
        "op" if running else "",
    )
    return RouteServerObservation(TargetName("route-server/hub1"), NOON, {}, (peer,))


def a_situation(cluster: ClusterObservation, **other: Any) -> Situation:
    """A pass at noon over the sample that read this cluster and nothing else; `other` overrides fields."""
    fields: dict[str, Any] = {
        "hub": the_sample(),
        "ledger": Ledger((), {}),
        "observations": Observations(
            {str(CLUSTER): cluster}, Unreadable(firewall_target(HUB), NOON, "not asked"), learned()
        ),
        "state": HubState(),
        "decisions": (),
        "now": NOON,
        "draw": lambda: IDENTITY,
    }
    return Situation(**{**fields, **other})


def managed(body: Mapping[str, Any], manager: str = FIELD_MANAGER) -> dict[str, Any]:
    """The body with a managedFields entry of that manager."""
    metadata = {**body.get("metadata", {}), "managedFields": [{"manager": manager, "operation": "Apply"}]}
    return {**body, "metadata": metadata}
