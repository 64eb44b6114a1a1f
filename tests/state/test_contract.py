"""What every place that keeps state promises, held against files and against storage."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from state_builders import NOON, a_record
from state_faces import DECEMBER, DECISIONS, HEAD, HUB, LEASE, NOVEMBER, OTHER_HUB, STATE, STATUS, Face, at_once

from function_app.model.errors import LeaseLost, StateError
from function_app.model.names import Commit, HubName
from function_app.model.state import Decision, DecisionKind, HubState
from function_app.ports import Lease

KEPT = HubState(operations={"spoke1-a": "https://example.com/operation"}, last_good_commit=Commit("2" * 40))
IN_DECEMBER = NOON + timedelta(days=10)


def taken(face: Face, holder: str = "one", hub: HubName = HUB) -> Lease:
    """A lease that is free."""
    lease = face.leases().acquire(hub, holder)
    assert lease is not None
    return lease


def a_block(tenant: str, reason: str = "leak") -> Decision:
    """A block."""
    return Decision(DecisionKind.BLOCK, tenant, reason, "ada", NOON, NOON + timedelta(hours=1))


# Leases


def test_one_holder_at_a_time(face: Face) -> None:
    """While one holds a hub nobody else gets it; another hub is another lease."""
    assert 1 == taken(face).epoch
    assert face.leases().acquire(HUB, "two") is None
    assert 1 == taken(face, hub=OTHER_HUB).epoch


def test_each_lease_has_the_next_epoch(face: Face) -> None:
    """Given back and taken again, by whomever."""
    epochs = []
    for holder in ("one", "two", "one"):
        lease = taken(face, holder)
        epochs.append(lease.epoch)
        lease.release()

    assert [1, 2, 3] == epochs


def test_only_one_of_many_gets_a_free_lease(face: Face) -> None:
    """All at once: one holder, one epoch."""
    found = at_once(*(lambda: face.leases().acquire(HUB, "somebody") for _ in range(5)))

    assert [1] == [lease.epoch for lease in found if lease is not None and not isinstance(lease, StateError)]


def test_a_lease_that_ran_out_goes_to_another(face: Face) -> None:
    """The former holder learns that, and who has it; what it still gives back is not its own."""
    first = taken(face, "one")
    face.pass_time(60)
    second = taken(face, "Zoë@host:2")

    assert 2 == second.epoch
    with pytest.raises(LeaseLost, match=r"epoch 1 is over; Zoë@host:2 \(epoch 2\) holds it"):
        first.check()
    first.release()
    second.check()
    assert face.leases().acquire(HUB, "three") is None


def test_a_check_renews_after_half_time(face: Face) -> None:
    """Who keeps checking keeps the hub."""
    lease = taken(face)
    for _ in range(5):
        face.pass_time(30)
        lease.check()

        assert face.leases().acquire(HUB, "two") is None


def test_a_lease_that_was_given_back_is_lost(face: Face) -> None:
    """Nobody works on after release; giving back twice is fine."""
    lease = taken(face)
    lease.release()
    lease.release()

    with pytest.raises(LeaseLost, match="nobody"):
        lease.check()


def test_a_deleted_lease_does_not_bring_back_old_epochs(face: Face) -> None:
    """What was written under epoch 8 is remembered elsewhere, so the next one is 9."""
    taken(face)
    face.ledger().append([a_record(1, epoch=7)])
    face.state().write(KEPT, epoch=8)
    face.delete(LEASE)

    assert 9 == taken(face, "two").epoch


# Fencing


def test_a_late_holder_writes_nothing_more(face: Face) -> None:
    """Its lease ran out, the next holder has written: state, report and ledger of the late one are refused and stay away."""
    late = taken(face, "late")
    face.pass_time(60)
    next_one = taken(face, "next")
    face.state().write(KEPT, next_one.epoch)
    face.status().record(HUB, {"plan_id": "next"}, next_one.epoch)
    face.ledger().append([a_record(1, epoch=next_one.epoch)])

    with pytest.raises(LeaseLost, match="Epoch 2 has written"):
        face.state().write(HubState(), late.epoch)
    with pytest.raises(LeaseLost, match="Epoch 2 has written"):
        face.status().record(HUB, {"plan_id": "late"}, late.epoch)
    with pytest.raises(LeaseLost, match="Epoch 2 has written"):
        face.ledger().append([a_record(2, epoch=late.epoch)])
    assert KEPT == face.state().read()
    assert {"plan_id": "next"} == face.status().latest(HUB)
    assert (a_record(1, epoch=2),) == face.ledger().read()


def test_a_late_holder_is_refused_by_what_it_has_not_read(face: Face) -> None:
    """It read the ledger before it was paused, and goes on from there: what came since is found."""
    late = face.ledger()
    late.append([a_record(1)])
    face.ledger().append([a_record(2, epoch=2)])

    with pytest.raises(LeaseLost, match="Epoch 2 has written"):
        late.append([a_record(2)])
    assert (a_record(1), a_record(2, epoch=2)) == face.ledger().read()
    assert face.ledger().read() == late.read()


# The ledger


def test_a_ledger_that_was_never_written_is_empty(face: Face) -> None:
    """Nothing is no record, and an empty batch writes none."""
    ledger = face.ledger()
    ledger.append([])

    assert () == ledger.read()


def test_months_are_read_in_order(face: Face) -> None:
    """Batch after batch, month after month, by who wrote and by who reads anew; a clock that goes back changes nothing."""
    ledger, early_reader = face.ledger(), face.ledger()
    ledger.append([a_record(1)])
    assert 1 == len(early_reader.read())
    ledger.append([a_record(2), a_record(3, at=IN_DECEMBER)])
    ledger.append([a_record(4, at=IN_DECEMBER)])
    ledger.append([a_record(5, at=NOON)])

    assert [1, 2, 3, 4, 5] == [record.seq for record in face.ledger().read()]
    assert face.ledger().read() == ledger.read() == early_reader.read()
    assert 2 == face.content(NOVEMBER).count(b"\n") == face.content(DECEMBER).count(b"\n")


def test_of_two_appends_at_once_one_wins(face: Face) -> None:
    """Both continue what they have read. One is told so, and nothing is lost or there twice, also over the turn of a month."""
    for seq in range(1, 9):
        at = IN_DECEMBER if seq > 4 else NOON
        ledgers = [face.ledger(), face.ledger()]
        for ledger in ledgers:
            ledger.read()
        answers = at_once(*(partial(ledger.append, [a_record(seq, epoch=seq, at=at)]) for ledger in ledgers))

        assert 1 == sum(isinstance(answer, StateError) for answer in answers)
        assert list(range(1, seq + 1)) == [record.seq for record in face.ledger().read()]


def test_who_missed_the_turn_of_the_month_is_refused(face: Face) -> None:
    """It would continue November while December has begun."""
    late, ledger = face.ledger(), face.ledger()
    late.append([a_record(1)])
    ledger.append([a_record(2, at=IN_DECEMBER)])

    with pytest.raises(StateError, match="somebody wrote in between"):
        late.append([a_record(2)])
    assert [1, 2] == [record.seq for record in face.ledger().read()]


def test_records_that_do_not_continue_the_ledger_are_refused(face: Face) -> None:
    """Nothing is written twice, nothing is left out."""
    face.ledger().append([a_record(1)])
    for seq in (1, 3):
        with pytest.raises(StateError, match="somebody wrote in between"):
            face.ledger().append([a_record(seq)])

    assert 1 == len(face.ledger().read())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"blue-pool", b"grey-pool", r"Line 1 of .*2026-11.jsonl is damaged: its content is not what was written"),
        (b'{"schema"', b'?"schema"', r"Line 1 of .*2026-11.jsonl is damaged: it is not JSON"),
        (b'"schema":1', b'"schema":9', r"Line 1 of .*2026-11.jsonl .*schema 9, written by a newer release"),
        (b'"schema":1', b'"schema":0', r"Line 1 of .*2026-11.jsonl is damaged: it is not of schema 1"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(face: Face, old: bytes, new: bytes, words: str) -> None:
    """A changed character, broken JSON, a schema of the future: an error with its place, never an empty ledger."""
    face.ledger().append([a_record(1)])
    face.put(NOVEMBER, face.content(NOVEMBER).replace(old, new, 1))

    with pytest.raises(StateError, match=words):
        face.ledger().read()
    with pytest.raises(StateError, match="Line 1 of"):
        face.ledger().append([a_record(2)])


def test_a_ledger_that_lost_something_is_never_a_shorter_one(face: Face) -> None:
    """Cut off in the middle of a line or after one, the newest month deleted, the oldest one, all of them."""
    ledger = face.ledger()
    ledger.append([a_record(1)])
    ledger.append([a_record(2)])
    ledger.append([a_record(3, at=IN_DECEMBER)])
    november, december = face.content(NOVEMBER), face.content(DECEMBER)
    first_line = november[: november.index(b"\n") + 1]
    lost: list[dict[str, bytes]] = [
        {NOVEMBER: november[:-9], DECEMBER: december},
        {NOVEMBER: first_line, DECEMBER: december},
        {NOVEMBER: november, DECEMBER: december[:-9]},
        {NOVEMBER: november, DECEMBER: b""},
        {NOVEMBER: november},
        {DECEMBER: december},
        {},
    ]
    for left in lost:
        for month in (NOVEMBER, DECEMBER):
            face.put(month, b"")
            if month in left:
                face.put(month, left[month])
            else:
                face.delete(month)
        for reader in (face.ledger(), ledger):
            with pytest.raises(StateError, match="backup"):
                reader.read()
    face.put(NOVEMBER, november)
    face.put(DECEMBER, december)

    assert 3 == len(face.ledger().read()) == len(ledger.read())


def test_a_damaged_head_is_damage(face: Face) -> None:
    """Without the head nobody knows what has been lost."""
    face.ledger().append([a_record(1)])
    for content in (b"{}", b"", b"\xff"):
        face.put(HEAD, content)
        with pytest.raises(StateError, match=r"head.json is damaged"):
            face.ledger().read()


# State and decisions


def test_state_comes_back(face: Face) -> None:
    """What was written last is read, nothing before the first time."""
    assert HubState() == face.state().read()
    face.state().write(KEPT, epoch=1)
    face.state().write(KEPT, epoch=1)

    assert KEPT == face.state().read()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"schema": 2, "state": {}}', b'{"schema": 1, "state": {"shards": 3}}', b"\xff"]
)
def test_state_that_cannot_be_understood_is_empty(face: Face, content: bytes) -> None:
    """State may be lost without breaking anything, and the next write replaces it."""
    face.put(STATE, content)
    assert HubState() == face.state().read()
    face.state().write(KEPT, epoch=1)

    assert KEPT == face.state().read()


def test_decisions_are_added_replaced_and_withdrawn(face: Face) -> None:
    """One decision for each kind and subject; a lost state takes none along."""
    waiver = Decision(DecisionKind.WAIVER, "blue", "agreed", "ada", NOON, code="removals")
    for decision in (a_block("blue"), waiver, a_block("green"), a_block("blue", "worse leak")):
        face.state().decide(decision)
    face.put(STATE, b"?")

    assert (waiver, a_block("green"), a_block("blue", "worse leak")) == face.state().decisions()
    assert face.state().withdraw("block", "blue") is True
    assert face.state().withdraw("block", "blue") is False
    assert (waiver, a_block("green")) == face.state().decisions()


def test_a_decision_that_only_a_newer_release_understands_is_kept_and_known_for_one(face: Face) -> None:
    """Blocks come and go beside it, here and there."""
    freeze = Decision(DecisionKind("freeze"), "tenant/blue", "audit", "ada", NOON)
    face.state().decide(freeze)
    face.state().decide(a_block("blue"))
    found = face.state().decisions()
    face.state().withdraw("block", "blue")

    assert (freeze, a_block("blue")) == found
    assert [True, False] == [one.kind.unknown for one in found]
    assert b"freeze" in face.content(DECISIONS)
    assert face.state().withdraw("freeze", "tenant/blue") is True


def test_decisions_at_once_are_all_kept(face: Face) -> None:
    """Eight people block eight tenants at the same moment."""
    tenants = [f"tenant{number}" for number in range(8)]
    answers = at_once(*(partial(face.state().decide, a_block(tenant)) for tenant in tenants))

    assert [None] * 8 == answers
    assert tenants == sorted(decision.subject for decision in face.state().decisions())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b'{"schema": 1}', "not decisions"),
        (b'{"schema": 1, "decisions": [{"kind": "unknown"}]}', "not decisions"),
        (b'{"schema": 2, "decisions": []}', "schema 2, written by a newer release"),
    ],
)
def test_decisions_that_cannot_be_read_are_never_taken_for_none(face: Face, content: bytes, words: str) -> None:
    """A block that cannot be read is an error, and nothing is written over it."""
    face.put(DECISIONS, content)

    with pytest.raises(StateError, match=f"recorded decisions cannot be read.*{words}"):
        face.state().decisions()
    with pytest.raises(StateError, match="cannot be read"):
        face.state().decide(a_block("blue"))
    assert content == face.content(DECISIONS)


# Reports


def test_the_newest_report_is_kept(face: Face) -> None:
    """Each hub has its own; none before the first pass."""
    face.status().record(HUB, {"plan_id": "a"}, epoch=1)
    face.status().record(HUB, {"plan_id": "b"}, epoch=1)

    assert {"plan_id": "b"} == face.status().latest(HUB)
    assert face.status().latest(OTHER_HUB) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_report_that_cannot_be_understood_is_none(face: Face, content: bytes) -> None:
    """The next pass renews it."""
    face.put(STATUS, content)
    assert face.status().latest(HUB) is None
    face.status().record(HUB, {"plan_id": "a"}, epoch=1)

    assert {"plan_id": "a"} == face.status().latest(HUB)


def test_a_report_that_is_not_json_is_refused(face: Face) -> None:
    """The one before stays."""
    face.status().record(HUB, {"plan_id": "a"}, epoch=1)
    with pytest.raises(StateError, match="cannot be kept"):
        face.status().record(HUB, {"at": NOON}, epoch=1)

    assert {"plan_id": "a"} == face.status().latest(HUB)


@pytest.mark.parametrize("name", ["../outside", "", "/outside", "a/b", ".", "Hub", "hub1?comp=x"])
def test_a_hub_s_name_never_leads_elsewhere(face: Face, name: str) -> None:
    """Names come from outside; what is no hub's name is refused before anything is asked."""
    with pytest.raises(StateError, match="A hub's name is"):
        face.status().record(HubName(name), {}, epoch=1)
    with pytest.raises(StateError, match="A hub's name is"):
        face.leases().acquire(HubName(name), "one")
