"""The changes of one hub's firewall policy, and what is in force there.

Writes to one policy are serial and take minutes, so at most one shard is written in a pass; the others wait. What takes
something away goes first, then what has waited longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import IPv4Network

from function_app.model.definitions import Hub, Shards
from function_app.model.names import AttachmentKey, HubName, TargetName, TenantName, firewall_target
from function_app.model.once import once
from function_app.model.plan import (
    Change,
    ChangeReason,
    DeleteGroup,
    PutGroup,
    Refusal,
    RefusalCode,
    Verb,
    WaitsFor,
)
from function_app.model.resources import Body, FirewallObservation, Kind, ResourceId
from function_app.model.state import HubState, ShardMemory
from function_app.planning import RELEASE
from function_app.planning.block_shard import block_change, denied, in_the_way_of_the_block, may_deny
from function_app.planning.firewall_resources import (
    Content,
    TenantRules,
    collections_of,
    content_digest,
    digest_of,
    read_shard,
    shard_body,
    shard_index,
    shard_name,
)
from function_app.planning.in_force import (
    LONGEST_BACKOFF,
    body_in_force,
    is_ours,
    provisioning_state,
    ranges_staying,
    settled,
    tenants_in_force,
)
from function_app.planning.permissions import lacking, permissions
from function_app.planning.placement import Seat, place
from function_app.planning.trials import choose


@dataclass(frozen=True, slots=True)
class FirewallWish:
    """What the firewall should hold: each tenant's rendered rules, and the ranges of blocked tenants.

    `definitions` maps a tenant to the digest of its definition, `keys` to its attachments. `left` are shards not to be written.
    """

    tenants: Mapping[TenantName, TenantRules] = field(hash=False)
    blocked: Mapping[TenantName, tuple[IPv4Network, ...]] = field(hash=False)
    definitions: Mapping[TenantName, str] = field(hash=False)
    keys: Mapping[TenantName, tuple[AttachmentKey, ...]] = field(hash=False)
    left: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FirewallPlan:
    """Changes in the order in which they are written, and what this pass knows of the rules in force."""

    changes: tuple[Change, ...] = ()
    refused: tuple[Refusal, ...] = ()
    in_force: Mapping[TenantName, tuple[TenantRules, ...]] = field(default_factory=dict, hash=False)
    staying: Mapping[TenantName, frozenset[str]] = field(default_factory=dict, hash=False)
    """By tenant: ranges that its rules in force allow, less those that a write under way takes out."""
    blocked_in_force: frozenset[str] = frozenset()
    may_deny: frozenset[str] | None = frozenset()
    """Ranges that the block shard denies, or will in a moment, whoever is blocked now; None while that cannot be told."""
    seats: Mapping[TenantName, Seat] = field(default_factory=dict, hash=False)
    rendered: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    rejected: frozenset[TenantName] = frozenset()
    """Tenants whose rules do not get in before somebody edits them or the hub."""
    obstructed: bool = False
    """Somebody else's group bears the priority of the block shard, which cannot be created."""
    unsuitable: bool = False
    """The policy must not be written at all."""
    in_flight: bool = False
    """A write to one of our groups is still running."""
    backoff: Mapping[str, datetime] = field(default_factory=dict, hash=False)
    """By shard: until when what is to be written there waits, because it failed before."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One shard that must be written."""

    change: Change
    takes_away: bool
    since: datetime


def plan_firewall(
    name: HubName, hub: Hub, firewall: FirewallObservation, state: HubState, wish: FirewallWish, now: datetime
) -> FirewallPlan:
    """Decide every shard; `state.shards` must already know this observation (`in_force.learn`)."""
    unsuitable = unsuitable_policy(name, hub, firewall)
    shards = hub.spec.firewall.shards
    in_force = tenants_in_force(shards, firewall, state.shards)
    observed = {
        group: read_shard(body) for group, body in firewall.groups.items() if shard_index(shards, group) is not None
    }
    placement = place(
        shards,
        wish.tenants,
        observed,
        state.placement,
        in_force,
        most_shards=_most_shards(hub, firewall),
        most_collections=_most_collections(hub, firewall),
        occupied=_occupied(hub, firewall),
    )
    target = firewall_target(name)
    candidates: list[_Candidate] = []
    refused = [*unsuitable, *placement.refused]
    rendered: dict[str, tuple[str, str]] = {}
    rejected: set[TenantName] = set()
    backoff: dict[str, datetime] = {}
    for shard in sorted({*placement.contents, *observed} - wish.left):
        memory = state.shards.get(shard, ShardMemory())
        body = firewall.groups.get(shard)
        known = _known_in_force(body, memory)
        trial = choose(placement.contents.get(shard, {}), known, memory.failures)
        rejected.update(trial.culprits)
        refused.extend(_rejected(shard, tenant) for tenant in trial.culprits)
        refused.extend([_nothing_gets_in(target, shard, trial.content)] if trial.at_fault else [])
        key, digest = f"{target} {Kind.RULE_COLLECTION_GROUP}/{shard}", _definition_digest(trial.content, wish)
        if _stands(body, shards, shard, tuple(trial.content.items())):
            rendered[key] = (digest, RELEASE)
            continue
        change = _shard_change(
            name,
            hub,
            shard,
            trial.content,
            firewall,
            wish,
            rendered_before=state.rendered.get(key),
            digest=digest,
        )
        until = _backing_off(memory, trial.content, now)
        backoff.update({shard: until} if until is not None else {})
        waits = WaitsFor.FIREWALL_BACKOFF if until is not None else None
        candidates.append(
            _Candidate(replace(change, waits_for=waits), _takes_away(known, trial.content), _since(state, shard, now))
        )
    block = block_change(name, hub, firewall, wish.blocked, wish.keys)
    obstacle = in_the_way_of_the_block(name, hub, firewall, wish.blocked)
    refused.extend(obstacle)
    if block is not None and not obstacle:
        candidates.append(
            _Candidate(
                block, takes_away=block.reason is ChangeReason.BLOCKED, since=datetime.min.replace(tzinfo=now.tzinfo)
            )
        )
    changes = _one_at_a_time(candidates, busy=firewall.busy, forbidden=bool(unsuitable))
    return FirewallPlan(
        changes=changes,
        refused=tuple(refused),
        in_force=in_force,
        staying=ranges_staying(shards, firewall, state.shards),
        blocked_in_force=denied(hub, firewall, state),
        may_deny=may_deny(hub, firewall, state),
        seats=placement.seats,
        rendered=rendered,
        rejected=frozenset(rejected) | {TenantName(one.subject) for one in placement.refused},
        obstructed=bool(obstacle),
        unsuitable=bool(unsuitable),
        in_flight=any(_in_flight(body) for group, body in firewall.groups.items() if is_ours(shards, group)),
        backoff=backoff,
    )


@once
def _stands(body: Body | None, shards: Shards, shard: str, content: tuple[tuple[int, TenantRules], ...]) -> bool:
    wanted = shard_body(shards, shard, dict(content)) if any(rules for _, rules in content) else None
    return settled(wanted, body)


def _any(content: Content) -> bool:
    return any(content.values())


def _in_flight(body: Body) -> bool:
    return provisioning_state(body) in ("Updating", "Creating", "Deleting")


def unsuitable_policy(name: HubName, hub: Hub, firewall: FirewallObservation) -> tuple[Refusal, ...]:
    """A policy that must not be written: managed by another mechanism, or attached to no firewall."""
    properties = firewall.policy.get("properties") or {}
    policy = hub.spec.firewall.policy
    if properties.get("afcManaged"):
        return (
            Refusal(
                RefusalCode.POLICY_UNSUITABLE,
                f"firewall/{name}",
                f"Firewall policy {policy} is managed by Azure Firewall for Containers (afcManaged): it is read-only to others. "
                "Name another policy in spec.firewall.policy, or detach the container control plane.",
            ),
        )
    if not properties.get("firewalls"):
        return (
            Refusal(
                RefusalCode.POLICY_UNSUITABLE,
                f"firewall/{name}",
                f"Firewall policy {policy} is attached to no firewall, so its rules would have no effect. "
                f"Attach it to {hub.spec.firewall.name}; a firewall with classic rules must be migrated to a policy first, "
                "which `egressctl import` writes.",
            ),
        )
    return ()


def _most_shards(hub: Hub, firewall: FirewallObservation) -> int:
    shards = hub.spec.firewall.shards
    foreign = sum(not is_ours(shards, group) for group in firewall.groups)
    band = shards.priority.last - shards.priority.first
    return max(0, min(band, hub.spec.limits.rule_collection_groups - foreign - 1, 1000))


def _occupied(hub: Hub, firewall: FirewallObservation) -> frozenset[str]:
    """Shards that do not exist and whose priority somebody else's group bears: a policy has each priority once."""
    shards = hub.spec.firewall.shards
    foreign = {
        int((body.get("properties") or {}).get("priority", 0))
        for name, body in firewall.groups.items()
        if not is_ours(shards, name)
    }
    names = (
        shard_name(shards, priority - shards.priority.first - 1)
        for priority in foreign
        if priority > shards.priority.first
    )
    return frozenset(name for name in names if name not in firewall.groups)


def _most_collections(hub: Hub, firewall: FirewallObservation) -> int:
    shards = hub.spec.firewall.shards
    groups = [body for group, body in firewall.groups.items() if not is_ours(shards, group)]
    foreign = sum(len(collections_of(body)) for body in (*groups, *firewall.base_groups.values()))
    return max(0, hub.spec.limits.rule_collections - foreign - 1)


def _known_in_force(body: Body | None, memory: ShardMemory) -> dict[TenantName, TenantRules] | None:
    if body is None:
        return {}
    known = body_in_force(body, memory)
    return None if known is None else {rules.tenant: rules for rules in read_shard(known).values()}


def _backing_off(memory: ShardMemory, content: Content, now: datetime) -> datetime | None:
    """Until when; only a content that has failed waits: a new one may carry a revocation."""
    until = memory.backoff_until
    failed = memory.failures.get(content_digest(content), 0) > 0
    return until if until is not None and now < until and failed else None


def _takes_away(in_force: Mapping[TenantName, TenantRules] | None, content: Content) -> bool:
    wanted = {rules.tenant: permissions(rules) for rules in content.values()}
    return any(
        lacking(permissions(rules), wanted.get(tenant, frozenset())) for tenant, rules in (in_force or {}).items()
    )


def _since(state: HubState, shard: str, now: datetime) -> datetime:
    wait = state.waits.get(f"shard {shard}")
    return wait.since if wait is not None else now


def _definition_digest(content: Content, wish: FirewallWish) -> str:
    return digest_of({str(rules.tenant): wish.definitions.get(rules.tenant, "") for rules in content.values() if rules})


def _rejected(shard: str, tenant: TenantName) -> Refusal:
    return Refusal(
        RefusalCode.RULE_REJECTED,
        str(tenant),
        f"Azure Firewall refuses the rules of {tenant} (shard {shard}): with them the operation fails, without them it succeeds. "
        "What was in force before stays, less what was revoked. Correct the tenant's rules; everybody else's changes went through.",
    )


def _nothing_gets_in(target: TargetName, shard: str, content: Content) -> Refusal:
    tenants = _listed(sorted(rules.tenant for rules in content.values() if rules)) or "nobody"
    return Refusal(
        RefusalCode.RULE_REJECTED,
        f"{target} {shard}",
        f"Azure Firewall has refused every content of shard {shard}, so nobody can tell whether it is at fault or the rules of "
        f"{tenants}. It is asked again every {LONGEST_BACKOFF.seconds // 60} minutes at least. Look at its errors in Azure.",
    )


def _shard_change(
    name: HubName,
    hub: Hub,
    shard: str,
    content: Content,
    firewall: FirewallObservation,
    wish: FirewallWish,
    *,
    rendered_before: tuple[str, str] | None,
    digest: str,
) -> Change:
    body = firewall.groups.get(shard)
    before = {rules.tenant: rules.digest() for rules in read_shard(body).values()} if body is not None else {}
    after = {rules.tenant: rules.digest() for rules in content.values() if rules}
    changed = tuple(sorted(tenant for tenant in {*before, *after} if before.get(tenant) != after.get(tenant)))
    reason, words = _why(body, before, after, changed, rendered_before, digest)
    resource = ResourceId(Kind.RULE_COLLECTION_GROUP, shard)
    keys = tuple(key for tenant in changed for key in wish.keys.get(tenant, ()))
    if not _any(content):
        return Change(Verb.DELETE, firewall_target(name), resource, reason, words, DeleteGroup(), attachments=keys)
    write = PutGroup(shard_body(hub.spec.firewall.shards, shard, content))
    verb = Verb.UPDATE if body is not None else Verb.CREATE
    return Change(verb, firewall_target(name), resource, reason, words, write, attachments=keys)


def _why(
    body: Body | None,
    before: Mapping[TenantName, str],
    after: Mapping[TenantName, str],
    changed: tuple[TenantName, ...],
    rendered_before: tuple[str, str] | None,
    digest: str,
) -> tuple[ChangeReason, str]:
    names = _listed(changed)
    if body is not None and not changed:
        if provisioning_state(body) == "Failed":
            return ChangeReason.RETRY, "its last operation failed: the same content is written again"
        return ChangeReason.DRIFT, "priorities or foreign collections in the shard differ from what stands in Git"
    if rendered_before is not None and rendered_before[0] == digest:
        if rendered_before[1] != RELEASE:
            return ChangeReason.RELEASE, f"release {RELEASE} renders the rules of {names} differently"
        return ChangeReason.DRIFT, f"somebody changed the rules of {names} outside Git"
    gone = tuple(tenant for tenant in changed if tenant not in after)
    if gone and len(gone) == len(changed):
        return ChangeReason.REMOVED, f"rules of {names} go"
    new = tuple(tenant for tenant in changed if tenant not in before)
    if new and len(new) == len(changed):
        return ChangeReason.NEW, f"first rules of {names}"
    return ChangeReason.EDITED, f"rules of {names} change"


def _listed(tenants: Iterable[TenantName]) -> str:
    names = [str(tenant) for tenant in tenants]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _one_at_a_time(candidates: list[_Candidate], *, busy: bool, forbidden: bool) -> tuple[Change, ...]:
    """Only the first change that may be written now is ready; all others wait for the firewall."""
    if forbidden:
        return ()
    ordered = sorted(
        candidates,
        key=lambda one: (one.change.waits_for is not None, not one.takes_away, one.since, str(one.change.resource)),
    )
    changes: list[Change] = []
    taken = busy
    for candidate in ordered:
        change = candidate.change
        if change.waits_for is None and taken:
            change = replace(change, waits_for=WaitsFor.FIREWALL_BUSY)
        taken = taken or change.waits_for is None
        changes.append(change)
    return tuple(changes)
