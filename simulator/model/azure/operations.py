"""Asynchronous operations: started by a call, ended by the clock, asked about by id, forgotten after a while.

Terminal states are Succeeded and Failed (Microsoft Learn, async-operations). How long Azure remembers is not documented;
an hour for writes and ten minutes for listings are assumptions.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from simulator.model.clock import VirtualClock
from simulator.model.errors import ArmError

KEPT_WRITE = timedelta(hours=1)
KEPT_LISTING = timedelta(minutes=10)


class OperationState(StrEnum):
    """As the operation's body says it."""

    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(slots=True)
class Operation:
    """One operation. `error` is (code, message) once it failed; `result` what a listing found."""

    id: str
    started: datetime
    ends: datetime
    kept: timedelta
    state: OperationState = OperationState.IN_PROGRESS
    error: tuple[str, str] | None = None
    result: dict[str, Any] | None = None

    def fail(self, code: str, message: str) -> None:
        """End without success."""
        self.state, self.error = OperationState.FAILED, (code, message)

    def body(self) -> dict[str, Any]:
        """As ARM speaks it."""
        body: dict[str, Any] = {"status": str(self.state), "startTime": self.started.isoformat()}
        if self.error is not None:
            body["error"] = {"code": self.error[0], "message": self.error[1]}
        return body


Finish = Callable[[Operation], None]
"""Brings about the effect; the operation has succeeded unless this fails it."""


class Operations:
    """All operations of one hub."""

    def __init__(self, clock: VirtualClock, scope: str) -> None:
        self._clock = clock
        self._scope = scope
        self._operations: dict[str, Operation] = {}
        self._count = 0

    def start(self, seconds: float, finish: Finish, kept: timedelta = KEPT_WRITE) -> Operation:
        """Begin one which ends that many seconds from now."""
        self._count += 1
        now = self._clock.now()
        identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._scope}/operations/{self._count}"))
        operation = Operation(identity, now, now + timedelta(seconds=seconds), kept)
        self._operations[identity] = operation
        self._clock.schedule(seconds, partial(self._end, operation, finish))
        return operation

    def get(self, identity: str) -> Operation:
        """Raises ArmError 404 for one that never was or is forgotten."""
        operation = self._operations.get(identity)
        if operation is None:
            raise ArmError(404, "NotFound", f"Operation {identity} is not found: it never was, or its result expired.")
        return operation

    def _end(self, operation: Operation, finish: Finish) -> None:
        finish(operation)
        if operation.state is OperationState.IN_PROGRESS:
            operation.state = OperationState.SUCCEEDED
        self._clock.schedule(operation.kept.total_seconds(), partial(self._forget, operation.id))

    def _forget(self, identity: str) -> None:
        del self._operations[identity]
