"""Who owns which field: the bookkeeping behind server-side apply.

Belongs here: sets of field paths, ownership after an apply or an update, and `metadata.managedFields`. Does not belong
here: patches and storage. Rules follow Kubernetes' server-side apply and sigs.k8s.io/structured-merge-diff: an apply owns
its leaves, an update owns what it changed. A path is a tuple of fieldsV1 steps such as ("f:spec", "f:replicas"); "." is the
map or list itself. Lists are whole values unless a schema says otherwise, also inside pod templates, where Kubernetes
merges some by key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from simulator.model.kubernetes.schema import ANYTHING, Schema
from simulator.model.trees import FrozenDict, freeze

type Path = tuple[str, ...]

_UNOWNED = frozenset({"apiVersion", "kind"})
_UNOWNED_METADATA = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "managedFields",
        "generateName",
    }
)


@dataclass(frozen=True, slots=True)
class Ownership:
    """One entry of managedFields. Manager, operation, subresource and version identify it.

    `time` is empty for an entry that came about by an apply which changed no value.
    """

    manager: str
    operation: Literal["Apply", "Update"]
    subresource: str
    api_version: str
    time: str
    fields: frozenset[Path]

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What tells entries apart."""
        return (self.manager, self.operation, self.subresource, self.api_version)

    @property
    def in_words(self) -> str:
        """The owner as conflict messages name it."""
        words = json.dumps(self.manager)
        if self.subresource:
            words += f" with subresource {json.dumps(self.subresource)}"
        return f"{words} using {self.api_version}" if self.operation == "Update" else words

    def rendered(self) -> FrozenDict:
        """The entry as JSON."""
        entry: dict[str, Any] = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            **({"time": self.time} if self.time else {}),
            "fieldsType": "FieldsV1",
            "fieldsV1": fields_v1(self.fields),
        }
        if self.subresource:
            entry["subresource"] = self.subresource
        return FrozenDict(entry)


type Owners = tuple[Ownership, ...]


@lru_cache(maxsize=4096)
def fields_v1(fields: frozenset[Path]) -> FrozenDict:
    """A set of paths as the nested map that the API shows."""
    tree: dict[str, Any] = {}
    for path in sorted(fields):
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        # A container that is owned without anything in it is shown empty, not with a lone dot.
        if path[-1] != "." or node:
            node.setdefault(path[-1], {})
    for path in fields:
        _mark_container(tree, path)
    frozen: FrozenDict = freeze(tree)
    return frozen


def _mark_container(tree: dict[str, Any], path: Path) -> None:
    """Show that a container itself is owned beside what is in it."""
    if path[-1] != ".":
        return
    node = tree
    for step in path[:-1]:
        node = node[step]
    if node:
        node["."] = {}


def _owned_children(value: Mapping[str, Any], depth: int, under_metadata: bool) -> Iterable[tuple[str, Any]]:
    if depth == 0:
        return ((key, item) for key, item in value.items() if key not in _UNOWNED)
    if depth == 1 and under_metadata:
        return ((key, item) for key, item in value.items() if key not in _UNOWNED_METADATA)
    return value.items()


def _element(schema: Schema, item: Any) -> str:
    if schema.list_type == "set":
        return f"v:{json.dumps(item)}"
    key = item.get(schema.list_type) if isinstance(item, Mapping) else None
    return f"k:{json.dumps({schema.list_type: key}, separators=(',', ':'))}"


def elements(schema: Schema, items: Iterable[Any]) -> dict[str, Any]:
    """The members of a set or associative list by their fieldsV1 step."""
    return {_element(schema, item): item for item in items}


def is_whole(schema: Schema, value: Any) -> bool:
    """Whether a value is owned as one thing."""
    if isinstance(value, dict):
        return schema.atomic
    return not isinstance(value, list) or schema.list_type == "atomic"


def leaves(schema: Schema, value: Any) -> frozenset[Path]:
    """What an apply of this object owns."""
    found: set[Path] = set()
    _collect(schema, value, (), found, with_containers=False)
    return frozenset(found)


def everything(schema: Schema, value: Any, path: Path = ()) -> set[Path]:
    """What a create or an added value owns: leaves and the containers around them."""
    found: set[Path] = set()
    _collect(schema, value, path, found, with_containers=True)
    return found


def _collect(schema: Schema, value: Any, path: Path, found: set[Path], *, with_containers: bool) -> None:
    if value is None and len(path) <= 1:
        return
    if is_whole(schema, value):
        found.add(path)
        return
    if isinstance(value, list):
        members = elements(schema, value)
        for step in members:
            found.add((*path, step))
        if with_containers or not members:
            found.add((*path, ".") if members else path)
        return
    under_metadata = path == ("f:metadata",)
    any_child = False
    for key, item in _owned_children(value, len(path), under_metadata):
        any_child = True
        _collect(schema.child(key) or ANYTHING, item, (*path, f"f:{key}"), found, with_containers=with_containers)
    if not path or under_metadata:
        return
    if with_containers:
        found.add((*path, "."))
    elif not any_child:
        found.add(path)


@dataclass(slots=True)
class Difference:
    """What one write did: paths that got another value or are new, and paths that are gone."""

    changed: set[Path]
    removed: set[Path]


def difference(schema: Schema, old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    """Compare two objects; parts that are the very same tree are not looked into."""
    result = Difference(set(), set())
    _compare(schema, old, new, (), result)
    return result


def _compare(schema: Schema, old: Any, new: Any, path: Path, result: Difference) -> None:
    if old is new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and not schema.atomic:
        under_metadata = path == ("f:metadata",)
        for key, item in _owned_children(new, len(path), under_metadata):
            child = schema.child(key) or ANYTHING
            step = (*path, f"f:{key}")
            if key in old:
                _compare(child, old[key], item, step, result)
            else:
                result.changed |= everything(child, item, step)
        for key, item in _owned_children(old, len(path), under_metadata):
            if key not in new:
                result.removed |= everything(schema.child(key) or ANYTHING, item, (*path, f"f:{key}"))
    elif isinstance(old, list) and isinstance(new, list) and schema.list_type != "atomic":
        before, after = elements(schema, old), elements(schema, new)
        result.changed |= {(*path, step) for step, item in after.items() if before.get(step, result) != item}
        result.removed |= {(*path, step) for step in before if step not in after}
    elif old != new:
        result.changed |= everything(schema, new, path)


def after_update(owners: Owners, writer: Ownership, changes: Difference) -> Owners:
    """Ownership after a create, PUT or patch: the writer takes what it changed; gone paths belong to nobody."""
    taken = changes.changed | changes.removed
    kept: list[Ownership] = []
    own: frozenset[Path] = frozenset()
    for owner in owners:
        if owner.identity == writer.identity:
            own = owner.fields - changes.removed
            continue
        left = _without(owner, taken)
        if left is not None:
            kept.append(left)
    fields = own | changes.changed
    return _in_order((*kept, replace(writer, fields=fields)) if fields else kept)


def after_apply(owners: Owners, writer: Ownership, changes: Difference, *, moved: bool) -> Owners:
    """Ownership after an apply: the writer owns exactly what it sent, others lose what was taken by force or is gone.

    `moved` says whether it asked for another value of anything; who does not keeps the time of its last change, or has none.
    """
    taken = changes.changed | changes.removed
    kept: list[Ownership] = []
    before = ""
    for owner in owners:
        if owner.identity == writer.identity:
            before = owner.time
            continue
        left = _without(owner, taken)
        if left is not None:
            kept.append(left)
    if writer.fields:
        kept.append(writer if moved else replace(writer, time=before))
    return _in_order(kept)


def _in_order(owners: Iterable[Ownership]) -> Owners:
    """As the API shows them: applies first, then by time and name."""
    return tuple(
        sorted(owners, key=lambda one: (one.operation, one.time, one.manager, one.api_version, one.subresource))
    )


def _without(owner: Ownership, taken: set[Path]) -> Ownership | None:
    if owner.fields.isdisjoint(taken):
        return owner
    left = owner.fields - taken
    return replace(owner, fields=left) if left else None


def conflicts(owners: Owners, writer: Ownership, changes: Difference) -> list[tuple[str, str]]:
    """Which fields of others an apply would change: (owner in words, path in words), ordered."""
    wanted = changes.changed & writer.fields
    found = []
    for owner in owners:
        if owner.identity == writer.identity:
            continue
        found += [(owner.in_words, in_words(path)) for path in sorted(owner.fields & wanted)]
    return sorted(found)


def in_words(path: Path) -> str:
    """A path as messages show it: `.spec.template.metadata.labels.app`."""
    words = ""
    for step in path:
        kind, _, rest = step.partition(":")
        if kind == "f":
            words += f".{rest}"
        elif kind == "k":
            inside = ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items())
            words += f"[{inside}]"
        elif kind == "v":
            words += f"[={rest}]"
    return words


def merged(schema: Schema, live: Any, applied: Any) -> Any:
    """The live value with an applied one laid over it: maps by key, sets joined, everything else replaced."""
    if isinstance(live, dict) and isinstance(applied, dict) and not schema.atomic:
        result = dict(live)
        for key, item in applied.items():
            result[key] = merged(schema.child(key) or ANYTHING, live[key], item) if key in live else item
        return result
    if isinstance(live, list) and isinstance(applied, list) and schema.list_type != "atomic":
        return list({**elements(schema, live), **elements(schema, applied)}.values())
    return applied


def without_paths(schema: Schema, value: Any, paths: Iterable[Path]) -> Any:
    """The value without these paths; maps and lists that lose their last member vanish too (None)."""
    below: dict[str, list[Path]] = {}
    for path in paths:
        below.setdefault(path[0], []).append(path[1:])
    if isinstance(value, dict):
        result = dict(value)
        for key, item in value.items():
            rests = below.get(f"f:{key}")
            if rests is None:
                continue
            left = None if () in rests else without_paths(schema.child(key) or ANYTHING, item, rests)
            if left is None:
                del result[key]
            else:
                result[key] = left
        return result or None
    if isinstance(value, list) and schema.list_type != "atomic":
        return [item for step, item in elements(schema, value).items() if step not in below] or None
    return value
