"""A filter that BIRD cannot parse freezes the export of everybody; `tests/bgp` holds this to a real BIRD."""

from __future__ import annotations

import pytest
from network_builders import LEARN, REJECT, Thing, a_world


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"action": "Accept", "matchOperator": "In", "cidr": "10.99.0.1/29"}, id="host bits"),
        pytest.param({"action": "Accept", "matchOperator": "In", "cidr": "fd00::/8"}, id="IPv6"),
        pytest.param(
            {
                "action": "Accept",
                "matchOperator": "In",
                "cidr": "10.99.0.0/29",
                "prefixLength": {"min": 31, "max": 30},
            },
            id="lengths that end before they begin",
        ),
    ],
)
def test_while_somebodys_filter_cannot_be_parsed_ours_stays_as_it_was(rule: Thing) -> None:
    """No peer lists it, and still what we take out of our filter is learned until somebody removes theirs."""
    world = a_world()
    before = world.learned(0)
    world.spoke.filter(rule, name="somebodys")
    world.spoke.filter(REJECT)
    world.clock.advance(LEARN)

    frozen = world.learned(0)
    world.spoke.api.remove("BGPFilter", "somebodys")
    world.clock.advance(LEARN)

    assert before
    assert before == frozen
    assert {} == world.learned(0)
