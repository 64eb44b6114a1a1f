"""JSON Schemas of all kinds, generated from the model, for editors and for the hints of this package.

The committed copies in `schemas/` are held equal to these by a test.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, cast

from function_app.model.definitions import KINDS
from function_app.reading.layout import FOLDERS
from function_app.reading.places import Path

type Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_WHERE = {**{kind: f"{folder}/NAME.yaml" for folder, kind in FOLDERS.items()}, "Guardrails": "guardrails.yaml"}


def schemas() -> dict[str, str]:
    """File name (`tenant.schema.json`) to JSON text."""
    return {f"{kind.lower()}.schema.json": json.dumps(schema(kind), indent=2) + "\n" for kind in KINDS}


@cache
def schema(kind: str) -> Schema:
    """One kind's JSON Schema."""
    generated = cast("Schema", _without_titles(KINDS[kind].model_json_schema(by_alias=True)))
    head = {
        "$schema": DIALECT,
        "$id": f"https://egress-gitops.io/v1alpha1/{kind.lower()}.schema.json",
        "title": f"{kind}: {_WHERE[kind]}",
    }
    return {**head, **generated}


def fields(kind: str, path: Path) -> dict[str, Schema]:
    """The keys that may stand in the mapping at `path`; empty when any may, or when it is no mapping."""
    found: dict[str, Schema] = {}
    for node in _at(kind, path):
        found.update(node.get("properties", {}))
        if names := _names(kind, node).get("enum"):
            found.update({name: {} for name in names})
    return found


def description(kind: str, path: Path) -> str:
    """What the model says of the value at `path`; empty when it says nothing."""
    return next((str(node["description"]) for node in _raw(kind, path) if "description" in node), "")


def example(kind: str, path: Path) -> str:
    """One example of the value at `path` as YAML in one line; empty when there is none."""
    for node in _raw(kind, path):
        for value in node.get("examples", []):
            return json.dumps(value)
    return ""


def _without_titles(node: object) -> object:
    """Generated titles repeat the keys in another spelling; a property that is called `title` stays."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_titles(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))
    }


def _names(kind: str, node: Schema) -> Schema:
    return next(iter(_resolved(kind, [node.get("propertyNames", {})])), {})


def _at(kind: str, path: Path) -> list[Schema]:
    return _resolved(kind, _raw(kind, path))


def _raw(kind: str, path: Path) -> list[Schema]:
    """The schemas that a value at `path` may meet, outer descriptions before those they refer to."""
    nodes = [schema(kind)]
    for step in path:
        parents = _resolved(kind, nodes)
        if isinstance(step, int):
            nodes = [node["items"] for node in parents if isinstance(node.get("items"), dict)]
        else:
            nodes = [node["properties"][step] for node in parents if step in node.get("properties", {})]
            nodes += [
                node["additionalProperties"] for node in parents if isinstance(node.get("additionalProperties"), dict)
            ]
    return nodes + [node for node in _resolved(kind, nodes) if node not in nodes]


def _resolved(kind: str, nodes: list[Schema]) -> list[Schema]:
    found: list[Schema] = []
    for node in nodes:
        if "$ref" in node:
            found += _resolved(kind, [schema(kind)["$defs"][node["$ref"].rsplit("/", 1)[1]]])
        elif branches := node.get("anyOf") or node.get("oneOf"):
            found += _resolved(kind, branches)
        else:
            found.append(node)
    return found
