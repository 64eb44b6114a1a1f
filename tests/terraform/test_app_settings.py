"""The function's app settings are those that the service reads: no more, no less, and each of them readable."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from function_app.settings import CATALOGUE, PREFIX, Callers, Settings
from function_app.triggers import QUEUE_CONNECTION
from serve.workers import WORKER_SETTINGS
from terraform_provider.planned import Planned
from terraform_provider.workspace import Workspace

NOT_IN_AZURE: Mapping[str, str] = {
    "EGRESS_WEBHOOK_REPOSITORY": "the provider names the repository as its URL does",
    "EGRESS_STORAGE_KEY_FILE": "the account has no keys",
    "EGRESS_KUBECONFIG": "clusters are found by their AKS resources",
    "EGRESS_KUBE_TOKEN_FILE": "Entra signs in",
    "EGRESS_ARM_ENDPOINT": "the public cloud's is the default",
    "EGRESS_ARM_TOKEN_FILE": "for a simulated Azure",
    "EGRESS_CA_FILE": "Azure's and AKS's authorities are known",
    "EGRESS_TIME_SOURCE": "the storage service's clock counts",
    "EGRESS_AUTHOR": "for a terminal; over HTTP the token names the person",
    "EGRESS_CONNECT_TIMEOUT_SECONDS": "the default is meant for Azure",
    "EGRESS_READ_TIMEOUT_SECONDS": "the default is meant for Azure",
    "EGRESS_LATE_TARGET_GRACE_SECONDS": "the default is meant for Azure",
    "EGRESS_LATE_TARGET_LIMIT_SECONDS": "the default is meant for Azure",
}
"""What is left at its default or has no place in Azure, each with the reason."""

_APP = "module.service.azurerm_linux_function_app.this"


def _change(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(each["change"] for each in plan["resource_changes"] if each["address"] == _APP)
    return found


def _names(change: Mapping[str, Any]) -> set[str]:
    return {*change["after"]["app_settings"], *change["after_unknown"]["app_settings"]}


@pytest.fixture(scope="session")
def change(sample_plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """The planned change of the function app."""
    return _change(sample_plan)


@pytest.fixture(scope="session")
def planned(change: Mapping[str, Any]) -> set[str]:
    """The planned settings, whether their values are known before an apply or not."""
    return _names(change)


def test_terraform_sets_exactly_what_the_service_reads(planned: set[str]) -> None:
    """A setting that is renamed or added on one side only is seen here."""
    ours = {key for key in planned if key.startswith(PREFIX)}
    assert ours | set(NOT_IN_AZURE) == {form.variable for form in CATALOGUE}
    assert not ours & set(NOT_IN_AZURE)


@pytest.mark.parametrize(
    "wrong", ["", "    EGRESS_LOGLEVEL = null\n", '    EGRESS_LOG_LEVEL = "INFO"\n    EGRESS_KUBECONFIG = "k"\n']
)
def test_a_setting_that_changes_in_terraform_alone_is_noticed(wrong: str, terraform: Workspace) -> None:
    """Left out, misspelt, or one that has no place in Azure: the comparison above fails."""
    right = '    EGRESS_LOG_LEVEL               = "INFO"\n'
    with terraform.edited("terraform/modules/service/locals.app_settings.tf", right, wrong):
        names = _names(_change(terraform.plan("terraform/platform", "-var-file=sample.tfvars", name="mistaken")))
    with pytest.raises(AssertionError):
        test_terraform_sets_exactly_what_the_service_reads(names)


def test_a_setting_that_the_service_alone_has_is_noticed(planned: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same from the other side."""
    newer = replace(CATALOGUE[0], name=f"{CATALOGUE[0].name}_TOO")
    monkeypatch.setattr(sys.modules[__name__], "CATALOGUE", (*CATALOGUE, newer))
    with pytest.raises(AssertionError):
        test_terraform_sets_exactly_what_the_service_reads(planned)


def test_the_worker_is_set_up_as_at_a_desk(change: Mapping[str, Any]) -> None:
    """What a load at a desk shows of webhooks would else say nothing about the service."""
    settings = change["after"]["app_settings"]
    assert {name: settings[name] for name in WORKER_SETTINGS} == WORKER_SETTINGS


def test_the_host_finds_accounts_and_code(planned: set[str]) -> None:
    """The host resolves the queue trigger's connection by these names; one that is misspelt leaves the queue unread."""
    identity = {"credential", "clientId"}
    assert {f"{QUEUE_CONNECTION}__{part}" for part in ("queueServiceUri", *identity)} <= planned
    assert {f"AzureWebJobsStorage__{part}" for part in ("accountName", *identity)} <= planned
    assert "PYTHON_SCRIPT_FILE_NAME" in planned


def test_the_service_starts_with_the_planned_settings(change: Mapping[str, Any]) -> None:
    """Values and forms fit: what Terraform writes is read without a complaint, with what only Azure knows made up."""
    made_up = {
        "EGRESS_AZURE_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
        "EGRESS_STORAGE_ACCOUNT": "https://egressgitopshost.blob.core.windows.net",
        "EGRESS_STORAGE_QUEUES": "https://egressgitopshost.queue.core.windows.net",
        "EGRESS_WEBHOOK_SECRET": "resolved-by-app-service-from-the-vault",
    }
    environment = {key: value for key, value in change["after"]["app_settings"].items() if key.startswith(PREFIX)}
    settings = Settings.from_environment(environment | made_up)
    assert settings.webhooks.provider == "github"
    assert settings.service.callers is Callers.ENTRA


def test_the_host_refuses_what_the_service_would(change: Mapping[str, Any]) -> None:
    """The host holds a body in memory before the service sees it, so both have the same limit."""
    settings = change["after"]["app_settings"]
    assert settings["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"] == settings["EGRESS_WEBHOOK_BODY_BYTES"]


def test_callers_roles_are_those_that_the_service_asks_for(sample: Planned, change: Mapping[str, Any]) -> None:
    """An app role by another name would let nobody in."""
    application = sample.resources["module.service.azuread_application.this"]
    roles = {each["value"] for each in application.at("app_role")}
    settings = change["after"]["app_settings"]
    assert roles == {settings["EGRESS_READER_ROLE"], settings["EGRESS_OPERATOR_ROLE"]}
