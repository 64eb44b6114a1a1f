"""What a server adds to an object before it is checked and stored.

Belongs here: defaults of schemas, of built-in kinds, and of calico-apiserver by way of `aggregated`. Does not belong here:
what operators write into specs later (`operator`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.model.kubernetes.aggregated import stored_form
from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.schema import with_defaults
from simulator.model.kubernetes.schemas import SCHEMAS
from simulator.model.trees import labels_of, replaced

NAME_LABEL = "kubernetes.io/metadata.name"
_BUDGET_COUNTS = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
_ROLLING_UPDATE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}


def completed(kind: ServedKind, obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with its server's defaults; the same object when none was missing."""
    if kind.aggregated:
        return stored_form(kind.kind, obj)
    filled: Mapping[str, Any] = with_defaults(SCHEMAS[kind.kind], obj)
    if kind.kind == "Namespace":
        return _namespace(filled)
    if kind.kind == "PodDisruptionBudget" and "status" not in filled:
        return {**filled, "status": dict.fromkeys(_BUDGET_COUNTS, 0)}
    if kind.kind == "Pod":
        return _pod(filled)
    if kind.kind == "Deployment" and "strategy" not in (filled.get("spec") or {}):
        return replaced(filled, ("spec", "strategy"), _ROLLING_UPDATE)
    return filled


def _namespace(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    name = obj["metadata"]["name"]
    if labels_of(obj).get(NAME_LABEL) != name:
        obj = replaced(obj, ("metadata", "labels", NAME_LABEL), name)
    if "finalizers" not in (obj.get("spec") or {}):
        obj = replaced(obj, ("spec", "finalizers"), ["kubernetes"])
    if "phase" not in (obj.get("status") or {}):
        obj = replaced(obj, ("status", "phase"), "Active")
    return obj


def _pod(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = obj.get("spec") or {}
    if "terminationGracePeriodSeconds" not in spec:
        obj = replaced(obj, ("spec", "terminationGracePeriodSeconds"), 30)
    if "phase" not in (obj.get("status") or {}):
        obj = replaced(obj, ("status", "phase"), "Pending")
    return obj
