"""A tenant's plan on one hub by meaning: what is shown for approval, and compared before it is applied.

It depends on what the tenant asks of clusters, and on what its ranges may then reach, whichever rules say so: its own, those of
the base policy and of other people's groups. It does not depend on other tenants, on shards and slots, on how far anything has
come, on blocks, or on how rules are named, split and ordered where that changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import IPv4Network
from typing import Any

from function_app.model.approval import Meaning, Reach
from function_app.model.definitions import AllowRule
from function_app.model.names import AttachmentKey, TenantName
from function_app.model.resources import Body
from function_app.model.tree import HubDefinitions
from function_app.planning.firewall_resources import (
    TenantRules,
    block_name,
    digest_of,
    render_rules,
    shard_body,
    shard_index,
    shard_name,
)
from function_app.planning.reachability.outcome import reach_of
from function_app.planning.reachability.policy import Policy, policy_of
from function_app.planning.reachability.traffic import addresses


@dataclass(frozen=True, slots=True)
class Around:
    """What of the firewall is not tenants' rules: the base policy's groups, and other people's in the policy."""

    base: tuple[Body, ...] = ()
    foreign: tuple[Body, ...] = ()


def around(hub: HubDefinitions, groups: Mapping[str, Body], base_groups: Mapping[str, Body]) -> Around:
    """The part of what was read that is not ours; the block shard is left out, since a block is no plan of the tenant's."""
    shards = hub.hub.spec.firewall.shards
    foreign = (
        body
        for name, body in sorted(groups.items())
        if shard_index(shards, name) is None and name != block_name(shards)
    )
    return Around(tuple(body for _, body in sorted(base_groups.items())), tuple(foreign))


def meanings(
    hub: HubDefinitions | None, tenants: Iterable[TenantName], surroundings: Around, day: date
) -> dict[TenantName, Meaning]:
    """The plans of these tenants, made out for one day; whoever is not attached asks for nothing."""
    names = sorted(set(tenants))
    if hub is None:
        return {name: _meaning({}, (("", ()),), (("", ()),)) for name in names}
    found: dict[TenantName, list[AttachmentKey]] = {name: [] for name in names}
    for key in hub.attachments:
        if key.tenant in found:
            found[key.tenant].append(key)
    rules = [_rules(hub, keys, day) for keys in found.values()]
    alone = _policy(hub, rules, Around(), None)
    asks = {name: tuple(_reaches(hub, keys, Around(), day, alone)) for name, keys in found.items()}
    if surroundings == Around():
        return {name: _meaning(_plan(hub, keys), asks[name], asks[name]) for name, keys in found.items()}
    plain = _policy(hub, rules, surroundings, alone)
    return {
        name: _meaning(_plan(hub, keys), asks[name], tuple(_reaches(hub, keys, surroundings, day, plain)))
        for name, keys in found.items()
    }


def policy_with(hub: HubDefinitions, tenants: Iterable[TenantName], surroundings: Around, day: date) -> Policy:
    """The policy that `meanings` looks at: these tenants' rules and what is around them."""
    names = frozenset(tenants)
    keys = [key for key in hub.attachments if key.tenant in names]
    return _policy(hub, [_rules(hub, [key], day) for key in keys], surroundings, None)


def _meaning(
    plan: Mapping[str, Any], asks: tuple[tuple[str, Reach], ...], reach: tuple[tuple[str, Reach], ...]
) -> Meaning:
    return Meaning(plan, asks, reach, digest_of({"plan": plan, "asks": asks, "reach": reach}))


def _plan(hub: HubDefinitions, keys: Iterable[AttachmentKey]) -> dict[str, Any]:
    """What is asked of clusters; order in the file does not count."""
    attached = [hub.attachments[key] for key in keys]
    if not attached:
        return {}
    tenant = attached[0].tenant
    return {
        "attachments": {
            str(one.key.cluster): one.attachment.model_dump(mode="json")
            | {"namespaces": sorted(one.attachment.namespaces)}
            for one in attached
        },
        "bypass": sorted(tenant.spec.egress.bypass),
        "on_removal": tenant.spec.on_removal.value,
    }


def _reaches(
    hub: HubDefinitions, keys: list[AttachmentKey], surroundings: Around, day: date, plain: Policy
) -> Iterable[tuple[str, Reach]]:
    """What may be reached on that day, and after each day on which a rule of the tenant expires and that changes it."""
    sources = addresses(hub.attachments[key].range for key in keys)
    last = reach_of(plain, sources) if keys else ()
    yield "", last
    rules = (rule for key in keys for rule in hub.rules_of(key) or ())
    for end in sorted({rule.expires for rule in rules if rule.expires is not None}):
        if date.fromisoformat(end) < day:
            continue
        later = _rules(hub, keys, date.fromisoformat(end) + timedelta(days=1))
        reach = reach_of(_policy(hub, [later], surroundings, plain), sources)
        if reach != last:
            last = reach
            yield end, reach


def _rules(hub: HubDefinitions, keys: Iterable[AttachmentKey], day: date) -> TenantRules:
    """One tenant's rules; those of an attachment may be others than its tenant's while something is not taken up."""
    ranges: dict[tuple[AllowRule, ...], list[IPv4Network]] = {}
    tenant = TenantName("")
    for key in keys:
        tenant = key.tenant
        ranges.setdefault(tuple(hub.rules_of(key) or ()), []).append(hub.attachments[key].range)
    rendered = [render_rules(tenant, rules, cidrs, day) for rules, cidrs in ranges.items()]
    return TenantRules(
        tenant,
        net=tuple(one for part in rendered for one in part.net),
        app=tuple(one for part in rendered for one in part.app),
    )


def _policy(hub: HubDefinitions, rules: Iterable[TenantRules], surroundings: Around, known: Policy | None) -> Policy:
    """All of them in the first shard: where they really stand changes with other tenants, and nothing for these."""
    shards = hub.hub.spec.firewall.shards
    own = shard_body(shards, shard_name(shards, 0), dict(enumerate(rules)))
    return policy_of((*surroundings.foreign, own), surroundings.base, known=known)
