"""What Azure deletes by age: what reviews showed, and nothing that the reconciler goes by."""

from __future__ import annotations

import pytest

from function_app.adapters.shown_plans import FOLDER
from function_app.adapters.storage_blobs import HUBS, hub_path
from function_app.model.names import HubName
from terraform_provider.planned import Planned

ACCOUNT = "module.service.azurerm_storage_account.this"


@pytest.fixture
def prefix(sample: Planned) -> str:
    """The only one of the only rule of the only policy; prefixes are names of blobs with the container in front."""
    (policy,) = sample.of_type("azurerm_storage_management_policy")
    (rule,) = policy.at("rule")
    (filters,) = rule["filters"]
    (found,) = filters["prefix_match"]
    assert policy.module == ACCOUNT.rpartition(".azurerm_storage_account")[0]
    return str(found)


def test_what_was_shown_is_all_that_ages(prefix: str, sample: Planned) -> None:
    """The folder that the service writes, in the container that it is told: a name that changes on one side is noticed."""
    (container,) = (
        one.at("name") for one in sample.of_type("azurerm_storage_container") if one.module == "module.service"
    )
    assert prefix == f"{container}/{FOLDER}/"


@pytest.mark.parametrize("hub", ["hub1", "shown", "shown-1"])
def test_no_hubs_ledger_or_state_is_deleted_by_age(prefix: str, hub: str) -> None:
    """A hub may be called anything: what is kept of it lies below one folder, which is not this one."""
    inside = prefix.partition("/")[2]
    assert hub_path(HubName(hub)).startswith(HUBS)
    assert not f"{hub_path(HubName(hub))}/".startswith(inside)
    assert not inside.startswith(HUBS)
