"""The part of a cluster's objects that its BGP depends on, as values: equal inputs mean equal routes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.model.bgp.filters import length_range
from simulator.model.bgp.prefixes import Prefix, parse_address
from simulator.model.bgp.views import ClusterView, Object, default_spec, internal_ip, is_ready, pod_address, spec_of
from simulator.model.trees import FrozenList, annotations_of, labels_of, name_of

REFLECTOR_ANNOTATION = "projectcalico.org/RouteReflectorClusterID"
DEFAULT_ASN = 64512
"""Calico's AS number when BGPConfiguration names none (Tigera docs, reference/resources/bgpconfig)."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One node as BGP sees it."""

    name: str
    address: str
    labels: tuple[tuple[str, str], ...]
    reflector: bool
    ready: bool


@dataclass(frozen=True, slots=True)
class Peer:
    """One BGPPeer; `keep` says that the owner's next hop is kept."""

    name: str
    node: str
    node_selector: str
    peer_selector: str
    peer_ip: str
    asn: int | None
    keep: bool
    reachable_by: str
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """One IPPool that exists."""

    prefix: Prefix
    exported: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that decides which routes a cluster offers: `filters` with each filter's exportV4 as JSON, `imports` its importV4.

    `parses` says whether BIRD can read all filters, whether or not a peer lists them.
    """

    asn: int
    mesh: bool
    services: tuple[Prefix, ...]
    speakers: tuple[Speaker, ...]
    blocks: tuple[tuple[str, Prefix], ...]
    workloads: tuple[tuple[str, Prefix], ...]
    pools: tuple[Pool, ...]
    peers: tuple[Peer, ...]
    filters: tuple[tuple[str, str], ...]
    imports: tuple[tuple[str, str], ...] = ()
    parses: bool = True

    @property
    def rules(self) -> Mapping[str, str]:
        """Export rules by filter name."""
        return dict(self.filters)

    @property
    def import_rules(self) -> Mapping[str, str]:
        """Import rules by filter name."""
        return dict(self.imports)


_KINDS = ("BGPConfiguration", "Node", "IPAMBlock", "Pod", "IPPool", "BGPPeer", "BGPFilter")


def listings(cluster: ClusterView) -> tuple[Sequence[Object], ...]:
    """All objects that decide the routes of a cluster; a frozen listing that is the same object is the same content."""
    return tuple(cluster.api.objects(kind) for kind in _KINDS)


def unchanged(before: tuple[Sequence[Object], ...], now: tuple[Sequence[Object], ...]) -> bool:
    """Whether nothing can have changed between two looks."""
    return len(before) == len(now) and all(
        old is new and isinstance(new, FrozenList) for old, new in zip(before, now, strict=True)
    )


def read_inputs(cluster: ClusterView) -> Inputs:
    """What decides the routes of a cluster now."""
    configuration = default_spec(cluster, "BGPConfiguration")
    api = cluster.api
    return Inputs(
        asn=int(configuration.get("asNumber") or DEFAULT_ASN),
        mesh=configuration.get("nodeToNodeMeshEnabled") is not False,
        services=tuple(
            Prefix.parse(entry["cidr"])
            for field in ("serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs")
            for entry in configuration.get(field) or ()
        ),
        speakers=tuple(sorted((_speaker(node) for node in api.objects("Node")), key=lambda speaker: speaker.name)),
        blocks=tuple(sorted(owned for block in api.objects("IPAMBlock") if (owned := _block(block)))),
        workloads=tuple(sorted(placed for pod in api.objects("Pod") if (placed := _workload(pod)))),
        pools=tuple(_pool(pool) for pool in api.objects("IPPool") if ":" not in spec_of(pool)["cidr"]),
        peers=tuple(sorted((_peer(peer) for peer in api.objects("BGPPeer")), key=lambda peer: peer.name)),
        filters=tuple(
            (name_of(entry), json.dumps(spec_of(entry).get("exportV4") or [])) for entry in api.objects("BGPFilter")
        ),
        imports=tuple(
            (name_of(entry), json.dumps(spec_of(entry).get("importV4") or [])) for entry in api.objects("BGPFilter")
        ),
        parses=all(
            _parses(rule)
            for entry in api.objects("BGPFilter")
            for field in ("exportV4", "importV4")
            for rule in spec_of(entry).get(field) or ()
        ),
    )


def _speaker(node: Object) -> Speaker:
    return Speaker(
        name=name_of(node),
        address=internal_ip(node),
        labels=tuple(sorted(labels_of(node).items())),
        reflector=_is_ipv4(annotations_of(node).get(REFLECTOR_ANNOTATION, "")),
        ready=is_ready(node),
    )


def _is_ipv4(text: str) -> bool:
    """An invalid cluster id is ignored silently (libcalico-go backend/k8s/resources/node.go)."""
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def _block(block: Object) -> tuple[str, Prefix] | None:
    spec = spec_of(block)
    kind, _, node = str(spec.get("affinity") or "").partition(":")
    return (node, Prefix.parse(spec["cidr"])) if kind == "host" and node and ":" not in spec["cidr"] else None


def _workload(pod: Object) -> tuple[str, Prefix] | None:
    address, node = pod_address(pod), str(spec_of(pod).get("nodeName") or "")
    return (node, Prefix(parse_address(address), 32)) if address and node else None


def _pool(pool: Object) -> Pool:
    spec = spec_of(pool)
    return Pool(Prefix.parse(spec["cidr"]), exported=not spec.get("disableBGPExport", False))


def _peer(peer: Object) -> Peer:
    """`nextHopMode` beats the older `keepOriginalNextHop` (Tigera docs, reference/resources/bgppeer)."""
    spec = spec_of(peer)
    mode = spec.get("nextHopMode")
    return Peer(
        name=name_of(peer),
        node=str(spec.get("node") or ""),
        node_selector=str(spec.get("nodeSelector") or ""),
        peer_selector=str(spec.get("peerSelector") or ""),
        peer_ip=str(spec.get("peerIP") or "").removesuffix(":179"),
        asn=spec.get("asNumber"),
        keep=mode == "Keep" if mode else bool(spec.get("keepOriginalNextHop", False)),
        reachable_by=str(spec.get("reachableBy") or ""),
        filters=tuple(spec.get("filters") or ()),
    )


def _parses(rule: Mapping[str, Any]) -> bool:
    """BIRD 1.6.8 refuses host bits, IPv6, and a range of lengths whose end lies before its start.

    The template of confd gets no further with what is no text or no prefix to Go, though the API may have taken it.
    """
    if "cidr" not in rule:
        return True
    try:
        cidr = Prefix.parse(rule["cidr"])
    except (TypeError, ValueError):
        return False
    low, high = length_range(cidr, rule.get("prefixLength"))
    return str(cidr) == rule["cidr"] and low <= high
