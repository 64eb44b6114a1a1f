"""What is kept of objects that controllers make of our gateways, thousands of them: what somebody looks at, and nothing else.

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
    "spec": dict.fromkeys(("terminationGracePeriodSeconds", "tolerations", "affinity")),
}
KEPT: Mapping[Kind, Kept] = {
    Kind.POD: {
        **_TYPE,
        "metadata": _METADATA,
        "spec": {"nodeName": None},
        "status": dict.fromkeys(("phase", "podIP", "conditions")),
    },
    Kind.DEPLOYMENT: {
        **_TYPE,
        "metadata": _METADATA,
        "spec": {"replicas": None, "template": _POD_TEMPLATE},
        "status": dict.fromkeys(("observedGeneration", "replicas", "updatedReplicas", "availableReplicas")),
    },
}


def lean(value: Mapping[str, Any], kept: Kept) -> dict[str, Any]:
    """The part that is kept; shared, not copied, where a value stays whole."""
    return {
        key: lean(value[key], below) if below is not None and isinstance(value[key], Mapping) else value[key]
        for key, below in kept.items()
        if key in value
    }
