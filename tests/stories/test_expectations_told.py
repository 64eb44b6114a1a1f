"""Expectations after a merge: told in every report for as long as they are not met, and acted on never."""

from __future__ import annotations

from typing import Any

import pytest
from stories.desk import Desk, sample

from function_app.model.state import Decision, DecisionKind
from search.rule_collections import rule_collection
from simulator.model.packets import Verdict

TENANT0 = "tenants/tenant0.yaml"
BROKEN = "expectation not met: tenant0 to `https://www.tigera.io`"


def told(desk: Desk) -> list[str]:
    """What the last report says about expectations."""
    return [note for note in desk.reports[-1].plan.notes if "expectation" in note]


def test_a_platform_that_denies_is_told_of_and_nothing_is_done_about_it(settled: Desk) -> None:
    """Somebody denies the vendor in the base policy: packets end, the report names the rule, and the pass writes nothing."""
    settled.run_pass()
    assert not told(settled)
    hub = settled.world.hubs["hub1"]

    def deny(properties: dict[str, Any]) -> None:
        rule = {
            "ruleType": "ApplicationRule",
            "name": "no-vendor",
            "sourceAddresses": ["*"],
            "targetFqdns": ["*.tigera.io"],
            "protocols": [{"protocolType": "Https", "port": 443}, {"protocolType": "Http", "port": 80}],
        }
        properties["ruleCollections"].append(rule_collection("denied", "Deny", rule))

    group = hub.list_groups("platform").value[0]["name"]
    hub.edit_group("platform", group, deny)
    settled.world.clock.advance(600)
    report = settled.run_pass()
    assert Verdict.DENIED is settled.send("spoke1-aks", "default", "https://www.tigera.io").verdict
    (note,) = told(settled)
    assert note.startswith(BROKEN)
    assert "/denied/no-vendor" in note
    assert 0 == report.writes
    assert report.converged


def test_guardrails_that_become_stricter_are_told_of(settled: Desk) -> None:
    """Tightened against a tenant in force: the tenant keeps its rules, the report says what is not as demanded."""
    text = sample("guardrails.yaml")["guardrails.yaml"]
    demand = '  expect:\n    - {reach: "https://docs.tigera.io", verdict: deny}\n'
    settled.commit({"guardrails.yaml": text.replace("  expect:", demand, 1) if text else text})
    report = settled.run_pass()
    assert ["tenant1"] == [note.split()[3] for note in told(settled)]
    assert 0 == report.writes


@pytest.mark.parametrize("passes", [1, 2])
def test_a_blocked_tenant_is_not_reproached_with_its_block(settled: Desk, passes: int) -> None:
    """Everything of it is denied on purpose."""
    now = settled.world.clock.now()
    settled.state.decide(Decision(DecisionKind.BLOCK, "tenant0", "incident", "someone@example.com", now))
    for _ in range(passes):
        settled.run_pass()
    assert not told(settled)
