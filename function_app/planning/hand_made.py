"""Gateways that somebody made by hand: who uses one, and which of them a filter of ours would shut out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from ipaddress import IPv4Network

from function_app.model.ledger import Generation, Holding
from function_app.model.names import (
    FIELD_MANAGER,
    MANAGED_BY_LABEL,
    AttachmentKey,
    ClusterName,
    Commit,
    GenerationId,
    TenantName,
)
from function_app.model.resources import ClusterObservation, Kind, Resource, network_of
from function_app.planning.pointers import Gateways, pointer_of
from function_app.planning.stages import gateway_pods, pod_address

_NOTHING = IPv4Network("0.0.0.0/32")


def hand_made(name: ClusterName, cluster: ClusterObservation) -> dict[GenerationId, tuple[Resource, Generation]]:
    """Every gateway that nobody manages by definition, with a generation that selectors can be tried on; no ledger sees those."""
    foreign = [one for one in cluster.of(Kind.EGRESS_GATEWAY) if one.labels.get(MANAGED_BY_LABEL) != FIELD_MANAGER]
    stand_ins = (_stand_in(name, one, cluster, number) for number, one in enumerate(foreign))
    return {stand_in.id: (one, stand_in) for one, stand_in in zip(foreign, stand_ins, strict=True)}


def _stand_in(name: ClusterName, gateway: Resource, cluster: ClusterObservation, number: int) -> Generation:
    pool = pool_of(gateway, cluster)
    return Generation(
        id=GenerationId(f"{number:08x}"),
        key=AttachmentKey(TenantName(f"{gateway.id.namespace}/{gateway.id.name}"), name),
        range=(network_of(str(pool.spec.get("cidr"))) if pool else None) or _NOTHING,
        gateway_namespace=gateway.id.namespace,
        gateway=gateway.id.name,
        pool=pool.id.name if pool else "",
        labels=pod_labels(gateway),
        holding=Holding.HELD,
        reserved_at=datetime.min,  # noqa: DTZ901 - nobody asks
        commit=Commit(""),
    )


def pool_of(gateway: Resource, cluster: ClusterObservation) -> Resource | None:
    """The first pool that stands of those that a gateway names."""
    return next(_pools_of(gateway, cluster), None)


def _pools_of(gateway: Resource, cluster: ClusterObservation) -> Iterator[Resource]:
    named = [str(one.get("name") or "") for one in gateway.spec.get("ipPools") or ()]
    cidrs = {str(one.get("cidr")) for one in gateway.spec.get("ipPools") or () if one.get("cidr")}
    yield from (one for one in cluster.of(Kind.IP_POOL) if one.id.name in named or str(one.spec.get("cidr")) in cidrs)


def pod_labels(gateway: Resource) -> Mapping[str, str]:
    """Labels that a gateway's template gives to its pods."""
    return dict((((gateway.spec.get("template") or {}).get("metadata") or {}).get("labels")) or {})


def shut_out(name: ClusterName, cluster: ClusterObservation, ranges: Collection[IPv4Network]) -> str:
    """The first hand-made gateway in use that has addresses in none of these ranges, in words; empty when there is none."""
    for gateway, stand_in, user in _uses(name, cluster):
        for used in _used(gateway, stand_in, cluster):
            if not any(used.subnet_of(one) for one in ranges):
                return f"{gateway.id}, which {user.id} uses, has {used}"
    return ""


def in_use(name: ClusterName, cluster: ClusterObservation) -> tuple[Generation, ...]:
    """Stand-ins of the hand-made gateways that a namespace or a pod points at."""
    found = {stand_in.id: stand_in for _, stand_in, _ in _uses(name, cluster)}
    return tuple(found.values())


def _uses(name: ClusterName, cluster: ClusterObservation) -> Iterator[tuple[Resource, Generation, Resource]]:
    """A hand-made gateway, its stand-in and who points at it."""
    found = hand_made(name, cluster)
    if not found:
        return
    gateways = Gateways([stand_in for _, stand_in in found.values()], cluster)
    for kind in (Kind.NAMESPACE, Kind.POD):
        for user in cluster.of(kind):
            home = user.id.name if kind is Kind.NAMESPACE else user.id.namespace
            for hit in sorted(pointer_of(user, gateways, home=home).hits):
                yield (*found[hit], user)


def _used(gateway: Resource, stand_in: Generation, cluster: ClusterObservation) -> Iterator[IPv4Network]:
    for pool in _pools_of(gateway, cluster):
        if (cidr := network_of(str(pool.spec.get("cidr")))) is not None:
            yield cidr
    for pod in gateway_pods(stand_in, cluster):
        if (address := pod_address(pod)) is not None:
            yield IPv4Network(address)
