"""Protocol Buffers and msgpack by hand, as far as Terraform's plugin protocol needs them.

Protobuf: https://protobuf.dev/programming-guides/encoding. Values: go-cty's msgpack encoding (zclconf/go-cty, docs/types.md), in
which an unknown value is an extension of type 0, or of type 12 when something is known about it.
Does not belong here: what the messages mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgpack

_UNKNOWN_TYPES = (0, 12)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only an apply will tell."""


UNKNOWN = Unknown()


def varint(number: int) -> bytes:
    """A base-128 number, the lowest seven bits first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, value: bytes | str | int | bool) -> bytes:
    """One field of a message. False, 0 and the empty text are the protocol's defaults and take no bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content if content else b""


def message(number: int, parts: Iterable[bytes]) -> bytes:
    """A message inside a message, which exists even when it is empty."""
    content = b"".join(parts)
    return varint(number << 3 | 2) + varint(len(content)) + content


def fields(content: bytes) -> dict[int, bytes | int]:
    """A message's fields by number; of a repeated one the last."""
    found: dict[int, bytes | int] = {}
    at = 0
    while at < len(content):
        key, at = _number_at(content, at)
        if key & 7 == 0:
            found[key >> 3], at = _number_at(content, at)
        elif key & 7 == 2:
            length, at = _number_at(content, at)
            found[key >> 3] = content[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {key & 7} is not part of Terraform's plugin protocol")
    return found


def text_of(parts: dict[int, bytes | int], number: int) -> str:
    """A text field."""
    value = parts.get(number, b"")
    return value.decode() if isinstance(value, bytes) else str(value)


def value_of(parts: dict[int, bytes | int], number: int) -> Any:
    """A DynamicValue field: msgpack (1) or JSON (2); None when it is left out."""
    content = parts.get(number)
    if not isinstance(content, bytes):
        return None
    inner = fields(content)
    packed, text = inner.get(1), inner.get(2)
    if isinstance(packed, bytes):
        return msgpack.unpackb(packed, ext_hook=_extension, strict_map_key=False)
    return json.loads(text) if isinstance(text, bytes) else None


def dynamic_value(number: int, value: Any) -> bytes:
    """A DynamicValue field in msgpack."""
    return message(number, [field(1, msgpack.packb(value, default=_packed))])


def _number_at(content: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _extension(kind: int, content: bytes) -> object:
    return UNKNOWN if kind in _UNKNOWN_TYPES else msgpack.ExtType(kind, content)


def _packed(value: object) -> object:
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\x00")
    raise TypeError(f"{type(value).__name__} has no msgpack form here")
