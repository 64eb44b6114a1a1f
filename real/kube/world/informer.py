"""What the controllers of one cluster know of its objects: listed from the API, and told of as changes.

Belongs here: lists and their difference to what was known. A look costs one small call while nobody has written anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from real.kube.rest import Answer, Rest
from real.kube.world.shapes import received
from simulator.model.errors import ApiError
from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.store import Key, Store

_PAGE = "500"


class Informer:
    """Keeps `store` as the API server's objects are; its listeners hear of every change."""

    def __init__(self, rest: Rest, kinds: Iterable[ServedKind], store: Store) -> None:
        self._rest = rest
        self._kinds = tuple(kinds)
        self._store = store
        self._versions: dict[tuple[str, Key], str] = {}
        self._revision = ""

    def look(self) -> None:
        """Take in everything that was written since the last look."""
        revision = self._newest()
        if revision == self._revision:
            return
        for kind in self._kinds:
            self._take_in(kind)
        self._revision = revision

    def version(self, kind: str, key: Key) -> str:
        """An object's resourceVersion on the server, as last seen."""
        return self._versions[kind, key]

    def note(self, kind: ServedKind, body: Mapping[str, Any]) -> None:
        """Take in one object as the server answered it."""
        metadata = body["metadata"]
        key = (str(metadata.get("namespace", "")), str(metadata["name"]))
        place = (kind.kind, key)
        old = self._store[kind.kind].objects.get(key)
        if old is not None and old["metadata"]["uid"] != metadata["uid"]:
            self.forget(kind, key)
            old = None
        if old is not None and self._versions[place] == metadata["resourceVersion"]:
            return
        self._versions[place] = metadata["resourceVersion"]
        whole = {**body, "apiVersion": kind.api_version, "kind": kind.kind}
        self._store.put(kind.kind, key, old, received(kind.kind, whole, old, self._store.now()), ())

    def forget(self, kind: ServedKind, key: Key) -> None:
        """An object is gone."""
        if key in self._store[kind.kind].objects:
            del self._versions[kind.kind, key]
            self._store.remove(kind.kind, key)

    def look_at(self, kind: ServedKind, key: Key) -> None:
        """Take in one object as it is now."""
        answer = self._rest("GET", object_path(kind, key))
        if answer.status == 404:
            self.forget(kind, key)
        else:
            self.note(kind, expected(answer))

    def _newest(self) -> str:
        """The version of the whole store: a list is answered with it, whatever was listed (Kubernetes API concepts)."""
        return str(expected(self._rest("GET", "/api/v1/namespaces", limit="1"))["metadata"]["resourceVersion"])

    def _take_in(self, kind: ServedKind) -> None:
        gone = set(self._store[kind.kind].objects)
        query = {"limit": _PAGE}
        while True:
            answer = self._rest("GET", collection_path(kind), **query)
            if answer.status == 404:
                # Without a definition there are no objects.
                break
            page = expected(answer)
            for body in page["items"] or ():
                self.note(kind, body)
                gone.discard((str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"])))
            token = page["metadata"].get("continue")
            if not token:
                break
            query["continue"] = token
        for key in gone:
            self.forget(kind, key)


def collection_path(kind: ServedKind, namespace: str = "") -> str:
    """Where all objects of a kind are listed, or those of one namespace."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/{namespace}/{kind.plural}" if namespace else f"{root}/{kind.plural}"


def object_path(kind: ServedKind, key: Key) -> str:
    """Where one object is."""
    return f"{collection_path(kind, key[0])}/{key[1]}"


def expected(answer: Answer) -> Mapping[str, Any]:
    """The object that a successful call answers; raises ApiError with the server's own words."""
    body: Mapping[str, Any] = answer.json
    if answer.status >= 400:
        raise ApiError(
            answer.status, str(body.get("reason", "")), str(body.get("message", "")), details=body.get("details")
        )
    return body
