"""Commit statuses on GitHub, Azure DevOps and GitLab: `CommitStatuses` by each host's own route, state words and limits.

Shapes: docs.github.com (REST, Create a commit status), learn.microsoft.com (Azure DevOps, Statuses - Create, 7.1), docs.gitlab.com
(Commits API, Set commit pipeline status).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from function_app.adapters.git_tokens import Token
from function_app.adapters.web import NoAnswer, Web, WebAnswer
from function_app.model.errors import SettingsError, SourceError
from function_app.model.telling import CommitState, CommitStatus


@dataclass(frozen=True, slots=True)
class RepositoryPlace:
    """A repository's host (https://HOST[:PORT]) and path, from any form of URL that git takes."""

    host: str
    path: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> RepositoryPlace:
        """Raises SettingsError for a local repository, which no host shows."""
        if "://" in url:
            parts = urlsplit(url)
            # An ssh URL's port is sshd's, not that of the API.
            netloc = parts.netloc.rpartition("@")[2] if parts.scheme == "https" else parts.hostname or ""
            path = parts.path
        else:
            netloc, _, path = url.rpartition("@")[2].partition(":")
        steps = tuple(unquote(step) for step in path.removesuffix(".git").strip("/").split("/") if step)
        if not netloc or netloc.startswith("/") or len(steps) < 2:
            raise SettingsError(
                "EGRESS_COMMIT_STATUS or EGRESS_APPROVALS is set, but EGRESS_REPOSITORY names no repository of a Git host."
            )
        return cls(f"https://{netloc}", steps)


class GitHubStatuses:
    """`CommitStatuses` on GitHub; the token needs `Commit statuses: write`. A commit bears 1,000 of one context at most."""

    _STATES: Mapping[CommitState, str] = {
        CommitState.PENDING: "pending",
        CommitState.SUCCESS: "success",
        CommitState.FAILURE: "failure",
        CommitState.SUPERSEDED: "success",
    }

    def __init__(self, place: RepositoryPlace, api: str, token: Token, web: Web, page: str = "") -> None:
        owner, name = (quote(step, safe="") for step in place.path[:2])
        self._url = f"{api}/repos/{owner}/{name}/statuses"
        self._token = token
        self._web = web
        self._page = page

    def set(self, status: CommitStatus) -> None:
        """Raises SourceError."""
        body = {
            "state": self._STATES[status.state],
            "description": cut(status.text, 140),
            "context": context(status),
            **_link("target_url", self._page, status),
        }
        _done(_posted(self._web, f"{self._url}/{status.commit}", body, github_headers(self._token())))


class AzureDevOpsStatuses:
    """`CommitStatuses` on Azure DevOps. `basic` is for personal access tokens; Entra's are shown as Bearer."""

    _STATES: Mapping[CommitState, str] = {
        CommitState.PENDING: "pending",
        CommitState.SUCCESS: "succeeded",
        CommitState.FAILURE: "failed",
        CommitState.SUPERSEDED: "notApplicable",
    }

    def __init__(self, place: RepositoryPlace, token: Token, web: Web, page: str = "", *, basic: bool) -> None:
        host, organisation, project, name = azure_devops_names(place)
        self._url = f"{host}/{organisation}/{project}/_apis/git/repositories/{name}/commits"
        self._token = token
        self._web = web
        self._basic = basic
        self._page = page

    def set(self, status: CommitStatus) -> None:
        """Raises SourceError."""
        body = {
            "state": self._STATES[status.state],
            "description": cut(status.text, 255),
            "context": {"name": status.hub, "genre": "egress-gitops"},
            **_link("targetUrl", self._page, status),
        }
        url = f"{self._url}/{status.commit}/statuses?api-version=7.1"
        _done(_posted(self._web, url, body, azure_devops_headers(self._token(), basic=self._basic)))


class GitLabStatuses:
    """`CommitStatuses` on GitLab; the token needs the scope `api` and the role Developer.

    GitLab refuses to change a status to the state it is in: then the words that stand there stay.
    """

    _STATES: Mapping[CommitState, str] = {
        CommitState.PENDING: "pending",
        CommitState.SUCCESS: "success",
        CommitState.FAILURE: "failed",
        CommitState.SUPERSEDED: "canceled",
    }

    def __init__(self, place: RepositoryPlace, token: Token, web: Web, page: str = "") -> None:
        self._url = f"{place.host}/api/v4/projects/{quote('/'.join(place.path), safe='')}/statuses"
        self._token = token
        self._web = web
        self._page = page

    def set(self, status: CommitStatus) -> None:
        """Raises SourceError."""
        body = {
            "state": self._STATES[status.state],
            "description": cut(status.text, 255),
            "name": context(status),
            **_link("target_url", self._page, status),
        }
        answer = _posted(self._web, f"{self._url}/{status.commit}", body, {"Authorization": f"Bearer {self._token()}"})
        if answer.status == 400 and "Cannot transition status" in answer.words:
            return
        _done(answer)


def _link(name: str, page: str, status: CommitStatus) -> dict[str, str]:
    """Where a status leads: to its hub on the status page, if that has an address."""
    return {name: f"{page}/#hub-{status.hub}"} if page else {}


def github_headers(token: str) -> dict[str, str]:
    """Who asks, and for which version of the API."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def azure_devops_headers(token: str, *, basic: bool) -> dict[str, str]:
    """Who asks: a personal access token is a password without a user, Entra's stands by itself."""
    return {"Authorization": f"Basic {b64encode(f':{token}'.encode()).decode()}" if basic else f"Bearer {token}"}


def context(status: CommitStatus) -> str:
    """Under which name a hub's status stands."""
    return f"egress-gitops/{status.hub}"


def cut(text: str, most: int) -> str:
    """The beginning, when it is too long for a host."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def azure_devops_names(place: RepositoryPlace) -> tuple[str, str, str, str]:
    """Host, organisation, project and repository; a project's own repository is named once."""
    steps = [step for step in place.path if step not in ("_git", "v3")]
    host = place.host.replace("https://ssh.dev.azure.com", "https://dev.azure.com")
    if host.endswith(".visualstudio.com"):
        steps = [host.removeprefix("https://").split(".")[0], *steps]
        host = "https://dev.azure.com"
    if len(steps) == 2:
        steps.append(steps[1])
    if len(steps) != 3:
        raise SettingsError(
            "azure-devops as EGRESS_COMMIT_STATUS or EGRESS_APPROVALS needs EGRESS_REPOSITORY in the form https://dev.azure.com/ORG/PROJECT/_git/NAME."
        )
    organisation, project, name = (quote(step, safe="") for step in steps)
    return host, organisation, project, name


def _posted(web: Web, url: str, body: Mapping[str, object], headers: Mapping[str, str]) -> WebAnswer:
    try:
        return web.post(url, body, headers)
    except NoAnswer as problem:
        raise SourceError(f"The commit's status cannot be set: the Git host does not answer ({problem}).") from None


def _done(answer: WebAnswer) -> None:
    if answer.fine:
        return
    why = f"{answer.status} {answer.words}".strip()
    raise SourceError(
        f"The commit's status cannot be set: {why}. May the token of EGRESS_GIT_ACCESS write commit statuses?"
    )
