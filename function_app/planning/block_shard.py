"""The block shard: one network Deny over the ranges of blocked tenants, in front of all other shards."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from function_app.model.definitions import Hub
from function_app.model.names import AttachmentKey, HubName, TenantName, firewall_target
from function_app.model.plan import Change, ChangeReason, DeleteGroup, PutGroup, Refusal, RefusalCode, Verb
from function_app.model.resources import FirewallObservation, Kind, ResourceId
from function_app.model.state import HubState, ShardMemory
from function_app.planning.firewall_resources import block_body, block_name, block_rules, collections_of, sources_of
from function_app.planning.in_force import NOTHING, body_in_force, provisioning_state, settled

Blocked = Mapping[TenantName, tuple[IPv4Network, ...]]
"""Blocked tenants and the ranges that they hold."""


def block_change(
    name: HubName,
    hub: Hub,
    firewall: FirewallObservation,
    blocked: Blocked,
    keys_by_tenant: Mapping[TenantName, tuple[AttachmentKey, ...]],
) -> Change | None:
    """Bring the block shard to what is blocked; None when it stands so."""
    shards = hub.spec.firewall.shards
    group = block_name(shards)
    rules = block_rules(blocked)
    observed = firewall.groups.get(group)
    wanted = block_body(shards, rules) if rules else None
    if settled(wanted, observed):
        return None
    before = {
        str(rule.get("name")) for collection in collections_of(observed) for rule in collection.get("rules") or ()
    }
    after = {str(tenant) for tenant, ranges in blocked.items() if ranges}
    resource = ResourceId(Kind.RULE_COLLECTION_GROUP, group)
    keys = tuple(key for tenant in sorted(blocked) for key in keys_by_tenant.get(tenant, ()))
    if wanted is None:
        words = f"the block of {', '.join(sorted(before))} is lifted"
        return Change(
            Verb.DELETE, firewall_target(name), resource, ChangeReason.UNBLOCKED, words, DeleteGroup(), attachments=keys
        )
    reason = ChangeReason.UNBLOCKED if before - after and not after - before else ChangeReason.BLOCKED
    words = f"everything from {', '.join(sorted(after))} is denied"
    verb = Verb.CREATE if observed is None else Verb.UPDATE
    return Change(verb, firewall_target(name), resource, reason, words, PutGroup(wanted), attachments=keys)


def in_the_way_of_the_block(
    name: HubName, hub: Hub, firewall: FirewallObservation, blocked: Blocked
) -> tuple[Refusal, ...]:
    """The block shard stands in front of all others or nowhere, and a policy has each priority once."""
    shards = hub.spec.firewall.shards
    if block_name(shards) in firewall.groups or not block_rules(blocked):
        return ()
    theirs = [
        group
        for group, body in sorted(firewall.groups.items())
        if int((body.get("properties") or {}).get("priority", 0)) == shards.priority.first
    ]
    message = (
        f"Rule collection group {', '.join(theirs)} of {hub.spec.firewall.policy} bears priority {shards.priority.first}, which "
        f"{block_name(shards)} needs to deny blocked tenants. Until it is moved their own rules are taken out instead; what other "
        "groups allow them stays allowed. Give that group another priority, or the hub another priority band."
    )
    return (Refusal(RefusalCode.FOREIGN_RESOURCE, f"{firewall_target(name)} {theirs[0]}", message),) if theirs else ()


def denied(hub: Hub, firewall: FirewallObservation, state: HubState) -> frozenset[str]:
    """Ranges that the block shard denies now, less those that a write under way lets go."""
    group = block_name(hub.spec.firewall.shards)
    body = firewall.groups.get(group)
    if body is None:
        return frozenset()
    coming = NOTHING if provisioning_state(body) == "Deleting" else body
    return sources_of(body_in_force(body, state.shards.get(group, ShardMemory()))) & sources_of(coming)


def may_deny(hub: Hub, firewall: FirewallObservation, state: HubState) -> frozenset[str] | None:
    """Ranges that the block shard denies now, or will once a write under way is through; None while that cannot be told."""
    group = block_name(hub.spec.firewall.shards)
    body, memory = firewall.groups.get(group), state.shards.get(group, ShardMemory())
    if body is None:
        return frozenset()
    enforced = body_in_force(body, memory)
    return None if enforced is None else sources_of(enforced) | sources_of(body) | frozenset(memory.possible)
