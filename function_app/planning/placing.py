"""On which nodes a gateway's pods may run: not on route reflectors, which are interrupted whenever they become one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from function_app.model.definitions import AksApiServer, Cluster

_ZONE = "topology.kubernetes.io/zone"
_LABEL = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_EQUALS = re.compile(rf"""\s*({_LABEL})\s*==\s*(?:'([^']*)'|"([^"]*)")\s*""")
_HAS = re.compile(rf"\s*has\(\s*({_LABEL})\s*\)\s*")

Expression = dict[str, Any]
"""One requirement of a node selector term."""


def gateway_affinity(cluster: Cluster, labels: Mapping[str, str]) -> dict[str, Any] | None:
    """Affinity that keeps gateways with these pod labels off dedicated reflectors; None where none is set.

    Tigera's operator adds its own defaults only where a gateway has no affinity, so they stand here as well: rather another
    zone than a sibling's, and on AKS no virtual node (tigera/operator, pkg/render/egressgateway).
    """
    reflectors = cluster.spec.bgp.reflectors
    excluded = excluding(reflectors.selector) if reflectors.dedicated else None
    if excluded is None:
        return None
    always: list[Expression] = [{"key": "type", "operator": "NotIn", "values": ["virtual-node"]}]
    if isinstance(cluster.spec.api_server, AksApiServer):
        always.append({"key": "kubernetes.azure.com/cluster", "operator": "Exists"})
    terms = [{"matchExpressions": [*always, one]} for one in excluded]
    sibling = {"labelSelector": {"matchLabels": dict(labels)}, "topologyKey": _ZONE}
    return {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}},
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": sibling, "weight": 1}]
        },
    }


def excluding(selector: str) -> tuple[Expression, ...] | None:
    """What a node may say to be none that the selector matches, any one of them; None for a selector that is not that simple.

    `k == 'v'` and `has(k)` are understood, and several of them joined by `&&`. A missing label counts as another value.
    """
    found = tuple(_negated(part) for part in selector.split("&&"))
    return None if any(one is None for one in found) else tuple(one for one in found if one is not None)


def _negated(part: str) -> Expression | None:
    equals = _EQUALS.fullmatch(part)
    if equals is not None:
        return {"key": equals[1], "operator": "NotIn", "values": [equals[2] if equals[2] is not None else equals[3]]}
    has = _HAS.fullmatch(part)
    return {"key": has[1], "operator": "DoesNotExist"} if has is not None else None
