"""A process that dies between two calls: what the ledger says by then is already true, or about to be."""

from __future__ import annotations

import pytest
from stories.desk import Desk, describe, sample

from function_app.model.ledger import RecordKind
from simulator.model.faults import Action, Crash, Fault
from simulator.model.packets import Packet, Verdict

CLUSTER = "spoke1-aks"
TARGET = "cluster/spoke1-aks"


def settled_again(desk: Desk, packets: list[Packet]) -> None:
    """A new process takes over a minute later."""
    desk.world.advance(61)
    desk.checkpoint = None
    last = desk.settle(watch=lambda: packets.append(desk.send(CLUSTER, "default", "http://www.tigera.io")))
    assert last.converged, describe(last)


def test_a_namespace_is_recorded_as_routed_before_it_is_pointed(desk: Desk) -> None:
    """The process dies directly after the annotation: the ledger already knows whose the traffic is."""
    desk.world.faults.add(
        Fault(target=TARGET, verb="patch", kind="Namespace", name="default", action=Action.CRASH_AFTER)
    )
    desk.commit(sample("tenants/tenant0.yaml"))

    with pytest.raises(Crash):
        desk.settle()
    packet = desk.send(CLUSTER, "default", "http://www.tigera.io")
    recorded = [(one.kind, one.namespaces) for one in desk.ledger.records if one.kind is RecordKind.ROUTE]
    packets: list[Packet] = []
    settled_again(desk, packets)

    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.range_tenant)
    assert [(RecordKind.ROUTE, ("default",))] == recorded
    assert {Verdict.ALLOWED} == {packet.verdict for packet in packets}


def test_a_range_is_recorded_before_anything_bears_it(desk: Desk) -> None:
    """The process dies directly after the first write of the first pass: the range is already given to its tenant."""
    desk.world.faults.add(Fault(target=TARGET, verb="apply", action=Action.CRASH_AFTER))
    desk.commit(sample("tenants/tenant0.yaml"))

    with pytest.raises(Crash):
        desk.run_pass()
    recorded = [(one.kind, str(one.tenant), str(one.range)) for one in desk.ledger.records]
    settled_again(desk, [])

    assert [(RecordKind.RESERVE, "tenant0", "10.99.0.0/29")] == recorded
    assert 1 == sum(one.kind is RecordKind.RESERVE for one in desk.ledger.records)


@pytest.mark.parametrize("action", [Action.CRASH_BEFORE, Action.CRASH_AFTER])
def test_killed_around_the_firewall_write_it_observes_and_waits(desk: Desk, action: Action) -> None:
    """Between the PUT and its completion the process dies: the next one sees the operation and sends no second PUT."""
    desk.world.faults.add(Fault(target="firewall/hub1", verb="put", action=action))
    desk.commit(sample("tenants/tenant0.yaml"))

    with pytest.raises(Crash):
        desk.run_pass()
    settled_again(desk, [])

    expected = 2 if action is Action.CRASH_BEFORE else 1
    assert expected == desk.world.faults.calls["firewall/hub1", "put", "RuleCollectionGroup"]


@pytest.mark.parametrize("action", [Action.CRASH_BEFORE, Action.CRASH_AFTER])
@pytest.mark.parametrize("nth", range(1, 9))
def test_killed_at_every_write_of_a_renumbering_no_packet_is_lost(settled: Desk, action: Action, nth: int) -> None:
    """Whichever write it dies at, connections go on, under the tenant's own ranges."""
    packets: list[Packet] = []
    verbs = ("apply", "patch", "delete", "put")
    calls = settled.world.faults.calls
    before = sum(count for (_, verb, _), count in calls.items() if verb in verbs)
    cidr = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"].replace("10.99.0.0/29", "10.99.0.16/29")
    settled.commit({"tenants/tenant0.yaml": cidr})
    settled.world.faults.add(
        *(Fault(target="*", verb=verb, action=action, nth=nth, count=1) for verb in ("apply", "patch", "delete"))
    )
    crashes = 0
    for _ in range(4):
        try:
            settled.settle(watch=lambda: packets.append(settled.send(CLUSTER, "default", "http://www.tigera.io")))
            break
        except Crash:
            crashes += 1
            settled.world.advance(61)
            settled.checkpoint = None

    last = settled.settle()
    assert last.converged, describe(last)
    assert {(Verdict.ALLOWED, "tenant0")} == {(packet.verdict, packet.range_tenant) for packet in packets}
    assert crashes or nth > 3
    assert before < sum(count for (_, verb, _), count in calls.items() if verb in verbs)
