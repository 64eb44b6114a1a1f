"""What two versions of a tenant's rules both allow: what stays in force while the newer one is not taken up.

A rule that both have stays as it is. Of any other standing rule that part stays which some rule of the newer version allows as
well, name by name, range by range, port by port. Names and service tags that no containment is known of must be equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from function_app.model.definitions import AllowRule
from function_app.model.once import Row
from function_app.planning.lying_in import all_common, common_addresses, common_name, common_ports


def both_allow(standing: Iterable[AllowRule], newer: Iterable[AllowRule]) -> Row[AllowRule]:
    """The rules of `standing`, narrowed to what `newer` allows too; names stay, and get a suffix where a rule falls apart."""
    others = tuple(newer)
    known = {_meaning(rule) for rule in others}
    kept: list[AllowRule] = []
    for rule in standing:
        if _meaning(rule) in known:
            kept.append(rule)
            continue
        parts = list(dict.fromkeys(part for other in others if (part := _common(rule, other)) is not None))
        kept.extend(_named(part, rule.name if len(parts) == 1 else None) for part in parts)
    return Row(kept)


def _meaning(rule: AllowRule) -> tuple[object, ...]:
    return rule.fqdns, rule.protocols, rule.destinations, rule.ports, rule.transport, rule.expires


def _named(rule: AllowRule, name: str | None) -> AllowRule:
    if name is not None:
        return rule.model_copy(update={"name": name})
    digest = hashlib.sha256(repr(_meaning(rule)).encode()).hexdigest()[:6]
    return rule.model_copy(update={"name": f"{rule.name}.{digest}"})


def _common(one: AllowRule, other: AllowRule) -> AllowRule | None:
    """What two rules both allow, None for nothing."""
    expires = min((day for day in (one.expires, other.expires) if day is not None), default=None)
    if one.fqdns and other.fqdns:
        fqdns = all_common(one.fqdns, other.fqdns, common_name)
        protocols = tuple(protocol for protocol in one.protocols if protocol in other.protocols)
        changes: dict[str, object] = {"fqdns": fqdns, "protocols": protocols}
        empty = not (fqdns and protocols)
    elif one.destinations and other.destinations:
        destinations = all_common(one.destinations, other.destinations, common_addresses)
        ports = all_common(one.ports or ("*",), other.ports or ("*",), common_ports)
        transport = tuple(protocol for protocol in one.transport if protocol in other.transport)
        changes = {"destinations": destinations, "ports": ports, "transport": transport}
        empty = not (destinations and ports and transport)
    else:
        return None
    return None if empty else one.model_copy(update={**changes, "expires": expires})
