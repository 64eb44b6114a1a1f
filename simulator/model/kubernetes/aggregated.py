"""What calico-apiserver does beyond a CRD: defaults, checks across objects, and its own way of refusing.

Belongs here: the rules of clusters that keep Calico's objects behind an aggregated API server. Sources: libcalico-go
(clientv3/ippool.go, clientv3/bgppeer.go, validator/v3) and calico-apiserver's storage layer, v3.32.1, and what a recorded
calico-apiserver v3.32.1 answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from typing import Any

from simulator.model.errors import ApiError
from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.refusals import Cause, internal, invalid
from simulator.model.selectors import SelectorError, compile_selector
from simulator.model.trees import name_of

type Network = IPv4Network | IPv6Network
type Lookup = Callable[[str], Iterable[Mapping[str, Any]]]
"""All stored objects of a kind."""

SERVICE = "172.16.0.10:443"

_FALSE_NOT_ECHOED: Mapping[str, tuple[str, ...]] = {
    "IPPool": ("natOutgoing", "disabled", "disableBGPExport"),
    "BGPPeer": ("keepOriginalNextHop",),
}
_EMPTY_NOT_ECHOED: Mapping[str, tuple[str, ...]] = {
    "IPPool": ("ipipMode", "vxlanMode", "nodeSelector", "namespaceSelector", "allowedUses", "awsSubnetID"),
    "BGPFilter": ("exportV4", "importV4", "exportV6", "importV6"),
    "BGPPeer": ("filters", "node", "nodeSelector", "peerIP", "peerSelector", "reachableBy"),
}
_LINK_LOCAL = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"))


@dataclass(frozen=True, slots=True)
class Fault:
    """One refused field in libcalico-go's words; `field` is Go's path such as IPPool.Spec.CIDR."""

    field: str
    value: str
    why: str


@lru_cache(maxsize=8192)
def network_of(cidr: str) -> Network | None:
    """The network of a CIDR, host bits masked; None when it cannot be read."""
    try:
        return ip_interface(cidr).network if "/" in cidr else None
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def span_of(cidr: str) -> tuple[int, int, int]:
    """(IP version, first address, last address) of a CIDR; an empty span when it cannot be read."""
    network = network_of(cidr)
    if network is None:
        return 0, 1, 0
    return network.version, int(network.network_address), int(network.broadcast_address)


def overlapping(first: str, second: str) -> bool:
    """Whether two CIDRs share an address."""
    (version, low, high), (other_version, other_low, other_high) = span_of(first), span_of(second)
    return version == other_version and low <= other_high and other_low <= high


def stored_form(kind: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object as it comes back: defaults filled in, and what Go's `omitempty` leaves out missing."""
    spec = dict(obj.get("spec") or {})
    for key in _FALSE_NOT_ECHOED.get(kind, ()):
        if spec.get(key) is False:
            del spec[key]
    for key in _EMPTY_NOT_ECHOED.get(kind, ()):
        if key in spec and not spec[key]:
            del spec[key]
    if kind == "IPPool":
        spec = {**_pool_defaults(spec), **spec}
    elif kind == "BGPConfiguration":
        spec = {"logSeverityScreen": "Info", "serviceLoadBalancerAggregation": "Enabled", **spec}
    return obj if spec == obj.get("spec") else {**obj, "spec": spec}


def _pool_defaults(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "allowedUses": ["Workload", "Tunnel"],
        "assignmentMode": "Automatic",
        "blockSize": 122 if ":" in spec.get("cidr", "") else 26,
        "ipipMode": "Never",
        "nodeSelector": "all()",
        "vxlanMode": "Never",
    }


def refused(kind: str, obj: Mapping[str, Any], old: Mapping[str, Any] | None, lookup: Lookup) -> list[Fault]:
    """What libcalico-go refuses of an object with its defaults filled in."""
    if kind == "IPPool":
        return list(_pool_faults(obj, old, lookup))
    if kind == "BGPPeer":
        return list(_peer_faults(obj, lookup))
    return []


def refusal(kind: ServedKind, name: str, faults: list[Fault], *, created_by_apply: bool) -> ApiError:
    """The answer to a refused write: 422, but 500 without a reason when the write was a create by apply."""
    if not created_by_apply:
        causes = [
            Cause(fault.field, "FieldValueInvalid", f'Invalid value: "{fault.value}": {fault.why}') for fault in faults
        ]
        return invalid(kind, name, causes)
    if len(faults) == 1:
        fault = faults[0]
        return internal(f"error with field {fault.field} = '{fault.value}' ({fault.why})")
    lines = "".join(f"\n-  {fault.field} = '{fault.value}' ({fault.why})" for fault in faults)
    return internal(f"error with the following fields:{lines}")


def _pool_faults(obj: Mapping[str, Any], old: Mapping[str, Any] | None, lookup: Lookup) -> Iterator[Fault]:
    spec = obj["spec"]
    cidr = str(spec.get("cidr", ""))
    network = network_of(cidr)
    if network is None:
        yield Fault("IPPool.Spec.CIDR", cidr, "IPPool CIDR must be a valid subnet")
        return
    yield from _range_faults(spec, cidr, network)
    for key in ("nodeSelector", "namespaceSelector"):
        yield from _selector_faults(f"IPPool.Spec.{key[0].upper()}{key[1:]}", spec.get(key) or "")
    if old is not None:
        yield from _immutable_faults(spec, old["spec"])
    else:
        yield from _collisions(name_of(obj), spec, cidr, lookup)


def _range_faults(spec: Mapping[str, Any], cidr: str, network: Network) -> Iterator[Fault]:
    if str(ip_interface(cidr)) != str(network):
        yield Fault("IPPool.Spec.CIDR", cidr, "IPPool CIDR is not strictly masked")
    if any(overlapping(cidr, str(local)) for local in _LINK_LOCAL):
        yield Fault("IPPool.Spec.CIDR", cidr, "IPPool CIDR overlaps with IPv4 or IPv6 Link Local range")
    low, high = (20, 32) if network.version == 4 else (116, 128)
    size = spec["blockSize"]
    if not low <= size <= high:
        yield Fault("IPPool.Spec.BlockSize", str(size), f"block size must be between {low} and {high}")
    elif network.prefixlen > size and not spec.get("disabled"):
        yield Fault(
            "IPPool.Spec.CIDR",
            cidr,
            "IP pool size is too small for use with Calico IPAM. It must be equal to or greater than the block size.",
        )


def _selector_faults(field: str, selector: str) -> Iterator[Fault]:
    try:
        compile_selector(selector)
    except SelectorError as error:
        yield Fault(field, selector, f"invalid selector: {error}")


def _immutable_faults(spec: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Fault]:
    for key, field, words in (("cidr", "CIDR", "CIDR"), ("blockSize", "BlockSize", "BlockSize")):
        if spec[key] != old[key]:
            yield Fault(f"IPPool.Spec.{field}", str(spec[key]), f"IPPool {words} cannot be modified")


def _collisions(name: str, spec: Mapping[str, Any], cidr: str, lookup: Lookup) -> Iterator[Fault]:
    for pool in lookup("IPPool"):
        other = pool["spec"]["cidr"]
        if overlapping(cidr, other):
            yield Fault(
                "IPPool.Spec.CIDR", cidr, f"IPPool({name}) CIDR overlaps with IPPool({name_of(pool)}) CIDR {other}"
            )
    for block in lookup("IPAMBlock"):
        other = block["spec"]["cidr"]
        if overlapping(cidr, other) and int(other.partition("/")[2]) != spec["blockSize"]:
            yield Fault(
                "IPPool.Spec.BlockSize",
                str(spec["blockSize"]),
                "IPPool blocksize conflicts with existing allocations that use a different blocksize",
            )
            return


def _peer_faults(obj: Mapping[str, Any], lookup: Lookup) -> Iterator[Fault]:
    spec = obj["spec"]
    known = {name_of(item) for item in lookup("BGPFilter")} if spec.get("filters") else set()
    missing = [name for name in spec.get("filters") or () if name not in known]
    if missing:
        yield Fault("BGPPeer.Spec.Filters", str(missing), "BGPFilter(s) not found")
    for key in ("nodeSelector", "peerSelector"):
        yield from _selector_faults(f"BGPPeer.Spec.{key[0].upper()}{key[1:]}", spec.get(key) or "")
