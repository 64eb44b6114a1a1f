"""What people and machines ask over HTTP, and what they are answered: reading the one, shaping the other."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network

from function_app.model.admission import Scope
from function_app.model.names import HubName, TenantName

MOST_BODY_BYTES = 64 * 1024
"""Of a request that is no webhook."""
_LONGEST_REASON = 500
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_LENGTH = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=366)

type Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: a status and a JSON body."""

    status: int
    body: object


class BadRequest(ValueError):
    """What is wrong with a request and what to write instead; `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def refusal(status: int, message: str) -> Answer:
    """An answer that says why not."""
    return Answer(status, {"problem": message})


def json_body(body: bytes, known: Collection[str]) -> Mapping[str, object]:
    """A request's JSON object, an empty body being an empty one; raises BadRequest, also for keys that nobody knows."""
    if len(body) > MOST_BODY_BYTES:
        raise BadRequest(f"The body has more than {MOST_BODY_BYTES} bytes.", 413)
    try:
        asked = json.loads(body.decode("utf-8")) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON in UTF-8.") from None
    if not isinstance(asked, dict):
        raise BadRequest("The body is not a JSON object.")
    only(asked, known)
    return asked


def only(asked: Mapping[str, object], known: Collection[str]) -> None:
    """Raises BadRequest when something stands there that nobody knows: a misspelt key must not be passed over."""
    if not asked.keys() <= set(known):
        raise BadRequest(f"Only these are known here: {', '.join(sorted(known))}.")


def optional(asked: Mapping[str, object], key: str) -> str:
    """A text, empty when it is not there; raises BadRequest."""
    value = asked.get(key, "")
    if not isinstance(value, str) or len(value) > _LONGEST_REASON or not value.isprintable():
        raise BadRequest(f"`{key}` must be a printable text of at most {_LONGEST_REASON} characters.")
    return value.strip()


def needed(asked: Mapping[str, object], key: str, example: str) -> str:
    """A text that must be there; raises BadRequest."""
    value = optional(asked, key)
    if not value:
        raise BadRequest(f"`{key}` is missing, for example: {example}")
    return value


def hub_name(text: str) -> HubName:
    """A name that a hub can have; raises BadRequest."""
    return HubName(_name(text, "hub"))


def tenant_name(text: str) -> TenantName:
    """A name that a tenant can have; raises BadRequest."""
    return TenantName(_name(text, "tenant"))


def scope_of(text: str) -> Scope:
    """`tenant/NAME`, `cluster/NAME` or `hub/NAME`; raises BadRequest."""
    scope = Scope.of(text)
    if scope is None:
        raise BadRequest("`scope` is none. Write tenant/NAME, cluster/NAME or hub/NAME.")
    return Scope(scope.kind, _name(scope.name, "scope"))


def length_of_time(text: str) -> timedelta:
    """`30m`, `4h`, `2d`; raises BadRequest."""
    found = _LENGTH.fullmatch(text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < length <= _LONGEST:
        raise BadRequest("`for` is no length of time up to 366 days. Write 30m, 4h or 2d.")
    return length


def address_range(text: str) -> IPv4Network:
    """An IPv4 address or range; raises BadRequest."""
    try:
        return IPv4Network(text)
    except ValueError:
        raise BadRequest("`address` is no IPv4 address or range. Write 10.99.0.3 or 10.99.0.0/29.") from None


def moment_of(text: str) -> datetime:
    """An ISO 8601 time, UTC unless it says otherwise; raises BadRequest."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest("`at` is no time. Write 2026-11-23T14:05:00Z.") from None


def _name(text: str, key: str) -> str:
    if not _NAME.fullmatch(text):
        raise BadRequest(f"`{key}` cannot be a name: lower-case letters, digits and inner hyphens.")
    return text
