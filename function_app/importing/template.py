"""A migration as an ARM template, for its owner to read, deploy and keep."""

from __future__ import annotations

import json
from typing import Any

from function_app.importing.classic import Migration

_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
_API_VERSION = "2025-09-01"
_POLICY = "Microsoft.Network/firewallPolicies"


def template(migration: Migration, name: str, location: str) -> str:
    """The policy `name` with its groups, one after the other: a policy takes one write at a time."""
    own = f"[resourceId('{_POLICY}', '{name}')]"
    resources: list[dict[str, Any]] = [
        {
            "type": _POLICY,
            "apiVersion": _API_VERSION,
            "name": name,
            "location": location,
            "properties": _plain(migration.policy),
        }
    ]
    before = own
    for group, body in migration.groups.items():
        resources.append(
            {
                "type": f"{_POLICY}/ruleCollectionGroups",
                "apiVersion": _API_VERSION,
                "name": f"{name}/{group}",
                "dependsOn": [before],
                "properties": _plain(body["properties"]),
            }
        )
        before = f"[resourceId('{_POLICY}/ruleCollectionGroups', '{name}', '{group}')]"
    found = {"$schema": _SCHEMA, "contentVersion": "1.0.0.0", "resources": resources}
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """A text that begins with a bracket would be an expression of the template; doubled, it is a text."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return f"[{value}" if isinstance(value, str) and value.startswith("[") else value
