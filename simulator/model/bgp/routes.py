"""Routes as a node's BIRD holds them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from simulator.model.bgp.prefixes import Prefix


class RouteKind(StrEnum):
    """Where a route comes from."""

    BLOCK = "block"
    """The IPAM block of a node, announced as one."""
    WORKLOAD = "workload"
    """A pod's own address."""
    SERVICE = "service"
    """A service range that BGPConfiguration announces."""
    HOST = "host"
    """What the node's own table holds: default route, node subnet, the way to a peer."""


NODE_INTERFACE = "eth0"
WORKLOAD_INTERFACE = "cali00000000000"
"""Felix names a workload's interface `cali` and eleven characters of a hash; filters can only tell it by a pattern."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `next_hop` is the address of the node that has the pods; `remote` when another node told it."""

    prefix: Prefix
    next_hop: str
    kind: RouteKind
    remote: bool = False

    @property
    def interface(self) -> str:
        """The interface that the route leaves by, for filters that name one; blocks and service ranges are blackholes."""
        if self.remote or self.kind is RouteKind.HOST:
            return NODE_INTERFACE
        return WORKLOAD_INTERFACE if self.kind is RouteKind.WORKLOAD else ""
