"""What every controller of a cluster is built from: the object store it acts through, and the loop that runs it.

Belongs here: `ObjectStore`, `Controller` and `ControlLoop`. Controllers are level-triggered: told that something about a key
may have changed, they look and act. They touch objects through `ObjectStore` alone, so that the same controllers can act on
a real API server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from simulator.model.clock import VirtualClock
from simulator.model.errors import ApiError
from simulator.model.kubernetes.store import Event, Key
from simulator.model.trees import Object

RETRY_SECONDS = 5.0
"""After how long a controller tries again what an API error stopped."""
_STEPS_WITHOUT_REST = 200_000


class ObjectStore(Protocol):
    """The objects of one cluster, read and written under one field manager's name. Raises ApiError."""

    manager: str

    def now(self) -> datetime:
        """The present moment."""

    def list(self, kind: str, namespace: str = "") -> Sequence[Object]:
        """All objects of a kind, or those of one namespace, by name."""

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, None when it does not exist."""

    def create(self, kind: str, body: Mapping[str, Any]) -> Object:
        """A new object."""

    def update(self, kind: str, body: Mapping[str, Any]) -> Object:
        """Replace the main resource."""

    def update_status(self, kind: str, body: Mapping[str, Any]) -> Object:
        """Replace the status."""

    def delete(self, kind: str, namespace: str, name: str, *, uid: str = "", grace_seconds: int | None = None) -> None:
        """Delete; 404 when it does not exist."""

    def bind(self, pod: Object, node: str) -> Object:
        """Put a pod on a node."""

    def dependents(self, uid: str) -> Sequence[tuple[str, Key]]:
        """Kind and key of everything that names this uid as an owner."""

    def finalize(self, namespace: str) -> None:
        """Finish the deletion of a namespace without content; 503 while a group of the API cannot be discovered."""


type Wake = tuple[Key, float]
"""A key to look at, and in how many seconds."""


class Controller(Protocol):
    """One controller. `watches` are the kinds whose changes it is told of."""

    watches: frozenset[str]

    def wakes(self, event: Event) -> Iterable[Wake]:
        """Which keys a change concerns."""

    def reconcile(self, key: Key) -> float | None:
        """Bring one key to where it should be; in how many seconds to look again, None for not until something changes."""


@dataclass(frozen=True, slots=True)
class _Item:
    controller: int
    key: Key


class ControlLoop:
    """Runs controllers until nothing is left to do, and again whenever the clock says so."""

    def __init__(self, clock: VirtualClock, controllers: Sequence[Controller]) -> None:
        self._clock = clock
        self._controllers = controllers
        self._watchers: dict[str, list[tuple[int, Controller]]] = {}
        for index, controller in enumerate(controllers):
            for kind in controller.watches:
                self._watchers.setdefault(kind, []).append((index, controller))
        self._queue: dict[_Item, None] = {}
        self._due: dict[_Item, datetime] = {}
        self._running = False

    def observe(self, event: Event) -> None:
        """Take note of a change; `settle` acts on it."""
        for index, controller in self._watchers.get(event.kind, ()):
            for key, seconds in controller.wakes(event):
                self._wake(_Item(index, key), seconds)

    def wake(self, controller: Controller, key: Key) -> None:
        """Let a controller look at a key."""
        self._queue[_Item(self._controllers.index(controller), key)] = None

    def settle(self) -> None:
        """Run until every controller is content with what it sees now."""
        if self._running:
            return
        self._running = True
        try:
            for _ in range(_STEPS_WITHOUT_REST):
                if not self._queue:
                    return
                item = next(iter(self._queue))
                del self._queue[item]
                self._step(item)
        finally:
            self._running = False
        raise RuntimeError(f"controllers do not settle; still waiting: {list(self._queue)[:5]}")

    def _step(self, item: _Item) -> None:
        try:
            again = self._controllers[item.controller].reconcile(item.key)
        except ApiError:
            again = RETRY_SECONDS
        if again is not None:
            self._wake(item, again)

    def _wake(self, item: _Item, seconds: float) -> None:
        if seconds <= 0:
            self._queue[item] = None
            return
        now = self._clock.now()
        planned = self._due.get(item)
        if planned is not None and (planned - now).total_seconds() <= seconds:
            return
        self._clock.schedule(seconds, partial(self._fire, item))
        self._due[item] = now + timedelta(seconds=seconds)

    def _fire(self, item: _Item) -> None:
        due = self._due.get(item)
        if due is None or due > self._clock.now():
            return
        del self._due[item]
        self._queue[item] = None
        self.settle()


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """An object's condition of one type, None when it has none."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((entry for entry in conditions if entry["type"] == kind), None)


def holds(obj: Mapping[str, Any], kind: str) -> bool:
    """Whether a condition of an object is True."""
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


def with_condition(
    conditions: Sequence[Mapping[str, Any]], new: Mapping[str, Any], now: str
) -> list[Mapping[str, Any]]:
    """Conditions with one set; its transition time moves only with its status."""
    result: list[Mapping[str, Any]] = []
    placed = False
    for entry in conditions:
        if entry["type"] != new["type"]:
            result.append(entry)
            continue
        since = entry["lastTransitionTime"] if entry["status"] == new["status"] else now
        result.append({**new, "lastTransitionTime": since})
        placed = True
    if not placed:
        result.append({**new, "lastTransitionTime": now})
    return result


def controller_of(obj: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner that controls an object, None when it has none."""
    return next((entry for entry in obj["metadata"].get("ownerReferences") or () if entry.get("controller")), None)


def owner_reference(owner: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reference to a controlling owner."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
