"""A small language for structural schemas: what a field may hold, what it defaults to, how lists and maps merge.

Belongs here: the language and its four readings (unknown fields, pruning, defaults, problems). Does not belong here: the
kinds' schemas (`schemas`). Semantics follow Kubernetes' structural schemas and their x-kubernetes extensions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import ip_interface
from typing import Any, Literal

from simulator.model.kubernetes.refusals import Cause
from simulator.model.trees import FrozenDict

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
    the key field of an associative list. `immutable` is the message when a present value changes. `pattern` is in Go's words.
    `said_twice` are values that the CRD enumerates in two places that must both hold (`allOf`). A `sizeless` integer is of any
    size, and what is none is said once.
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
    format: Literal["", "cidr", "int32", "int64"] = ""
    min_items: int = 0
    max_items: int | None = None
    min_properties: int = 0
    max_properties: int | None = None
    said_twice: bool = False
    sizeless: bool = False
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
    exactly_one: bool = False,
) -> Schema:
    """A map with known keys; with `exactly_one` a choice among them."""
    has_defaults = any(child.default is not None or child.has_defaults for child in fields.values())
    return Schema(
        "object",
        fields,
        required=required,
        atomic=atomic,
        rules=rules,
        default=default,
        has_defaults=has_defaults,
        min_properties=int(exactly_one),
        max_properties=1 if exactly_one else None,
    )


def mapping(values: Schema, *, atomic: bool = False) -> Schema:
    """A map with free keys."""
    return Schema("object", values=values, atomic=atomic, has_defaults=values.has_defaults)


def listing(items: Schema, *, list_type: str = "atomic", least: int = 0, most: int | None = None) -> Schema:
    """A list of `least` to `most` members: atomic, a set, or associative by a key field."""
    return Schema(
        "array", items=items, list_type=list_type, has_defaults=items.has_defaults, min_items=least, max_items=most
    )


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
    minimum: int | None = None,
    maximum: int | None = None,
    *,
    default: int | None = None,
    immutable: str = "",
    bits: Literal[0, 32, 64] = 0,
) -> Schema:
    """A whole number; `bits` is the format that the schema names, 0 for none."""
    formats: Mapping[int, Literal["", "int32", "int64"]] = {0: "", 32: "int32", 64: "int64"}
    return Schema(
        "integer", minimum=minimum, maximum=maximum, default=default, immutable=immutable, format=formats[bits]
    )


INT32 = integer(bits=32)
FLAG = Schema("boolean")
INT_OR_STRING = Schema("int-or-string")


def unknown_fields(schema: Schema | None, value: Any, path: str = "") -> Iterator[str]:
    """Paths of fields that a schema does not know; below a value of the wrong type it knows none."""
    if schema is not None and schema.type == "any":
        return
    if isinstance(value, dict):
        for key, item in value.items():
            child = schema.child(key) if schema is not None and schema.type == "object" else None
            at = f"{path}.{key}".lstrip(".")
            if child is None:
                yield at
            else:
                yield from unknown_fields(child, item, at)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_fields(schema.items if schema is not None else None, item, f"{path}[{index}]")


def undeclared(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """What makes a typed patch impossible: unknown fields and wrong types, as structured-merge-diff words it."""
    if schema.type == "any" or value is None:
        return
    if not _fits(schema, value):
        if schema.format == "cidr":
            # Texts of a format that structured-merge-diff does not know may be any scalar to it.
            return
        wanted = _GO_NAMES[schema.type]
        got = _json_type(value) if schema.type == "integer" else f"&{{{_go(value)}}}"
        yield f"{path}: expected {wanted}, got {got}"
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
        if schema.list_type == "set":
            for item in dict.fromkeys(each for each in value if value.count(each) > 1):
                yield f"{path}: duplicate entries for key [={json.dumps(item)}]"


def _json_type(value: Any) -> str:
    return {dict: "map", list: "list", str: "string", bool: "boolean", float: "float"}.get(type(value), "null")


def _go(value: Any) -> str:
    """A JSON value as Go's %v prints it."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_go(item)}' for key, item in sorted(value.items()))}]"
    if isinstance(value, list):
        return f"[{' '.join(_go(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)


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


def without_nulls(schema: Schema, value: Any) -> Any:
    """The value without fields that are null, as custom resources are read; the same value when there are none."""
    if schema.type == "any" or type(value) is FrozenDict:
        return value
    if isinstance(value, dict):
        kept = {
            key: without_nulls(schema.child(key) or ANYTHING, item) for key, item in value.items() if item is not None
        }
        same = len(kept) == len(value) and all(kept[key] is item for key, item in value.items())
        return value if same else kept
    if isinstance(value, list) and schema.items is not None:
        items = [without_nulls(schema.items, item) for item in value]
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
    """What is wrong with a value by itself; parts that are the very same tree as before are not looked at again."""
    if value is old and old is not None:
        return
    if schema.type == "any":
        return
    fits = _fits(schema, value)
    if not fits and not (schema.format == "cidr" and isinstance(value, str | list)):
        yield from _wrong_type(schema, value, path)
    if schema.enum and value not in schema.enum:
        yield from _unsupported(schema, value, path)
    if not fits:
        # A list passes for a text of a known format: kube-openapi, validation/validate/type.go.
        return
    if isinstance(value, dict):
        yield from _map_problems(schema, value, old, path)
    elif isinstance(value, list):
        yield from _list_problems(schema, value, path)
    else:
        yield from _scalar_problems(schema, value, path)


_BLOCKING = frozenset(
    {
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
        "FieldValueNotSupported",
    }
)
NOT_CHECKED = Cause(
    "<nil>",
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors "
    "to complete validation",
)
"""Listed beside what kept the rules from being checked (apiextensions-apiserver, registry/customresource)."""


def rule_problems(schema: Schema, value: Any, old: Any, found: Iterable[Cause]) -> Iterator[Cause]:
    """What the rules between fields and between versions find; they are not asked about values that are wrong already."""
    if not has_rules(schema):
        return
    if any(cause.reason in _BLOCKING for cause in found):
        yield NOT_CHECKED
        return
    yield from _broken_rules(schema, value, old, "")


@cache
def with_sizeless_integers(schema: Schema) -> Schema:
    """The schema as a server before 1.36 reads it, which knows no formats of integers (kube-openapi, pkg/validation/strfmt)."""

    def below(child: Schema | None) -> Schema | None:
        return None if child is None else with_sizeless_integers(child)

    if schema.type == "integer":
        return replace(schema, format="", sizeless=True)
    fields = {name: with_sizeless_integers(child) for name, child in schema.fields.items()}
    return replace(schema, fields=fields, values=below(schema.values), items=below(schema.items))


@cache
def has_rules(schema: Schema) -> bool:
    """Whether a rule stands anywhere in it."""
    children = (*schema.fields.values(), schema.values, schema.items)
    return bool(schema.rules or schema.immutable) or any(child is not None and has_rules(child) for child in children)


def _broken_rules(schema: Schema, value: Any, old: Any, path: str) -> Iterator[Cause]:
    if (value is old and old is not None) or not has_rules(schema):
        return
    if schema.immutable and old is not None and value != old:
        yield Cause(path, "FieldValueInvalid", f"Invalid value: {json.dumps(value)}: {schema.immutable}")
    if isinstance(value, dict):
        for rule in schema.rules:
            cause = rule(value)
            if cause is not None:
                yield Cause(".".join(part for part in (path, cause.field) if part), cause.reason, cause.message)
        before = old if isinstance(old, dict) else {}
        for key in sorted(value):
            child = schema.child(key)
            if child is not None:
                yield from _broken_rules(child, value[key], before.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            yield from _broken_rules(schema.items, item, None, f"{path}[{index}]")


def _wrong_type(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    wanted, wrong = _mismatch(schema, value)
    message = f'Invalid value: "{wrong}": {path} in body must be of type {wanted}: "{wrong}"'
    yield Cause(path, "FieldValueTypeInvalid", message)
    if schema.type == "integer" and isinstance(value, float) and not schema.sizeless:
        yield _no_integer(schema, path)


def _mismatch(schema: Schema, value: Any) -> tuple[str, str]:
    """What was wanted and what was found. A format stands in for the type, but not beside texts, lists and nulls."""
    if schema.type == "int-or-string":
        return "integer,string", _type_name(value)
    if schema.format and not isinstance(value, str | list | None):
        return schema.format, {int: "int64", float: "float64"}.get(type(value), "")
    return schema.type, _type_name(value)


def _map_problems(schema: Schema, value: Mapping[str, Any], old: Any, path: str) -> Iterator[Cause]:
    before = old if isinstance(old, dict) else {}
    if schema.max_properties is not None and len(value) > schema.max_properties:
        yield _too_many(path, len(value), schema.max_properties)
    if len(value) < schema.min_properties:
        yield _in_body(path, str(len(value)), f"should have at least {schema.min_properties} properties")
    for key in schema.required:
        if key not in value:
            yield Cause(f"{path}.{key}".lstrip("."), "FieldValueRequired", "Required value")
    for key, item in value.items():
        child = schema.child(key)
        if child is not None:
            yield from problems(child, item, before.get(key), f"{path}.{key}".lstrip("."))


def _list_problems(schema: Schema, value: Sequence[Any], path: str) -> Iterator[Cause]:
    if schema.max_items is not None and len(value) > schema.max_items:
        yield _too_many(path, len(value), schema.max_items)
    if len(value) < schema.min_items:
        yield _in_body(path, str(len(value)), f"should have at least {schema.min_items} items")
    if schema.items is not None:
        for index, item in enumerate(value):
            yield from problems(schema.items, item, None, f"{path}[{index}]")
    if schema.list_type == "set":
        for index, item in enumerate(value):
            if value[:index].count(item) == 1:
                yield Cause(f"{path}[{index}]", "FieldValueDuplicate", f"Duplicate value: {json.dumps(item)}")


def _scalar_problems(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    shown = json.dumps(value, ensure_ascii=False)
    if schema.minimum is not None and value < schema.minimum:
        yield _in_body(path, shown, f"should be greater than or equal to {schema.minimum}")
    if schema.maximum is not None and value > schema.maximum:
        yield _in_body(path, shown, f"should be less than or equal to {schema.maximum}")
    if schema.format == "int32" and not -(2**31) <= value < 2**31:
        yield _no_integer(schema, path)
    if schema.max_length is not None and len(value) > schema.max_length:
        yield Cause(path, "FieldValueTooLong", f"Too long: may not be more than {schema.max_length} bytes")
    elif schema.pattern and isinstance(value, str) and not _compiled(schema.pattern).search(value):
        yield _in_body(path, shown, f"should match '{schema.pattern}'")
    if schema.format == "cidr" and not is_cidr(value):
        message = f"Invalid value: {shown}: {path} in body must be of type cidr: {shown}"
        yield Cause(path, "FieldValueTypeInvalid", message)


def _unsupported(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    supported = ", ".join(json.dumps(item) for item in schema.enum)
    message = f"Unsupported value: {json.dumps(value, ensure_ascii=False)}: supported values: {supported}"
    yield Cause(path, "FieldValueNotSupported", message)
    if schema.said_twice:
        message = f'Invalid value: "": "{path}" must validate all the schemas (allOf). None validated'
        yield Cause("<nil>", "FieldValueInvalid", message)


def _no_integer(schema: Schema, path: str) -> Cause:
    form = f"with format {schema.format}" if schema.format else "(default format)"
    message = f'Invalid value: "": Checked value must be of type integer {form} in {path}'
    return Cause("<nil>", "FieldValueInvalid", message)


def _too_many(path: str, have: int, most: int) -> Cause:
    message = f"Too many: {have}: must have at most {most} item{'' if most == 1 else 's'}"
    return Cause(path, "FieldValueTooMany", message)


def _in_body(path: str, shown: str, what: str) -> Cause:
    return Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {path} in body {what}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Go lets flags stand after the anchor, Python does not."""
    flags = re.IGNORECASE if "(?i)" in pattern else 0
    return re.compile(pattern.replace("(?i)", "").replace("$", r"\Z"), flags | re.ASCII)


@cache
def is_cidr(value: str) -> bool:
    """An address with a prefix length as Kubernetes' lenient parser reads it: host bits and leading zeros are let through."""
    address, slash, length = value.partition("/")
    if not slash or not length.isascii() or not length.isdecimal():
        return False
    if ":" not in address:
        address = ".".join(part.lstrip("0") or part[-1:] for part in address.split("."))
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
    """What a schema calls a JSON value."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return next((name for known, name in names.items() if type(value) is known or _frozen(value, known)), "null")


def _frozen(value: Any, known: type) -> bool:
    return known in (dict, list) and isinstance(value, known)
