"""The reconciler's Azure roles: its stories run with precisely the planned actions, and each of them is needed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from stories.desk import HUB
from stories.desk import sample as files
from stories.fabric_worlds import CLUSTER, FRESH, TENANTS, bare_desk

from function_app.model.errors import EgressError
from function_app.model.state import DecisionKind
from simulator.model.world import World
from simulator.wire.azure_face import AzureFace
from simulator.wire.messages import ADMIN_TOKEN, Answer, Request
from terraform_provider.planned import Planned
from terraform_provider.workspace import TREE

ADDRESS_OF_A_CLUSTER = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"
"""Asked for over HTTP alone, when a cluster is first called; the stories in process have their clusters at hand."""


SHARD = "egress-000"


@pytest.fixture(scope="session")
def actions(sample: Planned) -> frozenset[str]:
    """All actions of the planned roles together."""
    roles = [each for each in sample.of_type("azurerm_role_definition") if each.module == "module.service"]
    return frozenset(action for role in roles for action in role.at("permissions.0.actions"))


def _life(allowed: frozenset[str]) -> Mapping[str, int]:
    """A hub's life under a role: fabric, tenants, a replaced reflector, a block that ends, a shard deleted by hand.

    What was asked for, how often.

    Raises EgressError or AssertionError where the role does not suffice.
    """
    desk = bare_desk()
    roles = desk.world.hubs[HUB].roles
    roles.allowed = allowed
    desk.commit(files(*TENANTS))
    assert desk.settle().converged
    desk.world.replace_node(CLUSTER, "spoke1-0", FRESH)
    assert desk.settle().converged
    desk.decide(DecisionKind.BLOCK, "tenant0", expires=desk.world.clock.now() + timedelta(minutes=20))
    assert desk.settle().converged
    desk.world.advance(1800)
    assert desk.settle().converged
    roles.allowed = None
    desk.world.hubs[HUB].delete_group("tenants", SHARD)
    roles.allowed = allowed
    desk.world.advance(600)
    desk.settle()
    desk.world.advance(600)
    assert desk.run_pass().converged
    assert any("somebody@example.com" in drift.who for drift in desk.ports.state.read().drifts.values())
    return {action: count for action, count in roles.used.items() if count}


def test_a_hubs_life_needs_precisely_the_planned_actions(actions: frozenset[str]) -> None:
    """Nothing is refused, and nothing is allowed that was not asked for: no more can be given, no less suffices."""
    assert set(_life(actions)) | {ADDRESS_OF_A_CLUSTER} == set(actions)


def test_without_any_one_of_them_a_hubs_life_stops(actions: frozenset[str]) -> None:
    """Each action is needed: without it the stories fail, are refused or do not converge."""
    for action in sorted(actions - {ADDRESS_OF_A_CLUSTER}):
        with pytest.raises((EgressError, AssertionError)):
            _life(actions - {action})


def test_an_action_that_nothing_asks_for_is_noticed(actions: frozenset[str]) -> None:
    """The other side: what the role alone has."""
    with pytest.raises(AssertionError):
        test_a_hubs_life_needs_precisely_the_planned_actions(actions | {"Microsoft.Network/virtualHubs/write"})


@pytest.mark.parametrize(("with_it", "status"), [(True, 200), (False, 403)])
def test_a_clusters_address_is_told_to_whoever_may_ask(with_it: bool, status: int, actions: frozenset[str]) -> None:
    """Resource Manager tells where an API server is to a role with that action, and to nobody else."""
    world = World.from_file(TREE / "simulator" / "worlds" / "walkthrough.yaml")
    world.hubs[HUB].roles.allowed = actions if with_it else actions - {ADDRESS_OF_A_CLUSTER}
    document = world.document.clusters[CLUSTER]
    path = (
        f"/subscriptions/{world.document.hubs[HUB].subscription}/resourceGroups/{document.resource_group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{CLUSTER}/listClusterUserCredential"
    )
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    request = Request(
        "POST", path, tuple(path.split("/")[1:]), {"api-version": "2025-01-01"}, headers, b"", "https://sim"
    )
    routed = AzureFace(world, b"").route(request)
    answer = routed if isinstance(routed, Answer) else routed.effect()
    assert answer.status == status


def test_the_platforms_rules_are_out_of_reach(sample: Planned) -> None:
    """The union above says nothing about scopes: writing groups is a role of the tenant policy's alone."""
    roles = {each.address: each.at("permissions.0.actions") for each in sample.of_type("azurerm_role_definition")}
    writers = [
        address for address, granted in roles.items() if any("ruleCollectionGroups/write" in each for each in granted)
    ]
    assert writers == ['module.service.azurerm_role_definition.this["tenant-policy"]']
    assigned = [
        each.address for each in sample.of_type("azurerm_role_assignment") if '["tenant-policy/' in each.address
    ]
    assert assigned == ['module.service.azurerm_role_assignment.this["tenant-policy/hub1"]']
