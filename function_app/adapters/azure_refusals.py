"""What an error of Azure Resource Manager means: by its code first, by the HTTP status only where the code says nothing.

Codes: learn.microsoft.com "Troubleshoot common Azure deployment errors" and "Understand how Azure Resource Manager throttles
requests"; those of firewall writes from hashicorp/terraform-provider-azurerm#19843 and #32081 and the Firewall's known issues.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from function_app.adapters.answers import Answer, Call
from function_app.adapters.safe_text import scrubbed
from function_app.adapters.vendor_errors import retry_after
from function_app.model.errors import Conflict, NotFound, TargetError, TargetRejected, TargetUnavailable

_WAITING_HELPS = frozenset(
    {
        "anotheroperationinprogress",
        "retryableerror",
        "retryableerrorduetoanotheroperation",
        "firewallpolicyupdatefailed",
        "ipgroupsupdatefailed",
        "canceled",
        "canceledandsupersededduetoanotheroperation",
        "operationcanceled",
        "internalservererror",
        "internalerror",
        "servererror",
        "servertimeout",
        "serviceunavailable",
        "servicetimeout",
        "gatewaytimeout",
        "operationtimedout",
        "toomanyrequests",
        "subscriptionrequeststhrottled",
    }
)
_WRONG_PLACE = frozenset(
    {
        "resourcegroupnotfound",
        "subscriptionnotfound",
        "invalidsubscriptionid",
        "parentresourcenotfound",
        "invalidresourcetype",
        "invalidresourcenamespace",
        "noregisteredproviderfound",
        "missingsubscriptionregistration",
    }
)
_FORBIDDEN_BY_LOCK = frozenset(
    {"scopelocked", "readonlydisabledsubscription", "requestdisallowedbypolicy", "denyassignmentauthorizationfailed"}
)


def azure_refusal(call: Call, answer: Answer) -> TargetError:
    """The error of ours for an answer that is no success."""
    error = _error_object(answer.body)
    return _classified(call, error, answer.status, retry_after(answer.headers), has_error=bool(error))


def operation_failure(call: Call, body: Mapping[str, Any]) -> TargetError:
    """The error of ours for a long-running operation that ended as Failed or Canceled.

    Its answer is a success by HTTP status (`{"status": "Failed", "error": {"code", "message"}}`, learn.microsoft.com
    "Track asynchronous Azure operations"), so only the code tells.
    """
    error = body.get("error")
    known = error if isinstance(error, dict) else {}
    if not known.get("code"):
        known = {**known, "code": str(body.get("status", ""))}
    if str(known["code"]).lower() in _WAITING_HELPS:
        return TargetUnavailable(f"{call}: the operation failed: {_said(known)}", code=str(known["code"]), status=200)
    return TargetRejected(f"{call}: the operation failed: {_said(known)}", code=str(known["code"]), status=200)


def _error_object(body: bytes) -> Mapping[str, Any]:
    """`{"error": {"code", "message", "details"}}`, also without the envelope; empty when the body holds neither."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(value, dict):
        return {}
    error = value.get("error", value)
    return error if isinstance(error, dict) and isinstance(error.get("code"), str) else {}


def _said(error: Mapping[str, Any]) -> str:
    """Code and message, and the first two details: the outer message is often only "An error occurred"."""
    details = error.get("details")
    inner = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    parts = [f"{part.get('code', '')}: {part.get('message', '')}" for part in (error, *inner[:2])]
    return scrubbed(" / ".join(parts))


def _classified(
    call: Call, error: Mapping[str, Any], status: int, wait: float | None, *, has_error: bool
) -> TargetError:
    code = str(error.get("code", ""))
    word = code.lower()
    said = _said(error) if has_error else "and nothing that ARM would say"
    if status == 401:
        return TargetRejected(f"{call}: 401, our token was not accepted ({code}).", code=code, status=status)
    if word in _FORBIDDEN_BY_LOCK or word in _WRONG_PLACE:
        return TargetRejected(f"{call}: {status}, {said}", code=code, status=status)
    if status == 403:
        return TargetRejected(
            f"{call}: 403 ({code}), our identity may not {call.verb} {call.subject}; assign it a role that allows it.",
            code=code,
            status=status,
        )
    if word in _WAITING_HELPS or status in (408, 410, 429) or status >= 500:
        return TargetUnavailable(f"{call}: {status}, {said}", code=code, status=status, retry_after=wait)
    if status == 404:
        return _absent(call, code, said, has_error=has_error)
    if status in (409, 412):
        return Conflict(f"{call}: {status}, {said}", code=code, status=status)
    if 300 <= status < 400:
        return TargetRejected(f"{call}: answered {status}; redirects are not followed.", code=code, status=status)
    return TargetRejected(f"{call}: {status}, {said}", code=code, status=status)


def _absent(call: Call, code: str, said: str, *, has_error: bool) -> TargetError:
    """A 404 that is not ARM's own (a proxy's page) proves nothing; a collection that is absent is a wrong definition."""
    if not has_error:
        return TargetUnavailable(f"{call}: 404 {said}.", status=404)
    if call.listing:
        return TargetRejected(f"{call}: 404, what it belongs to does not exist: {said}", code=code, status=404)
    return NotFound(f"{call}: {said}", code=code, status=404)
