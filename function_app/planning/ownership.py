"""Whose is it? Ours bears our labels, our field manager and a generation that the ledger knows; anything less is foreign."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from function_app.model.names import (
    FIELD_MANAGER,
    GENERATION_LABEL,
    HUB_LABEL,
    MANAGED_BY_LABEL,
    GenerationId,
    HubName,
)
from function_app.model.once import once
from function_app.model.resources import Kind, Resource

Path = tuple[str, ...]

_WITHOUT_GENERATION = frozenset({Kind.NAMESPACE, Kind.BGP_FILTER, Kind.BGP_PEER, Kind.CALICO_NODE_STATUS})


def ours(resource: Resource, hub: HubName, generations: Container[GenerationId]) -> bool:
    """All three marks at once; shared objects of a cluster and gateway namespaces bear no generation."""
    labels = resource.labels
    if labels.get(MANAGED_BY_LABEL) != FIELD_MANAGER or labels.get(HUB_LABEL) != hub:
        return False
    if FIELD_MANAGER not in managers(resource):
        return False
    return resource.id.kind in _WITHOUT_GENERATION or GenerationId(labels.get(GENERATION_LABEL, "")) in generations


@once
def managers(resource: Resource) -> frozenset[str]:
    """Every field manager that owns something of the resource."""
    return frozenset(str(entry.get("manager", "")) for entry in resource.metadata.get("managedFields") or ())


@once
def owned_paths(resource: Resource, manager: str = FIELD_MANAGER) -> frozenset[Path]:
    """Leaf fields that a manager owns, lists as one leaf; the status subresource is left out."""
    return frozenset(path for fields in owned_fields(resource, manager) for path in leaves(fields, ()))


def owned_fields(resource: Resource, manager: str = FIELD_MANAGER) -> Iterator[Mapping[str, Any]]:
    """The same as API servers write it (`fieldsV1`), one tree an operation."""
    for entry in resource.metadata.get("managedFields") or ():
        if entry.get("manager") == manager and not entry.get("subresource"):
            yield entry.get("fieldsV1") or {}


def owner_of(resource: Resource, path: Path) -> str:
    """The first manager that owns a field, empty when nobody does."""
    for name in sorted(managers(resource)):
        if path in owned_paths(resource, name):
            return name
    return ""


def leaves(fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    """The leaf fields of such a tree, lists as one leaf."""
    children = {key[2:]: value for key, value in fields.items() if key.startswith("f:")}
    if not children:
        if path:
            yield path
        return
    for key, value in children.items():
        yield from leaves(value, (*path, key))
