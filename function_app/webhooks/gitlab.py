"""GitLab: a secret token in a header, or a signing token (docs.gitlab.com, "Webhook events"; standardwebhooks.com).

The signing token signs `webhook-id.webhook-timestamp.body`. How old a delivery is, is not judged: the same push a second time
asks for a pass that finds nothing to do.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence

from function_app.webhooks.push import Headers, Ignored, Json, Malformed, Push
from function_app.webhooks.reading import NO_COMMIT, changed_paths, optional_text, part, text, texts
from function_app.webhooks.signatures import matches, signature

_MOST_COMMITS = 20
_SIGNING_TOKEN = "whsec_"  # noqa: S105 - a prefix that marks a kind of token


def verify(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """`X-Gitlab-Token: SECRET`, or one of the space-separated `v1,BASE64` of `webhook-signature`."""
    by_token = matches(headers.get("x-gitlab-token", ""), secrets)
    head = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}."
    signed = head.encode("utf-8", "surrogatepass") + body
    expected = [f"v1,{b64encode(signature(_key(each), signed)).decode()}" for each in secrets if each]
    shown = headers.get("webhook-signature", "").split(" ")[:4]
    return any([by_token, *(matches(each, expected) for each in shown)])


def parse(headers: Headers, payload: Json) -> Push | Ignored:
    """`Push Hook`, and `Merge Request Hook` once it has been merged; raises Malformed."""
    match headers.get("x-gitlab-event", ""):
        case "":
            raise Malformed("The header X-Gitlab-Event is missing.")
        case "Push Hook" | "Tag Push Hook":
            return _push(payload)
        case "System Hook" if payload.get("object_kind") in ("push", "tag_push"):
            return _push(payload)
        case "Merge Request Hook":
            return _merge(payload)
        case _:
            return Ignored("this kind of event asks for nothing; push and merge request events are enough")


def _push(payload: Json) -> Push | Ignored:
    ref, repositories = text(payload, "ref"), _repositories(payload)
    after = optional_text(payload, "after")
    if after == NO_COMMIT:
        return Ignored("a branch or tag was deleted")
    return Push(
        repositories=repositories,
        refs=(ref,),
        commit=after,
        by=optional_text(payload, "user_username"),
        paths=changed_paths(payload, all_of=payload.get("total_commits_count"), most=_MOST_COMMITS),
    )


def _merge(payload: Json) -> Push | Ignored:
    merge = part(payload, "object_attributes")
    target = text(merge, "target_branch")
    if merge.get("action") != "merge":
        return Ignored("no merge request was merged")
    return Push(
        repositories=_repositories(payload),
        refs=(f"refs/heads/{target}",),
        commit=optional_text(merge, "merge_commit_sha"),
        by=optional_text(payload, "user", "username"),
    )


def _repositories(payload: Json) -> tuple[str, ...]:
    found = texts(part(payload, "project"), "git_http_url", "git_ssh_url", "web_url", "path_with_namespace")
    if not found:
        raise Malformed("`project` names no address.")
    return found


def _key(secret: str) -> bytes:
    """A signing token is base64 behind its prefix; any other text is its own key."""
    if secret.startswith(_SIGNING_TOKEN):
        try:
            return b64decode(secret.removeprefix(_SIGNING_TOKEN), validate=True)
        except NotBase64:
            return secret.encode()
    return secret.encode()
