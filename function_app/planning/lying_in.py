"""Whether one name, address or port of a firewall rule lies in another, and what two have in common, as Azure Firewall reads them.

Sources: names and wildcards of application rules learn.microsoft.com/azure/firewall/firewall-faq, addresses and ports of network
rules learn.microsoft.com/rest/api/virtualnetwork/firewall-policy-rule-collection-groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, summarize_address_range

_LAST_PORT = 65535


def name_lies_in(name: str, other: str) -> bool:
    """Whether whoever may reach `other` may reach `name`; both in lower case."""
    return other in (name, "*") or (other.startswith("*.") and name.endswith(other[1:]))


def addresses_lie_in(text: str, other: str) -> bool:
    """Whether all addresses of `text` are `other`'s; a service tag or a name lies in itself and in `*` alone."""
    mine, theirs = addresses(text), addresses(other)
    if mine is None or theirs is None:
        return other in (text, "*")
    return theirs[0] <= mine[0] and mine[1] <= theirs[1]


def ports_lie_in(text: str, other: str) -> bool:
    """Whether all ports of `text` are `other`'s."""
    mine, theirs = ports(text), ports(other)
    return theirs[0] <= mine[0] and mine[1] <= theirs[1]


def addresses(text: str) -> tuple[int, int] | None:
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


def ports(text: str) -> tuple[int, int]:
    """First and last port of a port, a range or `*`."""
    if text == "*":
        return 0, _LAST_PORT
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def common_name(one: str, other: str) -> Iterator[str]:
    """The narrower of two names, in its own letter case, when one lies in the other."""
    first, second = one.lower(), other.lower()
    if name_lies_in(first, second):
        yield one
    elif name_lies_in(second, first):
        yield other


def common_addresses(one: str, other: str) -> Iterator[str]:
    """The narrower of two when one lies in the other, else the networks of which their overlap consists."""
    mine, theirs = addresses(one), addresses(other)
    if addresses_lie_in(one.lower(), other.lower()):
        yield one
    elif addresses_lie_in(other.lower(), one.lower()):
        yield other
    elif mine and theirs:
        first, last = max(mine[0], theirs[0]), min(mine[1], theirs[1])
        if first <= last:
            yield from (str(network) for network in summarize_address_range(IPv4Address(first), IPv4Address(last)))


def common_ports(one: str, other: str) -> Iterator[str]:
    """The narrower of two when one lies in the other, else the range in which they overlap."""
    mine, theirs = ports(one), ports(other)
    first, last = max(mine[0], theirs[0]), min(mine[1], theirs[1])
    if ports_lie_in(one, other):
        yield one
    elif ports_lie_in(other, one):
        yield other
    elif first <= last:
        yield str(first) if first == last else f"{first}-{last}"


def all_common(
    mine: Iterable[str], theirs: Iterable[str], common: Callable[[str, str], Iterator[str]]
) -> tuple[str, ...]:
    """What each of these has in common with each of those, every one once, in the order of `mine`."""
    others = tuple(theirs)
    return tuple(dict.fromkeys(found for one in mine for other in others for found in common(one, other)))
