"""GitHub: HMAC with SHA-256 over the raw body (docs.github.com, "Validating webhook deliveries", "Webhook events and payloads").

Form encoding is refused with words: the signature covers it, but its payload would have to be taken apart twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from function_app.webhooks.push import Headers, Ignored, Json, Malformed, Push
from function_app.webhooks.reading import changed_paths, optional_text, part, text, texts
from function_app.webhooks.signatures import matches, signature

_MOST_COMMITS = 2048


def verify(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """`X-Hub-Signature-256: sha256=HEX`; the older SHA-1 header is not looked at."""
    shown = headers.get("x-hub-signature-256", "")
    return matches(shown, [f"sha256={signature(each.encode(), body).hex()}" for each in secrets if each])


def parse(headers: Headers, payload: Json) -> Push | Ignored:
    """`push`, and `pull_request` once it has been merged; raises Malformed."""
    match headers.get("x-github-event", ""):
        case "":
            raise Malformed("The header X-GitHub-Event is missing.")
        case "ping":
            return Ignored("the webhook is set up")
        case "push":
            return _push(payload)
        case "pull_request":
            return _merge(payload)
        case _:
            return Ignored("this kind of event asks for nothing; push and pull_request are enough")


def _push(payload: Json) -> Push | Ignored:
    ref, repositories = text(payload, "ref"), _repositories(payload)
    if payload.get("deleted") is True:
        return Ignored("a branch or tag was deleted")
    straight = payload.get("forced") is False and payload.get("created") is False
    commits = payload.get("commits")
    return Push(
        repositories=repositories,
        refs=(ref,),
        commit=optional_text(payload, "after"),
        by=optional_text(payload, "pusher", "name"),
        paths=changed_paths(payload, all_of=len(commits), most=_MOST_COMMITS)
        if straight and isinstance(commits, list)
        else None,
    )


def _merge(payload: Json) -> Push | Ignored:
    pull = part(payload, "pull_request")
    base = part(pull, "base")
    # An unmerged pull request has a merge_commit_sha too: only `merged` decides.
    if payload.get("action") != "closed" or pull.get("merged") is not True:
        return Ignored("no pull request was merged")
    return Push(
        repositories=_repositories(payload),
        refs=(f"refs/heads/{text(base, 'ref')}",),
        commit=optional_text(pull, "merge_commit_sha"),
        by=optional_text(pull, "merged_by", "login"),
    )


def _repositories(payload: Json) -> tuple[str, ...]:
    found = texts(part(payload, "repository"), "clone_url", "ssh_url", "html_url", "full_name")
    if not found:
        raise Malformed("`repository` names no address.")
    return found
