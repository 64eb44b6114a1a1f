"""Each provider's deliveries: what counts as genuine, and what they come to."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from typing import Any

import pytest
from webhooks.deliveries import (
    BRANCH,
    COMMIT,
    NEW,
    NO_COMMIT,
    OLD,
    SENDERS,
    Delivery,
    azure_devops,
    azure_devops_merge,
    azure_devops_push,
    generic_push,
    github,
    github_pull_request,
    github_push,
    gitlab,
    gitlab_merge_request,
    gitlab_push,
    gitlab_signed,
    hex_hmac,
)

from function_app.settings import Settings
from function_app.webhooks.providers import PROVIDERS
from function_app.webhooks.push import Ignored, Malformed, Push
from function_app.webhooks.reading import json_object


def is_genuine(provider: str, delivery: Delivery, *secrets: str) -> bool:
    """What verify says."""
    return PROVIDERS[provider].verify(delivery.headers, delivery.body, secrets)


def parsed(provider: str, delivery: Delivery) -> Push | Ignored:
    """What parse says."""
    return PROVIDERS[provider].parse(delivery.headers, json_object(delivery.body))


@pytest.mark.parametrize("sender", SENDERS)
def test_either_of_two_secrets_is_enough(sender: str) -> None:
    """While a secret is replaced, deliveries made with the old and with the new one are genuine; with a third, not."""
    provider, signed, payload = SENDERS[sender]

    genuine = [is_genuine(provider, signed(payload(), secret=each), OLD, NEW) for each in (OLD, NEW)]

    assert [True, True] == genuine
    assert not is_genuine(provider, signed(payload(), secret="another-secret-entirely"), OLD, NEW)
    assert not is_genuine(provider, signed(payload(), secret=OLD), NEW)


@pytest.mark.parametrize("sender", SENDERS)
def test_without_a_secret_nothing_is_genuine(sender: str) -> None:
    """No secret, and an empty one, vouch for nobody."""
    provider, signed, payload = SENDERS[sender]

    assert not is_genuine(provider, signed(payload(), secret=""))
    assert not is_genuine(provider, signed(payload(), secret=""), "", "")
    assert not is_genuine(provider, Delivery({"content-type": "application/json"}, signed(payload()).body), OLD)


@pytest.mark.parametrize("sender", ["github", "gitlab signature", "generic"])
def test_a_signature_holds_for_its_own_bytes_alone(sender: str) -> None:
    """One space more, and it is another body."""
    provider, signed, payload = SENDERS[sender]
    delivery = signed(payload())

    assert is_genuine(provider, delivery, OLD)
    assert not is_genuine(provider, delivery.with_body(delivery.body + b" "), OLD)


def test_a_signature_is_compared_whole_and_as_it_is_written() -> None:
    """Truncated, in upper case, without its prefix, by SHA-1, or not even ASCII: not genuine."""
    delivery = github(github_push())
    right = delivery.headers["x-hub-signature-256"]
    wrong = [right[:-1], right.upper(), right.removeprefix("sha256="), "sha256=", "ü\ud800", ""]
    sha1 = "sha1=" + hmac.new(OLD.encode(), delivery.body, hashlib.sha1).hexdigest()

    assert [False] * 6 == [is_genuine("github", delivery.with_headers(x_hub_signature_256=each), OLD) for each in wrong]
    assert not is_genuine("github", delivery.with_headers(x_hub_signature_256=None, x_hub_signature=sha1), OLD)


def test_a_signing_token_is_base64_behind_its_prefix() -> None:
    """GitLab's signing token carries the key's bytes, and a header may show several signatures."""
    key = bytes(range(32))
    token = f"whsec_{b64encode(key).decode()}"
    delivery = gitlab_signed(gitlab_push(), key=key)
    several = f"v1,AAAA {delivery.headers['webhook-signature']}"

    assert is_genuine("gitlab", delivery, token)
    assert is_genuine("gitlab", delivery.with_headers(webhook_signature=several), token)
    assert not is_genuine("gitlab", delivery.with_headers(webhook_id="msg-2"), token)
    assert not is_genuine("gitlab", delivery.with_headers(webhook_timestamp="1795428001"), token)


@pytest.mark.parametrize("value", ["Bearer abc", "Basic", "Basic ***", "Basic " + b64encode(b"\xff\xfe").decode()])
def test_other_logins_are_not_genuine(value: str) -> None:
    """Another scheme, no base64, no UTF-8, no colon."""
    assert not is_genuine("azure-devops", azure_devops(azure_devops_push()).with_headers(authorization=value), OLD)


@pytest.mark.parametrize("sender", SENDERS)
def test_a_push_names_ref_commit_and_who(sender: str) -> None:
    """Whoever sends it, a push to main is one."""
    provider, signed, payload = SENDERS[sender]

    push = parsed(provider, signed(payload()))

    assert isinstance(push, Push)
    assert ((BRANCH,), COMMIT) == (push.refs, push.commit)
    assert push.by.startswith("jo")
    assert "https://github.com/example/egress.git" in push.repositories


MERGES: list[tuple[str, Delivery, bool]] = [
    ("github", github(github_pull_request(), "pull_request"), True),
    ("github", github(github_pull_request(merged=False), "pull_request"), False),
    ("github", github(github_pull_request(action="opened"), "pull_request"), False),
    ("gitlab", gitlab(gitlab_merge_request(), "Merge Request Hook"), True),
    ("gitlab", gitlab(gitlab_merge_request("close"), "Merge Request Hook"), False),
    ("azure-devops", azure_devops(azure_devops_merge()), True),
    ("azure-devops", azure_devops(azure_devops_merge("active")), False),
    ("azure-devops", azure_devops(azure_devops_merge("completed", "conflicts")), False),
]


@pytest.mark.parametrize(("provider", "delivery", "merged"), MERGES)
def test_only_what_was_merged_counts(provider: str, delivery: Delivery, merged: bool) -> None:
    """A pull request that is opened, closed without merging, or could not be merged, asks for nothing."""
    said = parsed(provider, delivery)

    assert merged == isinstance(said, Push)
    if isinstance(said, Push):
        assert (BRANCH,) == said.refs


IGNORED: list[tuple[str, Delivery]] = [
    ("github", github({"zen": "Keep it logically awesome.", "hook_id": 1}, "ping")),
    ("github", github({}, "issues")),
    ("github", github(github_push(deleted=True, after=NO_COMMIT))),
    ("gitlab", gitlab(gitlab_push(after=NO_COMMIT))),
    ("gitlab", gitlab({}, "Pipeline Hook")),
    ("azure-devops", azure_devops({"eventType": "build.complete"})),
    ("azure-devops", azure_devops(azure_devops_push((BRANCH, NO_COMMIT)))),
]


@pytest.mark.parametrize(("provider", "delivery"), IGNORED)
def test_what_asks_for_nothing_is_said_so(provider: str, delivery: Delivery) -> None:
    """A ping, another kind of event, a deleted branch."""
    assert isinstance(parsed(provider, delivery), Ignored)


def test_one_push_may_move_several_refs() -> None:
    """Azure DevOps sends them together; those that were deleted do not count."""
    push = parsed(
        "azure-devops",
        azure_devops(azure_devops_push(("refs/heads/x", "a" * 40), ("refs/heads/y", NO_COMMIT), (BRANCH, COMMIT))),
    )

    assert isinstance(push, Push)
    assert ("refs/heads/x", BRANCH) == push.refs


MALFORMED: list[tuple[str, Delivery]] = [
    ("github", github(github_push(ref=None))),
    ("github", github(github_push(ref=["refs/heads/main"]))),
    ("github", github(github_push(repository="example/egress"))),
    ("github", github(github_push(repository={}))),
    ("github", github(github_push()).with_headers(x_github_event=None)),
    ("github", github(github_pull_request() | {"pull_request": None}, "pull_request")),
    ("github", github(b"[]")),
    ("github", github(b"")),
    ("github", github(b"\xff\xfe\x00")),
    ("github", github(b'{"ref": ' + b"[" * 100_000)),
    ("github", github(b"payload=%7B%7D")),
    ("gitlab", gitlab(gitlab_push(project=None))),
    ("gitlab", gitlab(gitlab_push()).with_headers(x_gitlab_event=None)),
    ("azure-devops", azure_devops({"eventType": "git.push"})),
    ("azure-devops", azure_devops({"eventType": "git.push", "resource": {"refUpdates": [], "repository": {}}})),
    ("azure-devops", azure_devops({"eventType": "git.push", "resource": {"refUpdates": [7]}})),
    ("azure-devops", azure_devops({})),
    ("generic", SENDERS["generic"][1](generic_push(ref=""))),
]


@pytest.mark.parametrize(("provider", "delivery"), MALFORMED)
def test_what_is_malformed_is_named_and_not_repeated(provider: str, delivery: Delivery) -> None:
    """Missing, of another type, empty, no JSON, no UTF-8, too deep: one kind of error, which repeats nothing of it."""
    with pytest.raises(Malformed) as caught:
        parsed(provider, delivery)
    assert "example" not in str(caught.value)


def test_an_empty_push_of_azure_devops_is_malformed() -> None:
    """An empty `refUpdates` once brought down another system (CVE-2025-59538)."""
    body = azure_devops_push()
    body["resource"]["refUpdates"] = []

    with pytest.raises(Malformed, match="`refUpdates` is empty"):
        parsed("azure-devops", azure_devops(body))


PATHS: list[tuple[str, Delivery, Any]] = [
    ("github", github(github_push()), {"gitops/tenants/tenant0.yaml"}),
    ("github", github(github_push(forced=True)), None),
    ("github", github(github_push(created=True)), None),
    ("github", github(github_push(commits=[])), None),
    ("github", github(github_push(commits=github_push()["commits"] * 2048)), None),
    ("github", github(github_push(commits=[{"id": COMMIT}])), None),
    ("github", github(github_push(commits=[7])), None),
    ("gitlab", gitlab(gitlab_push()), {"gitops/hubs/hub2.yaml"}),
    ("gitlab", gitlab(gitlab_push(total_commits_count=21)), None),
    ("azure-devops", azure_devops(azure_devops_push()), None),
]


@pytest.mark.parametrize(("provider", "delivery", "paths"), PATHS)
def test_files_are_told_only_when_all_of_them_are(provider: str, delivery: Delivery, paths: set[str] | None) -> None:
    """A forced push, a new branch, a list that was cut short: which files changed is not known."""
    push = parsed(provider, delivery)

    assert isinstance(push, Push)
    assert paths == push.paths


def test_signing_is_what_openssl_prints() -> None:
    """A known answer (RFC 4231, test case 2), so that the tests do not only agree with themselves."""
    known = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    body = b"what do ya want for nothing?"

    assert known == hex_hmac("Jefe", body)
    assert PROVIDERS["github"].verify({"x-hub-signature-256": known}, body, ("Jefe",))
    assert json.loads(github(github_push()).body) == github_push()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_can_be_chosen(provider: str) -> None:
    """The settings and the webhook's address call it the same."""
    chosen = {"EGRESS_REPOSITORY": "x", "EGRESS_WEBHOOK_PROVIDER": provider}

    assert provider == Settings.from_environment(chosen).webhooks.provider
