"""What kube-controller-manager does when things are deleted: namespaces empty themselves, dependents follow their owners.

Belongs here: the namespace controller and the garbage collector (background deletion).
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.model.kubernetes.controllers import ObjectStore, Wake
from simulator.model.kubernetes.store import Event, Key
from simulator.model.trees import is_terminating

_NAMESPACED = ("EgressGateway", "Deployment", "PodDisruptionBudget", "Pod")
"""Content of namespaces, in the order in which it is deleted."""


class NamespaceController:
    """Empties a namespace whose deletion was asked for, and lets it go when it is empty and all groups are discoverable."""

    watches = frozenset({"Namespace", *_NAMESPACED})

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def wakes(self, event: Event) -> Iterable[Wake]:
        """A namespace that is being deleted, and everything that leaves one."""
        if event.kind == "Namespace":
            return [(event.key, 0.0)] if event.new is not None and is_terminating(event.new) else ()
        if event.new is not None:
            return ()
        return [(("", event.key[0]), 0.0)]

    def reconcile(self, key: Key) -> float | None:
        """Delete what is left; finish when nothing is."""
        namespace = self._store.get("Namespace", "", key[1])
        if namespace is None or not is_terminating(namespace):
            return None
        for kind in _NAMESPACED:
            for obj in self._store.list(kind, key[1]):
                if not is_terminating(obj):
                    self._store.delete(kind, key[1], obj["metadata"]["name"], uid=obj["metadata"]["uid"])
        if not any(self._store.list(kind, key[1]) for kind in _NAMESPACED):
            self._store.finalize(key[1])
        return None


class GarbageCollector:
    """Deletes what names an owner that is gone. A key is (uid of the gone owner, "")."""

    def __init__(self, store: ObjectStore, kinds: Iterable[str]) -> None:
        self.watches = frozenset(kinds)
        self._store = store

    def wakes(self, event: Event) -> Iterable[Wake]:
        """Owners that went."""
        if event.new is not None:
            return ()
        uid = event.subject["metadata"]["uid"]
        return [((uid, ""), 0.0)] if self._store.dependents(uid) else ()

    def reconcile(self, key: Key) -> float | None:
        """Delete the dependents, each with its own grace."""
        for kind, (namespace, name) in self._store.dependents(key[0]):
            found = self._store.get(kind, namespace, name)
            if found is not None and not is_terminating(found):
                self._store.delete(kind, namespace, name, uid=found["metadata"]["uid"])
        return None
