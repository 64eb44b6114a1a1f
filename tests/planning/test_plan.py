"""What a plan is called, and what it says of files that are not in force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planning_builders import a_situation, seen, the_sample

from function_app.model.names import Commit, TenantName
from function_app.model.once import Row
from function_app.model.plan import RefusalCode
from function_app.model.tree import Held
from function_app.planning.plan import make_plan, plan_id_of


@pytest.mark.parametrize("tenant", sorted(the_sample().rules))
def test_another_rule_of_any_tenant_is_another_plan(tenant: TenantName) -> None:
    """Otherwise a waiver for what somebody read would count for what nobody did."""
    hub = the_sample()
    assert hub.rules[tenant]
    edited = replace(hub, rules={**hub.rules, tenant: Row(hub.rules[tenant][:-1])})

    assert plan_id_of(a_situation(seen())) != plan_id_of(a_situation(seen(), hub=edited))


def test_rules_that_pass_to_another_tenant_are_another_plan() -> None:
    """It matters whose a rule is."""
    hub = the_sample()
    renamed = replace(hub, rules={TenantName(f"{name}-x"): rules for name, rules in hub.rules.items()})

    assert plan_id_of(a_situation(seen())) != plan_id_of(a_situation(seen(), hub=renamed))


@pytest.mark.parametrize(
    ("previous", "words"), [(True, "its previous content holds"), (False, "it is left out")], ids=["edited", "new"]
)
def test_a_file_that_is_held_says_what_holds_instead(previous: bool, words: str) -> None:
    """A tenant that was never in force is told so, instead of that something of it is."""
    held = Held("tenants/tenant9.yaml", Commit("4f1c2ad9b0c3"), previous, ())
    plan = make_plan(a_situation(seen(), hub=replace(the_sample(), held=(held,)))).plan

    message = next(one.message for one in plan.refused if one.code is RefusalCode.DEFINITION_HELD)

    assert words in message
    assert "4f1c2ad9b0" in message
