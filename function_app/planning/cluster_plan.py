"""The objects of the generation that an attachment lives on, and of them what is no longer wanted.

Shared objects are `shared_plan.py`, pointing namespaces is `pointing.py`, taking generations down is `teardown.py`.
"""

from __future__ import annotations

from dataclasses import replace

from function_app.model.definitions import Attachment, Cluster
from function_app.model.ledger import Generation
from function_app.model.names import AttachmentKey, HubName
from function_app.model.once import once
from function_app.model.plan import (
    Apply,
    Change,
    ChangeReason,
    Refusal,
    RefusalCode,
    WaitsFor,
)
from function_app.model.resources import Kind, Resource, ResourceId
from function_app.planning.cluster_resources import (
    generation_resources,
    home_of,
)
from function_app.planning.facts import Facts
from function_app.planning.firewall_resources import digest_of
from function_app.planning.generations import Intent
from function_app.planning.keeping import Draft, delete, keep, note_standing, rendered_key, stands
from function_app.planning.ownership import ours
from function_app.planning.placing import gateway_affinity
from function_app.planning.situation import Situation
from function_app.planning.stages import Condition, foreign_pools, overlap_words


def plan_generation(situation: Situation, facts: Facts, intent: Intent, draft: Draft) -> None:
    """Every object of the generation that an attachment lives on, and of it what is no longer wanted."""
    target, defined = intent.target, intent.defined
    if target is None or defined is None:
        return
    bypass, attachment = defined.tenant.spec.egress.bypass, as_made(target, defined.attachment)
    wanted, source = _wanted(target, situation.hub.name, attachment, bypass, facts.definition)
    if attachment.adopt is not None and _home_is_ours(situation, facts, target):
        wanted = (home_of(situation.hub.name, target), *wanted)
    found = tuple(facts.observed.resources.get(resource.id) for resource in wanted)
    if _all_stand(target, situation.hub.name, wanted, found):
        for resource in wanted:
            note_standing(facts, draft, resource, source)
    elif not _kept(situation, facts, intent, attachment, target, wanted, source, draft):
        return
    _prune(situation, facts, draft, target, {resource.id for resource in wanted}, intent.key)


@once
def as_made(target: Generation, attachment: Attachment) -> Attachment:
    """The attachment without `adopt` where that names what an earlier generation took over, and this one is made by us."""
    adopt = attachment.adopt
    if adopt is None or adopt.names == (target.gateway_namespace, target.gateway, target.pool):
        return attachment
    return attachment.model_copy(update={"adopt": None})


@once
def _all_stand(
    target: Generation, hub: HubName, wanted: tuple[Resource, ...], found: tuple[Resource | None, ...]
) -> bool:
    """Every object of a generation; the usual case, which is answered without looking as long as each is the very same."""
    return all(stands(one, there, hub, target) for one, there in zip(wanted, found, strict=True))


def _kept(
    situation: Situation,
    facts: Facts,
    intent: Intent,
    attachment: Attachment,
    target: Generation,
    wanted: tuple[Resource, ...],
    source: str,
    draft: Draft,
) -> bool:
    """Bring each object to what is wanted, in their order; False when something stands in the way of one."""
    needs: frozenset[ResourceId] = frozenset()
    draft.wanted.update(rendered_key(facts.name, one.id) for one in wanted)
    refused_before = len(draft.refused)
    for place, resource in enumerate(wanted):
        adopted = attachment.adopt is not None and resource.id.kind in (Kind.IP_POOL, Kind.EGRESS_GATEWAY)
        theirs = _pools_instead(facts, target, resource)
        if theirs:
            draft.refused.append(Refusal(RefusalCode.RANGE_HELD, str(intent.key), overlap_words(target, theirs[0])))
            draft.spoiled.add(intent.key)
            return False
        if not keep(
            situation,
            facts,
            draft,
            resource,
            source=source,
            keys=(intent.key,),
            adopt=adopted,
            needs=needs,
            born=target,
        ):
            if len(draft.refused) > refused_before:
                draft.spoiled.add(intent.key)
            else:
                _note_lacking(situation, facts, draft, target, wanted[place:])
            return False
        if resource.id.kind is not Kind.DISRUPTION_BUDGET:
            needs = needs | {resource.id}
    return True


def hold_shrinking(facts: Facts, target: Generation, ways: Condition, draft: Draft, since: int) -> None:
    """A gateway in use gets fewer pods once the way back to each of them is known; its changes begin at place `since`.

    Nobody chooses which of them go, and those of which Route Server knows the way may be all that carry anything.
    """
    if ways.met or not facts.users(target):
        return
    for place, change in enumerate(draft.changes[since:], since):
        if change.waits_for is None and _shrinks(facts, target, change):
            draft.changes[place] = replace(change, waits_for=WaitsFor.PERSON if ways.person else WaitsFor.ADVERTISED)


def _shrinks(facts: Facts, target: Generation, change: Change) -> bool:
    gateway = facts.observed.get(Kind.EGRESS_GATEWAY, target.gateway, target.gateway_namespace)
    if gateway is None or change.resource != gateway.id or not isinstance(change.write, Apply):
        return False
    wanted = (change.write.body.get("spec") or {}).get("replicas", 1)
    return int(wanted) < int(gateway.spec.get("replicas") or 1)


def _note_lacking(
    situation: Situation, facts: Facts, draft: Draft, target: Generation, unkept: tuple[Resource, ...]
) -> None:
    """What is being deleted comes back when it is gone; until then nobody may build on what does not stand of the rest."""
    for one in unkept:
        found = facts.observed.resources.get(one.id)
        if found is None or found.terminating or not ours(found, situation.hub.name, (target.id,)):
            draft.lacking[one.id] = WaitsFor.SERVING


def _pools_instead(facts: Facts, target: Generation, wanted: Resource) -> tuple[Resource, ...]:
    """Somebody else's pools over the range of ours, which is not there: it would be refused, or could never be allocated from."""
    if wanted.id.kind is not Kind.IP_POOL or facts.observed.get(Kind.IP_POOL, target.pool) is not None:
        return ()
    return foreign_pools(target, facts.observed, facts.generations.values())


@once
def _wanted(
    target: Generation, hub: HubName, attachment: Attachment, bypass: tuple[str, ...], cluster: Cluster
) -> tuple[tuple[Resource, ...], str]:
    """A generation's objects, and the digest of what they are rendered from."""
    affinity = gateway_affinity(cluster, target.labels)
    source = {
        "generation": target.id,
        "attachment": attachment.model_dump(mode="json"),
        "bypass": sorted(bypass),
        "affinity": affinity,
    }
    return generation_resources(hub, target, attachment, bypass, affinity), digest_of(source)


def _home_is_ours(situation: Situation, facts: Facts, generation: Generation) -> bool:
    """Where nothing stands that could be taken over, or no longer, we make the namespace, and keep what we made."""
    found = facts.observed.get(Kind.NAMESPACE, generation.gateway_namespace)
    return found is None or ours(found, situation.hub.name, ())


def _prune(
    situation: Situation, facts: Facts, draft: Draft, target: Generation, wanted: set[ResourceId], key: AttachmentKey
) -> None:
    """Take away what this generation had and no longer wants: its disruption budget, its policy once nobody names it."""
    for candidate in (
        facts.observed.get(Kind.DISRUPTION_BUDGET, target.gateway, target.gateway_namespace),
        facts.observed.get(Kind.EGRESS_GATEWAY_POLICY, target.gateway),
    ):
        if candidate is None or candidate.id in wanted or not ours(candidate, situation.hub.name, (target.id,)):
            continue
        waits = None
        if candidate.id.kind is Kind.EGRESS_GATEWAY_POLICY and (naming := facts.naming(target.gateway)):
            waits = WaitsFor.UNPOINTED if set(naming).isdisjoint(facts.foreign_users(target)) else WaitsFor.FOREIGN
        draft.changes.append(
            delete(
                facts.name,
                candidate,
                ChangeReason.EDITED,
                "the definition no longer asks for it",
                waits=waits,
                keys=(key,),
            )
        )
