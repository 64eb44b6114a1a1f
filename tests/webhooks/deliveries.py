"""Deliveries as the providers publish them, restated small, and signed as they sign them."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

OLD, NEW = "old-secret-of-enough-length", "new-secret-of-enough-length"
COMMIT, NO_COMMIT = "c" * 40, "0" * 40
BRANCH = "refs/heads/main"

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Headers by lower-case name, and the bytes."""

    headers: Mapping[str, str]
    body: bytes

    def with_headers(self, **changed: str | None) -> Delivery:
        """Some headers changed or, with None, left out; `_` stands for `-`."""
        named = {key.replace("_", "-"): value for key, value in changed.items()}
        kept = {key: value for key, value in self.headers.items() if key not in named}
        return replace(self, headers={**kept, **{key: value for key, value in named.items() if value is not None}})

    def with_body(self, body: bytes) -> Delivery:
        """The same headers over other bytes."""
        return replace(self, body=body)


def hex_hmac(secret: str, body: bytes) -> str:
    """As GitHub signs."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(body: Json | bytes, event: str = "push", secret: str = OLD) -> Delivery:
    """What GitHub sends."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(
        {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "x-hub-signature-256": hex_hmac(secret, raw),
        },
        raw,
    )


def gitlab(body: Json | bytes, event: str = "Push Hook", secret: str = OLD) -> Delivery:
    """What GitLab sends with a secret token."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery({"content-type": "application/json", "x-gitlab-event": event, "x-gitlab-token": secret}, raw)


def gitlab_signed(
    body: Json | bytes, event: str = "Push Hook", secret: str = OLD, key: bytes | None = None
) -> Delivery:
    """What GitLab sends with a signing token."""
    plain = gitlab(body, event).with_headers(x_gitlab_token=None)
    signed = b"msg-1.1795428000." + plain.body
    digest = hmac.new(secret.encode() if key is None else key, signed, hashlib.sha256).digest()
    return plain.with_headers(
        webhook_id="msg-1", webhook_timestamp="1795428000", webhook_signature=f"v1,{b64encode(digest).decode()}"
    )


def azure_devops(body: Json | bytes, secret: str = OLD) -> Delivery:
    """What Azure DevOps sends with basic authentication."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    login = b64encode(f"hook:{secret}".encode()).decode()
    return Delivery({"content-type": "application/json; charset=utf-8", "authorization": f"Basic {login}"}, raw)


def azure_devops_header(body: Json | bytes, secret: str = OLD) -> Delivery:
    """What Azure DevOps sends with a header of ours."""
    return azure_devops(body).with_headers(authorization=None, x_egress_secret=secret)


def generic(body: Json | bytes, secret: str = OLD) -> Delivery:
    """What a script sends."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery({"content-type": "application/json", "x-egress-signature": hex_hmac(secret, raw)}, raw)


def github_push(**changed: Any) -> Json:
    """A push of one commit to main."""
    return {
        "ref": BRANCH,
        "before": "b" * 40,
        "after": COMMIT,
        "created": False,
        "deleted": False,
        "forced": False,
        "commits": [{"id": COMMIT, "added": [], "modified": ["gitops/tenants/tenant0.yaml"], "removed": []}],
        "repository": {
            "full_name": "example/egress",
            "clone_url": "https://github.com/example/egress.git",
            "ssh_url": "git@github.com:example/egress.git",
            "html_url": "https://github.com/example/egress",
        },
        "pusher": {"name": "jo", "email": "jo@example.com"},
    } | changed


def github_pull_request(*, merged: bool = True, action: str = "closed", base: str = "main") -> Json:
    """A pull request; an unmerged one has a merge commit all the same."""
    return {
        "action": action,
        "pull_request": {
            "merged": merged,
            "merge_commit_sha": COMMIT,
            "merged_by": {"login": "jo"} if merged else None,
            "base": {"ref": base},
        },
        "repository": github_push()["repository"],
    }


def gitlab_push(**changed: Any) -> Json:
    """A push of one commit to main."""
    return {
        "object_kind": "push",
        "ref": BRANCH,
        "before": "b" * 40,
        "after": COMMIT,
        "user_username": "jo",
        "project": {
            "path_with_namespace": "example/egress",
            "git_http_url": "https://github.com/example/egress.git",
            "git_ssh_url": "git@github.com:example/egress.git",
            "web_url": "https://github.com/example/egress",
        },
        "commits": [{"id": COMMIT, "added": ["gitops/hubs/hub2.yaml"], "modified": [], "removed": []}],
        "total_commits_count": 1,
    } | changed


def gitlab_merge_request(action: str = "merge") -> Json:
    """A merge request."""
    return {
        "object_kind": "merge_request",
        "user": {"username": "jo"},
        "project": gitlab_push()["project"],
        "object_attributes": {"action": action, "target_branch": "main", "merge_commit_sha": COMMIT},
    }


def azure_devops_push(*updates: tuple[str, str]) -> Json:
    """A push; each update is (ref, new object)."""
    return {
        "eventType": "git.push",
        "resource": {
            "refUpdates": [
                {"name": ref, "oldObjectId": "b" * 40, "newObjectId": new}
                for ref, new in updates or ((BRANCH, COMMIT),)
            ],
            "repository": {"remoteUrl": "https://github.com/example/egress.git"},
            "pushedBy": {"uniqueName": "jo@example.com"},
        },
    }


def azure_devops_merge(status: str = "completed", merge_status: str = "succeeded") -> Json:
    """An attempt to merge a pull request."""
    return {
        "eventType": "git.pullrequest.merged",
        "resource": {
            "status": status,
            "mergeStatus": merge_status,
            "targetRefName": BRANCH,
            "lastMergeCommit": {"commitId": COMMIT},
            "repository": {"remoteUrl": "https://github.com/example/egress.git"},
        },
    }


def generic_push(**changed: Any) -> Json:
    """What a script says."""
    return {
        "repository": "https://github.com/example/egress.git",
        "ref": BRANCH,
        "commit": COMMIT,
        "by": "jo",
    } | changed


type Signing = Callable[..., Delivery]

SENDERS: Mapping[str, tuple[str, Signing, Callable[[], Json]]] = {
    "github": ("github", github, github_push),
    "gitlab token": ("gitlab", gitlab, gitlab_push),
    "gitlab signature": ("gitlab", gitlab_signed, gitlab_push),
    "azure-devops password": ("azure-devops", azure_devops, azure_devops_push),
    "azure-devops header": ("azure-devops", azure_devops_header, azure_devops_push),
    "generic": ("generic", generic, generic_push),
}
"""By words: the provider's name, how it signs, and a push to main."""
