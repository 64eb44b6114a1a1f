"""Patches as values: JSON merge patch (RFC 7386), JSON patch (RFC 6902) and Kubernetes' strategic merge patch.

Belongs here: what a patch makes of an object. Does not belong here: whether the result is allowed. Nothing is changed in
place; a patch that cannot be carried out raises ApiError as kube-apiserver does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.model.errors import ApiError
from simulator.model.kubernetes.refusals import bad_request
from simulator.model.trees import thaw


def merge_patched(value: Any, patch: Any) -> Any:
    """The result of a JSON merge patch: null removes, maps merge, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(value) if isinstance(value, Mapping) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merge_patched(result.get(key), item)
    return result


MERGE_KEYS: Mapping[str, str] = {
    "conditions": "type",
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "taints": "key",
    "addresses": "type",
    "ownerReferences": "uid",
    "topologySpreadConstraints": "topologyKey",
}
"""By which field Kubernetes' Go types merge a list (`patchMergeKey` tags), by the list's name."""

_JOINED = frozenset({"finalizers"})


def strategic_merge_patched(value: Any, patch: Any, key: str = "") -> Any:
    """The result of a strategic merge patch: as a merge patch, but lists with a merge key merge member by member."""
    if isinstance(patch, Mapping):
        return _strategic_map(value if isinstance(value, Mapping) else {}, patch)
    if isinstance(patch, list) and isinstance(value, list):
        if key in _JOINED:
            return [*value, *(item for item in patch if item not in value)]
        if key in MERGE_KEYS:
            return _strategic_list(value, patch, MERGE_KEYS[key])
    return patch


def _strategic_map(value: Mapping[str, Any], patch: Mapping[str, Any]) -> Any:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: item for key, item in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    result = dict(value)
    for key, item in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [member for member in result.get(name) or () if member not in item]
        elif key.startswith("$"):
            continue
        elif item is None:
            result.pop(key, None)
        else:
            result[key] = strategic_merge_patched(result.get(key), item, key)
    return result


def _strategic_list(value: Sequence[Any], patch: Sequence[Any], merge_key: str) -> list[Any]:
    result = list(value)
    for item in patch:
        if not isinstance(item, Mapping) or merge_key not in item:
            raise bad_request(f"map: does not contain declared merge key: {merge_key}")
        index = next((i for i, member in enumerate(result) if member.get(merge_key) == item[merge_key]), None)
        if item.get("$patch") == "delete":
            if index is not None:
                del result[index]
        elif index is None:
            result.append(dict(item))
        else:
            result[index] = _strategic_map(result[index], item)
    return result


def json_patched(value: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> Any:
    """The result of a JSON patch; raises 422 when an operation does not fit the object, 400 for an unknown one."""
    document = thaw(value)
    for operation in operations:
        try:
            document = _json_operation(document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            at = f"{operation.get('op')} {operation.get('path')}"
            raise ApiError(
                422, "Invalid", f"the server rejected our request due to an error in our request: {at}"
            ) from error
    return document


def _json_operation(document: Any, operation: Mapping[str, Any]) -> Any:
    name, path = operation["op"], _pointer(operation["path"])
    if name == "add":
        return _added(document, path, thaw(operation["value"]))
    if name == "remove":
        return _removed(document, path)
    if name == "replace":
        return _added(_removed(document, path), path, thaw(operation["value"]))
    if name == "test":
        if _at(document, path) != operation["value"]:
            raise ValueError("test failed")
        return document
    if name == "copy":
        return _added(document, path, thaw(_at(document, _pointer(operation["from"]))))
    if name == "move":
        source = _pointer(operation["from"])
        moved = _at(document, source)
        return _added(_removed(document, source), path, moved)
    raise bad_request(f"Unexpected kind: {name}")


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]


def _at(document: Any, path: Sequence[str]) -> Any:
    for step in path:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


def _added(document: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _at(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        index = len(parent) if last == "-" else int(last)
        if not 0 <= index <= len(parent):
            raise IndexError(last)
        parent.insert(index, value)
    else:
        parent[last] = value
    return document


def _removed(document: Any, path: Sequence[str]) -> Any:
    parent, last = _at(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        del parent[int(last)]
    else:
        del parent[last]
    return document
