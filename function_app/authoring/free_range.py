"""A free range inside a cluster's egress CIDR: nobody's by the definitions, nobody's by the ledger, and in no quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from math import ceil

SURGE_SHARE = 0.25
"""Of a Deployment's default rolling update, as `planning.limits` counts it."""
_WIDEST, _DEFAULT = 24, 29


def prefix_for(replicas: int) -> int:
    """The prefix length of a range that holds the pods, as many as surge while they roll, and those that still terminate."""
    needed = replicas + 2 * ceil(replicas * SURGE_SHARE)
    return max(_WIDEST, min(_DEFAULT, 32 - (needed - 1).bit_length()))


def free_range(egress: IPv4Network, length: int, taken: Iterable[IPv4Network]) -> IPv4Network | None:
    """The first range of that length that meets nothing taken, None when there is none."""
    if length < egress.prefixlen:
        return None
    size = 1 << (32 - length)
    first, behind = int(egress.network_address), int(egress.broadcast_address) + 1
    start = first
    for network in sorted(one for one in taken if one.overlaps(egress)):
        if int(network.network_address) >= start + size:
            break
        past = int(network.broadcast_address) + 1
        start = max(start, -(-past // size) * size)
    return IPv4Network((start, length)) if start + size <= behind else None
