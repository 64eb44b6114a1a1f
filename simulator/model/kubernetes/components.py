"""The object store as controllers inside the simulated cluster see it.

Belongs here: `ComponentStore`, which fills `controllers.ObjectStore` over the API's own rules. Does not belong here: what
clients call (`api`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from simulator.model.kubernetes import aggregated
from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.refusals import unreachable
from simulator.model.kubernetes.store import Key, Store
from simulator.model.kubernetes.writing import ObjectWriter, Writer
from simulator.model.trees import Object


class ComponentStore:
    """The objects of one cluster as a controller sees them: the rules hold, nothing is counted and nobody settles.

    `serves` says whether somebody answers for a kind right now; what nobody answers for is refused with 503.
    """

    def __init__(
        self,
        kinds: Mapping[str, ServedKind],
        serves: Callable[[ServedKind], bool],
        store: Store,
        writer: ObjectWriter,
        manager: str,
    ) -> None:
        self.manager = manager
        self._kinds = kinds
        self._serves = serves
        self._store = store
        self._rules = writer
        self._main = Writer(manager)
        self._status = Writer(manager, "status")

    def now(self) -> datetime:
        """Virtual time."""
        return self._store.now()

    def list(self, kind: str, namespace: str = "") -> Sequence[Object]:
        """All objects of a kind, or those of one namespace, by name."""
        collection = self._store[self._kind(kind).kind]
        return collection.within(namespace) if namespace else collection.listing()

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, None when it does not exist."""
        return self._store[self._kind(kind).kind].objects.get((namespace, name))

    def create(self, kind: str, body: Mapping[str, Any]) -> Object:
        """A new object."""
        metadata = body["metadata"]
        return self._rules.create(self._kind(kind), (metadata.get("namespace", ""), metadata["name"]), body, self._main)

    def update(self, kind: str, body: Mapping[str, Any]) -> Object:
        """Replace the main resource."""
        served = self._kind(kind)
        return self._rules.update(served, self._existing(served, body), body, self._main)

    def update_status(self, kind: str, body: Mapping[str, Any]) -> Object:
        """Replace the status."""
        served = self._kind(kind)
        return self._rules.update(served, self._existing(served, body), body, self._status)

    def delete(self, kind: str, namespace: str, name: str, *, uid: str = "", grace_seconds: int | None = None) -> None:
        """Delete; 404 when it does not exist."""
        self._rules.delete(
            self._kind(kind), (namespace, name), uid=uid, resource_version="", grace_seconds=grace_seconds
        )

    def bind(self, pod: Object, node: str) -> Object:
        """Put a pod on a node."""
        return self._rules.update(
            self._kind("Pod"), pod, {**pod, "spec": {**pod["spec"], "nodeName": node}}, self._main
        )

    def dependents(self, uid: str) -> Sequence[tuple[str, Key]]:
        """Kind and key of everything that names this uid as an owner."""
        return tuple(self._store.dependents.get(uid, ()))

    def finalize(self, namespace: str) -> None:
        """Finish the deletion of a namespace without content; 503 while a group of the API cannot be discovered."""
        for kind in self._kinds.values():
            self._kind(kind.kind)
        self._rules.purge(self._kinds["Namespace"], ("", namespace))

    def _existing(self, kind: ServedKind, body: Mapping[str, Any]) -> Object:
        metadata = body["metadata"]
        return self._rules.existing(kind, (metadata.get("namespace", ""), metadata["name"]))

    def _kind(self, kind: str) -> ServedKind:
        served = self._kinds[kind]
        if not self._serves(served):
            raise unreachable(aggregated.SERVICE)
        return served
