"""Azure DevOps service hooks (learn.microsoft.com, "Webhooks with Azure DevOps", "Service hooks events").

They sign nothing. The subscription is given basic authentication, with the secret as its password and any user name, or the
HTTP header `X-Egress-Secret: SECRET`. A push names no files, so it may touch every hub.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence

from function_app.webhooks.push import Headers, Ignored, Json, Malformed, Push
from function_app.webhooks.reading import NO_COMMIT, optional_text, part, parts, text, texts
from function_app.webhooks.signatures import matches


def verify(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:  # noqa: ARG001 - nothing of the body is signed
    """`Authorization: Basic BASE64(USER:SECRET)` or `X-Egress-Secret: SECRET`."""
    by_password = matches(_password(headers.get("authorization", "")), secrets)
    by_header = matches(headers.get("x-egress-secret", ""), secrets)
    return by_password or by_header


def parse(headers: Headers, payload: Json) -> Push | Ignored:  # noqa: ARG001 - the event stands in the body
    """`git.push`, and `git.pullrequest.merged` once it has been completed; raises Malformed."""
    match text(payload, "eventType"):
        case "git.push":
            return _push(part(payload, "resource"))
        case "git.pullrequest.merged":
            return _merge(part(payload, "resource"))
        case _:
            return Ignored("this kind of event asks for nothing; `Code pushed` is enough")


def _push(resource: Json) -> Push | Ignored:
    updates, repositories = parts(resource, "refUpdates"), _repositories(resource)
    if not updates:
        raise Malformed("`refUpdates` is empty.")
    moved = {text(each, "name"): optional_text(each, "newObjectId") for each in updates}
    standing = tuple(ref for ref, commit in moved.items() if commit != NO_COMMIT)
    if not standing:
        return Ignored("a branch or tag was deleted")
    return Push(repositories, standing, moved[standing[-1]], optional_text(resource, "pushedBy", "uniqueName"))


def _merge(resource: Json) -> Push | Ignored:
    ref = text(resource, "targetRefName")
    # The event is sent for each attempt to merge, also while the pull request stays open.
    if (resource.get("status"), resource.get("mergeStatus")) != ("completed", "succeeded"):
        return Ignored("no pull request was completed")
    commit = optional_text(resource, "lastMergeCommit", "commitId")
    return Push(_repositories(resource), (ref,), commit, optional_text(resource, "closedBy", "uniqueName"))


def _repositories(resource: Json) -> tuple[str, ...]:
    found = texts(part(resource, "repository"), "remoteUrl", "sshUrl", "webUrl")
    if not found:
        raise Malformed("`repository` names no address; let the service hook send all resource details.")
    return found


def _password(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except (NotBase64, ValueError):
        return ""
