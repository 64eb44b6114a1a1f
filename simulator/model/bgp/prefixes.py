"""IPv4 prefixes as two integers: filters compare some hundred ranges with some hundred routes at a time."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple


class Prefix(NamedTuple):
    """A network and its length."""

    network: int
    length: int

    @staticmethod
    @lru_cache(maxsize=65536)
    def parse(text: str) -> Prefix:
        """From `a.b.c.d/n` or an address; host bits are cut off. Raises ValueError, also for IPv6."""
        network = ipaddress.IPv4Network(text, strict=False)
        return Prefix(int(network.network_address), network.prefixlen)

    def covers(self, other: Prefix) -> bool:
        """Whether `other` is this prefix or lies inside it."""
        return other.length >= self.length and (other.network ^ self.network) >> (32 - self.length) == 0

    def cut(self, length: int) -> Prefix:
        """The covering prefix of that length, which is not longer than this one's."""
        shift = 32 - length
        return Prefix(self.network >> shift << shift, length)

    def __str__(self) -> str:
        return f"{ipaddress.IPv4Address(self.network)}/{self.length}"


@lru_cache(maxsize=65536)
def parse_address(text: str) -> int:
    """An IPv4 address as integer. Raises ValueError."""
    return int(ipaddress.IPv4Address(text))
