"""Which generation each workload namespace points at, one patch each.

wanted   points at        ledger says     = patch
G        G                -               = none
G        elsewhere/none   routed to G,    = restore G at once: dropped traffic is the tenant's alarm, a leak is not
                          seen there                        there; by selectors while its policy is lacking
G        elsewhere/none   -               = G, once G is pooled, serving, advertised and permitted on fresh evidence, in
                                            a pass that changes neither its gateway nor its pool, and not by a
                                            policy that is lacking
G        none             routed to R     = restore R until G is ready
later    elsewhere/none   routed to R     = restore R, as long as whoever is to have the namespace has no generation
G        foreign          -               = none: reported, unless the definition adopts
nobody   ours             routed          = remove our annotations, or record the intent to block
nobody   none             routed          = none: the ledger says so from now on
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from function_app.model.definitions import OnRemoval
from function_app.model.ledger import Generation, Holding, Record, RecordKind
from function_app.model.names import (
    BLOCKED_ANNOTATION,
    EGRESS_ANNOTATIONS,
    POLICY_ANNOTATION,
    SELECTOR_ANNOTATION,
    AttachmentKey,
    GenerationId,
    NamespaceName,
    cluster_target,
)
from function_app.model.plan import Change, ChangeReason, MergePatch, Refusal, RefusalCode, Verb, WaitsFor
from function_app.model.resources import Kind, Resource, ResourceId
from function_app.planning.cluster_resources import FELIX_NAME, pointing_annotations
from function_app.planning.facts import Facts, blocked_value
from function_app.planning.generations import Intent, claims_on
from function_app.planning.keeping import Draft
from function_app.planning.pointers import Pointer
from function_app.planning.situation import EVIDENCE_AGE, Situation
from function_app.planning.stages import Condition


@dataclass(frozen=True, slots=True)
class Readiness:
    """The four conditions that a cut-over waits for, in order."""

    conditions: tuple[tuple[WaitsFor, Condition], ...] = field(hash=False)

    def unmet(self) -> tuple[WaitsFor, ...]:
        """What is still missing."""
        return tuple(name for name, condition in self.conditions if not condition.met)

    def of(self, name: WaitsFor) -> Condition:
        """One of them."""
        return dict(self.conditions)[name]

    def details(self) -> str:
        """The first missing thing in words."""
        return next((condition.detail for _, condition in self.conditions if not condition.met), "")

    def evidence_at(self) -> datetime | None:
        """Age of the oldest reading."""
        return min((one.evidence_at for _, one in self.conditions if one.evidence_at is not None), default=None)

    def ready(self, now: datetime) -> bool:
        """Everything is met on fresh evidence."""
        at = self.evidence_at()
        return not self.unmet() and at is not None and now - at <= EVIDENCE_AGE


@dataclass
class Pointing:
    """What deciding the namespaces of one cluster brought; lives for one pass."""

    changing: frozenset[ResourceId]
    """What this pass writes on the cluster before it points anybody: what was read of it is no evidence any more."""
    drafts: list[Record] = field(default_factory=list)
    pointed: set[tuple[GenerationId, str, str]] = field(default_factory=set)
    waits: dict[AttachmentKey, list[tuple[WaitsFor, str]]] = field(default_factory=dict)

    def wait(self, key: AttachmentKey, what: WaitsFor, words: str) -> None:
        """Note that an attachment waits."""
        self.waits.setdefault(key, []).append((what, words))


def plan_pointers(
    situation: Situation,
    facts: Facts,
    intents: Iterable[Intent],
    readiness: Mapping[GenerationId, Readiness],
    draft: Draft,
) -> Pointing:
    """Decide every namespace that is claimed, recorded or seen pointing at a generation of this cluster."""
    result = Pointing(frozenset(one.resource for one in draft.changes if one.waits_for is None))
    claims = claims_on(facts.name, intents, situation.admission)
    recorded = {name: found[-1] for name, found in facts.recorded.items()}
    seen = {name for name, one in facts.pointers.items() if one.exact is not None or _keeps_waiting(facts, one)}
    for name in sorted({*claims, *recorded, *seen}):
        intent = claims.get(name)
        if intent is not None and intent.target is not None:
            _claimed(situation, facts, name, intent, readiness, draft, result)
        elif _stays(situation, recorded.get(name), intent):
            _restore_recorded(situation, facts, name, recorded[name], draft, result)
        else:
            _unclaimed(situation, facts, name, draft, result)
    _report_foreign_users(facts, draft)
    return result


def _keeps_waiting(facts: Facts, pointer: Pointer) -> bool:
    """Annotations that are still ours in part lead to nothing but gateways on their way out, which wait for them."""
    hit = [facts.generations[one] for one in pointer.hits]
    return pointer.ours and bool(hit) and all(one.holding is Holding.LEAVING for one in hit)


def _stays(situation: Situation, recorded: Generation | None, claim: Intent | None) -> bool:
    """The namespace keeps its generation: its next one is not there yet, or taking it away may not begin.

    A leaving gateway does not wait for a claimant that itself waits for a range to be given back: each could wait for the other.
    """
    if recorded is None:
        return False
    if recorded.holding is Holding.LEAVING and claim is not None and claim.waiting is WaitsFor.QUARANTINE:
        return False
    held_back = recorded.key not in situation.hub.attachments or bool(situation.hub.doubt)
    return claim is not None or (recorded.holding is Holding.HELD and held_back)


def _claimed(
    situation: Situation,
    facts: Facts,
    name: NamespaceName,
    intent: Intent,
    readiness: Mapping[GenerationId, Readiness],
    draft: Draft,
    result: Pointing,
) -> None:
    target = intent.target
    if target is None or intent.defined is None:
        return
    namespace = facts.namespace(name)
    if namespace is None:
        result.wait(
            intent.key,
            WaitsFor.NAMESPACE,
            f"namespace {name} does not exist on {facts.name}; it is never created by us",
        )
        return
    bypass = bool(intent.defined.tenant.spec.egress.bypass)
    needs = _needs(target, bypass=bypass)
    behind = draft.behind(needs)
    if behind is not None:
        policy = ResourceId(Kind.EGRESS_GATEWAY_POLICY, target.gateway)
        why = "does not exist" if policy not in facts.observed.resources else "is being deleted or is not ours"
        result.wait(intent.key, behind, f"namespace {name} needs {policy}, which {why}")
    patch = _patch(namespace, target, bypass=bypass)
    previous = tuple(one for one in facts.recorded.get(name, ()) if one is not target)
    if patch is None:
        _note_pointed(situation, target, facts, name, previous, result)
        return
    if not _may_write(facts, name, intent):
        draft.refused.append(_foreign_annotation(facts, name, namespace))
        result.wait(intent.key, WaitsFor.FOREIGN, f"namespace {name} bears egress annotations of somebody else")
        return
    if intent.key in draft.spoiled:
        return
    seen_there = (target.id, str(facts.name), str(name)) in situation.state.pointed
    if name in target.routed and seen_there:
        result.pointed.add((target.id, str(facts.name), str(name)))
        reason = ChangeReason.EDITED if facts.pointer(name).exact == target.id else ChangeReason.DRIFT
        words = f"namespace {name} belongs to {target.key.tenant} and had lost its way to {target.gateway}"
        if reason is ChangeReason.EDITED:
            words = f"namespace {name} goes through {target.gateway} {'with' if bypass else 'without'} bypass"
        elif behind is not None:
            patch, needs = _patch(namespace, target, bypass=False) or patch, _needs(target, bypass=False)
        change = _point(situation, facts, name, patch, reason, words, (), intent.key, needs)
        draft.changes.append(change if reason is ChangeReason.DRIFT else replace(change, waits_for=behind))
        if change.waits_for is WaitsFor.PERSON:
            result.wait(intent.key, WaitsFor.PERSON, f"{words}; drift is only reported here")
        return
    state = readiness.get(target.id)
    changing = not result.changing.isdisjoint(_bearers(target))
    if state is not None and state.ready(situation.now) and not changing and behind is None:
        reason, words = _first_pointing(intent, target, previous)
        records = (
            situation.record(RecordKind.ROUTE, target, (name,)),
            *(situation.record(RecordKind.UNROUTE, one, (name,)) for one in previous),
        )
        change = _point(situation, facts, name, patch, reason, f"namespace {name} {words}", records, intent.key, needs)
        draft.changes.append(replace(change, evidence_at=state.evidence_at()))
        return
    unmet = state.unmet() if state is not None else ()
    waits = unmet[0] if unmet else behind or (WaitsFor.SERVING if changing else WaitsFor.ADVERTISED)
    reason, words = _first_pointing(intent, target, previous)
    change = _point(situation, facts, name, patch, reason, f"namespace {name} {words}", (), intent.key, needs)
    draft.changes.append(replace(change, waits_for=waits))
    if previous:
        _restore_recorded(situation, facts, name, previous[-1], draft, result)


def _bearers(target: Generation) -> frozenset[ResourceId]:
    """The objects that a generation serves by."""
    gateway = ResourceId(Kind.EGRESS_GATEWAY, target.gateway, target.gateway_namespace)
    return frozenset((gateway, ResourceId(Kind.IP_POOL, target.pool)))


def _first_pointing(intent: Intent, target: Generation, previous: tuple[Generation, ...]) -> tuple[ChangeReason, str]:
    adopted = intent.defined is not None and intent.defined.attachment.adopt is not None
    if any(one.key == target.key for one in previous):
        return ChangeReason.RENUMBERED, f"moves from {previous[-1].range} to {target.range}"
    if previous:
        return ChangeReason.MOVED, f"passes from {previous[-1].key.tenant} to {target.key.tenant}"
    if adopted:
        return ChangeReason.ADOPTED, f"is taken over by {target.key.tenant}"
    return ChangeReason.NEW, f"leaves as {target.range} from now on"


def _restore_recorded(
    situation: Situation, facts: Facts, name: NamespaceName, recorded: Generation, draft: Draft, result: Pointing
) -> None:
    """Keep a namespace where the ledger says it is, if it was seen there."""
    namespace = facts.namespace(name)
    if namespace is None or (recorded.id, str(facts.name), str(name)) not in situation.state.pointed:
        return
    if facts.pointer(name).exact == recorded.id:
        result.pointed.add((recorded.id, str(facts.name), str(name)))
        return
    policy = facts.observed.get(Kind.EGRESS_GATEWAY_POLICY, recorded.gateway)
    bypass = policy is not None and not policy.terminating
    patch = _patch(namespace, recorded, bypass=bypass)
    if patch is None or _already_patching(draft, name):
        return
    result.pointed.add((recorded.id, str(facts.name), str(name)))
    words = f"namespace {name} still belongs to {recorded.key.tenant} and had lost its way to {recorded.gateway}"
    needs = _needs(recorded, bypass=bypass)
    draft.changes.append(_point(situation, facts, name, patch, ChangeReason.DRIFT, words, (), recorded.key, needs))


def _already_patching(draft: Draft, name: NamespaceName) -> bool:
    resource = ResourceId(Kind.NAMESPACE, name)
    return any(change.resource == resource and change.waits_for is None for change in draft.changes)


def _unclaimed(situation: Situation, facts: Facts, name: NamespaceName, draft: Draft, result: Pointing) -> None:
    """Nobody claims the namespace any more: take our annotations off, or end its traffic if its tenant wants that."""
    pointer, namespace = facts.pointer(name), facts.namespace(name)
    recorded = facts.recorded.get(name, ())
    hit = tuple(one for one in facts.generations.values() if one.id in pointer.hits)
    unroutes = tuple(situation.record(RecordKind.UNROUTE, one, (name,)) for one in recorded)
    if namespace is None or not hit:
        result.drafts.extend(unroutes)
        return
    if not recorded and not pointer.ours:
        return
    last = (recorded or hit)[-1]
    if _blocks(situation, last):
        change = _end_traffic(facts, name, namespace, last, unroutes)
        draft.changes.extend(() if change is None else (change,))
        return
    body = {"metadata": {"annotations": dict[str, None].fromkeys(sorted(pointer.keys))}}
    words = f"namespace {name} no longer belongs to {last.key.tenant}: its pods leave as nodes, unattributed"
    draft.changes.append(_annotate(facts, name, body, ChangeReason.REMOVED, words, unroutes, last.key))


def _end_traffic(
    facts: Facts, name: NamespaceName, namespace: Resource, last: Generation, unroutes: tuple[Record, ...]
) -> Change | None:
    """Record the intent; while the gateway itself stays for others, select a gateway that does not exist instead."""
    value = blocked_value(last)
    words = f"{last.key.tenant} asks that traffic of {name} ends with its removal (onRemoval: block)"
    if last.holding is Holding.LEAVING:
        if namespace.annotations.get(BLOCKED_ANNOTATION) == value:
            return None
        body = {"metadata": {"annotations": {BLOCKED_ANNOTATION: value}}}
        return _annotate(facts, name, body, ChangeReason.REMOVED, words, (), last.key)
    nowhere = {
        SELECTOR_ANNOTATION: f"{BLOCKED_ANNOTATION} == '{last.key.tenant}'",
        POLICY_ANNOTATION: None,
        BLOCKED_ANNOTATION: value,
    }
    return _annotate(
        facts, name, {"metadata": {"annotations": nowhere}}, ChangeReason.REMOVED, words, unroutes, last.key
    )


def _blocks(situation: Situation, generation: Generation) -> bool:
    if generation.holding is Holding.LEAVING:
        return generation.on_removal is OnRemoval.BLOCK
    defined = situation.hub.attachments.get(generation.key)
    return defined is not None and defined.tenant.spec.on_removal is OnRemoval.BLOCK


def _note_pointed(
    situation: Situation,
    target: Generation,
    facts: Facts,
    name: NamespaceName,
    previous: tuple[Generation, ...],
    result: Pointing,
) -> None:
    result.pointed.add((target.id, str(facts.name), str(name)))
    if name not in target.routed:
        result.drafts.append(situation.record(RecordKind.ROUTE, target, (name,)))
    result.drafts.extend(situation.record(RecordKind.UNROUTE, one, (name,)) for one in previous)


def _patch(namespace: Resource, generation: Generation, *, bypass: bool) -> dict[str, Any] | None:
    """The keys that must change, None when the namespace points there already."""
    wanted: dict[str, str | None] = {**pointing_annotations(generation, bypass=bypass), BLOCKED_ANNOTATION: None}
    changed = {key: value for key, value in wanted.items() if namespace.annotations.get(key) != value}
    return {"metadata": {"annotations": changed}} if changed else None


def _may_write(facts: Facts, name: NamespaceName, intent: Intent) -> bool:
    """The annotations there are ours, or there are none, or the definition says to take them over."""
    pointer = facts.pointer(name)
    listed = name in facts.recorded
    adopts = intent.defined is not None and intent.defined.attachment.adopt is not None
    return not pointer.anywhere or pointer.ours or listed or adopts


def _needs(generation: Generation, *, bypass: bool) -> frozenset[ResourceId]:
    needs = {ResourceId(Kind.FELIX_CONFIGURATION, FELIX_NAME)}
    if bypass:
        needs.add(ResourceId(Kind.EGRESS_GATEWAY_POLICY, generation.gateway))
    return frozenset(needs)


def _point(
    situation: Situation,
    facts: Facts,
    name: NamespaceName,
    patch: Mapping[str, Any],
    reason: ChangeReason,
    words: str,
    records: tuple[Record, ...],
    key: AttachmentKey,
    needs: frozenset[ResourceId],
) -> Change:
    waits = WaitsFor.PERSON if reason is ChangeReason.DRIFT and not situation.corrects_drift(facts.name) else None
    change = _annotate(facts, name, patch, reason, words, records, key, needs)
    return replace(change, waits_for=waits)


def _annotate(
    facts: Facts,
    name: NamespaceName,
    body: Mapping[str, Any],
    reason: ChangeReason,
    words: str,
    records: tuple[Record, ...],
    key: AttachmentKey,
    needs: frozenset[ResourceId] = frozenset(),
) -> Change:
    return Change(
        Verb.UPDATE,
        cluster_target(facts.name),
        ResourceId(Kind.NAMESPACE, name),
        reason,
        words,
        MergePatch(body),
        needs=needs,
        records=records,
        attachments=(key,),
    )


def _foreign_annotation(facts: Facts, name: NamespaceName, namespace: Resource) -> Refusal:
    keys = ", ".join(key for key in EGRESS_ANNOTATIONS if key in namespace.annotations)
    message = (
        f"Namespace {name} on {facts.name} bears {keys}, which we did not set. It was not touched. "
        "Remove the annotations, or take the attachment over with `adopt`."
    )
    return Refusal(RefusalCode.FOREIGN_RESOURCE, f"cluster/{facts.name} Namespace/{name}", message)


def _report_foreign_users(facts: Facts, draft: Draft) -> None:
    for generation in facts.generations.values():
        draft.notes.extend(
            f"{facts.name}: {user} uses the gateway of {generation.key.tenant} ({generation.range}) without being one of its "
            "namespaces"
            for user in facts.foreign_users(generation)
        )
