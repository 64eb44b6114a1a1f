"""Which face answers a path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event

from simulator.model.errors import ApiError
from simulator.model.world import World
from simulator.wire.azure_face import AzureFace
from simulator.wire.control_face import ControlFace
from simulator.wire.kubernetes_face import KubernetesFace
from simulator.wire.messages import Answer, Request, Routed, status_answer

Route = Callable[[Request], Routed | Answer]


class Faces:
    """All faces of one world; the caller holds the world's lock while routing and while a routed effect runs."""

    def __init__(self, world: World, ca: bytes, stopping: Event) -> None:
        self.world = world
        kubernetes = {
            name: KubernetesFace(world, cluster, f"/kubernetes/{name}", stopping)
            for name, cluster in world.clusters.items()
        }
        self._kubernetes = kubernetes
        self._faces: Mapping[str, Route] = {
            "kubernetes": self._cluster,
            "subscriptions": AzureFace(world, ca).route,
            "_control": ControlFace(world).route,
        }

    def route(self, request: Request) -> Routed | Answer:
        """What the request asks for, or at once the answer when nothing can be asked that way."""
        face = self._faces.get(request.segments[0].lower() if request.segments else "")
        if face is None:
            return Answer(404, OVERVIEW.encode(), "text/plain; charset=utf-8")
        return face(request)

    def _cluster(self, request: Request) -> Routed | Answer:
        name = request.segments[1] if len(request.segments) > 1 else ""
        face = self._kubernetes.get(name)
        if face is None:
            known = ", ".join(sorted(self._kubernetes))
            return status_answer(ApiError(404, "NotFound", f"no cluster {name!r} in this world; there are: {known}"))
        return face.route(request)


OVERVIEW = """A simulated world. There are:
/kubernetes/CLUSTER/...  one Kubernetes API server per cluster
/subscriptions/...       Azure Resource Manager
/_control/               state, time, faults, packets
"""
