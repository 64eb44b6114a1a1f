"""One cluster takes its time: the others are planned without it, it is planned when it answers, and nobody holds the hub for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event
from time import monotonic
from typing import Any

import pytest
from stories.desk import HUB, IN_ORDER, Desk, describe, sample
from stories.interruptions import writes_to

from function_app import gathering as gathering_module
from function_app.applying import apply_plan
from function_app.gathering import Gathering, Patience, Reading, Unanswered
from function_app.model.ledger import fold
from function_app.model.names import HubName, cluster_target
from function_app.model.report import Report, Result
from function_app.model.resources import ApiMode
from function_app.ports import HubPorts, Lease
from function_app.reconcile import Source, reconcile
from simulator.inprocess import Door, InProcessCluster
from simulator.memory import MemoryLeases, MemoryStatus

SLOW, QUICK = "cluster/spoke2-aks", "cluster/spoke1-aks"
AT_ONCE = Patience(grace=0.5, limit=20.0)
LONG = 20.0
"""Real seconds that nothing here takes unless it is broken."""


class LateCluster(InProcessCluster):
    """A cluster that answers nothing until it is told to."""

    def __init__(self, door: Door, name: str, answering: Event) -> None:
        super().__init__(door, name)
        self.answering = answering

    def mode(self) -> ApiMode:
        """The first thing that a pass asks."""
        assert self.answering.wait(LONG)
        return super().mode()


class ToldStatus(MemoryStatus):
    """Tells when a report is published."""

    def __init__(self, told: Callable[[], object]) -> None:
        super().__init__()
        self.told = told
        self.published: list[Mapping[str, object]] = []

    def record(self, hub: HubName, report: Mapping[str, object], epoch: int) -> None:
        """Keep it and tell."""
        super().record(hub, report, epoch)
        self.published.append(report)
        self.told()


@dataclass
class ToldLeases:
    """Tells when the hub is given back for the first time."""

    leases: MemoryLeases
    told: Callable[[], object]
    released: bool = False

    def acquire(self, hub: HubName, holder: str) -> Lease | None:
        """The lease, watched."""
        lease = self.leases.acquire(hub, holder)
        return ToldLease(lease, self, lease.epoch) if lease is not None else None


@dataclass
class ToldLease:
    """A lease whose first giving back is told."""

    lease: Lease
    leases: ToldLeases
    epoch: int

    def check(self) -> None:
        """As the lease does."""
        self.lease.check()

    def release(self) -> None:
        """Give it back and tell."""
        self.lease.release()
        if not self.leases.released:
            self.leases.released = True
            self.leases.told()


def with_late_cluster(desk: Desk, answering: Event) -> HubPorts:
    """The desk's ports, on which the second cluster is late."""
    late = LateCluster(Door(desk.world), "spoke2-aks", answering)
    return replace(desk.ports, clusters={**desk.ports.clusters, "spoke2-aks": late})


def unreadable(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a published report says was not read."""
    found: Sequence[Mapping[str, Any]] = report["unreadable"]
    return found


def changes(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a published report says was changed on clusters."""
    found: Sequence[Mapping[str, Any]] = report["changes"]
    return [one for one in found if one["target"].startswith("cluster/")]


def passed(desk: Desk, ports: HubPorts, source: Source) -> Report:
    """One pass with threads."""
    return reconcile(HUB, source, ports, AT_ONCE, holder="story", draw=desk.draw)


def test_a_late_cluster_is_planned_alone_when_it_answers(desk: Desk) -> None:
    """It answers once the others' report is out: one pass, two reports, and every object was written once."""
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    answering = Event()
    status = ToldStatus(answering.set)
    ports = replace(with_late_cluster(desk, answering), status=status)

    report = passed(desk, ports, desk.tree())

    first, second = status.published
    written = [(one.change.target, one.change.resource) for one in report.outcomes if one.result is not Result.PENDING]
    assert [[SLOW], []] == [[one["target"] for one in unreadable(each)] for each in (first, second)]
    assert {QUICK} == {each["target"] for each in changes(first)}
    assert {SLOW, QUICK} <= {str(target) for target, _ in written}
    assert len(set(written)) == len(written), describe(report)
    assert desk.settle().converged


def test_the_hub_is_free_while_a_pass_waits_for_a_late_cluster(desk: Desk) -> None:
    """Another pass comes in between and does everything; the one that waited ends and writes nothing more."""
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    answering, source = Event(), desk.tree()
    counted: list[int] = []

    def another_pass() -> None:
        desk.run_pass()
        counted.append(writes_to(desk, SLOW) + writes_to(desk, QUICK))
        answering.set()

    leases = desk.ports.leases
    assert isinstance(leases, MemoryLeases)
    ports = replace(with_late_cluster(desk, answering), leases=ToldLeases(leases, another_pass))

    report = passed(desk, ports, source)

    assert counted == [writes_to(desk, SLOW) + writes_to(desk, QUICK)]
    assert writes_to(desk, SLOW) > 0
    assert [SLOW] == [str(one.target) for one in report.unreadable]
    assert desk.settle().converged


class Target:
    """A target that is read in its own time; counts how often it was asked."""

    def __init__(self, *, answering: bool = False) -> None:
        self.asked = 0
        self.answering = Event()
        if answering:
            self.answering.set()

    def read(self) -> int:
        """The number of this reading."""
        self.asked += 1
        number = self.asked
        assert self.answering.wait(LONG)
        return number


def gathering(
    slow: Target,
    patience: Patience,
    unanswered: Unanswered[int],
    about: str = "slow",
    now: Callable[[], float] = monotonic,
) -> Gathering[int]:
    """A pass's readings of a quick target and this one."""
    readings = {
        cluster_target("quick"): Reading(Target(answering=True).read, about="quick"),
        cluster_target("slow"): Reading(slow.read, about=about),
    }
    return Gathering(readings, patience, unanswered, now)


def test_the_others_are_looked_at_when_they_are_due_and_not_a_pause_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass waits for a silent target until the next one has to be paused for: waiting and pause together are what was asked."""
    slow, passed_by = Target(), [0.0]
    reading = gathering(slow, AT_ONCE, Unanswered[int](), now=lambda: passed_by[0])
    reading.first(1)
    reading.leave(1)

    def waited(names: Collection[object], timeout: float, **_: object) -> tuple[set[object], set[object]]:
        passed_by[0] += timeout
        return set(), set(names)

    monkeypatch.setattr(gathering_module, "wait", waited)
    assert reading.another(1, 10.0) is None
    assert 10.0 == passed_by[0] + (reading.pause(10.0) or 0.0)
    slow.answering.set()


def test_a_reading_goes_on_however_often_the_others_are_looked_at() -> None:
    """Three passes end because the others want to be looked at; the fourth finds the late target answered, asked once."""
    slow, unanswered = Target(), Unanswered[int]()
    for epoch in (1, 2, 3):
        reading = gathering(slow, AT_ONCE, unanswered)
        assert {"cluster/quick": 1} == reading.first(epoch)
        reading.leave(epoch)
        assert reading.another(epoch, 0.01) is None
    slow.answering.set()

    last = gathering(slow, AT_ONCE, unanswered)
    answers = last.first(4)
    last.leave(4)
    answers = answers if len(answers) == 2 else last.another(4, LONG) or {}

    assert {"cluster/quick": 1, "cluster/slow": 1} == answers
    assert 1 == slow.asked


def test_who_was_late_before_gets_no_grace_again() -> None:
    """The pass after the one that waited plans at once, though its grace is long."""
    slow, unanswered = Target(), Unanswered[int]()
    first = gathering(slow, AT_ONCE, unanswered)
    first.first(1)
    first.leave(1)
    started = monotonic()

    answers = gathering(slow, Patience(grace=LONG, limit=2 * LONG), unanswered).first(2)

    assert {"cluster/quick": 1} == answers
    assert monotonic() - started < LONG / 2
    slow.answering.set()


def test_what_was_read_before_somebody_else_had_the_hub_is_read_again() -> None:
    """Another instance's pass lies between the epochs: it may have written there since."""
    slow, unanswered = Target(), Unanswered[int]()
    first = gathering(slow, AT_ONCE, unanswered)
    first.first(1)
    first.leave(1)
    slow.answering.set()

    third = gathering(slow, AT_ONCE, unanswered)
    answers = third.first(3)
    answers = answers if len(answers) == 2 else third.another(3, LONG) or {}

    assert 2 == answers[cluster_target("slow")]


def test_what_is_to_be_read_now_is_read() -> None:
    """Since the late reading began, a namespace is to be emptied: what was not asked for then is not known from it."""
    slow, unanswered = Target(), Unanswered[int]()
    first = gathering(slow, AT_ONCE, unanswered)
    first.first(1)
    first.leave(1)
    slow.answering.set()

    second = gathering(slow, AT_ONCE, unanswered, about="slow and a namespace")
    answers = second.first(2)
    answers = answers if len(answers) == 2 else second.another(2, LONG) or {}

    assert 2 == answers[cluster_target("slow")]


def test_an_answer_that_took_too_long_is_not_acted_on() -> None:
    """It comes after the limit: old news, so the target is asked again."""
    slow, unanswered = Target(), Unanswered[int]()
    first = gathering(slow, AT_ONCE, unanswered)
    first.first(1)
    first.leave(1)

    second = gathering(slow, AT_ONCE, unanswered, now=lambda: monotonic() + 2 * AT_ONCE.limit)
    assert {"cluster/quick": 1} == second.first(2)
    slow.answering.set()
    answers = second.another(2, LONG) or {}

    assert 2 == answers[cluster_target("slow")]
    assert 2 == slow.asked


def test_a_pause_counts_what_was_waited_already() -> None:
    """The others asked to be looked at in no time: after the waiting the next pass is due at once."""
    slow, unanswered = Target(), Unanswered[int]()
    waited = gathering(slow, AT_ONCE, unanswered)
    waited.first(1)
    waited.leave(1)
    waited.another(1, 0.01)

    assert 1.0 == waited.pause(10.0)
    slow.answering.set()


def test_a_target_is_written_no_longer_than_the_others_wait(desk: Desk) -> None:
    """The time is over: nothing is begun any more, what is left is said to be the next pass's, and that one does it."""
    desk.commit(sample("tenants/tenant0.yaml"))
    plan = replace(desk.run_pass().plan, records=())
    before = writes_to(desk, QUICK)
    lease = desk.ports.leases.acquire(HUB, "story")
    assert lease is not None

    late = apply_plan(plan, desk.ports, lease, fold(desk.ledger.records), None, IN_ORDER, until=monotonic())
    lease.release()

    assert {Result.SKIPPED} == {one.result for one in late}
    assert before == writes_to(desk, QUICK)
    assert desk.settle().converged
