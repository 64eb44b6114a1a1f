"""What people put on the firewall by hand, as Azure takes it: one filter collection of rules.

Belongs here: the form alone (Microsoft.Network/firewallPolicies/ruleCollectionGroups). Who writes which rules, and where to,
is the caller's.
"""

from __future__ import annotations

from typing import Any, Literal


def rule_collection(
    name: str, action: Literal["Allow", "Deny"], *rules: dict[str, Any], priority: int = 100
) -> dict[str, Any]:
    """A collection with these rules."""
    return {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": name,
        "priority": priority,
        "action": {"type": action},
        "rules": list(rules),
    }
