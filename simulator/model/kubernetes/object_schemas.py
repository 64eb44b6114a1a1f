"""What all objects have in common: the envelope and its metadata.

Belongs here: schemas and rules that several kinds share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.model.kubernetes.refusals import Cause
from simulator.model.kubernetes.schema import ANYTHING, Rule, Schema, integer, listing, mapping, record, text

TEXTS = mapping(text())
"""Labels, annotations and the like."""

METADATA = record(
    {
        "name": text(),
        "generateName": text(),
        "namespace": text(),
        "uid": text(),
        "resourceVersion": text(),
        "generation": integer(),
        "creationTimestamp": ANYTHING,
        "deletionTimestamp": text(),
        "deletionGracePeriodSeconds": integer(),
        "selfLink": text(),
        "labels": TEXTS,
        "annotations": TEXTS,
        "finalizers": listing(text(), list_type="set"),
        "ownerReferences": listing(ANYTHING, list_type="uid"),
        "managedFields": ANYTHING,
    }
)


def is_present(value: Mapping[str, Any], key: str) -> bool:
    """Whether a field says something: empty texts and zeros count as absent, as in Calico's CEL rules."""
    return value.get(key) not in (None, "", 0)


def never_together(first: str, second: str, message: str) -> Rule:
    """A rule against two fields at once."""

    def rule(value: Mapping[str, Any]) -> Cause | None:
        both = is_present(value, first) and is_present(value, second)
        return Cause("", "FieldValueForbidden", f"Forbidden: {message}") if both else None

    return rule


def object_schema(spec: Schema, *, status: Schema | None = None, spec_required: bool = True) -> Schema:
    """The schema of a whole object."""
    fields = {"apiVersion": text(), "kind": text(), "metadata": METADATA, "spec": spec}
    if status is not None:
        fields["status"] = status
    return record(fields, required=("spec",) if spec_required else ())
