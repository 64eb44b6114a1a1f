"""The queue of passes, on a real Azurite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from azure.storage.queue import QueueClient, TextBase64DecodePolicy
from state_faces import HUB, OTHER_HUB, new_parts, until

from function_app.adapters.storage_parts import StorageParts
from function_app.adapters.storage_passes import POISON_QUEUE, QUEUE, PassQueue, hub_in
from function_app.model.errors import StateError
from function_app.model.names import HubName
from real.azurite.server import Azurite
from real.npm import Program


@pytest.fixture
def parts(azurite: Azurite) -> Iterator[StorageParts]:
    """An account whose queues are empty."""
    with new_parts(azurite, "queues") as made:
        for name in (QUEUE, POISON_QUEUE):
            if any(each.name == name for each in made.account._queue_service.list_queues()):
                made.account.queue(name).clear_messages()
        yield made


def received(parts: StorageParts) -> list[str]:
    """What the host hands to the trigger: decoded from base64, and hidden from others for a second."""
    queue = parts.account._queue_service.get_queue_client(QUEUE, message_decode_policy=TextBase64DecodePolicy())
    return [str(message.content) for message in queue.receive_messages(visibility_timeout=1)]


def set_aside(parts: StorageParts, content: str) -> None:
    """The host puts a message that failed five times into the poison queue as it is."""
    queue: QueueClient = parts.account._queue_service.get_queue_client(POISON_QUEUE)
    if not any(each.name == POISON_QUEUE for each in parts.account._queue_service.list_queues()):
        queue.create_queue()
    queue.send_message(content)


def test_a_message_names_a_hub_and_comes_again_until_it_is_deleted(parts: StorageParts) -> None:
    """At least once: nobody deleted it, so it is there a second time."""
    parts.passes.send(HUB)
    (content,) = received(parts)
    assert HUB == hub_in(content)
    assert [] == received(parts)

    again: list[str] = []
    for _ in until(5):
        again += received(parts)
        if again:
            break
    assert [content] == again


def test_who_sends_at_the_same_moment_sends_one_message(parts: StorageParts, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is being sent five more come: one message for all of them, since the first may have been read before they asked."""
    begun, let_go = Event(), Event()
    queue = parts.passes
    send = queue._queue.send_message

    def slow(*arguments: Any, **named: Any) -> Any:
        begun.set()
        assert let_go.wait(20)
        return send(*arguments, **named)

    monkeypatch.setattr(queue._queue, "send_message", slow)
    sending = [Thread(target=queue.send, args=(HUB,)) for _ in range(6)]
    sending[0].start()
    assert begun.wait(20)
    for thread in sending[1:]:
        thread.start()
    while len(queue._lines[HUB]._waiting) < 5:
        sending[0].join(0.01)
    let_go.set()
    for thread in sending:
        thread.join(20)

    assert [HUB, HUB] == [hub_in(content) for content in received(parts)]


def test_a_delayed_message_waits(parts: StorageParts) -> None:
    """Parts of a second are rounded up; what is sent at once overtakes it."""
    sent = datetime.now(UTC)
    parts.passes.send(OTHER_HUB, delay_seconds=1.2)
    parts.passes.send(HUB)
    assert [HUB] == [hub_in(content) for content in received(parts)]

    for _ in until(6):
        if OTHER_HUB in [hub_in(content) for content in received(parts)]:
            break
    waited = datetime.now(UTC) - sent
    assert timedelta(seconds=1) < waited < timedelta(seconds=6)


def test_a_delay_beyond_a_message_s_life_is_cut(parts: StorageParts) -> None:
    """Storage would refuse it, and the timer comes long before."""
    parts.passes.send(HUB, delay_seconds=10**9)
    parts.passes.send(HUB, delay_seconds=-5)

    assert 1 == len(received(parts))


def test_poison_is_shown_and_revived_once(parts: StorageParts) -> None:
    """What failed too often stands there until it is asked for again, whoever put it there and whatever it says."""
    assert () == parts.passes.poisoned()
    for content in ("eyJodWIiOiAiaHViMSJ9", "eyJodWIiOiAiaHViMSJ9", "eyJodWIiOiAiLi4vaHViIn0=", "<not base64>", "W10="):
        set_aside(parts, content)
    shown = parts.passes.poisoned()

    assert [HUB, HUB, None, None, None] == [message.hub for message in shown]
    assert all(abs(message.since - datetime.now(UTC)) < timedelta(minutes=1) for message in shown)
    assert shown == parts.passes.revive()
    assert () == parts.passes.poisoned() == parts.passes.revive()
    assert [HUB] == [hub_in(content) for content in received(parts)]


@pytest.mark.parametrize(
    "content", ["", "hub1", "[]", "7", '{"hub": 7}', '{"hub": "../x"}', '{"name": "hub1"}', b"\xff"]
)
def test_a_message_of_others_is_refused(content: str | bytes) -> None:
    """It names no hub; nothing of it is shown."""
    with pytest.raises(StateError, match="names no hub"):
        hub_in(content)


def test_queues_are_made_when_they_are_missing(program: Program) -> None:
    """A new account has none; a name that no hub can have is never sent."""
    with Azurite(program) as server, new_parts(server, "state") as parts:
        assert () == PassQueue(parts.account).poisoned()
        PassQueue(parts.account).send(HUB)
        assert 1 == len(received(parts))
        with pytest.raises(StateError, match="A hub's name is"):
            PassQueue(parts.account).send(HubName("Hub 1"))
