"""Commit statuses as each host's API takes them, over HTTPS; what a host refuses is said without the token."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from web_services import WebService, json_answers, web_service

from function_app.adapters.git_hosts import AzureDevOpsStatuses, GitHubStatuses, GitLabStatuses, RepositoryPlace
from function_app.adapters.git_tokens import fixed_token
from function_app.adapters.web import Web
from function_app.model.errors import SettingsError, SourceError
from function_app.model.names import Commit, HubName
from function_app.model.telling import CommitState, CommitStatus
from function_app.ports import CommitStatuses

TOKEN = "canary-token-0123456789"
SHA = Commit("6dcb09b5b57875f334f61aebed695e2e4193db5e")
SAID = CommitStatus(SHA, HubName("hub1"), CommitState.PENDING, "1 of 2 attachments routed; " + "x" * 300)


def github(service: WebService) -> CommitStatuses:
    """On GitHub."""
    place = RepositoryPlace.of("git@github.com:octo/egress.git")
    return GitHubStatuses(place, service.url, fixed_token(TOKEN), Web(service.ca_file))


def azure_devops(service: WebService) -> CommitStatuses:
    """On Azure DevOps, by Entra."""
    place = RepositoryPlace.of(f"https://org@127.0.0.1:{service.port}/org/My%20Project/_git/egress")
    return AzureDevOpsStatuses(place, fixed_token(TOKEN), Web(service.ca_file), basic=False)


def gitlab(service: WebService) -> CommitStatuses:
    """On GitLab, in a subgroup."""
    place = RepositoryPlace.of(f"{service.url}/group/sub/egress.git")
    return GitLabStatuses(place, fixed_token(TOKEN), Web(service.ca_file))


HOSTS = [github, azure_devops, gitlab]


def taken(
    tmp_path: Path, host: Callable[[WebService], CommitStatuses], state: CommitState
) -> tuple[str, dict[str, str], Any]:
    """The path, headers and body that a host receives."""
    with web_service(tmp_path, json_answers(lambda *_: (201, {"id": 1}))) as service:
        host(service).set(CommitStatus(SHA, SAID.hub, state, SAID.text))
        (_, path, headers, body) = service.requests[0]
    return path, headers, json.loads(body)


def test_github_takes_a_status(tmp_path: Path) -> None:
    """POST /repos/{owner}/{repo}/statuses/{sha} with state, description of 140 characters, and a context for each hub."""
    path, headers, body = taken(tmp_path, github, CommitState.PENDING)

    assert f"/repos/octo/egress/statuses/{SHA}" == path
    assert (f"Bearer {TOKEN}", "2022-11-28") == (headers["authorization"], headers["x-github-api-version"])
    assert ("pending", "egress-gitops/hub1", 140) == (body["state"], body["context"], len(body["description"]))


def test_azure_devops_takes_a_status(tmp_path: Path) -> None:
    """POST .../_apis/git/repositories/{id}/commits/{sha}/statuses with state, description and a context of name and genre."""
    path, headers, body = taken(tmp_path, azure_devops, CommitState.SUCCESS)

    assert f"/org/My%20Project/_apis/git/repositories/egress/commits/{SHA}/statuses?api-version=7.1" == path
    assert f"Bearer {TOKEN}" == headers["authorization"]
    assert ("succeeded", {"name": "hub1", "genre": "egress-gitops"}) == (body["state"], body["context"])


def test_azure_devops_takes_a_personal_token_as_a_password(tmp_path: Path) -> None:
    """Basic, with an empty user's name."""

    def with_password(service: WebService) -> CommitStatuses:
        place = RepositoryPlace.of(f"{service.url}/org/_git/egress")
        return AzureDevOpsStatuses(place, fixed_token(TOKEN), Web(service.ca_file), basic=True)

    path, headers, _ = taken(tmp_path, with_password, CommitState.FAILURE)
    assert path.startswith("/org/egress/_apis/git/repositories/egress/")
    assert f"Basic {base64.b64encode(f':{TOKEN}'.encode()).decode()}" == headers["authorization"]


def test_gitlab_takes_a_status(tmp_path: Path) -> None:
    """POST /projects/{path}/statuses/{sha}, the path as one step."""
    path, headers, body = taken(tmp_path, gitlab, CommitState.FAILURE)

    assert f"/api/v4/projects/group%2Fsub%2Fegress/statuses/{SHA}" == path
    assert f"Bearer {TOKEN}" == headers["authorization"]
    assert ("failed", "egress-gitops/hub1", 255) == (body["state"], body["name"], len(body["description"]))


def test_a_status_leads_to_its_hub_on_the_status_page(tmp_path: Path) -> None:
    """`target_url` on GitHub and GitLab, `targetUrl` on Azure DevOps; where the page has no address, nowhere."""

    def leading(made: Callable[[WebService], Any]) -> Callable[[WebService], CommitStatuses]:
        def host(service: WebService) -> CommitStatuses:
            statuses = made(service)
            statuses._page = "https://egress.example.com"
            return cast("CommitStatuses", statuses)

        return host

    names = {github: "target_url", azure_devops: "targetUrl", gitlab: "target_url"}
    for host, name in names.items():
        _, _, body = taken(tmp_path, leading(host), CommitState.PENDING)
        assert "https://egress.example.com/#hub-hub1" == body[name]
        _, _, body = taken(tmp_path, host, CommitState.PENDING)
        assert name not in body


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("state", CommitState)
def test_each_state_has_a_word_that_the_host_knows(
    tmp_path: Path, host: Callable[[WebService], CommitStatuses], state: CommitState
) -> None:
    """The hosts' enums, as published."""
    known = {
        "github": {"error", "failure", "pending", "success"},
        "azure_devops": {"notSet", "pending", "succeeded", "failed", "error", "notApplicable"},
        "gitlab": {"pending", "running", "success", "failed", "canceled"},
    }
    _, _, body = taken(tmp_path, host, state)
    assert body["state"] in known[host.__name__]


def test_gitlab_refuses_the_same_state_again_and_that_is_no_failure(tmp_path: Path) -> None:
    """As it does when the words alone change."""
    said = {
        "message": 'Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via "enqueue")'
    }
    with web_service(tmp_path, json_answers(lambda *_: (400, said))) as service:
        gitlab(service).set(SAID)
        assert 1 == len(service.requests)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("status", [302, 401, 403, 404, 422, 500])
def test_a_refusal_is_said_in_words(tmp_path: Path, host: Callable[[WebService], CommitStatuses], status: int) -> None:
    """The host's number and message, what to look at, never the token."""
    with web_service(tmp_path, json_answers(lambda *_: (status, {"message": f"Bad: token={TOKEN}"}))) as service:
        with pytest.raises(SourceError, match=str(status)) as caught:
            host(service).set(SAID)
        assert 1 == len(service.requests)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://github.com/octo/egress.git", "https://github.com", ("octo", "egress")),
        ("ssh://git@gitlab.example.com:2222/a/b/c.git", "https://gitlab.example.com", ("a", "b", "c")),
        (
            "git@ssh.dev.azure.com:v3/org/My%20Project/egress",
            "https://ssh.dev.azure.com",
            ("v3", "org", "My Project", "egress"),
        ),
    ],
)
def test_a_repository_is_found_by_any_form_of_url(url: str, host: str, path: tuple[str, ...]) -> None:
    """Its host by https, and its path."""
    assert RepositoryPlace(host, path) == RepositoryPlace.of(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://dev.azure.com/org/project/_git/egress",
        "https://org@dev.azure.com/org/project/_git/egress",
        "git@ssh.dev.azure.com:v3/org/project/egress",
        "https://org.visualstudio.com/project/_git/egress",
    ],
)
def test_azure_devops_has_four_forms_of_one_url(url: str) -> None:
    """All of them lead to one API."""
    statuses = AzureDevOpsStatuses(RepositoryPlace.of(url), fixed_token(""), Web(), basic=True)
    assert "https://dev.azure.com/org/project/_apis/git/repositories/egress/commits" == statuses._url


@pytest.mark.parametrize("url", ["/srv/egress.git", "file:///srv/egress.git", "https://example.com/x"])
def test_a_local_repository_has_no_host(url: str) -> None:
    """The setting is named."""
    with pytest.raises(SettingsError, match="EGRESS_COMMIT_STATUS"):
        RepositoryPlace.of(url)
