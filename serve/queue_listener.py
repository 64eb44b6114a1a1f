"""The stand-in's queue trigger: one message at a time, hidden while it is worked on, set aside when it failed too often.

As Microsoft.Azure.WebJobs.Extensions.Storage does it with the settings of host.json: hidden for ten minutes and renewed at half
time, hidden for `visibilityTimeout` after a failure, moved to `NAME-poison` after `maxDequeueCount` tries.
"""

from __future__ import annotations

import contextlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Self

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

HIDDEN_SECONDS = 600
"""So long a message is hidden; when the whole host dies it comes back after that."""
_FASTEST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class QueueRules:
    """host.json's `extensions.queues`."""

    most_tries: int = 5
    pause_seconds: int = 30
    longest_poll_seconds: float = 2.0
    hidden_seconds: int = HIDDEN_SECONDS


class QueueListener:
    """Hands messages to `work`, which says whether it succeeded. A context manager: it listens in a thread."""

    def __init__(
        self, queue: QueueClient, poison: QueueClient, work: Callable[[str, int], bool], rules: QueueRules
    ) -> None:
        self._queue, self._poison, self._work, self._rules = queue, poison, work, rules
        self._stopping = Event()
        self._thread = Thread(target=self._listen, name="queue", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()

    def _listen(self) -> None:
        pause = _FASTEST_SECONDS
        while not self._stopping.wait(pause):
            try:
                found = self._one()
            except AzureError:  # storage does not answer: later
                found = False
            pause = 0.0 if found else min(max(pause, _FASTEST_SECONDS) * 1.5, self._rules.longest_poll_seconds)

    def _one(self) -> bool:
        """Receive and work on a message; False when there is none."""
        try:
            message = self._queue.receive_message(visibility_timeout=self._rules.hidden_seconds)
        except ResourceNotFoundError:  # the app makes it with its first message
            return False
        if message is None:
            return False
        over = Event()
        renewing = Thread(target=self._renew, args=(message, over), daemon=True)
        renewing.start()
        try:
            content = b64decode(message.content, validate=True).decode()
            done = self._work(content, message.dequeue_count or 1)
        except ValueError:
            done = False
        finally:
            over.set()
            renewing.join()
        self._finish(message, done=done)
        return True

    def _renew(self, message: QueueMessage, over: Event) -> None:
        while not over.wait(self._rules.hidden_seconds / 2):
            with contextlib.suppress(AzureError):
                renewed = self._queue.update_message(message, visibility_timeout=self._rules.hidden_seconds)
                message.pop_receipt = renewed.pop_receipt

    def _finish(self, message: QueueMessage, *, done: bool) -> None:
        if done:
            self._queue.delete_message(message)
        elif (message.dequeue_count or 1) < self._rules.most_tries:
            self._queue.update_message(message, visibility_timeout=self._rules.pause_seconds)
        else:
            with contextlib.suppress(AzureError):
                self._poison.create_queue()
            self._poison.send_message(message.content)
            self._queue.delete_message(message)
