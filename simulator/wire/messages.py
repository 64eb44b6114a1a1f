"""Requests and answers as the faces see them, and what a face makes of a request: a call with its effect.

Belongs here: shapes of HTTP messages and the error bodies of both APIs. Does not belong here: sockets, routing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from simulator.model.errors import ApiError, ArmError
from simulator.model.faults import Call, Fault

JSON = "application/json"

ADMIN_TOKEN = "sim-token"  # noqa: S105 - printed for everybody to use; it opens a simulated world only
READER_TOKEN = "sim-reader-token"  # noqa: S105 - as above; may read and not write
RECONCILER_TOKEN = "sim-reconciler-token"  # noqa: S105 - as above; may do on clusters what ClusterRoles give it
STRANGER_TOKEN = "sim-stranger-token"  # noqa: S105 - as above; no role of the project names it


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `segments` is the decoded path, `query` holds each parameter's last value, header names are lower-case."""

    method: str
    path: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    @property
    def token(self) -> str:
        """The bearer token, empty when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; with a `stream` it is sent in chunks and `body` is not looked at."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """A request understood: what is called, what happens when it goes through, what a refusal by fault looks like."""

    call: Call
    effect: Callable[[], Answer]
    refusal: Callable[[Fault], Answer]


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer."""
    return Answer(status, orjson.dumps(value), JSON, headers or {})


def status_answer(error: ApiError) -> Answer:
    """A Kubernetes error as the `Status` object that an API server sends, or in plain text where the error says so."""
    content_type = error.headers.get("Content-Type", JSON)
    headers = {name: value for name, value in error.headers.items() if name != "Content-Type"}
    if content_type != JSON:
        return Answer(error.status, error.message.encode(), content_type, headers)
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {"continue": error.continue_token} if error.continue_token else {},
        "status": "Failure",
        "message": error.message,
    }
    if error.reason:
        body["reason"] = error.reason
    if error.details:
        body["details"] = error.details
    return json_answer({**body, "code": error.status}, error.status, headers)


def arm_error_answer(error: ArmError) -> Answer:
    """An Azure error as Resource Manager sends it."""
    return json_answer({"error": {"code": error.code, "message": error.message}}, error.status, error.headers)


def literal_refusal(fault: Fault) -> Answer | None:
    """The fault's own body: text as text/plain, anything else as JSON; None when it has none."""
    if fault.body is None:
        return None
    if isinstance(fault.body, str):
        return Answer(fault.status, fault.body.encode(), "text/plain; charset=utf-8", fault.headers)
    return json_answer(fault.body, fault.status, fault.headers)
