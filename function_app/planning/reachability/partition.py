"""Many overlapping sets of connections as one partition: which of them each connection lies in, side by side and not box by box.

Cutting boxes out of each other costs the square of how many there are, since what is left of each is looked at for every later one.
Here one side is swept after the other: a stretch between two ends lies in the same boxes throughout, and what follows for those
boxes on the remaining sides is worked out once.

    boxes -> along each side in turn: intervals with equal rests joined -> nested tuples -> disjoint boxes

Belongs here: telling connections apart. Does not belong here: what a rule does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from operator import itemgetter
from typing import Any

from function_app.planning.reachability.spans import Spans
from function_app.planning.reachability.traffic import Box

Partition = tuple[Any, ...]
"""Per side, in order, `(intervals, rest)`; below the last side what the connections come to. Equal when they do the same."""
Living = int
"""Which boxes: bit n stands for the n-th."""
_Parts = tuple[tuple[Any, Any], ...]
_SIDES = tuple(one.name for one in fields(Box))


def numbers_of(living: Living) -> Iterator[int]:
    """The places of some boxes, in order."""
    while living:
        lowest = living & -living
        yield lowest.bit_length() - 1
        living ^= lowest


def partition(
    boxes: Sequence[Box], hides: Sequence[Living], within: Box, fate: Callable[[Living], tuple[Any, ...]]
) -> Partition:
    """What connections come to, by the boxes of `within` that they lie in; an empty `fate`, or no box, leaves them out.

    `hides` names for each box those that do not matter any more to connections inside it; `fate` is asked without them.
    """
    return _Sweep(boxes, hides, within, fate).below(0, (1 << len(boxes)) - 1) if boxes else ()


class _Sweep:
    """One partition in the making; equal rests are one object, so that they are compared once."""

    def __init__(
        self, boxes: Sequence[Box], hides: Sequence[Living], within: Box, fate: Callable[[Living], tuple[Any, ...]]
    ) -> None:
        self._hides, self._fate = hides, fate
        self._everything = [getattr(within, side).parts for side in _SIDES]
        self._parts = [[getattr(box, side).parts for box in boxes] for side in _SIDES]
        self._alike = [_alike(parts) for parts in self._parts]
        self._whole = _whole(self._parts, self._everything)
        self._known: dict[tuple[int, Living], Partition] = {}
        self._same: dict[Partition, Partition] = {}

    def below(self, level: int, living: Living) -> Partition:
        """What becomes of connections of which all sides before this one lie in these boxes."""
        whole = living & self._whole[level]
        for number in numbers_of(whole):
            if living >> number & 1:
                living &= ~self._hides[number]
        known = self._known.get((level, living))
        if known is None:
            made = self._alone(level, living) if living & whole == living else self._swept(level, living)
            known = self._known[level, living] = self._same.setdefault(made, made)
        return known

    def _alone(self, level: int, living: Living) -> Partition:
        """No side that is left tells these boxes apart."""
        made = self._fate(living)
        for everything in reversed(self._everything[level:]) if made else ():
            made = ((everything, made),)
        return made

    def _swept(self, level: int, living: Living) -> Partition:
        turns: dict[Any, Living] = {}
        for parts, those in self._asked(level, living):
            for part in parts:
                for end in part:
                    turns[end] = turns.get(end, 0) ^ those
        inside: Living = 0
        rests: dict[int, tuple[Partition, list[tuple[Any, Any]]]] = {}
        for first, behind in pairwise(sorted(turns)):
            inside ^= turns[first]
            rest = self.below(level + 1, inside) if inside else ()
            if not rest:
                continue
            _, stretches = rests.setdefault(id(rest), (rest, []))
            if stretches and stretches[-1][1] == first:
                stretches[-1] = (stretches[-1][0], behind)
            else:
                stretches.append((first, behind))
        made = [(tuple(stretches), rest) for rest, stretches in rests.values()]
        return tuple(sorted(made, key=itemgetter(0)) if len(made) > 1 else made)

    def _asked(self, level: int, living: Living) -> list[tuple[_Parts, Living]]:
        """The sets that living boxes have on this side, and whose they are."""
        if living.bit_count() < len(self._alike[level]):
            own = self._parts[level]
            return [(own[number], 1 << number) for number in numbers_of(living)]
        return [(parts, those) for parts, everybody in self._alike[level].items() if (those := living & everybody)]


def _alike(own: Sequence[_Parts]) -> dict[_Parts, Living]:
    found: dict[_Parts, Living] = {}
    for number, one in enumerate(own):
        found[one] = found.get(one, 0) | 1 << number
    return found


def _whole(parts: Sequence[Sequence[_Parts]], everything: Sequence[_Parts]) -> list[Living]:
    """Per side the boxes that neither it nor any later one tells apart from all that is asked about; behind the last: all."""
    whole = (1 << len(parts[0])) - 1
    found = [whole]
    for own, all_parts in zip(reversed(parts), reversed(everything), strict=True):
        for number in numbers_of(whole):
            if own[number] != all_parts:
                whole ^= 1 << number
        found.append(whole)
    return found[::-1]


def regions(found: Partition) -> Iterator[tuple[Box, tuple[Any, ...]]]:
    """Disjoint boxes and what becomes of them."""
    return _regions(found, 0, ())


def _regions(found: Partition, level: int, so_far: tuple[Spans[Any], ...]) -> Iterator[tuple[Box, tuple[Any, ...]]]:
    if level == len(_SIDES):
        yield Box(*so_far), found
        return
    for parts, rest in found:
        yield from _regions(rest, level + 1, (*so_far, Spans(parts)))
