"""What happens to a pod on its node: it gets an address, becomes ready, fails when told to, and stops in its grace period.

Belongs here: kubelet and Calico's CNI plugin as far as clients of the API see them, and the workloads of a world file, which
come back under their own names like a StatefulSet's pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from simulator.model.kubernetes.controllers import ObjectStore, Wake, holds, with_condition
from simulator.model.kubernetes.ipam import Ipam, Refusal
from simulator.model.kubernetes.store import Event, Key, timestamp
from simulator.model.trees import Object, is_terminating, name_of, namespace_of

_ADDRESS_RETRY_SECONDS = 1.0


class PodAgent:
    """Runs bound pods. `pod_seconds` pass between binding and readiness; pods of `failing` namespaces never get ready."""

    watches = frozenset({"Pod", "Node", "IPPool", "IPAMBlock"})

    def __init__(self, store: ObjectStore, ipam: Ipam) -> None:
        self.pod_seconds = 0.0
        self.failing: set[str] = set()
        self._store = store
        self._ipam = ipam
        self._released: dict[Key, str] = {}
        self._without_address: dict[Key, None] = {}

    def wakes(self, event: Event) -> Iterable[Wake]:
        """Bound pods, pods of a node whose readiness changed, and pods without an address when there may be one."""
        if event.kind == "Pod":
            if event.new is None:
                self._without_address.pop(event.key, None)
                address = (event.subject.get("status") or {}).get("podIP")
                if address:
                    self._released[event.key] = address
                return [(event.key, 0.0)]
            return [(event.key, 0.0)] if event.new["spec"].get("nodeName") else ()
        if event.kind == "Node":
            if event.new is None or event.old is None or holds(event.old, "Ready") == holds(event.new, "Ready"):
                return ()
            return [
                ((namespace_of(pod), name_of(pod)), 0.0)
                for pod in self._store.list("Pod")
                if pod["spec"].get("nodeName") == event.key[1]
            ]
        return [(key, _ADDRESS_RETRY_SECONDS) for key in self._without_address]

    def look_again(self, namespace: str) -> list[Key]:
        """The pods of a namespace, after `failing` changed."""
        return [(namespace, name_of(pod)) for pod in self._store.list("Pod", namespace)]

    def reconcile(self, key: Key) -> float | None:
        """Bring one pod a step on."""
        address = self._released.pop(key, "")
        if address:
            self._ipam.release(address, f"{key[0]}/{key[1]}")
        pod = self._store.get("Pod", *key)
        if pod is None:
            return None
        if is_terminating(pod):
            return self._stop(pod)
        node = self._store.get("Node", "", pod["spec"].get("nodeName", ""))
        if node is None:
            return None
        status = pod.get("status") or {}
        if not status.get("podIP"):
            return self._start(pod, node)
        return self._run(pod, node)

    def _stop(self, pod: Object) -> float | None:
        end = datetime.fromisoformat(pod["metadata"]["deletionTimestamp"])
        left = (end - self._store.now()).total_seconds()
        if left > 0:
            return left
        self._store.delete("Pod", namespace_of(pod), name_of(pod), uid=pod["metadata"]["uid"], grace_seconds=0)
        return None

    def _start(self, pod: Object, node: Object) -> float | None:
        key = (namespace_of(pod), name_of(pod))
        found = self._ipam.allocate(pod, node)
        if isinstance(found, Refusal):
            self._without_address[key] = None
            self._report(pod, _waiting("ContainerCreating", found.why), ready=False, phase="Pending")
            return found.retry_seconds
        self._without_address.pop(key, None)
        addressed = {
            **(pod.get("status") or {}),
            "podIP": found,
            "podIPs": [{"ip": found}],
            "hostIP": _internal_ip(node),
            "startTime": timestamp(self._store.now()),
        }
        return self._run({**pod, "status": addressed}, node)

    def _run(self, pod: Object, node: Object) -> float | None:
        status = pod["status"]
        if namespace_of(pod) in self.failing:
            crashing = _waiting("CrashLoopBackOff", "back-off restarting failed container")
            self._report(pod, crashing, ready=False, phase="Running")
            return None
        started = datetime.fromisoformat(status["startTime"])
        left = self.pod_seconds - (self._store.now() - started).total_seconds()
        if left > 0 and status.get("phase") != "Running":
            self._report(pod, _waiting("ContainerCreating", ""), ready=False, phase="Pending")
            return left
        running = {"running": {"startedAt": timestamp(self._store.now())}}
        self._report(pod, running, ready=holds(node, "Ready"), phase="Running")
        return None

    def _report(self, pod: Object, state: Mapping[str, Any], *, ready: bool, phase: str) -> None:
        old = pod.get("status") or {}
        now = timestamp(self._store.now())
        truth = "True" if ready else "False"
        conditions = list(old.get("conditions") or ())
        for kind in ("PodScheduled", "Ready", "ContainersReady"):
            new = {"type": kind, "status": "True" if kind == "PodScheduled" else truth}
            conditions = with_condition(conditions, new, now)
        before = (old.get("containerStatuses") or [{}])[0]
        container = (pod["spec"].get("containers") or [{}])[0]
        shown = before.get("state", {})
        if "running" in state and "running" in shown:
            state = shown
        statuses = [{"name": container.get("name", "main"), "ready": ready, "restartCount": 0, "state": state}]
        status = {**old, "phase": phase, "conditions": conditions, "containerStatuses": statuses}
        stored = self._store.get("Pod", namespace_of(pod), name_of(pod))
        if stored is not None and status != stored.get("status"):
            self._store.update_status("Pod", {**stored, "status": status})


def _waiting(reason: str, message: str) -> Mapping[str, Any]:
    waiting = {"reason": reason, "message": message} if message else {"reason": reason}
    return {"waiting": waiting}


def _internal_ip(node: Mapping[str, Any]) -> str:
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((str(entry["address"]) for entry in addresses if entry["type"] == "InternalIP"), "")


class WorkloadController:
    """Keeps the workload pods of a world file in being while their namespace is."""

    watches = frozenset({"Pod", "Namespace"})

    def __init__(self, store: ObjectStore, workloads: Mapping[str, tuple[str, ...]]) -> None:
        self._store = store
        self._pods = frozenset((namespace, name) for namespace, names in workloads.items() for name in names)
        self._names = workloads

    def wakes(self, event: Event) -> Iterable[Wake]:
        """Workloads that went, and those of a namespace that came."""
        if event.kind == "Pod":
            return [(event.key, 0.0)] if event.new is None and event.key in self._pods else ()
        if event.old is not None:
            return ()
        return [((event.key[1], name), 0.0) for name in self._names.get(event.key[1], ())]

    def reconcile(self, key: Key) -> float | None:
        """Create the pod when it is missing and may exist."""
        namespace = self._store.get("Namespace", "", key[0])
        if namespace is None or is_terminating(namespace) or self._store.get("Pod", *key) is not None:
            return None
        metadata = {"name": key[1], "namespace": key[0], "labels": {"app": key[1]}}
        container = {"name": key[1], "image": f"registry.example.com/{key[1]}:1"}
        self._store.create("Pod", {"metadata": metadata, "spec": {"containers": [container]}})
        return None
