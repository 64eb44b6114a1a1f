"""What is kept of objects that controllers make of our gateways, thousands of them: what somebody looks at, and nothing else.

Of a list, the same is kept of each item.

Everybody who reads a cluster keeps the same: adapters on the bytes that arrive, the simulator's ports on its own trees. So what is
planned in a search is planned from what a pass over the wire would see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from function_app.model.resources import Kind

type Kept = Mapping[str, Kept | None]
"""Keys of an object that stay; None for a value that stays whole."""

_TYPE: Kept = dict.fromkeys(("apiVersion", "kind"))
_METADATA: Kept = dict.fromkeys(
    (
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "labels",
        "annotations",
        "creationTimestamp",
        "deletionTimestamp",
    )
)
_POD_TEMPLATE: Kept = {
    "metadata": {"labels": None, "annotations": None},
    "spec": {
        "terminationGracePeriodSeconds": None,
        "tolerations": None,
        # In parts, because the nodes that are left out are the same for all gateways of a cluster.
        "affinity": dict.fromkeys(("nodeAffinity", "podAffinity", "podAntiAffinity")),
    },
}
KEPT: Mapping[Kind, Kept] = {
    Kind.POD: {
        **_TYPE,
        "metadata": _METADATA,
        "spec": {"nodeName": None},
        "status": {"phase": None, "podIP": None, "conditions": dict.fromkeys(("type", "status"))},
    },
    Kind.IPAM_BLOCK: {**_TYPE, "metadata": _METADATA, "spec": {"cidr": None}},
    Kind.DEPLOYMENT: {
        **_TYPE,
        "metadata": _METADATA,
        "spec": {"replicas": None, "template": _POD_TEMPLATE},
        "status": dict.fromkeys(("observedGeneration", "replicas", "updatedReplicas", "availableReplicas")),
    },
}


def lean(value: Mapping[str, Any], kept: Kept) -> dict[str, Any]:
    """The part that is kept; shared, not copied, where a value stays whole."""
    return {key: _below(value[key], below) for key, below in kept.items() if key in value}


def _below(value: Any, kept: Kept | None) -> Any:
    if kept is None:
        return value
    if isinstance(value, list):
        return [_below(item, kept) for item in value]
    return lean(value, kept) if isinstance(value, Mapping) else value
