"""Plans of the roots: a second one is empty, a spoke is one file, wrong inputs are told with their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from terraform_provider.planned import Planned
from terraform_provider.workspace import TerraformFailed, Workspace

ROOT = "terraform/platform"
SAMPLE = "-var-file=sample.tfvars"
SERVICE_IN_A_SPOKE = (
    '{name="egress-gitops",network={address_space="10.1.128.0/24",function="10.1.128.0/26",endpoints="10.1.128.64/27"}}'
)


@pytest.fixture(scope="module")
def applied(terraform: Workspace, sample_plan: Mapping[str, Any]) -> Workspace:
    """The sample, applied against nothing."""
    assert sample_plan["resource_changes"]
    terraform.apply(ROOT, SAMPLE)
    return terraform


def _changes(plan: Mapping[str, Any]) -> dict[str, str]:
    """What a plan changes: actions by address."""
    return {
        each["address"]: "/".join(each["change"]["actions"])
        for each in plan["resource_changes"]
        if each["change"]["actions"] != ["no-op"] and each["mode"] == "managed"
    }


def test_a_second_plan_changes_nothing(applied: Workspace) -> None:
    """Nothing is written that the next plan would write otherwise."""
    assert _changes(applied.plan(ROOT, SAMPLE)) == {}


def test_a_spoke_is_one_file_and_touches_nobody_else(applied: Workspace) -> None:
    """What one file adds is that spoke's: its own resources are made, and no other resource is changed."""
    third = applied.folder / "gitops" / "clusters" / "spoke3-aks.yaml"
    text = (applied.folder / "gitops" / "clusters" / "spoke2-aks.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("spoke2", "spoke3"),
        ("10.2.", "10.3."),
        ("10.99.1.", "10.99.2."),
        ("202 ", "203 "),
        ("10.245.", "10.246."),
    ):
        text = text.replace(old, new)
    third.write_text(text, encoding="utf-8")
    try:
        changes = _changes(applied.plan(ROOT, SAMPLE, name="third"))
    finally:
        third.unlink()
    assert set(changes.values()) == {"create"}
    assert all("spoke3-aks" in address for address in changes), sorted(changes)
    assert 'module.cluster["spoke3-aks"].azurerm_kubernetes_cluster.this' in changes


def test_a_spoke_that_goes_is_refused_first(applied: Workspace) -> None:
    """Clusters are not destroyed because a file is missing: the reconciler takes its tenants down, then a person says so."""
    file = applied.folder / "gitops" / "clusters" / "spoke2-aks.yaml"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    try:
        with pytest.raises(TerraformFailed, match="prevent_destroy"):
            applied.plan(ROOT, SAMPLE, name="gone")
    finally:
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-var=definitions=../../nowhere",), "there is no hubs file under"),
        (("-var=definitions=../../tests/terraform/corpus/yaml-octal",), "clusters/spoke1-aks.yaml:20: `0311`"),
        (("-var=definitions=../../tests/terraform/corpus/peers-too-many",), "Attach a cluster to another hub"),
        ((f"-var=service={SERVICE_IN_A_SPOKE}",), "overlaps 10.1.128.0/24 of variables: service.network.address_space"),
        (("-var=drift_minutes=7",), "it divides an hour evenly"),
        (("-var=home_hub=hub9",), "known are hub1"),
    ],
)
def test_a_wrong_input_is_told_with_its_place(terraform: Workspace, arguments: tuple[str, ...], told: str) -> None:
    """Whoever mistypes hears which file or variable, and what to write instead."""
    with pytest.raises(TerraformFailed) as failed:
        terraform.plan(ROOT, SAMPLE, *arguments, name="wrong")
    assert told in " ".join(str(failed.value).split())


def test_every_sample_resource_has_tags_where_azure_takes_them(sample: Planned) -> None:
    """Costs and owners are found by tag."""
    untagged = [
        each.address
        for each in sample.resources.values()
        if "tags" in each.values
        and "project" not in (each.at("tags") or {})
        and not str(each.at("type")).startswith("Microsoft.Maintenance/configurationAssignments@")
    ]
    assert untagged == []


def test_terraform_makes_nothing_that_is_the_reconcilers(sample: Planned) -> None:
    """The line is drawn once: no connection of the Route Server, no group of the tenants' policy."""
    assert sample.of_type("azurerm_route_server_bgp_connection") == []
    groups = {each.at("name") for each in sample.of_type("azurerm_firewall_policy_rule_collection_group")}
    assert groups == {"egress-gitops", "nodes-spoke1-aks", "nodes-spoke2-aks"}
