"""A page of an API server's listing, split without building objects, and each item of it as the body that a pass keeps.

Left out on arrival is what nothing looks at: most of what controllers make of our gateways (`model/leaning.py`), and of
managedFields the times. Equal `fieldsV1` are one object, since a thousand pools have the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from function_app.adapters.answers import Answer, Call
from function_app.adapters.bodies import page_in
from function_app.model.errors import TargetUnavailable
from function_app.model.leaning import KEPT, Kept
from function_app.model.once import Read
from function_app.model.resources import Kind


class _ListMeta(msgspec.Struct):
    token: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct):
    """One page of a listing; `items` as they were sent. Go writes an empty list as null."""

    kind: str = ""
    metadata: _ListMeta | None = None
    items: list[msgspec.Raw] | None = None


class _Managed(msgspec.Struct):
    manager: str = ""
    operation: str = ""
    subresource: str = ""
    fields: msgspec.Raw = msgspec.field(name="fieldsV1", default=msgspec.Raw(b"{}"))


_PAGE = msgspec.json.Decoder(Page)
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PARTS_OR_NOT = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw] | None)
"""An object, a list, or null; of anything else a ValidationError tells."""
_MANAGED = msgspec.json.Decoder(list[_Managed])
_ANYTHING = msgspec.json.Decoder()


def page_of(call: Call, answer: Answer, kind: Kind) -> Page:
    """A listing's page; raises TargetUnavailable when the answer is anything else."""
    page = page_in(call, answer, _PAGE, f"the answer is no {kind.value}List.")
    if page.kind != f"{kind.value}List":
        raise TargetUnavailable(f"{call}: the answer is no {kind.value}List.")
    return page


def body_of(call: Call, kind: Kind, api_version: str, item: msgspec.Raw) -> Read:
    """One item with its apiVersion and kind; raises TargetUnavailable when it is no object or has no name."""
    try:
        parts = _PARTS.decode(item)
        body = Read(_lean(parts, KEPT[kind]) if kind in KEPT else _whole(parts))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise TargetUnavailable(f"{call}: the answer holds an item that is no object.") from None
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name"):
        raise TargetUnavailable(f"{call}: the answer holds an item without a name.")
    body["apiVersion"], body["kind"] = api_version, kind.value
    return body


def _whole(parts: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    return {key: _metadata(value) if key == "metadata" else _shared(bytes(value)) for key, value in parts.items()}


def _metadata(raw: msgspec.Raw) -> dict[str, Any]:
    parts = _PARTS.decode(raw)
    return {
        key: _managed_fields(value) if key == "managedFields" else _shared(bytes(value)) for key, value in parts.items()
    }


def _managed_fields(raw: msgspec.Raw) -> list[Mapping[str, Any]]:
    return [_entry(one.manager, one.operation, one.subresource, bytes(one.fields)) for one in _MANAGED.decode(raw)]


@lru_cache(maxsize=4096)
def _entry(manager: str, operation: str, subresource: str, fields: bytes) -> Mapping[str, Any]:
    """Who owns which fields; one object for all that say the same, and nobody changes it."""
    entry = {"manager": manager, "operation": operation, "fieldsV1": _ANYTHING.decode(fields)}
    return entry | ({"subresource": subresource} if subresource else {})


def _lean(parts: Mapping[str, msgspec.Raw], kept: Kept) -> dict[str, Any]:
    """As `model.leaning.lean`, without decoding what is left out."""
    return {
        key: _shared(bytes(parts[key])) if below is None else _below(parts[key], below)
        for key, below in kept.items()
        if key in parts
    }


def _below(raw: msgspec.Raw, kept: Kept) -> Any:
    try:
        parts = _PARTS_OR_NOT.decode(raw)
    except msgspec.ValidationError:
        return _ANYTHING.decode(raw)
    if isinstance(parts, list):
        return [_below(item, kept) for item in parts]
    return None if parts is None else _lean(parts, kept)


@lru_cache(maxsize=256)
def _shared(raw: bytes) -> Any:
    """One value for all that say the same about at once, as pods of one gateway do; nobody changes it."""
    return _ANYTHING.decode(raw)
