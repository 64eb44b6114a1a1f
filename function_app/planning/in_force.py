"""What the firewall enforces now, as against what a shard shows while it is being written or after a write failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from function_app.model.definitions import Shards
from function_app.model.names import TenantName
from function_app.model.resources import Body, FirewallObservation
from function_app.model.state import ShardMemory
from function_app.planning.firewall_resources import (
    TenantRules,
    block_name,
    content_digest,
    group_meaning,
    read_shard,
    shard_index,
    sources_of,
)

FIRST_BACKOFF = timedelta(minutes=1)
LONGEST_BACKOFF = timedelta(minutes=30)

NOTHING: Body = {}
"""The content of a group that does not exist."""


def provisioning_state(body: Body) -> str:
    """A group's provisioningState, Succeeded when it does not say."""
    return str((body.get("properties") or {}).get("provisioningState", "Succeeded"))


def is_ours(shards: Shards, name: str) -> bool:
    """The group's name lies in our prefix."""
    return shard_index(shards, name) is not None or name == block_name(shards)


def learn(
    memories: Mapping[str, ShardMemory], shards: Shards, firewall: FirewallObservation, now: datetime
) -> dict[str, ShardMemory]:
    """Shard memories after this observation: Succeeded contents are in force, new failures are counted once each.

    Of a shard that is not there nothing is in force, which is as well to know when its creation fails. What failed in it stays
    known: it may have gone because nothing but refused rules was left to write.
    """
    learned = {
        name: replace(memory, in_force=NOTHING, possible=())
        for name, memory in memories.items()
        if name not in firewall.groups
    }
    for name, body in firewall.groups.items():
        if not is_ours(shards, name):
            continue
        memory, state = memories.get(name, ShardMemory()), provisioning_state(body)
        if state == "Succeeded":
            learned[name] = _after_success(memory, body, now)
            continue
        if state == "Failed" and memory.counted != str(body.get("etag", "")):
            memory = _after_failure(memory, body, now)
        denied = sources_of(body) if name == block_name(shards) else frozenset[str]()
        learned[name] = replace(memory, possible=tuple(sorted(denied.union(memory.possible))))
    return learned


def _after_success(memory: ShardMemory, body: Body, now: datetime) -> ShardMemory:
    """A content that failed and now stands was never at fault: what failed beside it deserves another try as well."""
    stood = bool(memory.failures) and content_digest(read_shard(body)) in memory.failures
    failures = {} if stood else memory.failures
    since = _since(memory, body, now)
    return replace(memory, in_force=body, failures=failures, counted="", backoff_until=None, since=since, possible=())


def _since(memory: ShardMemory, body: Body, now: datetime) -> Mapping[TenantName, datetime]:
    """When each tenant's rules in this shard were first seen as they are now."""
    before, content = memory.in_force, read_shard(body)
    if before is not None and before.get("etag") == body.get("etag") and len(memory.since) == len(content):
        return memory.since
    former = {rules.tenant: rules.digest() for rules in read_shard(before).values()}
    return {
        rules.tenant: memory.since.get(rules.tenant, now) if former.get(rules.tenant) == rules.digest() else now
        for rules in content.values()
    }


def _after_failure(memory: ShardMemory, body: Body, now: datetime) -> ShardMemory:
    digest = content_digest(read_shard(body))
    count = memory.failures.get(digest, 0) + 1
    wait = min(FIRST_BACKOFF * 2 ** (count - 1), LONGEST_BACKOFF)
    failures = {**dict(list(memory.failures.items())[-63:]), digest: count}
    return replace(memory, failures=failures, counted=str(body.get("etag", "")), backoff_until=now + wait)


def settled(wanted: Body | None, observed: Body | None) -> bool:
    """Nothing is to be written: it stands as wanted, or is being brought there. Equal content that failed is not equal."""
    if wanted is None or observed is None:
        return (wanted is None and observed is None) or (
            wanted is None and provisioning_state(observed or {}) == "Deleting"
        )
    return provisioning_state(observed) != "Failed" and group_meaning(wanted) == group_meaning(observed)


def body_in_force(body: Body, memory: ShardMemory) -> Body | None:
    """What a shard enforces, None when that is not known."""
    return body if provisioning_state(body) == "Succeeded" else memory.in_force


def tenants_in_force(
    shards: Shards, firewall: FirewallObservation, memories: Mapping[str, ShardMemory]
) -> dict[TenantName, tuple[TenantRules, ...]]:
    """Each tenant's rules in force; more than one entry while it moves between shards."""
    found: dict[TenantName, tuple[TenantRules, ...]] = {}
    for name, body in sorted(firewall.groups.items()):
        if shard_index(shards, name) is None:
            continue
        for rules in read_shard(body_in_force(body, memories.get(name, ShardMemory()))).values():
            found[rules.tenant] = (*found.get(rules.tenant, ()), rules)
    return found


def ranges_staying(
    shards: Shards, firewall: FirewallObservation, memories: Mapping[str, ShardMemory]
) -> dict[TenantName, frozenset[str]]:
    """By tenant: the sources that its rules in force name and that no write under way takes out."""
    found: dict[TenantName, frozenset[str]] = {}
    for name, body in firewall.groups.items():
        if shard_index(shards, name) is None:
            continue
        coming = NOTHING if provisioning_state(body) == "Deleting" else body
        shown = {rules.tenant: rules.sources() for rules in read_shard(coming).values()}
        for rules in read_shard(body_in_force(body, memories.get(name, ShardMemory()))).values():
            staying = rules.sources() & shown.get(rules.tenant, frozenset())
            found[rules.tenant] = found.get(rules.tenant, frozenset()) | staying
    return found
