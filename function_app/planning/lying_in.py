"""Whether one name, address or port of a firewall rule lies in another one, as Azure Firewall reads them.

Sources: names and wildcards of application rules learn.microsoft.com/azure/firewall/firewall-faq, addresses and ports of network
rules learn.microsoft.com/rest/api/virtualnetwork/firewall-policy-rule-collection-groups.
"""

from __future__ import annotations

from ipaddress import IPv4Address

_LAST_PORT = 65535


def name_lies_in(name: str, other: str) -> bool:
    """Whether whoever may reach `other` may reach `name`; both in lower case."""
    return other in (name, "*") or (other.startswith("*.") and name.endswith(other[1:]))


def addresses_lie_in(text: str, other: str) -> bool:
    """Whether all addresses of `text` are `other`'s; a service tag or a name lies in itself alone."""
    mine, theirs = addresses(text), addresses(other)
    if mine is None or theirs is None:
        return text == other
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
