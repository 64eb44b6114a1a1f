"""How far each attachment has come, as people read it: stage, currency of its rules, and what it waits for."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import replace

from function_app.model.admission import Deferral
from function_app.model.ledger import Generation
from function_app.model.names import AttachmentKey, ClusterName, GenerationId, NamespaceName, cluster_target
from function_app.model.plan import (
    AttachmentState,
    Change,
    ChangeReason,
    GatewayPod,
    Refusal,
    RefusalCode,
    Stage,
    WaitsFor,
)
from function_app.model.resources import Kind, ResourceId, Unreadable
from function_app.planning.cluster_resources import FELIX_NAME
from function_app.planning.facts import Facts, rules_stay
from function_app.planning.firewall_plan import FirewallPlan, FirewallWish
from function_app.planning.firewall_resources import valid_on
from function_app.planning.generations import Intent
from function_app.planning.keeping import rendered_key
from function_app.planning.pointing import Readiness
from function_app.planning.route_server_check import route_server_differs
from function_app.planning.shared_plan import switch_is_on
from function_app.planning.sightings import gateways_seen
from function_app.planning.situation import Situation
from function_app.planning.stages import Condition, advertised, pooled, serving
from function_app.planning.teardown import Waits


def readiness_of(situation: Situation, facts: Facts, intent: Intent, firewall: FirewallPlan | None) -> Readiness:
    """The four conditions of the generation that an attachment is about."""
    target, defined = intent.target, intent.defined
    if target is None or defined is None:
        return Readiness(())
    return Readiness(
        (
            (WaitsFor.POOLED, pooled(target, defined.attachment, facts.observed, facts.generations.values())),
            (WaitsFor.SERVING, serving(target, facts.observed)),
            (WaitsFor.ADVERTISED, _advertised(situation, facts, target)),
            (WaitsFor.PERMITTED, permitted(situation, target, firewall)),
        )
    )


def _advertised(situation: Situation, facts: Facts, target: Generation) -> Condition:
    """Without peers nothing is ever learned, and none are written while Route Server is another than the one defined."""
    found = advertised(target, facts.definition, facts.observed, situation.observations.route_server)
    return replace(found, person=True) if not found.met and route_server_differs(situation) is not None else found


def permitted(situation: Situation, target: Generation, firewall: FirewallPlan | None) -> Condition:
    """A version of the tenant's rules for this range is in force and stays so; without rules, or when all have expired, it holds.

    What a write under way takes out, or blocks, will be denied in a moment, though it is allowed still.
    """
    observed = situation.firewall
    if firewall is None or observed is None:
        problem = situation.observations.firewall
        words = problem.message if isinstance(problem, Unreadable) else "not read"
        return Condition(met=False, detail=f"firewall policy: {words}", unknown=True)
    tenant, cidr = target.key.tenant, target.cidr
    if tenant in situation.blocked and cidr not in firewall.blocked_in_force:
        return Condition(
            met=False,
            detail=f"{tenant} is blocked and the block shard does not hold {cidr} yet",
            evidence_at=observed.at,
        )
    if tenant not in situation.blocked and (firewall.may_deny is None or cidr in firewall.may_deny):
        return Condition(met=False, detail=f"the block shard may still deny {cidr}", evidence_at=observed.at)
    if _withheld(situation, target.key) is not None:
        return Condition(met=False, detail="nothing of what it may reach is given yet", evidence_at=observed.at)
    if not valid_on(situation.hub.rules_of(target.key) or (), situation.now.date()):
        return Condition(met=True, evidence_at=observed.at)
    stands = cidr in firewall.staying.get(tenant, ())
    words = "" if stands else f"no rule of {tenant} for {cidr} is in force yet, or the last is being taken out"
    return Condition(met=stands, detail=words, evidence_at=observed.at)


def _withheld(situation: Situation, key: AttachmentKey) -> Deferral | None:
    """What keeps all of a tenant's rules from being given: it has some, and both versions together allow nothing today."""
    hub, today = situation.hub, situation.now.date()
    asked, given = (valid_on(rules or (), today) for rules in (hub.rules.get(key.tenant), hub.rules_of(key)))
    return situation.admission.deferred.get(key) if asked and not given else None


_IN_THE_WAY = (RefusalCode.FOREIGN_RESOURCE, RefusalCode.FOREIGN_PEER, RefusalCode.IMMUTABLE, RefusalCode.FABRIC)
_OWN = (Kind.IP_POOL, Kind.EGRESS_GATEWAY)
_BROUGHT_BY = {
    Kind.IP_POOL: WaitsFor.POOLED,
    Kind.EGRESS_GATEWAY: WaitsFor.SERVING,
    Kind.BGP_FILTER: WaitsFor.ADVERTISED,
    Kind.BGP_PEER: WaitsFor.ADVERTISED,
    Kind.BGP_CONFIGURATION: WaitsFor.ADVERTISED,
    Kind.NODE: WaitsFor.ADVERTISED,
}


def knowing_who_must_act(
    readiness: Mapping[GenerationId, Readiness],
    intents: Iterable[Intent],
    changes: Iterable[Change],
    refused: Iterable[Refusal],
) -> dict[GenerationId, Readiness]:
    """What only reported drift or something foreign keeps from being met waits for a person, and all that builds on it.

    So does what builds on a condition that says itself that only a person can meet it, and what a new pool or gateway would
    bring that waits for what it lies in.
    """
    withheld = [
        change
        for change in changes
        if change.waits_for is WaitsFor.PERSON
        and change.resource.kind in (_BROUGHT_BY if change.reason is ChangeReason.DRIFT else _OWN)
    ]
    barred = tuple(
        f"{one.subject} BGPPeer" if one.code is RefusalCode.FOREIGN_PEER else one.subject
        for one in refused
        if one.code in _IN_THE_WAY
    )
    found = dict(readiness)
    for intent in intents:
        if intent.target is None or intent.target.id not in found:
            continue
        lacking = {_BROUGHT_BY[change.resource.kind] for change in withheld if _concerns(change, intent.key)}
        if any(subject.startswith(f"cluster/{intent.key.cluster} BGP") for subject in barred):
            lacking.add(WaitsFor.ADVERTISED)
        if f"cluster/{intent.key.cluster} {Kind.EGRESS_GATEWAY}" in barred:
            lacking.add(WaitsFor.SERVING)
        found[intent.target.id] = _marked(found[intent.target.id], lacking)
    return found


def _concerns(change: Change, key: AttachmentKey) -> bool:
    """A change of the fabric names no attachment: all of its cluster stand on it."""
    return key in change.attachments or (not change.attachments and change.target == cluster_target(key.cluster))


def _marked(readiness: Readiness, withheld: Collection[WaitsFor]) -> Readiness:
    conditions: list[tuple[WaitsFor, Condition]] = []
    broken = False
    for name, one in readiness.conditions:
        broken = broken or (not one.met and (one.person or name in withheld))
        person = one.person or (broken and not one.met and name is not WaitsFor.PERMITTED)
        conditions.append((name, replace(one, person=person) if person is not one.person else one))
    return Readiness(tuple(conditions))


def is_current(tenant: AttachmentKey, firewall: FirewallPlan | None, wish: FirewallWish) -> bool:
    """The rules in force are those that Git asks for."""
    if firewall is None:
        return False
    wanted, found = wish.tenants.get(tenant.tenant), firewall.in_force.get(tenant.tenant, ())
    if wanted is None or not wanted:
        return not any(found)
    return any(rules.digest() == wanted.digest() for rules in found)


def attachment_state(
    situation: Situation,
    facts: Mapping[ClusterName, Facts],
    intent: Intent,
    firewall: FirewallPlan | None,
    wish: FirewallWish,
    readiness_by_generation: Mapping[GenerationId, Readiness],
    teardown_waits: Mapping[AttachmentKey, Waits],
    spoiled: Container[AttachmentKey],
    outlived: Container[AttachmentKey] = frozenset(),
) -> AttachmentState:
    """One row of the report. The policies of whoever is `outlived` are named by a namespace still, though nobody asks for them."""
    found = facts.get(intent.key.cluster)
    waits: Waits = [*teardown_waits.get(intent.key, ()), *_still_allowed(situation, facts, intent)]
    cidr = str(intent.defined.range) if intent.defined else str((*intent.leaving, *intent.kept)[0].range)
    current = is_current(intent.key, firewall, wish)
    if found is None:
        waits.insert(0, _unobserved(situation, intent.key.cluster))
        return _state(intent.key, cidr, _stage_unread(intent), current, waits)
    pods = gateways_seen(found, intent)
    if intent.target is None or intent.defined is None:
        if intent.waiting is not None:
            waits.insert(0, (intent.waiting, intent.detail))
        elif intent.kept:
            waits.insert(0, _why_kept(situation, intent.key))
        stage = Stage.LEAVING if intent.leaving and intent.defined is None else _routed_or(Stage.ABSENT, found, intent)
        return _state(intent.key, cidr, stage, current, waits, gateways=pods)
    readiness = readiness_by_generation.get(intent.target.id, Readiness(()))
    stage, on_older = _stage(found, intent, readiness)
    routed = stage is Stage.ROUTED and not on_older
    if intent.key in spoiled:
        waits.insert(
            0, (WaitsFor.PERSON, "something stands in the way that only a person can clear: see what is refused")
        )
        return _state(intent.key, cidr, stage, current, waits, intent, pods)
    stuck = _stuck(situation, firewall, intent.key)
    waits.extend(
        (WaitsFor.PERSON if one.person else stuck if stuck and name is WaitsFor.PERMITTED else name, one.detail)
        for name, one in readiness.conditions
        if not one.met and not (routed and one.unknown)
    )
    if not routed and not waits:
        waits.append(_last_step(situation, found))
    if intent.older and routed:
        waits.append((WaitsFor.DRAIN, f"{intent.older[0].range} drains before it is retired"))
    if intent.key in outlived:
        waits.append((WaitsFor.UNPOINTED, f"EgressGatewayPolicy {intent.target.gateway} stays until nothing names it"))
    if not current:
        waits.append((stuck or WaitsFor.FIREWALL_BUSY, "the rules of Git are not in force yet"))
    return _state(intent.key, cidr, stage, current and not on_older, waits, intent, pods)


def _unobserved(situation: Situation, cluster: ClusterName) -> tuple[WaitsFor, str]:
    """A cluster that was not read is tried again; one whose definition is gone is asked for by nobody but a person."""
    if cluster not in situation.hub.clusters:
        words = (
            f"{cluster} is not defined any more and was not taken out of the hub before. Define it again until what is left "
            f"there is gone, or give it up with `egressctl forget {cluster} --reason WHY`"
        )
        return WaitsFor.PERSON, words
    problem = situation.unreadable(cluster)
    permanent = problem is not None and problem.permanent
    return WaitsFor.PERSON if permanent else WaitsFor.TARGET, problem.message if problem is not None else ""


def _still_allowed(situation: Situation, facts: Mapping[ClusterName, Facts], intent: Intent) -> Waits:
    """Time alone brings the end of rules that stay for what nobody can read, or for foreign users alone, so it is waited for."""
    found = facts.get(intent.key.cluster)
    why = "is not known" if found is None else "is not ours"
    return [
        (WaitsFor.UNPOINTED, f"the rules for {one.range} stay a while: what points at {one.gateway} {why}")
        for one in intent.leaving
        if rules_stay(situation, facts, one) and (found is None or found.ends_by_time(one))
    ]


def _why_kept(situation: Situation, key: AttachmentKey) -> tuple[WaitsFor, str]:
    """Why the removal of what nothing defines has not begun."""
    unclear = [one.file for one in situation.hub.held if one.may_define(key.tenant)]
    if unclear:
        words = f"its removal has not begun: {', '.join(unclear[:3])} is not in force and may be meant to define {key.tenant}"
        return WaitsFor.DEFINITION, words
    if situation.hub.doubt:
        return WaitsFor.DEFINITION, "its removal has not begun: the tree is in doubt"
    return WaitsFor.WAIVER, "its removal has not begun"


def _last_step(situation: Situation, facts: Facts) -> tuple[WaitsFor, str]:
    """Everything is ready, and yet nothing is routed: this pass points, or somebody turned egress gateways off."""
    switch = rendered_key(facts.name, ResourceId(Kind.FELIX_CONFIGURATION, FELIX_NAME))
    withheld = switch in situation.state.rendered and not situation.corrects_drift(facts.name)
    if withheld and not switch_is_on(facts):
        return WaitsFor.PERSON, "somebody turned egressIPSupport off, and drift is only reported here"
    return WaitsFor.ROUTED, "namespaces are pointed in this pass"


def _stuck(situation: Situation, firewall: FirewallPlan | None, key: AttachmentKey) -> WaitsFor | None:
    """What this tenant's rules wait for beyond the firewall's next turn: who must act, or the end of a backoff or a deferral."""
    if (deferral := _withheld(situation, key)) is not None:
        return WaitsFor(deferral.reason)
    problem = situation.observations.firewall
    if firewall is None:
        return WaitsFor.PERSON if isinstance(problem, Unreadable) and problem.permanent else None
    if firewall.unsuitable or (firewall.obstructed and key.tenant in situation.blocked):
        return WaitsFor.PERSON
    if key.tenant in firewall.rejected:
        return WaitsFor.DEFINITION
    shard, _ = firewall.seats.get(key.tenant, ("", 0))
    return WaitsFor.FIREWALL_BACKOFF if shard in firewall.backoff else None


def _state(
    key: AttachmentKey,
    cidr: str,
    stage: Stage,
    current: bool,
    waits: Waits,
    intent: Intent | None = None,
    gateways: tuple[GatewayPod, ...] = (),
) -> AttachmentState:
    target = intent.target if intent is not None else None
    return AttachmentState(
        key=key,
        cidr=cidr,
        stage=stage,
        current=current,
        waiting_for=tuple(dict.fromkeys(what for what, _ in waits)),
        detail=waits[0][1] if waits else "",
        namespaces=tuple(str(name) for name in (target.routed if target is not None else ())),
        generation=str(target.id) if target is not None else "",
        gateways=gateways,
    )


def _stage_unread(intent: Intent) -> Stage:
    """The ledger's last word while the cluster cannot be read."""
    if intent.defined is None:
        return Stage.LEAVING
    return Stage.ROUTED if any(one.routed for one in intent.staying) else Stage.ABSENT


def _routed_or(stage: Stage, facts: Facts, intent: Intent) -> Stage:
    return Stage.ROUTED if any(_points(facts, one) for one in intent.staying) else stage


def _points(facts: Facts, generation: Generation) -> bool:
    return any(facts.pointer(name).exact == generation.id for name in generation.routed)


def _stage(facts: Facts, intent: Intent, readiness: Readiness) -> tuple[Stage, bool]:
    """The highest unbroken condition, and whether an older generation is what carries the attachment."""
    if intent.target is None or intent.defined is None:
        return Stage.ABSENT, False
    existing = [
        name for name in intent.defined.attachment.namespaces if facts.observed.get(Kind.NAMESPACE, name) is not None
    ]
    on_target = [name for name in existing if facts.pointer(NamespaceName(name)).exact == intent.target.id]
    if existing and len(on_target) == len(existing) and switch_is_on(facts):
        return Stage.ROUTED, False
    if any(_points(facts, one) for one in intent.older):
        return Stage.ROUTED, True
    stage = Stage.ABSENT
    for name, condition in readiness.conditions:
        if not condition.met:
            break
        stage = Stage(str(name))
    return stage, False
