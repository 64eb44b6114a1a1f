"""Running histories: made from a seed, or played again from a list of actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from search import commits, fabric, passes, people, strangers, trouble
from search.actions import Action
from search.ending import finish
from search.generators import course_of, variant_of
from search.history import Cell, History, Line
from search.worlds import Variant
from simulator.judge import Violation

VOCABULARY = (commits, people, strangers, fabric, trouble, passes)
"""Modules whose import registers the actions."""
LENGTH = 20
"""Actions of a history, besides its opening and its end."""


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a history."""

    variant: Variant
    actions: tuple[Action, ...]
    violations: tuple[Violation, ...]
    lines: tuple[Line, ...] = field(repr=False)
    coverage: Counter[Cell] = field(repr=False)
    calls: int
    packets: int
    passes: int


def from_seed(seed: int, length: int = LENGTH) -> Run:
    """The history of a seed; the same one every time."""
    random = Random(seed)  # noqa: S311 - a seed must give the same history everywhere
    variant = variant_of(random)
    history, actions = History.of(variant), list[Action]()
    for action in _chosen(random, history, length):
        actions.append(action)
        history.play(action)
        if history.judge.violations:
            break
    return _ended(history, variant, actions)


def replay(variant: Variant, actions: Iterable[Action]) -> Run:
    """The same actions again, or some of them."""
    history, done = History.of(variant), list[Action]()
    for action in actions:
        done.append(action)
        history.play(action)
        if history.judge.violations:
            break
    return _ended(history, variant, done)


def _chosen(random: Random, history: History, length: int) -> Iterator[Action]:
    course = course_of(random)
    yield from course.opening
    for _ in range(length):
        yield course.choose(random, history)


def _ended(history: History, variant: Variant, actions: list[Action]) -> Run:
    if not history.judge.violations:
        finish(history)
    judge = history.judge
    return Run(
        variant,
        tuple(actions),
        tuple(judge.violations),
        tuple(history.lines),
        history.coverage,
        judge.calls,
        judge.packets.sent,
        history.passes,
    )
