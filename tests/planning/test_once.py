"""What is worked out from a value is kept with it, and never passes for another one's."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from function_app.model.once import Keeper, Read, Row, once


@dataclass(frozen=True, slots=True)
class Thing(Keeper):
    """Something that was read."""

    name: str


class Counted:
    """A function that counts how often it works."""

    def __init__(self) -> None:
        self.times = 0
        self.ask = once(self._work)

    def _work(self, keeper: Any, *others: Any) -> tuple[Any, ...]:
        self.times += 1
        return (keeper, *others)


@pytest.mark.parametrize("keeper", [Thing("a"), Read(a=1), Row([1, 2])], ids=["object", "body", "row"])
def test_the_same_objects_are_asked_about_once(keeper: object) -> None:
    """The second answer is the first one, the very object."""
    work, other = Counted(), {"b": 2}

    assert work.ask(keeper, other) is work.ask(keeper, other)
    assert 1 == work.times


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"a": 1}, {"a": 1}),
        ([1], [1]),
        (1, 2),
        (1, True),
        ("a", "b"),
        ((1, [2]), (1, [2])),
        (date(2026, 1, 1), date(2026, 1, 2)),
    ],
)
def test_another_object_is_another_question(one: object, two: object) -> None:
    """Equal trees are not the same: whether they are equal would cost what the answer does. A number is no truth value."""
    work, keeper = Counted(), Thing("a")

    assert (keeper, two) == (work.ask(keeper, one), work.ask(keeper, two))[1]
    assert 2 == work.times


@pytest.mark.parametrize("value", ["text", 12345678, date(2026, 1, 1), ("a", (1, "b"))])
def test_equal_plain_values_are_the_same(value: Any) -> None:
    """Names, numbers, days and tuples of them are told by what they say."""
    work, keeper = Counted(), Thing("a")
    again = _made_anew(value)

    work.ask(keeper, value)
    work.ask(keeper, again)

    assert 1 == work.times


def _made_anew(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(list(value))
    if isinstance(value, tuple):
        return tuple(_made_anew(one) for one in value)
    return value.replace(day=value.day) if isinstance(value, date) else int(str(value))


def test_only_the_last_question_is_kept() -> None:
    """What is kept with a value does not grow with what is asked about it."""
    work, keeper = Counted(), Thing("a")

    for question in ("b", "c", "b"):
        work.ask(keeper, question)

    assert 3 == work.times


def test_a_copy_begins_with_nothing() -> None:
    """Neither does what is kept make two equal values differ."""
    work, keeper = Counted(), Thing("a")
    work.ask(keeper)

    for other in (replace(keeper), copy(keeper)):
        assert keeper == other
        work.ask(other)

    assert 3 == work.times


def test_what_cannot_keep_is_worked_out_each_time() -> None:
    """A plain dict may be changed by whoever made it."""
    work, body = Counted(), {"a": 1}

    assert ({"a": 1},) == work.ask(body)
    body["a"] = 2
    assert ({"a": 2},) == work.ask(body)
