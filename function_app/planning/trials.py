"""Which content to write into a shard that the firewall may refuse.

    failed before            in force     = write
    wanted: fewer than twice -            = wanted
    wanted: twice            not base     = base: the last good rules less everything revoked since
    base: twice              -            = from here on as base: the same, as far as the last good rules' own words say it
    both bases: twice        -            = wait and try again: the firewall is at fault, no tenant is named
    wanted: twice            base         = base + half of the changed tenants; halved again while that fails twice
    one tenant left          base         = that tenant is the culprit; all others get what they want
    each tenant alone        nothing      = wanted again: nothing ever succeeded, so the firewall itself may be at fault

One bad rule never holds up the others, and a revocation is in every content that is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from function_app.model.names import TenantName
from function_app.planning.firewall_resources import Content, TenantRules, content_digest
from function_app.planning.permissions import cut, restrict

TRIES = 2
"""How often a content may fail before it is taken for refused; a single failure may have been another operation's."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What to write. `culprits` are tenants whose rules the firewall refuses, `at_fault` that nothing gets in."""

    content: Content = field(hash=False)
    culprits: tuple[TenantName, ...] = ()
    at_fault: bool = False


def choose(wanted: Content, in_force: Mapping[TenantName, TenantRules] | None, failures: Mapping[str, int]) -> Trial:
    """Pick the content; `in_force` is None when nothing is known to have succeeded, `failures` is by `content_digest`."""
    culprits: tuple[TenantName, ...] = ()
    target = dict(wanted)
    while failures and failures.get(content_digest(target), 0) >= TRIES:
        if in_force is None:
            return Trial(target, culprits, at_fault=True)
        base = _base(target, in_force, restrict)
        if failures.get(content_digest(base), 0) >= TRIES:
            # What is refused may be the very name to which a wildcard was narrowed; what the firewall took once it takes again.
            base = _base(target, in_force, cut)
        if failures.get(content_digest(base), 0) >= TRIES:
            return Trial(base, culprits, at_fault=True)
        if not _stands(base, in_force):
            return Trial(base, culprits)
        changed = [slot for slot in target if target[slot].digest() != base[slot].digest()]
        content, culprit = _halved(target, base, changed, failures)
        if culprit is None:
            return Trial(content, culprits)
        culprits = (*culprits, target[culprit].tenant)
        target[culprit] = base[culprit]
    if culprits and not any(in_force or ()) and not any(target.values()):
        return Trial(wanted, at_fault=True)
    return Trial(target, culprits)


def _base(
    target: Content,
    in_force: Mapping[TenantName, TenantRules],
    less: Callable[[TenantRules, TenantRules], TenantRules],
) -> Content:
    return {slot: less(in_force.get(rules.tenant, TenantRules(rules.tenant)), rules) for slot, rules in target.items()}


def _stands(base: Content, in_force: Mapping[TenantName, TenantRules]) -> bool:
    wanted = {rules.tenant: rules.digest() for rules in base.values() if rules}
    return wanted == {tenant: rules.digest() for tenant, rules in in_force.items() if rules}


def _halved(
    target: Content, base: Content, suspects: list[int], failures: Mapping[str, int]
) -> tuple[Content, int | None]:
    """The next content to try, or the slot of the culprit."""
    while len(suspects) > 1:
        half = suspects[: len(suspects) // 2]
        content = {**base, **{slot: target[slot] for slot in half}}
        if failures.get(content_digest(content), 0) < TRIES:
            return content, None
        suspects = half
    return base, suspects[0]
