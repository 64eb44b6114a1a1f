"""What becomes of connections from some sources, in one form for all policies that do the same: to hash it, and to compare it.

Rules may be renamed, split, reordered, or hidden by others; what counts is the set of connections and its fate. Where the fate is
open it is told what it hangs on, in the order in which Azure asks, so that one service tag is not taken for another.

Belongs here: sameness and difference. Does not belong here: which rules there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from function_app.model.approval import Reach
from function_app.planning.reachability.judging import Part, claims
from function_app.planning.reachability.partition import Living, numbers_of, partition, regions
from function_app.planning.reachability.policy import Policy
from function_app.planning.reachability.rules import INFRASTRUCTURE
from function_app.planning.reachability.spans import Spans
from function_app.planning.reachability.traffic import Box

Fate = tuple[Any, ...]
"""`(allow, (allow, what it hangs on...)...)`: the last word, before it what may decide otherwise, in order."""
DENIED: Fate = (False,)
_ALWAYS = INFRASTRUCTURE.doubtful[0].reason


@dataclass(frozen=True, slots=True)
class Change:
    """Connections whose fate differs."""

    box: Box
    before: Fate
    after: Fate


def reach_of(policy: Policy, sources: Spans[int]) -> Reach:
    """What may be reached from these sources; what is surely denied is left out, and so is what Azure itself always adds."""
    asked = claims(policy, Box(sources=sources), thorough=True)
    return partition(asked.boxes, asked.hides, asked.within, lambda living: _fate(asked.fate(living)))


def changes(before: Reach, after: Reach) -> tuple[Change, ...]:
    """Where two differ; empty exactly when they are equal."""
    if before == after:
        return ()
    old, new = list(regions(before)), list(regions(after))

    def fates(living: Living) -> tuple[Fate, ...]:
        """Each form is disjoint, so at most one region of each is there."""
        numbers = list(numbers_of(living))
        former = next((old[one][1] for one in numbers if one < len(old)), DENIED)
        latter = next((new[one - len(old)][1] for one in numbers if one >= len(old)), DENIED)
        return (former, latter) if former != latter else ()

    boxes = [box for box, _ in (*old, *new)]
    return tuple(Change(box, *both) for box, both in regions(partition(boxes, [0] * len(boxes), Box(), fates)))


def _fate(part: Part) -> Fate:
    """Nothing for what is denied whatever holds. What is asked twice is decided the first time."""
    blocks: list[tuple[bool, set[str]]] = []
    asked: set[str] = set()
    for allow, what in part.possible:
        if what in asked or what == _ALWAYS:
            continue
        asked.add(what)
        if not blocks or blocks[-1][0] is not allow:
            blocks.append((allow, set()))
        blocks[-1][1].add(what)
    while blocks and blocks[-1][0] is part.at_last:
        blocks.pop()
    if not blocks and part.at_last is False:
        return ()
    return part.at_last, *((allow, *sorted(whats)) for allow, whats in blocks)
