"""The world of a world file with a real API server for each of its clusters."""

from __future__ import annotations

from collections.abc import Mapping

from real.kube.rest import Rest
from real.kube.world.cluster import RealCluster
from simulator.model.documents import ClusterDocument, WorldDocument
from simulator.model.kubernetes.cluster import Cluster
from simulator.model.world import World


class RealWorld(World):
    """Clusters on real servers, all else simulated. `servers` are administrators' clients by cluster.

    Whoever writes to a server from outside says `catch_up` before time goes on or a packet is sent.
    """

    def __init__(self, document: WorldDocument, servers: Mapping[str, Rest]) -> None:
        self._servers = servers
        self._real: list[RealCluster] = []
        super().__init__(document)

    def catch_up(self) -> None:
        """Let every cluster's controllers see and act on what was written on its server."""
        for cluster in self._real:
            cluster.catch_up()

    def advance(self, seconds: float) -> None:
        """Let virtual time pass, from what there is now."""
        self.catch_up()
        super().advance(seconds)
        self.catch_up()

    def _cluster(self, name: str, document: ClusterDocument) -> Cluster:
        cluster = RealCluster(name, document, self.clock, self._servers[name])
        self._real.append(cluster)
        return cluster
