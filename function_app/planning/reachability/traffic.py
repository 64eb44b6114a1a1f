"""Sets of connections: what a firewall can tell apart about a new connection, one set of values for each of six things.

A destination asked for by address has no host name: rules that see Host or SNI do not match it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from ipaddress import IPv4Address as Address
from ipaddress import IPv4Network, summarize_address_range
from typing import Any

from function_app.planning.reachability.spans import Spans, names_ending_in, one_name, union


class Transport(IntEnum):
    """What network rules call protocol."""

    TCP = 0
    UDP = 1
    ICMP = 2


class Application(IntEnum):
    """What application rules call protocol; OTHER is everything that they do not understand."""

    HTTP = 0
    HTTPS = 1
    MSSQL = 2
    OTHER = 3


ADDRESSES = Spans(((0, 1 << 32),))
TRANSPORTS = Spans(((0, len(Transport)),))
PORTS = Spans(((0, 1 << 16),))
APPLICATIONS = Spans(((0, len(Application)),))
WEB = Spans(((Application.HTTP.value, Application.OTHER.value),))
"""Applications that application rules see."""
NO_NAME = Spans((one_name(""),))
NAMED = Spans((names_ending_in(""),))
NAMES = NO_NAME | NAMED


@dataclass(frozen=True, slots=True)
class Box:
    """Connections: every combination of these values. An empty set in one of them makes it empty."""

    sources: Spans[int] = ADDRESSES
    transports: Spans[int] = TRANSPORTS
    destinations: Spans[int] = ADDRESSES
    ports: Spans[int] = PORTS
    applications: Spans[int] = APPLICATIONS
    names: Spans[str] = NAMES

    def __bool__(self) -> bool:
        return bool(
            self.sources and self.destinations and self.ports and self.names and self.transports and self.applications
        )

    def meets(self, other: Box) -> Box | None:
        """What both hold, None when that is nothing; the sides that tell most apart are looked at first.

        Most sides of most rules are everything, the same object: asking for that first saves a quarter of an audit.
        """
        sources = self.sources if self.sources is other.sources else self.sources & other.sources
        if not sources.parts:
            return None
        names = self.names if self.names is other.names else self.names & other.names
        if not names.parts:
            return None
        applications = (
            self.applications if self.applications is other.applications else self.applications & other.applications
        )
        if not applications.parts:
            return None
        ports = self.ports if self.ports is other.ports else self.ports & other.ports
        if not ports.parts:
            return None
        destinations = (
            self.destinations if self.destinations is other.destinations else self.destinations & other.destinations
        )
        if not destinations.parts:
            return None
        transports = self.transports if self.transports is other.transports else self.transports & other.transports
        return Box(sources, transports, destinations, ports, applications, names) if transports.parts else None

    def without(self, other: Box) -> tuple[Box, ...]:
        """What of this is not in the other, in boxes that have nothing in common."""
        common = self.meets(other)
        if common is None:
            return (self,)
        pieces: list[Box] = []
        rest = self
        for side in _SIDES:
            mine, theirs = getattr(rest, side), getattr(common, side)
            if mine is theirs:
                continue
            outside = mine - theirs
            if outside:
                pieces.append(_with(rest, side, outside))
                rest = _with(rest, side, theirs)
        return tuple(pieces)


_SIDES = tuple(one.name for one in fields(Box))


def _with(box: Box, side: str, value: Any) -> Box:
    return replace(box, **{side: value})


def remainder(boxes: Iterable[Box], taken: Iterable[Box]) -> tuple[Box, ...]:
    """What of some boxes lies in none of the others."""
    left = tuple(boxes)
    for box in taken:
        if not left:
            break
        left = tuple(piece for one in left for piece in one.without(box))
    return left


def addresses(networks: Iterable[IPv4Network]) -> Spans[int]:
    """The addresses of some ranges."""
    return union((int(one.network_address), int(one.broadcast_address) + 1) for one in networks)


def ranges_of(numbers: Spans[int]) -> Iterator[IPv4Network]:
    """Addresses as the fewest CIDRs."""
    for first, behind in numbers.parts:
        yield from summarize_address_range(Address(first), Address(behind - 1))
