"""The one protobuf body that people send by hand: `kubectl create namespace NAME`. Everything else goes as JSON.

Envelope and field numbers: kubernetes/apimachinery pkg/runtime/generated.proto (`Unknown`: typeMeta 1, raw 2) and
pkg/apis/meta/v1/generated.proto (`ObjectMeta`: name 1); kubernetes/api core/v1/generated.proto (`Namespace`: metadata 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAGIC = b"k8s\x00"
_LENGTH_DELIMITED = 2


def namespace_from(body: bytes) -> dict[str, Any] | None:
    """A Namespace with its name, None when the bytes are anything else."""
    try:
        envelope = _texts(body.removeprefix(_MAGIC)) if body.startswith(_MAGIC) else {}
        type_meta = _texts(envelope[1])
        if (type_meta[1], type_meta[2]) != (b"v1", b"Namespace"):
            return None
        name = _texts(_texts(envelope[2])[1])[1].decode()
    except (KeyError, IndexError, UnicodeDecodeError):
        return None
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _texts(message: bytes) -> Mapping[int, bytes]:
    """Length-delimited fields by number; a field of another type ends the reading, as none is needed after it."""
    fields: dict[int, bytes] = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        if tag & 7 != _LENGTH_DELIMITED:
            break
        length, position = _varint(message, position)
        fields[tag >> 3] = message[position : position + length]
        position += length
    return fields


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
