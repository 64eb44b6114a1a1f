"""What a pass saw of addresses, for those who ask later who was behind one. Decides nothing."""

from __future__ import annotations

from datetime import datetime

from function_app.model.once import once
from function_app.model.plan import ClusterAddresses, GatewayPod
from function_app.model.resources import Kind, Resource
from function_app.planning.facts import Facts
from function_app.planning.generations import Intent
from function_app.planning.stages import gateway_pods, internal_address


def gateways_seen(facts: Facts, intent: Intent) -> tuple[GatewayPod, ...]:
    """The gateway pods of an attachment's live generations that have an address."""
    return tuple(
        pod
        for generation in (*intent.staying, *intent.leaving)
        for resource in gateway_pods(generation, facts.observed)
        if (pod := _gateway_pod(resource)) is not None
    )


def cluster_addresses(facts: Facts) -> ClusterAddresses:
    """Where the cluster's packets come from."""
    spec = facts.definition.spec
    nodes = {node.id.name: internal_address(node) for node in facts.observed.of(Kind.NODE)}
    return ClusterAddresses(spec.egress_cidr, spec.network.nodes, {name: one for name, one in nodes.items() if one})


@once
def _gateway_pod(pod: Resource) -> GatewayPod | None:
    """The kubelet gives a pod its address after `creationTimestamp` and never another one."""
    address, made = str(pod.status.get("podIP", "")), str(pod.metadata.get("creationTimestamp", ""))
    if not address or not made:
        return None
    return GatewayPod(pod.id.name, address, str(pod.spec.get("nodeName", "")), datetime.fromisoformat(made))
