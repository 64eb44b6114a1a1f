"""The settings: all mistakes at once, nothing secret shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from function_app.model.errors import SettingsError
from function_app.settings import CATALOGUE, CredentialKind, SettingRow, Settings, describe

NEEDED = {"EGRESS_REPOSITORY": "/srv/egress.git"}


def test_defaults_fill_what_is_not_set() -> None:
    """Only the repository is required; an empty variable counts as not set."""
    settings = Settings.from_environment(NEEDED | {"EGRESS_REF": " ", "UNRELATED": "x"})
    assert (settings.source.repository, settings.source.ref, settings.source.folder) == (
        "/srv/egress.git",
        "main",
        "gitops",
    )
    assert (settings.storage.folder, settings.clusters.kubeconfig, settings.calls.ca_file) == (
        Path(".state"),
        None,
        None,
    )
    assert (settings.calls.connect_timeout_seconds, settings.calls.read_timeout_seconds) == (5.0, 30.0)
    assert (settings.calls.late_target_grace_seconds, settings.calls.late_target_limit_seconds) == (2.0, 60.0)
    assert settings.azure.endpoint == "https://management.azure.com"
    assert settings.azure.credential is CredentialKind.MANAGED_IDENTITY


def test_values_are_taken_over_in_their_types() -> None:
    """Paths, numbers, words in any case, URLs without their final slash."""
    settings = Settings.from_environment(
        NEEDED
        | {
            "EGRESS_KUBECONFIG": "/etc/kubeconfig",
            "EGRESS_READ_TIMEOUT_SECONDS": "0.5",
            "EGRESS_LOG_LEVEL": "debug",
            "EGRESS_AZURE_CREDENTIAL": "Azure-CLI",
            "EGRESS_ARM_ENDPOINT": "http://127.0.0.1:8443/",
            "EGRESS_DEFINITIONS_FOLDER": "deploy/gitops/",
        }
    )
    assert (settings.clusters.kubeconfig, settings.calls.read_timeout_seconds, settings.service.log_level) == (
        Path("/etc/kubeconfig"),
        0.5,
        "DEBUG",
    )
    assert settings.azure.credential is CredentialKind.AZURE_CLI
    assert (settings.azure.endpoint, settings.source.folder) == ("http://127.0.0.1:8443", "deploy/gitops")


@pytest.mark.parametrize(
    ("given", "queues"),
    [
        ({}, ""),
        ({"EGRESS_STORAGE_ACCOUNT": "https://a.blob.core.windows.net"}, "https://a.queue.core.windows.net"),
        ({"EGRESS_STORAGE_ACCOUNT": "https://a.blob.core.chinacloudapi.cn/"}, "https://a.queue.core.chinacloudapi.cn"),
        (
            {"EGRESS_STORAGE_ACCOUNT": "http://127.0.0.1:1/a", "EGRESS_STORAGE_QUEUES": "http://[::1]:2/a"},
            "http://[::1]:2/a",
        ),
    ],
)
def test_the_queues_stand_beside_the_blobs(given: dict[str, str], queues: str) -> None:
    """In every cloud an account's two hosts differ by one word; elsewhere the second one is named."""
    assert queues == Settings.from_environment(NEEDED | given).storage.queue_endpoint


WRONG = [
    ("EGRESS_REPOSITORY", "--upload-pack=x", "could be taken for an option"),
    ("EGRESS_REPOSITORY", "ext::sh -c x", "transport helper"),
    ("EGRESS_REF", "-x", "could be taken for an option"),
    ("EGRESS_DEFINITIONS_FOLDER", "../etc", "inside the repository"),
    ("EGRESS_DEFINITIONS_FOLDER", "/etc", "inside the repository"),
    ("EGRESS_ARM_ENDPOINT", "http://10.0.0.1", "plain http"),
    ("EGRESS_ARM_ENDPOINT", "https://u:canary@host", "must not carry a user"),
    ("EGRESS_ARM_ENDPOINT", "management.azure.com", "begins with https://"),
    ("EGRESS_ARM_ENDPOINT", "https://host:99999", "is not a URL"),
    ("EGRESS_TIME_SOURCE", "https://host/?sig=canary", "must not carry"),
    ("EGRESS_AZURE_CREDENTIAL", "default", "must be one of managed-identity, azure-cli"),
    ("EGRESS_AZURE_CLIENT_ID", "my-identity", "is not a client id"),
    ("EGRESS_CONNECT_TIMEOUT_SECONDS", "soon", "is not a number of seconds"),
    ("EGRESS_CONNECT_TIMEOUT_SECONDS", "0", "between 0.1 and 60"),
    ("EGRESS_READ_TIMEOUT_SECONDS", "nan", "between 0.1 and 300"),
    ("EGRESS_LOG_LEVEL", "verbose", "must be one of DEBUG"),
    ("EGRESS_LATE_TARGET_LIMIT_SECONDS", "1", "must not exceed"),
    ("EGRESS_STORAGE_ACCOUNT", "http://10.0.0.1/account", "plain http"),
    ("EGRESS_STORAGE_ACCOUNT", "http://127.0.0.1:10000/desk", "EGRESS_STORAGE_QUEUES is needed"),
    ("EGRESS_STORAGE_QUEUES", "https://a.queue.core.windows.net", "set without EGRESS_STORAGE_ACCOUNT"),
    ("EGRESS_STORAGE_KEY_FILE", "/run/key", "set without EGRESS_STORAGE_ACCOUNT"),
    ("EGRESS_STORAGE_CONTAINER", "Egress--Git", "is no container's name"),
    ("EGRESS_WEBHOOK_PROVIDER", "bitbucket", "must be one of github, azure-devops, gitlab, generic"),
    ("EGRESS_WEBHOOK_SECRET", "canary", "fewer than 16 characters"),
    ("EGRESS_WEBHOOK_SECOND_SECRET", "@Microsoft.KeyVault(SecretUri=https://canary/x)", "could not be resolved"),
    ("EGRESS_WEBHOOK_BODY_BYTES", "1e9", "must be a whole number between"),
    ("EGRESS_CALLERS", "anybody", "must be one of function-key, entra"),
    ("EGRESS_DRIFT_MINUTES", "7", "must divide an hour"),
    ("EGRESS_GIT_ACCESS", "managed-identity", "EGRESS_GIT_ACCESS=managed-identity is sent by https alone"),
    ("EGRESS_GIT_ACCESS", "canary", "must be one of anonymous, token, github-app, deploy-key, managed-identity"),
    ("EGRESS_GIT_TOKEN", "@Microsoft.KeyVault(SecretUri=https://canary/x)", "could not be resolved"),
    ("EGRESS_GITHUB_APP_KEY", "canary", "-----BEGIN"),
    ("EGRESS_GITHUB_APP_INSTALLATION", "canary", "must be a whole number"),
    ("EGRESS_GIT_HOST_KEYS", "canary\x07", "holds a control character"),
    ("EGRESS_REPOSITROY", "x", "did you mean EGRESS_REPOSITORY?"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_each_mistake_is_named(name: str, value: str, words: str) -> None:
    """The variable, what is wrong, never the value."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(NEEDED | {name: value})
    (line,) = str(caught.value).splitlines()
    assert name in line
    assert words in line
    assert "canary" not in line


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("token", ["GIT_TOKEN"]),
        ("github-app", ["GITHUB_APP_ID", "GITHUB_APP_INSTALLATION", "GITHUB_APP_KEY"]),
        ("deploy-key", ["GIT_DEPLOY_KEY", "GIT_HOST_KEYS"]),
        ("managed-identity", []),
    ],
)
def test_what_a_way_into_git_needs_is_asked_for(kind: str, missing: list[str]) -> None:
    """All of it at once."""
    where = "git@example.com:x" if kind == "deploy-key" else "https://example.com/x"
    _, problems = described({"EGRESS_REPOSITORY": where, "EGRESS_GIT_ACCESS": kind})
    assert [f"EGRESS_{name}" for name in missing] == [problem.split()[0] for problem in problems]


def test_keys_may_be_written_on_one_line() -> None:
    """App settings are often one line; a key that lost its line ends would be no key."""
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\\nAAAA\\n-----END OPENSSH PRIVATE KEY-----"
    settings = Settings.from_environment(NEEDED | {"EGRESS_GIT_DEPLOY_KEY": key})
    assert 3 == len(settings.git.deploy_key.splitlines())


def test_all_mistakes_come_at_once_with_examples() -> None:
    """What is missing and what is wrong, a line each, with what to write."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"EGRESS_REF": "-x", "EGRESS_LOG_LEVEL": "loud"})
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["EGRESS_REPOSITORY", "EGRESS_REF", "EGRESS_LOG_LEVEL"]
    assert lines[0].endswith("EGRESS_REPOSITORY=https://github.com/example/egress.git")
    assert "For example: EGRESS_REF=main" in lines[1]


def test_nothing_secret_is_shown() -> None:
    """A repository URL may carry a login."""
    rows, problems = described({"EGRESS_REPOSITORY": "https://me:canary@host/r.git?token=canary"})
    assert not problems
    assert rows["EGRESS_REPOSITORY"].value == "https://***@host/r.git?***"


def test_a_secret_is_not_shown_at_all() -> None:
    """Only whether it is set."""
    given = NEEDED | {"EGRESS_WEBHOOK_SECRET": "canary-canary-canary"}
    rows, _ = described(given)
    assert ("***", "") == (rows["EGRESS_WEBHOOK_SECRET"].value, rows["EGRESS_WEBHOOK_SECOND_SECRET"].value)
    assert "canary" not in repr(Settings.from_environment(given))


def test_what_is_wrong_is_told_beside_all_that_is_right() -> None:
    """Somebody who sets up an installation sees every setting before the required ones are set."""
    rows, problems = described({"EGRESS_LOG_LEVEL": "canary", "EGRESS_REF": "release"})
    assert [line.split()[0] for line in problems] == ["EGRESS_REPOSITORY", "EGRESS_LOG_LEVEL"]
    assert ("", "", "release") == tuple(rows[f"EGRESS_{name}"].value for name in ("REPOSITORY", "LOG_LEVEL", "REF"))


def test_every_setting_is_declared_once() -> None:
    """With a meaning, a default that can be read, and a unit wherever a quantity ends its name."""
    names = [form.name for form in CATALOGUE]
    assert len(names) == len(set(names))
    for form in CATALOGUE:
        assert form.meaning.endswith(".")
        assert form.required or form.parse(form.default or "") is not ...
        assert bool(form.unit) == form.name.endswith(("_SECONDS", "_MINUTES", "_BYTES", "_DAYS"))
        assert not form.unit or form.name.endswith(form.unit.upper())
    assert ["REPOSITORY"] == [form.name for form in CATALOGUE if form.required]


def described(environ: dict[str, str]) -> tuple[dict[str, SettingRow], tuple[str, ...]]:
    """The rows by name, and the problems."""
    rows, problems = describe(environ)
    return {row.name: row for row in rows}, problems
