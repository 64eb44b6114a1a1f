"""Who waits for whom: whoever waits for somebody that waits for a person waits for that person, and says so.

A range that is asked for is given back only when its holder has left; a gateway, and a policy that is no longer asked for, goes
only when the namespaces on it have passed to whoever claims them. All of these may wait for a person, and then nobody behind them
moves by itself either. Nor does whoever comes back otherwise than it was: it stands in its own way, and waits for whatever else it
waits for.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from function_app.model.admission import EVERYTHING, Admission
from function_app.model.names import AttachmentKey, ClusterName, NamespaceName
from function_app.model.plan import AttachmentState, Change, WaitsFor
from function_app.planning.claims import RangeIndex
from function_app.planning.facts import Facts
from function_app.planning.generations import Intent, claims_on

NEEDS_A_PERSON = frozenset(
    {
        WaitsFor.FOREIGN,
        WaitsFor.NAMESPACE,
        WaitsFor.WAIVER,
        WaitsFor.DEFINITION,
        WaitsFor.PERSON,
        WaitsFor.UNAPPROVED,
    }
)
Ahead = frozenset[AttachmentKey]
Claimed = Mapping[ClusterName, Mapping[NamespaceName, Intent]]
Held = Mapping[WaitsFor, AttachmentKey]
Queue = Mapping[AttachmentKey, Mapping[WaitsFor, tuple[Ahead, ...]]]
"""By attachment and by what it waits for: each thing waited for, as the others that must move first, any one of whom holds it.

A generation that nobody else stands on waits for time alone and has nobody ahead: while there is one, that wait ends by itself.
"""


def queue(
    facts: Mapping[ClusterName, Facts],
    intents: Mapping[AttachmentKey, Intent],
    admission: Admission = EVERYTHING,
    changes: Iterable[Change] = (),
) -> Queue:
    """Behind a leaving holder of its range, and behind whoever claims a namespace that is still on its former gateway or policy."""
    claims = {cluster: claims_on(cluster, intents.values(), admission) for cluster in facts}
    found: dict[AttachmentKey, dict[WaitsFor, tuple[Ahead, ...]]] = {}
    for key, what, ahead in (
        *_for_ranges(intents),
        *_for_namespaces(facts, intents, claims),
        *_for_policies(facts, claims, changes),
    ):
        waits = found.setdefault(key, {})
        waits[what] = (*waits.get(what, ()), ahead)
    return found


def _for_ranges(intents: Mapping[AttachmentKey, Intent]) -> Iterator[tuple[AttachmentKey, WaitsFor, Ahead]]:
    asking = [one for one in intents.values() if one.waiting is WaitsFor.QUARANTINE and one.defined is not None]
    leaving = RangeIndex[AttachmentKey]()
    for intent in intents.values() if asking else ():
        for generation in intent.leaving:
            leaving.add(generation.range, intent.key)
    for intent in asking:
        if intent.defined is not None:
            yield intent.key, WaitsFor.QUARANTINE, frozenset(leaving.overlapping(intent.defined.range))


def _for_namespaces(
    facts: Mapping[ClusterName, Facts], intents: Mapping[AttachmentKey, Intent], claims: Claimed
) -> Iterator[tuple[AttachmentKey, WaitsFor, Ahead]]:
    """A drain ends when nothing is recorded on the generation; a gateway goes when nothing points at it, or in time."""
    for key, intent in intents.items():
        if (found := facts.get(key.cluster)) is None:
            continue
        for generation in intent.older:
            yield key, WaitsFor.DRAIN, _claimants(claims[key.cluster], generation.routed)
        for generation in intent.leaving:
            pointing = () if found.ends_by_time(generation) else found.pointing.get(generation.id, ())
            if found.users(generation) and not found.ends_by_hand(generation):
                yield key, WaitsFor.UNPOINTED, _claimants(claims[key.cluster], pointing)


def _for_policies(
    facts: Mapping[ClusterName, Facts], claims: Claimed, changes: Iterable[Change]
) -> Iterator[tuple[AttachmentKey, WaitsFor, Ahead]]:
    for change in changes:
        if change.waits_for is WaitsFor.UNPOINTED:
            for key in change.attachments:
                naming = facts[key.cluster].naming(change.resource.name)
                yield key, WaitsFor.UNPOINTED, _claimants(claims[key.cluster], naming)


def _claimants(claims: Mapping[NamespaceName, Intent], names: Iterable[NamespaceName]) -> Ahead:
    return frozenset(claims[name].key for name in names if name in claims)


def handed_on(states: Iterable[AttachmentState], ahead: Queue) -> tuple[AttachmentState, ...]:
    """The same rows, in which nobody waits for time that only a person can end."""
    rows = {one.key: one for one in states}
    stuck = {key for key, row in rows.items() if _rests(row)}
    behind = sorted(key for key in ahead if key in rows)
    reached = True
    while reached:
        reached = False
        for key in behind:
            held = _held(rows[key], ahead[key], stuck)
            if held:
                rows[key] = _behind(rows[key], held.keys(), rows[min(held.values())])
                reached = True
        stuck.update(key for key in behind if _rests(rows[key]))
    return tuple(rows.values())


def _held(row: AttachmentState, waits: Mapping[WaitsFor, tuple[Ahead, ...]], stuck: AbstractSet[AttachmentKey]) -> Held:
    """What does not end before a person acts, and who holds it: the attachment itself, if a person is all else it waits for."""
    own = _held_by(row, waits, stuck | {row.key})
    return own if _rests(_without(row, own)) else _held_by(row, waits, stuck)


def _held_by(
    row: AttachmentState, waits: Mapping[WaitsFor, tuple[Ahead, ...]], stuck: AbstractSet[AttachmentKey]
) -> Held:
    return {
        what: min(ways[0] & stuck)
        for what, ways in waits.items()
        if what in row.waiting_for and all(way & stuck for way in ways)
    }


def _rests(row: AttachmentState) -> bool:
    return bool(row.waiting_for) and NEEDS_A_PERSON.issuperset(row.waiting_for)


def _without(row: AttachmentState, held: Container[WaitsFor]) -> AttachmentState:
    return replace(row, waiting_for=tuple(one for one in row.waiting_for if one not in held))


def _behind(row: AttachmentState, held: Container[WaitsFor], ahead: AttachmentState) -> AttachmentState:
    if ahead.key == row.key:
        return _without(row, held)
    others = tuple(one for one in row.waiting_for if one not in held and one is not WaitsFor.PERSON)
    words = f"it waits for {ahead.key}, which does not move before a person acts: {ahead.detail}"
    return replace(row, waiting_for=(WaitsFor.PERSON, *others), detail=words)
