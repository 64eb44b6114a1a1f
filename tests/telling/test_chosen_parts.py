"""Which parts the settings choose: who we are to Git, where statuses and notices go."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from function_app.adapters.git_access import Anonymous, DeployKey, HttpAccess
from function_app.adapters.git_hosts import AzureDevOpsStatuses, GitHubStatuses, GitLabStatuses
from function_app.adapters.git_reviews import AzureDevOpsApprovals, GitHubApprovals, GitLabApprovals, NoApprovals
from function_app.adapters.git_tokens import GitHubAppToken
from function_app.adapters.notice_channels import WebhookNotices, slack_message, teams_message
from function_app.bootstrap import Assembly, assemble
from function_app.model.errors import SettingsError, SourceError
from function_app.model.names import Commit
from function_app.settings import Settings

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\\nAAAA\\n-----END OPENSSH PRIVATE KEY-----"
GITHUB = "https://github.com/octo/egress.git"
AZURE = "https://dev.azure.com/org/project/_git/egress"
TOKEN = {"GIT_ACCESS": "token", "GIT_TOKEN": "0123456789abcdef"}
APP = {"GIT_ACCESS": "github-app", "GITHUB_APP_ID": "1", "GITHUB_APP_INSTALLATION": "2", "GITHUB_APP_KEY": KEY}


def assembled(folder: Path, repository: str, **settings: str) -> Assembly:
    """The parts for these settings."""
    environment = {f"EGRESS_{name}": value for name, value in settings.items()}
    return assemble(
        Settings.from_environment({"EGRESS_REPOSITORY": repository, "EGRESS_STATE_FOLDER": str(folder), **environment})
    )


@pytest.mark.parametrize(
    ("repository", "settings", "access"),
    [
        (GITHUB, {}, Anonymous),
        (GITHUB, TOKEN, HttpAccess),
        (GITHUB, APP, HttpAccess),
        (AZURE, {"GIT_ACCESS": "managed-identity"}, HttpAccess),
        (
            "git@github.com:octo/egress.git",
            {"GIT_ACCESS": "deploy-key", "GIT_DEPLOY_KEY": KEY, "GIT_HOST_KEYS": "github.com ssh-ed25519 AAAA"},
            DeployKey,
        ),
    ],
)
def test_the_settings_choose_who_we_are(
    tmp_path: Path, repository: str, settings: dict[str, str], access: type
) -> None:
    """To the host of their repository, and to no other."""
    with assembled(tmp_path, repository, **settings) as parts:
        assert access is type(parts._repository(repository)._access)
        assert Anonymous is type(parts._repository("https://elsewhere.example/x")._access)


def test_an_app_shows_its_own_token(tmp_path: Path) -> None:
    """And a personal one stays as it is."""
    with assembled(tmp_path, GITHUB, **APP) as parts:
        assert isinstance(parts._git_token, GitHubAppToken)
    with assembled(tmp_path, GITHUB, **TOKEN) as parts:
        assert parts._git_token is not None
        assert TOKEN["GIT_TOKEN"] == parts._git_token()


@pytest.mark.parametrize(
    ("host", "repository", "statuses"),
    [
        ("none", GITHUB, type(None)),
        ("github", GITHUB, GitHubStatuses),
        ("gitlab", "https://gitlab.example.com/a/b.git", GitLabStatuses),
        ("azure-devops", AZURE, AzureDevOpsStatuses),
    ],
)
def test_the_settings_choose_whose_commits_bear_statuses(
    tmp_path: Path, host: str, repository: str, statuses: type
) -> None:
    """With the token that fetches."""
    page = "https://egress.example.com"
    with assembled(tmp_path, repository, COMMIT_STATUS=host, PUBLIC_URL=page, **TOKEN) as parts:
        assert statuses is type(parts.commit_statuses)
        assert host == "none" or page == cast("Any", parts.commit_statuses)._page


@pytest.mark.parametrize(
    ("host", "repository", "approvals"),
    [
        ("none", GITHUB, NoApprovals),
        ("github", GITHUB, GitHubApprovals),
        ("gitlab", "https://gitlab.example.com/a/b.git", GitLabApprovals),
        ("azure-devops", AZURE, AzureDevOpsApprovals),
        ("github", "https://example.com/x", NoApprovals),
    ],
)
def test_the_settings_choose_who_says_what_was_approved(
    tmp_path: Path, host: str, repository: str, approvals: type
) -> None:
    """Where nobody can be asked, a question is answered with why, and passes over other hubs go on."""
    with assembled(tmp_path, repository, APPROVALS=host, **TOKEN) as parts:
        assert approvals is type(parts.approvals)
        if approvals is NoApprovals:
            with pytest.raises(SourceError, match="EGRESS_APPROVALS"):
                parts.approvals.of(Commit("a" * 40))


def test_approvals_need_a_token(tmp_path: Path) -> None:
    """Nobody in particular may not read who approved."""
    with pytest.raises(SettingsError, match="EGRESS_APPROVALS needs a token"):
        assembled(tmp_path, GITHUB, APPROVALS="github")


def test_a_repository_that_no_host_shows_is_named(tmp_path: Path) -> None:
    """The setting, and what is wrong with the other one."""
    parts = assembled(tmp_path, "https://example.com/x", COMMIT_STATUS="github", **TOKEN)
    with parts, pytest.raises(SettingsError, match="EGRESS_COMMIT_STATUS"):
        parts.commit_statuses  # noqa: B018 - what it raises is looked at


@pytest.mark.parametrize(("form", "message"), [("slack", slack_message), ("teams", teams_message)])
def test_the_settings_choose_who_reads_notices(tmp_path: Path, form: str, message: object) -> None:
    """Without a URL nobody."""
    with assembled(tmp_path, GITHUB, NOTICE_FORM=form) as parts:
        assert parts.notices is None
    with assembled(tmp_path, GITHUB, NOTICE_FORM=form, NOTICE_URL="https://hooks.example.com/x?sig=1") as parts:
        assert isinstance(parts.notices, WebhookNotices)
        assert message is parts.notices._body


@pytest.mark.parametrize(
    ("connection", "shown"),
    [
        ("", False),
        ("InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://a.example/", True),
        ("InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=http://127.0.0.1:1/", False),
    ],
)
def test_telemetry_goes_by_our_identity_but_to_no_stand_in(tmp_path: Path, connection: str, shown: bool) -> None:
    """A token is never sent in the clear."""
    with assembled(tmp_path, GITHUB, TELEMETRY=connection) as parts:
        assert shown is (parts.telemetry_credential is not None)
