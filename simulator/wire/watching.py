"""Watches: what changed since a list, and what changes from now on.

A list's answer is remembered for a while by its resourceVersion, so that a watch from there misses nothing. A watch from a
version that is no longer remembered gets 410 `Expired`, as from an API server whose watch cache has moved on.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, RLock
from typing import Any

from simulator.model.errors import ApiError
from simulator.wire.messages import status_answer

Object = Mapping[str, Any]
Snapshot = Mapping[str, Object]

REMEMBERED_LISTS = 512
POLL_SECONDS = 0.05
"""Real seconds between two looks at the world."""


class RememberedLists:
    """Snapshots by (what was listed, resourceVersion), the oldest forgotten first."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[tuple[object, str], Snapshot] = OrderedDict()

    def remember(self, listed: object, resource_version: str, items: Sequence[Object]) -> None:
        """Keep a complete list for watches that start from it."""
        self._snapshots[listed, resource_version] = snapshot(items)
        self._snapshots.move_to_end((listed, resource_version))
        while len(self._snapshots) > REMEMBERED_LISTS:
            self._snapshots.popitem(last=False)

    def recall(self, listed: object, resource_version: str) -> Snapshot | None:
        """The list as it was, None when it is forgotten. No version or 0 means: from nothing."""
        if resource_version in ("", "0"):
            return {}
        return self._snapshots.get((listed, resource_version))


def snapshot(items: Sequence[Object]) -> Snapshot:
    """Objects by uid."""
    return {item["metadata"]["uid"]: item for item in items}


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watch looks at: the objects, the store's revision, and each object as the client wants it shown."""

    look: Callable[[], Sequence[Object]]
    revision: Callable[[], int]
    shown: Callable[[Object], Any]
    lock: RLock

    def look_if_newer(self, seen: int) -> tuple[int, Sequence[Object] | None]:
        """The revision, and the objects unless nothing was stored since `seen`."""
        with self.lock:
            revision = self.revision()
            return revision, None if revision == seen else self.look()


def events(watched: Watched, start: Snapshot | None, stopping: Event, seconds: float) -> Iterator[bytes]:
    """One JSON line per event until `seconds` of real time are over, the server stops or the API goes away."""
    if start is None:
        expired = ApiError(410, "Expired", "The resourceVersion for the provided watch is too old.")
        yield _line("ERROR", json.loads(status_answer(expired).body))
        return
    known, seen, end = start, -1, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            seen, items = watched.look_if_newer(seen)
        except ApiError:
            return
        if items is not None:
            current = snapshot(items)
            for event, item in _differences(known, current):
                yield _line(event, watched.shown(item))
            known = current
        if stopping.wait(POLL_SECONDS):
            return


def _differences(known: Snapshot, current: Snapshot) -> Iterator[tuple[str, Object]]:
    for uid, item in known.items():
        if uid not in current:
            yield "DELETED", item
    for uid, item in current.items():
        if uid not in known:
            yield "ADDED", item
        elif known[uid]["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
            yield "MODIFIED", item


def _line(event: str, item: Object) -> bytes:
    return json.dumps({"type": event, "object": item}, separators=(",", ":")).encode() + b"\n"
