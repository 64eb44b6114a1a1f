"""Who we are to the repository's host, and whose signatures count there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from function_app.settings import forms
from function_app.settings.forms import Form


class GitAccessKind(StrEnum):
    """How we show who we are. There is no chain that tries one after the other."""

    ANONYMOUS = "anonymous"
    TOKEN = "token"  # noqa: S105 - the kind's name
    GITHUB_APP = "github-app"
    DEPLOY_KEY = "deploy-key"
    MANAGED_IDENTITY = "managed-identity"


def _kind(value: str) -> GitAccessKind:
    return GitAccessKind(forms.one_of(*GitAccessKind)(value))


def _number(value: str) -> str:
    return str(forms.whole(1, 10**12 - 1)(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class GitAccessSettings:
    """Credentials for Git, each of which may be a reference to Key Vault, and required signatures."""

    kind: Annotated[
        GitAccessKind,
        Form(
            "GIT_ACCESS",
            _kind,
            "Who we are to the repository's host: anonymous, token, github-app, deploy-key, or managed-identity (Azure DevOps).",
            default=GitAccessKind.ANONYMOUS,
        ),
    ]
    token: Annotated[
        str,
        Form(
            "GIT_TOKEN",
            forms.or_empty(forms.secret),
            "The token for EGRESS_GIT_ACCESS=token, with the right to read and, for commit statuses, to write those.",
            default="",
            example="@Microsoft.KeyVault(SecretUri=https://egress.vault.azure.net/secrets/git-token)",
            secret=True,
        ),
    ] = field(repr=False)
    user: Annotated[
        str,
        Form(
            "GIT_USER",
            forms.text,
            "The user's name that goes with the token; GitHub and GitLab take any, a GitLab deploy token wants its own.",
            default="x-access-token",
        ),
    ]
    github_app_id: Annotated[
        str,
        Form(
            "GITHUB_APP_ID",
            forms.or_empty(forms.text),
            "The GitHub App's id or client id, for EGRESS_GIT_ACCESS=github-app.",
            default="",
            example="123456",
        ),
    ]
    github_app_installation: Annotated[
        str,
        Form(
            "GITHUB_APP_INSTALLATION",
            forms.or_empty(_number),
            "The number of the App's installation in the organisation that owns the repository.",
            default="",
            example="7654321",
        ),
    ]
    github_api: Annotated[
        str,
        Form(
            "GITHUB_API",
            forms.url,
            "Where GitHub's API is; for GitHub Enterprise Server its address ends in /api/v3.",
            default="https://api.github.com",
        ),
    ]
    github_app_key: Annotated[
        str,
        Form(
            "GITHUB_APP_KEY",
            forms.or_empty(forms.private_key),
            "The App's private key in PEM; line ends may be written as \\n.",
            default="",
            example="@Microsoft.KeyVault(SecretUri=https://egress.vault.azure.net/secrets/github-app)",
            secret=True,
        ),
    ] = field(repr=False)
    deploy_key: Annotated[
        str,
        Form(
            "GIT_DEPLOY_KEY",
            forms.or_empty(forms.private_key),
            "The private ssh key for EGRESS_GIT_ACCESS=deploy-key; line ends may be written as \\n.",
            default="",
            example="@Microsoft.KeyVault(SecretUri=https://egress.vault.azure.net/secrets/deploy-key)",
            secret=True,
        ),
    ] = field(repr=False)
    host_keys: Annotated[
        str,
        Form(
            "GIT_HOST_KEYS",
            forms.lines,
            "The ssh host's public keys as lines of a known_hosts file; no other host is spoken to. `ssh-keyscan` shows them, "
            "the host's own documentation tells whether they are the right ones.",
            default="",
            example="github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
        ),
    ]
    signers: Annotated[
        str,
        Form(
            "GIT_SIGNERS",
            forms.lines,
            "Who may sign commits by ssh, as lines of an allowed_signers file. With it or EGRESS_GIT_SIGNER_KEYS, a commit "
            "without a good signature does not take effect.",
            default="",
            example="jo@example.com ssh-ed25519 AAAA...",
        ),
    ]
    signer_keys: Annotated[
        str,
        Form(
            "GIT_SIGNER_KEYS",
            forms.lines,
            "Who may sign commits by PGP: public keys in ASCII armour; GitHub signs merges with its own key, web-flow.",
            default="",
            example="-----BEGIN PGP PUBLIC KEY BLOCK----- ...",
        ),
    ]


_NEEDS: Mapping[GitAccessKind, tuple[str, ...]] = {
    GitAccessKind.TOKEN: ("GIT_TOKEN",),
    GitAccessKind.GITHUB_APP: ("GITHUB_APP_ID", "GITHUB_APP_INSTALLATION", "GITHUB_APP_KEY"),
    GitAccessKind.DEPLOY_KEY: ("GIT_DEPLOY_KEY", "GIT_HOST_KEYS"),
}


def together(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong between settings, as far as each is right by itself; `values` are by variable."""
    kind = values.get("EGRESS_GIT_ACCESS")
    if kind is None:
        return
    for name in _NEEDS.get(kind, ()):
        if values.get(f"EGRESS_{name}") == "":
            yield f"EGRESS_{name} is not set; EGRESS_GIT_ACCESS={kind} needs it."
    repository = str(values.get("EGRESS_REPOSITORY", ""))
    by_http = kind in (GitAccessKind.TOKEN, GitAccessKind.GITHUB_APP, GitAccessKind.MANAGED_IDENTITY)
    if repository and by_http and not repository.startswith("https://"):
        yield f"EGRESS_GIT_ACCESS={kind} is sent by https alone: EGRESS_REPOSITORY must begin with https://."
    if repository and kind is GitAccessKind.DEPLOY_KEY and repository.startswith("https://"):
        yield "EGRESS_GIT_ACCESS=deploy-key is for ssh: write EGRESS_REPOSITORY=git@HOST:PATH."
