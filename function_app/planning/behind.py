"""Who waits for whom: whoever waits for somebody that waits for a person waits for that person, and says so.

A range that is asked for is given back only when its holder has left; a gateway goes only when the namespaces on it have
passed to whoever claims them. Both may wait for a person, and then nobody behind them moves by itself either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from function_app.model.names import AttachmentKey, ClusterName, NamespaceName
from function_app.model.plan import AttachmentState, WaitsFor
from function_app.planning.claims import RangeIndex
from function_app.planning.facts import Facts
from function_app.planning.generations import Intent

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
_ON_OTHERS = frozenset({WaitsFor.QUARANTINE, WaitsFor.UNPOINTED, WaitsFor.DRAIN})
"""What ends when somebody else has moved."""

Queue = Mapping[AttachmentKey, frozenset[AttachmentKey]]
"""By attachment: the others that it waits for."""


def queue(facts: Mapping[ClusterName, Facts], intents: Mapping[AttachmentKey, Intent]) -> Queue:
    """Behind a leaving holder of its range, and behind those who claim a namespace that is still on its former gateway."""
    found: dict[AttachmentKey, set[AttachmentKey]] = {}
    for waiting, ahead in (*_for_ranges(intents), *_for_namespaces(facts, intents)):
        if waiting != ahead:
            found.setdefault(waiting, set()).add(ahead)
    return {key: frozenset(ahead) for key, ahead in found.items()}


def _for_ranges(intents: Mapping[AttachmentKey, Intent]) -> Iterator[tuple[AttachmentKey, AttachmentKey]]:
    asking = [one for one in intents.values() if one.waiting is WaitsFor.QUARANTINE and one.defined is not None]
    leaving = RangeIndex[AttachmentKey]()
    for intent in intents.values() if asking else ():
        for generation in intent.leaving:
            leaving.add(generation.range, intent.key)
    for intent in asking:
        if intent.defined is not None:
            yield from ((intent.key, holder) for holder in leaving.overlapping(intent.defined.range))


def _for_namespaces(
    facts: Mapping[ClusterName, Facts], intents: Mapping[AttachmentKey, Intent]
) -> Iterator[tuple[AttachmentKey, AttachmentKey]]:
    claimants = {
        (key.cluster, NamespaceName(name)): key
        for key, intent in intents.items()
        if intent.defined is not None
        for name in intent.defined.attachment.namespaces
    }
    former = {one.id: key for key, intent in intents.items() for one in (*intent.older, *intent.kept, *intent.leaving)}
    for cluster, found in facts.items():
        for name in {*found.recorded, *found.pointers}:
            claimant = claimants.get((cluster, name))
            standing = {*(one.id for one in found.recorded.get(name, ())), *found.pointer(name).hits}
            if claimant is not None:
                yield from ((former[one], claimant) for one in standing if one in former)


def handed_on(states: Iterable[AttachmentState], ahead: Queue) -> tuple[AttachmentState, ...]:
    """The same rows, in which nobody waits for time that only a person can end."""
    rows = {one.key: one for one in states}
    stuck = {key for key, row in rows.items() if _rests(row)}
    waiting = {key for key in ahead if key in rows and not _ON_OTHERS.isdisjoint(rows[key].waiting_for)}
    while reached := sorted(key for key in waiting if not ahead[key].isdisjoint(stuck)):
        waiting.difference_update(reached)
        for key in reached:
            rows[key] = _behind(rows[key], rows[min(ahead[key] & stuck)])
        stuck.update(key for key in reached if _rests(rows[key]))
    return tuple(rows.values())


def _rests(row: AttachmentState) -> bool:
    return bool(row.waiting_for) and NEEDS_A_PERSON.issuperset(row.waiting_for)


def _behind(row: AttachmentState, ahead: AttachmentState) -> AttachmentState:
    others = tuple(one for one in row.waiting_for if one not in _ON_OTHERS and one is not WaitsFor.PERSON)
    words = f"it waits for {ahead.key}, which does not move before a person acts: {ahead.detail}"
    return replace(row, waiting_for=(WaitsFor.PERSON, *others), detail=words)
