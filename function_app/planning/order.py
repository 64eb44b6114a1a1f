"""In which order the resources of one target are written: creation by rank, deletion by the same ranks in reverse.

What protects comes before what it protects: the filter before the peers that carry it, the pool before the gateway that
draws from it, everything before the annotation that sends traffic there.
"""

from __future__ import annotations

from collections.abc import Iterable

from function_app.model.plan import Change, MergePatch, Verb
from function_app.model.resources import Kind

RANK: dict[Kind, int] = {
    Kind.BGP_FILTER: 0,
    Kind.BGP_PEER: 1,
    Kind.FELIX_CONFIGURATION: 2,
    Kind.NAMESPACE: 3,
    Kind.IP_POOL: 4,
    Kind.EGRESS_GATEWAY: 5,
    Kind.DISRUPTION_BUDGET: 6,
    Kind.EGRESS_GATEWAY_POLICY: 7,
}
POINTING = 8
"""Annotating a workload namespace comes after everything that is built, and before anything that is taken down."""
TEARDOWN = 9


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes of one cluster in the order in which they are carried out; ties break on the resource."""
    return tuple(sorted(changes, key=_rank))


def _rank(change: Change) -> tuple[int, int, str]:
    rank = RANK.get(change.resource.kind, 0)
    if change.verb is Verb.DELETE:
        return TEARDOWN, -rank, str(change.resource)
    if change.resource.kind is Kind.NAMESPACE and isinstance(change.write, MergePatch):
        return POINTING, 0, str(change.resource)
    return rank, 0, str(change.resource)
