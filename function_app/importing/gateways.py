"""The gateways of one cluster as attachments that adopt them, or why one cannot be written down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from function_app.model.definitions import Cluster
from function_app.model.ledger import Generation
from function_app.model.names import (
    ALWAYS_RESERVED_NAMESPACES,
    EGRESS_ANNOTATIONS,
    POLICY_ANNOTATION,
    ClusterName,
    GenerationId,
)
from function_app.model.resources import ClusterObservation, Kind, Resource
from function_app.planning.hand_made import hand_made, pod_labels, pool_of
from function_app.planning.pointers import Gateways, pointer_of

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
_BLOCKS = range(26, 33)
_MOST_REPLICAS = 64


@dataclass(frozen=True, slots=True)
class FoundGateway:
    """One gateway that an attachment can take over as it is; `gateway` are the definition's own fields of it."""

    tenant: str
    cluster: str
    name: str
    pool: str
    range: IPv4Network
    labels: Mapping[str, str] = field(hash=False)
    namespaces: tuple[str, ...]
    gateway: Mapping[str, Any] = field(hash=False)


@dataclass(slots=True)
class ClusterFound:
    """What one cluster has. `barred` is in use and cannot be written down; `notes` are for a person to know."""

    gateways: list[FoundGateway] = field(default_factory=list)
    barred: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def gateways_of(name: str, definition: Cluster, seen: ClusterObservation) -> ClusterFound:
    """Every gateway that nobody manages by definition yet."""
    found = ClusterFound()
    foreign = hand_made(ClusterName(name), seen)
    pointed = _pointed(name, [stand_in for _, stand_in in foreign.values()], seen, found)
    taken: set[str] = set()
    for identity, (gateway, _) in foreign.items():
        namespaces = tuple(sorted(pointed.get(identity, ())))
        place = f"{name} EgressGateway {gateway.id.namespace}/{gateway.id.name}"
        if not namespaces:
            found.notes.append(f"{place} is used by no namespace and is left alone; its range is not let out any more")
            continue
        why = list(_obstacles(gateway, namespaces, definition, seen))
        if why:
            found.barred.append(f"{place}, used by {', '.join(namespaces)}: {'; '.join(why)}")
            continue
        tenant = _tenant_name(gateway, taken)
        taken.add(tenant)
        found.gateways.append(_found(tenant, name, gateway, namespaces, seen))
    return found


def _pointed(
    name: str, stand_ins: list[Generation], seen: ClusterObservation, found: ClusterFound
) -> dict[GenerationId, list[str]]:
    """By gateway: namespaces whose annotations select it, and it alone."""
    gateways = Gateways(stand_ins, seen)
    pointed: dict[GenerationId, list[str]] = {}
    for namespace in seen.of(Kind.NAMESPACE):
        pointer = pointer_of(namespace, gateways, home=namespace.id.name)
        place = f"{name} namespace {namespace.id.name}"
        if len(pointer.hits) > 1:
            found.barred.append(f"{place} is spread over {len(pointer.hits)} gateways; an attachment has one")
        elif pointer.hits and POLICY_ANNOTATION in pointer.keys:
            found.barred.append(f"{place} names an EgressGatewayPolicy; write its tenant by hand, with `bypass`")
        elif pointer.hits:
            pointed.setdefault(next(iter(pointer.hits)), []).append(namespace.id.name)
        elif pointer.anywhere and not pointer.ours:
            found.notes.append(
                f"{place} has egress annotations that select no gateway: its traffic is dropped as before"
            )
    for pod in seen.of(Kind.POD):
        if any(key in pod.annotations for key in EGRESS_ANNOTATIONS):
            found.notes.append(
                f"{name} pod {pod.id.namespace}/{pod.id.name} has annotations of its own, which go on to count"
            )
    return pointed


def _obstacles(
    gateway: Resource, namespaces: tuple[str, ...], definition: Cluster, seen: ClusterObservation
) -> Iterator[str]:
    """Why this gateway cannot be written down."""
    pools = gateway.spec.get("ipPools") or ()
    pool = pool_of(gateway, seen)
    if len(pools) != 1 or pool is None:
        yield f"it has {len(pools)} pools" if len(pools) != 1 else "its pool does not exist"
    else:
        yield from _pool_obstacles(pool, definition)
    if not pod_labels(gateway):
        yield "its template has no labels"
    if not 1 <= int(gateway.spec.get("replicas", 1)) <= _MOST_REPLICAS:
        yield f"it has {gateway.spec.get('replicas')} replicas"
    if gateway.terminating:
        yield "it is being deleted"
    reserved = {*ALWAYS_RESERVED_NAMESPACES, *definition.spec.reserved_namespaces}
    bad = [one for one in namespaces if one in reserved or one.endswith("-egw")]
    if bad:
        yield f"{', '.join(bad)} are reserved and belong to no tenant"


def _pool_obstacles(pool: Resource, definition: Cluster) -> Iterator[str]:
    spec, cidr, egress = pool.spec, _range(pool), IPv4Network(definition.spec.egress_cidr)
    if cidr is None or not cidr.subnet_of(egress):
        yield f"{spec.get('cidr')} lies outside the cluster's egressCIDR {egress}; widen that first"
    if int(spec.get("blockSize") or 26) not in _BLOCKS:
        yield f"its pool's block size is {spec.get('blockSize')}"
    for key, wanted in (
        ("natOutgoing", False),
        ("disabled", False),
        ("vxlanMode", "Never"),
        ("nodeSelector", "!all()"),
    ):
        if spec.get(key, wanted) not in (wanted, "", None):
            yield f"its pool's {key} is {spec.get(key)}, which would become {wanted}"
    if pool.terminating:
        yield "its pool is being deleted"


def _found(
    tenant: str, cluster: str, gateway: Resource, namespaces: tuple[str, ...], seen: ClusterObservation
) -> FoundGateway:
    pool = pool_of(gateway, seen)
    cidr = _range(pool)
    if pool is None or cidr is None:
        raise ValueError("a gateway without a pool was found to have no obstacle")
    deployment = seen.get(Kind.DEPLOYMENT, gateway.id.name, gateway.id.namespace)
    pod_spec = ((deployment.spec.get("template") or {}).get("spec") or {}) if deployment else {}
    template = (gateway.spec.get("template") or {}).get("spec") or {}
    grace = template.get("terminationGracePeriodSeconds", pod_spec.get("terminationGracePeriodSeconds", 30))
    budget = seen.get(Kind.DISRUPTION_BUDGET, gateway.id.name, gateway.id.namespace)
    fields: dict[str, Any] = {
        "replicas": int(gateway.spec.get("replicas", 1)),
        "blockSize": int(pool.spec.get("blockSize") or 26),
        "terminationGraceSeconds": int(grace),
        "zoneSpread": False,
    }
    if gateway.spec.get("logSeverity", "Info") != "Info":
        fields["logSeverity"] = gateway.spec["logSeverity"]
    if budget is not None:
        fields["disruptionBudget"] = False
    place = f"{gateway.id.namespace}/{gateway.id.name}"
    return FoundGateway(tenant, cluster, place, pool.id.name, cidr, pod_labels(gateway), namespaces, fields)


def _tenant_name(gateway: Resource, taken: set[str]) -> str:
    """`tenant0` for `tenant0-egw`; a number behind what is taken, and a plain one for what is no name."""
    plain = gateway.id.name.removesuffix("-egw")
    name = plain if _NAME.fullmatch(plain) else "imported"
    return next(one for one in (name, *(f"{name[:36]}-{number}" for number in range(2, 1000))) if one not in taken)


def _range(pool: Resource | None) -> IPv4Network | None:
    try:
        return IPv4Network(str(pool.spec.get("cidr"))) if pool is not None else None
    except ValueError:
        return None
