"""Desired against observed, for Kubernetes objects.

    desired      observed     ours earlier   = verdict
    value        equal        -              = equal
    value        other        -              = differs
    false/[]/{}  absent       -              = equal (an API server need not echo an empty value)
    value        absent       -              = differs
    -            value        yes            = differs: we set it once and no longer want it
    -            value        no             = equal: a default, or a field that an operator or a person owns

Fields that we do not send are none of our business unless managedFields say that we set them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from function_app.model.once import once
from function_app.model.resources import Resource
from function_app.planning.ownership import Path, leaves, owned_fields

_EMPTY: tuple[object, ...] = (False, "", [], {}, None)


def differences(desired: Resource, observed: Resource) -> tuple[str, ...]:
    """Dotted paths that differ, sorted; empty when nothing needs to be written."""
    return _differences(observed, desired)


@once
def _differences(observed: Resource, desired: Resource) -> tuple[str, ...]:
    wanted = _comparable(desired.body)
    found = set(_differing(wanted, _comparable(observed.body), ()))
    for fields in owned_fields(observed):
        found.update(path for path in _no_longer_wanted(fields, wanted, ()) if path[0] in ("metadata", "spec"))
    return tuple(sorted(".".join(path) for path in found))


def holds_all(wanted: Any, found: Any) -> bool:
    """Every value that is wanted stands there, whatever else an API server added; nothing wanted stands everywhere."""
    return wanted is None or not any(True for _ in _differing(wanted, found, ()))


def _comparable(body: Mapping[str, Any]) -> dict[str, Any]:
    metadata = body.get("metadata") or {}
    kept: dict[str, Any] = {"metadata": {key: metadata[key] for key in ("labels", "annotations") if key in metadata}}
    if "spec" in body:
        kept["spec"] = body["spec"]
    return kept


def _differing(wanted: Any, found: Any, path: Path) -> Iterator[Path]:
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            if wanted:
                yield path
            return
        for key, value in wanted.items():
            if key in found:
                # Whole branches are usually equal, which takes no walk to see.
                if value != found[key]:
                    yield from _differing(value, found[key], (*path, str(key)))
            elif value not in _EMPTY:
                yield (*path, str(key))
    elif isinstance(wanted, list | tuple):
        if not _same_items(wanted, found):
            yield path
    elif wanted != found:
        yield path


def _same_items(wanted: Sequence[Any], found: Any) -> bool:
    if wanted == found:
        return True
    if not isinstance(found, list | tuple) or len(wanted) != len(found):
        return False
    return not any(True for mine, theirs in zip(wanted, found, strict=True) for _ in _differing(mine, theirs, ()))


def _no_longer_wanted(fields: Mapping[str, Any], wanted: Any, path: Path) -> Iterator[Path]:
    """Leaf fields that are ours and stand neither on the way to a wanted value nor below one."""
    if not isinstance(wanted, dict) or not wanted:
        return
    for key, below in fields.items():
        if not key.startswith("f:"):
            continue
        name = key[2:]
        if name not in wanted:
            yield from leaves(below, (*path, name))
        elif below:
            yield from _no_longer_wanted(below, wanted[name], (*path, name))
