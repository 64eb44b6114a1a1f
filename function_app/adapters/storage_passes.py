"""The queue of passes to be made, and what the Functions host set aside from it.

A message is a hub's name as JSON, or null for those that nobody knows yet, far below a queue's limit of 64 KiB. The host moves a
message that failed five times to the poison queue, whose name is its convention (learn.microsoft.com, Azure Queue storage trigger).
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from azure.storage.queue import QueueClient, QueueMessage

from function_app.adapters.answers import Call
from function_app.adapters.storage_account import StorageAccount
from function_app.adapters.storage_blobs import hub_path
from function_app.adapters.storage_errors import Refused, asked
from function_app.adapters.together import Together
from function_app.model.errors import StateError
from function_app.model.names import HubName, TargetName
from function_app.ports import PoisonedMessage

QUEUE = "egress-passes"
POISON_QUEUE = f"{QUEUE}-poison"
_LONGEST_DELAY = 7 * 24 * 3600
"""Seconds: a message lives so long, and one that appears later would never be seen."""
_MOST = 32
"""Messages that storage hands out at once."""
_REVIVING_SECONDS = 60


class PassQueue:
    """`Passes` of an account."""

    def __init__(self, account: StorageAccount) -> None:
        self._target = TargetName(f"storage/{account.name}")
        self._queue = account.queue(QUEUE)
        self._poison = account.queue(POISON_QUEUE)
        self._lines: dict[HubName | None, Together[None, None]] = {}

    def send(self, hub: HubName | None, delay_seconds: float = 0.0) -> None:
        """Ask for a pass, in whole seconds rounded up; raises StateError, also for a name that no hub can have.

        A message says nothing but where to look: those who send one for now at the same moment send one together.
        """
        if hub is not None:
            hub_path(hub)
        delay = min(max(-int(-delay_seconds // 1), 0), _LONGEST_DELAY - 1)
        if delay:
            self._send(hub, delay)
            return
        self._lines.setdefault(hub, Together(partial(self._send_for_all, hub)))(None)

    def _send_for_all(self, hub: HubName | None, together: Sequence[None]) -> Sequence[None]:
        self._send(hub, 0)
        return together

    def _send(self, hub: HubName | None, delay: int) -> None:
        message = json.dumps({"hub": hub})
        self._asked("send to", QUEUE, lambda: self._queue.send_message(message, visibility_timeout=delay))

    def poisoned(self) -> tuple[PoisonedMessage, ...]:
        """What was set aside, oldest first, at most 32 messages; they stay there. Raises StateError."""
        return _poisoned(self._asked("look into", POISON_QUEUE, lambda: self._poison.peek_messages(max_messages=_MOST)))

    def revive(self) -> tuple[PoisonedMessage, ...]:
        """Ask for the passes of what was set aside once more, then take it away; what names no hub is only taken away.

        Killed in between, a pass is asked for twice. Raises StateError.
        """
        messages = self._asked(
            "receive from",
            POISON_QUEUE,
            lambda: list(self._poison.receive_messages(max_messages=_MOST, visibility_timeout=_REVIVING_SECONDS)),
        )
        found = _poisoned(messages)
        for hub in dict.fromkeys(each.hub for each in found if each.hub is not None):
            self.send(hub)
        for message in messages:
            self._asked("delete from", POISON_QUEUE, _deleting(self._poison, message))
        return found

    def _asked[T](self, verb: str, queue: str, action: Callable[[], T]) -> T:
        """What a call returns; the queue is made when it is missing."""
        call = Call(self._target, verb, f"queue {queue}")
        try:
            return asked(call, action)
        except Refused as refused:
            if refused.code != "QueueNotFound":
                raise refused.in_words() from None
        client = self._queue if queue == QUEUE else self._poison
        try:
            asked(Call(self._target, "make", f"queue {queue}"), client.create_queue)
        except Refused as refused:
            # Somebody else has made it meanwhile; storage says so with a 204, which its library takes for a refusal.
            if refused.status not in (204, 409):
                raise refused.in_words() from None
        try:
            return asked(call, action)
        except Refused as refused:
            raise refused.in_words() from None


def hub_in(content: str | bytes) -> HubName | None:
    """The hub that a message names, None for those that nobody knows yet, as the Functions host hands it over.

    Raises StateError for what we would not have sent.
    """
    try:
        named = json.loads(content)["hub"]
        if named is None:
            return None
        hub = HubName(named)
        hub_path(hub)
    except (ValueError, TypeError, KeyError, StateError):
        raise StateError("The message names no hub; whatever sent it is not this service.") from None
    return hub


def _poisoned(messages: Iterable[QueueMessage]) -> tuple[PoisonedMessage, ...]:
    found = [PoisonedMessage(_hub_or_none(each.content), each.inserted_on or datetime.now(UTC)) for each in messages]
    return tuple(sorted(found, key=lambda each: each.since))


def _hub_or_none(content: str) -> HubName | None:
    """What lies in the queue is base64; anybody with the right to may have put something else there."""
    try:
        return hub_in(b64decode(content, validate=True))
    except (StateError, ValueError):
        return None


def _deleting(queue: QueueClient, message: QueueMessage) -> Callable[[], None]:
    def delete() -> None:
        queue.delete_message(message)

    return delete
