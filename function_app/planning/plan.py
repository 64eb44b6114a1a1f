"""The whole decision of one pass: definitions, ledger and observations in, a plan and what to remember out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from function_app.model.ledger import Holding, Record
from function_app.model.names import (
    AttachmentKey,
    ClusterName,
    GenerationId,
    NamespaceName,
    PlanId,
    TenantName,
)
from function_app.model.once import once
from function_app.model.plan import (
    AttachmentState,
    Change,
    ChangeReason,
    Plan,
    Refusal,
    RefusalCode,
    Stage,
    Verb,
    WaitsFor,
)
from function_app.model.resources import ClusterObservation, Kind, RouteServerObservation, Unreadable
from function_app.model.state import DecisionKind, HubState, ShardMemory
from function_app.model.tree import HubDefinitions
from function_app.planning import RELEASE
from function_app.planning.attachment_states import attachment_state, knowing_who_must_act, readiness_of
from function_app.planning.behind import NEEDS_A_PERSON, handed_on, queue
from function_app.planning.cluster_plan import hold_shrinking, plan_generation
from function_app.planning.connections import is_leaving, plan_connections
from function_app.planning.deferred import DEFERRED, deferred_rows, ends_in
from function_app.planning.expected import expectations_not_met
from function_app.planning.fabric import plan_fabric
from function_app.planning.facts import Facts, cluster_facts
from function_app.planning.firewall_plan import FirewallPlan, FirewallWish, plan_firewall
from function_app.planning.firewall_resources import digest_of
from function_app.planning.firewall_wish import firewall_wish, hold_back, revocations_only
from function_app.planning.forecast import connections_cut
from function_app.planning.generations import Decided, decide_generations, quarantines_over
from function_app.planning.headroom import limits_used
from function_app.planning.in_force import NOTHING
from function_app.planning.keeping import Draft
from function_app.planning.leaving import plan_leaving
from function_app.planning.order import ordered
from function_app.planning.pointing import Pointing, Readiness, plan_pointers
from function_app.planning.preflight import preflight, without
from function_app.planning.rebuilding import judge_ledger
from function_app.planning.remembering import waits_after
from function_app.planning.route_server_check import route_server_differs
from function_app.planning.shared_plan import open_filters, plan_shared
from function_app.planning.sightings import cluster_addresses
from function_app.planning.situation import Situation
from function_app.planning.stages import cluster_connections
from function_app.planning.suspension import standing_still
from function_app.planning.teardown import forget, plan_teardown

_TOLD_BY_ROWS = frozenset(
    {WaitsFor.POOLED, WaitsFor.SERVING, WaitsFor.ADVERTISED, WaitsFor.PERMITTED, WaitsFor.UNPOINTED}
)
"""What a cut-over waits for, or the end of a policy; the attachment's own row says whether that moves by itself."""
_LOOK_AGAIN_SECONDS = {
    WaitsFor.FIREWALL_BUSY: 20.0,
    WaitsFor.PERMITTED: 20.0,
    WaitsFor.BACKOFF: 60.0,
    WaitsFor.DRAIN: 60.0,
    WaitsFor.TARGET: 60.0,
    WaitsFor.LEDGER: 60.0,
    WaitsFor.QUARANTINE: 300.0,
    WaitsFor.UNPOINTED: 60.0,
}
_OTHERWISE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and the state that the next pass starts from."""

    plan: Plan
    state: HubState


@dataclass
class _Pass:
    """Everything that accumulates while one plan is made."""

    changes: list[Change] = field(default_factory=list)
    drafts: list[Record] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rendered: dict[str, tuple[str, str]] = field(default_factory=dict)
    pointed: set[tuple[GenerationId, str, str]] = field(default_factory=set)
    readiness: dict[GenerationId, Readiness] = field(default_factory=dict)
    waits: dict[AttachmentKey, list[tuple[WaitsFor, str]]] = field(default_factory=dict)
    spoiled: set[AttachmentKey] = field(default_factory=set)

    def take(self, draft: Draft, pointing: Pointing) -> None:
        """Add what one cluster brought."""
        self.changes.extend(ordered(draft.changes))
        self.refused.extend(draft.refused)
        self.notes.extend(draft.notes)
        self.rendered.update(draft.rendered)
        self.drafts.extend(pointing.drafts)
        self.pointed.update(pointing.pointed)
        self.spoiled.update(draft.spoiled)
        for key, waits in pointing.waits.items():
            self.waits.setdefault(key, []).extend(waits)


def make_plan(situation: Situation) -> Planned:
    """Decide everything; writes nothing, reads nothing."""
    found, seen = preflight(situation), situation
    verdict = judge_ledger(without(seen, found.doubtful))
    situation = replace(without(seen, found.stopped), ledger=seen.ledger.with_drafts(verdict.drafts))
    plan_id = plan_id_of(situation)
    waived = any(
        one.subject == plan_id and one.code == RefusalCode.REMOVALS for one in situation.active(DecisionKind.WAIVER)
    )
    decided = decide_generations(situation, removals_waived=waived, give_out=verdict.give_out)
    facts = cluster_facts(situation, decided.ledger.live())
    done = _Pass(drafts=[*verdict.drafts, *decided.drafts, *quarantines_over(situation)])
    peers = route_server_differs(situation)
    done.refused.extend([*found.refused, *((peers,) if peers is not None else ()), *decided.refused])
    done.notes.extend([*found.notes, *decided.notes, *((verdict.note,) if verdict.note else ())])
    firewall, wish = _plan_rules(situation, decided, facts)
    if firewall is not None:
        done.changes.extend(firewall.changes)
        done.refused.extend(firewall.refused)
        done.rendered.update(firewall.rendered)
        done.notes.extend(expectations_not_met(situation, plan_id, firewall, wish))
    for name in facts:
        _plan_cluster(situation, facts[name], decided, firewall, done)
    _give_up(seen, decided, done)
    opened = open_filters(facts)
    connections = plan_connections(situation, _writable(situation, facts), _given_up(seen), done.changes)
    done.changes.extend(connections.changes)
    done.refused.extend(connections.refused)
    done.notes.extend(connections.notes)
    done.notes.extend(_release_extent(done.changes))
    done.refused.extend(_held(situation))
    done.refused.extend(_permanently_unreadable(seen))
    done.changes = list(
        standing_still(situation.hub.name, situation.hub.clusters, done.changes, situation.admission, opened)
    )
    readiness = knowing_who_must_act(done.readiness, decided.intents.values(), done.changes, done.refused)
    outlived = {key for one in done.changes if one.waits_for is WaitsFor.UNPOINTED for key in one.attachments}
    rows = (
        attachment_state(situation, facts, intent, firewall, wish, readiness, done.waits, done.spoiled, outlived)
        for intent in decided.intents.values()
    )
    ahead = queue(facts, decided.intents, situation.admission, done.changes)
    attachments = handed_on(deferred_rows(situation, rows), ahead)
    plan = Plan(
        plan_id=plan_id,
        hub=situation.hub.name,
        commit=situation.hub.commit,
        changes=tuple(done.changes),
        records=tuple(done.drafts),
        refused=tuple(dict.fromkeys(done.refused)),
        attachments=attachments,
        notes=tuple(dict.fromkeys(done.notes)),
        look_again_seconds=_look_again(
            situation, done.changes, attachments, firewall, done.drafts, started=connections.in_flight
        ),
        unattributed=_unattributed(facts),
        clusters={str(name): cluster_addresses(one) for name, one in facts.items()},
        limits=limits_used(situation, facts),
        deferrals=situation.admission.deferrals,
    )
    return Planned(plan, _state_after(situation, firewall, done, plan, verdict.lost_at))


def make_revocation_plan(
    situation: Situation, problem: str, code: RefusalCode = RefusalCode.LEDGER_UNREADABLE
) -> Planned:
    """The plan while the ledger, or what is in force, cannot be read: revocations and blocks, nothing else."""
    firewall = None
    if situation.firewall is not None:
        wish = revocations_only(situation, situation.firewall)
        firewall = plan_firewall(
            situation.hub.name, situation.hub.hub, situation.firewall, situation.state, wish, situation.now
        )
    lacking = "ledger" if code is RefusalCode.LEDGER_UNREADABLE else "version of the definitions that is in force"
    why = problem.rstrip(".")
    message = (
        f"The {lacking} cannot be read: {why}. Only revocations and blocks proceed until it can be read or is restored."
    )
    waits = WaitsFor.LEDGER if code is RefusalCode.LEDGER_UNREADABLE else WaitsFor.DEFINITION
    refused = (
        Refusal(code, f"hub/{situation.hub.name}", message),
        *(firewall.refused if firewall else ()),
    )
    changes = firewall.changes if firewall is not None else ()
    plan = Plan(
        plan_id=plan_id_of(situation),
        hub=situation.hub.name,
        commit=situation.hub.commit,
        changes=changes,
        records=(),
        refused=refused,
        attachments=tuple(
            AttachmentState(key, str(one.range), Stage.ABSENT, current=False, waiting_for=(waits,), detail=problem)
            for key, one in situation.hub.attachments.items()
        ),
        look_again_seconds=_look_again(situation, changes, (), firewall) or _LOOK_AGAIN_SECONDS[WaitsFor.LEDGER],
        deferrals=situation.admission.deferrals,
    )
    return Planned(plan, situation.state)


def plan_id_of(situation: Situation) -> PlanId:
    """Hash over hub, commit and the change by meaning, not over progress."""
    return _plan_id(situation.hub, tuple(sorted(situation.blocked)))


@once
def _plan_id(hub: HubDefinitions, blocked: tuple[TenantName, ...]) -> PlanId:
    meaning = {
        "hub": hub.name,
        "commit": hub.commit,
        "release": RELEASE,
        "attachments": {str(key): one.attachment.model_dump(mode="json") for key, one in hub.attachments.items()},
        "rules": {str(name): [rule.model_dump(mode="json") for rule in rules] for name, rules in hub.rules.items()},
        "blocked": blocked,
        **({"narrowed": _narrowed(hub)} if hub.narrowed else {}),
    }
    return PlanId(digest_of(meaning))


def _narrowed(hub: HubDefinitions) -> dict[str, list[object]]:
    return {str(key): [rule.model_dump(mode="json") for rule in rules] for key, rules in sorted(hub.narrowed.items())}


def _plan_rules(
    situation: Situation, decided: Decided, facts: Mapping[ClusterName, Facts]
) -> tuple[FirewallPlan | None, FirewallWish]:
    wish = firewall_wish(situation, decided.ledger, facts)
    observed = situation.firewall
    if observed is None:
        return None, wish
    hub = situation.hub.hub
    look = plan_firewall(situation.hub.name, hub, observed, situation.state, wish, situation.now)
    if not wish.blocked:
        return look, wish
    wish = hold_back(wish, look.blocked_in_force, {} if look.obstructed else look.in_force)
    return plan_firewall(situation.hub.name, hub, observed, situation.state, wish, situation.now), wish


def _plan_cluster(
    situation: Situation, facts: Facts, decided: Decided, firewall: FirewallPlan | None, done: _Pass
) -> None:
    draft = Draft()
    intents = tuple(intent for key, intent in decided.intents.items() if key.cluster == facts.name)
    replaced = _replaced_cluster(situation, facts)
    if replaced is not None:
        done.refused.append(replaced)
        for intent in intents:
            done.waits.setdefault(intent.key, []).append((WaitsFor.PERSON, replaced.message))
        return
    if is_leaving(facts):
        plan_leaving(situation, facts, draft)
    else:
        plan_shared(situation, facts, intents, draft)
        plan_fabric(situation, facts, draft)
    for intent in intents:
        since = len(draft.changes)
        plan_generation(situation, facts, intent, draft)
        if intent.target is not None and intent.defined is not None:
            readiness = readiness_of(situation, facts, intent, firewall)
            hold_shrinking(facts, intent.target, readiness.of(WaitsFor.ADVERTISED), draft, since)
            done.readiness[intent.target.id] = readiness
    pointing = plan_pointers(situation, facts, intents, done.readiness, draft)
    for generation in facts.generations.values():
        if generation.holding is Holding.LEAVING:
            waits, records = plan_teardown(situation, facts, generation, draft)
            done.drafts.extend(records)
            done.waits.setdefault(generation.key, []).extend(waits)
    draft.notes.extend(connections_cut(facts, intents, draft.changes))
    done.take(draft, pointing)
    kept = {
        key: value
        for key, value in situation.state.rendered.items()
        if key in draft.wanted and key not in done.rendered
    }
    done.rendered.update(kept)


def _replaced_cluster(situation: Situation, facts: Facts) -> Refusal | None:
    known = situation.state.clusters.get(facts.name)
    if known is None or known == facts.observed.identity or situation.forgotten(facts.name):
        return None
    message = (
        f"Another cluster answers under the name {facts.name} (its kube-system namespace has another uid than before). Nothing "
        f"is written to it. If it was rebuilt on purpose, accept it with `egressctl forget {facts.name} --reason WHY`."
    )
    return Refusal(RefusalCode.CLUSTER_REPLACED, f"cluster/{facts.name}", message)


def _release_extent(changes: Iterable[Change]) -> tuple[str, ...]:
    """What a new release renders differently though no commit asked for it, counted."""
    targets = Counter(change.target for change in changes if change.reason is ChangeReason.RELEASE)
    extent = ", ".join(f"{count} on {target}" for target, count in sorted(targets.items()))
    return (f"release {RELEASE} renders resources differently without a commit: {extent}",) if targets else ()


def _held(situation: Situation) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            RefusalCode.DEFINITION_HELD,
            one.file,
            f"{one.file} is not in force since {one.since[:10]}: "
            + ("its previous content holds. " if one.previous_in_force else "it is left out. ")
            + (f"{one.problems[0]}" if one.problems else ""),
        )
        for one in situation.hub.held
    )


def _permanently_unreadable(situation: Situation) -> tuple[Refusal, ...]:
    seen = situation.observations
    targets = [*seen.clusters.values(), seen.firewall, seen.route_server]
    return tuple(
        Refusal(RefusalCode.TARGET_REJECTED, str(one.target), one.message)
        for one in targets
        if isinstance(one, Unreadable) and one.permanent
    )


def _give_up(situation: Situation, decided: Decided, done: _Pass) -> None:
    """Let generations go that stood on clusters which an operator gave up."""
    for generation in decided.ledger.live():
        name = generation.key.cluster
        if (
            situation.cluster(name) is None
            and situation.forgotten(name)
            and generation.key not in situation.hub.attachments
            and _connections_gone(situation, name)
        ):
            waits, records = forget(situation, generation)
            done.waits.setdefault(generation.key, []).extend(waits)
            done.drafts.extend(records)


def _given_up(situation: Situation) -> tuple[ClusterName, ...]:
    """Clusters that an operator gave up and that were not read: their routes go."""
    return tuple(
        name for name in situation.hub.clusters if situation.forgotten(name) and situation.cluster(name) is None
    )


def _writable(situation: Situation, facts: Mapping[ClusterName, Facts]) -> dict[ClusterName, Facts]:
    """Without those behind whose name another cluster answers."""
    return {name: one for name, one in facts.items() if _replaced_cluster(situation, one) is None}


def _connections_gone(situation: Situation, name: ClusterName) -> bool:
    observed, definition = situation.observations.route_server, situation.hub.clusters.get(name)
    if not isinstance(observed, RouteServerObservation):
        return False
    return definition is None or not cluster_connections(definition, observed)


def _unattributed(facts: Mapping[ClusterName, Facts]) -> dict[str, tuple[str, ...]]:
    """Namespaces whose pods leave as nodes; those that run gateways do not count."""
    return {
        str(name): tuple(
            namespace.id.name
            for namespace in found.observed.of(Kind.NAMESPACE)
            if NamespaceName(namespace.id.name) not in found.pointers and not namespace.id.name.endswith("-egw")
        )
        for name, found in facts.items()
    }


def _look_again(
    situation: Situation,
    changes: Iterable[Change],
    attachments: Iterable[AttachmentState],
    firewall: FirewallPlan | None,
    records: Sequence[Record] = (),
    *,
    started: bool = False,
) -> float | None:
    """Seconds until a pass is worth making, None when nothing moves without a person."""
    waits = [
        change.waits_for for change in changes if change.waits_for is not None and change.waits_for not in _TOLD_BY_ROWS
    ]
    waits.extend(what for one in attachments for what in one.waiting_for)
    ready = any(change.waits_for is None for change in changes)
    seconds = dict(_LOOK_AGAIN_SECONDS)
    if firewall is not None and firewall.backoff:
        seconds[WaitsFor.FIREWALL_BACKOFF] = (min(firewall.backoff.values()) - situation.now).total_seconds()
    moving = [
        seconds.get(what, _OTHERWISE_SECONDS) for what in waits if what not in NEEDS_A_PERSON and what not in DEFERRED
    ]
    moving.extend(ends_in(situation.admission, situation.now))
    seen = situation.observations
    targets = [*seen.clusters.values(), seen.firewall, seen.route_server]
    waiting = [one for one in targets if isinstance(one, Unreadable) and not one.permanent]
    moving.extend(max(_LOOK_AGAIN_SECONDS[WaitsFor.TARGET], one.retry_after or 0.0) for one in waiting)
    if ready or records or started:
        moving.append(_OTHERWISE_SECONDS)
    if firewall is not None and firewall.in_flight:
        moving.append(_LOOK_AGAIN_SECONDS[WaitsFor.FIREWALL_BUSY])
    return min(moving, default=None)


def _state_after(
    situation: Situation, firewall: FirewallPlan | None, done: _Pass, plan: Plan, lost_at: datetime | None
) -> HubState:
    unread = {str(name) for name, one in situation.observations.clusters.items() if isinstance(one, Unreadable)}
    pointed = done.pointed | {one for one in situation.state.pointed if one[1] in unread}
    rendered = dict(done.rendered)
    for key, value in situation.state.rendered.items():
        target = key.split(" ", 1)[0]
        unseen = target.removeprefix("cluster/") in unread if target.startswith("cluster/") else True
        if unseen and key not in rendered:
            rendered[key] = value
    accepted = {
        name: one.identity
        for name, one in situation.observations.clusters.items()
        if isinstance(one, ClusterObservation) and situation.forgotten(ClusterName(name))
    }
    created = (
        one.resource.name
        for one in done.changes
        if one.verb is Verb.CREATE and one.resource.kind is Kind.RULE_COLLECTION_GROUP
    )
    return replace(
        situation.state,
        shards={**{name: ShardMemory(in_force=NOTHING) for name in created}, **situation.state.shards},
        clusters={**situation.state.clusters, **accepted},
        placement=dict(firewall.seats) if firewall is not None else situation.state.placement,
        pointed=frozenset(pointed),
        rendered=rendered,
        waits=waits_after(situation.state, plan.attachments, plan.changes, situation.now),
        ledger_rebuilt_at=lost_at or situation.state.ledger_rebuilt_at,
    )
