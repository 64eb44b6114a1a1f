"""What is worked out from a value is kept with that value, and goes when it goes.

Belongs here: how a pure function answers a second time without working. A pass reads everything anew; what has the same bytes
as before is the same object as before (adapters see to that), and so whatever follows from it alone is known already. Nothing
is remembered about the world: a function answers from memory only when all its arguments are the very objects of its last
call, or equal plain values, so the answer is the one that it would work out again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from ipaddress import IPv4Network
from operator import is_
from typing import Any, Concatenate, cast

_PLAIN: frozenset[type] = frozenset({str, int, bool, date, IPv4Network})
"""Types whose values are compared; of anything else only the same object is the same."""


class Keeper:
    """A value that keeps what was worked out from it. Neither compared nor copied: a copy begins with nothing."""

    __slots__ = ("_kept",)
    _kept: dict[Callable[..., Any], tuple[tuple[Any, ...], Any]]


class Read(dict[str, Any]):
    """A body as it was read; nobody changes it."""

    __slots__ = ("_kept",)
    _kept: dict[Callable[..., Any], tuple[tuple[Any, ...], Any]]


class Row[T](tuple[T, ...]):
    """A tuple that keeps what was worked out from it."""

    _kept: dict[Callable[..., Any], tuple[tuple[Any, ...], Any]]


def once[K, **P, R](work: Callable[Concatenate[K, P], R]) -> Callable[Concatenate[K, P], R]:
    """A pure function whose last answer is kept with its first argument, when that can keep something.

    The others are positional, and none of them may hold much more than the first: they are kept as well.
    """

    @wraps(work)
    def known(keeper: K, /, *others: P.args, **named: P.kwargs) -> R:
        kept: dict[object, tuple[tuple[object, ...], R]] | None = getattr(keeper, "_kept", None)
        if kept is None:
            if not isinstance(keeper, Keeper | Read | Row):
                return work(keeper, *others, **named)
            kept = {}
            object.__setattr__(keeper, "_kept", kept)
        found = kept.get(work)
        if found is not None:
            before, answer = found
            # The usual case, tens of thousands of times in a pass: nothing else was given, which is one and the same empty tuple.
            if before is others or _same(before, others):
                return answer
        answer = work(keeper, *others, **named)
        kept[work] = others, answer
        return answer

    return cast("Callable[Concatenate[K, P], R]", known)


def _same(before: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    """Tuples are the same when their members are; all this is asked so often that the usual answer must be quick."""
    return len(before) == len(now) and (all(map(is_, before, now)) or all(map(_alike, before, now)))


def _alike(one: Any, two: Any) -> bool:
    if one is two:
        return True
    kind = type(one)
    if kind is not type(two):
        return False
    return _same(one, two) if kind is tuple else kind in _PLAIN and one == two
