"""The object store of the simulator's controllers over a real API: reads from what was listed, writes over HTTPS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from real.kube.rest import Answer, Rest
from real.kube.world.informer import Informer, collection_path, expected, object_path
from real.kube.world.shapes import sent
from simulator.model.errors import ApiError
from simulator.model.kubernetes.components import ComponentStore
from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.refusals import modified, not_found
from simulator.model.kubernetes.store import Key, Store
from simulator.model.kubernetes.writing import ObjectWriter
from simulator.model.trees import Object


class ApiObjectStore(ComponentStore):
    """Fills `controllers.ObjectStore` under one field manager. What a write was answered with is known at once."""

    def __init__(
        self,
        rest: Rest,
        informer: Informer,
        kinds: Mapping[str, ServedKind],
        store: Store,
        writer: ObjectWriter,
        manager: str,
    ) -> None:
        super().__init__(kinds, _everything, store, writer, manager)
        self._rest = rest
        self._informer = informer

    def create(self, kind: str, body: Mapping[str, Any]) -> Object:
        """A new object."""
        served, key = self._kind(kind), _key_of(body)
        content = sent(kind, served.api_version, {**body, "metadata": {**body["metadata"], "uid": ""}}, "")
        return self._noted(served, key, self._call("POST", collection_path(served, key[0]), content))

    def update(self, kind: str, body: Mapping[str, Any]) -> Object:
        """Replace the main resource."""
        return self._replaced(kind, body, "")

    def update_status(self, kind: str, body: Mapping[str, Any]) -> Object:
        """Replace the status."""
        return self._replaced(kind, body, "/status")

    def delete(self, kind: str, namespace: str, name: str, *, uid: str = "", grace_seconds: int | None = None) -> None:
        """Delete; 404 when it does not exist."""
        served, key = self._kind(kind), (namespace, name)
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        answer = self._rest("DELETE", object_path(served, key), options)
        self._informer.look_at(served, key)
        expected(answer)

    def bind(self, pod: Object, node: str) -> Object:
        """Put a pod on a node."""
        served, key = self._kind("Pod"), _key_of(pod)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": key[1], "namespace": key[0]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        expected(self._call("POST", f"{object_path(served, key)}/binding", binding))
        self._informer.look_at(served, key)
        return self._known(served, key)

    def finalize(self, namespace: str) -> None:
        """Nobody but kube-controller-manager finishes the deletion of a namespace here."""
        raise NotImplementedError(namespace)

    def _replaced(self, kind: str, body: Mapping[str, Any], subresource: str) -> Object:
        served, key = self._kind(kind), _key_of(body)
        known = self._known(served, key)
        version = body["metadata"].get("resourceVersion")
        if version and version != known["metadata"]["resourceVersion"]:
            raise modified(served, key[1])
        content = sent(kind, served.api_version, body, self._informer.version(kind, key))
        return self._noted(served, key, self._call("PUT", f"{object_path(served, key)}{subresource}", content))

    def _call(self, method: str, path: str, content: Mapping[str, Any]) -> Answer:
        return self._rest(method, path, content, fieldManager=self.manager)

    def _noted(self, kind: ServedKind, key: Key, answer: Answer) -> Object:
        try:
            self._informer.note(kind, expected(answer))
        except ApiError:
            # Somebody else was quicker: the next step begins from what there is now.
            self._informer.look_at(kind, key)
            raise
        return self._known(kind, key)

    def _known(self, kind: ServedKind, key: Key) -> Object:
        found = self.get(kind.kind, *key)
        if found is None:
            raise not_found(kind, key[1])
        return found


def _key_of(body: Mapping[str, Any]) -> Key:
    return str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"])


def _everything(_kind: ServedKind) -> bool:
    """A real server answers for all kinds or for none."""
    return True
