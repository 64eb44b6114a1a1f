"""Which rules of a BGPFilter BIRD 1.6 can read; one that it cannot holds up every node's whole configuration.

confd renders all filters into one file, lets BIRD parse it and keeps the old file when that fails (projectcalico/calico,
node/filesystem/etc/calico/confd/conf.d/bird.toml). BIRD 1.6.8 refuses a prefix with host bits and a range of lengths that ends
before it starts; the API accepts both. IPv6 rules go to a daemon of their own and carry nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Any

from function_app.model.once import once
from function_app.model.resources import Resource

_LISTS = ("exportV4", "importV4")
_LONGEST = 32


@once
def first_unreadable_rule(found: Resource) -> str:
    """`exportV4[2]: WHY` for the first rule that BIRD cannot read, empty when it can read all."""
    for name in _LISTS:
        for place, rule in enumerate(found.spec.get(name) or ()):
            wrong = _unreadable(rule)
            if wrong:
                return f"{name}[{place}]: {wrong}"
    return ""


def _unreadable(rule: Mapping[str, Any]) -> str:
    if "cidr" not in rule:
        return ""
    text = str(rule["cidr"])
    try:
        cidr = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return f"cidr {text} is no IPv4 range"
    if str(cidr) != text:
        return f"cidr {text} must be written {cidr}, without host bits"
    lengths = rule.get("prefixLength") or {}
    shortest, longest = max(cidr.prefixlen, lengths.get("min", 0)), min(_LONGEST, lengths.get("max", _LONGEST))
    return f"prefixLength leaves {cidr} no length between {shortest} and {longest}" if shortest > longest else ""
