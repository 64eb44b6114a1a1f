"""Limits that only the whole of what is live can break; those of one tree are `reading`'s."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from function_app.model.ledger import Generation
from function_app.model.plan import Refusal, RefusalCode
from function_app.model.resources import ClusterObservation, Kind
from function_app.model.tree import DefinedAttachment

SURGE_SHARE = 0.25
"""Tigera's operator leaves Deployments at Kubernetes' default rolling update of 25 %."""


def with_surge(replicas: int) -> int:
    """Pods of a gateway while it rolls, each one route."""
    return replicas + ceil(replicas * SURGE_SHARE)


def routes_over_limit(defined: DefinedAttachment, standing: int, limit: int) -> Refusal | None:
    """Refuse a new generation that would bring the cluster's peers, which carry the `standing` routes, over their limit."""
    more = with_surge(defined.attachment.gateway.replicas)
    if standing + more <= limit:
        return None
    message = (
        f"{defined.key} would bring the routes of {defined.key.cluster} to {standing + more}: {standing} stand, {more} are added "
        f"({defined.attachment.gateway.replicas} replicas and surge), the limit is {limit} per peer (spec.limits.routesPerPeer). "
        "Beyond Azure's limit the session drops for every tenant. Retire something first, or have Azure raise the limit."
    )
    return Refusal(RefusalCode.ROUTES_PER_PEER, str(defined.key), message)


def standing_routes(live: Iterable[Generation], cluster: ClusterObservation) -> int:
    """Routes that these generations of one cluster send to each peer, surge counted."""
    return sum(with_surge(_replicas(one, cluster)) for one in live)


def _replicas(generation: Generation, cluster: ClusterObservation) -> int:
    found = cluster.get(Kind.EGRESS_GATEWAY, generation.gateway, generation.gateway_namespace)
    return int(found.spec.get("replicas", 1)) if found is not None else 2
