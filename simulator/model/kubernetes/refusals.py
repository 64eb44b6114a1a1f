"""How the API says no: one function for each `Status` that kube-apiserver answers with.

Texts and reasons follow kubernetes/apimachinery, pkg/api/errors/errors.go, since clients show and sometimes parse them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulator.model.errors import ApiError
from simulator.model.kubernetes.kinds import ServedKind


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that is wrong: `metav1.StatusCause`. `reason` is a CauseType such as FieldValueInvalid."""

    field: str
    reason: str
    message: str


def _details(kind: ServedKind, name: str, causes: Iterable[Cause] = (), *, as_kind: bool = False) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name, "group": kind.group, "kind": kind.kind if as_kind else kind.plural}
    listed = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    if listed:
        details["causes"] = listed
    return {key: value for key, value in details.items() if value}


def not_found(kind: ServedKind, name: str) -> ApiError:
    """404: no such object."""
    return ApiError(404, "NotFound", f'{kind.resource} "{name}" not found', details=_details(kind, name))


def already_exists(kind: ServedKind, name: str, *, terminating: bool = False) -> ApiError:
    """409: a create found the name taken, perhaps by something that is on its way out."""
    message = f'{"object is being deleted: " if terminating else ""}{kind.resource} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details=_details(kind, name))


def version_required(kind: ServedKind, name: str) -> ApiError:
    """422: a PUT of a custom resource says which version it replaces."""
    message = "Invalid value: 0: must be specified for an update"
    cause = {"reason": "FieldValueInvalid", "message": message, "field": "metadata.resourceVersion"}
    said = f'{kind.resource} "{name}" is invalid: metadata.resourceVersion: {message}'
    return ApiError(422, "Invalid", said, details={**_details(kind, name), "causes": [cause]})


def no_such_path() -> ApiError:
    """404 in plain text: no group, version or resource is served there."""
    return ApiError(404, "", "404 page not found\n", headers={"Content-Type": "text/plain; charset=utf-8"})


def precondition_failed(kind: ServedKind, name: str, what: str, wanted: str, have: str) -> ApiError:
    """409: a delete meant another object, or another version of it. `what` is UID or ResourceVersion."""
    meant = {"UID": "deleted and then recreated", "ResourceVersion": "modified"}[what]
    message = (
        f'Operation cannot be fulfilled on {kind.qualified_kind} "{name}": the {what} in the precondition ({wanted}) does '
        f"not match the {what} in record ({have}). The object might have been {meant}"
    )
    return ApiError(409, "Conflict", message, details=_details(kind, name, as_kind=True))


def modified(kind: ServedKind, name: str) -> ApiError:
    """409: somebody wrote in between."""
    message = (
        f'Operation cannot be fulfilled on {kind.resource} "{name}": the object has been modified; please apply your '
        "changes to the latest version and try again"
    )
    return ApiError(409, "Conflict", message, details=_details(kind, name))


def apply_conflict(conflicts: Iterable[tuple[str, str]]) -> ApiError:
    """409: other field owners hold other values. `conflicts` are (owner in words, field path), ordered by owner."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {owner}", "field": path}
        for owner, path in conflicts
    ]
    by_owner: dict[str, list[str]] = {}
    for cause in causes:
        by_owner.setdefault(cause["message"].removeprefix("conflict with "), []).append(cause["field"])
    parts = [
        f"conflict with {owner}: {paths[0]}"
        if len(causes) == 1
        else f"conflicts with {owner}:\n" + "\n".join(f"- {path}" for path in paths)
        for owner, paths in by_owner.items()
    ]
    plural = "" if len(causes) == 1 else "s"
    message = f"Apply failed with {len(causes)} conflict{plural}: " + "\n".join(parts)
    return ApiError(409, "Conflict", message, details={"causes": causes})


def invalid(kind: ServedKind, name: str, causes: list[Cause]) -> ApiError:
    """422: fields are wrong; each is a cause, and said once."""
    parts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = parts[0] if len(parts) == 1 else "[" + ", ".join(parts) + "]"
    message = f'{kind.qualified_kind} "{name}" is invalid: {text}'
    return ApiError(422, "Invalid", message, details=_details(kind, name, causes, as_kind=True))


def bad_request(message: str) -> ApiError:
    """400: the request makes no sense."""
    return ApiError(400, "BadRequest", message)


def forbidden(kind: ServedKind, name: str, why: str, causes: Iterable[Cause] = ()) -> ApiError:
    """403: the rules of the server, not the caller's rights, forbid it."""
    message = f'{kind.resource} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, details=_details(kind, name, causes))


def internal(message: str) -> ApiError:
    """500 without a reason: an error that the server did not classify."""
    return ApiError(500, "", message)


def unsupported_patch(accepted: Iterable[str]) -> ApiError:
    """415: no such patch type for this kind."""
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return ApiError(415, "UnsupportedMediaType", message)


def expired(message: str, token: str = "") -> ApiError:
    """410: the list can no longer be continued as it was; `token` continues it as it is now."""
    return ApiError(410, "Expired", message, continue_token=token)


def unreachable(service: str) -> ApiError:
    """503 in plain text: kube-apiserver cannot reach an aggregated server; the body is no `Status` object."""
    message = f"error trying to reach service: dial tcp {service}: connect: connection refused"
    return ApiError(503, "", message, headers={"Content-Type": "text/plain; charset=utf-8"})
