"""What a tenant's rules permit, split as far as it goes, and what is left of rules of which something is no longer wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from function_app.planning.firewall_resources import Rule, TenantRules, digest_of, meaning
from function_app.planning.lying_in import addresses_lie_in, name_lies_in, ports_lie_in

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
    """The last good rules less everything that is no longer wanted.

    A rule that permits something unwanted is narrowed to wanted sources and names; when that does not do, it goes. A rule that
    is wanted wider stays as it is, so nothing that stood for less is ever given more.
    """
    allowed = permissions(wanted)

    def narrowed(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        kept = (_narrow(rule, allowed) for rule in rules)
        return tuple(rule for rule in kept if rule is not None)

    return TenantRules(last_good.tenant, net=narrowed(last_good.net), app=narrowed(last_good.app))


def _narrow(rule: Rule, allowed: frozenset[Permission]) -> Rule | None:
    own = frozenset(_of_rule(rule))
    gone = lacking(own, allowed)
    if not gone:
        return rule
    sources, names = ({getattr(one, part) for one in own - gone} for part in ("source", "destination"))
    fields = {"sourceAddresses": sources, "targetFqdns": names, "destinationAddresses": names}
    narrowed = {
        **rule,
        **{
            key: [item for item in rule[key] if str(item).lower() in kept]
            for key, kept in fields.items()
            if rule.get(key)
        },
    }
    emptied = any(rule.get(key) and not narrowed[key] for key in fields)
    return None if emptied or lacking(_of_rule(narrowed), allowed) else narrowed


def _of_rule(rule: Rule) -> Iterator[Permission]:
    meant = meaning(rule)
    besides = digest_of({key: value for key, value in meant.items() if key not in _SPLIT | _PERMITS_NOTHING})
    web = meant.get("ruleType") == "applicationrule"
    protocols = meant.get("protocols" if web else "ipProtocols")
    names = meant.get("targetFqdns" if web else "destinationAddresses")
    destinations = [str(name).lower() for name in names or ("",)]
    ports = [] if web else meant.get("destinationPorts")
    sources = meant.get("sourceAddresses") or ["*"]
    for source, protocol, destination, port in product(sources, protocols or [""], destinations, ports or ["*"]):
        yield Permission(str(source), str(protocol), destination, str(port), besides)
