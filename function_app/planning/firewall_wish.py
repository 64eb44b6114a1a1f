"""What the firewall should hold in this pass: who may use which rules from which ranges, and who is blocked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date
from functools import cache, partial
from ipaddress import IPv4Network

from function_app.model.definitions import AllowRule
from function_app.model.ledger import Generation, Ledger
from function_app.model.names import AttachmentKey, ClusterName, TenantName
from function_app.model.once import Row, once
from function_app.model.resources import Body, FirewallObservation, network_of
from function_app.model.state import ShardMemory
from function_app.model.tree import HubDefinitions
from function_app.planning.facts import Facts, rules_stay
from function_app.planning.firewall_plan import FirewallWish
from function_app.planning.firewall_resources import (
    TenantRules,
    digest_of,
    joined,
    read_shard,
    render_rules,
    shard_index,
)
from function_app.planning.generations import rebuilt_since
from function_app.planning.in_force import body_in_force, tenants_in_force
from function_app.planning.permissions import cut, lacking, permissions, restrict
from function_app.planning.situation import Situation

Given = tuple[AttachmentKey, IPv4Network]
"""A range that an attachment has, or had."""
_InForce = Mapping[TenantName, tuple[TenantRules, ...]]
_NOWHERE = ClusterName("")


def firewall_wish(situation: Situation, ledger: Ledger, facts: Mapping[ClusterName, Facts]) -> FirewallWish:
    """Rules for ranges that the ledger gives, and for nothing else.

    A blocked tenant's range gets rules only once the block shard holds it; whether it does is the firewall plan's to see,
    so such a range is left out here while `blocked` already names it: see `hold_back`.
    """
    allowed: dict[TenantName, list[Given]] = {}
    keys: dict[TenantName, set[AttachmentKey]] = {}
    for generation in ledger.live():
        keys.setdefault(generation.key.tenant, set()).add(generation.key)
        if rules_stay(situation, facts, generation):
            allowed.setdefault(generation.key.tenant, []).append((generation.key, generation.range))
    witnessed = tuple(_witnessed(situation, ledger))
    for key, cidr in witnessed:
        keys.setdefault(key.tenant, set()).add(key)
        allowed.setdefault(key.tenant, []).append((key, cidr))
    in_force = cache(partial(_in_force, situation))
    tenants = {tenant: _rules(situation, tenant, ranges, in_force) for tenant, ranges in sorted(allowed.items())}
    return FirewallWish(
        tenants=tenants,
        blocked=_blocked_ranges(situation, ledger.live(), witnessed),
        definitions={tenant: definition_digest(situation, tenant, rules) for tenant, rules in tenants.items()},
        keys={tenant: tuple(sorted(found)) for tenant, found in keys.items()},
    )


def _witnessed(situation: Situation, ledger: Ledger) -> Iterator[tuple[AttachmentKey, IPv4Network]]:
    """Ranges that a lost ledger gave on a cluster that cannot be read: until it is, our shards are what tells of them.

    Only what Git still asks for is taken from there: a tenant attached to that cluster, a range in its egress CIDR.
    """
    if situation.firewall is None or (ledger.records and not any(rebuilt_since(ledger))):
        return
    standing: dict[TenantName, set[str]] = {}
    for name, body in situation.firewall.groups.items():
        memory = situation.state.shards.get(name)
        if shard_index(situation.hub.hub.spec.firewall.shards, name) is not None:
            for shown in (body, memory.in_force if memory is not None else None):
                for rules in read_shard(shown).values():
                    standing.setdefault(rules.tenant, set()).update(rules.sources())
    for key in situation.hub.attachments:
        definition = situation.hub.clusters.get(key.cluster)
        if definition is None or situation.cluster(key.cluster) is not None:
            continue
        for cidr in sorted(network for one in standing.get(key.tenant, ()) if (network := network_of(one)) is not None):
            inside = cidr.subnet_of(IPv4Network(definition.spec.egress_cidr))
            if inside and not any(one.range.overlaps(cidr) for one in ledger.live()):
                yield key, cidr


def _rules(
    situation: Situation, tenant: TenantName, given: Sequence[Given], in_force: Callable[[], _InForce]
) -> TenantRules:
    """A tenant's rules as they were admitted; where nothing tells what that was, what is in force for its ranges.

    On what is suspended only what stands there stays, and of that what the definitions allow; so it is for whoever leaves a hub
    that applies what was approved, or left when it did so, since nobody is asked about what leaves. Nobody need have approved
    his last file, so nothing of it that does not stand in the same words comes in by way of what somebody opened.
    """
    nothing = (TenantRules(tenant),)
    if tenant not in situation.hub.rules and not any(key in situation.hub.narrowed for key, _ in given):
        return _only_from(in_force().get(tenant, nothing)[0], {str(cidr) for _, cidr in given})
    unasked = {str(cidr) for key, cidr in given if _leaves_unasked(situation, key)}
    suspended = {str(cidr) for key, cidr in given if situation.suspended(key.cluster, tenant)} - unasked
    rules = _as_admitted(situation, tenant, given)
    if not unasked and not suspended:
        return rules
    standing = in_force().get(tenant, nothing)[0]
    leaving = cut(_only_from(standing, unasked), _only_from(rules, unasked))
    still = restrict(_only_from(standing, suspended), _only_from(rules, suspended))
    others = _only_from(rules, rules.sources() - unasked - suspended)
    return joined(joined(leaving, still, "suspended"), others, "unsuspended")


def _leaves_unasked(situation: Situation, key: AttachmentKey) -> bool:
    """Of whom Git says nothing any more the rules are those that were approved, whatever stands in the firewall."""
    hub, admission = situation.hub, situation.admission
    leaves = key not in hub.attachments and (key.tenant not in admission.recalled or key.tenant in hub.departed)
    return leaves and (admission.reviewed or key.tenant in admission.doubtful)


def _as_admitted(situation: Situation, tenant: TenantName, given: Sequence[Given]) -> TenantRules:
    """One version of the rules for all ranges, unless what Git has is taken up on some clusters and not on others."""
    today = situation.now.date()
    apart = sorted({key for key, _ in given if key in situation.hub.narrowed})
    together = tuple(cidr for key, cidr in given if key not in situation.hub.narrowed)
    rules = _rendered(situation.hub.rules.get(tenant, Row()), tenant, together, today)
    for key in apart:
        ranges = tuple(cidr for other, cidr in given if other == key)
        rules = joined(rules, _rendered(situation.hub.narrowed[key], tenant, ranges, today), key.cluster)
    return rules


def _in_force(situation: Situation) -> _InForce:
    if situation.firewall is None:
        return {}
    return tenants_in_force(situation.hub.hub.spec.firewall.shards, situation.firewall, situation.state.shards)


@once
def _rendered(defined: Row[AllowRule], tenant: TenantName, ranges: tuple[IPv4Network, ...], today: date) -> TenantRules:
    return render_rules(tenant, defined, ranges, today)


def _blocked_ranges(
    situation: Situation, generations: Iterable[Generation], witnessed: Iterable[tuple[AttachmentKey, IPv4Network]]
) -> dict[TenantName, tuple[IPv4Network, ...]]:
    """Every range that a blocked tenant holds."""
    held = [*((one.key.tenant, one.range) for one in generations), *((key.tenant, cidr) for key, cidr in witnessed)]
    return {
        blocked: tuple(sorted(cidr for tenant, cidr in held if tenant == blocked))
        for blocked in sorted(situation.blocked)
    }


def hold_back(
    wish: FirewallWish, blocked_in_force: frozenset[str], in_force: Mapping[TenantName, tuple[TenantRules, ...]]
) -> FirewallWish:
    """Leave out a blocked tenant's ranges that neither stand in the block shard nor had rules before."""
    tenants = dict(wish.tenants)
    for tenant, ranges in wish.blocked.items():
        rules = tenants.get(tenant)
        if rules is None:
            continue
        before = {source for found in in_force.get(tenant, ()) for source in found.sources()}
        keep = {str(cidr) for cidr in ranges if str(cidr) in blocked_in_force or str(cidr) in before}
        tenants[tenant] = _only_from(rules, keep)
    return replace(wish, tenants=tenants)


def _only_from(rules: TenantRules, sources: AbstractSet[str]) -> TenantRules:
    def cut(found: tuple[Mapping[str, object], ...]) -> tuple[Mapping[str, object], ...]:
        trimmed = ({**rule, "sourceAddresses": [one for one in _listed(rule) if one in sources]} for rule in found)
        return tuple(rule for rule in trimmed if rule["sourceAddresses"])

    return TenantRules(rules.tenant, net=cut(rules.net), app=cut(rules.app))


def _listed(rule: Mapping[str, object]) -> list[str]:
    found = rule.get("sourceAddresses")
    return [str(one) for one in found] if isinstance(found, list) else []


def definition_digest(situation: Situation, tenant: TenantName, rules: TenantRules) -> str:
    """Digest of what a tenant's rules are rendered from: definitions and ranges, not their rendering."""
    defined, ranges = situation.hub.rules.get(tenant, Row()), tuple(sorted(rules.sources()))
    keys = (AttachmentKey(tenant, name) for name in situation.hub.clusters) if situation.hub.narrowed else ()
    apart = {str(key): situation.hub.narrowed[key] for key in keys if key in situation.hub.narrowed}
    if not apart:
        return _definition_digest(defined, ranges)
    return digest_of(
        {
            "rules": [rule.model_dump(mode="json") for rule in defined],
            "ranges": ranges,
            "apart": {key: [rule.model_dump(mode="json") for rule in found] for key, found in apart.items()},
        }
    )


@once
def _definition_digest(defined: Row[AllowRule], ranges: tuple[str, ...]) -> str:
    return digest_of({"rules": [rule.model_dump(mode="json") for rule in defined], "ranges": ranges})


def revocations_only(situation: Situation, firewall: FirewallObservation) -> FirewallWish:
    """Without a readable ledger nothing is given, only taken: what stands in the shards less what Git no longer asks for.

    What a shard shows after a write failed is not in force, and to write it again would give it. Of whom Git does not tell that he
    may have it, it is not given, and the shard stays as it is.
    """
    tenants: dict[TenantName, TenantRules] = {}
    left: set[str] = set()
    for name, body in sorted(firewall.groups.items()):
        if shard_index(situation.hub.hub.spec.firewall.shards, name) is not None:
            shown = tuple(read_shard(body).values())
            tenants.update({found.tenant: _less_revoked(situation, found) for found in shown})
            untold = (found for found in shown if not _told(situation.hub, found.tenant))
            if _would_give(untold, body_in_force(body, _memory(situation, name))):
                left.add(name)
    blocked = {
        tenant: tuple(
            sorted(
                {
                    network
                    for source in tenants.get(tenant, TenantRules(tenant)).sources()
                    if (network := network_of(source)) is not None
                }
                | {one.range for one in situation.hub.attachments.values() if one.key.tenant == tenant}
            )
        )
        for tenant in sorted(situation.blocked)
    }
    definitions = {tenant: definition_digest(situation, tenant, rules) for tenant, rules in tenants.items()}
    return FirewallWish(tenants, blocked, definitions, keys={}, left=frozenset(left))


def _memory(situation: Situation, shard: str) -> ShardMemory:
    return situation.state.shards.get(shard, ShardMemory())


def _told(hub: HubDefinitions, tenant: TenantName) -> bool:
    """Whether what Git has of a tenant may be taken for what is left to him."""
    return not hub.doubt and tenant in hub.rules


def _would_give(shown: Iterable[TenantRules], in_force: Body | None) -> bool:
    """Whether somebody would be permitted more than what is in force, of which nothing may be known."""
    had = {rules.tenant: permissions(rules) for rules in read_shard(in_force).values()}
    return any(lacking(permissions(rules), had.get(rules.tenant, frozenset())) for rules in shown)


def _less_revoked(situation: Situation, found: TenantRules) -> TenantRules:
    """What stands of a tenant and was not taken from the range that it stands for; all of it while Git does not tell."""
    hub, tenant = situation.hub, found.tenant
    if not _told(hub, tenant):
        return found
    ranges = (network for source in sorted(found.sources()) if (network := network_of(source)) is not None)
    given = [(_taken_for(hub, tenant, one), one) for one in ranges]
    less = cut if any(_leaves_unasked(situation, key) for key, _ in given) else restrict
    return less(found, _as_admitted(situation, tenant, given))


def _taken_for(hub: HubDefinitions, tenant: TenantName, cidr: IPv4Network) -> AttachmentKey:
    """The attachment in force whose range this is, or was before it was renumbered, by the cluster that it lies in."""
    mine = (key for key in hub.attachments if key.tenant == tenant and key.cluster in hub.clusters)
    inside = (key for key in mine if cidr.subnet_of(IPv4Network(hub.clusters[key.cluster].spec.egress_cidr)))
    return next(inside, AttachmentKey(tenant, _NOWHERE))
