"""What is told to people outside: on commits, and to the owners of tenants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from function_app.settings import forms
from function_app.settings.forms import Form
from function_app.settings.git_access import GitAccessKind


class CommitHost(StrEnum):
    """A Git host whose API is used."""

    NONE = "none"
    GITHUB = "github"
    AZURE_DEVOPS = "azure-devops"
    GITLAB = "gitlab"


class NoticeForm(StrEnum):
    """Who reads notices."""

    SLACK = "slack"
    TEAMS = "teams"


def _host(value: str) -> CommitHost:
    return CommitHost(forms.one_of(*CommitHost)(value))


def _form(value: str) -> NoticeForm:
    return NoticeForm(forms.one_of(*NoticeForm)(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingSettings:
    """Commit statuses and notices."""

    commit_status: Annotated[
        CommitHost,
        Form(
            "COMMIT_STATUS",
            _host,
            "Whose commits bear a status for each hub: github, azure-devops, gitlab, or none. The token is that of "
            "EGRESS_GIT_ACCESS; beside a deploy key, set EGRESS_GIT_TOKEN.",
            default=CommitHost.NONE,
        ),
    ]
    approvals: Annotated[
        CommitHost,
        Form(
            "APPROVALS",
            _host,
            "Which host says who approved a pull request, for hubs with `apply: reviewed`: github, azure-devops, gitlab, or none. "
            "The token is that of EGRESS_GIT_ACCESS; beside a deploy key, set EGRESS_GIT_TOKEN.",
            default=CommitHost.NONE,
        ),
    ]
    public_url: Annotated[
        str,
        Form(
            "PUBLIC_URL",
            forms.or_empty(forms.url),
            "Where people find the status page: statuses of commits lead there. Without it they lead nowhere.",
            default="",
            example="https://egress.example.com",
        ),
    ]
    notice_url: Annotated[
        str,
        Form(
            "NOTICE_URL",
            forms.or_empty(forms.webhook_url),
            "The incoming webhook of the channel that owners read; without it no notices are given.",
            default="",
            example="@Microsoft.KeyVault(SecretUri=https://egress.vault.azure.net/secrets/notices)",
            secret=True,
        ),
    ] = field(repr=False)
    notice_form: Annotated[
        NoticeForm,
        Form(
            "NOTICE_FORM",
            _form,
            "What that channel reads: slack, or teams (a workflow that posts Adaptive Cards).",
            default=NoticeForm.TEAMS,
        ),
    ]


def together(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong between settings, as far as each is right by itself; `values` are by variable."""
    kind, token = values.get("EGRESS_GIT_ACCESS"), values.get("EGRESS_GIT_TOKEN")
    without = kind is GitAccessKind.ANONYMOUS or kind is GitAccessKind.DEPLOY_KEY
    for name in ("EGRESS_COMMIT_STATUS", "EGRESS_APPROVALS"):
        if values.get(name, CommitHost.NONE) is not CommitHost.NONE and without and token == "":
            yield f"{name} needs a token, which EGRESS_GIT_ACCESS={kind} has not: set EGRESS_GIT_TOKEN."
