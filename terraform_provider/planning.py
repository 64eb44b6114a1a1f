"""What a plan and an apply make of a configuration when there is nothing behind it.

A plan leaves unknown what only the provider decides; an apply invents it. Provider defaults do not show, since schemas do not
carry them: where a default matters, the configuration says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from terraform_provider.schemas import Block, attributes, nested_blocks
from terraform_provider.wire import UNKNOWN

type State = Mapping[str, Any] | None

_NOWHERE = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/nowhere/providers"


def planned(block: Block, proposed: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    """The planned state: of a new resource, what is computed and not configured is unknown."""
    result = dict(proposed)
    for name, attribute in attributes(block):
        value = result.get(name)
        if attribute.get("write_only"):
            result[name] = None
        elif value is None and attribute.get("computed") and new:
            result[name] = UNKNOWN
    for name, nested in nested_blocks(block):
        result[name] = _each(result.get(name), nested["block"], new)
    return result


def _each(value: Any, block: Block, new: bool) -> Any:
    if isinstance(value, dict):
        return planned(block, value, new=new)
    if isinstance(value, list):
        return [planned(block, each, new=new) if isinstance(each, dict) else each for each in value]
    return value


def replacing(block: Block, prior: Mapping[str, Any], proposed: Mapping[str, Any]) -> Iterator[str]:
    """The attributes whose change makes the resource anew."""
    for name, attribute in attributes(block):
        if attribute.get("force_new") and proposed.get(name) is not None and prior.get(name) != proposed.get(name):
            yield name
    for name, nested in nested_blocks(block):
        if nested.get("force_new") and prior.get(name) != proposed.get(name):
            yield name


def invented(type_name: str, block: Block, state: Mapping[str, Any]) -> dict[str, Any]:
    """A state in which everything unknown has got some value of its type."""
    result = dict(state)
    for name, attribute in attributes(block):
        value = result.get(name)
        if value is UNKNOWN:
            result[name] = _some_id(type_name, state) if name == "id" else _some(attribute.get("type"), name)
        elif isinstance(value, list | dict):
            result[name] = _known(value, name)
    for name, nested in nested_blocks(block):
        value = result.get(name)
        if isinstance(value, dict):
            result[name] = invented(type_name, nested["block"], value)
        elif isinstance(value, list):
            result[name] = [invented(type_name, nested["block"], each) for each in value]
        elif value is UNKNOWN:
            result[name] = []
    return result


def _some_id(type_name: str, state: Mapping[str, Any]) -> str:
    return f"{_NOWHERE}/{type_name}/{state.get('name') or 'only'}"


def _some(kind: Any, name: str) -> Any:
    if kind == "string":
        return _some_text(name)
    if kind == "number":
        return 0
    if kind == "bool":
        return False
    if isinstance(kind, list) and kind[0] in {"list", "set"}:
        return [_some(kind[1], name)]
    if isinstance(kind, list) and kind[0] == "object":
        return {key: _some(each, key) for key, each in kind[1].items()}
    return {} if isinstance(kind, list) else None


def _some_text(name: str) -> str:
    """Of the form that expressions around it count on: an address, a GUID, base64."""
    if name.endswith(("_address", "_ip")):
        return "192.0.2.1"
    if name.endswith("_id"):
        return "00000000-0000-0000-0000-000000000000"
    return "bm93aGVyZQ==" if name.endswith("_certificate") else name


def _known(value: Any, name: str) -> Any:
    """Unknown parts of a collection become texts; they stand only where texts do."""
    if isinstance(value, list):
        return [_known(each, name) for each in value]
    if isinstance(value, dict):
        return {key: _known(each, key) for key, each in value.items()}
    return name if value is UNKNOWN else value
