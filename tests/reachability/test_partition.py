"""Overlapping boxes as one partition: every connection is told whose it is, and no question is asked twice."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from function_app.planning.reachability.partition import numbers_of, partition, regions
from function_app.planning.reachability.spans import Spans
from function_app.planning.reachability.traffic import PORTS, Box, remainder

_SPAN = st.tuples(st.integers(0, 9), st.integers(1, 5)).map(lambda pair: Spans(((pair[0], pair[0] + pair[1]),)))
_BOX = st.builds(Box, sources=_SPAN, destinations=_SPAN, ports=st.one_of(_SPAN, st.just(PORTS)))


def _at(source: int, destination: int, port: int) -> Box:
    return Box(
        sources=Spans(((source, source + 1),)),
        destinations=Spans(((destination, destination + 1),)),
        ports=Spans(((port, port + 1),)),
    )


@given(st.lists(_BOX, max_size=7), st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_every_connection_lies_in_the_boxes_that_it_is_told_of(
    boxes: list[Box], first_alone: bool, chance: Random
) -> None:
    """Points tried one by one, with every box counting and with each hiding all later ones."""
    hides = [sum(1 << later for later in range(one + 1, len(boxes))) if first_alone else 0 for one in range(len(boxes))]
    found = list(regions(partition(boxes, hides, Box(), lambda living: tuple(numbers_of(living)))))
    for _ in range(60):
        point = _at(*(chance.randrange(16) for _ in range(3)))
        inside = tuple(number for number, box in enumerate(boxes) if box.meets(point))
        told = [numbers for region, numbers in found if region.meets(point)]
        assert told == [inside[:1] if first_alone else inside] * bool(inside)


def test_many_boxes_beside_each_other_are_asked_about_once_each() -> None:
    """Three hundred destinations on ports of their own: as many questions, not the square of it."""
    boxes = [
        Box(destinations=Spans(((4 * number, 4 * number + 2),)), ports=Spans(((number, number + 1),)))
        for number in range(300)
    ]
    asked: list[int] = []

    def fate(living: int) -> tuple[int, ...]:
        asked.append(living)
        return tuple(numbers_of(living))

    assert len(list(regions(partition(boxes, [0] * 300, Box(), fate)))) == 300
    assert sorted(asked) == [1 << number for number in range(300)]


@given(st.lists(_BOX, max_size=4), st.lists(_BOX, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_what_is_left_is_what_none_of_the_others_has(boxes: list[Box], taken: list[Box], chance: Random) -> None:
    """Points tried one by one, those of boxes that nothing is taken from among them."""
    left = remainder(boxes, taken)
    for _ in range(60):
        point = _at(*(chance.randrange(16) for _ in range(3)))
        mine, theirs = (any(box.meets(point) for box in some) for some in (boxes, taken))
        assert any(box.meets(point) for box in left) == (mine and not theirs)
