"""Which node a pod goes to.

Belongs here: what kube-scheduler weighs as far as gateways and workloads need it: node selectors and required affinity,
cordons and taints, topology spread, and a preference for zones and nodes that hold fewer pods of the same owner. Capacity is
not imitated.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulator.model.kubernetes.controllers import ObjectStore, Wake, controller_of, holds, with_condition
from simulator.model.kubernetes.selectors import expression, matches
from simulator.model.kubernetes.store import Event, Key, timestamp
from simulator.model.trees import Object, is_terminating, labels_of, looked_up, name_of, namespace_of

ZONE_LABEL = "topology.kubernetes.io/zone"
_REQUIRED = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")


class Scheduler:
    """Binds pods that have no node; pods of nodes that are gone are deleted at once."""

    watches = frozenset({"Pod", "Node"})

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._pending: dict[Key, None] = {}

    def wakes(self, event: Event) -> Iterable[Wake]:
        """Unbound pods when they appear, and again whenever a node changes or a pod leaves."""
        if event.kind == "Node":
            lost = self._pods_on(event.key[1]) if event.new is None else []
            return [(key, 0.0) for key in (*self._pending, *lost)]
        if event.new is None:
            self._pending.pop(event.key, None)
            return [(key, 0.0) for key in self._pending if key[0] == event.key[0]]
        if event.new["spec"].get("nodeName"):
            self._pending.pop(event.key, None)
            return ()
        if event.old is not None and not is_terminating(event.new):
            return ()
        self._pending[event.key] = None
        return [(event.key, 0.0)]

    def reconcile(self, key: Key) -> float | None:
        """Bind one pod, or say why not."""
        pod = self._store.get("Pod", *key)
        if pod is None:
            return None
        bound = pod["spec"].get("nodeName")
        if bound:
            if self._store.get("Node", "", bound) is None:
                self._store.delete("Pod", *key, uid=pod["metadata"]["uid"], grace_seconds=0)
            return None
        if is_terminating(pod):
            return None
        node = self._choose(pod)
        if node is not None:
            self._store.bind(pod, node)
        else:
            self._explain(pod)
        return None

    def _pods_on(self, node: str) -> list[Key]:
        return [
            (namespace_of(pod), name_of(pod)) for pod in self._store.list("Pod") if pod["spec"].get("nodeName") == node
        ]

    def _choose(self, pod: Object) -> str | None:
        wanted = [node for node in self._store.list("Node") if _selects(pod["spec"], labels_of(node))]
        usable = [node for node in wanted if _usable(pod["spec"], node)]
        if not usable:
            return None
        neighbours = [
            other
            for other in self._store.list("Pod", namespace_of(pod))
            if other["spec"].get("nodeName") and not is_terminating(other)
        ]
        zones = {name_of(node): labels_of(node) for node in self._store.list("Node")}
        for constraint in pod["spec"].get("topologySpreadConstraints") or ():
            if constraint.get("whenUnsatisfiable") != "ScheduleAnyway":
                usable = _spread(constraint, pod, usable, wanted, neighbours, zones)
        if not usable:
            return None
        owner = controller_of(pod)
        siblings = [other for other in neighbours if owner is not None and controller_of(other) == owner]
        per_node = Counter(other["spec"]["nodeName"] for other in siblings)
        per_zone = Counter(zones.get(other["spec"]["nodeName"], {}).get(ZONE_LABEL, "") for other in siblings)

        def weight(node: Mapping[str, Any]) -> tuple[int, int, int, str]:
            name = name_of(node)
            scatter = zlib.crc32(f"{namespace_of(pod)}/{name_of(pod)}@{name}".encode())
            return per_zone[labels_of(node).get(ZONE_LABEL, "")], per_node[name], scatter, name

        return name_of(min(usable, key=weight))

    def _explain(self, pod: Object) -> None:
        count = len(self._store.list("Node"))
        message = f"0/{count} nodes are available: none is ready, schedulable and selected by the pod."
        reason = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        status = pod.get("status") or {}
        conditions = with_condition(status.get("conditions") or (), reason, timestamp(self._store.now()))
        self._store.update_status("Pod", {**pod, "status": {**status, "phase": "Pending", "conditions": conditions}})


def _selects(spec: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    selector: Mapping[str, str] = spec.get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    terms = (looked_up(spec, *_REQUIRED) or {}).get("nodeSelectorTerms")
    if not terms:
        return True
    return any(
        all(
            expression(item["key"], item["operator"], item.get("values") or ())(labels)
            for item in term.get("matchExpressions") or ()
        )
        for term in terms
    )


def _usable(spec: Mapping[str, Any], node: Object) -> bool:
    if is_terminating(node) or node["spec"].get("unschedulable") or not holds(node, "Ready"):
        return False
    tolerations = spec.get("tolerations") or ()
    taints = node["spec"].get("taints") or ()
    return all(taint["effect"] == "PreferNoSchedule" or _tolerated(taint, tolerations) for taint in taints)


def _tolerated(taint: Mapping[str, Any], tolerations: Iterable[Mapping[str, Any]]) -> bool:
    for toleration in tolerations:
        if toleration.get("effect", taint["effect"]) != taint["effect"]:
            continue
        if toleration.get("operator") == "Exists":
            if toleration.get("key", taint["key"]) == taint["key"]:
                return True
        elif toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""):
            return True
    return False


def _spread(
    constraint: Mapping[str, Any],
    pod: Object,
    usable: Sequence[Object],
    wanted: Sequence[Object],
    neighbours: Sequence[Object],
    labels: Mapping[str, Mapping[str, str]],
) -> list[Object]:
    """The usable nodes on which the pod keeps the skew; every node that the pod's affinity selects makes a domain."""
    key = constraint["topologyKey"]
    selector = constraint.get("labelSelector") or {}
    domains = Counter({labels_of(node)[key]: 0 for node in wanted if key in labels_of(node)})
    for other in neighbours:
        domain = labels.get(other["spec"]["nodeName"], {}).get(key)
        if domain is not None and domain in domains and matches(selector, labels_of(other)):
            domains[domain] += 1
    least = min(domains.values(), default=0)
    own = 1 if matches(selector, labels_of(pod)) else 0
    return [
        node
        for node in usable
        if key in labels_of(node) and domains[labels_of(node)[key]] + own - least <= constraint["maxSkew"]
    ]
