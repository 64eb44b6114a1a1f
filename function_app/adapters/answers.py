"""What an HTTP call asked for and what came back, alike for clusters and for Azure: words for messages, bounds, JSON.

No vendor type appears here, and nothing decides whether waiting helps: that is `vendor_errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import orjson

from function_app.model.errors import TargetRejected, TargetUnavailable
from function_app.model.names import TargetName


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How long one request may take and how large its answer may be.

    `connect_seconds` and `read_seconds` (the longest silence) go to the socket; `answer_seconds` bounds the whole answer,
    so that a target which sends a byte now and then cannot hold a thread; `answer_bytes` counts after decompression.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    answer_seconds: float = 60.0
    answer_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One request in words: `list IPPool on cluster/spoke1`. A `listing` reads a collection, not one resource."""

    target: TargetName
    verb: str
    subject: str
    listing: bool = False

    def __str__(self) -> str:
        return f"{self.verb} {self.subject} on {self.target}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def successful(self) -> bool:
        """The target accepted the request."""
        return 200 <= self.status < 300


def lower_cased(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name."""
    return {name.lower(): value for name, value in headers.items()}


def collected(call: Call, chunks: Iterable[bytes], limits: RequestLimits, started: float) -> bytes:
    """The body made of its chunks; `started` is `monotonic()` at the beginning of the request.

    Raises TargetUnavailable when it takes too long and TargetRejected when it grows too large.
    """
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > limits.answer_bytes:
            raise TargetRejected(
                f"{call}: the answer is larger than {limits.answer_bytes} bytes and was not read further."
            )
        if monotonic() - started > limits.answer_seconds:
            raise TargetUnavailable(f"{call}: the answer was not complete after {limits.answer_seconds:g} s.")
    return b"".join(parts)


def json_object(call: Call, answer: Answer) -> dict[str, Any]:
    """The JSON object that a successful answer must be; raises TargetUnavailable when it is anything else."""
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise TargetUnavailable(
            f"{call}: answered {answer.status} with something that is not JSON ({len(answer.body)} bytes).",
            status=answer.status,
        ) from None
    if not isinstance(value, dict):
        raise TargetUnavailable(f"{call}: answered {answer.status} with JSON that is no object.", status=answer.status)
    return value
