"""What an error status of a Kubernetes API server means, its Status object read.

The shapes are those of k8s.io/apimachinery `metav1.Status` and, where said so, of Calico's aggregated API server v3.32.1 as it was
recorded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from function_app.adapters.answers import Answer, Call
from function_app.adapters.safe_text import scrubbed
from function_app.adapters.vendor_errors import retry_after
from function_app.model.errors import Conflict, NotFound, TargetError, TargetRejected, TargetUnavailable

_INVALID_ON_CREATE = re.compile(
    r"^(Internal error occurred: )?(error with field |error with the following fields|failed to create typed patch object)"
)
"""Calico's aggregated API server answers 500 to an invalid object that is created by an apply: waiting does not help."""
_RIGHTS = re.compile(r'^.*\bcannot \w+ resource\b.*|^User ".*$', re.DOTALL)
_MANAGER = re.compile(r'conflict with "([^"]+)"')
_MOST_CAUSES = 5


def kubernetes_refusal(call: Call, answer: Answer) -> TargetError:
    """The error of ours for an answer that is no success."""
    status = _status_object(answer.body)
    code = str(status.get("reason") or "")
    match answer.status:
        case 401:
            return TargetRejected(f"{call}: 401, the credential was not accepted; renew it.", code=code, status=401)
        case 403:
            return _forbidden(call, status, code)
        case 404:
            return _absent(call, status, code)
        case 409:
            return Conflict(f"{call}: {_conflict(status)}", code=code, status=409)
        case 410:
            return TargetUnavailable(
                f"{call}: 410, the listing has expired on the server.", code=code or "Expired", status=410
            )
        case 408 | 429:
            return _unavailable(call, answer, status, code)
        case number if number >= 500:
            return _server_failed(call, answer, status, code)
        case number if number >= 400:
            return TargetRejected(f"{call}: {number}, {_what_is_wrong(status)}", code=code, status=number)
        case number:
            return TargetRejected(
                f"{call}: answered {number}, which an API server does not; redirects are not followed. Correct the address.",
                status=number,
            )


def _status_object(body: bytes) -> Mapping[str, Any]:
    """The Status in a body, empty when it holds none (a proxy's HTML page, plain text, nothing)."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) and value.get("kind") == "Status" else {}


def _details(status: Mapping[str, Any]) -> Mapping[str, Any]:
    details = status.get("details")
    return details if isinstance(details, dict) else {}


def _causes(status: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    causes = _details(status).get("causes")
    return [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []


def _forbidden(call: Call, status: Mapping[str, Any], code: str) -> TargetError:
    if any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(status)):
        return TargetUnavailable(f"{call}: its namespace is being deleted.", code="NamespaceTerminating", status=403)
    message = str(status.get("message") or "")
    if not message or _RIGHTS.search(message):
        return TargetRejected(
            f"{call}: 403, our identity may not {call.verb} {call.subject}; grant it the verb {_verbs(call)}.",
            code=code,
            status=403,
        )
    return TargetRejected(f"{call}: 403, {scrubbed(message)}", code=code, status=403)


def _verbs(call: Call) -> str:
    """What the right is called in a Role: an apply is a patch, and a create when the object is new."""
    return {"apply": "patch and create", "read": "get"}.get(call.verb, call.verb)


def _absent(call: Call, status: Mapping[str, Any], code: str) -> TargetError:
    """A 404 means "this one object" only when the server names the object; otherwise it does not know the resource type."""
    name = _details(status).get("name")
    if code == "NotFound" and name and not call.listing:
        return NotFound(f"{call}: {scrubbed(str(status.get('message') or 'it does not exist'))}", code=code, status=404)
    return TargetRejected(
        f"{call}: 404, {call.subject} is not served by this cluster; install the definitions (CRDs) it belongs to.",
        code=code or "NotServed",
        status=404,
    )


def _conflict(status: Mapping[str, Any]) -> str:
    owners: dict[str, list[str]] = {}
    for cause in _causes(status):
        manager = _MANAGER.search(str(cause.get("message", "")))
        if manager:
            owners.setdefault(manager.group(1), []).append(str(cause.get("field", "?")))
    if not owners:
        return f"409, {scrubbed(str(status.get('message') or 'it changed since it was read'))}"
    words = "; ".join(f'"{owner}" owns {_first(fields)}' for owner, fields in owners.items())
    return scrubbed(f"409, another field manager is in the way: {words}")


def _what_is_wrong(status: Mapping[str, Any]) -> str:
    """The fields that the server names, else its message."""
    causes = [cause for cause in _causes(status) if cause.get("field")]
    # Beside wrong fields a server lists that it did not check further, and some fields it lists twice.
    named = [cause for cause in causes if cause["field"] != "<nil>"] or causes
    fields = list(dict.fromkeys(f"{cause['field']}: {cause.get('message', '')}" for cause in named))
    return scrubbed(_first(fields, "; ") if fields else str(status.get("message") or "without a reason"))


def _first(items: Sequence[str], separator: str = ", ") -> str:
    more = len(items) - _MOST_CAUSES
    return separator.join(items[:_MOST_CAUSES]) + (f" and {more} more" if more > 0 else "")


def _server_failed(call: Call, answer: Answer, status: Mapping[str, Any], code: str) -> TargetError:
    message = str(status.get("message") or "")
    if answer.status == 500 and _INVALID_ON_CREATE.match(message):
        return TargetRejected(f"{call}: {scrubbed(message)}", code=code or "Invalid", status=500)
    return _unavailable(call, answer, status, code)


def _unavailable(call: Call, answer: Answer, status: Mapping[str, Any], code: str) -> TargetUnavailable:
    said = scrubbed(str(status.get("message") or "no Status came with it"))
    return TargetUnavailable(
        f"{call}: {answer.status}, {said}", code=code, status=answer.status, retry_after=retry_after(answer.headers)
    )
