"""Bringing one object of a cluster that is wholly ours to what is wanted, or saying why that may not be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from function_app.model.ledger import Generation
from function_app.model.names import AttachmentKey, ClusterName, HubName, cluster_target
from function_app.model.once import once
from function_app.model.plan import (
    Apply,
    Change,
    ChangeReason,
    Delete,
    MergePatch,
    Refusal,
    RefusalCode,
    Verb,
    WaitsFor,
)
from function_app.model.resources import Kind, Resource, ResourceId
from function_app.model.state import Repairs
from function_app.planning import RELEASE
from function_app.planning.compare import differences
from function_app.planning.facts import Facts, keeps_pool
from function_app.planning.ownership import ours, owner_of
from function_app.planning.situation import Situation

_IMMUTABLE = {Kind.IP_POOL: frozenset({"spec.cidr", "spec.blockSize"})}

FIGHT = 4
"""Repairs in a row after which drift is taken for a fight with another controller, not for a mistake."""
LONGEST_TRUCE = timedelta(minutes=30)
FORGET_REPAIRS = timedelta(hours=1)


@dataclass
class Draft:
    """A cluster's plan under construction; lives for one pass."""

    changes: list[Change] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rendered: dict[str, tuple[str, str]] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    """Keys of everything that should exist, whether it does or not."""
    spoiled: set[AttachmentKey] = field(default_factory=set)
    """Attachments that must not go on, because something foreign stands where theirs should."""
    lacking: dict[ResourceId, WaitsFor] = field(default_factory=dict)
    """What others cannot do without and this pass does not bring, and what that waits for."""

    def behind(self, needs: Iterable[ResourceId]) -> WaitsFor | None:
        """What lies in or builds on what is lacking waits as that does."""
        return next((self.lacking[one] for one in sorted(needs) if one in self.lacking), None)


def keep(
    situation: Situation,
    facts: Facts,
    draft: Draft,
    wanted: Resource,
    *,
    source: str,
    keys: tuple[AttachmentKey, ...] = (),
    adopt: bool = False,
    barred: str = "",
    needs: frozenset[ResourceId] = frozenset(),
    born: Generation | None = None,
) -> bool:
    """Bring one object that is wholly ours to what is wanted; False when something foreign or immovable is in the way.

    `barred` says why what stands there may not be taken over now, though that is asked for.
    """
    found = facts.observed.resources.get(wanted.id)
    key = rendered_key(facts.name, wanted.id)
    draft.wanted.add(key)
    known = (born.id,) if born is not None else ()
    if found is None:
        reason = ChangeReason.DRIFT if key in situation.state.rendered else ChangeReason.NEW
        words = "it was deleted outside Git" if reason is ChangeReason.DRIFT else "it does not exist yet"
        draft.changes.append(
            _write(situation, facts, draft, Verb.CREATE, wanted, reason, words, keys, needs, Apply(wanted.body))
        )
        _tell_of_fight(situation, facts, draft, wanted, "somebody deletes it")
        return True
    if found.terminating:
        if born is not None and found.id.kind is Kind.IP_POOL and (keeper := keeps_pool(facts, born)):
            draft.refused.append(_terminating(facts, found, keeper))
        return False
    if not ours(found, situation.hub.name, known):
        if barred or not adopt:
            draft.refused.append(_foreign(facts, found, barred))
            return False
        return _adopt(situation, facts, draft, wanted, found, keys, needs)
    changed = differences(wanted, found)
    if not changed:
        note_standing(facts, draft, wanted, source)
        return True
    fixed = [path for path in changed if path in _IMMUTABLE.get(wanted.id.kind, ())]
    if fixed:
        draft.refused.append(_immovable(facts, found, fixed))
        return False
    reason, words = _why(situation.state.rendered.get(key), source, changed, _rival(found, changed))
    write = Apply(wanted.body, force=True, resource_version=_guard(found))
    draft.changes.append(_write(situation, facts, draft, Verb.UPDATE, wanted, reason, words, keys, needs, write))
    _tell_of_fight(
        situation, facts, draft, wanted, f"field manager {_rival(found, changed) or 'unknown'} changes {changed[0]}"
    )
    return True


def stands(wanted: Resource, found: Resource | None, hub: HubName, born: Generation) -> bool:
    """An object of a generation is there, ours and as it is wanted: nothing is to be decided about it."""
    return (
        found is not None and not found.terminating and ours(found, hub, (born.id,)) and not differences(wanted, found)
    )


def note_standing(facts: Facts, draft: Draft, wanted: Resource, source: str) -> None:
    """What stands was rendered from `source` by this release."""
    key = _key_of(wanted, facts.name)
    draft.wanted.add(key)
    draft.rendered[key] = (source, RELEASE)


@once
def _key_of(wanted: Resource, cluster: ClusterName) -> str:
    return rendered_key(cluster, wanted.id)


def _rival(found: Resource, changed: tuple[str, ...]) -> str:
    """Who owns what differs, by managedFields; empty when nobody does, as when a field was taken away."""
    return next((name for path in changed if (name := owner_of(found, tuple(path.split("."))))), "")


def _fights(situation: Situation, key: str) -> Repairs | None:
    """Repairs of a resource that somebody keeps changing back; None while there is no fight."""
    repairs = situation.state.repairs.get(key)
    return repairs if repairs is not None and repairs.count >= FIGHT else None


def _tell_of_fight(situation: Situation, facts: Facts, draft: Draft, wanted: Resource, words: str) -> None:
    repairs = _fights(situation, rendered_key(facts.name, wanted.id))
    if repairs is not None:
        draft.notes.append(
            f"{facts.name}: {wanted.id} was changed back {repairs.count} times in a row: {words} each time"
        )


def backs_off(situation: Situation, key: str) -> bool:
    """A fight over this resource makes us pause before the next repair."""
    repairs = _fights(situation, key)
    if repairs is None:
        return False
    pause = min(timedelta(minutes=2 ** (repairs.count - FIGHT)), LONGEST_TRUCE)
    return situation.now - repairs.last < pause


def _guard(found: Resource) -> str:
    """Lists that all tenants share are written only onto the version that was read; two writers would overwrite each other."""
    return found.resource_version if found.id.kind is Kind.BGP_FILTER else ""


def _adopt(
    situation: Situation,
    facts: Facts,
    draft: Draft,
    wanted: Resource,
    found: Resource,
    keys: tuple[AttachmentKey, ...],
    needs: frozenset[ResourceId],
) -> bool:
    fixed = [path for path in differences(wanted, found) if path in _IMMUTABLE.get(wanted.id.kind, ())]
    if fixed:
        draft.refused.append(_immovable(facts, found, fixed))
        return False
    write = Apply(wanted.body, force=True, resource_version=_guard(found))
    words = "the definition asks to take it over as it is found"
    draft.changes.append(
        _write(situation, facts, draft, Verb.UPDATE, wanted, ChangeReason.ADOPTED, words, keys, needs, write)
    )
    return True


def _write(
    situation: Situation,
    facts: Facts,
    draft: Draft,
    verb: Verb,
    wanted: Resource,
    reason: ChangeReason,
    words: str,
    keys: tuple[AttachmentKey, ...],
    needs: frozenset[ResourceId],
    write: Apply,
) -> Change:
    waits = report_only(situation, facts.name, reason)
    if waits is None and reason is ChangeReason.DRIFT and backs_off(situation, rendered_key(facts.name, wanted.id)):
        waits = WaitsFor.BACKOFF
    waits = waits or draft.behind(needs)
    if waits is not None and verb is Verb.CREATE:
        draft.lacking[wanted.id] = waits
    return Change(
        verb, cluster_target(facts.name), wanted.id, reason, words, write, waits, needs=needs, attachments=keys
    )


def report_only(situation: Situation, cluster: ClusterName, reason: ChangeReason) -> WaitsFor | None:
    """Drift on a cluster that asks only to be told waits for a person."""
    return WaitsFor.PERSON if reason is ChangeReason.DRIFT and not situation.corrects_drift(cluster) else None


def behind_a_person(facts: Facts, draft: Draft, resource: ResourceId) -> bool:
    """What is wanted of it does not come about before a person acts: it is refused, or it is drift that is only reported."""
    refused = any(one.subject == _subject(facts, resource) for one in draft.refused)
    return refused or any(one.resource == resource and one.waits_for is WaitsFor.PERSON for one in draft.changes)


def _why(before: tuple[str, str] | None, source: str, changed: tuple[str, ...], rival: str) -> tuple[ChangeReason, str]:
    fields = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    if before is None or before[0] != source:
        return ChangeReason.EDITED, f"the definition changes {fields}"
    if before[1] != RELEASE:
        return ChangeReason.RELEASE, f"release {RELEASE} renders {fields} differently"
    who = f"field manager {rival}" if rival else "somebody"
    return ChangeReason.DRIFT, f"{who} changed {fields} outside Git"


def shared_change(
    situation: Situation,
    facts: Facts,
    verb: Verb,
    resource: ResourceId,
    reason: ChangeReason,
    words: str,
    write: Apply | MergePatch,
    *,
    waiting: WaitsFor | None = None,
    at: datetime | None = None,
) -> Change:
    """A change of only our keys on something that is not wholly ours; `at` is the age of the oldest evidence for it."""
    waits = report_only(situation, facts.name, reason) or waiting
    if waits is None and reason is ChangeReason.DRIFT and backs_off(situation, rendered_key(facts.name, resource)):
        waits = WaitsFor.BACKOFF
    return Change(verb, cluster_target(facts.name), resource, reason, words, write, waits, evidence_at=at)


def rendered_key(cluster: ClusterName, resource: ResourceId) -> str:
    """Under which key `HubState.rendered` remembers a resource."""
    return f"{cluster_target(cluster)} {resource}"


def delete(
    cluster: ClusterName,
    found: Resource,
    reason: ChangeReason,
    words: str,
    *,
    waits: WaitsFor | None = None,
    keys: tuple[AttachmentKey, ...] = (),
    needs: frozenset[ResourceId] = frozenset(),
) -> Change:
    """Delete exactly the object that was observed."""
    write = Delete(found.uid)
    return Change(
        Verb.DELETE, cluster_target(cluster), found.id, reason, words, write, waits, needs=needs, attachments=keys
    )


def _subject(facts: Facts, resource: ResourceId) -> str:
    return f"{cluster_target(facts.name)} {resource}"


def _foreign(facts: Facts, found: Resource, barred: str) -> Refusal:
    message = (
        f"{found.id} exists on {facts.name} and is not ours (it lacks our labels, our field manager or a known generation). "
        "It was not touched. Delete it, choose another tenant name, or take it over with `adopt`."
    )
    if barred:
        message = f"{found.id} on {facts.name} is not taken over yet: {barred}"
    return Refusal(RefusalCode.FOREIGN_RESOURCE, _subject(facts, found.id), message)


def _terminating(facts: Facts, found: Resource, keeper: ResourceId) -> Refusal:
    serves = "The gateway goes on serving. " if keeper.kind is Kind.EGRESS_GATEWAY else ""
    message = (
        f"{found.id} on {facts.name} is being deleted and cannot be brought back while {keeper} uses it. "
        f"{serves}Renumber the attachment to another range when it suits you."
    )
    return Refusal(RefusalCode.IMMUTABLE, _subject(facts, found.id), message)


def _immovable(facts: Facts, found: Resource, paths: list[str]) -> Refusal:
    message = (
        f"{', '.join(paths)} of {found.id} on {facts.name} differ from the definition and cannot be changed in place. "
        "Write the definition as it is found there, or give the attachment another range."
    )
    return Refusal(RefusalCode.IMMUTABLE, _subject(facts, found.id), message)
