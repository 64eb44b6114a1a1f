"""Lists as `kubectl get` prints them: the server's `Table` with a few columns per kind.

Columns follow what `kubectl get` shows against a cluster: kubernetes/kubernetes pkg/printers/internalversion for built-in kinds,
and for custom kinds the name and the fields that people look for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

Object = Mapping[str, Any]
Column = tuple[str, Callable[[Object], Any]]


def wants_table(accept: str) -> bool:
    """Whether the Accept header asks for a Table, as kubectl does."""
    return "as=Table" in accept


def table(kind: str, items: Sequence[Object], resource_version: str, continue_token: str, now: datetime) -> Any:
    """A meta.k8s.io/v1 Table of these objects."""
    columns = (*_COLUMNS.get(kind, ()), ("Age", lambda item: age(item, now)))
    metadata = {"resourceVersion": resource_version} | ({"continue": continue_token} if continue_token else {})
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name", "description": "name", "priority": 0},
            *(
                {"name": name, "type": "string", "format": "", "description": name.lower(), "priority": 0}
                for name, _ in columns
            ),
        ],
        "rows": [
            {"cells": [item["metadata"]["name"], *(_text(cell(item)) for _, cell in columns)], "object": _partial(item)}
            for item in items
        ],
    }


def age(item: Object, now: datetime) -> str:
    """How long the object exists, in the largest fitting unit as kubectl prints it."""
    created = item["metadata"].get("creationTimestamp")
    if not created:
        return "<unknown>"
    seconds = int((now - datetime.fromisoformat(created)).total_seconds())
    for unit, size, least in (("d", 86400, 2 * 86400), ("h", 3600, 3 * 3600), ("m", 60, 120)):
        if seconds >= least:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def _partial(item: Object) -> Any:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def _text(value: Any) -> str:
    return "<none>" if value in (None, "", [], {}) else str(value)


def _at(*path: str) -> Callable[[Object], Any]:
    def read(item: Object) -> Any:
        value: Any = item
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    return read


def _phase(item: Object) -> str:
    if "deletionTimestamp" in item["metadata"]:
        return "Terminating"
    return str(_at("status", "phase")(item) or "Active")


def _ready_containers(item: Object) -> str:
    statuses = _at("status", "containerStatuses")(item) or []
    if statuses:
        return f"{sum(bool(status.get('ready')) for status in statuses)}/{len(statuses)}"
    return f"{int(_condition(item, 'Ready') == 'True')}/1"


def _condition(item: Object, wanted: str) -> str:
    conditions = _at("status", "conditions")(item) or []
    return next((str(each.get("status", "")) for each in conditions if each.get("type") == wanted), "")


def _pools(item: Object) -> str:
    entries = _at("spec", "ipPools")(item) or []
    return ",".join(str(entry.get("name") or entry.get("cidr", "")) for entry in entries)


def _rollout(item: Object) -> str:
    ready, wanted = _at("status", "readyReplicas")(item) or 0, _at("spec", "replicas")(item) or 0
    return f"{ready}/{wanted}"


_COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "Namespace": (("Status", _phase),),
    "Node": (
        ("Status", lambda item: "Ready" if _condition(item, "Ready") == "True" else "NotReady"),
        ("Version", _at("status", "nodeInfo", "kubeletVersion")),
    ),
    "Pod": (
        ("Ready", _ready_containers),
        ("Status", lambda item: _phase(item) if _phase(item) != "Active" else "Pending"),
        ("IP", _at("status", "podIP")),
        ("Node", _at("spec", "nodeName")),
    ),
    "Deployment": (
        ("Ready", _rollout),
        ("Up-to-date", _at("status", "updatedReplicas")),
        ("Available", _at("status", "availableReplicas")),
    ),
    "IPPool": (
        ("CIDR", _at("spec", "cidr")),
        ("Block size", _at("spec", "blockSize")),
        ("Disabled", lambda item: str(bool(_at("spec", "disabled")(item))).lower()),
        ("Selector", _at("spec", "nodeSelector")),
    ),
    "EgressGateway": (("Replicas", _at("spec", "replicas")), ("Pools", _pools), ("State", _at("status", "state"))),
    "BGPPeer": (("Peer", _at("spec", "peerIP")), ("AS", _at("spec", "asNumber")), ("Filters", _at("spec", "filters"))),
}
