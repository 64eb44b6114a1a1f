"""Which calls a fault strikes."""

from __future__ import annotations

import pytest

from simulator.model.faults import Action, Call, Fault, Faults

LIST_POOLS = Call("cluster/one", "list", "IPPool")
PUT_GROUP = Call("firewall/hub1", "put", "RuleCollectionGroup", "t-000")


def strikes(fault: Fault, *calls: Call) -> list[bool]:
    """For each call in order whether the fault strikes it."""
    faults = Faults()
    faults.add(fault)
    return [faults.strike(call) is fault for call in calls]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(action=Action.CUT), True),
        (Fault(action=Action.CUT, target="firewall/*", verb="put", kind="Rule*", name="t-*"), True),
        (Fault(action=Action.CUT, target="cluster/*"), False),
        (Fault(action=Action.CUT, verb="delete"), False),
        (Fault(action=Action.CUT, kind="FirewallPolicy"), False),
        (Fault(action=Action.CUT, name="T-000"), False),
        (Fault(action=Action.CUT, namespace="x"), False),
    ],
)
def test_a_fault_strikes_what_it_names(fault: Fault, expected: bool) -> None:
    """All its patterns must fit the call."""
    assert strikes(fault, PUT_GROUP) == [expected]


def test_nth_and_count_bound_a_fault() -> None:
    """From the third matching call on, twice; calls that do not match are not counted."""
    fault = Fault(action=Action.REFUSE, verb="list", nth=3, count=2)
    calls = [LIST_POOLS, PUT_GROUP, LIST_POOLS, LIST_POOLS, LIST_POOLS, LIST_POOLS]
    assert strikes(fault, *calls) == [False, False, False, True, True, False]


def test_count_zero_strikes_for_ever() -> None:
    """A target that is down stays down until the fault is taken back."""
    assert strikes(Fault(action=Action.UNREACHABLE, count=0), *[LIST_POOLS] * 5) == [True] * 5


def test_the_first_of_two_faults_strikes() -> None:
    """A call meets one fault; the other has seen the call all the same."""
    faults = Faults()
    first, second = Fault(action=Action.CUT), Fault(action=Action.HTML, nth=2)
    faults.add(first, second)
    assert [faults.strike(LIST_POOLS), faults.strike(LIST_POOLS), faults.strike(LIST_POOLS)] == [first, second, None]


def test_spent_and_cleared_faults_are_no_longer_pending() -> None:
    """What can still strike is shown."""
    faults = Faults()
    once, ever = Fault(action=Action.CUT), Fault(action=Action.HTML, count=0, verb="put")
    faults.add(once, ever)
    faults.strike(LIST_POOLS)
    assert faults.pending() == (ever,)
    faults.clear()
    assert faults.pending() == ()


def test_every_call_is_counted_struck_or_not() -> None:
    """The count of calls is what reaches the target's door."""
    faults = Faults()
    faults.add(Fault(action=Action.UNREACHABLE))
    faults.strike(LIST_POOLS)
    faults.strike(LIST_POOLS)
    faults.strike(PUT_GROUP)
    assert dict(faults.calls) == {
        ("cluster/one", "list", "IPPool"): 2,
        ("firewall/hub1", "put", "RuleCollectionGroup"): 1,
    }
