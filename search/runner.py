"""Running histories: made from a seed, or played again from a list of actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

from search import commits, fabric, passes, people, proposals, reviews, strangers, trouble
from search.actions import Action
from search.ending import finish
from search.generators import course_of, variant_of
from search.history import Cell, History, Line
from search.worlds import Variant
from simulator.judge import Violation

VOCABULARY = (commits, people, strangers, fabric, trouble, passes, reviews)
"""Modules whose import registers the actions."""
LENGTH = 20
"""Actions of a history, besides its opening and its end."""
REVIEWED = 7
"""Of so many histories one runs on a hub that applies what was approved."""


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
    # What people say of pull requests is drawn apart, so that all other histories stay as they were.
    apart = Random(f"reviews of {seed}")  # noqa: S311 - as above
    variant = replace(variant_of(random), reviewed=seed % REVIEWED == REVIEWED // 2)
    history, actions = History.of(variant), list[Action]()
    for action in _chosen(random, apart, history, length):
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


def _chosen(random: Random, apart: Random, history: History, length: int) -> Iterator[Action]:
    course = course_of(random)
    yield from course.opening
    for _ in range(length):
        if history.host is not None and apart.random() < 0.3:
            yield proposals.approval(apart, history)
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
