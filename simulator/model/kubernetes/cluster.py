"""One simulated AKS cluster: its API, the controllers behind it, and what exists in it before anybody acts.

Belongs here: putting the parts together, the initial objects, and what an experimenter can do to a cluster from outside its
API (nodes that go, gateways that fail).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.model.clock import VirtualClock
from simulator.model.documents import ClusterDocument, NodeDocument
from simulator.model.kubernetes.api import KubernetesApi
from simulator.model.kubernetes.controllers import Controller, ControlLoop, ObjectStore
from simulator.model.kubernetes.deployments import DeploymentController
from simulator.model.kubernetes.initial import CONTROLLER, NODE_AGENT, OPERATOR, initial_objects, node_object
from simulator.model.kubernetes.ip_pools import PoolController
from simulator.model.kubernetes.ipam import BlockKeeper, Ipam
from simulator.model.kubernetes.lifecycle import GarbageCollector, NamespaceController
from simulator.model.kubernetes.node_statuses import KIND as NODE_STATUS
from simulator.model.kubernetes.node_statuses import NodeStatusReporter, Outside
from simulator.model.kubernetes.operator import EgressGatewayOperator
from simulator.model.kubernetes.pods import PodAgent, WorkloadController
from simulator.model.kubernetes.scheduling import Scheduler
from simulator.model.trees import Object, replaced


class Cluster:
    """A cluster with everything settled; what the document lists is ready from the first moment.

    `api` is the door for clients. After each of their writes, and whenever time brings something about, the cluster
    settles by itself. The same calls at the same times lead to the same objects, versions and uids. `api` can be given:
    another place where the same controllers keep their objects.
    """

    def __init__(
        self, name: str, document: ClusterDocument, clock: VirtualClock, api: KubernetesApi | None = None
    ) -> None:
        self.name = name
        self.document = document
        self.api = api or KubernetesApi(name, document.api_mode, clock, document.kubernetes_version)
        self._ipam = Ipam(self.api.component("calico-ipam", direct=True))
        self._pods = PodAgent(self.api.component("kubelet"), self._ipam)
        self.outside: Outside = _nobody
        """The peers outside with which the node of an address has a session; whoever knows them puts that here."""
        self._statuses = NodeStatusReporter(
            self.api.component("calico-node"), self, self._outside_of, ticking=api is not None
        )
        self._loop = ControlLoop(clock, self._controllers())
        self.api.subscribe(self._loop.observe)
        self._begin()
        self._pods.pod_seconds = document.pod_seconds
        self.api.after_write = self.settle
        self.api.before_read = {NODE_STATUS: self._statuses.report_due}

    def _begin(self) -> None:
        for manager, body in self._first_objects():
            place(self.api.component(manager, direct=True), body)
        self._loop.settle()

    def _first_objects(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        return initial_objects(self.name, self.document)

    def _controllers(self) -> list[Controller]:
        controllers: list[Controller] = [
            EgressGatewayOperator(self.api.component(OPERATOR)),
            DeploymentController(self.api.component(CONTROLLER)),
            WorkloadController(self.api.component(CONTROLLER), self.document.workloads),
            Scheduler(self.api.component("kube-scheduler")),
            self._pods,
            self._statuses,
            BlockKeeper(self.api.component("calico-kube-controllers", direct=True), self._ipam),
            NamespaceController(self.api.component(CONTROLLER)),
            GarbageCollector(self.api.component(CONTROLLER, direct=True), self.api.kinds),
        ]
        if self.document.api_mode == "native":
            controllers.append(PoolController(self.api.component("calico-kube-controllers")))
        return controllers

    def _outside_of(self, address: str) -> frozenset[str]:
        return self.outside(address)

    def settle(self) -> None:
        """Let all controllers act on what they see now."""
        self._loop.settle()

    def state(self) -> Mapping[str, Any]:
        """Every stored object by kind, as JSON; for comparison and for show."""
        return {kind: self.api.objects(kind) for kind in self.api.kinds}

    def add_node(self, node: NodeDocument) -> None:
        """A new node joins, ready."""
        self._join(node)
        self.settle()

    def remove_node(self, name: str) -> None:
        """A node goes with all its pods."""
        self._leave(name)
        self.settle()

    def replace_node(self, name: str, new: NodeDocument) -> None:
        """A node goes and another comes, as in an upgrade: hand-set labels and annotations of the old one are lost."""
        self._join(new)
        self._leave(name)
        self.settle()

    def rebuild(self) -> None:
        """Another cluster takes this one's place under its name: as the document has it, with uids of its own."""
        self.api.vanish()
        self._begin()

    def cordon(self, name: str, *, cordoned: bool = True) -> None:
        """Let no new pod come to a node, or let them come again."""
        nodes = self.api.component("kubectl-cordon")
        nodes.update("Node", replaced(self._node(name), ("spec", "unschedulable"), True if cordoned else None))
        self.settle()

    def set_node_ready(self, name: str, *, ready: bool) -> None:
        """Let a node's kubelet fall silent, or answer again; its pods are unready meanwhile."""
        node = self._node(name)
        truth = "True" if ready else "Unknown"
        conditions = [
            {**entry, "status": truth} if entry["type"] == "Ready" else entry for entry in node["status"]["conditions"]
        ]
        nodes = self.api.component(NODE_AGENT)
        nodes.update_status("Node", replaced(node, ("status", "conditions"), conditions))
        self.settle()

    def silence_status(self, node: str, *, silent: bool = True) -> None:
        """Let a node's calico-node report its sessions no more, or again; its routing goes on."""
        (self._statuses.silent.add if silent else self._statuses.silent.discard)(node)

    def fail_pods(self, namespace: str) -> None:
        """Let no pod of a namespace become ready from now on; pods that are ready stay so."""
        self._pods.failing.add(namespace)

    def crash_pods(self, namespace: str) -> None:
        """Let all pods of a namespace fail, the ready ones too, until `heal_pods`."""
        self.fail_pods(namespace)
        self._look_again(namespace)

    def heal_pods(self, namespace: str) -> None:
        """End `fail_pods` and `crash_pods`."""
        self._pods.failing.discard(namespace)
        self._look_again(namespace)

    def _look_again(self, namespace: str) -> None:
        for key in self._pods.look_again(namespace):
            self._loop.wake(self._pods, key)
        self.settle()

    def _node(self, name: str) -> Object:
        found = self.api.component(NODE_AGENT).get("Node", "", name)
        if found is None:
            raise KeyError(f"cluster {self.name} has no node {name}")
        return found

    def _join(self, node: NodeDocument) -> None:
        place(self.api.component(NODE_AGENT), node_object(self.name, self.document, node))

    def _leave(self, name: str) -> None:
        self.api.component(NODE_AGENT).delete("Node", "", name, uid=self._node(name)["metadata"]["uid"])


def _nobody(_address: str) -> frozenset[str]:
    return frozenset()


def place(store: ObjectStore, body: Mapping[str, Any]) -> None:
    """Create an object with its status; what exists already gets the body's labels, annotations and spec on top."""
    kind, metadata = body["kind"], body["metadata"]
    existing = store.get(kind, metadata.get("namespace", ""), metadata["name"])
    stored = store.create(kind, body) if existing is None else store.update(kind, _laid_on(existing, body))
    if body.get("status") and "status" not in stored:
        store.update_status(kind, {**stored, "status": body["status"]})


def _laid_on(existing: Object, body: Mapping[str, Any]) -> Object:
    laid: Object = existing
    for group in ("labels", "annotations"):
        entries: Iterable[tuple[str, str]] = (body["metadata"].get(group) or {}).items()
        for key, value in entries:
            laid = replaced(laid, ("metadata", group, key), value)
    for key, value in (body.get("spec") or {}).items():
        laid = replaced(laid, ("spec", key), value)
    return laid
