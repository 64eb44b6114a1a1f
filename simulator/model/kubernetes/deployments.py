"""Rollouts: a Deployment's pods are brought to its template, new ones first.

Belongs here: what kube-controller-manager's deployment and replica set controllers do together. There are no ReplicaSet
objects: a pod belongs to its Deployment, and its `pod-template-hash` label tells which template made it. Rules follow
kubernetes/kubernetes, pkg/controller/deployment (rolling.go, sync.go) and util (ResolveFenceposts).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from simulator.model.kubernetes.controllers import (
    ObjectStore,
    Wake,
    condition,
    controller_of,
    holds,
    owner_reference,
    with_condition,
)
from simulator.model.kubernetes.store import Event, Key, suffix, timestamp
from simulator.model.trees import Object, is_terminating, labels_of, name_of, namespace_of

HASH_LABEL = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class _Pods:
    """A Deployment's pods by template; terminating ones count nowhere but in their own number."""

    current: Sequence[Object]
    outdated: Sequence[Object]
    terminating: int

    @property
    def count(self) -> int:
        return len(self.current) + len(self.outdated)

    @property
    def available(self) -> int:
        return sum(holds(pod, "Ready") for pod in (*self.current, *self.outdated))


class DeploymentController:
    """Creates and deletes the pods of Deployments, and says in their status how far it has come."""

    watches = frozenset({"Deployment", "Pod"})

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._hashes: dict[str, tuple[int, str]] = {}
        self._made: Counter[str] = Counter()

    def wakes(self, event: Event) -> Iterable[Wake]:
        """A Deployment, and the Deployment of a pod."""
        if event.kind == "Deployment":
            return [(event.key, 0.0)]
        owner = controller_of(event.subject)
        if owner is None or owner["kind"] != "Deployment":
            return ()
        return [((event.key[0], owner["name"]), 0.0)]

    def reconcile(self, key: Key) -> float | None:
        """One step of a rollout; further steps follow from the changes of pods that it brings about."""
        deployment = self._store.get("Deployment", *key)
        if deployment is None or is_terminating(deployment):
            return None
        template_hash = self._template_hash(deployment)
        pods = self._pods(deployment, template_hash)
        if not deployment["spec"].get("paused"):
            self._roll(deployment, template_hash, pods)
            pods = self._pods(deployment, template_hash)
        return self._report(deployment, template_hash, pods)

    def _template_hash(self, deployment: Object) -> str:
        uid, generation = deployment["metadata"]["uid"], deployment["metadata"]["generation"]
        known = self._hashes.get(uid)
        if known is None or known[0] != generation:
            content = orjson.dumps(deployment["spec"]["template"], option=orjson.OPT_SORT_KEYS)
            known = self._hashes[uid] = (generation, f"{zlib.crc32(content):08x}")
        return known[1]

    def _pods(self, deployment: Object, template_hash: str) -> _Pods:
        uid = deployment["metadata"]["uid"]
        current, outdated, terminating = [], [], 0
        for pod in self._store.list("Pod", namespace_of(deployment)):
            owner = controller_of(pod)
            if owner is None or owner["uid"] != uid:
                continue
            if is_terminating(pod):
                terminating += 1
            elif labels_of(pod).get(HASH_LABEL) == template_hash:
                current.append(pod)
            else:
                outdated.append(pod)
        return _Pods(current, outdated, terminating)

    def _roll(self, deployment: Object, template_hash: str, pods: _Pods) -> None:
        desired = deployment["spec"].get("replicas", 1)
        surge, unavailable = rollout_bounds(deployment)
        room = desired + surge - pods.count if pods.outdated else desired - len(pods.current)
        for _ in range(min(desired - len(pods.current), room)):
            self._create_pod(deployment, template_hash)
        if len(pods.current) > desired:
            for pod in sorted(pods.current, key=_first_to_go)[: len(pods.current) - desired]:
                self._delete_pod(pod)
        elif pods.outdated:
            self._retire(desired - unavailable, self._pods(deployment, template_hash))

    def _retire(self, least: int, pods: _Pods) -> None:
        """Delete outdated pods: broken ones as far as numbers allow, then working ones that others make up for."""
        broken_new = sum(not holds(pod, "Ready") for pod in pods.current)
        allowed = pods.count - least - broken_new
        broken = [pod for pod in pods.outdated if not holds(pod, "Ready")]
        working = [pod for pod in pods.outdated if holds(pod, "Ready")]
        for pod in broken[: max(allowed, 0)]:
            self._delete_pod(pod)
        for pod in working[: max(min(pods.available - least, allowed), 0)]:
            self._delete_pod(pod)

    def _create_pod(self, deployment: Object, template_hash: str) -> None:
        uid, template = deployment["metadata"]["uid"], deployment["spec"]["template"]
        self._made[uid] += 1
        metadata = template.get("metadata") or {}
        unique = suffix(zlib.crc32(f"{uid}/{self._made[uid]}".encode()))
        made: dict[str, Any] = {
            "name": f"{name_of(deployment)}-{template_hash}-{unique}",
            "namespace": namespace_of(deployment),
            "labels": {**(metadata.get("labels") or {}), HASH_LABEL: template_hash},
            "ownerReferences": [owner_reference(deployment)],
        }
        if metadata.get("annotations"):
            made["annotations"] = metadata["annotations"]
        self._store.create("Pod", {"metadata": made, "spec": template.get("spec") or {}})

    def _delete_pod(self, pod: Object) -> None:
        self._store.delete("Pod", namespace_of(pod), name_of(pod), uid=pod["metadata"]["uid"])

    def _report(self, deployment: Object, template_hash: str, pods: _Pods) -> float | None:
        desired = deployment["spec"].get("replicas", 1)
        _, unavailable = rollout_bounds(deployment)
        ready = pods.available
        old = deployment.get("status") or {}
        counts = {
            "replicas": pods.count,
            "updatedReplicas": len(pods.current),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(pods.count - ready, 0),
        }
        status: dict[str, Any] = {name: count for name, count in counts.items() if count}
        status["terminatingReplicas"] = pods.terminating
        status["observedGeneration"] = deployment["metadata"]["generation"]
        complete = len(pods.current) == desired and not pods.outdated and ready >= desired
        now = self._store.now()
        progress = _progressing(
            deployment, status, complete=complete, name=f"{name_of(deployment)}-{template_hash}", now=now
        )
        conditions = old.get("conditions") or []
        conditions = _updated(conditions, _availability(enough=ready >= desired - unavailable), timestamp(now))
        status["conditions"] = _updated(conditions, progress, timestamp(now))
        if status != old:
            self._store.update_status("Deployment", {**deployment, "status": status})
        if complete or progress["reason"] == "ProgressDeadlineExceeded":
            return None
        since = next(entry["lastUpdateTime"] for entry in status["conditions"] if entry["type"] == "Progressing")
        deadline = float(deployment["spec"].get("progressDeadlineSeconds", 600))
        return deadline - (now - datetime.fromisoformat(since)).total_seconds()


def rollout_bounds(deployment: Mapping[str, Any]) -> tuple[int, int]:
    """(pods above, pods below the wanted number) during a rollout: surge rounds up, unavailability down."""
    spec = deployment["spec"]
    strategy = spec.get("strategy") or {}
    desired = spec.get("replicas", 1)
    if strategy.get("type") == "Recreate":
        return 0, desired
    rolling = strategy.get("rollingUpdate") or {}
    surge = _scaled(rolling.get("maxSurge", "25%"), desired, up=True)
    unavailable = _scaled(rolling.get("maxUnavailable", "25%"), desired, up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _scaled(value: int | str, total: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    hundredths = int(value.removesuffix("%")) * total
    return -(-hundredths // 100) if up else hundredths // 100


def _first_to_go(pod: Object) -> tuple[bool, bool, str]:
    """Pods without a node go first, then those that are not ready, then the youngest."""
    bound = bool(pod["spec"].get("nodeName"))
    return bound, holds(pod, "Ready"), pod["metadata"]["name"]


def _availability(*, enough: bool) -> Mapping[str, Any]:
    if enough:
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        reason, message = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    return {"type": "Available", "status": "True" if enough else "False", "reason": reason, "message": message}


def _progressing(
    deployment: Object, status: Mapping[str, Any], *, complete: bool, name: str, now: datetime
) -> Mapping[str, Any]:
    old = deployment.get("status") or {}
    if complete:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": message}
    before = condition(deployment, "Progressing")
    steps = ("updatedReplicas", "readyReplicas", "observedGeneration")
    moved = any(status.get(step, 0) != old.get(step, 0) for step in steps)
    deadline = deployment["spec"].get("progressDeadlineSeconds", 600)
    if before is not None and not moved:
        since = datetime.fromisoformat(before["lastUpdateTime"])
        if before["reason"] == "ProgressDeadlineExceeded" or (now - since).total_seconds() >= deadline:
            message = f'ReplicaSet "{name}" has timed out progressing.'
            return {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": message}
    message = f'ReplicaSet "{name}" is progressing.'
    progress = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": message}
    return {**progress, "lastUpdateTime": timestamp(now)} if moved else progress


def _updated(conditions: Sequence[Mapping[str, Any]], new: Mapping[str, Any], now: str) -> list[Mapping[str, Any]]:
    """Conditions with one set, `lastUpdateTime` moving with its content."""
    before = next((entry for entry in conditions if entry["type"] == new["type"]), None)
    same = before is not None and all(before[key] == new[key] for key in ("status", "reason", "message"))
    since = before["lastUpdateTime"] if same and before is not None else now
    return with_condition(conditions, {"lastUpdateTime": since, **new}, now)
