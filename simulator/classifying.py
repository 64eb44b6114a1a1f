"""Refusals of the simulated services as the error classes of `function_app.model.errors`: what a careful client makes of them.

Written apart from the adapters, from the same sources, so that a search in process and a run over HTTP can be compared.
Kubernetes: apimachinery `metav1.Status`; Azure: Resource Manager's error codes (learn.microsoft.com, request-limits-and-throttling
and common-deployment-errors), firewall writes in hashicorp/terraform-provider-azurerm#19843 and #32081.
"""

from __future__ import annotations

import re

from function_app.model.errors import Conflict, NotFound, TargetError, TargetRejected, TargetUnavailable
from simulator.model.errors import ApiError, ArmError
from simulator.model.faults import Call

_REFUSED_FIELDS = re.compile(r"^(Internal error occurred: )?(error with |failed to create typed patch object)")
"""What calico-apiserver v3.32.1 answers, with 500, to an invalid object that an apply would create."""
_AZURE_WAITING_HELPS = frozenset(
    {
        "anotheroperationinprogress",
        "retryableerror",
        "retryableerrorduetoanotheroperation",
        "firewallpolicyupdatefailed",
        "internalservererror",
        "serviceunavailable",
        "toomanyrequests",
        "subscriptionrequeststhrottled",
    }
)
_AZURE_WRONG_PLACE = frozenset({"resourcegroupnotfound", "subscriptionnotfound", "parentresourcenotfound"})
LONGEST_RETRY_AFTER = 300.0


def kubernetes_refusal(call: Call, error: ApiError) -> TargetError:
    """The error class of a refused Kubernetes call."""
    text = f"{call}: {error.status}, {error.message}"
    if error.status == 404 and error.reason == "NotFound" and error.details.get("name") and call.verb != "list":
        return NotFound(text, code=error.reason, status=404)
    if error.status == 404:
        return TargetRejected(text, code=error.reason or "NotServed", status=404)
    if error.status == 409:
        return Conflict(text, code=error.reason, status=409)
    if error.status == 410:
        return TargetUnavailable(text, code=error.reason or "Expired", status=410)
    if error.status == 403 and _namespace_is_going(error):
        return TargetUnavailable(text, code="NamespaceTerminating", status=403)
    if error.status == 500 and _REFUSED_FIELDS.match(error.message):
        return TargetRejected(text, code=error.reason or "Invalid", status=500)
    if error.status in (408, 429) or error.status >= 500:
        return TargetUnavailable(text, code=error.reason, status=error.status, retry_after=_retry_after(error))
    return TargetRejected(text, code=error.reason, status=error.status)


def azure_refusal(call: Call, error: ArmError) -> TargetError:
    """The error class of a refused Azure call."""
    text, word = f"{call}: {error.status}, {error.code}: {error.message}", error.code.lower()
    if error.status in (401, 403) or word in _AZURE_WRONG_PLACE:
        return TargetRejected(text, code=error.code, status=error.status)
    if word in _AZURE_WAITING_HELPS or error.status in (408, 410, 429) or error.status >= 500:
        return TargetUnavailable(text, code=error.code, status=error.status, retry_after=_retry_after(error))
    if error.status == 404 and not error.code:
        # A proxy's page, not Resource Manager's own word, proves nothing.
        return TargetUnavailable(text, status=404)
    if error.status == 404 and call.verb != "list":
        return NotFound(text, code=error.code, status=404)
    if error.status in (409, 412):
        return Conflict(text, code=error.code, status=error.status)
    return TargetRejected(text, code=error.code, status=error.status)


def _namespace_is_going(error: ApiError) -> bool:
    return any(cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes", ()))


def _retry_after(error: ApiError | ArmError) -> float | None:
    text = error.headers.get("Retry-After", "")
    return min(float(text), LONGEST_RETRY_AFTER) if text else None
