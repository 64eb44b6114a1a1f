"""Who approved what, as each Git host's API tells it over HTTPS; what anybody could have written counts nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from web_services import WebService, json_answers, web_service

from function_app.adapters.git_hosts import RepositoryPlace
from function_app.adapters.git_reviews import AzureDevOpsApprovals, GitHubApprovals, GitLabApprovals
from function_app.adapters.git_tokens import fixed_token
from function_app.adapters.web import Web
from function_app.model.approval import Approval, PullRequest
from function_app.model.errors import SourceError
from function_app.model.names import Commit
from function_app.ports import Approvals

TOKEN = "canary-token-0123456789"
MERGE, OLD, HEAD = (Commit(one * 40) for one in "cde")
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
Json = dict[str, Any]


def github(service: WebService) -> Approvals:
    """On GitHub."""
    place = RepositoryPlace.of("git@github.com:octo/egress.git")
    return GitHubApprovals(place, "main", service.url, fixed_token(TOKEN), Web(service.ca_file))


def gitlab(service: WebService) -> Approvals:
    """On GitLab, in a subgroup."""
    place = RepositoryPlace.of(f"{service.url}/group/sub/egress.git")
    return GitLabApprovals(place, "main", fixed_token(TOKEN), Web(service.ca_file))


def azure_devops(service: WebService) -> Approvals:
    """On Azure DevOps, by Entra."""
    place = RepositoryPlace.of(f"https://org@127.0.0.1:{service.port}/org/My%20Project/_git/egress")
    return AzureDevOpsApprovals(place, "main", fixed_token(TOKEN), Web(service.ca_file), basic=False)


def told(
    tmp_path: Path, host: Callable[[WebService], Approvals], answers: Mapping[str, object]
) -> tuple[tuple[PullRequest, ...], list[tuple[str, str, dict[str, str], bytes]]]:
    """What a host that answers so comes to, by path without the query; what it has no answer for is a 404."""

    def answer(_method: str, path: str, *_: object) -> tuple[int, object]:
        found = answers.get(path.split("?", maxsplit=1)[0])
        return (200, found) if found is not None else (404, {"message": "Not Found"})

    with web_service(tmp_path, json_answers(answer)) as service:
        return host(service).of(MERGE), service.requests


# GitHub


def user(login: str, number: int, kind: str = "User") -> Json:
    """Somebody, as GitHub shows them."""
    return {"login": login, "id": number, "type": kind, "site_admin": False}


def pull(**changes: Any) -> Json:
    """A merged pull request."""
    base = {"ref": "main", "sha": "b" * 40, "repo": {"full_name": "Octo/egress"}}
    return {
        "number": 12,
        "state": "closed",
        "user": user("ada", 1),
        "merged_at": "2026-11-23T09:30:00Z",
        "merge_commit_sha": MERGE,
        "head": {"ref": "wider", "sha": HEAD, "repo": {"full_name": "octo/egress"}},
        "base": base,
        **changes,
    }


def said(who: Json, state: str, commit: str = HEAD, at: str = "2026-11-23T09:00:00Z") -> Json:
    """One review."""
    return {"id": 80, "user": who, "body": "", "state": state, "commit_id": commit, "submitted_at": at}


PULLS, REVIEWS = f"/repos/octo/egress/commits/{MERGE}/pulls", "/repos/octo/egress/pulls/12/reviews"
SEC = user("sec", 2)


def may(login: str, permission: str) -> dict[str, object]:
    """What GitHub says somebody may do here."""
    path = f"/repos/octo/egress/collaborators/{login}/permission"
    return {path: {"permission": permission, "role_name": permission, "user": user(login, 2)}}


def test_github_tells_who_approved_which_commit(tmp_path: Path) -> None:
    """With the token as Bearer and the version of the API; the pull request by its number."""
    answers = {PULLS: [pull()], REVIEWS: [said(SEC, "APPROVED", OLD), said(SEC, "COMMENTED")], **may("sec", "write")}

    found, requests = told(tmp_path, github, answers)

    assert (PullRequest("#12", HEAD, (Approval("sec", OLD, AT),)),) == found
    assert {f"Bearer {TOKEN}"} == {headers["authorization"] for _, _, headers, _ in requests}
    assert {"2022-11-28"} == {headers["x-github-api-version"] for _, _, headers, _ in requests}


@pytest.mark.parametrize(
    ("reviews", "permission", "why"),
    [
        ([said(user("ada", 1), "APPROVED")], "admin", "ada proposed it"),
        ([said(SEC, "APPROVED"), said(SEC, "DISMISSED")], "write", "sec has last said dismissed"),
        ([said(SEC, "APPROVED"), said(SEC, "CHANGES_REQUESTED")], "write", "sec has last said changes_requested"),
        ([said(SEC, "APPROVED")], "read", "sec may not write to the repository"),
        ([said(SEC, "APPROVED")], "none", "sec may not write to the repository"),
        ([said(user("github-actions[bot]", 3, "Bot"), "APPROVED")], "write", "github-actions[bot] is a bot"),
    ],
)
def test_what_does_not_count_on_github_says_why(tmp_path: Path, reviews: list[Json], permission: str, why: str) -> None:
    """The author, what was taken back, a stranger of a public repository, a workflow of the pull request."""
    answers = {PULLS: [pull()], REVIEWS: reviews, **may("sec", permission), **may("ada", permission)}

    (found,), _ = told(tmp_path, github, answers)

    assert ((), (why,)) == (found.approvals, found.discounted)


def test_a_stranger_to_github_counts_nothing(tmp_path: Path) -> None:
    """GitHub knows no permission of theirs."""
    (found,), _ = told(tmp_path, github, {PULLS: [pull()], REVIEWS: [said(SEC, "APPROVED")]})

    assert ((), ("sec may not write to the repository",)) == (found.approvals, found.discounted)


@pytest.mark.parametrize(
    "other",
    [
        pull(merged_at=None),
        pull(base={"ref": "release", "repo": {"full_name": "octo/egress"}}),
        pull(base={"ref": "main", "repo": {"full_name": "mallory/egress"}}),
    ],
)
def test_another_pull_request_with_the_commit_is_none(tmp_path: Path, other: Json) -> None:
    """One that is not merged, one into another branch, one of a fork."""
    answers = {PULLS: [other], REVIEWS: [said(SEC, "APPROVED")], **may("sec", "admin")}

    assert () == told(tmp_path, github, answers)[0]


def test_a_forged_status_comment_or_message_counts_nothing(tmp_path: Path) -> None:
    """Anybody may write those, a fork too: a review that only comments is no approval, and nothing else is even asked for."""
    forged = {**said(SEC, "COMMENTED"), "body": "Approved-by: sec, egress-gitops/hub1: success"}
    answers = {PULLS: [pull(title="Approved-by: sec", body="approved")], REVIEWS: [forged], **may("sec", "admin")}

    (found,), requests = told(tmp_path, github, answers)

    assert () == found.approvals
    assert {PULLS, REVIEWS} == {path.split("?")[0] for _, path, _, _ in requests}


def test_a_long_discussion_is_read_to_its_end(tmp_path: Path) -> None:
    """The last word stands on the second page."""
    pages = {"1": [said(SEC, "APPROVED")] * 100, "2": [said(SEC, "DISMISSED")]}

    def answer(_method: str, path: str, *_: object) -> tuple[int, object]:
        if "/reviews" in path:
            return 200, pages[path.rsplit("page=", 1)[1]]
        return (200, [pull()]) if "/commits/" in path else (200, {"permission": "write"})

    with web_service(tmp_path, json_answers(answer)) as service:
        (found,) = github(service).of(MERGE)

    assert () == found.approvals


# GitLab

GITLAB = "/api/v4/projects/group%2Fsub%2Fegress"


def merge_request(**changes: Any) -> Json:
    """A merged one."""
    author = {"id": 1, "username": "ada", "state": "active"}
    return {"iid": 7, "state": "merged", "target_branch": "main", "author": author, "sha": HEAD, **changes}


def on_gitlab(*approved: Json, **changes: Any) -> dict[str, object]:
    """All that GitLab answers."""
    return {
        f"{GITLAB}/repository/commits/{MERGE}/merge_requests": [merge_request(**changes)],
        f"{GITLAB}/merge_requests/7/approvals": {"iid": 7, "approvals_left": 0, "approved_by": list(approved)},
        f"{GITLAB}/merge_requests/7/versions": [
            {"id": 2, "head_commit_sha": HEAD, "created_at": "2026-11-23T09:10:00.000Z"},
            {"id": 1, "head_commit_sha": OLD, "created_at": "2026-11-23T08:00:00.000Z"},
        ],
    }


def approved(number: int, name: str, at: str | None = "2026-11-23T09:00:00.000Z") -> Json:
    """An entry of `approved_by`."""
    return {"user": {"id": number, "username": name}, **({"approved_at": at} if at else {})}


def test_gitlab_tells_who_approved_when(tmp_path: Path) -> None:
    """The approval is of the version that was there then, not of the one pushed ten minutes later."""
    (found,), requests = told(tmp_path, gitlab, on_gitlab(approved(2, "sec")))

    assert PullRequest("!7", HEAD, (Approval("sec", OLD, AT),)) == found
    assert {f"Bearer {TOKEN}"} == {headers["authorization"] for _, _, headers, _ in requests}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (approved(1, "ada"), "ada proposed it"),
        (approved(2, "sec", None), "this GitLab does not tell when sec approved"),
    ],
)
def test_what_does_not_count_on_gitlab_says_why(tmp_path: Path, entry: Json, why: str) -> None:
    """Its author, which GitLab may allow; and an approval without a time, as older versions show it."""
    (found,), _ = told(tmp_path, gitlab, on_gitlab(entry))

    assert ((), (why,)) == (found.approvals, found.discounted)


def test_a_merge_request_into_another_branch_is_none(tmp_path: Path) -> None:
    """Nor is one that is still open."""
    assert () == told(tmp_path / "a", gitlab, on_gitlab(approved(2, "sec"), target_branch="release"))[0]
    assert () == told(tmp_path / "b", gitlab, on_gitlab(approved(2, "sec"), state="opened"))[0]


# Azure DevOps

AZURE = "/org/My%20Project/_apis/git/repositories/egress"


def vote(who: str, value: int, **more: Any) -> Json:
    """A reviewer of a pull request."""
    return {"id": who, "vote": value, "displayName": who, "uniqueName": f"{who}@example.com", **more}


def thread(who: str, value: str, writer: str | None = None, at: str = "2026-11-23T09:00:00.1234567Z") -> Json:
    """What the host writes when somebody votes."""

    def text(value: str) -> Json:
        return {"$type": "System.String", "$value": value}

    return {
        "id": 1,
        "publishedDate": at,
        "comments": [{"id": 1, "author": {"id": writer or who}, "content": f"{who} voted", "commentType": "system"}],
        "properties": {
            "CodeReviewThreadType": text("VoteUpdate"),
            "CodeReviewVoteResult": text(value),
            "CodeReviewVotedByIdentity": text("1"),
        },
        "identities": {"1": {"id": who}},
    }


def on_azure(votes: list[Json], threads: list[Json], **changes: Any) -> dict[str, object]:
    """All that Azure DevOps answers."""
    pull = {
        "pullRequestId": 5,
        "status": "completed",
        "createdBy": {"id": "ada"},
        "targetRefName": "refs/heads/main",
        "lastMergeSourceCommit": {"commitId": HEAD},
        "reviewers": votes,
        **changes,
    }
    iterations = [
        {"id": 1, "createdDate": "2026-11-23T08:00:00.1234567Z", "sourceRefCommit": {"commitId": OLD}},
        {"id": 2, "createdDate": "2026-11-23T09:10:00.1234567Z", "sourceRefCommit": {"commitId": HEAD}},
    ]
    comment = {"id": 9, "publishedDate": "2026-11-23T08:30:00Z", "comments": [], "properties": None, "identities": None}
    return {
        f"{AZURE}/pullrequestquery": {"results": [{MERGE: [{"pullRequestId": 5}]}, {}]},
        f"{AZURE}/pullrequests/5": pull,
        f"{AZURE}/pullRequests/5/iterations": {"value": iterations},
        f"{AZURE}/pullRequests/5/threads": {"value": [comment, *threads]},
    }


def test_azure_devops_tells_who_voted_when(tmp_path: Path) -> None:
    """The pull request is found by the merge commit; the vote is of the iteration that was there then."""
    (found,), requests = told(tmp_path, azure_devops, on_azure([vote("sec", 10)], [thread("sec", "10")]))

    assert ("!5", HEAD, ("sec@example.com", OLD)) == (
        found.name,
        found.head,
        (found.approvals[0].by, found.approvals[0].head),
    )
    assert AT == found.approvals[0].at.replace(microsecond=0)
    method, _, headers, body = requests[0]
    assert ("POST", f"Bearer {TOKEN}") == (method, headers["authorization"])
    assert [MERGE] == json.loads(body)["queries"][0]["items"]


@pytest.mark.parametrize(
    ("votes", "threads", "why"),
    [
        ([vote("ada", 10)], [thread("ada", "10")], ("ada@example.com proposed it",)),
        ([vote("sec", 5)], [thread("sec", "5")], ("sec@example.com approved with suggestions",)),
        ([vote("sec", 0)], [thread("sec", "10")], ()),
        ([vote("team", 10, isContainer=True)], [thread("team", "10")], ()),
        ([vote("sec", 10)], [], ("no thread tells when sec@example.com voted",)),
        ([vote("sec", 10)], [thread("sec", "10", "ada")], ("no thread tells when sec@example.com voted",)),
    ],
)
def test_what_does_not_count_on_azure_devops_says_why(
    tmp_path: Path, votes: list[Json], threads: list[Json], why: tuple[str, ...]
) -> None:
    """Its author, half an approval, one that a push has reset, a group's, one without a time, one that somebody else dated."""
    (found,), _ = told(tmp_path, azure_devops, on_azure(votes, threads))

    assert ((), why) == (found.approvals, found.discounted)


def test_what_was_abandoned_or_went_elsewhere_is_none(tmp_path: Path) -> None:
    """On Azure DevOps as well."""
    given = [vote("sec", 10)], [thread("sec", "10")]
    assert () == told(tmp_path / "a", azure_devops, on_azure(*given, status="abandoned"))[0]
    assert () == told(tmp_path / "b", azure_devops, on_azure(*given, targetRefName="refs/heads/release"))[0]


# All of them


@pytest.mark.parametrize("host", [github, gitlab, azure_devops])
@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            403,
            {"message": "Resource not accessible"},
            r"403 Resource not accessible\). May the token of EGRESS_GIT_ACCESS",
        ),
        (503, "<html>", "503"),
        (200, {"surprise": 1}, "not understood"),
        (200, "no JSON", "not understood"),
        (302, {}, "302"),
    ],
)
def test_what_a_host_does_not_tell_is_said(
    tmp_path: Path, host: Callable[[WebService], Approvals], status: int, body: object, words: str
) -> None:
    """By its name and without the token; a redirection is not followed."""
    with web_service(tmp_path, json_answers(lambda *_: (status, body))) as service:
        with pytest.raises(SourceError, match=words) as problem:
            host(service).of(MERGE)
        assert TOKEN not in str(problem.value)


@pytest.mark.parametrize("host", [github, gitlab, azure_devops])
def test_a_host_that_is_gone_is_said(tmp_path: Path, host: Callable[[WebService], Approvals]) -> None:
    """Nobody listens there any more."""
    with web_service(tmp_path, json_answers(lambda *_: (200, []))) as service:
        found = host(service)
    with pytest.raises(SourceError, match="does not answer"):
        found.of(MERGE)
