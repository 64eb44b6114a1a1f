"""One cluster's API: the single door through which clients read and write.

Belongs here: verbs, paging, patch types, call counts, and the outages of an aggregated server. Does not belong here: what
a write makes of an object (`writing`), HTTP, faults on calls. Names and bodies are those of the Kubernetes API; what comes
out is frozen and must not, and cannot, be changed in place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.model.clock import VirtualClock
from simulator.model.kubernetes import aggregated
from simulator.model.kubernetes.components import ComponentStore
from simulator.model.kubernetes.kinds import ApiMode, ServedKind, served_kinds
from simulator.model.kubernetes.paging import StartedLists, position
from simulator.model.kubernetes.patches import json_patched, merge_patched, strategic_merge_patched
from simulator.model.kubernetes.refusals import (
    Cause,
    bad_request,
    invalid,
    no_such_path,
    unreachable,
    unsupported_patch,
    version_required,
)
from simulator.model.kubernetes.schema import rule_problems
from simulator.model.kubernetes.schemas import SCHEMAS
from simulator.model.kubernetes.selectors import field_terms, fields_match, label_requirements
from simulator.model.kubernetes.store import Event, Key, Store, suffix
from simulator.model.kubernetes.writing import ObjectWriter, Writer
from simulator.model.trees import FrozenDict, Object, labels_of

_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list; `continue_token` is empty on the last one."""

    items: Sequence[Object]
    resource_version: str
    continue_token: str = ""


class KubernetesApi:
    """The API of one cluster. Raises ApiError.

    `after_write` is called after every successful write of a client; the cluster settles there. `before_read` is called before
    a client reads a kind whose objects change with every moment. `calls` counts by verb and kind. `calico_apiserver_down` makes
    an aggregated group answer 503.
    """

    def __init__(self, cluster: str, mode: ApiMode, clock: VirtualClock, version: str = "1.36") -> None:
        self.mode: ApiMode = mode
        self.kinds: Mapping[str, ServedKind] = served_kinds(mode)
        self.calls: Counter[tuple[str, str]] = Counter()
        self.calico_apiserver_down = False
        self.after_write: Callable[[], None] = _nothing
        self.before_read: Mapping[str, Callable[[], None]] = {}
        self._store = Store(cluster, self.kinds, clock)
        self._writer = ObjectWriter(self._store, int(version.split(".")[1]))
        self._lost = 0
        self._lists = StartedLists(self._store)

    @property
    def revision(self) -> int:
        """Grows with every stored change; equal revisions mean equal objects."""
        return self._store.revision

    def objects(self, kind: str) -> list[Object]:
        """All stored objects of a kind by namespace and name, read-only; no call is counted."""
        return self._store[kind].listing()

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Have `listener` told of every stored change, in order."""
        self._store.listeners.append(listener)

    def lose_next_write(self, count: int = 1) -> None:
        """Let the next writes to calico-apiserver answer with an empty object and change nothing, as under contention."""
        self._lost = count

    def expire_lists(self) -> None:
        """Make every started list impossible to continue."""
        self._lists.forget()

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ListPage:
        """Objects by namespace and name. Pages after the first show what the first one saw; 410 when that is too old."""
        served = self._served("list", kind)
        if served.aggregated:
            limit, continue_token = 0, ""
        where = namespace or ""
        if continue_token:
            started = self._lists.continued(kind, where, continue_token)
        else:
            started = self._lists.first(self._store[kind].within(where) if where else self._store[kind].listing())
        found = _selected(served, started.items, label_selector, field_selector)
        if continue_token:
            found = [item for item in found if position(item) > started.after]
        version = str(started.revision)
        if not limit or len(found) <= limit:
            return ListPage(found, version)
        page = found[:limit]
        return ListPage(page, version, self._lists.token(started, kind, where, page[-1]))

    def get(self, kind: str, namespace: str | None, name: str) -> Object:
        """One object."""
        return self._writer.existing(self._served("get", kind), _key(self.kinds[kind], namespace, name))

    def create(
        self,
        kind: str,
        namespace: str | None,
        body: Mapping[str, Any],
        *,
        manager: str,
        dry_run: bool = False,
        field_validation: str = "",
    ) -> Object:
        """POST. `metadata.generateName` is completed by a name that the same history completes alike."""
        served = self._served("create", kind)
        name = self._name_of_new(served, body)
        key = _key(served, namespace or (body.get("metadata") or {}).get("namespace"), name)
        writer = _writer(manager, dry_run, field_validation)
        return self._written(served, writer, lambda sent: self._writer.create(served, key, body, sent))

    def replace(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        manager: str,
        dry_run: bool = False,
        field_validation: str = "",
    ) -> Object:
        """PUT: needs an existing object, and a resourceVersion for all but built-in kinds."""
        served = self._served("update", kind)
        old = self._writer.existing(served, _key(served, namespace, name))
        if not served.builtin and not (body.get("metadata") or {}).get("resourceVersion"):
            raise version_required(served, name)
        writer = _writer(manager, dry_run, field_validation)
        return self._written(served, writer, lambda sent: self._writer.update(served, old, body, sent))

    def apply(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        manager: str,
        force: bool = False,
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply; creates what does not exist. 409 names the owners of fields that `force` would take."""
        served = self._served("patch", kind)
        if not manager:
            cause = Cause("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")
            raise invalid(ServedKind("PatchOptions", "meta.k8s.io", "v1", ""), "", [cause])
        key = _key(served, namespace, name)
        writer = _writer(manager, dry_run, "")
        return self._written(served, writer, lambda sent: self._writer.apply(served, key, body, sent, force=force))

    def merge_patch(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        patch: Mapping[str, Any],
        *,
        manager: str,
        dry_run: bool = False,
        field_validation: str = "",
    ) -> Object:
        """JSON merge patch; with `metadata.resourceVersion` in it 409 when the object is another version."""
        return self._patched(
            kind, namespace, name, lambda old: merge_patched(old, patch), _writer(manager, dry_run, field_validation)
        )

    def json_patch(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        patch: Sequence[Mapping[str, Any]],
        *,
        manager: str,
        dry_run: bool = False,
        field_validation: str = "",
    ) -> Object:
        """JSON patch, all operations or none."""
        return self._patched(
            kind, namespace, name, lambda old: json_patched(old, patch), _writer(manager, dry_run, field_validation)
        )

    def strategic_merge_patch(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        patch: Mapping[str, Any],
        *,
        manager: str,
        dry_run: bool = False,
        field_validation: str = "",
    ) -> Object:
        """Strategic merge patch: for kinds with Go types; 415 for custom resources."""
        served = self.kinds[kind]
        if not served.builtin and not served.aggregated:
            self._served("patch", kind)
            raise unsupported_patch((_JSON_PATCH, _MERGE_PATCH, _APPLY_PATCH))
        return self._patched(
            kind,
            namespace,
            name,
            lambda old: strategic_merge_patched(old, patch),
            _writer(manager, dry_run, field_validation),
        )

    def replace_status(
        self, kind: str, namespace: str | None, name: str, body: Mapping[str, Any], *, manager: str
    ) -> Object:
        """PUT of the status subresource: only the status of the body counts."""
        served = self._with_status("update", kind, name)
        old = self._writer.existing(served, _key(served, namespace, name))
        writer = Writer(manager, "status")
        return self._written(served, writer, lambda sent: self._writer.update(served, old, body, sent))

    def patch_status(
        self, kind: str, namespace: str | None, name: str, patch: Mapping[str, Any], *, manager: str
    ) -> Object:
        """Merge patch of the status subresource."""
        self._with_status("patch", kind, name)
        return self._patched(
            kind, namespace, name, lambda old: merge_patched(old, patch), Writer(manager, "status"), counted=True
        )

    def delete(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        grace_seconds: int | None = None,
    ) -> Object:
        """DELETE: the object as it was, or as it is while something still holds it; 409 when a precondition fails."""
        served = self._served("delete", kind)
        key = _key(served, namespace, name)
        deleted = self._writer.delete(
            served, key, uid=uid, resource_version=resource_version, grace_seconds=grace_seconds
        )
        if kind == "CustomResourceDefinition":
            self._drop_instances(name)
        self.after_write()
        return deleted

    def component(self, manager: str, *, direct: bool = False) -> ComponentStore:
        """The same objects for a controller. A `direct` one reads Calico's backing store, past calico-apiserver."""
        serves = _always if direct else self.serves
        return ComponentStore(self.kinds, serves, self._store, self._writer, manager)

    def is_defined(self, kind: ServedKind) -> bool:
        """Whether the API has the kind at all: a custom one goes with its CustomResourceDefinition."""
        if kind.builtin or kind.aggregated:
            return True
        return ("", kind.resource) in self._store["CustomResourceDefinition"].objects

    def serves(self, kind: ServedKind) -> bool:
        """Whether anybody answers for the kind right now."""
        return not (kind.aggregated and self.calico_apiserver_down)

    def check_answered(self, group: str) -> None:
        """503 for whatever is asked of a group, its discovery included, while the server behind it is down."""
        if not all(self.serves(kind) for kind in self.kinds.values() if kind.group == group):
            raise unreachable(aggregated.SERVICE)

    def vanish(self) -> None:
        """Every object is gone at once, without anybody's leave."""
        for kind in self.kinds.values():
            for key in list(self._store[kind.kind].objects):
                self._store.remove(kind.kind, key)

    def _drop_instances(self, definition: str) -> None:
        """A definition takes its objects with it."""
        for kind in self.kinds.values():
            if kind.resource == definition:
                for key in list(self._store[kind.kind].objects):
                    self._store.remove(kind.kind, key)

    def _served(self, verb: str, kind: str) -> ServedKind:
        served = self.kinds[kind]
        self.calls[verb, kind] += 1
        if not self.is_defined(served):
            raise no_such_path()
        if not self.serves(served):
            raise unreachable(aggregated.SERVICE)
        if verb in ("get", "list") and kind in self.before_read:
            self.before_read[kind]()
        return served

    def _with_status(self, verb: str, kind: str, name: str) -> ServedKind:
        served = self._served(verb, kind)
        if not served.status:
            raise bad_request(f'{served.resource} "{name}" has no status subresource')
        return served

    def _patched(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        patch: Callable[[Object], Any],
        writer: Writer,
        *,
        counted: bool = False,
    ) -> Object:
        served = self.kinds[kind] if counted else self._served("patch", kind)
        old = self._writer.existing(served, _key(served, namespace, name))
        return self._written(served, writer, lambda sent: self._writer.update(served, old, patch(old), sent))

    def _written(self, kind: ServedKind, writer: Writer, write: Callable[[Writer], Object]) -> Object:
        if kind.aggregated and self._lost and not writer.dry_run:
            self._lost -= 1
            write(Writer(writer.manager, writer.subresource, dry_run=True, strict=writer.strict))
            return FrozenDict()
        written = write(writer)
        if not writer.dry_run:
            self.after_write()
        return written

    def _name_of_new(self, kind: ServedKind, body: Mapping[str, Any]) -> str:
        metadata = body.get("metadata") or {}
        if metadata.get("name"):
            return str(metadata["name"])
        if metadata.get("generateName"):
            return f"{metadata['generateName']}{suffix(self._store.revision)}"
        causes = [Cause("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")]
        raise invalid(
            kind, "", [*causes, *([] if kind.builtin else rule_problems(SCHEMAS[kind.kind], body, None, causes))]
        )


def _always(_kind: ServedKind) -> bool:
    """Calico's backing store is kube-apiserver itself."""
    return True


def _nothing() -> None:
    """Until a cluster is built around the API, nobody reacts to writes."""


def _writer(manager: str, dry_run: bool, field_validation: str) -> Writer:
    return Writer(manager, dry_run=dry_run, strict=field_validation == "Strict")


def _key(kind: ServedKind, namespace: str | None, name: str) -> Key:
    if kind.namespaced and not namespace:
        raise bad_request(f"an empty namespace may not be set when a resource name is provided: {kind.resource}")
    return (namespace or "", name) if kind.namespaced else ("", name)


def _selected(kind: ServedKind, items: Sequence[Object], label_selector: str, field_selector: str) -> Sequence[Object]:
    if label_selector:
        requirements = label_requirements(label_selector)
        items = [item for item in items if all(test(labels_of(item)) for test in requirements)]
    if field_selector:
        terms = field_terms(kind, field_selector)
        items = [item for item in items if fields_match(terms, item)]
    return items
