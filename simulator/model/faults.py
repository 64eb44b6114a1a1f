"""Faults to inject into any call, and the count of calls. Wire and in-process ports meet the same `Fault` objects.

Belongs here: which call a fault strikes, and how often. What a struck caller sees is the business of the face it called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from simulator.model.errors import ApiError, ArmError


class Action(StrEnum):
    """What a fault does to a call."""

    REFUSE = "refuse"
    """Answer `status` with `code`, `message` or `body`; no effect."""
    TIMEOUT_BEFORE = "timeout-before"
    """No effect and no answer; the connection is closed after `seconds`, real ones, should the caller wait so long."""
    TIMEOUT_AFTER = "timeout-after"
    """The effect happens, its answer is lost."""
    CUT = "cut"
    """The effect happens, the connection breaks in the middle of the answer's body."""
    HTML = "html"
    """The effect happens, the answer is 200 with a page of HTML."""
    EMPTY_OBJECT = "empty-object"
    """No effect, the answer is 200 with `{}`: the write is lost."""
    TRUNCATED = "truncated"
    """The effect happens, the answer is 200 with the first half of its JSON and a Content-Length that agrees."""
    SLOW = "slow"
    """The effect happens, the answer comes `seconds` later: virtual seconds, or real ones with `real`."""
    UNREACHABLE = "unreachable"
    """No effect; the connection is reset at once."""
    CRASH_BEFORE = "crash-before"
    """In-process only: raise Crash instead of calling."""
    CRASH_AFTER = "crash-after"
    """In-process only: raise Crash when the effect has happened."""


EFFECTLESS = frozenset(
    {Action.REFUSE, Action.TIMEOUT_BEFORE, Action.EMPTY_OBJECT, Action.UNREACHABLE, Action.CRASH_BEFORE}
)
"""Actions under which the call changes nothing."""


class Crash(BaseException):
    """The calling process dies here. No `except Exception` of the code under search may catch it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call on a target: `cluster/NAME`, `firewall/HUB`, `route-server/HUB` or `git`.

    Verbs on clusters are Kubernetes' own (get, list, watch, create, update, apply, patch, delete, discover), on Azure get,
    list, put, delete, learned-routes, on `git` fetch. `kind` is the kind of the resource (`IPPool`, `RuleCollectionGroup`).
    """

    target: str
    verb: str
    kind: str = ""
    name: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.verb, self.kind, self.namespace, self.name, "on", self.target) if part)


class Fault(BaseModel):
    """Which calls are struck, and how. `target`, `verb`, `kind`, `name` and `namespace` take shell wildcards.

    The fault strikes from the `nth` matching call on (the first is 1) and `count` times; `count` 0 means for ever.
    `retry_after` is in seconds. `body` replaces the standard error body: text goes out as text/plain, anything else as JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    action: Action
    target: str = "*"
    verb: str = "*"
    kind: str = "*"
    name: str = "*"
    namespace: str = "*"
    nth: Annotated[int, Field(ge=1)] = 1
    count: Annotated[int, Field(ge=0)] = 1
    status: Annotated[int, Field(ge=400, le=599)] = 500
    code: str = ""
    message: str = ""
    body: Any = None
    retry_after: Annotated[float, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] = 60.0
    real: bool = False

    @property
    def has_effect(self) -> bool:
        """Whether a struck call still changes the world."""
        return self.action not in EFFECTLESS

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After when the fault names one, in whole seconds as both APIs send it."""
        return {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:.0f}"}

    def matches(self, call: Call) -> bool:
        """Whether this is a call that the fault speaks of."""
        return all(
            fnmatchcase(getattr(call, field), getattr(self, field))
            for field in ("target", "verb", "kind", "name", "namespace")
        )


class Faults:
    """The faults in force and every call that was counted, faulted ones included."""

    def __init__(self) -> None:
        self._faults: list[tuple[Fault, list[int]]] = []
        self.calls: Counter[tuple[str, str, str]] = Counter()

    def add(self, *faults: Fault) -> None:
        """Put faults into force; the first added that is due strikes."""
        self._faults.extend((fault, [0]) for fault in faults)

    def clear(self) -> None:
        """Take all faults back."""
        self._faults.clear()

    def pending(self) -> tuple[Fault, ...]:
        """Faults that can still strike."""
        return tuple(fault for fault, seen in self._faults if not _spent(fault, seen[0]))

    def strike(self, call: Call) -> Fault | None:
        """Count the call and say which fault strikes it, None when it goes through."""
        self.calls[call.target, call.verb, call.kind] += 1
        struck: Fault | None = None
        for fault, seen in self._faults:
            if not fault.matches(call):
                continue
            seen[0] += 1
            if struck is None and seen[0] >= fault.nth and not _spent(fault, seen[0] - 1):
                struck = fault
        return struck


def _spent(fault: Fault, seen: int) -> bool:
    return fault.count > 0 and seen >= fault.nth - 1 + fault.count


def kubernetes_error(fault: Fault) -> ApiError:
    """The ApiError that a refusal by fault stands for: what its body says, else its code or the status's usual reason."""
    if fault.body is not None:
        status = fault.body if isinstance(fault.body, dict) and fault.body.get("kind") == "Status" else {}
        said = (str(status.get("reason", "")), str(status.get("message", "")))
        return ApiError(fault.status, *said, details=status.get("details"), headers=fault.headers)
    if fault.status == HTTPStatus.TOO_MANY_REQUESTS and not (fault.code or fault.message):
        return ApiError(429, "", _TOO_MANY, headers={**fault.headers, "Content-Type": "text/plain; charset=utf-8"})
    reason = fault.code or KUBERNETES_REASONS.get(fault.status, "")
    return ApiError(fault.status, reason, fault.message or _usual_message(fault), headers=fault.headers)


def azure_error(fault: Fault) -> ArmError:
    """The ArmError that a refusal by fault stands for: what its body says, else its code or the status's usual one."""
    if fault.body is not None:
        error = fault.body.get("error") if isinstance(fault.body, dict) else None
        said = error if isinstance(error, dict) else {}
        return ArmError(fault.status, str(said.get("code", "")), str(said.get("message", "")), headers=fault.headers)
    code = fault.code or AZURE_CODES.get(fault.status, "InternalServerError")
    return ArmError(fault.status, code, fault.message or _usual_message(fault), headers=fault.headers)


def _usual_message(fault: Fault) -> str:
    try:
        return f"injected fault: {HTTPStatus(fault.status).phrase}"
    except ValueError:
        return f"injected fault: {fault.status}"


_TOO_MANY = "Too many requests, please try again later.\n"
"""Plain text, as API Priority and Fairness answers (kubernetes/apiserver, server/filters/priority-and-fairness.go)."""

KUBERNETES_REASONS: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
"""`metav1.StatusReason` by HTTP status (kubernetes/apimachinery, pkg/apis/meta/v1/types.go)."""

AZURE_CODES: Mapping[int, str] = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    409: "AnotherOperationInProgress",
    429: "RetryableErrorDueToAnotherOperation",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
"""What Resource Manager and Microsoft.Network usually say with a status."""
