"""A free range is inside, aligned, and meets nothing that is taken; when there is one, it is found."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.authoring.free_range import free_range, prefix_for

EGRESS = IPv4Network("10.99.0.0/26")
RANGES = st.integers(26, 32).flatmap(
    lambda length: st.integers(0, (1 << (length - 26)) - 1).map(
        lambda place: IPv4Network((int(EGRESS.network_address) + (place << (32 - length)), length))
    )
)


@given(taken=st.lists(RANGES, max_size=12), length=st.integers(24, 32))
def test_the_first_one_that_is_free_is_found(taken: list[IPv4Network], length: int) -> None:
    """Held against trying one after the other."""
    tried = EGRESS.subnets(new_prefix=length) if length >= EGRESS.prefixlen else ()
    expected = next((one for one in tried if not any(one.overlaps(other) for other in taken)), None)

    assert expected == free_range(EGRESS, length, taken)


def test_what_lies_elsewhere_or_around_is_judged() -> None:
    """A range that holds the whole leaves nothing free; others' ranges do not matter."""
    assert free_range(EGRESS, 29, [IPv4Network("10.0.0.0/8")]) is None
    assert IPv4Network("10.99.0.0/29") == free_range(EGRESS, 29, [IPv4Network("10.98.0.0/16")])


@pytest.mark.parametrize(("replicas", "length"), [(1, 29), (2, 29), (5, 28), (8, 28), (10, 28), (11, 27), (64, 25)])
def test_a_range_holds_pods_surge_and_terminating_ones(replicas: int, length: int) -> None:
    """Never less than eight addresses, so that there is room to grow."""
    assert length == prefix_for(replicas)
