"""A base policy's rule collection groups from a file that somebody with access to Azure exported; needs no access here.

Three forms are taken: what `az network firewall policy rule-collection-group list -o json` prints, the answer of ARM's list
(`{"value": [...]}`), and an exported ARM template (`{"resources": [...]}`). Parameters of a template are not filled in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from function_app.model.errors import SourceError
from function_app.model.resources import Body

_GROUPS = "microsoft.network/firewallpolicies/rulecollectiongroups"
_HOW = (
    "Export the base policy's groups: az network firewall policy rule-collection-group list --policy-name NAME "
    "--resource-group GROUP -o json"
)
_PARAMETER = re.compile(r"^\[.*\]$", re.DOTALL)


def read_base_policy(path: Path) -> tuple[Body, ...]:
    """The groups as ARM speaks them, by name; raises SourceError, also for a file that holds none."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). {_HOW}") from None
    except ValueError as error:
        raise SourceError(f"{path} is no JSON ({error}). {_HOW}") from None
    groups = tuple(_group(one, path) for one in _listed(content))
    if not groups:
        raise SourceError(f"{path} holds no rule collection group. {_HOW}")
    return tuple(sorted(groups, key=lambda one: str(one["name"])))


def _listed(content: Any) -> Iterator[Any]:
    if isinstance(content, dict) and isinstance(content.get("resources"), list):
        for one in content["resources"]:
            if isinstance(one, dict) and str(one.get("type", "")).lower() == _GROUPS:
                yield one
    elif isinstance(content, dict) and isinstance(content.get("value"), list):
        yield from content["value"]
    elif isinstance(content, list):
        yield from content


def _group(one: Any, path: Path) -> Body:
    if not isinstance(one, Mapping) or "name" not in one:
        raise SourceError(f"{path} lists something that is no rule collection group. {_HOW}")
    # The CLI shows a resource's properties beside its name.
    properties = one["properties"] if isinstance(one.get("properties"), Mapping) else one
    name = re.sub(r"[')\]\s]+$", "", str(one["name"])).rpartition("/")[2]
    collections, priority = properties.get("ruleCollections"), properties.get("priority")
    if not isinstance(collections, list) or not isinstance(priority, int):
        raise SourceError(f"{path}: group {name} has no `priority` and `ruleCollections` of its own. {_HOW}")
    for where, text in _texts(collections, f"{name}.ruleCollections"):
        if _PARAMETER.match(text):
            raise SourceError(
                f"{path}: {where} is the template expression {text[:80]}, which is not filled in here. {_HOW}"
            )
    return {"name": name, "properties": {"priority": priority, "ruleCollections": collections}}


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(one, f"{where}.{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts(one, f"{where}[{index}]")
