"""What a reader of the rules would not see: rules that never decide, that allow more than they seem to, that nobody named.

Each tenant's whole traffic is taken apart once. A rule that gets no part of it is shadowed; a part that a rule outside the
tenant's own collections lets pass is reach that nobody asked for in the tenant's file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from function_app.model.definitions import AllowRule, Shards
from function_app.model.names import TenantName
from function_app.planning.firewall_resources import APP, NET, shard_index
from function_app.planning.reachability.judging import Part, Verdict, judge
from function_app.planning.reachability.policy import Policy
from function_app.planning.reachability.reach import FEW_ADDRESSES
from function_app.planning.reachability.rules import Layer, Rule
from function_app.planning.reachability.spans import Spans, count
from function_app.planning.reachability.traffic import Box, remainder

NOTICE = timedelta(days=30)
"""So long before its last day a rule is named."""
_MOST_NAMED = 5


class FindingKind(StrEnum):
    """What an audit finds; a closed enum that outsiders may rely on."""

    SHADOWED = "shadowed"
    DUPLICATE = "duplicate"
    WIDE = "wide"
    EXPIRING = "expiring"
    UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One finding: about a rule, and the tenants that it concerns."""

    kind: FindingKind
    rule: str
    tenants: tuple[TenantName, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit looks at. `wide` says why a wildcard takes in more than it seems to, empty when it does not."""

    policy: Policy
    shards: Shards
    sources: Mapping[TenantName, Spans[int]]
    rules: Mapping[TenantName, tuple[AllowRule, ...]]
    today: date
    wide: Callable[[str], str]


@dataclass
class _Seen:
    """What the tenants' traffic met."""

    decided: dict[TenantName, set[int]] = field(default_factory=dict)
    unnamed: dict[int, list[TenantName]] = field(default_factory=dict)


def audit(audited: Audited) -> tuple[AuditFinding, ...]:
    """All findings: what is open to everybody first, then by rule in Azure's order, then what runs out."""
    seen = _Seen()
    for tenant, sources in audited.sources.items():
        for part in judge(audited.policy, Box(sources=sources)):
            _note(audited, seen, tenant, part)
    own = _own_rules(audited)
    return (
        *_unnamed(audited, seen),
        *(finding for tenant, rules in own.items() for finding in _never_deciding(tenant, rules, seen)),
        *(finding for tenant, rules in own.items() for rule in rules for finding in _wide(audited, tenant, rule)),
        *_expiring(audited),
    )


def _note(audited: Audited, seen: _Seen, tenant: TenantName, part: Part) -> None:
    rule = part.rule
    if rule is None:
        return
    seen.decided.setdefault(tenant, set()).add(id(rule))
    names_it = _owner(audited, rule) == tenant
    if part.verdict is not Verdict.DENY and rule.allow and not names_it and rule.name.layer is not Layer.AZURE:
        found = seen.unnamed.setdefault(id(rule), [])
        if tenant not in found[-1:]:
            found.append(tenant)


def _owner(audited: Audited, rule: Rule) -> TenantName | None:
    """Whose collection it is, None for everybody else's rules."""
    name = rule.name
    if name.layer is not Layer.OWN or shard_index(audited.shards, name.group) is None:
        return None
    return TenantName(name.collection[:-4]) if name.collection.endswith((NET, APP)) else None


def _own_rules(audited: Audited) -> dict[TenantName, list[Rule]]:
    found: dict[TenantName, list[Rule]] = {}
    for rule in audited.policy.rules:
        owner = _owner(audited, rule)
        if owner is not None:
            found.setdefault(owner, []).append(rule)
    return found


def _unnamed(audited: Audited, seen: _Seen) -> Iterator[AuditFinding]:
    for rule in audited.policy.rules:
        tenants = tuple(seen.unnamed.get(id(rule), ()))
        if tenants:
            message = f"{_listed(tenants)} may reach what this rule allows, and no rule of theirs names it"
            yield AuditFinding(FindingKind.UNNAMED, str(rule.name), tenants, message)


def _never_deciding(tenant: TenantName, rules: list[Rule], seen: _Seen) -> Iterator[AuditFinding]:
    """Rules of a tenant that others have wholly taken the place of before it is their turn."""
    for index, rule in enumerate(rules):
        if id(rule) in seen.decided.get(tenant, ()) or not rule.sure:
            continue
        twin = next((one for one in rules[:index] if one.sure == rule.sure), None)
        if twin is not None:
            message = f"says the same as {twin.name.rule}, which comes before it"
            yield AuditFinding(FindingKind.DUPLICATE, str(rule.name), (tenant,), message)
            continue
        hiding = [one for one in rules[:index] if any(a.meets(b) for a in one.sure for b in rule.sure)]
        whole = not remainder(rule.sure, (box for one in hiding for box in one.sure))
        names = ", ".join(one.name.rule for one in hiding) if whole else "rules outside the tenant's collections"
        message = f"never decides anything: {names} match all of it before its turn"
        yield AuditFinding(FindingKind.SHADOWED, str(rule.name), (tenant,), message)


def _wide(audited: Audited, tenant: TenantName, rule: Rule) -> Iterator[AuditFinding]:
    if not rule.allow:
        return
    reached = max((count(box.destinations) for box in rule.sure), default=0)
    if rule.body.get("destinationAddresses") and reached > FEW_ADDRESSES:
        message = f"is a network rule for {reached:,} addresses: it comes before every rule that names a host"
        yield AuditFinding(FindingKind.WIDE, str(rule.name), (tenant,), message)
    for text in rule.body.get("targetFqdns") or ():
        why = audited.wide(str(text).lower())
        if str(text).startswith("*") and not str(text).startswith("*."):
            why = f"it takes in every name that ends so, `not{str(text)[1:]}` included"
        if why:
            yield AuditFinding(
                FindingKind.WIDE, str(rule.name), (tenant,), f"`{text}` matches more than it seems to: {why}"
            )


def _expiring(audited: Audited) -> Iterator[AuditFinding]:
    for tenant, rules in audited.rules.items():
        for rule in rules:
            if tenant not in audited.sources or rule.expires is None:
                continue
            last = date.fromisoformat(rule.expires)
            if last > audited.today + NOTICE:
                continue
            words = f"ends with {last}" if last >= audited.today else f"ended with {last} and is no longer in force"
            yield AuditFinding(FindingKind.EXPIRING, f"{tenant}/{rule.name}", (tenant,), words)


def _listed(tenants: Iterable[TenantName]) -> str:
    names = list(tenants)
    return ", ".join(names[:_MOST_NAMED]) + (
        f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    )
