"""Keys, types and single values: a document against its kind's model, every mistake in words a YAML author knows.

Belongs here: the translation of pydantic's findings. Does not belong here: rules that look at more than one value.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from function_app.model.definitions import API_VERSION, KINDS, AnyDefinition
from function_app.model.errors import Problem
from function_app.reading.clear_text import Value
from function_app.reading.documents import Document
from function_app.reading.places import Path, listed, quoted, shown_path
from function_app.reading.schemas import description, example, fields

# What pydantic puts into locations besides keys: the branch chosen for `apiServer`, and that a key itself is at fault.
_BRANCHES = frozenset({"aks", "url"})
_KEY_MARKER = "[key]"
_ROUNDS = 8
_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "bool_type": "`true` or `false`",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Shaped:
    """What a document's shape gives.

    `draft` is the definition; when there are problems it is what remains without the values at fault (`dropped`), or None
    when too little remains. A draft with problems serves to find further problems at once, never to act on.
    """

    draft: AnyDefinition | None
    problems: tuple[Problem, ...] = ()
    dropped: frozenset[Path] = frozenset()


def shape(kind: str, document: Document) -> Shaped:
    """Hold a document against its kind's model."""
    root = document.root
    if root is None:
        return Shaped(None)
    try:
        return Shaped(_validated(kind, root))
    except ValidationError as error:
        details = _details(error, root)
    meant = {_meant(kind, _path(detail)) for detail in details if detail["type"] == "extra_forbidden"}
    # A misspelt key is told once, not a second time as the key that is missing.
    told = [detail for detail in details if not (detail["type"] == "missing" and _path(detail) in meant)]
    problems = tuple(_problem(kind, document, root, detail) for detail in told)
    draft, dropped = _draft(kind, root, details)
    return Shaped(draft, problems, dropped)


def _validated(kind: str, root: Mapping[str, Value]) -> AnyDefinition:
    # Through JSON, because only there strictness allows a list for a tuple and a text for an enumeration.
    return KINDS[kind].model_validate_json(json.dumps(root), by_alias=True, by_name=False)


def _draft(
    kind: str, root: dict[str, Value], details: list[ErrorDetails]
) -> tuple[AnyDefinition | None, frozenset[Path]]:
    remaining = copy.deepcopy(root)
    dropped: set[Path] = set()
    for _ in range(_ROUNDS):
        for detail in details:
            path = _path(detail)
            # Nothing can be put in for what is missing: what it is missing from goes.
            dropped |= _drop(remaining, path[:-1] if detail["type"] == "missing" else path)
        remaining |= {"apiVersion": API_VERSION, "kind": kind}
        try:
            return _validated(kind, remaining), frozenset(dropped)
        except ValidationError as error:
            details = _details(error, remaining)
    return None, frozenset(dropped)


def _details(error: ValidationError, root: Value) -> list[ErrorDetails]:
    """The findings, without lists that are too short only because wrong items are not counted."""
    found = []
    for detail in error.errors(include_url=False):
        value = _value_at(root, _path(detail)) if detail["type"] == "too_short" else None
        if not (isinstance(value, list | dict) and len(value) > detail.get("ctx", {}).get("actual_length", 0)):
            found.append(detail)
    return found


def _path(detail: ErrorDetails) -> Path:
    loc = detail["loc"]
    return tuple(
        step
        for index, step in enumerate(loc)
        if step != _KEY_MARKER and not (step in _BRANCHES and index and loc[index - 1] == "apiServer")
    )


def _drop(root: Value, path: Path) -> set[Path]:
    """Remove the value at fault; a list is cut off there, for without one item the others would change their places.

    Returns the paths where further problems would only follow from the removal.
    """
    parent = _value_at(root, path[:-1])
    if isinstance(parent, list) and isinstance(path[-1], int):
        del parent[path[-1] :]
        if not parent and len(path) > 1:
            return {path, *_drop(root, path[:-1])}
    elif isinstance(parent, dict) and path:
        parent.pop(str(path[-1]), None)
    return {path, path[:-1]}


def _value_at(root: Value, path: Path) -> Value:
    node = root
    for step in path:
        if isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        elif isinstance(node, dict) and isinstance(step, str):
            node = node.get(step)
        else:
            return None
    return node


def _problem(kind: str, document: Document, root: Value, detail: ErrorDetails) -> Problem:
    path = _path(detail)
    value = _value_at(root, path)
    places = document.places
    match detail["type"]:
        case "missing":
            name = str(path[-1])
            hint = f"Add `{name}:`{_meaning(kind, path)}"
            return places.problem(path, "missing-key", f"the key `{name}` is missing.", hint)
        case "extra_forbidden":
            return places.problem(path, "unknown-key", *_unknown_key(kind, path), at_key=True)
        case "literal_error" | "enum":
            at_key = _KEY_MARKER in detail["loc"]
            given = str(path[-1]) if at_key else value
            allowed = str(detail.get("ctx", {}).get("expected", "")).replace("'", "`")
            if not at_key and not isinstance(value, str):
                return places.problem(
                    path, "wrong-type", f"this is {_type_of(value)}, not a text.", f"Write {allowed}."
                )
            message = f"{quoted(str(given))} is not possible here."
            return places.problem(path, "wrong-value", message, f"Write {allowed}.", at_key=at_key)
        case "string_pattern_mismatch":
            at_key = _KEY_MARKER in detail["loc"]
            given = str(path[-1]) if at_key else str(value)
            message = f"{quoted(given)} does not have the form that is needed."
            return places.problem(path, "wrong-form", message, _form_hint(kind, path, at_key=at_key), at_key=at_key)
        case kind_of_error if kind_of_error in _TYPES:
            return places.problem(path, "wrong-type", *_wrong_type(kind, path, value, _TYPES[kind_of_error]))
        case _:
            return places.problem(path, "wrong-size", *_out_of_bounds(kind, path, value, detail))


def _unknown_key(kind: str, path: Path) -> tuple[str, str]:
    name = str(path[-1])
    allowed = sorted(fields(kind, path[:-1]))
    where = f"in `{shown_path(path[:-1])}`" if len(path) > 1 else "at the top"
    message = f"the key {quoted(name)} is unknown {where}."
    if meant := _meant(kind, path):
        return message, f"Did you mean `{meant[-1]}`? Known keys: {listed(allowed)}."
    return message, f"Known keys: {listed(allowed)}."


def _meant(kind: str, path: Path) -> Path:
    """The known key that an unknown one resembles, with its path; empty when there is none."""
    by_lower_case = {key.lower(): key for key in fields(kind, path[:-1])}
    close = get_close_matches(str(path[-1]).lower().replace("_", ""), by_lower_case, n=1)
    return (*path[:-1], by_lower_case[close[0]]) if close else ()


def _wrong_type(kind: str, path: Path, value: Value, expected: str) -> tuple[str, str]:
    message = f"this is {_type_of(value)}, not {expected}."
    if expected == "a text" and isinstance(value, int):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return message, f'Write it in quotes: "{text}".'
    if expected == "a list" and isinstance(value, str):
        return message, f"Write it as a list: [{json.dumps(value[:40])}]."
    if isinstance(value, str) and value.isdecimal() and expected == "a whole number":
        return message, "Write it without quotes."
    if isinstance(value, str) and value in {"true", "false"} and expected.startswith("`"):
        return message, "Write it without quotes."
    return message, f"Write {expected}{_meaning(kind, path)}"


def _type_of(value: Value) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return f"`{str(value).lower()}`"
        case int():
            return f"the number `{value}`"
        case str():
            return f"the text {quoted(value)}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _out_of_bounds(kind: str, path: Path, value: Value, detail: ErrorDetails) -> tuple[str, str]:
    context = detail.get("ctx", {})
    size = len(value) if isinstance(value, str | list | dict) else 0
    given = quoted(str(value)) if isinstance(value, str | int) else "this"
    match detail["type"]:
        case "greater_than_equal":
            return f"{given} is too small.", f"Write {context.get('ge')} or more{_meaning(kind, path)}"
        case "less_than_equal":
            return f"{given} is too large.", f"Write {context.get('le')} or less{_meaning(kind, path)}"
        case "string_too_long":
            return f"{given} has {size} characters.", f"At most {context.get('max_length')} are possible."
        case "string_too_short":
            return f"{given} has {size} characters.", f"At least {context.get('min_length')} are needed."
        case "too_short":
            return (
                f"there are {size} entries.",
                f"At least {context.get('min_length')} are needed{_meaning(kind, path)}",
            )
        case "too_long":
            return f"there are {size} entries.", f"At most {context.get('max_length')} are possible."
        case _:
            return f"{given} is not possible here.", f"See the kind's JSON Schema{_meaning(kind, path)}"


def _form_hint(kind: str, path: Path, *, at_key: bool) -> str:
    if at_key:
        return "A label key has letters, digits, `-`, `_` and `.`, with an optional `domain/` in front."
    form = description(kind, path) or "See the kind's JSON Schema"
    sample = example(kind, path)
    return f"{form}; for example {sample}." if sample and sample not in form else f"{form}."


def _meaning(kind: str, path: Path) -> str:
    text = description(kind, path).rstrip(".")
    sample = example(kind, path)
    if not text:
        return "."
    return f" ({text}; for example {sample})." if sample and sample not in text else f" ({text})."
