"""One cluster's write rules: what becomes of an object when it is created, updated, applied or deleted.

Belongs here: resourceVersion checks, finalizers, grace periods, generations, field ownership, and the order in which a
server defaults, validates and stores. Does not belong here: counting, paging, patches and outages (`api`). Everything
raises ApiError as the server that answers for the kind would.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from simulator.model.kubernetes import aggregated
from simulator.model.kubernetes.defaulting import completed
from simulator.model.kubernetes.envelopes import (
    check_applicable,
    check_envelope,
    check_texts,
    check_versions,
    immutable_uid,
)
from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.managed_fields import (
    Difference,
    Owners,
    Ownership,
    Path,
    after_apply,
    after_update,
    conflicts,
    difference,
    everything,
    leaves,
    merged,
    without_paths,
)
from simulator.model.kubernetes.refusals import (
    Cause,
    already_exists,
    apply_conflict,
    bad_request,
    forbidden,
    internal,
    invalid,
    not_found,
    precondition_failed,
)
from simulator.model.kubernetes.schema import pruned, undeclared, unknown_fields, without_nulls
from simulator.model.kubernetes.schemas import SCHEMAS
from simulator.model.kubernetes.store import Key, Store, timestamp
from simulator.model.kubernetes.validation import found_wrong
from simulator.model.trees import FrozenDict, Object, freeze, is_terminating

_SERVER_METADATA = frozenset(
    {
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    }
)
_KEPT_METADATA = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
)
_LEFT_OUT_WHEN_EMPTY = frozenset({"labels", "annotations", "finalizers", "ownerReferences"})
_PROTECTED_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})
_DEFAULT_GRACE = 30


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and how: `subresource` is "", "status" or "finalize"; a dry run is answered but not stored.

    What is `applying` keeps its nulls; other bodies of custom resources are read without them.
    """

    manager: str
    subresource: str = ""
    dry_run: bool = False
    strict: bool = False
    applying: bool = False


class ObjectWriter:
    """The write rules over one store, as a minor version of Kubernetes has them."""

    def __init__(self, store: Store, minor: int) -> None:
        self._store = store
        self._sized_integers = minor >= 36

    def existing(self, kind: ServedKind, key: Key) -> Object:
        """The stored object; 404 when there is none."""
        found = self._store[kind.kind].objects.get(key)
        if found is None:
            raise not_found(kind, key[1])
        return found

    def create(self, kind: ServedKind, key: Key, body: Mapping[str, Any], writer: Writer) -> Object:
        """POST: a new object; the writer owns every field of it."""
        check_envelope(kind, key, body)
        if body["metadata"].get("resourceVersion") and not writer.dry_run:
            raise internal("resourceVersion should not be set on objects to be created")
        if key in self._store[kind.kind].objects:
            raise already_exists(kind, key[1], terminating=is_terminating(self._store[kind.kind].objects[key]))
        new = _incoming(kind, key, body, writer)
        schema = SCHEMAS[kind.kind]
        new = freeze(completed(kind, new))
        changes = Difference(_said_by_creation(kind, everything(schema, new)), set())
        owners = after_update((), self._ownership(kind, writer), changes)
        return self._add(kind, key, new, owners, writer.dry_run)

    def update(self, kind: ServedKind, old: Object, body: Mapping[str, Any], writer: Writer) -> Object:
        """PUT or a patch's result: the writer takes the fields that it changed. The versions are checked here."""
        key = _key_of(old)
        check_envelope(kind, key, body)
        check_versions(kind, old, body["metadata"])
        new = freeze(completed(kind, _laid_over(kind, old, body, writer)))
        self._check(kind, key, new, old)
        _check_finalizers(kind, key, new, old)
        changes = difference(SCHEMAS[kind.kind], old, new)
        if not changes.changed and not changes.removed:
            return old
        owners = after_update(self._store[kind.kind].owners[key], self._ownership(kind, writer), changes)
        return self._change(kind, key, old, new, owners, changes, writer.dry_run)

    def apply(self, kind: ServedKind, key: Key, body: Mapping[str, Any], writer: Writer, *, force: bool) -> Object:
        """Server-side apply: the writer owns what it sends, and what it no longer sends goes when nobody else owns it."""
        check_applicable(kind, key, body)
        schema = SCHEMAS[kind.kind]
        _check_typed(kind, body)
        sent = _incoming(kind, key, body, replace(writer, applying=True))
        ownership = self._ownership(kind, writer, fields=leaves(schema, sent), operation="Apply")
        old = self._store[kind.kind].objects.get(key)
        if old is None:
            return self._create_by_apply(kind, key, body, sent, ownership, writer)
        check_versions(kind, old, body["metadata"])
        owners = self._store[kind.kind].owners[key]
        laid = merged(schema, old, sent)
        found = conflicts(owners, ownership, difference(schema, old, laid))
        if found and not force:
            raise apply_conflict(found)
        dropped = _dropped(owners, ownership)
        if dropped:
            laid = without_paths(schema, laid, dropped) or {}
            if "spec" in sent and "spec" not in laid:
                # A spec that is still applied, and whose every field went, is left as null.
                laid = {**laid, "spec": None}
        meant = difference(schema, old, laid)
        new = freeze(completed(kind, {**laid, "metadata": laid["metadata"]}))
        self._check(kind, key, new, old)
        changes = difference(schema, old, new)
        updated = after_apply(owners, ownership, changes, moved=bool(meant.changed or meant.removed))
        if updated == owners and not changes.changed and not changes.removed:
            return old
        return self._change(kind, key, old, new, updated, changes, writer.dry_run)

    def delete(
        self, kind: ServedKind, key: Key, *, uid: str, resource_version: str, grace_seconds: int | None
    ) -> Object:
        """DELETE: gone at once, or marked while finalizers, a namespace's content or a grace period hold it."""
        old = self.existing(kind, key)
        metadata = old["metadata"]
        for wanted, have, name in (
            (uid, metadata["uid"], "UID"),
            (resource_version, metadata["resourceVersion"], "ResourceVersion"),
        ):
            if wanted and wanted != have:
                raise precondition_failed(kind, key[1], name, wanted, have)
        if kind.kind == "Namespace":
            if key[1] in _PROTECTED_NAMESPACES:
                raise forbidden(kind, key[1], "this namespace may not be deleted")
            return self._mark(kind, key, old, 0, status={**(old.get("status") or {}), "phase": "Terminating"})
        if kind.kind == "Pod":
            grace = _grace(old, grace_seconds)
            if grace > 0:
                return self._mark(kind, key, old, grace)
        if metadata.get("finalizers"):
            return self._mark(kind, key, old, 0)
        return self._store.remove(kind.kind, key)

    def purge(self, kind: ServedKind, key: Key) -> Object:
        """Finish a namespace's deletion: its content is gone."""
        return self._store.remove(kind.kind, key)

    def _mark(
        self, kind: ServedKind, key: Key, old: Object, grace: int, status: Mapping[str, Any] | None = None
    ) -> Object:
        end = self._store.now() + timedelta(seconds=grace)
        metadata = dict(old["metadata"])
        if "deletionTimestamp" in metadata and datetime.fromisoformat(metadata["deletionTimestamp"]) <= end:
            return old
        if "generation" in metadata and "deletionTimestamp" not in metadata:
            metadata["generation"] += 1
        metadata["deletionTimestamp"] = timestamp(end)
        if kind.kind != "Namespace":
            metadata["deletionGracePeriodSeconds"] = grace
        new = {**old, "metadata": metadata}
        if status is not None:
            new["status"] = status
        return self._store.put(kind.kind, key, old, new, self._store[kind.kind].owners[key])

    def _create_by_apply(
        self,
        kind: ServedKind,
        key: Key,
        body: Mapping[str, Any],
        sent: Mapping[str, Any],
        ownership: Ownership,
        writer: Writer,
    ) -> Object:
        # A resourceVersion is no condition for what does not exist: the object is created all the same.
        if body["metadata"].get("uid"):
            raise invalid(kind, key[1], [immutable_uid(str(body["metadata"]["uid"]))] * 2)
        new = freeze(completed(kind, sent))
        owners = (ownership,) if ownership.fields else ()
        if kind.aggregated and writer.dry_run:
            # calico-apiserver answers a dry run before it fills in defaults.
            self._check(kind, key, new, None, by_apply=True)
            return self._shown(kind, freeze(sent), owners)
        return self._add(kind, key, new, owners, writer.dry_run, by_apply=True)

    def _add(
        self, kind: ServedKind, key: Key, new: Object, owners: Owners, dry_run: bool, *, by_apply: bool = False
    ) -> Object:
        self._check_namespace(kind, key)
        self._check(kind, key, new, None, by_apply=by_apply)
        shown = self._shown(kind, new, owners)
        return shown if dry_run else self._store.put(kind.kind, key, None, shown, owners)

    def _shown(self, kind: ServedKind, new: Object, owners: Owners) -> Object:
        metadata = {
            **new["metadata"],
            "uid": self._store.new_uid(),
            "creationTimestamp": self._store.stamp(),
        }
        if kind.generation:
            metadata["generation"] = 1
        return FrozenDict({**new, "metadata": freeze(_owned(metadata, owners))})

    def _change(
        self, kind: ServedKind, key: Key, old: Object, new: Object, owners: Owners, changes: Difference, dry_run: bool
    ) -> Object:
        metadata = _owned(new["metadata"], owners)
        if kind.generation and any(
            path[0] not in ("f:metadata", "f:status") for path in changes.changed | changes.removed
        ):
            metadata["generation"] = old["metadata"].get("generation", 0) + 1
        finished = {**new, "metadata": metadata}
        if dry_run:
            result: Object = freeze(finished)
            return result
        if _released(kind, finished):
            # What waited for this write only is gone with it; the last version is never stored.
            self._store.remove(kind.kind, key)
            released: Object = freeze(finished)
            return released
        return self._store.put(kind.kind, key, old, finished, owners)

    def _check_namespace(self, kind: ServedKind, key: Key) -> None:
        if not kind.namespaced:
            return
        namespace = self._store["Namespace"].objects.get(("", key[0]))
        if namespace is None:
            raise not_found(NAMESPACE, key[0])
        if is_terminating(namespace):
            why = f"unable to create new content in namespace {key[0]} because it is being terminated"
            cause = Cause("metadata.namespace", "NamespaceTerminating", f"namespace {key[0]} is being terminated")
            raise forbidden(kind, key[1], why, [cause])

    def _check(self, kind: ServedKind, key: Key, new: Object, old: Object | None, *, by_apply: bool = False) -> None:
        if kind.aggregated:
            faults = aggregated.refused(kind.kind, new, old, lambda name: self._store[name].listing())
            if faults:
                raise aggregated.refusal(kind, key[1], faults, created_by_apply=by_apply)
        causes = found_wrong(kind, new, old, sized_integers=self._sized_integers)
        if causes:
            raise invalid(kind, key[1], causes)

    def _ownership(
        self, kind: ServedKind, writer: Writer, *, fields: frozenset[Path] = frozenset(), operation: Any = "Update"
    ) -> Ownership:
        return Ownership(writer.manager, operation, writer.subresource, kind.api_version, self._store.stamp(), fields)


def _owned(metadata: Mapping[str, Any], owners: Owners) -> dict[str, Any]:
    """Metadata with its bookkeeping, which is absent when nobody owns anything."""
    others = {name: value for name, value in metadata.items() if name != "managedFields"}
    return {**others, "managedFields": [owner.rendered() for owner in owners]} if owners else others


def _said_by_creation(kind: ServedKind, paths: set[Path]) -> set[Path]:
    """What POST makes the writer own.

    Of built-in kinds neither the status nor the spec as such, which Go's types always have, nor a namespace's own finalizer.
    """
    if not kind.builtin:
        return paths
    spared = {("f:spec", "."), ("f:spec", "f:finalizers")}
    return {path for path in paths if path[0] != "f:status" and path not in spared}


def _check_finalizers(kind: ServedKind, key: Key, new: Object, old: Object) -> None:
    """Nobody adds a finalizer to what is being deleted; 422 otherwise, with the cause listed twice."""
    if not is_terminating(old):
        return
    before = old["metadata"].get("finalizers") or ()
    added = [each for each in new["metadata"].get("finalizers") or () if each not in before]
    if added:
        shown = ", ".join(json.dumps(each) for each in added)
        message = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
            f"[]string{{{shown}}}"
        )
        raise invalid(kind, key[1], [Cause("metadata.finalizers", "FieldValueForbidden", message)] * 2)


def _check_typed(kind: ServedKind, body: Mapping[str, Any]) -> None:
    """An applied configuration has the fields and types of its kind; 500 otherwise."""
    unknown = list(undeclared(SCHEMAS[kind.kind], body))
    if not unknown:
        return
    metadata = body["metadata"]
    version = kind.api_version if kind.group else f"/{kind.version}"
    what = f"{metadata.get('namespace', '')}/{metadata['name']}; {version}, Kind={kind.kind}"
    words = unknown[0] if len(unknown) == 1 else "errors:" + "".join(f"\n  {each}" for each in unknown)
    raise internal(f"failed to create typed patch object ({what}): {words}")


NAMESPACE = ServedKind("Namespace", "", "v1", "namespaces", status=True, builtin=True, generation=False)


def _key_of(obj: Mapping[str, Any]) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _incoming(kind: ServedKind, key: Key, body: Mapping[str, Any], writer: Writer) -> dict[str, Any]:
    """What of a body is the writer's to say for a main resource."""
    if writer.strict:
        unknown = sorted(unknown_fields(SCHEMAS[kind.kind], body))
        if unknown:
            words = ", ".join(f'unknown field "{path}"' for path in unknown)
            raise bad_request(
                f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: strict decoding error: {words}'
            )
    check_texts(kind, body)
    metadata = {name: value for name, value in (body.get("metadata") or {}).items() if name not in _SERVER_METADATA}
    metadata["name"] = key[1]
    metadata.pop("namespace", None)
    if key[0]:
        metadata["namespace"] = key[0]
    new = {**pruned(SCHEMAS[kind.kind], body), "apiVersion": kind.api_version, "kind": kind.kind}
    new["metadata"] = _without_empty(pruned(SCHEMAS[kind.kind].fields["metadata"], metadata))
    if kind.status:
        new.pop("status", None)
    if not kind.builtin and not writer.applying:
        new = without_nulls(SCHEMAS[kind.kind], new)
    return new


def _without_empty(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata as Go writes it: empty maps and lists are left out."""
    return {name: value for name, value in metadata.items() if value or name not in _LEFT_OUT_WHEN_EMPTY}


def _laid_over(kind: ServedKind, old: Object, body: Mapping[str, Any], writer: Writer) -> Mapping[str, Any]:
    if writer.subresource == "status":
        status = body.get("status")
        return (
            {**old, "status": status} if status is not None else {name: old[name] for name in old if name != "status"}
        )
    new = _incoming(kind, _key_of(old), body, writer)
    before = old["metadata"]
    new["metadata"] = {**new["metadata"], **{name: before[name] for name in _KEPT_METADATA if name in before}}
    if kind.status and "status" in old:
        new["status"] = old["status"]
    if kind.kind == "Namespace" and "spec" in old:
        new["spec"] = old["spec"]
    return new


def _dropped(owners: Owners, ownership: Ownership) -> list[Path]:
    """What the writer owned by an earlier apply, no longer sends, and nobody else owns or has something below."""
    earlier = next((owner.fields for owner in owners if owner.identity == ownership.identity), frozenset())
    gone = earlier - ownership.fields
    if not gone:
        return []
    others = [owner.fields for owner in owners if owner.identity != ownership.identity] + [ownership.fields]
    return [
        path
        for path in gone
        if not any(path in fields or any(other[: len(path)] == path for other in fields) for fields in others)
    ]


def _released(kind: ServedKind, obj: Mapping[str, Any]) -> bool:
    """A deletion that waited for finalizers, and now waits for nothing."""
    if kind.kind in ("Namespace", "Pod") or not is_terminating(obj):
        return False
    return not obj["metadata"].get("finalizers")


def _grace(pod: Object, asked: int | None) -> int:
    """How long a pod may take to stop; one that was never bound stops at once."""
    if not (pod.get("spec") or {}).get("nodeName"):
        return 0
    own = (pod.get("spec") or {}).get("terminationGracePeriodSeconds", _DEFAULT_GRACE)
    return int(own if asked is None else asked)
