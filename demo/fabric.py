"""The act about the network under the tenants: a node that reflects their routes goes, and nobody is cut off."""

from __future__ import annotations

from datetime import datetime

from demo.programme import Programme
from demo.scene import HUB, STEP_SECONDS, Scene
from function_app.model.report import Report
from simulator.model.bgp.fabric import HOLD
from simulator.model.documents import NodeDocument
from simulator.model.packets import Packet, Verdict

_CLUSTER, _OLD, _FRESH = "spoke1-aks", "spoke1-0", NodeDocument(name="spoke1-9", address="10.1.0.19", reflector=True)
_BEFORE, _AFTER = "egress-gitops-spoke1-aks-10-1-0-4", "egress-gitops-spoke1-aks-10-1-0-19"
_WORKLOADS = {
    ("spoke1-aks", "default"): "http://www.tigera.io",
    ("spoke1-aks", "shop"): "https://docs.tigera.io",
    ("spoke2-aks", "shop"): "https://docs.tigera.io",
}


def replace_a_reflector(scene: Scene, programme: Programme) -> None:
    """Where peers are typed in by hand, this is where everything breaks."""
    programme.act("A reflector node is replaced under traffic")
    began = scene.world.clock.now()
    scene.replace_node(_CLUSTER, _OLD, _FRESH)
    programme.say(
        f"An upgrade of the node pool: {_FRESH.name} ({_FRESH.address}) joins with the pool's label, {_OLD} goes. Every five "
        "seconds each of three workloads opens a new connection."
    )
    packets: list[Packet] = []
    steps: list[tuple[str, str]] = []
    learned: list[datetime] = []

    def watch() -> None:
        for (cluster, namespace), url in _WORKLOADS.items():
            packets.append(scene.world.send(cluster, namespace, url))
        if not learned and _instances_taught(scene) == {0, 1}:
            learned.append(scene.world.clock.now())

    def seen(report: Report) -> None:
        for one in report.outcomes:
            steps.append((str(one.change.verb), one.change.resource.name))
            programme.quote(f"{report.started_at:%H:%M:%S}  {one.result} {one.change.resource}: {one.change.because}")

    report = scene.converge(seen=seen, watch=watch)
    opened = [packet for packet in packets if packet.pod]
    lost = [packet for packet in opened if packet.verdict is not Verdict.ALLOWED or not packet.range_tenant]
    programme.check(
        "annotated, then connected to Route Server; the dead node's connection goes last",
        passed=[step for step in steps if step[1] in (_FRESH.name, _BEFORE, _AFTER) and step[0] != "apply"][-3:]
        == [("update", _FRESH.name), ("create", _AFTER), ("delete", _BEFORE)],
    )
    waited = (learned[0] - began).total_seconds() if learned else 0.0
    programme.check(
        f"both Route Server instances learned over the new node {waited:.0f} s after it joined", passed=bool(learned)
    )
    programme.check(
        f"{len(opened)} new connections, {len(lost)} lost; at most {_longest(packets):.0f} s without one, where BGP takes "
        f"{HOLD.total_seconds():.0f} s to miss a dead peer",
        passed=not lost and len(opened) > len(_WORKLOADS) * 5,
    )
    programme.check("converged, nothing waits", passed=report.converged)


def _instances_taught(scene: Scene) -> set[int]:
    """Which of the two instances have learned something over the new node's connection."""
    server = scene.world.hubs[HUB].route_server
    return {instance for connection, instance, _ in server.learned() if connection == _AFTER}


def _longest(packets: list[Packet]) -> float:
    """For how many seconds one workload at most could open no connection."""
    longest, running = 0, dict.fromkeys(_WORKLOADS, 0)
    for packet in packets:
        key = (packet.cluster, packet.namespace)
        failed = packet.pod and (packet.verdict is not Verdict.ALLOWED or not packet.range_tenant)
        running[key] = running[key] + 1 if failed else 0
        longest = max(longest, running[key])
    return longest * STEP_SECONDS
