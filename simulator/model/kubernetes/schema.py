"""A small language for structural schemas: what a field may hold, what it defaults to, how lists and maps merge.

Belongs here: the language and its four readings (unknown fields, pruning, defaults, problems). Does not belong here: the
kinds' schemas (`schemas`). Semantics follow Kubernetes' structural schemas and their x-kubernetes extensions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_interface
from typing import Any, Literal

from simulator.model.kubernetes.refusals import Cause
from simulator.model.kubernetes.trees import FrozenDict

type Rule = Callable[[Any], Cause | None]
"""A check over one map; the cause's field is relative to the map, empty for the map itself."""

_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "int-or-string": (int, str),
}


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """One node. `type` "any" takes everything: its maps merge by key, its lists are atomic.

    `fields` are the known keys of a map, `values` the schema of all keys of a free map. `list_type` is "atomic", "set", or
    the key field of an associative list. `immutable` is the message when a present value changes.
    """

    type: str
    fields: Mapping[str, Schema] = field(default_factory=dict)
    values: Schema | None = None
    items: Schema | None = None
    required: tuple[str, ...] = ()
    atomic: bool = False
    list_type: str = "atomic"
    default: Any = None
    enum: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    pattern: str = ""
    format: Literal["", "cidr"] = ""
    immutable: str = ""
    rules: tuple[Rule, ...] = ()
    has_defaults: bool = False

    def child(self, key: str) -> Schema | None:
        """The schema of one key of a map; None for an unknown key."""
        if self.type == "any":
            return ANYTHING
        return self.fields.get(key) or self.values


ANYTHING = Schema("any")


def record(
    fields: Mapping[str, Schema],
    *,
    required: tuple[str, ...] = (),
    atomic: bool = False,
    rules: tuple[Rule, ...] = (),
    default: Any = None,
) -> Schema:
    """A map with known keys."""
    has_defaults = any(child.default is not None or child.has_defaults for child in fields.values())
    return Schema(
        "object", fields, required=required, atomic=atomic, rules=rules, default=default, has_defaults=has_defaults
    )


def mapping(values: Schema, *, atomic: bool = False) -> Schema:
    """A map with free keys."""
    return Schema("object", values=values, atomic=atomic, has_defaults=values.has_defaults)


def listing(items: Schema, *, list_type: str = "atomic") -> Schema:
    """A list: atomic, a set, or associative by a key field."""
    return Schema("array", items=items, list_type=list_type, has_defaults=items.has_defaults)


def text(
    *enum: str,
    default: str | None = None,
    max_length: int | None = None,
    pattern: str = "",
    cidr: bool = False,
    immutable: str = "",
) -> Schema:
    """A string, with the values it may have when there are any."""
    return Schema(
        "string",
        enum=enum,
        default=default,
        max_length=max_length,
        pattern=pattern,
        format="cidr" if cidr else "",
        immutable=immutable,
    )


def integer(
    minimum: int | None = None, maximum: int | None = None, *, default: int | None = None, immutable: str = ""
) -> Schema:
    """A whole number."""
    return Schema("integer", minimum=minimum, maximum=maximum, default=default, immutable=immutable)


INT32 = integer(-(2**31), 2**31 - 1)
FLAG = Schema("boolean")
INT_OR_STRING = Schema("int-or-string")


def undeclared(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """What makes a typed patch impossible: unknown fields and wrong types, as structured-merge-diff words it."""
    if schema.type == "any" or value is None:
        return
    if not _fits(schema, value):
        yield f"{path}: expected {_GO_NAMES[schema.type]}, got {json.dumps(value)[:60]}"
    elif isinstance(value, dict):
        for key, item in value.items():
            child = schema.child(key)
            if child is None:
                yield f"{path}.{key}: field not declared in schema"
            else:
                yield from undeclared(child, item, f"{path}.{key}")
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            yield from undeclared(schema.items, item, f"{path}[{index}]")


_GO_NAMES = {
    "object": "map",
    "array": "list",
    "string": "string",
    "integer": "numeric (int or float)",
    "boolean": "boolean",
    "int-or-string": "string or integer",
}


def pruned(schema: Schema, value: Any) -> Any:
    """The value without unknown fields; the same value when there are none. Frozen parts come from the store: they have none."""
    if schema.type == "any" or type(value) is FrozenDict:
        return value
    if isinstance(value, dict):
        kept = {key: pruned(child, item) for key, item in value.items() if (child := schema.child(key)) is not None}
        same = len(kept) == len(value) and all(kept[key] is item for key, item in value.items())
        return value if same else kept
    if isinstance(value, list) and schema.items is not None:
        items = [pruned(schema.items, item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value


def with_defaults(schema: Schema, value: Any) -> Any:
    """The value with missing fields filled in; the same value when none is missing."""
    if not schema.has_defaults:
        return value
    if isinstance(value, list) and schema.items is not None:
        items = [with_defaults(schema.items, item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if not isinstance(value, dict):
        return value
    changes = {}
    for key, child in schema.fields.items():
        present = value.get(key)
        if present is None:
            if child.default is not None:
                changes[key] = child.default
        elif child.has_defaults:
            filled = with_defaults(child, present)
            if filled is not present:
                changes[key] = filled
    return {**value, **changes} if changes else value


def problems(schema: Schema, value: Any, old: Any = None, path: str = "") -> Iterator[Cause]:
    """Everything that makes a value invalid; parts that are the very same tree as before are not looked at again."""
    if value is old and old is not None:
        return
    if schema.type == "any":
        return
    if not _fits(schema, value):
        wrong = _type_name(value)
        message = f'Invalid value: "{wrong}": {path} in body must be of type {schema.type}: "{wrong}"'
        yield Cause(path, "FieldValueTypeInvalid", message)
        return
    if isinstance(value, dict):
        yield from _map_problems(schema, value, old, path)
    elif isinstance(value, list):
        if schema.items is not None:
            for index, item in enumerate(value):
                yield from problems(schema.items, item, None, f"{path}[{index}]")
    else:
        yield from _scalar_problems(schema, value, old, path)


def _map_problems(schema: Schema, value: Mapping[str, Any], old: Any, path: str) -> Iterator[Cause]:
    before = old if isinstance(old, dict) else {}
    for key in schema.required:
        if key not in value:
            yield Cause(f"{path}.{key}".lstrip("."), "FieldValueRequired", "Required value")
    for key, item in value.items():
        child = schema.child(key)
        if child is not None:
            yield from problems(child, item, before.get(key), f"{path}.{key}".lstrip("."))
    for rule in schema.rules:
        cause = rule(value)
        if cause is not None:
            where = ".".join(part for part in (path, cause.field) if part)
            yield Cause(where, cause.reason, cause.message)


def _scalar_problems(schema: Schema, value: Any, old: Any, path: str) -> Iterator[Cause]:
    shown = json.dumps(value)
    if schema.immutable and old is not None and value != old:
        yield Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {schema.immutable}")
    if schema.enum and value not in schema.enum:
        supported = ", ".join(json.dumps(item) for item in schema.enum)
        yield Cause(path, "FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {supported}")
    if schema.minimum is not None and value < schema.minimum:
        yield _in_body(path, shown, f"should be greater than or equal to {schema.minimum}")
    if schema.maximum is not None and value > schema.maximum:
        yield _in_body(path, shown, f"should be less than or equal to {schema.maximum}")
    if schema.max_length is not None and len(value) > schema.max_length:
        yield Cause(path, "FieldValueTooLong", f"Too long: may not be more than {schema.max_length} bytes")
    if schema.pattern and not _compiled(schema.pattern).fullmatch(value):
        yield _in_body(path, shown, f"should match '{schema.pattern}'")
    if schema.format == "cidr" and not is_cidr(value):
        yield _in_body(path, shown, f"must be of type cidr: {shown}")


def _in_body(path: str, shown: str, what: str) -> Cause:
    return Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {path} in body {what}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def is_cidr(value: str) -> bool:
    """An address with a prefix length; host bits may be set, as Go's ParseCIDR has it."""
    address, slash, length = value.partition("/")
    if not slash or not length.isdecimal():
        return False
    try:
        ip_interface(f"{address}/{length}")
    except ValueError:
        return False
    return True


def _fits(schema: Schema, value: Any) -> bool:
    if isinstance(value, bool):
        return schema.type == "boolean"
    return isinstance(value, _PYTHON_TYPES[schema.type])


def _type_name(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return next(
        (
            name
            for known, name in names.items()
            if isinstance(value, known) and not (known is int and isinstance(value, bool))
        ),
        "null",
    )
