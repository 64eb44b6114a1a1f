"""Established connections: each stays with the gateway pod it was opened through and is cut when that pod stops.

Source: Tigera docs, egress gateway maintenance (connections through a gateway end with it) and Microsoft Learn, rule-processing
(a change from allow to deny drops sessions that exist). That a mere change of annotations leaves them alone is an assumption.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from simulator.model.bgp.views import Object, pod_address
from simulator.model.packets.packet import Packet, Verdict, World
from simulator.model.packets.sending import connection_of, send
from simulator.model.trees import name_of


class Cut(StrEnum):
    """Why an established connection ended."""

    GATEWAY_STOPPED = "its gateway pod stopped"
    CLIENT_STOPPED = "its own pod stopped"
    DENIED = "the firewall denies it now"


@dataclass(slots=True)
class Flow:
    """One established connection; `gateway_id` is the gateway pod's uid, empty when it left as a node."""

    opened: Packet
    client_id: str
    gateway_id: str
    cut: Cut | None = None
    cut_at: datetime | None = None


class FlowTable:
    """Connections that workloads keep open. `check` must be called at each moment that matters."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.flows: list[Flow] = []

    def open_flow(self, cluster: str, namespace: str, url: str, *, pod: str | None = None) -> Flow | None:
        """Send, and keep the connection if it was allowed; None when it was not."""
        packet = send(self._world, cluster, namespace, url, pod=pod)
        if packet.verdict is not Verdict.ALLOWED:
            return None
        flow = Flow(packet, self._uid(packet, f"{namespace}/{packet.pod}"), self._uid(packet, packet.gateway))
        self.flows.append(flow)
        return flow

    def check(self) -> tuple[Flow, ...]:
        """Flows that were cut since the last check, marked so."""
        return tuple(self._cut())

    def cut_count(self) -> int:
        """How many have been cut so far."""
        return sum(1 for flow in self.flows if flow.cut is not None)

    def _cut(self) -> Iterator[Flow]:
        for flow in self.flows:
            cause = self._cause(flow) if flow.cut is None else None
            if cause is not None:
                flow.cut, flow.cut_at = cause, self._world.clock.now()
                yield flow

    def _cause(self, flow: Flow) -> Cut | None:
        running = {
            _identity(pod) for pod in self._world.clusters[flow.opened.cluster].api.objects("Pod") if pod_address(pod)
        }
        if flow.gateway_id and flow.gateway_id not in running:
            return Cut.GATEWAY_STOPPED
        if flow.client_id not in running:
            return Cut.CLIENT_STOPPED
        return Cut.DENIED if flow.opened.rule.collection and self._denied(flow.opened) else None

    def _denied(self, packet: Packet) -> bool:
        hub = self._world.hubs[self._world.clusters[packet.cluster].document.hub]
        return not hub.evaluator().judge(connection_of(packet), self._world.sites.get).allowed

    def _uid(self, packet: Packet, full_name: str) -> str:
        for pod in self._world.clusters[packet.cluster].api.objects("Pod"):
            if f"{pod['metadata']['namespace']}/{name_of(pod)}" == full_name:
                return _identity(pod)
        return ""


def _identity(pod: Object) -> str:
    """Its uid: a pod of the same name later is another one."""
    return str(pod["metadata"]["uid"])
