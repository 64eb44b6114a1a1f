"""Real API servers for the clusters of a world: started, given Calico's CRDs and the reconciler's ClusterRole, and ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from real.kube.installing import install
from real.kube.programs import Programs
from real.kube.rest import Rest
from real.kube.server import ADMIN, RECONCILER, ControlPlane
from real.kube.world.informer import expected

CLUSTER_ROLE = Path(__file__).parents[3] / "deploy" / "reconciler-clusterrole.yaml"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_PLURALS = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}


@dataclass(frozen=True, slots=True)
class Server:
    """One cluster's control plane, and an administrator's client of it."""

    plane: ControlPlane
    admin: Rest


@contextmanager
def serving(programs: Programs, clusters: Iterable[str]) -> Iterator[Mapping[str, Server]]:
    """A control plane for each cluster. Raises ControlPlaneFailed, NotServed."""
    with ExitStack() as closing:
        servers: dict[str, Server] = {}
        for name in clusters:
            plane = closing.enter_context(ControlPlane(programs))
            admin = Rest(plane.endpoint, plane.token(ADMIN))
            closing.callback(admin.close)
            install(admin)
            for body in yaml.safe_load_all(CLUSTER_ROLE.read_text(encoding="utf-8")):
                expected(admin("POST", f"{_RBAC}/{_PLURALS[body['kind']]}", body))
            servers[name] = Server(plane, admin)
        yield servers


def write_kubeconfig(servers: Mapping[str, Server], path: Path, user: str = RECONCILER) -> Path:
    """One kubeconfig with a context for each cluster, all for one user."""
    whole: dict[str, Any] = {}
    for name, server in servers.items():
        part = yaml.safe_load(server.plane.write_kubeconfig(path, user, context=name).read_text(encoding="utf-8"))
        for key in ("clusters", "contexts", "users"):
            part[key] = [*whole.get(key, ()), *part[key]]
        whole = part
    path.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    return path
