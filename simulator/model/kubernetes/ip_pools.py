"""The pool controller of native clusters: finalizers, and the condition that says whether a pool gives addresses.

Belongs here: what calico-kube-controllers does in v3-CRD mode (kube-controllers/pkg/controllers/ippool, v3.32). Clusters
with calico-apiserver do without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.model.kubernetes.aggregated import overlapping
from simulator.model.kubernetes.controllers import ObjectStore, Wake, condition, with_condition
from simulator.model.kubernetes.ipam import DEFAULT_BLOCK_SIZE, block_cidrs, block_name
from simulator.model.kubernetes.store import Event, Key, timestamp
from simulator.model.trees import Object, is_terminating, name_of

FINALIZER = "projectcalico.org/ippool-finalizer"


class PoolController:
    """Marks pools allocatable or not, and lets a deleted one go when its last block is gone."""

    watches = frozenset({"IPPool", "IPAMBlock"})

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._leaving: dict[str, str] = {}

    def wakes(self, event: Event) -> Iterable[Wake]:
        """A pool with those that overlap it, and leaving pools whose blocks go."""
        if event.kind == "IPAMBlock":
            if event.new is not None:
                return ()
            gone = event.subject["spec"]["cidr"]
            return [(("", name), 0.0) for name, cidr in self._leaving.items() if overlapping(cidr, gone)]
        cidr = event.subject["spec"]["cidr"]
        if event.new is None:
            self._leaving.pop(event.key[1], None)
        elif is_terminating(event.new):
            self._leaving[event.key[1]] = cidr
        if not _concerns_others(event):
            return [(event.key, 0.0)]
        return [
            (("", name_of(pool)), 0.0) for pool in self._store.list("IPPool") if overlapping(cidr, pool["spec"]["cidr"])
        ]

    def reconcile(self, key: Key) -> float | None:
        """Bring one pool's finalizer and condition up to date."""
        pool = self._store.get("IPPool", *key)
        if pool is None:
            return None
        reason, message = self._state(pool)
        if reason == "Terminating" and not self._has_blocks(pool):
            self._with_finalizer(pool, wanted=False)
            return None
        pool = self._with_finalizer(pool, wanted=reason in ("OK", "Terminating"))
        status = pool.get("status") or {}
        allocatable = {
            "type": "Allocatable",
            "status": "True" if reason == "OK" else "False",
            "reason": reason,
            "message": message,
        }
        before = condition(pool, "Allocatable")
        if before is None or any(before[name] != value for name, value in allocatable.items()):
            conditions = with_condition(status.get("conditions") or (), allocatable, timestamp(self._store.now()))
            self._store.update_status("IPPool", {**pool, "status": {**status, "conditions": conditions}})
        return None

    def _state(self, pool: Object) -> tuple[str, str]:
        if is_terminating(pool):
            return "Terminating", "IP pool is being deleted"
        if pool["spec"].get("disabled"):
            return "PoolDisabled", "IP pool is administratively disabled"
        cidr = pool["spec"]["cidr"]
        for other in self._store.list("IPPool"):
            if other is not pool and overlapping(cidr, other["spec"]["cidr"]) and _comes_first(other, pool):
                return "CIDROverlap", f"IP pool CIDR overlaps with IP pool {name_of(other)}"
        return "OK", "IP pool can be used for allocation"

    def _has_blocks(self, pool: Object) -> bool:
        spec = pool["spec"]
        cidrs = block_cidrs(spec["cidr"], spec.get("blockSize", DEFAULT_BLOCK_SIZE))
        return any(self._store.get("IPAMBlock", "", block_name(cidr)) is not None for cidr in cidrs)

    def _with_finalizer(self, pool: Object, *, wanted: bool) -> Object:
        finalizers = pool["metadata"].get("finalizers") or []
        if (FINALIZER in finalizers) is wanted or (wanted and is_terminating(pool)):
            return pool
        others = [entry for entry in finalizers if entry != FINALIZER]
        metadata = {**pool["metadata"], "finalizers": [*others, FINALIZER] if wanted else others}
        return self._store.update("IPPool", {**pool, "metadata": metadata})


def _concerns_others(event: Event) -> bool:
    """Whether a pool's change may let overlapping pools allocate, or keep them from it."""
    if event.old is None or event.new is None:
        return True
    return event.old["spec"] is not event.new["spec"] or is_terminating(event.old) is not is_terminating(event.new)


def _comes_first(other: Mapping[str, Any], pool: Mapping[str, Any]) -> bool:
    """Whether an overlapping pool keeps `pool` from allocating: the one in use stays, then the older one."""
    if other["spec"].get("disabled") and not is_terminating(other):
        return False
    return _rank(other) < _rank(pool)


def _rank(pool: Mapping[str, Any]) -> tuple[bool, str, str]:
    metadata = pool["metadata"]
    in_use = FINALIZER in (metadata.get("finalizers") or ())
    return not in_use, metadata["creationTimestamp"], metadata["name"]
