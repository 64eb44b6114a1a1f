"""Which way a pod's packet leaves its cluster: by an egress gateway, as a node, or not at all.

Source: Tigera docs, egress-gateway-azure and egressgatewaypolicy. Not documented, therefore assumptions: a policy annotation
beats a selector beside it; a namespaceSelector alone takes every pod of those namespaces; of ready gateways one that is being
terminated is used only when there is no other; a gateway on a node that is not ready is not used.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.model.bgp.prefixes import Prefix, parse_address
from simulator.model.bgp.views import ClusterView, Object, default_spec, internal_ip, is_ready, pod_address, spec_of
from simulator.model.packets.packet import Reason
from simulator.model.selectors import SelectorError, matches
from simulator.model.trees import annotations_of, labels_of, name_of

_PREFIX = "egress.projectcalico.org/"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a packet leaves: `gateway` is the gateway's pod, or None for the node's own address; `why` in words.

    `lost` is set when it does not leave at all.
    """

    why: str
    gateway: Object | None = None
    lost: Reason | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the annotations ask for."""

    where: str
    selector: str
    namespace_selector: str
    policy: str


def choose_exit(cluster: ClusterView, pod: Object, destination: str, turn: int) -> Exit:
    """Follow the annotations of the pod's namespace, or of the pod where that is enabled."""
    support = str(default_spec(cluster, "FelixConfiguration").get("egressIPSupport") or "Disabled").lower()
    if support not in ("enabledpernamespace", "enabledpernamespaceorperpod"):
        return Exit("egressIPSupport is off: leaves as its node")
    wish = _wish(cluster, pod, per_pod=support.endswith("orperpod"))
    if wish is None:
        return Exit("no egress annotation: leaves as its node")
    if wish.policy:
        return _by_policy(cluster, pod, wish, destination, turn)
    return _among(_gateways(cluster, pod, wish.selector, wish.namespace_selector), wish, pod, turn)


def _wish(cluster: ClusterView, pod: Object, *, per_pod: bool) -> _Wish | None:
    namespace = pod["metadata"]["namespace"]
    owner = next((each for each in cluster.api.objects("Namespace") if name_of(each) == namespace), None)
    places: list[tuple[str, Object]] = [(f"namespace {namespace}", owner)] if owner is not None else []
    if per_pod:
        places.insert(0, (f"pod {name_of(pod)}", pod))
    for where, thing in places:
        annotations = annotations_of(thing)
        wish = _Wish(
            where,
            *(annotations.get(_PREFIX + key, "") for key in ("selector", "namespaceSelector", "egressGatewayPolicy")),
        )
        if wish.selector or wish.namespace_selector or wish.policy:
            return wish
    return None


def _by_policy(cluster: ClusterView, pod: Object, wish: _Wish, destination: str, turn: int) -> Exit:
    """The rule with the longest matching destination decides; without a gateway in it the packet is routed normally."""
    policy = next((each for each in cluster.api.objects("EgressGatewayPolicy") if name_of(each) == wish.policy), None)
    if policy is None:
        return Exit(
            f"{wish.where} names EgressGatewayPolicy {wish.policy}, which does not exist", lost=Reason.POLICY_MISSING
        )
    rule = _longest(spec_of(policy).get("rules") or (), destination)
    if rule is None or not rule.get("gateway"):
        return Exit(f"EgressGatewayPolicy {wish.policy} routes {destination} normally: leaves as its node")
    gateway = rule["gateway"]
    found = _gateways(cluster, pod, gateway.get("selector", ""), gateway.get("namespaceSelector", ""))
    if rule.get("gatewayPreference") == "PreferNodeLocal":
        found = [each for each in found if _node(each) == _node(pod)] or found
    return _among(found, wish, pod, turn)


def _longest(rules: Sequence[Mapping[str, Any]], destination: str) -> Mapping[str, Any] | None:
    address = Prefix(parse_address(destination), 32)
    prefixes = [(Prefix.parse((rule.get("destination") or {}).get("cidr", "0.0.0.0/0")), rule) for rule in rules]
    fitting = [(prefix.length, rule) for prefix, rule in prefixes if prefix.covers(address)]
    return max(fitting, key=lambda entry: entry[0])[1] if fitting else None


def _among(found: list[Object], wish: _Wish, pod: Object, turn: int) -> Exit:
    """Any of the gateways, spread by turn."""
    if not found:
        asked = wish.policy or f"{wish.selector or 'all()'} in {wish.namespace_selector or 'its own namespace'}"
        return Exit(f"{wish.where} asks for {asked}: no ready gateway", lost=Reason.UNREACHABLE)
    metadata = pod["metadata"]
    spread = zlib.crc32(f"{turn}/{metadata['namespace']}/{metadata['name']}".encode())
    gateway = found[spread % len(found)]
    return Exit(f"{wish.where} sends it to gateway {_full_name(gateway)} on {_node(gateway)}", gateway)


def _gateways(cluster: ClusterView, pod: Object, selector: str, namespace_selector: str) -> list[Object]:
    """Ready pods that match; without a namespaceSelector only those in the client's own namespace."""
    namespaces = _namespaces(cluster, pod["metadata"]["namespace"], namespace_selector)
    alive = {name_of(node) for node in cluster.api.objects("Node") if is_ready(node)}
    found = [
        each
        for each in cluster.api.objects("Pod")
        if each["metadata"]["namespace"] in namespaces
        and _node(each) in alive
        and is_ready(each)
        and pod_address(each)
        and _picks(selector, labels_of(each))
    ]
    lasting = [each for each in found if "deletionTimestamp" not in each["metadata"]]
    return sorted(lasting or found, key=_full_name)


def _namespaces(cluster: ClusterView, own: str, selector: str) -> set[str]:
    """Calico lets a namespace be picked by `projectcalico.org/name` besides its labels."""
    if not selector:
        return {own}
    return {
        name_of(each)
        for each in cluster.api.objects("Namespace")
        if _picks(selector, {**labels_of(each), "projectcalico.org/name": name_of(each)})
    }


def _picks(selector: str, labels: Mapping[str, str]) -> bool:
    """A selector that does not parse picks nothing."""
    try:
        return matches(selector, labels)
    except SelectorError:
        return False


def address_outside(cluster: ClusterView, carrier: Object) -> str:
    """The source address behind the carrier's node: the pod's own, or the node's where its pool says `natOutgoing`.

    Pods whose pool is unknown leave as their node.
    """
    address = pod_address(carrier)
    pool = pool_of(cluster, address)
    if pool is None or spec_of(pool).get("natOutgoing"):
        return node_address(cluster, _node(carrier))
    return address


def pool_of(cluster: ClusterView, address: str) -> Object | None:
    """The IPPool that holds an address; the smaller where pools overlap."""
    if not address:
        return None
    whole = Prefix(parse_address(address), 32)
    pools = [
        (Prefix.parse(spec_of(pool)["cidr"]), pool)
        for pool in cluster.api.objects("IPPool")
        if ":" not in spec_of(pool)["cidr"]
    ]
    fitting = [(prefix.length, pool) for prefix, pool in pools if prefix.covers(whole)]
    return max(fitting, key=lambda entry: entry[0])[1] if fitting else None


def node_address(cluster: ClusterView, name: str) -> str:
    """A node's InternalIP, empty when there is no such node."""
    return next((internal_ip(node) for node in cluster.api.objects("Node") if name_of(node) == name), "")


def _node(pod: Object) -> str:
    return str(spec_of(pod).get("nodeName") or "")


def _full_name(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{name_of(pod)}"
