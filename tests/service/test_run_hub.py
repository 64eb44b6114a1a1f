"""Messages and passes: nothing that is asked for gets lost, and nothing is done more often than it is worth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count, takewhile

import pytest
from service.service_desk import HUB, Killed, ServiceDesk, sample

from function_app.model.errors import StateError
from function_app.model.intent import REST, Intent, Reason
from function_app.model.names import HubName
from function_app.ports import PoisonedMessage
from function_app.service.intake import ask, drift
from function_app.service.passes import SOURCE_SECONDS, Ran, run_hub

LEAST_MOMENTS = 40
"""Before and after calls to the service's ports in one pass, at the least: fewer, and the tests look at too little."""
PUSH = Intent(reasons=frozenset({Reason.PUSH}), by=("jo",))
TENANT = "tenants/tenant0.yaml"


def stage(service: ServiceDesk) -> str:
    """How far tenant0 has come, by the newest report."""
    rows = (service.desk.ports.status.latest(HUB) or {}).get("attachments")
    assert isinstance(rows, list)
    return next((str(row["stage"]) for row in rows if row["tenant"] == "tenant0"), "")


def pushed(service: ServiceDesk) -> None:
    """Somebody pushes, and the webhook comes in."""
    ask(service, [HUB], PUSH)


def test_a_push_becomes_a_routed_tenant() -> None:
    """One webhook; looks that passes ask for do the rest, and then it is quiet."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(TENANT))
    pushed(service)

    service.work_for(1800)

    assert "routed" == stage(service)
    assert not service.memory.read(HUB).pending
    assert [] == service.queue.messages


@pytest.mark.parametrize("pushes", [1, 2, 500])
def test_any_number_of_pushes_during_a_pass_is_one_more_pass(pushes: int) -> None:
    """They arrive while the pass fetches, and their messages find the hub busy or nothing left to do."""
    service = ServiceDesk.with_platform()
    pushed(service)

    def during() -> None:
        service.on_fetch = lambda: None
        for _ in range(pushes):
            pushed(service)
        assert {Ran.BUSY} == set(service.work())

    service.on_fetch = during
    service.work_for(REST.total_seconds() + 5)

    assert 2 == service.fetches
    assert 2 == sum("push" in str(entry["reasons"]) for entry in service.chronicle.entries(HUB))
    assert not service.memory.read(HUB).pending


def test_a_burst_before_the_first_pass_is_one_pass() -> None:
    """Five hundred messages, one fetch."""
    service = ServiceDesk.with_platform()
    for _ in range(500):
        pushed(service)

    ran = service.work()

    assert (1, 499) == (ran.count(Ran.PASSED), ran.count(Ran.NOTHING))
    assert 1 == service.fetches


def test_pushes_in_quick_succession_are_two_passes_and_a_person_never_waits() -> None:
    """Fifty a second for ten seconds, each pass taking a second: one at once, one for the rest; a block in between is served."""
    service = ServiceDesk.with_platform()
    service.on_fetch = lambda: service.desk.world.advance(1)
    for _ in range(500):
        pushed(service)
        service.work()
        service.desk.world.advance(0.02)
    during = service.fetches
    ask(service, [HUB], Intent(reasons=frozenset({Reason.DECISION}), by=("jo",)))
    ran = service.work()
    hurried = service.fetches
    service.work_for(600)

    assert during <= 2
    assert Ran.PASSED in ran
    assert during + 1 == hurried
    assert not service.memory.read(HUB).pending


def test_looks_fetch_nothing_and_a_burst_between_them_is_fetched_for_twice() -> None:
    """A gateway rolls out and the firewall is written, looked at again and again; five hundred pushes come meanwhile."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(TENANT))
    pushed(service)
    looks = service.work_for(20, step=1.0).count(Ran.PASSED)
    alone = service.fetches
    for _ in range(500):
        pushed(service)
        looks += service.work().count(Ran.PASSED)
        service.desk.world.advance(0.02)
    looks += service.work_for(1800, step=1.0).count(Ran.PASSED)

    assert 1 == alone
    assert service.fetches <= alone + 2
    assert looks > service.fetches + 2
    assert not service.memory.read(HUB).pending
    assert "routed" == stage(service)


def test_a_loser_may_be_paused_anywhere() -> None:
    """A second push is recorded, and its message taken, at each moment of the first one's pass in turn: it is served, no timer."""
    for at in count(1):
        service, moments = ServiceDesk.with_platform(), count(1)
        commits: list[str] = []

        def second(
            _when: str,
            _name: str,
            service: ServiceDesk = service,
            moments: count[int] = moments,
            at: int = at,
            commits: list[str] = commits,
        ) -> None:
            if next(moments) == at:
                service.desk.commit(sample(TENANT))
                commits.append(service.desk.repository.resolve("main"))
                pushed(service)
                service.deliver()

        pushed(service)
        service.on_call = second
        service.work_for(REST.total_seconds() + 5)
        if not commits:
            break
        report = service.desk.ports.status.latest(HUB) or {}

        assert commits == [report["commit"]], at
        assert not service.memory.read(HUB).pending, at
    assert at > LEAST_MOMENTS


def killed_at(at: int, before: int, redelivery: float) -> bool:
    """A push is worked on, killed at a moment of its first pass or of that after `before` seconds; False when there was none.

    What becomes of it afterwards is judged here: routed, and quiet.
    """
    service = ServiceDesk.with_platform()
    service.redelivery_seconds = redelivery
    service.desk.commit(sample(TENANT))
    pushed(service)
    if before:
        service.work()
    service.crash_at(at)
    try:
        service.work_for(before)
    except Killed:
        service.on_call = lambda _when, _name: None
    else:
        return False

    service.work_for(3600, step=60.0)

    assert "routed" == stage(service), at
    assert [] == service.queue.messages, at
    assert not service.memory.read(HUB).pending, at
    return True


@pytest.mark.parametrize(("before", "redelivery"), [(0, 600), (15, 600), (15, 1)])
def test_killed_at_any_moment_the_work_is_taken_up(before: int, redelivery: float) -> None:
    """By kill -9 in a pass that was asked for, and in one that is there because the one before wanted it; the timer is off.

    The message may come again before the next look is due, or long after.
    """
    survived = sum(1 for _ in takewhile(bool, (killed_at(at, before, redelivery) for at in count(1))))

    assert survived >= LEAST_MOMENTS


def test_a_delayed_message_is_not_multiplied() -> None:
    """Pushes in between rest until the look that is due before is over: one pass for it, one for them, and no heap of messages."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(TENANT))
    pushed(service)
    service.work()
    for _ in range(5):
        service.desk.world.advance(1)
        pushed(service)
        service.work()
    waiting = service.memory.read(HUB).look_again_at
    passes = service.fetches
    assert waiting is not None

    ran = service.work_for((waiting - service.clock.now()).total_seconds() + 2, step=1.0)

    assert 1 == passes
    assert 2 == ran.count(Ran.PASSED)
    assert 2 == service.fetches
    due = service.memory.read(HUB).look_again_at
    assert 1 >= len([at for at, _ in service.queue.messages if at == due])
    assert 2 >= len(service.queue.messages)  # the look that the second pass has overtaken is completed when it appears


def test_whoever_gets_the_hub_late_finds_it_done() -> None:
    """Between seeing that a pass is wanted and getting the hub, another instance makes that pass: it is not made twice."""
    service = ServiceDesk.with_platform()
    pushed(service)
    pushed(service)

    def another(when: str, name: str) -> None:
        if (when, name) == ("before", "acquire"):
            service.on_call = lambda _when, _name: None
            assert Ran.PASSED == service.deliver()

    service.on_call = another

    assert Ran.NOTHING == service.deliver()
    assert 1 == service.fetches
    assert service.desk.ports.leases.acquire(HUB, "the next one") is not None


def test_a_busy_hub_completes_the_message() -> None:
    """Somebody else holds the hub: no error that would count towards poison, no fetch, and one look at the end of its lease."""
    service = ServiceDesk.with_platform()
    lease = service.desk.ports.leases.acquire(HUB, "somebody else")
    for _ in range(5):
        pushed(service)

    ran = service.work()

    assert lease is not None
    assert [Ran.BUSY] * 5 == ran
    assert (0, 1) == (service.fetches, len(service.queue.messages))


def test_what_a_dead_holder_took_with_it_is_done_after_its_lease() -> None:
    """A push arrives while a killed process still has the hub: it is served as soon as that can be, without a timer."""
    service = ServiceDesk.with_platform()
    assert service.desk.ports.leases.acquire(HUB, "killed") is not None
    pushed(service)

    ran = service.work_for(90)

    assert [Ran.BUSY, Ran.PASSED] == ran[:2]
    assert not service.memory.read(HUB).pending


def test_a_pass_that_is_too_slow_for_its_lease_is_made_again() -> None:
    """The fetch takes two minutes: nothing is written, nothing is marked as served, and the next try is on its way."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(TENANT))
    pushed(service)

    def slow() -> None:
        service.desk.world.advance(120)
        service.on_fetch = lambda: None

    service.on_fetch = slow
    ran = service.work()
    pending = service.memory.read(HUB).pending
    service.work_for(30)

    assert [Ran.LOST] == ran
    assert pending
    assert not service.memory.read(HUB).pending
    assert "absent" != stage(service)


def test_without_a_repository_one_message_tries_again() -> None:
    """Git is gone and nothing was ever read: kept in history, tried every minute by one message, made once it is back."""
    service = ServiceDesk.with_platform()
    service.source_problem = "the repository cannot be reached"
    for _ in range(5):
        pushed(service)
    first = service.work()
    service.work_for(10 * SOURCE_SECONDS)
    outstanding = len(service.queue.messages)
    entries = service.chronicle.entries(HUB)
    service.source_problem = ""
    service.work_for(2 * SOURCE_SECONDS)

    assert {Ran.NO_SOURCE} == set(first)
    assert 1 == outstanding
    assert {"the repository cannot be reached"} == {entry["problem"] for entry in entries}
    assert len(entries) <= 5 + 11
    assert not service.memory.read(HUB).pending


def test_storage_that_does_not_answer_keeps_the_message() -> None:
    """Nothing can be recorded, so the queue must bring the message again."""
    service = ServiceDesk.with_platform()
    pushed(service)
    service.memory.unreachable = True

    with pytest.raises(StateError):
        service.work()

    assert 1 == len(service.queue.messages)


def test_history_that_cannot_be_kept_holds_no_pass_up() -> None:
    """It is for readers."""
    service = ServiceDesk.with_platform()
    service.chronicle.problem = "written by a newer release"
    pushed(service)

    assert [Ran.PASSED] == service.work()


def test_history_says_who_asked_and_what_was_done() -> None:
    """Commit, plan id, changes with their outcomes, and by whom."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(TENANT))
    pushed(service)
    service.work()

    (entry,) = service.chronicle.entries(HUB)
    changes = entry["changes"]

    assert (["push"], ["jo"]) == (entry["reasons"], entry["by"])
    assert service.desk.repository.resolve("main") == entry["commit"]
    assert isinstance(changes, list)
    assert {"created"} <= {change["outcome"] for change in changes}


def test_a_hub_that_is_not_defined_is_done_with() -> None:
    """A message for a hub that left Git makes no pass, and is not asked for again."""
    service = ServiceDesk.with_platform()
    gone = HubName("gone")
    ask(service, [gone], PUSH)

    ran = service.work()

    assert Ran.NOT_DEFINED in ran
    assert (False, 1) == (service.memory.read(gone).pending, service.memory.read(gone).served)


def test_a_new_hub_is_found_by_the_pass_over_another() -> None:
    """A webhook knows the hubs of which something is kept; who reads the tree asks for those that are new."""
    service = ServiceDesk.with_platform()
    elsewhere = HubName("elsewhere")
    service.known = {elsewhere}
    ask(service, [elsewhere], PUSH)

    service.work()

    assert service.desk.ports.status.latest(HUB) is not None


def test_the_timer_spreads_hubs_over_its_interval() -> None:
    """Three hubs in ten minutes: one each 200 seconds, all of them recorded at once."""
    service = ServiceDesk.with_platform()
    service.known = {HubName("a"), HubName("b")}

    hubs = drift(service, 600.0)

    assert ("a", "b", HUB) == hubs
    assert [("a", 0.0), ("b", 200.0), (HUB, 400.0)] == sorted(service.queue.sent, key=lambda each: each[1])
    assert all(service.memory.read(hub).pending for hub in hubs)


def test_the_timer_takes_up_what_was_set_aside_and_needs_no_git() -> None:
    """A poisoned message gets its pass; while Git is away, hubs of which something is kept are looked at."""
    service = ServiceDesk.with_platform()
    service.source_problem = "away"
    service.queue.poison = [PoisonedMessage(HUB, service.clock.now()), PoisonedMessage(None, service.clock.now())]

    hubs = drift(service, 600.0)

    assert (HUB,) == hubs
    assert [(HUB, 0.0), (HUB, 0.0)] == service.queue.sent
    assert () == service.queue.poisoned()


def test_the_timer_brings_what_a_lost_webhook_did_not() -> None:
    """The delivery never came; the next tick converges."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(TENANT))

    drift(service, 600.0)
    service.work_for(1800)

    assert "routed" == stage(service)


def test_a_message_before_its_time_is_completed() -> None:
    """A look is due in a minute; a stray message now does nothing."""
    service = ServiceDesk.with_platform()
    service.memory.look_again(HUB, service.clock.now() + timedelta(seconds=60))

    assert Ran.NOTHING == run_hub(HUB, service)
    assert 0 == service.fetches


def test_what_goes_wrong_in_a_pass_brings_the_message_again() -> None:
    """A mistake of ours is not taken for work that is done."""
    service = ServiceDesk.with_platform()
    pushed(service)
    raising: Callable[[], None] = lambda: (_ for _ in ()).throw(RuntimeError("a mistake"))  # noqa: E731 - shortest way to raise
    service.on_fetch = raising

    with pytest.raises(RuntimeError):
        service.work()

    assert service.memory.read(HUB).pending
    assert 1 == len(service.queue.messages)
    assert service.desk.ports.leases.acquire(HUB, "the next one") is not None
