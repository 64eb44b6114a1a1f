"""In which order the resources of one target are written: creation by rank, deletion by the same ranks in reverse.

What protects comes before what it protects: the filter before the peers that carry it, a reflector's cluster id directly before
the peering with it (between the two its pods are cut off), the pool before the gateway that draws from it, everything before the
annotation that sends traffic there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from function_app.model.plan import Change, MergePatch, Verb
from function_app.model.resources import Kind

RANK: dict[Kind, int] = {
    Kind.BGP_FILTER: 0,
    Kind.BGP_CONFIGURATION: 1,
    Kind.NODE: 2,
    Kind.BGP_PEER: 3,
    Kind.CALICO_NODE_STATUS: 4,
    Kind.FELIX_CONFIGURATION: 5,
    Kind.NAMESPACE: 6,
    Kind.IP_POOL: 7,
    Kind.EGRESS_GATEWAY: 8,
    Kind.DISRUPTION_BUDGET: 9,
    Kind.EGRESS_GATEWAY_POLICY: 10,
}
POINTING = 11
"""Annotating a workload namespace comes after everything that is built, and before anything that is taken down."""
TEARDOWN = 12


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes of one cluster in the order in which they are carried out; ties break on the resource.

    Those that need not wait for each other bear their rank: what tenants have, each its own. What all tenants of a cluster share
    and what is deleted is written alone.
    """
    return tuple(replace(one, rank=rank) if (rank := _shared_rank(one)) else one for one in sorted(changes, key=_rank))


def _shared_rank(change: Change) -> int | None:
    rank = _rank(change)[0]
    return rank if RANK[Kind.NAMESPACE] <= rank <= POINTING else None


def _rank(change: Change) -> tuple[int, int, str]:
    rank = RANK.get(change.resource.kind, 0)
    if change.verb is Verb.DELETE:
        return TEARDOWN, -rank, str(change.resource)
    if change.resource.kind is Kind.NAMESPACE and isinstance(change.write, MergePatch):
        return POINTING, 0, str(change.resource)
    return rank, 0, str(change.resource)
