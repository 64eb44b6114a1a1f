"""Ranges found by overlap: the index says what comparing with everybody would say."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_builders import KEY, NOON, RANGE, a_pod, a_resource, a_situation, learned, seen

from function_app.model.ledger import Ledger
from function_app.model.plan import WaitsFor
from function_app.model.resources import Kind, Resource
from function_app.planning.claims import Claims, RangeIndex

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


@pytest.mark.parametrize(
    ("pods", "waits"),
    [
        ((a_pod("x", "10.99.0.1", "node-a"),), WaitsFor.FOREIGN),
        ((a_pod("x", "10.99.0.1", "node-a", deletionTimestamp=NOON.isoformat()),), WaitsFor.PODS_GONE),
        ((), WaitsFor.BLOCKS_GONE),
    ],
)
def test_a_strangers_pool_that_is_being_deleted_is_waited_for_unless_a_pod_keeps_it(
    pods: tuple[Resource, ...], waits: WaitsFor
) -> None:
    """It goes by itself once its addresses are given back, and nobody looked again; until then the range is not given out."""
    pool = a_resource(
        Kind.IP_POOL, "theirs", spec={"cidr": str(RANGE), "blockSize": 32}, deletionTimestamp=NOON.isoformat()
    )
    cluster = seen(pool, *pods, without=(Kind.IP_POOL, Kind.POD, Kind.DEPLOYMENT, Kind.EGRESS_GATEWAY))
    situation = a_situation(cluster)
    situation = replace(situation, observations=replace(situation.observations, route_server=learned({})))

    obstacle = Claims(situation, Ledger((), {})).in_the_way(situation.hub.attachments[KEY])

    assert obstacle is not None
    assert waits is obstacle[0]
