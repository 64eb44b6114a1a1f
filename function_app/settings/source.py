"""What is in force: the repository, and who says that it changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from function_app.settings import forms
from function_app.settings.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Where definitions come from."""

    repository: Annotated[
        str,
        Form(
            "REPOSITORY",
            forms.repository,
            "The Git repository with the definitions: a URL, or the path of a local one.",
            default=None,
            example="https://github.com/example/egress.git",
        ),
    ] = field(repr=False)
    ref: Annotated[
        str,
        Form(
            "REF",
            forms.not_an_option,
            "The branch, tag or commit whose definitions are in force.",
            default="main",
        ),
    ]
    folder: Annotated[
        str,
        Form(
            "DEFINITIONS_FOLDER",
            forms.folder_in_repository,
            "The folder of the repository that holds the definitions.",
            default="gitops",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Who may say that something was pushed."""

    provider: Annotated[
        str,
        Form(
            "WEBHOOK_PROVIDER",
            forms.or_empty(forms.one_of("github", "azure-devops", "gitlab", "generic")),
            "Who sends webhooks: github, azure-devops, gitlab or generic (an HMAC of one's own). Without it none is accepted.",
            default="",
            example="github",
        ),
    ]
    secret: Annotated[
        str,
        Form(
            "WEBHOOK_SECRET",
            forms.or_empty(forms.secret),
            "The secret that the provider shares with us, at least 16 characters; without it no webhook is accepted.",
            default="",
            example="the output of: openssl rand -hex 32",
            secret=True,
        ),
    ] = field(repr=False)
    second_secret: Annotated[
        str,
        Form(
            "WEBHOOK_SECOND_SECRET",
            forms.or_empty(forms.secret),
            "A second secret that counts as well, so that the first can be replaced without losing a delivery.",
            default="",
            example="the output of: openssl rand -hex 32",
            secret=True,
        ),
    ] = field(repr=False)
    repository: Annotated[
        str,
        Form(
            "WEBHOOK_REPOSITORY",
            forms.or_empty(forms.text),
            "The repository as the provider names it, where that differs from EGRESS_REPOSITORY.",
            default="",
            example="example/egress",
        ),
    ] = field(repr=False)
    body_bytes: Annotated[
        int,
        Form(
            "WEBHOOK_BODY_BYTES",
            forms.whole(1024, 26214400),
            "The largest webhook that is read. What is beyond is refused, and the timer brings it. Set "
            "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT as well: the host reads a body before we see it.",
            default="4194304",
            unit="bytes",
        ),
    ]
