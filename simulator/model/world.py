"""The whole simulated world: clusters, hubs, names, packets, faults and one clock, composed from a world file."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from threading import RLock
from typing import Any

import yaml
from pydantic import ValidationError

from simulator.model.azure.arm import AzureHub
from simulator.model.azure.throttling import Throttling
from simulator.model.bgp.views import internal_ip
from simulator.model.clock import VirtualClock
from simulator.model.consistency import inconsistencies, node_address
from simulator.model.documents import ClusterDocument, NodeDocument, WorldDocument
from simulator.model.faults import Faults
from simulator.model.kubernetes.cluster import Cluster
from simulator.model.packets import Packet, send
from simulator.model.summary import describe


class UnreadableWorld(Exception):
    """The world file cannot be read as one."""


class ImpossibleWorld(Exception):
    """A world that cannot exist; `reasons` holds every inconsistency."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__("this world cannot exist:\n" + "\n".join(f"- {reason}" for reason in reasons))


class World:
    """Everything that is simulated. Whoever uses it from several threads holds `lock`; raises ImpossibleWorld."""

    def __init__(self, document: WorldDocument) -> None:
        reasons = inconsistencies(document)
        if reasons:
            raise ImpossibleWorld(reasons)
        self.document = document
        self.lock = RLock()
        self.clock = VirtualClock(document.clock)
        self.faults = Faults()
        self.sites: dict[str, str] = dict(document.sites)
        self.packets: list[Packet] = []
        self.clusters: Mapping[str, Cluster] = {
            name: self._cluster(name, cluster) for name, cluster in document.clusters.items()
        }
        # One caller has one set of token buckets per subscription.
        buckets = {hub.subscription: Throttling(self.clock) for hub in document.hubs.values()}
        self.hubs: Mapping[str, AzureHub] = {
            name: AzureHub(name, hub, self.clock, self.clusters, buckets[hub.subscription])
            for name, hub in document.hubs.items()
        }
        for cluster in self.clusters.values():
            cluster.outside = self.hubs[cluster.document.hub].route_server.established

    def _cluster(self, name: str, document: ClusterDocument) -> Cluster:
        return Cluster(name, document, self.clock)

    @classmethod
    def from_file(cls, path: Path | str) -> World:
        """The world of a YAML file. Raises UnreadableWorld, ImpossibleWorld."""
        return cls(read_document(Path(path)))

    def advance(self, seconds: float) -> None:
        """Let virtual time pass; everything due happens at its own moment."""
        if seconds:
            self.clock.advance(seconds)

    def send(self, cluster: str, namespace: str, url: str, pod: str | None = None) -> Packet:
        """Let a workload open one connection now; what became of it is kept in `packets`."""
        return send(self, cluster, namespace, url, pod=pod)

    def replace_node(self, cluster: str, old: str, new: NodeDocument) -> None:
        """Replace a node as an upgrade of its pool does; Azure's side, the Route Server connection, stays as it was.

        Raises ImpossibleWorld for a node that is not there, or a new one whose name or address cannot be.
        """
        known = {each["metadata"]["name"] for each in self.clusters[cluster].api.objects("Node")}
        taken = {
            internal_ip(each): f"{name}/{each['metadata']['name']}"
            for name, member in self.clusters.items()
            for each in member.api.objects("Node")
        }
        subnet = IPv4Network(self.document.clusters[cluster].node_subnet)
        reasons = [*node_address("address", IPv4Address(new.address), subnet)]
        if old not in known:
            reasons.append(f"{cluster} has no node {old!r}; it has: {', '.join(sorted(known))}")
        if new.name in known:
            reasons.append(f"{cluster} has a node {new.name!r} already; take another name")
        if new.address in taken:
            reasons.append(f"{new.address} is the address of {taken[new.address]}; take another one")
        if reasons:
            raise ImpossibleWorld(tuple(reasons))
        self.clusters[cluster].replace_node(old, new)

    def state(self) -> dict[str, Any]:
        """What there is, in short and ready for JSON."""
        return describe(self)


def read_document(path: Path) -> WorldDocument:
    """The document of a world file. Raises UnreadableWorld with every field that does not fit."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UnreadableWorld(f"{path}: {error}") from error
    try:
        return WorldDocument.model_validate(content)
    except ValidationError as error:
        lines = [f"{path} {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise UnreadableWorld("\n".join(lines)) from error
