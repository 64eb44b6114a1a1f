"""Objects as trees that cannot be changed in place, so that the store can hand them out without copying.

Belongs here: freezing and building new trees from old ones. Does not belong here: what the trees mean. A frozen tree is a
`dict` or `list` to everybody who reads it (`json`, `orjson`, comparison), and refuses to be written to; `copy.deepcopy`
of one is an ordinary tree that may be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

type Object = dict[str, Any]
"""One Kubernetes object as JSON; frozen whenever it comes out of the store."""


def _refuse(_self: object, *_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError("a stored object is read-only; build a new one, or change a copy.deepcopy of it")


class FrozenDict(dict[str, Any]):
    """A dict that refuses every change."""

    __slots__ = ()
    __setitem__ = __delitem__ = _refuse
    clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __deepcopy__(self, memo: object) -> Object:
        return dict(thaw(self))

    def __copy__(self) -> Object:
        return dict(self)

    def __reduce__(self) -> tuple[Callable[[Any], Any], tuple[Object]]:
        return freeze, (dict(self),)


class FrozenList(list[Any]):
    """A list that refuses every change."""

    __slots__ = ()
    __setitem__ = __delitem__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = __iadd__ = __imul__ = _refuse

    def __deepcopy__(self, memo: object) -> list[Any]:
        return list(thaw(self))

    def __copy__(self) -> list[Any]:
        return list(self)

    def __reduce__(self) -> tuple[Callable[[Any], Any], tuple[list[Any]]]:
        return freeze, (list(self),)


_DONE = frozenset({str, int, bool, float, type(None), FrozenDict, FrozenList})


def freeze(value: Any) -> Any:
    """The same tree, unchangeable; parts that are frozen already are shared, not copied."""
    kind = type(value)
    if kind in _DONE:
        return value
    if kind is dict or isinstance(value, Mapping):
        return FrozenDict({key: item if type(item) in _DONE else freeze(item) for key, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return FrozenList([item if type(item) in _DONE else freeze(item) for item in value])
    return value


def thaw(value: Any) -> Any:
    """An ordinary deep copy of a tree."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value


def replaced(tree: Mapping[str, Any], path: Sequence[str], value: Any) -> Object:
    """A tree with `value` at `path`, sharing everything else; missing maps on the way are made, None removes the key."""
    head, rest = path[0], path[1:]
    copy = dict(tree)
    if rest:
        copy[head] = replaced(copy.get(head) or {}, rest, value)
    elif value is None:
        copy.pop(head, None)
    else:
        copy[head] = value
    return copy


def looked_up(tree: Any, *path: str) -> Any:
    """The value at a path, None where anything on the way is missing."""
    for step in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(step)
    return tree


def labels_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """An object's labels; empty when it has none."""
    value: Mapping[str, str] = obj["metadata"].get("labels") or {}
    return value


def annotations_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """An object's annotations; empty when it has none."""
    value: Mapping[str, str] = obj["metadata"].get("annotations") or {}
    return value


def name_of(obj: Mapping[str, Any]) -> str:
    """An object's name."""
    return str(obj["metadata"]["name"])


def namespace_of(obj: Mapping[str, Any]) -> str:
    """An object's namespace; empty for a cluster-scoped one."""
    return str(obj["metadata"].get("namespace", ""))


def is_terminating(obj: Mapping[str, Any]) -> bool:
    """Deletion was asked for and has not finished."""
    return "deletionTimestamp" in obj["metadata"]
