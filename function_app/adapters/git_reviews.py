"""How a commit came in, and who approved it: `Approvals` of GitHub, Azure DevOps and GitLab, each by its own routes.

Only what the host itself vouches for is used: who is asked is our repository on its host, what is taken is who gave an approval,
when, and on which commit. Texts of comments, commit messages and commit statuses count nothing: anybody can write those.

Shapes: docs.github.com (REST: List pull requests associated with a commit, List reviews for a pull request, Get repository
permissions for a user), learn.microsoft.com (Azure DevOps 7.1: Pull Request Query, Pull Requests - Get, Pull Request Iterations,
Pull Request Threads), docs.gitlab.com (Commits: List merge requests associated with a commit; Merge request approvals; Merge
requests: List diff versions). That GitLab tells `approved_at`: gitlab-org/api/client-go!2844. That a vote on Azure DevOps leaves a
thread with the properties CodeReviewThreadType, CodeReviewVoteResult and CodeReviewVotedByIdentity is observed, not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from function_app.adapters.git_hosts import RepositoryPlace, azure_devops_headers, azure_devops_names, github_headers
from function_app.adapters.git_tokens import Token
from function_app.adapters.web import NoAnswer, Web, WebAnswer
from function_app.model.approval import Approval, PullRequest
from function_app.model.errors import SourceError
from function_app.model.names import Commit

_PAGE = 100
_MOST_PAGES = 20
_MAY_WRITE = frozenset({"admin", "maintain", "write"})
_APPROVED = 10
"""Azure DevOps' vote; 5 is "approved with suggestions" and does not count."""


class _Host:
    """Questions to one host's API, and what becomes of answers that are none."""

    def __init__(self, name: str, web: Web, headers: Callable[[], Mapping[str, str]]) -> None:
        self.name = name
        self._web = web
        self._headers = headers

    def get(self, url: str, *, absent: bool = False) -> Any:
        """JSON, None when there is nothing of the kind and that may be; raises SourceError."""
        return self._body(lambda: self._web.get(url, self._headers()), absent=absent)

    def post(self, url: str, body: object) -> Any:
        """JSON; raises SourceError."""
        return self._body(lambda: self._web.post(url, body, self._headers()))

    def pages(self, url: str) -> Iterator[Any]:
        """The items of a list in pages; raises SourceError, also when there is no end."""
        for page in range(1, _MOST_PAGES + 1):
            items = self.get(f"{url}{'&' if '?' in url else '?'}per_page={_PAGE}&page={page}")
            if not isinstance(items, list):
                raise self.unclear()
            yield from items
            if len(items) < _PAGE:
                return
        raise SourceError(f"{self.name} lists more than {_PAGE * _MOST_PAGES} reviews.")

    def unclear(self) -> SourceError:
        """An answer in no shape that is known."""
        return SourceError(f"{self.name} answers in a form that is not understood.")

    def _body(self, ask: Callable[[], WebAnswer], *, absent: bool = False) -> Any:
        try:
            answer = ask()
        except NoAnswer as problem:
            raise SourceError(f"{self.name} does not answer ({problem}).") from None
        if absent and answer.status == 404:
            return None
        if not answer.fine:
            why = f"{answer.status} {answer.words}".strip()
            raise SourceError(
                f"{self.name} does not tell ({why}). May the token of EGRESS_GIT_ACCESS read pull requests?"
            )
        if answer.body is None:
            raise self.unclear()
        return answer.body


def _understood[T](host: _Host, work: Callable[[], T]) -> T:
    try:
        return work()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise host.unclear() from None


class NoApprovals:
    """Where nobody can be asked; `problem` says why."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def of(self, _commit: Commit) -> tuple[PullRequest, ...]:
        """Raises SourceError."""
        raise SourceError(self._problem)


class GitHubApprovals:
    """On GitHub; the token needs `Pull requests: read` and `Metadata: read`.

    The last word of each reviewer counts, on the commit that it was said about. Who may not write to the repository counts
    nothing, or anybody could approve in a public one; nor does a bot, which a workflow of the pull request may be.
    """

    def __init__(self, place: RepositoryPlace, branch: str, api: str, token: Token, web: Web) -> None:
        owner, name = place.path[:2]
        self._full_name, self._branch = f"{owner}/{name}", branch
        self._url = f"{api}/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
        self._host = _Host("GitHub", web, lambda: github_headers(token()))

    def of(self, commit: Commit) -> tuple[PullRequest, ...]:
        """Raises SourceError."""
        return _understood(self._host, lambda: tuple(self._pull_requests(commit)))

    def _pull_requests(self, commit: Commit) -> Iterator[PullRequest]:
        for pull in self._host.pages(f"{self._url}/commits/{commit}/pulls"):
            ours = str(pull["base"]["repo"]["full_name"]).lower() == self._full_name.lower()
            if pull["merged_at"] and ours and pull["base"]["ref"] == self._branch:
                yield self._judged(pull)

    def _judged(self, pull: Mapping[str, Any]) -> PullRequest:
        last: dict[int, Mapping[str, Any]] = {}
        for review in self._host.pages(f"{self._url}/pulls/{int(pull['number'])}/reviews"):
            if review["user"] is not None and review["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
                last[int(review["user"]["id"])] = review
        approvals, discounted = list[Approval](), list[str]()
        author = int((pull["user"] or {"id": 0})["id"])
        for review in last.values():
            login = str(review["user"]["login"])
            why = "" if review["state"] == "APPROVED" else f"has last said {str(review['state']).lower()}"
            if not why and int(review["user"]["id"]) == author:
                why = "proposed it"
            if not why and review["user"].get("type") == "Bot":
                why = "is a bot"
            if not why and not self._may_write(login):
                why = "may not write to the repository"
            if why:
                discounted.append(f"{login} {why}")
            else:
                head = Commit(str(review["commit_id"]))
                approvals.append(Approval(login, head, datetime.fromisoformat(review["submitted_at"])))
        return PullRequest(
            f"#{int(pull['number'])}", Commit(str(pull["head"]["sha"])), tuple(approvals), tuple(discounted)
        )

    def _may_write(self, login: str) -> bool:
        found = self._host.get(f"{self._url}/collaborators/{quote(login, safe='')}/permission", absent=True)
        return found is not None and found["permission"] in _MAY_WRITE


class GitLabApprovals:
    """On GitLab; the token needs the scope `read_api`. Only members that may approve can approve there.

    An approval is of the newest version that there was when it was given.
    """

    def __init__(self, place: RepositoryPlace, branch: str, token: Token, web: Web) -> None:
        self._branch = branch
        self._url = f"{place.host}/api/v4/projects/{quote('/'.join(place.path), safe='')}"
        self._host = _Host("GitLab", web, lambda: {"Authorization": f"Bearer {token()}"})

    def of(self, commit: Commit) -> tuple[PullRequest, ...]:
        """Raises SourceError."""
        return _understood(self._host, lambda: tuple(self._merge_requests(commit)))

    def _merge_requests(self, commit: Commit) -> Iterator[PullRequest]:
        for merge in self._host.pages(f"{self._url}/repository/commits/{commit}/merge_requests?state=merged"):
            if merge["state"] == "merged" and merge["target_branch"] == self._branch:
                yield self._judged(merge)

    def _judged(self, merge: Mapping[str, Any]) -> PullRequest:
        url = f"{self._url}/merge_requests/{int(merge['iid'])}"
        versions = [
            (datetime.fromisoformat(one["created_at"]), str(one["head_commit_sha"])) for one in self._versions(url)
        ]
        approvals, discounted = list[Approval](), list[str]()
        for given in self._host.get(f"{url}/approvals")["approved_by"]:
            name = str(given["user"]["username"])
            if given["user"]["id"] == merge["author"]["id"]:
                discounted.append(f"{name} proposed it")
            elif not given.get("approved_at"):
                discounted.append(f"this GitLab does not tell when {name} approved")
            else:
                approvals += _dated(name, datetime.fromisoformat(given["approved_at"]), versions)
        return PullRequest(f"!{int(merge['iid'])}", Commit(str(merge["sha"])), tuple(approvals), tuple(discounted))

    def _versions(self, url: str) -> Iterator[Mapping[str, Any]]:
        return self._host.pages(f"{url}/versions")


class AzureDevOpsApprovals:
    """On Azure DevOps, where who may vote is a member of the project. `basic` is for personal access tokens (scope Code: read).

    A vote that stands carries no time; the thread that the host writes when one is given does, in the voter's own name. So nobody
    can date somebody else's vote. It is of the newest iteration that there was then.
    """

    def __init__(self, place: RepositoryPlace, branch: str, token: Token, web: Web, *, basic: bool) -> None:
        host, organisation, project, name = azure_devops_names(place)
        self._branch = f"refs/heads/{branch}"
        self._url = f"{host}/{organisation}/{project}/_apis/git/repositories/{name}"
        self._host = _Host("Azure DevOps", web, lambda: azure_devops_headers(token(), basic=basic))

    def of(self, commit: Commit) -> tuple[PullRequest, ...]:
        """Raises SourceError."""
        return _understood(self._host, lambda: tuple(self._pull_requests(commit)))

    def _pull_requests(self, commit: Commit) -> Iterator[PullRequest]:
        queries = [{"type": kind, "items": [commit]} for kind in ("lastMergeCommit", "commit")]
        answer = self._host.post(f"{self._url}/pullrequestquery?api-version=7.1", {"queries": queries})
        found = [pull for result in answer["results"] for pull in result.get(commit) or ()]
        for number in dict.fromkeys(int(pull["pullRequestId"]) for pull in found):
            pull = self._host.get(f"{self._url}/pullrequests/{number}?api-version=7.1")
            if pull["status"] == "completed" and pull["targetRefName"] == self._branch:
                yield self._judged(pull)

    def _judged(self, pull: Mapping[str, Any]) -> PullRequest:
        url = f"{self._url}/pullRequests/{int(pull['pullRequestId'])}"
        iterations = self._host.get(f"{url}/iterations?api-version=7.1")["value"]
        versions = [
            (datetime.fromisoformat(one["createdDate"]), str(one["sourceRefCommit"]["commitId"])) for one in iterations
        ]
        given = dict(_votes(self._host.get(f"{url}/threads?api-version=7.1")["value"]))
        approvals, discounted = list[Approval](), list[str]()
        for reviewer in pull.get("reviewers") or ():
            who = str(reviewer["id"])
            name = str(reviewer.get("uniqueName") or reviewer.get("displayName") or who)
            if reviewer.get("isContainer") or reviewer["vote"] <= 0:
                continue
            if who == str(pull["createdBy"]["id"]):
                discounted.append(f"{name} proposed it")
            elif reviewer["vote"] != _APPROVED:
                discounted.append(f"{name} approved with suggestions")
            elif who not in given:
                discounted.append(f"no thread tells when {name} voted")
            else:
                approvals += _dated(name, given[who], versions)
        head = Commit(str(pull["lastMergeSourceCommit"]["commitId"]))
        return PullRequest(f"!{int(pull['pullRequestId'])}", head, tuple(approvals), tuple(discounted))


def _votes(threads: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, datetime]]:
    """Who approved when, oldest first; a thread that speaks of another's vote than its writer's is none."""
    for thread in sorted(threads, key=lambda one: str(one["publishedDate"])):
        properties = thread.get("properties") or {}
        kind, vote, voter = (
            (properties.get(key) or {}).get("$value")
            for key in ("CodeReviewThreadType", "CodeReviewVoteResult", "CodeReviewVotedByIdentity")
        )
        if kind != "VoteUpdate" or str(vote) != str(_APPROVED):
            continue
        who = str((thread.get("identities") or {}).get(str(voter), {}).get("id", ""))
        writers = {str(one["author"]["id"]) for one in thread["comments"]}
        if writers == {who}:
            yield who, datetime.fromisoformat(thread["publishedDate"])


def _dated(name: str, at: datetime, versions: Iterable[tuple[datetime, str]]) -> Iterator[Approval]:
    before = [one for one in versions if one[0] <= at]
    if before:
        yield Approval(name, Commit(max(before)[1]), at)
