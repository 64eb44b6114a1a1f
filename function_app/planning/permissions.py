"""What a tenant's rules permit, split as far as it goes, and what is left of rules of which something is no longer wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from function_app.planning.firewall_resources import Rule, TenantRules, digest_of, meaning
from function_app.planning.lying_in import (
    addresses_lie_in,
    all_common,
    common_addresses,
    common_name,
    common_ports,
    name_lies_in,
    ports_lie_in,
)

_SPLIT = {"sourceAddresses", "destinationAddresses", "destinationPorts", "ipProtocols", "protocols", "targetFqdns"}
_PERMITS_NOTHING = {"name", "description", "terminateTLS", "httpHeadersToInsert"}


class Permission(NamedTuple):
    """One permission that cannot be split.

    `besides` stands for the rule's type and for what it permits beyond these fields (web categories, IP groups, ...), of which no
    order is known.
    """

    source: str
    protocol: str
    destination: str
    port: str
    besides: str

    def lies_in(self, other: Permission) -> bool:
        """Whether whoever has `other` has this as well."""
        return (
            self.besides == other.besides
            and other.protocol in (self.protocol, "any")
            and addresses_lie_in(self.source, other.source)
            and ports_lie_in(self.port, other.port)
            and (
                name_lies_in(self.destination, other.destination)
                or addresses_lie_in(self.destination, other.destination)
            )
        )


def permissions(rules: TenantRules) -> frozenset[Permission]:
    """Everything that these rules permit."""
    return frozenset(one for rule in rules.rules for one in _of_rule(rule))


def lacking(had: Iterable[Permission], wanted: frozenset[Permission]) -> frozenset[Permission]:
    """Of what was permitted that which is so no longer, neither in the same words nor as a part of something wider."""
    return frozenset(one for one in had if one not in wanted and not any(one.lies_in(other) for other in wanted))


def restrict(last_good: TenantRules, wanted: TenantRules) -> TenantRules:
    """Exactly what the last good rules and those that are wanted both permit; nothing is ever given more.

    A rule that is wanted as it stands, or wider, stays. Another one is cut where that says it, and else falls apart into what it
    has in common with each wanted rule, under its name and a suffix.
    """
    allowed = permissions(wanted)

    def left(rules: tuple[Rule, ...], others: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(part for rule in rules for part in _left(rule, others, allowed))

    return TenantRules(last_good.tenant, left(last_good.net, wanted.net), left(last_good.app, wanted.app))


def cut(last_good: TenantRules, wanted: TenantRules) -> TenantRules:
    """What `restrict` leaves, as far as it can be said in words that the firewall took before.

    Of a rule whole sources and names go; when that does not do, it goes.
    """
    allowed = permissions(wanted)

    def left(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        kept = (_cut(rule, allowed) for rule in rules)
        return tuple(rule for rule in kept if rule is not None)

    return TenantRules(last_good.tenant, left(last_good.net), left(last_good.app))


def _left(rule: Rule, others: tuple[Rule, ...], allowed: frozenset[Permission]) -> Iterable[Rule]:
    whole = _cut(rule, allowed)
    if whole is rule:
        return (rule,)
    parts = _apart(part for other in others if (part := _common(rule, other)) is not None)
    kept = frozenset(_of_rule(whole)) if whole is not None else frozenset()
    if whole is not None and not any(lacking(_of_rule(one), kept) for one in parts):
        return (whole,)
    if len(parts) < 2:
        return parts
    return [{**one, "name": f"{rule.get('name')}.{digest_of(meaning(one))[:6]}"} for one in parts]


def _cut(rule: Rule, allowed: frozenset[Permission]) -> Rule | None:
    """The rule, with those of its sources and names that are still wanted when others are not; None for nothing."""
    own = frozenset(_of_rule(rule))
    gone = lacking(own, allowed)
    if not gone:
        return rule
    sources, names = ({getattr(one, part) for one in own - gone} for part in ("source", "destination"))
    fields = {"sourceAddresses": sources, "targetFqdns": names, "destinationAddresses": names}
    kept = {
        key: [one for one in rule[key] if str(one).lower() in known] for key, known in fields.items() if rule.get(key)
    }
    narrower = {**rule, **kept}
    return None if not all(kept.values()) or lacking(_of_rule(narrower), allowed) else narrower


def _common(rule: Rule, other: Rule) -> Rule | None:
    """What two rules both permit, field by field, None for nothing; rules of which no order is known share nothing."""
    fields = (*_COMMON, "protocols")
    if _besides(meaning(rule)) != _besides(meaning(other)) or any(
        bool(rule.get(key)) != bool(other.get(key)) for key in fields
    ):
        return None
    narrower: dict[str, list[object]] = {
        key: list(all_common(map(str, rule[key]), map(str, other[key]), common))
        for key, common in _COMMON.items()
        if rule.get(key)
    }
    if rule.get("protocols"):
        narrower["protocols"] = [one for one in rule["protocols"] if _spoken([one]) <= _spoken(other["protocols"])]
    return {**rule, **narrower} if all(narrower.values()) else None


def _common_transport(one: str, other: str) -> Iterator[str]:
    """`Any` has every other one in it."""
    if other.lower() in (one.lower(), "any"):
        yield one
    elif one.lower() == "any":
        yield other


_COMMON: Mapping[str, Callable[[str, str], Iterator[str]]] = {
    "sourceAddresses": common_addresses,
    "ipProtocols": _common_transport,
    "targetFqdns": common_name,
    "destinationAddresses": common_addresses,
    "destinationPorts": common_ports,
}


def _spoken(protocols: Iterable[object]) -> frozenset[str]:
    return frozenset(meaning({"protocols": list(protocols)})["protocols"])


def _apart(parts: Iterable[Rule]) -> list[Rule]:
    """Those of the parts that lie in no other one."""
    found: list[tuple[Rule, frozenset[Permission]]] = []
    for part in parts:
        permitted = frozenset(_of_rule(part))
        if all(lacking(permitted, known) for _, known in found):
            found = [(one, known) for one, known in found if lacking(known, permitted)]
            found.append((part, permitted))
    return [part for part, _ in found]


def _besides(meant: Mapping[str, object]) -> str:
    return digest_of({key: value for key, value in meant.items() if key not in _SPLIT | _PERMITS_NOTHING})


def _of_rule(rule: Rule) -> Iterator[Permission]:
    meant = meaning(rule)
    besides = _besides(meant)
    web = meant.get("ruleType") == "applicationrule"
    protocols = meant.get("protocols" if web else "ipProtocols")
    names = meant.get("targetFqdns" if web else "destinationAddresses")
    destinations = [str(name).lower() for name in names or ("",)]
    ports = [] if web else meant.get("destinationPorts")
    sources = meant.get("sourceAddresses") or ["*"]
    for source, protocol, destination, port in product(sources, protocols or [""], destinations, ports or ["*"]):
        yield Permission(str(source), str(protocol), destination, str(port), besides)
