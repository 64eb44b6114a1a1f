"""Ranges found by overlap: the index says what comparing with everybody would say."""

from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from function_app.planning.claims import RangeIndex

ranges = st.builds(
    lambda address, length: IPv4Network((address >> (32 - length) << (32 - length), length)),
    st.integers(min_value=0x0A600000, max_value=0x0A6000FF),
    st.integers(min_value=20, max_value=32),
)


@given(st.lists(ranges, max_size=30), ranges)
def test_what_overlaps_is_found_in_the_order_in_which_it_was_added(
    added: list[IPv4Network], asked: IPv4Network
) -> None:
    """Containing, contained and equal ranges are found, neighbours are not."""
    index = RangeIndex[int]()
    for number, cidr in enumerate(added):
        index.add(cidr, number)
    expected = [number for number, cidr in enumerate(added) if cidr.overlaps(asked)]
    assert expected == index.overlapping(asked)
