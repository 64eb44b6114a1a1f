"""The scene with a real API server for each cluster: reconciler, people and the simulated controllers all act on these.

Belongs here: what differs from the simulated scene. Needs the programs that `real.kube.programs` finds or builds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from demo.scene import Scene, walkthrough
from function_app.model.report import Report
from real.kube.programs import Programs
from real.kube.world.informer import expected
from real.kube.world.serving import Server, serving, write_kubeconfig
from real.kube.world.world import RealWorld
from simulator.model.documents import NodeDocument


class RealScene(Scene):
    """A scene on a world of real servers, `servers` by cluster; Azure stays simulated."""

    def __init__(self, world: RealWorld, servers: Mapping[str, Server]) -> None:
        super().__init__(world)
        self._real = world
        self.servers = servers

    def environment(self, state: str) -> dict[str, str]:
        """The clusters are found in a kubeconfig of the reconciler, with the rights of its ClusterRole."""
        kubeconfig = write_kubeconfig(self.servers, self.folder / "kubeconfig")
        return {**super().environment(state), "EGRESS_KUBECONFIG": str(kubeconfig)}

    def run_pass(self) -> Report:
        """One pass, and what the controllers make of what it wrote."""
        report = super().run_pass()
        with self.world.lock:
            self._real.catch_up()
        return report

    def patch(self, cluster: str, path: str, body: Mapping[str, Any], manager: str) -> None:
        """A merge patch as an administrator sends it to the real server."""
        expected(self.servers[cluster].admin.merge(path, body, manager=manager))
        with self.world.lock:
            self._real.catch_up()

    def replace_node(self, cluster: str, old: str, new: NodeDocument) -> None:
        """The same, seen by every controller."""
        super().replace_node(cluster, old, new)
        with self.world.lock:
            self._real.catch_up()


@contextmanager
def real_scene(programs: Programs) -> Iterator[RealScene]:
    """The walkthrough's world, from the start of its servers to their end."""
    document = walkthrough()
    with serving(programs, document.clusters) as servers:
        world = RealWorld(document, {name: server.admin for name, server in servers.items()})
        with RealScene(world, servers) as scene:
            yield scene
