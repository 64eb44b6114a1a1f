"""What becomes of connections from some sources, in one form for all policies that do the same: to hash it, and to compare it.

Rules may be renamed, split, reordered, or hidden by others; what counts is the set of connections and its fate. Where the fate is
open it is told what it hangs on, in the order in which Azure asks, so that one service tag is not taken for another.

    parts -> along each side in turn: intervals with equal fates joined -> nested tuples

Belongs here: sameness and difference. Does not belong here: which rules there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from typing import Any

from function_app.model.approval import Reach
from function_app.planning.reachability.judging import Part, judge
from function_app.planning.reachability.policy import Policy
from function_app.planning.reachability.rules import INFRASTRUCTURE
from function_app.planning.reachability.spans import Spans, union
from function_app.planning.reachability.traffic import Box, remainder

Fate = tuple[Any, ...]
"""`(allow, (allow, what it hangs on...)...)`: the last word, before it what may decide otherwise, in order."""
DENIED: Fate = (False,)
_ALWAYS = INFRASTRUCTURE.doubtful[0].reason
_SIDES = tuple(one.name for one in fields(Box))


@dataclass(frozen=True, slots=True)
class Change:
    """Connections whose fate differs."""

    box: Box
    before: Fate
    after: Fate


def reach_of(policy: Policy, sources: Spans[int]) -> Reach:
    """What may be reached from these sources; what is surely denied is left out, and so is what Azure itself always adds."""
    return _joined(
        (part.box, fate) for part in judge(policy, Box(sources=sources), thorough=True) if (fate := _fate(part))
    )


def changes(before: Reach, after: Reach) -> tuple[Change, ...]:
    """Where two differ; empty exactly when they are equal."""
    if before == after:
        return ()
    old, new = list(_regions(before)), list(_regions(after))
    found = [
        (common, (former, latter))
        for box, former in old
        for other, latter in new
        if former != latter and (common := box.meets(other)) is not None
    ]
    old_boxes, new_boxes = [box for box, _ in old], [box for box, _ in new]
    found += [(left, (former, DENIED)) for box, former in old for left in remainder((box,), new_boxes)]
    found += [(left, (DENIED, latter)) for box, latter in new for left in remainder((box,), old_boxes)]
    return tuple(Change(box, *fates) for box, fates in _regions(_joined(found)))


def _fate(part: Part) -> Fate | None:
    """None for what is denied whatever holds. What is asked twice is decided the first time."""
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
        return None
    return part.at_last, *((allow, *sorted(whats)) for allow, whats in blocks)


def _joined(parts: Iterable[tuple[Box, Fate]]) -> Reach:
    """Disjoint boxes as nested tuples: per side the joined intervals that lead to equal rests, in order."""
    found = list(parts)

    @cache
    def below(level: int, living: tuple[int, ...]) -> tuple[Any, ...]:
        if level == len(_SIDES):
            return found[living[0]][1]
        spans = {index: getattr(found[index][0], _SIDES[level]) for index in living}
        cuts = sorted({end for one in spans.values() for part in one.parts for end in part})
        rests: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
        for first, behind in pairwise(cuts):
            inside = tuple(index for index, one in spans.items() if first in one)
            if inside:
                rests.setdefault(below(level + 1, inside), []).append((first, behind))
        return tuple(sorted(((union(parts).parts, rest) for rest, parts in rests.items()), key=lambda pair: pair[0]))

    return below(0, tuple(range(len(found)))) if found else ()


def _regions(reach: Reach, level: int = 0, so_far: tuple[Spans[Any], ...] = ()) -> Iterator[tuple[Box, Fate]]:
    if level == len(_SIDES):
        yield Box(*so_far), reach
        return
    for parts, rest in reach:
        yield from _regions(rest, level + 1, (*so_far, Spans(parts)))
