"""The schema server: what it lets Terraform refuse, and that a plan over it is a plan."""

from __future__ import annotations

import pytest

from terraform_provider.planned import Planned
from terraform_provider.schemas import providers
from terraform_provider.workspace import TerraformFailed, Workspace

HEAD = """
terraform {
  required_providers {
    azurerm = { source = "hashicorp/azurerm" }
  }
}
"""
SOUND = """
resource "azurerm_resource_group" "this" {
  name     = "one"
  location = "westeurope"
}
"""


def _said(terraform: Workspace, name: str, text: str, command: str = "validate") -> str:
    """What a command says of one small configuration; empty when it passes."""
    folder = terraform.folder / "tests" / "terraform" / name
    folder.mkdir(exist_ok=True)
    (folder / "main.tf").write_text(HEAD + text, encoding="utf-8")
    try:
        terraform.run(f"tests/terraform/{name}", command)
    except TerraformFailed as failed:
        return str(failed)
    return ""


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ('locatoin = "westeurope"', 'An argument named "locatoin" is not expected here'),
        ('id = "/subscriptions/1"', "Value for unconfigurable attribute"),
        ('managed_by_id = "x"', "not expected here"),
        ("tags = 7", 'Inappropriate value for attribute "tags": map of string required'),
        ("timeouts {\n    create = []\n  }", 'Inappropriate value for attribute "create": string required'),
        ("identity {}", 'Blocks of type "identity" are not expected here'),
    ],
)
def test_an_argument_that_azure_does_not_take_is_refused(terraform: Workspace, mistake: str, told: str) -> None:
    """Unknown, of another type, or the provider's own to set: validate names it, with file and line."""
    said = _said(terraform, "refused", SOUND.replace("\n}", f"\n  {mistake}\n}}"))
    assert told in said
    assert "on main.tf line" in said


def test_an_argument_that_azure_needs_is_missed(terraform: Workspace) -> None:
    """What the provider's schema requires is asked for, in a nested block as well."""
    said = _said(terraform, "missed", SOUND.replace('  location = "westeurope"\n', ""))
    assert 'The argument "location" is required, but no definition was found' in said
    flow_log = """
resource "azurerm_network_watcher_flow_log" "this" {
  name                 = "one"
  network_watcher_name = "one"
  resource_group_name  = "one"
  target_resource_id   = "/subscriptions/s"
  storage_account_id   = "/subscriptions/s"
  enabled              = true

  retention_policy {
    enabled = true
  }
}
"""
    assert 'The argument "days" is required' in _said(terraform, "missed", flow_log)


def test_a_value_outside_the_documented_ones_is_refused(terraform: Workspace) -> None:
    """A misspelt enumeration would fail half an hour into an apply."""
    text = """
resource "azurerm_public_ip" "this" {
  name                = "one"
  resource_group_name = "one"
  location            = "westeurope"
  allocation_method   = "Sticky"
}
"""
    assert '"Sticky" is not one of Static, Dynamic' in _said(terraform, "values", text)


def test_what_is_no_id_is_refused_as_one(terraform: Workspace) -> None:
    """A name where a resource id belongs is found without Azure."""
    text = """
resource "azurerm_subnet_route_table_association" "this" {
  subnet_id      = "nodes"
  route_table_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/r"
}
"""
    said = _said(terraform, "ids", text)
    assert '"nodes" is neither a resource id nor a GUID' in said
    assert "route_table_id" not in said.replace('route_table_id = "/sub', "")


def test_a_sound_configuration_passes(terraform: Workspace) -> None:
    """The judge is no false alarm."""
    assert _said(terraform, "sound", SOUND) == ""


def test_an_applied_plan_leaves_nothing_to_do(terraform: Workspace) -> None:
    """Planned, applied and planned again: the second plan is empty, so a configuration that always changes would be seen."""
    _said(terraform, "twice", SOUND)
    terraform.apply("tests/terraform/twice")
    plan = terraform.plan("tests/terraform/twice")
    assert [each["change"]["actions"] for each in plan["resource_changes"]] == [["no-op"]]


def test_a_change_that_needs_another_resource_says_so(terraform: Workspace) -> None:
    """What cannot be changed in place is planned as a replacement."""
    _said(terraform, "moved", SOUND)
    terraform.apply("tests/terraform/moved")
    (terraform.folder / "tests/terraform/moved/main.tf").write_text(
        HEAD + SOUND.replace("westeurope", "northeurope"), encoding="utf-8"
    )
    plan = terraform.plan("tests/terraform/moved")
    assert [each["change"]["actions"] for each in plan["resource_changes"]] == [["delete", "create"]]


def test_every_schema_says_where_it_is_from(sample: Planned) -> None:
    """A plan is worth what its schema is: each names provider and version, and all that is used is there."""
    assert {each.source for each in providers()} == {
        "azure/azapi", "hashicorp/azuread", "hashicorp/azurerm", "hashicorp/helm", "hashicorp/kubernetes",
    }  # fmt: skip
    assert all(each.version.count(".") == 2 for each in providers())
    held = {name for each in providers() for name in each.resources}
    assert {each.type for each in sample.resources.values()} <= held
