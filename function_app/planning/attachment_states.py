"""How far each attachment has come, as people read it: stage, currency of its rules, and what it waits for."""

from __future__ import annotations

from collections.abc import Container, Mapping

from function_app.model.ledger import Generation
from function_app.model.names import AttachmentKey, ClusterName, GenerationId, NamespaceName
from function_app.model.plan import AttachmentState, Stage, WaitsFor
from function_app.model.resources import Kind, Unreadable
from function_app.planning.facts import Facts
from function_app.planning.firewall_plan import FirewallPlan, FirewallWish
from function_app.planning.generations import Intent
from function_app.planning.pointing import Readiness
from function_app.planning.shared_plan import switch_is_on
from function_app.planning.situation import Situation
from function_app.planning.stages import Condition, advertised, pooled, serving
from function_app.planning.teardown import Waits


def readiness_of(
    situation: Situation, facts: Facts, intent: Intent, firewall: FirewallPlan | None, wish: FirewallWish
) -> Readiness:
    """The four conditions of the generation that an attachment is about."""
    target, defined = intent.target, intent.defined
    if target is None or defined is None:
        return Readiness(())
    return Readiness(
        (
            (WaitsFor.POOLED, pooled(target, defined.attachment, facts.observed)),
            (WaitsFor.SERVING, serving(target, facts.observed)),
            (
                WaitsFor.ADVERTISED,
                advertised(target, facts.definition, facts.observed, situation.observations.route_server),
            ),
            (WaitsFor.PERMITTED, permitted(situation, target, firewall, wish)),
        )
    )


def permitted(situation: Situation, target: Generation, firewall: FirewallPlan | None, wish: FirewallWish) -> Condition:
    """A version of the tenant's rules for this range is in force; without rules it holds."""
    observed = situation.firewall
    if firewall is None or observed is None:
        problem = situation.observations.firewall
        words = problem.message if isinstance(problem, Unreadable) else "not read"
        return Condition(met=False, detail=f"firewall policy: {words}", unknown=True)
    tenant, cidr = target.key.tenant, str(target.range)
    if tenant in situation.blocked and cidr not in firewall.blocked_in_force:
        return Condition(
            met=False,
            detail=f"{tenant} is blocked and the block shard does not hold {cidr} yet",
            evidence_at=observed.at,
        )
    wanted = wish.tenants.get(tenant)
    if not situation.hub.rules.get(tenant) or (wanted is not None and not wanted and tenant not in situation.blocked):
        return Condition(met=True, evidence_at=observed.at)
    stands = any(cidr in rules.sources() for rules in firewall.in_force.get(tenant, ()))
    words = "" if stands else f"no rule of {tenant} for {cidr} is in force yet"
    return Condition(met=stands, detail=words, evidence_at=observed.at)


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
) -> AttachmentState:
    """One row of the report."""
    found = facts.get(intent.key.cluster)
    waits: Waits = list(teardown_waits.get(intent.key, ()))
    cidr = str(intent.defined.range) if intent.defined else str((*intent.leaving, *intent.kept)[0].range)
    current = is_current(intent.key, firewall, wish)
    if found is None:
        problem = situation.unreadable(intent.key.cluster)
        words = problem.message if problem is not None else "the cluster is not defined any more"
        waits_for = WaitsFor.PERSON if problem is not None and problem.permanent else WaitsFor.TARGET
        return AttachmentState(intent.key, cidr, _stage_unread(intent), current, (waits_for,), words)
    if intent.target is None or intent.defined is None:
        if intent.waiting is not None:
            waits.insert(0, (intent.waiting, intent.detail))
        elif intent.kept:
            waits.insert(0, (WaitsFor.WAIVER, "its removal has not begun"))
        stage = Stage.LEAVING if intent.leaving and intent.defined is None else _routed_or(Stage.ABSENT, found, intent)
        return _state(intent.key, cidr, stage, current, waits)
    readiness = readiness_by_generation.get(intent.target.id, Readiness(()))
    stage, on_older = _stage(found, intent, readiness)
    routed = stage is Stage.ROUTED and not on_older
    if intent.key in spoiled:
        waits.insert(
            0, (WaitsFor.PERSON, "something stands in the way that only a person can clear: see what is refused")
        )
        return _state(intent.key, cidr, stage, current, waits, intent)
    stuck = _stuck(situation, firewall, intent.key)
    waits.extend(
        (stuck if stuck and name is WaitsFor.PERMITTED else name, one.detail)
        for name, one in readiness.conditions
        if not one.met and not (routed and one.unknown)
    )
    if not routed and not waits:
        waits.append((WaitsFor.ROUTED, "namespaces are pointed in this pass"))
    if intent.older and routed:
        waits.append((WaitsFor.DRAIN, f"{intent.older[0].range} drains before it is retired"))
    if not current:
        waits.append((stuck or WaitsFor.FIREWALL_BUSY, "the rules of Git are not in force yet"))
    return _state(intent.key, cidr, stage, current and not on_older, waits, intent)


def _stuck(situation: Situation, firewall: FirewallPlan | None, key: AttachmentKey) -> WaitsFor | None:
    """Who must act before this tenant's rules can get in, None when waiting is enough."""
    problem = situation.observations.firewall
    if firewall is None:
        return WaitsFor.PERSON if isinstance(problem, Unreadable) and problem.permanent else None
    if firewall.unsuitable:
        return WaitsFor.PERSON
    return WaitsFor.DEFINITION if key.tenant in firewall.rejected else None


def _state(
    key: AttachmentKey, cidr: str, stage: Stage, current: bool, waits: Waits, intent: Intent | None = None
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
