"""How far a generation has really come, straight from the world; and where a namespace really points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network

from function_app.model.ledger import Generation
from function_app.model.names import NAMESPACE_SELECTOR_ANNOTATION, POLICY_ANNOTATION, SELECTOR_ANNOTATION
from simulator.model.azure.groups import State
from simulator.model.bgp.prefixes import Prefix, parse_address
from simulator.model.bgp.views import ClusterView, Object, internal_ip, is_ready, pod_address, spec_of
from simulator.model.selectors import SelectorError, matches
from simulator.model.trees import annotations_of, labels_of, name_of
from simulator.model.world import World


def find(cluster: ClusterView, kind: str, name: str, namespace: str = "") -> Object | None:
    """One object, None when it does not exist."""
    for each in cluster.api.objects(kind):
        metadata = each["metadata"]
        if metadata["name"] == name and metadata.get("namespace", "") == namespace:
            return each
    return None


def gateway_pods(cluster: ClusterView, generation: Generation) -> list[Object]:
    """All pods of a generation's gateway, terminating ones included."""
    return [
        pod
        for pod in cluster.api.objects("Pod")
        if pod["metadata"]["namespace"] == generation.gateway_namespace
        and generation.labels
        and all(labels_of(pod).get(key) == value for key, value in generation.labels.items())
    ]


def pooled(cluster: ClusterView, generation: Generation) -> bool:
    """The pool exists with this range, enabled and not terminating."""
    pool = find(cluster, "IPPool", generation.pool)
    return (
        pool is not None
        and spec_of(pool)["cidr"] == str(generation.range)
        and not spec_of(pool).get("disabled")
        and "deletionTimestamp" not in pool["metadata"]
    )


def serving(cluster: ClusterView, generation: Generation) -> bool:
    """The gateway's Deployment has rolled out what the gateway asks for, and its ready pods' addresses lie in the range."""
    where = (generation.gateway, generation.gateway_namespace)
    gateway, deployment = find(cluster, "EgressGateway", *where), find(cluster, "Deployment", *where)
    if gateway is None or deployment is None:
        return False
    replicas, status = spec_of(deployment).get("replicas", 1), deployment.get("status") or {}
    rolled_out = (
        spec_of(gateway).get("replicas", 1) == replicas
        and replicas > 0
        and status.get("updatedReplicas", 0) >= replicas
        and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    )
    pods = serving_pods(cluster, generation)
    return rolled_out and len(pods) >= replicas and all(IPv4Address(pod_address(p)) in generation.range for p in pods)


def serving_pods(cluster: ClusterView, generation: Generation) -> list[Object]:
    """Gateway pods that take traffic and are not on their way out."""
    return [
        pod
        for pod in gateway_pods(cluster, generation)
        if is_ready(pod) and pod_address(pod) and "deletionTimestamp" not in pod["metadata"]
    ]


def advertised(world: World, hub: str, cluster: ClusterView, generation: Generation) -> bool:
    """Each Route Server instance has learned, for each serving pod, a route inside the range to that pod's own node."""
    nodes = {name_of(node): internal_ip(node) for node in cluster.api.objects("Node")}
    learned: dict[int, list[tuple[Prefix, str]]] = {0: [], 1: []}
    span = Prefix.parse(str(generation.range))
    for _, instance, route in world.hubs[hub].route_server.learned():
        if span.covers(route.prefix):
            learned[instance].append((route.prefix, route.next_hop))
    pods = serving_pods(cluster, generation)
    return bool(pods) and all(
        any(
            prefix.covers(Prefix(parse_address(pod_address(pod)), 32))
            and hop == nodes.get(str(spec_of(pod).get("nodeName")))
            for prefix, hop in found
        )
        for pod in pods
        for found in learned.values()
    )


def allowing_rules(properties: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(tenant, source) of every rule that allows in a shard, by the name of its collection."""
    collections = properties.get("ruleCollections") or ()
    assert isinstance(collections, list | tuple)  # noqa: S101 - the simulated ARM has checked it
    for collection in collections:
        tenant = str(collection["name"]).removesuffix("-app").removesuffix("-net")
        if collection["action"]["type"] == "Allow":
            for rule in collection["rules"]:
                for source in rule.get("sourceAddresses") or ("*",):
                    yield tenant, str(source)


def permitted(world: World, hub: str, generation: Generation) -> bool:
    """Some rule of the tenant for this range is in force."""
    wanted = (str(generation.key.tenant), str(generation.range))
    return any(wanted in allowing_rules(group.properties) for group in world.hubs[hub].policies.enforced())


def points_at(cluster: ClusterView, namespace: Object, generation: Generation) -> bool:
    """Whether a namespace's annotations select a generation's gateway."""
    annotations = annotations_of(namespace)
    if annotations.get(POLICY_ANNOTATION):
        return annotations[POLICY_ANNOTATION] == generation.gateway
    selector = annotations.get(SELECTOR_ANNOTATION, "")
    where = annotations.get(NAMESPACE_SELECTOR_ANNOTATION, "")
    if not selector and not where:
        return False
    home = find(cluster, "Namespace", generation.gateway_namespace)
    labels = {**(labels_of(home) if home else {}), "projectcalico.org/name": generation.gateway_namespace}
    try:
        inside = matches(where, labels) if where else name_of(namespace) == generation.gateway_namespace
        return inside and matches(selector, {"k8s-app": generation.gateway, **generation.labels})
    except SelectorError:
        return False


def remains(world: World, hub: str, generation: Generation) -> Iterator[str]:
    """Everything of a generation that is still anywhere: pool, pods, blocks, routes, rules shown or in force."""
    cluster = world.clusters[generation.key.cluster]
    pool = find(cluster, "IPPool", generation.pool)
    if pool is not None and spec_of(pool)["cidr"] == str(generation.range):
        yield f"IPPool {generation.pool}"
    yield from occupants(world, hub, cluster, generation.range)


def occupants(world: World, hub: str, cluster: ClusterView, cidr: IPv4Network) -> Iterator[str]:
    """Pods, blocks, routes and rules inside a range."""
    span = Prefix.parse(str(cidr))
    for pod in cluster.api.objects("Pod"):
        address = pod_address(pod)
        if address and span.covers(Prefix(parse_address(address), 32)):
            yield f"pod {name_of(pod)} with {address}"
    for block in cluster.api.objects("IPAMBlock"):
        if span.covers(Prefix.parse(str(spec_of(block)["cidr"]))):
            yield f"block {spec_of(block)['cidr']}"
    for connection, _, route in world.hubs[hub].route_server.learned():
        if span.covers(route.prefix):
            yield f"route {route.prefix} over {connection}"
    for name, properties in _standing(world, hub):
        for tenant, source in allowing_rules(properties):
            if source == str(cidr):
                yield f"a rule of {tenant} in {name}"


def _standing(world: World, hub: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Groups as they are in force, and as they are being written."""
    for enforced in world.hubs[hub].policies.enforced():
        yield enforced.group, enforced.properties
    for policy in world.hubs[hub].policies.policies.values():
        for group in policy.groups.values():
            if group.state is State.UPDATING:
                yield f"{group.name}, which is being written", group.shown
