"""What two items of two permissions have in common: names, addresses, ports, transports.

What is found lies inside both, and is written as the narrower of them is where that one lies inside the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, summarize_address_range

_LAST_PORT = 65535

Common = Callable[[str, str], Iterator[str]]


def each(mine: Iterable[str], theirs: Iterable[str], common: Common) -> tuple[str, ...]:
    """What each item has in common with the others' items; one that lies inside one of them stays as it is."""
    others, kept = tuple(theirs), dict[str, None]()
    for one in mine:
        found = dict.fromkeys(part for other in others for part in common(one, other))
        kept.update({one: None} if one in found else found)
    return tuple(kept)


def same(one: str, other: str) -> Iterator[str]:
    """The first, when the second is no other word."""
    if one.lower() == other.lower():
        yield one


def common_name(one: str, other: str) -> Iterator[str]:
    """Of two names or wildcards the narrower, when the other covers it."""
    first, second = one.lower(), other.lower()
    if first == second or _covers(second, first):
        yield one
    elif _covers(first, second):
        yield other


def _covers(wildcard: str, name: str) -> bool:
    return wildcard == "*" or (wildcard.startswith("*.") and name.endswith(wildcard[1:]))


def common_transport(one: str, other: str) -> Iterator[str]:
    """`Any` covers each other one."""
    if one.lower() == other.lower() or other.lower() == "any":
        yield one
    elif one.lower() == "any":
        yield other


def common_destination(one: str, other: str) -> Iterator[str]:
    """The addresses of both; names and service tags must be equal."""
    mine, theirs = _addresses(one), _addresses(other)
    if one.lower() == other.lower() or (mine and theirs and theirs[0] <= mine[0] and mine[1] <= theirs[1]):
        yield one
    elif mine and theirs:
        first, last = max(mine[0], theirs[0]), min(mine[1], theirs[1])
        if (first, last) == theirs:
            yield other
        elif first <= last:
            yield from (str(network) for network in summarize_address_range(IPv4Address(first), IPv4Address(last)))


def _addresses(text: str) -> tuple[int, int] | None:
    """First and last address of an address, CIDR, range or `*`; None for a name."""
    if text == "*":
        return 0, 2**32 - 1
    first, dash, last = text.partition("-")
    try:
        if dash:
            return int(IPv4Address(first.strip())), int(IPv4Address(last.strip()))
        address, _, length = text.partition("/")
        size = 2 ** (32 - int(length or "32"))
        begin = int(IPv4Address(address)) // size * size
    except ValueError:
        return None
    return begin, begin + size - 1


def common_ports(one: str, other: str) -> Iterator[str]:
    """The ports of both ranges."""
    mine, theirs = _ports(one), _ports(other)
    first, last = max(mine[0], theirs[0]), min(mine[1], theirs[1])
    if (first, last) == mine:
        yield one
    elif (first, last) == theirs:
        yield other
    elif first <= last:
        yield str(first) if first == last else f"{first}-{last}"


def _ports(text: str) -> tuple[int, int]:
    if text == "*":
        return 0, _LAST_PORT
    first, _, last = text.partition("-")
    return int(first), int(last or first)
