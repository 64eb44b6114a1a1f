"""reach and audit with `--live`, over HTTPS: the base policy and other people's rules are read from Azure and decide."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from demo.scene import PLATFORM, Scene, sample
from function_app.cli import app
from search.rule_collections import rule_collection

DENIAL = {
    "ruleType": "ApplicationRule",
    "name": "no-vendor",
    "sourceAddresses": ["*"],
    "targetFqdns": ["www.tigera.io"],
    "protocols": [{"protocolType": "Https", "port": 443}, {"protocolType": "Http", "port": 80}],
}


def test_a_denial_in_front_of_all_tenants_decides_only_for_those_who_look() -> None:
    """From definitions alone the tenant may; live it may not, by somebody's rule, and audit sees its own rule never decide."""
    with Scene() as scene:
        scene.merge("the platform and a tenant", sample(*PLATFORM, "tenants/tenant0.yaml"))
        collection = rule_collection("by-hand", "Deny", DENIAL)
        with scene.world.lock:
            body = {"properties": {"priority": 500, "ruleCollections": [collection]}}
            scene.world.hubs["hub1"].put_group("tenants", "theirs", body)
            scene.world.advance(600)

        def run(*arguments: str) -> Any:
            result = CliRunner().invoke(app, [*arguments, "--output", "json"], env=scene.environment("desk-state"))
            assert 0 == result.exit_code, result.output
            return json.loads(result.stdout)

        asked = ("reach", "--from", "tenant0", "--to", "https://www.tigera.io")
        (alone,), (live,) = run(*asked), run(*asked, "--live")
        (blind,), (seeing,) = run("audit"), run("audit", "--live")

    assert ("allow", "deny") == (alone["after"]["says"], live["after"]["says"])
    assert "theirs/by-hand/no-vendor" == live["after"]["rule"]
    assert [] == blind["findings"]
    assert ("shadowed", "egress-000/tenant0-app/tigera-website") in {
        (one["kind"], one["rule"]) for one in seeing["findings"]
    }
