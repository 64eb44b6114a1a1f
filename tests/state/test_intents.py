"""What is asked of a hub: nothing gets lost, and a pass takes away just what it has served."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_builders import NOON
from state_faces import HUB, OTHER_HUB, Storage, at_once, new_parts

from function_app.adapters.storage_intents import MOST_ASKED
from function_app.model.errors import StateError
from function_app.model.intent import MOST_NAMED, REST, HubIntent, Intent, Reason, merged
from function_app.model.names import Commit, TenantName

PUSH = Intent(frozenset({Reason.PUSH}), (Commit("1" * 40),), by=("ada",))
RESYNC = Intent(frozenset({Reason.RESYNC}), tenants=frozenset({TenantName("blue")}), by=("bob",))

intents = st.builds(
    Intent,
    reasons=st.frozensets(st.sampled_from(Reason)),
    commits=st.lists(st.text("0123456789abcdef", min_size=2, max_size=2), unique=True, max_size=MOST_NAMED).map(tuple),
    tenants=st.frozensets(st.text(max_size=3), max_size=3),
    by=st.lists(st.text(max_size=2), unique=True, max_size=MOST_NAMED).map(tuple),
)


def test_two_intents_are_one() -> None:
    """Everything that either asked for; who asked twice is named once."""
    both = merged(merged(PUSH, RESYNC), PUSH)

    assert Intent(frozenset({Reason.PUSH, Reason.RESYNC}), PUSH.commits, RESYNC.tenants, ("bob", "ada")) == both


@settings(max_examples=60)
@given(intents, intents, intents)
def test_merging_in_any_grouping_is_the_same(one: Intent, two: Intent, three: Intent) -> None:
    """With the empty intent as neutral, no reason or tenant lost, and names bounded."""
    together = merged(merged(one, two), three)

    assert together == merged(one, merged(two, three))
    assert one == merged(one, Intent()) == merged(Intent(), one)
    assert one.reasons | two.reasons | three.reasons == together.reasons
    assert one.tenants | two.tenants | three.tenants == together.tenants
    assert set(three.commits) <= set(together.commits)
    assert len(together.commits) <= MOST_NAMED


def test_a_message_finds_work() -> None:
    """Somebody has asked, or the next look is due, give or take what a queue rounds."""
    assert not HubIntent(wanted=3, served=3).calls_for_a_pass(NOON)
    assert HubIntent(wanted=3, served=2).calls_for_a_pass(NOON)
    assert HubIntent(look_again_at=NOON + timedelta(seconds=1)).calls_for_a_pass(NOON)
    assert not HubIntent(look_again_at=NOON + timedelta(seconds=9)).calls_for_a_pass(NOON)


def test_who_may_wait_does_so_for_a_quarter_of_a_minute() -> None:
    """Pushes and the timer, after a pass that somebody had asked for; a person never does."""
    served = HubIntent(wanted=3, served=2, intent=PUSH, served_at=NOON)
    until = NOON + REST

    assert until == served.rests_until(NOON + timedelta(seconds=1))
    assert served.rests_until(until) is None
    assert replace(served, intent=merged(PUSH, RESYNC)).rests_until(NOON) is None
    assert replace(served, served=3).rests_until(NOON) is None
    assert replace(served, served_at=None).rests_until(NOON) is None


def test_a_look_that_is_due_leaves_to_their_rest_who_wait() -> None:
    """It serves nobody then; once the rest is over, or when a person is among them, it serves all."""
    waiting = HubIntent(wanted=3, served=2, intent=PUSH, served_at=NOON, look_again_at=NOON)

    assert waiting.look_is_due(NOON)
    assert not waiting.less_who_rest(NOON).pending
    assert Intent() == waiting.less_who_rest(NOON).intent
    assert waiting == waiting.less_who_rest(NOON + REST)
    hurried = replace(waiting, intent=merged(PUSH, RESYNC))
    assert hurried == hurried.less_who_rest(NOON)


def test_what_is_asked_twice_is_one_more_pass(storage: Storage) -> None:
    """A pass begins, two more events come: after it something is wanted, after one more nothing is."""
    asked = storage.parts.intents
    assert HubIntent() == asked.read(HUB)
    assert 1 == asked.record(HUB, PUSH)
    begun = asked.read(HUB)
    assert (1, 0, PUSH, True) == (begun.wanted, begun.served, begun.intent, begun.pending)

    assert 2 == asked.record(HUB, RESYNC)
    assert 3 == asked.record(HUB, RESYNC)
    asked.served(HUB, begun.wanted, NOON)
    again = asked.read(HUB)
    assert (3, 1, RESYNC, True) == (again.wanted, again.served, again.intent, again.pending)

    asked.served(HUB, again.wanted, NOON)
    asked.served(HUB, 1, NOON)
    assert HubIntent(wanted=3, served=3, served_at=NOON) == asked.read(HUB)
    assert HubIntent() == asked.read(OTHER_HUB)


def test_many_who_ask_lose_nothing(storage: Storage) -> None:
    """Thirty threads of three instances at once: thirty numbers, each once, and every reason is there."""
    parts = [new_parts(storage.server, storage.container_name) for _ in range(3)]
    calls = [
        partial(
            each.intents.record, HUB, Intent(frozenset({list(Reason)[n % 4]}), tenants=frozenset({TenantName(f"t{n}")}))
        )
        for n in range(10)
        for each in parts
    ]
    numbers = at_once(*calls)
    for each in parts:
        each.close()

    assert list(range(1, 31)) == sorted(number for number in numbers if isinstance(number, int))
    stands = storage.parts.intents.read(HUB)
    assert (30, frozenset(Reason), 10) == (stands.wanted, stands.intent.reasons, len(stands.intent.tenants))
    assert len(storage.content("intent.json")) < 10_000


def test_more_than_is_kept_apart_is_merged_and_never_dropped(storage: Storage) -> None:
    """What came first is still told apart from what came last."""
    asked = storage.parts.intents
    for number in range(MOST_ASKED + 3):
        asked.record(HUB, Intent(tenants=frozenset({TenantName(f"t{number}")})))
    assert MOST_ASKED + 3 == len(asked.read(HUB).intent.tenants)
    asked.served(HUB, 5, NOON)

    assert frozenset(f"t{number}" for number in range(5, MOST_ASKED + 3)) == asked.read(HUB).intent.tenants
    asked.served(HUB, MOST_ASKED + 3, NOON)
    assert Intent() == asked.read(HUB).intent


def test_the_next_look_is_news_once(storage: Storage) -> None:
    """Whoever notes another time sends a message; who notes the same one does not. It stays apart from what is asked."""
    asked = storage.parts.intents
    due = NOON + timedelta(seconds=40)
    asked.record(HUB, PUSH)

    assert [True, False, True, False] == [asked.look_again(HUB, at) for at in (due, due, None, None)]
    assert asked.look_again(HUB, due)
    asked.served(HUB, 1, NOON)
    assert HubIntent(1, 1, Intent(), due, NOON) == asked.read(HUB)


def test_an_intent_that_cannot_be_understood_is_a_pass_wanted(storage: Storage) -> None:
    """Nobody knows what was asked, so a pass looks; a newer release's is left alone."""
    asked = storage.parts.intents
    for content in (b"", b"{", b'{"schema": 1, "intent": 7}'):
        storage.put("intent.json", content)
        assert asked.read(HUB).pending
        assert 2 == asked.record(HUB, PUSH)
    storage.put("intent.json", b'{"schema": 4}')
    for call in (lambda: asked.read(HUB), lambda: asked.record(HUB, PUSH), lambda: asked.served(HUB, 1, NOON)):
        with pytest.raises(StateError, match="schema 4, written by a newer release"):
            call()
    assert b'{"schema": 4}' == storage.content("intent.json")
