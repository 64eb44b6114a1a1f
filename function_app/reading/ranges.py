"""Forms of addresses, ranges, ports and destinations, as texts: what is wrong with one, and what it stands for.

IPv4 only: Azure documents IPv6 rules of Azure Firewall as failing. Does not belong here: places, files, definitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, summarize_address_range

EVERYTHING = IPv4Network("0.0.0.0/0")
MAX_PORT = 65535
MAX_WEB_PORT = 64000
_UNUSABLE = (
    (IPv4Network("0.0.0.0/8"), "addresses that mean `this host`"),
    (IPv4Network("127.0.0.0/8"), "loopback addresses"),
    (IPv4Network("169.254.0.0/16"), "link-local addresses"),
    (IPv4Network("224.0.0.0/4"), "multicast addresses"),
    (IPv4Network("240.0.0.0/4"), "reserved addresses"),
)
_CIDR = re.compile(r"([0-9.]+)/(0|[1-9][0-9]?)")
_SERVICE_TAG = re.compile(r"[A-Z][A-Za-z0-9]{1,79}(\.[A-Za-z0-9]{1,79})?")
_PORTS = re.compile(r"(0|[1-9][0-9]{0,5})(?:-(0|[1-9][0-9]{0,5}))?")
_NOT_TAGS = {"any", "all", "internet", "virtualnetwork"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one text, as in `Problem`, without a place."""

    code: str
    message: str
    hint: str


def network(text: str) -> IPv4Network | None:
    """The network, None when the text is none."""
    found = _CIDR.fullmatch(text)
    try:
        return IPv4Network(text) if found else None
    except ValueError:
        return None


def address(text: str) -> IPv4Address | None:
    """The address, None when the text is none."""
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def address_fault(text: str) -> Fault | None:
    """What is wrong with an address."""
    if address(text) is not None:
        return None
    if ":" in text:
        return Fault(
            "ipv6",
            f"`{text[:45]}` is no IPv4 address; IPv6 is not supported by the firewall.",
            "Write an IPv4 address.",
        )
    return Fault(
        "address-form", f"`{text[:45]}` is no IPv4 address.", "Write four numbers from 0 to 255, such as 10.0.1.4."
    )


@lru_cache(maxsize=4096)
def network_fault(text: str) -> Fault | None:
    """What is wrong with a range that is to be used, in CIDR form."""
    shown = f"`{text[:45]}`"
    if ":" in text:
        return Fault(
            "ipv6",
            f"{shown} is no IPv4 range; IPv6 is not supported by the firewall.",
            "Write an IPv4 range, such as 10.99.0.0/29.",
        )
    if "/" not in text and address(text) is not None:
        return Fault(
            "cidr-form", f"{shown} is an address without a prefix length.", f"Write {text}/32 for this one address."
        )
    found = _CIDR.fullmatch(text)
    first = address(found[1]) if found else None
    if found is None or first is None:
        return Fault(
            "cidr-form", f"{shown} is no IPv4 range.", "Write address and prefix length, such as 10.99.0.0/29."
        )
    if int(found[2]) > 32:
        return Fault("cidr-form", f"{shown} has a prefix longer than 32 bits.", f"Write {first}/32 for one address.")
    masked = IPv4Network(text, strict=False)
    if masked.network_address != first:
        return Fault(
            "host-bits", f"{shown} has host bits set: the range begins at {masked.network_address}.", f"Write {masked}."
        )
    if masked == EVERYTHING:
        return Fault("everything", f"{shown} is every address there is.", "Name the ranges that are meant.")
    for unusable, what in _UNUSABLE:
        if masked.overlaps(unusable):
            return Fault(
                "unusable-range",
                f"{shown} holds {what} ({unusable}), which no gateway can use.",
                "Choose another range.",
            )
    return None


def port_span(text: str) -> tuple[int, int] | None:
    """The first and last port of `"443"`, `"8000-8010"` or `"*"`; None when the text is none of them."""
    if text == "*":
        return 1, MAX_PORT
    found = _PORTS.fullmatch(text)
    return (int(found[1]), int(found[2] or found[1])) if found else None


def port_fault(text: str) -> Fault | None:
    """What is wrong with a port of a network rule."""
    shown = f"`{text[:45]}`"
    span = port_span(text)
    if span is None:
        return Fault("port-form", f"{shown} is no port.", 'Write "443", a range such as "8000-8010", or "*".')
    first, last = span
    if not (1 <= first <= MAX_PORT and 1 <= last <= MAX_PORT):
        return Fault("port-range", f"{shown} is outside 1 to {MAX_PORT}.", f"Ports are 1 to {MAX_PORT}.")
    if first > last:
        return Fault("port-range", f"{shown} runs backwards.", f'Write "{last}-{first}".')
    return None


@lru_cache(maxsize=4096)
def web_protocol_fault(text: str) -> Fault | None:
    """What is wrong with `https:443`; its pattern was checked before."""
    name, _, port = text.partition(":")
    if port != str(int(port)):
        return Fault("port-form", f"the port of `{text}` has leading zeros.", f'Write "{name}:{int(port)}".')
    if not 1 <= int(port) <= MAX_WEB_PORT:
        return Fault(
            "port-range",
            f"the port of `{text}` is outside 1 to {MAX_WEB_PORT}.",
            f"Application rules take ports 1 to {MAX_WEB_PORT}.",
        )
    return None


@lru_cache(maxsize=4096)
def destination_networks(text: str) -> tuple[IPv4Network, ...]:
    """The addresses of a network rule's destination; nothing for a service tag."""
    if text == "*":
        return (EVERYTHING,)
    if (single := address(text)) is not None:
        return (IPv4Network(single),)
    if (whole := network(text)) is not None:
        return (whole,)
    first, _, last = text.partition("-")
    ends = address(first), address(last)
    if ends[0] is not None and ends[1] is not None and ends[0] <= ends[1]:
        return tuple(summarize_address_range(ends[0], ends[1]))
    return ()


def destination_fault(text: str) -> Fault | None:
    """What is wrong with a network rule's destination: address, range `a-b`, CIDR, service tag or `*`."""
    shown = f"`{text[:45]}`"
    if text == "*":
        return None
    if ":" in text or "/" in text:
        return network_fault(text)
    if (single := address(text)) is not None:
        return network_fault(f"{single}/32")
    first, dash, last = text.partition("-")
    if dash and address(first) is not None and address(last) is not None:
        return _span_fault(text)
    if _SERVICE_TAG.fullmatch(text) and text.lower() not in _NOT_TAGS:
        return None
    if text.lower() in _NOT_TAGS:
        return Fault(
            "destination-form",
            f"{shown} is no service tag of Azure Firewall.",
            'Write "*" if every destination is meant.',
        )
    if "*" in text or re.search(r"\.[A-Za-z]{2,}$", text):
        return Fault(
            "destination-form",
            f"{shown} is a name; network rules of this kind take addresses.",
            "Write it under `fqdns`, in a rule of its own.",
        )
    return Fault(
        "destination-form",
        f"{shown} is no destination.",
        "Write an address, a range `10.0.0.1-10.0.0.9`, a CIDR, a service tag such as `Storage.WestEurope`, or `*`.",
    )


def _span_fault(text: str) -> Fault | None:
    networks = destination_networks(text)
    if not networks:
        first, _, last = text.partition("-")
        return Fault("destination-form", f"`{text[:45]}` runs backwards.", f"Write {last}-{first}.")
    for unusable, what in _UNUSABLE:
        if any(part.overlaps(unusable) for part in networks):
            return Fault("unusable-range", f"`{text[:45]}` holds {what} ({unusable}).", "Leave them out.")
    return None
