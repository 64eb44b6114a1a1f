"""Which generation each attachment lives on: reserved, kept, retired, freed. Answers in ledger records, nothing else.

defined      held with that range   other held        = decision
yes          yes                    -                 = live on it
yes          leaving, same range    -                 = held again
yes          no                     -                 = reserve it, unless somebody's claim or a quarantine is in the way
yes          yes, routed, drained   yes               = the other one leaves (renumbered)
no           -                      yes               = it leaves (removed), within the limit on removals and without doubt
-            leaving                gone everywhere   = freed; quarantine starts
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from function_app.model.admission import Admission
from function_app.model.definitions import OnRemoval
from function_app.model.ledger import Generation, Holding, Ledger, Record, RecordKind
from function_app.model.names import AttachmentKey, ClusterName, NamespaceName
from function_app.model.once import once
from function_app.model.plan import Refusal, RefusalCode, WaitsFor
from function_app.model.resources import Unreadable
from function_app.model.tree import DefinedAttachment
from function_app.planning.claims import Claims, Obstacle
from function_app.planning.limits import routes_over_limit
from function_app.planning.naming import names_and_labels
from function_app.planning.situation import Situation

REBUILT_AUTHOR = "rebuilt from what was observed"
"""Author of records that were made because the ledger was lost; no range is given out for one quarantine after them."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What one attachment is about. `target` carries it, or will; `waiting` says why there is none yet.

    `kept` are held generations that nothing defines any more but whose removal may not begin; `older` are held generations
    that a renumbering left behind, `leaving` those on their way out.
    """

    key: AttachmentKey
    defined: DefinedAttachment | None
    target: Generation | None = None
    older: tuple[Generation, ...] = ()
    kept: tuple[Generation, ...] = ()
    leaving: tuple[Generation, ...] = ()
    waiting: WaitsFor | None = None
    detail: str = ""

    @property
    def staying(self) -> tuple[Generation, ...]:
        """Generations that keep their place in filter and rules."""
        return (*((self.target,) if self.target else ()), *self.older, *self.kept)


@dataclass(frozen=True, slots=True)
class Decided:
    """Intents by attachment, the ledger as it will be, the drafts that make it so, and what was refused."""

    intents: Mapping[AttachmentKey, Intent] = field(hash=False)
    ledger: Ledger
    drafts: tuple[Record, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


def decide_generations(situation: Situation, *, removals_waived: bool, give_out: bool) -> Decided:
    """Reserve and retire. `give_out` is False while no range may be given out (lost ledger, unreadable targets)."""
    drafts: list[Record] = []
    refused: list[Refusal] = []
    notes: list[str] = []
    removing, over_limit = _removals(situation, removals_waived=removals_waived)
    refused.extend(over_limit)
    if situation.hub.doubt and _undefined(situation):
        notes.append(f"nothing is removed while the tree is in doubt: {'; '.join(situation.hub.doubt)}")
    drafts.extend(_leave(situation, generation) for generation in removing)
    drafts.extend(_retirements(situation))
    waiting: dict[AttachmentKey, tuple[WaitsFor, str]] = {}
    before = situation.ledger.with_drafts(drafts)
    claims = Claims(situation, before)
    for key, defined in situation.hub.attachments.items():
        if any(_carries(one, defined) for one in before.of(key)):
            continue
        back = next(
            (one for one in before.of(key) if one.holding is Holding.LEAVING and one.range == defined.range), None
        )
        if back is not None:
            drafts.append(_take_back(situation, back))
            claims.give_out(drafts[-1])
            continue
        obstacle = _obstacle(situation, claims, defined, give_out=give_out)
        if obstacle is None:
            drafts.append(_reserve(situation, before, defined))
            claims.give_out(drafts[-1])
            continue
        waits_for, refusal = obstacle
        waiting[key] = (waits_for, refusal.message)
        if waits_for in (WaitsFor.PERSON, WaitsFor.FOREIGN):
            refused.append(refusal)
    ledger = claims.ledger
    intents = {key: _intent(situation, ledger, key, waiting.get(key)) for key in _keys(situation, ledger)}
    return Decided(intents, ledger, tuple(drafts), tuple(refused), tuple(notes))


def claims_on(cluster: ClusterName, intents: Iterable[Intent], admission: Admission) -> dict[NamespaceName, Intent]:
    """Who is to have each namespace of a cluster, those included whose definition is not taken up yet.

    Of these no generation is the target, but whoever gives the namespace up to them has it until they can carry it.
    """
    later = (Intent(key, one, waiting=WaitsFor(admission.deferred[key].reason)) for key, one in admission.asked.items())
    return {
        NamespaceName(name): intent
        for intent in (*later, *intents)
        if intent.defined is not None and intent.key.cluster == cluster
        for name in intent.defined.attachment.namespaces
    }


def _keys(situation: Situation, ledger: Ledger) -> tuple[AttachmentKey, ...]:
    return tuple(sorted({*situation.hub.attachments, *(one.key for one in ledger.live())}))


def _intent(situation: Situation, ledger: Ledger, key: AttachmentKey, waiting: tuple[WaitsFor, str] | None) -> Intent:
    defined, live = situation.hub.attachments.get(key), ledger.of(key)
    if len(live) == 1 and defined is not None and waiting is None and _carries(live[0], defined):
        return _settled(live[0], defined)
    held = [one for one in live if one.holding is Holding.HELD]
    leaving = tuple(one for one in live if one.holding is Holding.LEAVING)
    target = next((one for one in held if defined is not None and one.range == defined.range), None)
    others = tuple(one for one in held if one is not target)
    waits_for, detail = waiting or (None, "")
    return Intent(
        key=key,
        defined=defined,
        target=target,
        older=others if defined is not None else (),
        kept=others if defined is None else (),
        leaving=leaving,
        waiting=waits_for,
        detail=detail,
    )


@once
def _carries(generation: Generation, defined: DefinedAttachment) -> bool:
    """The attachment lives on this generation, or will."""
    return generation.holding is Holding.HELD and generation.range == defined.range


@once
def _settled(generation: Generation, defined: DefinedAttachment) -> Intent:
    """What an attachment is about that has one generation alone, which is nearly every one in nearly every pass."""
    return Intent(defined.key, defined, target=generation)


def _undefined(situation: Situation) -> tuple[Generation, ...]:
    """Held generations of attachments that nothing defines, and that no file which is held back may be meant to define.

    A rule that a new release tightened may leave out a file that was in force for years, and who was removed may be wanted again
    by a file with a mistake in it: neither is a removal.
    """
    return tuple(
        one
        for one in situation.ledger.live()
        if one.holding is Holding.HELD
        and one.key not in situation.hub.attachments
        and not any(held.may_define(one.key.tenant) for held in situation.hub.held)
    )


def _removals(situation: Situation, *, removals_waived: bool) -> tuple[tuple[Generation, ...], tuple[Refusal, ...]]:
    undefined = _undefined(situation)
    if situation.hub.doubt or not undefined:
        return (), ()
    limits = situation.hub.hub.spec.limits
    beginning = len({one.key for one in undefined})
    before = len({one.key for one in situation.ledger.live() if one.holding is Holding.HELD})
    everything = beginning == before and before >= 2
    too_many = beginning > limits.removals and beginning * 100 > before * limits.removals_percent
    if removals_waived or not (everything or too_many):
        return undefined, ()
    names = ", ".join(sorted({str(one.key) for one in undefined})[:10])
    share = f"{beginning} of {before} attachments ({beginning * 100 // before} %)"
    limit = (
        "all of them at once"
        if everything
        else f"more than {limits.removals} and more than {limits.removals_percent} %"
    )
    message = (
        f"This would remove {share}: {limit}. Not begun: {names}. If it is meant, allow it once with "
        f"`egressctl reconcile --hub {situation.hub.name} --waive removals --reason WHY`; if not, bring the files back."
    )
    return (), (Refusal(RefusalCode.REMOVALS, f"hub/{situation.hub.name}", message),)


def _leave(situation: Situation, generation: Generation) -> Record:
    tenant = situation.hub.departed.get(generation.key.tenant)
    defined = next(
        (one.tenant for one in situation.hub.attachments.values() if one.key.tenant == generation.key.tenant), tenant
    )
    mode = defined.spec.on_removal if defined is not None else OnRemoval.NODE
    return replace(situation.record(RecordKind.LEAVE, generation), on_removal=mode)


def _retirements(situation: Situation) -> tuple[Record, ...]:
    """Old generations of a renumbering whose successor carries every namespace and has done so for the drain."""
    found: list[Record] = []
    for key, defined in situation.hub.attachments.items():
        if len(situation.ledger.of(key)) < 2:
            continue
        held = [one for one in situation.ledger.of(key) if one.holding is Holding.HELD]
        target = next((one for one in held if one.range == defined.range), None)
        for old in held:
            if target is None or old is target or old.routed:
                continue
            switched = target.switched_at or old.reserved_at
            carries_all = all(name in target.routed for name in defined.attachment.namespaces)
            if not old.switched_at or (carries_all and situation.now - switched >= situation.drain):
                found.append(situation.record(RecordKind.LEAVE, old))
    return tuple(found)


def _obstacle(situation: Situation, claims: Claims, defined: DefinedAttachment, *, give_out: bool) -> Obstacle | None:
    """What keeps a range from being given out now."""
    cluster = situation.cluster(defined.key.cluster)
    subject = str(defined.key)
    if cluster is None:
        return WaitsFor.TARGET, Refusal(
            RefusalCode.RANGE_HELD, subject, f"cluster {defined.key.cluster} cannot be read"
        )
    if not give_out:
        return _nothing_given_out(situation, subject)
    standing = claims.standing_routes(defined.key.cluster)
    over = routes_over_limit(defined, standing, situation.hub.hub.spec.limits.routes_per_peer)
    crowded = (WaitsFor.PERSON, over) if over is not None else None
    return claims.in_the_way(defined) or crowded


def _nothing_given_out(situation: Situation, subject: str) -> Obstacle:
    seen = situation.observations
    targets = (*seen.clusters.values(), seen.firewall, seen.route_server)
    for_good = [str(one.target) for one in targets if isinstance(one, Unreadable) and one.permanent]
    words = "no range is given out until one quarantine has passed since the ledger was lost"
    if not situation.ledger.records:
        words = (
            "no range is given out before every target was read: an empty ledger alone does not make a hub a new one"
        )
    if for_good:
        words += f"; {', '.join(for_good)} cannot be read until somebody acts"
    return WaitsFor.PERSON if for_good else WaitsFor.LEDGER, Refusal(RefusalCode.LEDGER_LOST, subject, words)


def _reserve(situation: Situation, ledger: Ledger, defined: DefinedAttachment) -> Record:
    identity = situation.draw()
    tenant = defined.key.tenant
    names, labels = names_and_labels(situation, ledger, defined, identity)
    return Record(
        seq=0,
        epoch=0,
        at=situation.now,
        kind=RecordKind.RESERVE,
        tenant=tenant,
        cluster=defined.key.cluster,
        generation=identity,
        range=defined.range,
        namespaces=(),
        commit=defined.provenance.commit,
        author=defined.provenance.author,
        approver=defined.provenance.approver,
        pull_request=defined.provenance.pull_request,
        gateway=f"{names[0]}/{names[1]}",
        pool=names[2],
        labels=labels,
    )


def _take_back(situation: Situation, generation: Generation) -> Record:
    """What was leaving is wanted again, and nothing of it has passed to anybody: it stays as it is, or is made whole."""
    return replace(
        situation.record(RecordKind.RESERVE, generation),
        gateway=f"{generation.gateway_namespace}/{generation.gateway}",
        pool=generation.pool,
        labels=generation.labels,
    )


def quarantines_over(situation: Situation) -> tuple[Record, ...]:
    """Records that end quarantines whose time has come."""
    return tuple(
        situation.record(RecordKind.QUARANTINE_END, one)
        for one in situation.ledger.generations.values()
        if one.holding is Holding.QUARANTINED
        and one.freed_at is not None
        and situation.now >= one.freed_at + situation.quarantine
    )


def rebuilt_since(ledger: Ledger) -> Iterable[Record]:
    """Records that stand for a lost ledger."""
    return (record for record in ledger.records if record.author == REBUILT_AUTHOR)
