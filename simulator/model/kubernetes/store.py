"""Where one cluster's objects are kept: versions, uids, indexes and news of changes; no rules.

Belongs here: what etcd and the watch cache do. Does not belong here: whether a write is allowed (`writing`).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from simulator.model.clock import VirtualClock
from simulator.model.kubernetes.managed_fields import Owners
from simulator.model.trees import FrozenList, Object, freeze

type Key = tuple[str, str]
"""(namespace, name); the namespace is empty for cluster-scoped objects."""

_UID_SPACE = UUID("5f0f7a3e-7c1b-4b0e-9a55-6d8f5b1f2c11")


@dataclass(frozen=True, slots=True)
class Event:
    """One change: `old` is None for a new object, `new` for one that is gone."""

    kind: str
    old: Object | None
    new: Object | None

    @property
    def subject(self) -> Object:
        """The object as it is, or as it last was."""
        subject = self.new if self.new is not None else self.old
        assert subject is not None  # noqa: S101 - an event has at least one side
        return subject

    @property
    def key(self) -> Key:
        """Which object."""
        metadata = self.subject["metadata"]
        return metadata.get("namespace", ""), metadata["name"]


class Collection:
    """All objects of one kind."""

    __slots__ = ("_listing", "_order", "by_namespace", "objects", "owners")

    def __init__(self) -> None:
        self.objects: dict[Key, Object] = {}
        self.owners: dict[Key, Owners] = {}
        self.by_namespace: dict[str, dict[str, Object]] = {}
        self._order: list[Key] = []
        self._listing: FrozenList | None = None

    def listing(self) -> FrozenList:
        """All objects by namespace and name."""
        if self._listing is None:
            self._listing = FrozenList([self.objects[key] for key in self._order])
        return self._listing

    def within(self, namespace: str) -> list[Object]:
        """The objects of one namespace by name."""
        members = self.by_namespace.get(namespace)
        return [members[name] for name in sorted(members)] if members else []

    def put(self, key: Key, obj: Object, owners: Owners) -> None:
        """Add or replace."""
        if key not in self.objects:
            insort(self._order, key)
        self.objects[key] = obj
        self.owners[key] = owners
        self.by_namespace.setdefault(key[0], {})[key[1]] = obj
        self._listing = None

    def remove(self, key: Key) -> None:
        """Take out."""
        del self._order[bisect_left(self._order, key)]
        del self.objects[key], self.owners[key]
        members = self.by_namespace[key[0]]
        del members[key[1]]
        if not members:
            del self.by_namespace[key[0]]
        self._listing = None


class Store:
    """The objects of one cluster. `revision` counts writes; an object's resourceVersion is the revision that wrote it."""

    def __init__(self, cluster: str, kinds: Iterable[str], clock: VirtualClock) -> None:
        self.revision = 0
        self.listeners: list[Callable[[Event], None]] = []
        self.dependents: dict[str, dict[tuple[str, Key], None]] = {}
        self._collections: Mapping[str, Collection] = {kind: Collection() for kind in kinds}
        self._clock = clock
        self._space = uuid5(_UID_SPACE, cluster)
        self._uids = 0

    def __getitem__(self, kind: str) -> Collection:
        return self._collections[kind]

    def now(self) -> datetime:
        """Virtual time."""
        return self._clock.now()

    def stamp(self) -> str:
        """Virtual time as the API writes it."""
        return timestamp(self._clock.now())

    def new_uid(self) -> str:
        """The next uid; the same for the same history."""
        self._uids += 1
        return str(uuid5(self._space, str(self._uids)))

    def put(self, kind: str, key: Key, old: Object | None, obj: Mapping[str, Any], owners: Owners) -> Object:
        """Store an object under a new resourceVersion and tell the listeners."""
        self.revision += 1
        metadata = dict(obj["metadata"])
        metadata["resourceVersion"] = str(self.revision)
        stored: Object = freeze({**obj, "metadata": metadata})
        self._collections[kind].put(key, stored, owners)
        if old is None:
            for reference in metadata.get("ownerReferences") or ():
                self.dependents.setdefault(reference["uid"], {})[kind, key] = None
        self._tell(Event(kind, old, stored))
        return stored

    def remove(self, kind: str, key: Key) -> Object:
        """Take an object out and tell the listeners."""
        self.revision += 1
        collection = self._collections[kind]
        old = collection.objects[key]
        collection.remove(key)
        for reference in old["metadata"].get("ownerReferences") or ():
            members = self.dependents.get(reference["uid"], {})
            members.pop((kind, key), None)
            if not members:
                self.dependents.pop(reference["uid"], None)
        self._tell(Event(kind, old, None))
        return old

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)


@lru_cache(maxsize=256)
def timestamp(moment: datetime) -> str:
    """RFC 3339 with whole seconds, as `metav1.Time` is written."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def suffix(number: int) -> str:
    """Five characters for generated names, from Kubernetes' alphabet without vowels."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    state = (number * 2654435761 + 97) % 27**5
    letters = []
    for _ in range(5):
        state, index = divmod(state, 27)
        letters.append(alphabet[index])
    return "".join(letters)
