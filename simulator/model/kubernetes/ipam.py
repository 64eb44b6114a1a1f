"""Calico IPAM: addresses for pods out of blocks, and blocks out of pools.

Belongs here: allocation, release, and what becomes of blocks. Rules follow libcalico-go (lib/ipam) and kube-controllers'
IPAM garbage collection, v3.32. A block is an `IPAMBlock` whose spec holds `cidr`, `affinity` ("host:NODE", absent when
released) and `allocations` (address -> "namespace/pod"), simpler than the real one's index lists. Addresses are handed out
in ascending order. Not imitated: the limit of 20 blocks per node and pool, strict affinity, reservations, IPv6.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from simulator.model.kubernetes.aggregated import network_of, overlapping, span_of
from simulator.model.kubernetes.controllers import ObjectStore, Wake, condition
from simulator.model.kubernetes.store import Event, Key
from simulator.model.selectors import SelectorError, compile_selector
from simulator.model.trees import Object, annotations_of, is_terminating, labels_of, name_of, namespace_of

POOLS_ANNOTATION = "cni.projectcalico.org/ipv4pools"
DEFAULT_BLOCK_SIZE = 26
EMPTY_BLOCK_SECONDS = 900.0
"""After how long an empty block is given back (kube-controllers' leak grace period of 15 minutes)."""
RECLAIM_SECONDS = 60.0
"""How long a block must have been empty before another node may take it from an exhausted pool."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a pod got no address; `retry_seconds` when time alone may help."""

    why: str
    retry_seconds: float | None = None


@lru_cache(maxsize=4096)
def block_cidrs(cidr: str, block_size: int) -> tuple[str, ...]:
    """All blocks of a pool in ascending order; none when a block does not fit into it."""
    network = network_of(cidr)
    if not isinstance(network, IPv4Network) or not network.prefixlen <= block_size <= 32:
        return ()
    return tuple(str(block) for block in network.subnets(new_prefix=block_size))


@lru_cache(maxsize=65536)
def block_name(cidr: str) -> str:
    """The name of a block's object: `10-99-0-0-32`."""
    return cidr.replace(".", "-").replace("/", "-")


@lru_cache(maxsize=65536)
def _addresses(cidr: str) -> tuple[str, ...]:
    """All addresses of a block; Calico uses the first and last one too."""
    return tuple(str(address) for address in IPv4Network(cidr))


def is_allocatable(pool: Mapping[str, Any]) -> bool:
    """Whether addresses may be taken from a pool."""
    if is_terminating(pool) or pool["spec"].get("disabled"):
        return False
    allocatable = condition(pool, "Allocatable")
    return allocatable is None or allocatable["status"] == "True"


class Ipam:
    """Allocates and releases. `empty_since` tells when blocks without addresses lost their last one."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.empty_since: dict[str, datetime] = {}

    def allocate(self, pod: Object, node: Object) -> str | Refusal:
        """An address for a pod on a node; the one it already has when it asks again."""
        pools = self._pools_for(pod, node)
        if isinstance(pools, Refusal):
            return pools
        refusal = Refusal("no IP pool is usable for this pod")
        for pool in pools:
            found = self._from_pool(pool["spec"], name_of(node), f"{namespace_of(pod)}/{name_of(pod)}")
            if isinstance(found, str):
                return found
            refusal = found
        return refusal

    def release(self, address: str, holder: str) -> None:
        """Give an address back, if the holder has it."""
        block = self._block_of(address)
        if block is None or block["spec"]["allocations"].get(address) != holder:
            return
        allocations = {key: value for key, value in block["spec"]["allocations"].items() if key != address}
        if not allocations:
            self.empty_since[name_of(block)] = self._store.now()
        self._store.update("IPAMBlock", {**block, "spec": {**block["spec"], "allocations": allocations}})

    def _block_of(self, address: str) -> Object | None:
        number = int(IPv4Address(address))
        for length in range(32, 19, -1):
            base = IPv4Address(number >> (32 - length) << (32 - length))
            found = self._store.get("IPAMBlock", "", block_name(f"{base}/{length}"))
            if found is not None:
                return found
        return None

    def _pools_for(self, pod: Object, node: Object) -> Sequence[Object] | Refusal:
        named = annotations_of(pod).get(POOLS_ANNOTATION)
        if named is None:
            return [pool for pool in self._store.list("IPPool") if _serves_unasked(pool, labels_of(node))]
        found = []
        for entry in json.loads(named):
            pool = self._store.get("IPPool", "", entry) or next(
                (pool for pool in self._store.list("IPPool") if pool["spec"]["cidr"] == entry), None
            )
            if pool is None or not is_allocatable(pool):
                return Refusal(f"the given pool ({entry}) does not exist, or is not enabled")
            found.append(pool)
        return found

    def _from_pool(self, spec: Mapping[str, Any], node: str, holder: str) -> str | Refusal:
        cidrs = block_cidrs(spec["cidr"], spec.get("blockSize", DEFAULT_BLOCK_SIZE))
        affinity = f"host:{node}"
        unclaimed = ""
        shared: list[Object] = []
        empty: list[Object] = []
        for cidr in cidrs:
            block = self._store.get("IPAMBlock", "", block_name(cidr))
            if block is None:
                unclaimed = unclaimed or cidr
                continue
            free = _free(block, holder)
            if free and block["spec"].get("affinity") == affinity:
                return self._take(block, free, holder)
            if free:
                (shared if block["spec"]["allocations"] else empty).append(block)
        if unclaimed:
            return self._claim(unclaimed, affinity, holder)
        for block in shared:
            return self._take(block, _free(block, holder), holder)
        return self._reclaim(spec["cidr"], empty, affinity, holder)

    def _claim(self, cidr: str, affinity: str, holder: str) -> str:
        address = _addresses(cidr)[0]
        spec = {"cidr": cidr, "affinity": affinity, "allocations": {address: holder}}
        self._store.create("IPAMBlock", {"metadata": {"name": block_name(cidr)}, "spec": spec})
        return address

    def _take(self, block: Object, address: str, holder: str) -> str:
        allocations = {**block["spec"]["allocations"], address: holder}
        self.empty_since.pop(name_of(block), None)
        self._store.update("IPAMBlock", {**block, "spec": {**block["spec"], "allocations": allocations}})
        return address

    def _reclaim(self, pool: str, empty: Sequence[Object], affinity: str, holder: str) -> str | Refusal:
        now = self._store.now()
        soonest = None
        for block in empty:
            age = (now - self.empty_since.setdefault(name_of(block), now)).total_seconds()
            if age >= RECLAIM_SECONDS:
                moved = {**block, "spec": {**block["spec"], "affinity": affinity}}
                return self._take(moved, _free(block, holder), holder)
            left = RECLAIM_SECONDS - age
            soonest = left if soonest is None else min(soonest, left)
        return Refusal(f"no more free affine blocks and strict affinity is off: pool {pool} is exhausted", soonest)


def _free(block: Mapping[str, Any], holder: str) -> str:
    """The address that the holder has in the block, else the first free one, else nothing."""
    allocations = block["spec"]["allocations"]
    own = next((address for address, held_by in allocations.items() if held_by == holder), "")
    return own or next((address for address in _addresses(block["spec"]["cidr"]) if address not in allocations), "")


def _serves_unasked(pool: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a pool serves pods that name none, on a node with these labels."""
    spec = pool["spec"]
    if not is_allocatable(pool) or spec.get("assignmentMode") == "Manual":
        return False
    if "Workload" not in (spec.get("allowedUses") or ["Workload"]):
        return False
    try:
        return compile_selector(spec.get("nodeSelector") or "all()")(labels)
    except SelectorError:
        return False


class PoolRanges:
    """Which live pools cover an address range, kept up to date by events."""

    def __init__(self) -> None:
        self._pools: dict[tuple[int, int], set[str]] = {}

    def observe(self, event: Event) -> None:
        """Take note of a pool's change."""
        name = event.key[1]
        if event.old is not None:
            self._pools.get(_range_key(event.old["spec"]["cidr"]), set()).discard(name)
        if event.new is not None and not is_terminating(event.new):
            self._pools.setdefault(_range_key(event.new["spec"]["cidr"]), set()).add(name)

    def cover(self, cidr: str) -> bool:
        """Whether a live pool contains this range."""
        length, base = _range_key(cidr)
        return any(
            self._pools.get((shorter, base >> (32 - shorter) << (32 - shorter))) for shorter in range(length, -1, -1)
        )


@lru_cache(maxsize=16384)
def _range_key(cidr: str) -> tuple[int, int]:
    return int(cidr.partition("/")[2]), span_of(cidr)[1]


class BlockKeeper:
    """Gives back blocks: empty ones in time, and at once when no pool or no node needs them."""

    watches = frozenset({"IPAMBlock", "IPPool", "Node"})

    def __init__(self, store: ObjectStore, ipam: Ipam) -> None:
        self._store = store
        self._ipam = ipam
        self._ranges = PoolRanges()

    def wakes(self, event: Event) -> Iterable[Wake]:
        """A block that changed, the blocks of a pool that goes, and those of a node that went."""
        if event.kind == "IPAMBlock":
            return [(event.key, 0.0)] if event.new is not None else ()
        if event.kind == "Node":
            return self._blocks_of(event.key[1]) if event.new is None else ()
        self._ranges.observe(event)
        if event.old is None or (event.new is not None and not is_terminating(event.new)):
            return ()
        cidr = event.subject["spec"]["cidr"]
        blocks = self._store.list("IPAMBlock")
        return [(("", name_of(block)), 0.0) for block in blocks if overlapping(cidr, block["spec"]["cidr"])]

    def _blocks_of(self, node: str) -> list[Wake]:
        blocks = self._store.list("IPAMBlock")
        return [(("", name_of(block)), 0.0) for block in blocks if block["spec"].get("affinity") == f"host:{node}"]

    def reconcile(self, key: Key) -> float | None:
        """Keep, release or delete one block."""
        block = self._store.get("IPAMBlock", *key)
        if block is None:
            self._ipam.empty_since.pop(key[1], None)
            return None
        spec = block["spec"]
        affinity = spec.get("affinity", "")
        covered = self._ranges.cover(spec["cidr"])
        homeless = not affinity or self._store.get("Node", "", affinity.removeprefix("host:")) is None
        if spec["allocations"]:
            if affinity and not covered:
                released = {name: value for name, value in spec.items() if name != "affinity"}
                self._store.update("IPAMBlock", {**block, "spec": released})
            return None
        left = EMPTY_BLOCK_SECONDS
        if covered and not homeless:
            since = self._ipam.empty_since.setdefault(key[1], self._store.now())
            left -= (self._store.now() - since).total_seconds()
            if left > 0:
                return left
        self._store.delete("IPAMBlock", *key, uid=block["metadata"]["uid"])
        return None
