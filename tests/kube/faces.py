"""Two API servers behind one face: the simulator in native mode over HTTPS, and a real kube-apiserver with the real CRDs.

Belongs here: how each of them is reached, and how each is brought into a situation (lists forgotten, calls refused, time
passed). Does not belong here: anything that a test expects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, Protocol

from function_app.adapters.kubernetes_access import kubeconfig_access
from function_app.adapters.kubernetes_cluster import KubernetesCluster
from function_app.model.names import cluster_target
from real.kube.programs import chosen_minor, version_of
from real.kube.rest import Rest
from real.kube.server import ADMIN, RECONCILER, STRANGER, ControlPlane, Endpoint
from simulator.model.faults import Action, Fault
from simulator.model.world import World, read_document
from simulator.wire.certificates import make_certificates
from simulator.wire.messages import ADMIN_TOKEN, RECONCILER_TOKEN, STRANGER_TOKEN
from simulator.wire.server import SimulatorServer
from simulator.wire.settings import kubeconfig

ROOT = Path(__file__).parents[2]
CLUSTER = "spoke2-aks"
"""The walkthrough's cluster in native mode."""
TARGET = cluster_target(CLUSTER)
PATIENCE_SECONDS = 30.0


class Face(Protocol):
    """One API server as the tests see it."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""

    def token(self, user: str) -> str:
        """The bearer token of ADMIN, RECONCILER or STRANGER."""

    def forget_lists(self) -> None:
        """Make lists that were begun impossible to continue."""

    def let_time_pass(self) -> None:
        """Give controllers a moment."""

    def refusing(self, plural: str, message: str) -> AbstractContextManager[None]:
        """An admission policy that refuses every write of a Calico kind, while the context lasts."""

    def throttling(self) -> AbstractContextManager[None]:
        """Most of the stranger's calls are refused as too many, while the context lasts."""

    def with_expired_certificate(self) -> AbstractContextManager[Endpoint]:
        """The same API behind a certificate whose time is over, while the context lasts."""


@dataclass(frozen=True)
class Simulated:
    """The simulator's native cluster."""

    server: SimulatorServer

    @property
    def endpoint(self) -> Endpoint:
        """Its path on the simulator's server."""
        return Endpoint(f"{self.server.url}/kubernetes/{CLUSTER}", self.server.ca_file)

    def token(self, user: str) -> str:
        """The simulator's own tokens."""
        return {ADMIN: ADMIN_TOKEN, RECONCILER: RECONCILER_TOKEN, STRANGER: STRANGER_TOKEN}[user]

    def forget_lists(self) -> None:
        """Virtual etcd compacts."""
        with self.server.world.lock:
            self.server.world.clusters[CLUSTER].api.expire_lists()

    def let_time_pass(self) -> None:
        """A second of virtual time."""
        with self.server.world.lock:
            self.server.world.advance(1.0)

    @contextmanager
    def refusing(self, plural: str, message: str) -> Iterator[None]:
        """A fault in the words of a policy: the simulator runs no CEL of others."""
        kind = next(each for each in self.server.world.clusters[CLUSTER].api.kinds.values() if each.plural == plural)
        policy = admission_policy(plural, message)["metadata"]["name"]
        fault = Fault(
            action=Action.REFUSE,
            target=str(TARGET),
            kind=kind.kind,
            verb="apply",
            count=0,
            status=422,
            body=refused_by_policy(kind.resource, kind.group, kind.kind, policy, message),
        )
        with self._under(fault):
            yield

    @contextmanager
    def throttling(self) -> Iterator[None]:
        """A fault without a body of its own."""
        with self._under(Fault(action=Action.REFUSE, target=str(TARGET), count=0, status=429, retry_after=1)):
            yield

    @contextmanager
    def with_expired_certificate(self) -> Iterator[Endpoint]:
        """A second server over the same world."""
        with SimulatorServer(self.server.world, certificates=make_certificates(expired=True)) as server:
            yield Endpoint(f"{server.url}/kubernetes/{CLUSTER}", server.ca_file)

    @contextmanager
    def _under(self, fault: Fault) -> Iterator[None]:
        world = self.server.world
        with world.lock:
            world.faults.add(fault)
        try:
            yield
        finally:
            with world.lock:
                world.faults.clear()


@dataclass(frozen=True)
class Real:
    """A real control plane."""

    plane: ControlPlane

    @property
    def endpoint(self) -> Endpoint:
        """The API server."""
        return self.plane.endpoint

    def token(self, user: str) -> str:
        """The tokens of its token file."""
        return self.plane.token(user)

    def forget_lists(self) -> None:
        """Etcd compacts."""
        self.plane.compact()

    def let_time_pass(self) -> None:
        """A moment of real time."""
        sleep(0.05)

    @contextmanager
    def refusing(self, plural: str, message: str) -> Iterator[None]:
        """A ValidatingAdmissionPolicy and its binding, which take a moment to come into force and to be forgotten."""
        policy = admission_policy(plural, message)
        name = policy["metadata"]["name"]
        binding = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        }
        root = "/apis/admissionregistration.k8s.io/v1"
        with self._stored(
            (f"{root}/validatingadmissionpolicies", policy), (f"{root}/validatingadmissionpolicybindings", binding)
        ) as admin:
            path = f"/apis/projectcalico.org/v3/{plural}"
            kind = admin("GET", path, limit="1").json["kind"].removesuffix("List")
            trial = {
                "apiVersion": "projectcalico.org/v3",
                "kind": kind,
                "metadata": {"generateName": "trial-"},
                "spec": {},
            }

            def refused() -> bool:
                return str(admin("POST", path, trial, dryRun="All").json.get("message", "")).endswith(message)

            eventually(self, refused)
            yield
        with caller(self, ADMIN) as admin:
            eventually(self, lambda: not refused())

    @contextmanager
    def throttling(self) -> Iterator[None]:
        """A priority level without seats for the stranger's calls, which still serves one at a time: the place is taken."""
        root = "/apis/flowcontrol.apiserver.k8s.io/v1"
        meta = {"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "metadata": {"name": "no-seats"}}
        limited = {"nominalConcurrencyShares": 0, "limitResponse": {"type": "Reject"}, "lendablePercent": 0}
        limited["borrowingLimitPercent"] = 0
        level = {**meta, "kind": "PriorityLevelConfiguration", "spec": {"type": "Limited", "limited": limited}}
        everything = [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
        ]
        rule = {"subjects": [{"kind": "User", "user": {"name": STRANGER}}], "resourceRules": everything}
        spec = {"priorityLevelConfiguration": {"name": "no-seats"}, "matchingPrecedence": 2, "rules": [rule]}
        schema = {**meta, "kind": "FlowSchema", "spec": spec}
        objects = ((f"{root}/prioritylevelconfigurations", level), (f"{root}/flowschemas", schema))
        with self._stored(*objects), self._crowded():
            yield

    @contextmanager
    def with_expired_certificate(self) -> Iterator[Endpoint]:
        """A second API server over the same data."""
        with self.plane.second_apiserver(make_certificates(expired=True)) as endpoint:
            yield endpoint

    @contextmanager
    def _crowded(self) -> Iterator[None]:
        """The stranger's own calls, one of which is always being served."""
        over = Event()

        def ask() -> None:
            with caller(self, STRANGER) as stranger:
                while not over.is_set():
                    stranger("GET", "/api/v1/nodes")

        threads = [Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    @contextmanager
    def _stored(self, *objects: tuple[str, dict[str, Any]]) -> Iterator[Rest]:
        """Objects that exist while the context lasts."""
        with caller(self, ADMIN) as admin:
            for path, body in objects:
                answer = admin("POST", path, body)
                assert 201 == answer.status, answer.body
            try:
                yield admin
            finally:
                for path, body in reversed(objects):
                    admin("DELETE", f"{path}/{body['metadata']['name']}")


def admission_policy(plural: str, message: str) -> dict[str, Any]:
    """A policy that refuses every create and update of a Calico kind."""
    rule = {"apiGroups": ["projectcalico.org"], "apiVersions": ["v3"], "resources": [plural]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"no-{plural}"},
        "spec": {
            "matchConstraints": {"resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}]},
            "validations": [{"expression": "false", "message": message}],
        },
    }


def refused_by_policy(resource: str, group: str, kind: str, policy: str, message: str) -> dict[str, Any]:
    """The Status of a ValidatingAdmissionPolicy; the object's name is not known to a fault, so it is left out."""
    words = f"ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: {message}"
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"{resource} is forbidden: {words}",
        "reason": "Invalid",
        "details": {"group": group, "kind": kind.lower(), "causes": [{"message": words}]},
        "code": 422,
    }


@contextmanager
def caller(face: Face, user: str = ADMIN) -> Iterator[Rest]:
    """A raw client as one user."""
    rest = Rest(face.endpoint, face.token(user))
    try:
        yield rest
    finally:
        rest.close()


def adapter(endpoint: Endpoint, token: str, folder: Path) -> KubernetesCluster:
    """Our own adapter, by a kubeconfig as an operator would write it."""
    path = folder / "kubeconfig"
    path.write_text(kubeconfig({CLUSTER: endpoint.url}, endpoint.ca_file.read_bytes(), token), encoding="utf-8")
    return KubernetesCluster(TARGET, lambda: kubeconfig_access(path, CLUSTER))


def eventually(face: Face, holds: Callable[[], bool]) -> None:
    """Let time pass until something holds."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not holds():
        assert monotonic() < deadline, f"not so after {PATIENCE_SECONDS:g} s"
        face.let_time_pass()


def walkthrough() -> World:
    """The packaged world, in the Kubernetes version that was chosen for the real server."""
    document = read_document(ROOT / "simulator" / "worlds" / "walkthrough.yaml")
    chosen = document.clusters[CLUSTER].model_copy(update={"kubernetes_version": version_of(chosen_minor())})
    return World(document.model_copy(update={"clusters": {**document.clusters, CLUSTER: chosen}}))
