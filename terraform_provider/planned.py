"""What a terraform plan would make, as resources to ask for. Does not belong here: what they ought to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class PlannedResource:
    """One resource: its address, type and the values that are known; `references` are what its configuration names."""

    address: str
    type: str
    values: Mapping[str, Any]

    @property
    def module(self) -> str:
        """The module's address without the resource; empty for the root."""
        return self.address.rpartition(f".{self.type}.")[0] if self.address.startswith("module.") else ""

    def at(self, path: str) -> Any:
        """A value by its path (`default_node_pool.0.zones`); None when it is not known or not set."""
        value: Any = self.values
        for step in path.split("."):
            if isinstance(value, list):
                value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
            elif isinstance(value, dict):
                value = value.get(step)
            else:
                return None
        return value


@dataclass(frozen=True, slots=True)
class Planned:
    """All resources of a plan, by address."""

    resources: Mapping[str, PlannedResource]

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> Self:
        """The resources of a plan's JSON."""
        return cls({each.address: each for each in _resources(plan["planned_values"]["root_module"])})

    def of_type(self, kind: str) -> Sequence[PlannedResource]:
        """All resources of one type."""
        return [each for each in self.resources.values() if each.type == kind]


def _resources(module: Mapping[str, Any]) -> Iterator[PlannedResource]:
    for each in module.get("resources", []):
        if each["mode"] == "managed":
            yield PlannedResource(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)
