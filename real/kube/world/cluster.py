"""One cluster on a real API server: the simulator's controllers over its API, and waiting for Kubernetes' own ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from time import monotonic, sleep
from typing import Any

from real.kube.rest import Rest
from real.kube.world.informer import Informer
from real.kube.world.object_store import ApiObjectStore
from simulator.model.clock import VirtualClock
from simulator.model.documents import ClusterDocument
from simulator.model.kubernetes.api import KubernetesApi
from simulator.model.kubernetes.cluster import Cluster
from simulator.model.kubernetes.controllers import Controller, ObjectStore, Wake, holds
from simulator.model.kubernetes.initial import CONTROLLER
from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.lifecycle import GarbageCollector, NamespaceController
from simulator.model.kubernetes.store import Event, Key
from simulator.model.trees import Object, is_terminating, name_of, namespace_of, replaced

PATIENCE_SECONDS = 120.0
"""Real seconds that kube-controller-manager may take; a kind that was defined after its start it knows within 30."""
_PAUSE_SECONDS = 0.05
_OF_THE_SERVER = frozenset(
    {"APIService", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "DatastoreMigration"}
)
"""What a real server has of its own or does not serve, and no controller of ours reads."""
_NOT_READY_TAINT = "node.kubernetes.io/not-ready"


class ServedElsewhere(Exception):
    """Somebody called the simulated API of a cluster that a real server serves."""


class KubernetesStill(Exception):
    """kube-controller-manager did not do its part; the message says what."""


class RealApi(KubernetesApi):
    """What the controllers know of the objects of a real API server; clients call that server, not this."""

    def __init__(self, cluster: str, clock: VirtualClock, rest: Rest) -> None:
        super().__init__(cluster, "native", clock)
        self._rest = rest
        self.informer = Informer(rest, [kind for kind in self.kinds.values() if _is_controlled(kind)], self._store)

    def component(self, manager: str, *, direct: bool = False) -> ApiObjectStore:
        """The same objects for a controller; every one of them calls the server directly."""
        del direct
        return ApiObjectStore(self._rest, self.informer, self.kinds, self._store, self._writer, manager)

    def _served(self, verb: str, kind: str) -> ServedKind:
        raise ServedElsewhere(
            f"{verb} {kind}: a real API server serves this cluster; take its address from the kubeconfig"
        )


class RealCluster(Cluster):
    """A cluster of a world, kept on a real API server in native mode. Raises KubernetesStill."""

    def __init__(self, name: str, document: ClusterDocument, clock: VirtualClock, rest: Rest) -> None:
        self._real = RealApi(name, clock, rest)
        super().__init__(name, document.model_copy(update={"api_mode": "native"}), clock, self._real)
        self.catch_up()

    def catch_up(self) -> None:
        """See what people and the reconciler wrote, and let everybody act on it until nobody has anything left to do now."""
        deadline = monotonic() + PATIENCE_SECONDS
        while True:
            self._real.informer.look()
            self.settle()
            owed = next(self._owed(), "")
            if not owed:
                return
            if monotonic() > deadline:
                raise KubernetesStill(f"{self.name}: after {PATIENCE_SECONDS:g} s {owed}")
            sleep(_PAUSE_SECONDS)

    def _first_objects(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        self._real.informer.look()
        return ((manager, body) for manager, body in super()._first_objects() if body["kind"] not in _OF_THE_SERVER)

    def _controllers(self) -> list[Controller]:
        ours = [each for each in super()._controllers() if not isinstance(each, NamespaceController | GarbageCollector)]
        return [*ours, NodeLifecycle(self.api.component(CONTROLLER))]

    def _owed(self) -> Iterator[str]:
        """What kube-controller-manager has not done yet of what it does at once."""
        kinds = [kind for kind in self.api.kinds.values() if _is_controlled(kind)]
        existing = {one["metadata"]["uid"] for kind in kinds for one in self.api.objects(kind.kind)}
        content: dict[str, list[Object]] = {}
        for kind in kinds:
            for one in self.api.objects(kind.kind):
                if kind.namespaced:
                    content.setdefault(namespace_of(one), []).append(one)
                owners = one["metadata"].get("ownerReferences") or ()
                if owners and not is_terminating(one) and not any(owner["uid"] in existing for owner in owners):
                    yield f"{kind.kind} {namespace_of(one)}/{name_of(one)} is there without its owner"
        for namespace in self.api.objects("Namespace"):
            inside = content.get(name_of(namespace), [])
            if is_terminating(namespace) and not all(map(is_terminating, inside or [{"metadata": {}}])):
                yield f"namespace {name_of(namespace)} is still being deleted"


class NodeLifecycle:
    """Lets pods come to nodes that are ready: a real API server taints every new node until somebody says so."""

    watches = frozenset({"Node"})

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def wakes(self, event: Event) -> Iterable[Wake]:
        """Every node that is there."""
        return [(event.key, 0.0)] if event.new is not None else ()

    def reconcile(self, key: Key) -> float | None:
        """Take the taint off."""
        node = self._store.get("Node", *key)
        taints = (node.get("spec") or {}).get("taints") or [] if node is not None else []
        left = [taint for taint in taints if taint["key"] != _NOT_READY_TAINT]
        if node is not None and holds(node, "Ready") and left != taints:
            self._store.update("Node", replaced(node, ("spec", "taints"), left or None))
        return None


def _is_controlled(kind: ServedKind) -> bool:
    return kind.kind not in _OF_THE_SERVER
