"""Sets of ordered values as half-open intervals: addresses and ports as numbers, host names as texts read backwards.

A name read backwards turns "ends in" into "begins with", and all texts that begin alike stand next to each other in order.
So a wildcard is an interval just as a CIDR is, and both have the same algebra.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_LAST = "\U0010ffff"
"""Sorts behind every character that a name can have."""


@dataclass(frozen=True, slots=True)
class Spans[Value: (int, str)]:
    """A set: intervals `(first, behind)` in order, neither touching nor overlapping."""

    parts: tuple[tuple[Value, Value], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __contains__(self, value: Value) -> bool:
        return any(first <= value < behind for first, behind in self.parts)

    def __and__(self, other: Spans[Value]) -> Spans[Value]:
        if self is other:
            return self
        if len(self.parts) == len(other.parts) == 1:
            return self._within(other)
        found: list[tuple[Value, Value]] = []
        mine, theirs = iter(self.parts), iter(other.parts)
        one, two = next(mine, None), next(theirs, None)
        while one is not None and two is not None:
            first, behind = max(one[0], two[0]), min(one[1], two[1])
            if first < behind:
                found.append((first, behind))
            if one[1] <= two[1]:
                one = next(mine, None)
            else:
                two = next(theirs, None)
        return Spans(tuple(found))

    def _within(self, other: Spans[Value]) -> Spans[Value]:
        """The common part of two intervals, which nearly all sets of rules are."""
        (mine,), (theirs,) = self.parts, other.parts
        if theirs[0] <= mine[0] and mine[1] <= theirs[1]:
            return self
        if mine[0] <= theirs[0] and theirs[1] <= mine[1]:
            return other
        first, behind = max(mine[0], theirs[0]), min(mine[1], theirs[1])
        return Spans(((first, behind),)) if first < behind else Spans()

    def __sub__(self, other: Spans[Value]) -> Spans[Value]:
        left = self.parts
        for hole_first, hole_behind in other.parts:
            left = tuple(
                piece
                for first, behind in left
                for piece in ((first, min(behind, hole_first)), (max(first, hole_behind), behind))
                if piece[0] < piece[1]
            )
            if not left:
                break
        return Spans(left)

    def __or__(self, other: Spans[Value]) -> Spans[Value]:
        return union(self.parts + other.parts)

    def __le__(self, other: Spans[Value]) -> bool:
        return not self - other


def union[Value: (int, str)](intervals: Iterable[tuple[Value, Value]]) -> Spans[Value]:
    """The set that these intervals make up, empty and overlapping ones among them."""
    joined: list[tuple[Value, Value]] = []
    for first, behind in sorted(intervals):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], behind))
        elif first < behind:
            joined.append((first, behind))
    return Spans(tuple(joined))


def count(numbers: Spans[int]) -> int:
    """How many numbers there are in the set."""
    return sum(behind - first for first, behind in numbers.parts)


def one_name(name: str) -> tuple[str, str]:
    """The interval of a single name, of the empty one too; letter case does not count."""
    backwards = name.lower()[::-1]
    return backwards, f"{backwards}\0"


def names_ending_in(ending: str) -> tuple[str, str]:
    """The interval of all names that end so, whatever stands to the left; for the empty ending all names but the empty one."""
    backwards = ending.lower()[::-1]
    return backwards or "\0", f"{backwards}{_LAST}"
