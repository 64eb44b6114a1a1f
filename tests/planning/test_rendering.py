"""Rules as Azure spells them, whatever the definitions leave open."""

from __future__ import annotations

from planning_builders import NOON, RANGE, TENANT

from function_app.model.definitions import AllowRule
from function_app.planning.firewall_resources import block_rules, render_rules

PROTOCOLS = ("http:80", "https:443", "mssql:1433")


def test_an_application_rule_is_written_in_azures_own_words() -> None:
    """Enumerations and field names of Microsoft.Network/firewallPolicies/ruleCollectionGroups."""
    rule = AllowRule(name="web", fqdns=("b.example", "a.example"), protocols=PROTOCOLS)

    rendered = render_rules(TENANT, [rule], [RANGE], NOON.date())

    assert not rendered.net
    assert [
        {
            "ruleType": "ApplicationRule",
            "name": "web",
            "description": "",
            "sourceAddresses": [str(RANGE)],
            "targetFqdns": ["a.example", "b.example"],
            "protocols": [
                {"protocolType": "Http", "port": 80},
                {"protocolType": "Https", "port": 443},
                {"protocolType": "Mssql", "port": 1433},
            ],
        }
    ] == [dict(one) for one in rendered.app]


def test_a_block_is_a_network_rule_for_everything() -> None:
    """Network rules stand in front of application rules, and one rule denies any protocol to any place."""
    assert [
        {
            "ruleType": "NetworkRule",
            "name": "tenant0",
            "description": "",
            "ipProtocols": ["Any"],
            "sourceAddresses": [str(RANGE)],
            "destinationAddresses": ["*"],
            "destinationPorts": ["*"],
        }
    ] == [dict(one) for one in block_rules({TENANT: (RANGE,)})]
