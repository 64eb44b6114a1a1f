"""Firewalls that cannot be managed: said in words, and nothing is written to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from stories.desk import PLATFORM, ROOT, Desk, describe, sample

from function_app.model.plan import RefusalCode
from simulator.model.documents import WorldDocument
from simulator.model.world import World


def with_firewall(**changes: Any) -> Desk:
    """The walkthrough with another firewall."""
    document = yaml.safe_load((Path(ROOT) / "simulator" / "worlds" / "walkthrough.yaml").read_text())
    document["hubs"]["hub1"]["firewall"].update(changes)
    if changes.get("basePolicy") == "":
        document["hubs"]["hub1"]["baseGroups"] = []
    desk = Desk.at(World(WorldDocument.model_validate(document)))
    desk.commit(sample(*PLATFORM, "tenants/tenant0.yaml"))
    return desk


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param(
            {"policy": "", "basePolicy": ""}, RefusalCode.TARGET_REJECTED, "classic rules", id="classic firewall"
        ),
        pytest.param(
            {"afcManaged": True},
            RefusalCode.POLICY_UNSUITABLE,
            "afcManaged",
            id="managed by the container control plane",
        ),
    ],
)
def test_an_unsuitable_firewall_is_refused_with_what_to_do(
    changes: dict[str, Any], code: RefusalCode, words: str
) -> None:
    """The refusal names the way out; clusters are still prepared, no namespace is pointed, passes stop."""
    desk = with_firewall(**changes)

    report = desk.settle()

    assert any(one.code is code and words in one.message for one in report.plan.refused), describe(report)
    assert not [one for each in desk.reports for one in each.outcomes if one.change.target == "firewall/hub1"]
    assert not [one for one in desk.ledger.records if one.kind == "route"]
