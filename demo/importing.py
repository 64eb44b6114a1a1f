"""`make demo-import`: the published example, made by hand, is imported and merged under traffic. Exit 1 when a check failed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from rich.console import Console

from demo.programme import Programme
from demo.published_example import CLUSTER, carry_out
from demo.scene import PLATFORM, WORLD_FILE, Scene, sample
from simulator.model.packets import Packet, Verdict
from simulator.model.world import World, read_document

SITE = "http://www.tigera.io"


def main(console: Console | None = None) -> int:
    """Play it."""
    console = console or Console(highlight=False)
    programme = Programme(console)
    console.print("[bold]Egress GitOps: what was made by hand is taken over, and no packet feels it[/bold]")
    with Scene(World(read_document(WORLD_FILE))) as scene:  # with the peers that somebody typed in
        _made_by_hand(scene, programme)
        files = _written_down(scene, programme)
        _merged(scene, programme, files)
    return 0 if programme.finish({}) else 1


def _made_by_hand(scene: Scene, programme: Programme) -> None:
    programme.act("The published example, carried out by hand")
    with scene.world.lock:
        carry_out(scene.world)
    packet = scene.request(CLUSTER, "default", SITE)
    programme.request(packet)
    programme.check("its packets are allowed, from its range", passed=_from_its_range(packet))


def _written_down(scene: Scene, programme: Programme) -> dict[str, str | None]:
    """Hub and clusters are defined by a person; the rest by `egressctl import`."""
    programme.act("Written down by egressctl import")
    folder = scene.folder / "gitops"
    for name, text in sample(*PLATFORM).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = {path: path.read_text() for path in folder.rglob("*.yaml")}
    command = [
        sys.executable,
        "-m",
        "function_app",
        "import",
        "--team",
        "payments",
        "--contact",
        "payments@example.com",
    ]
    told = subprocess.run(  # noqa: S603 - this program
        [*command, "--dir", str(folder)], env=scene.environment("state"), capture_output=True, text=True, check=False
    )
    programme.say("$ egressctl import --team payments --contact payments@example.com")
    programme.quote((told.stdout + told.stderr).replace(f"{folder}/", "gitops/"))
    files: dict[str, str | None] = {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.yaml"))
    }
    programme.say("gitops/tenants/tenant0.yaml:")
    programme.quote(str(files.get("tenants/tenant0.yaml")))
    programme.check("everything could be written down", passed=told.returncode == 0)
    changed = {path.name for path, text in before.items() if path.read_text() != text}
    programme.check("of what was there one line changes: the cluster adopts", passed=changed == {f"{CLUSTER}.yaml"})
    return files


def _merged(scene: Scene, programme: Programme, files: dict[str, str | None]) -> None:
    programme.act("Merged under traffic")
    pods = _gateway_pods(scene)
    packets: list[Packet] = []
    commit = scene.merge("import what was made by hand", files)
    programme.say(f"Merged {commit}; a connection every five seconds:")
    report = scene.converge(
        seen=programme.stages, watch=lambda: packets.append(scene.request(CLUSTER, "default", SITE))
    )
    programme.check(
        f"all {len(packets)} connections are allowed, from tenant0's range", passed=all(map(_from_its_range, packets))
    )
    programme.check("not one gateway pod was replaced", passed=pods == _gateway_pods(scene))
    programme.check("converged, nothing waits", passed=report.converged)
    with scene.world.lock:
        scene.world.hubs["hub1"].delete_group("tenants", "by-hand")
        scene.world.advance(600)
    packet = scene.request(CLUSTER, "default", SITE)
    programme.check("the rule made by hand is removed, and its copy carries on", passed=_from_its_range(packet))


def _from_its_range(packet: Packet) -> bool:
    return packet.verdict is Verdict.ALLOWED and str(packet.source).startswith("10.99.0.")


def _gateway_pods(scene: Scene) -> set[Any]:
    with scene.world.lock:
        pods = scene.world.clusters[CLUSTER].api.objects("Pod")
        return {pod["metadata"]["uid"] for pod in pods if pod["metadata"]["namespace"].endswith("-egw")}


if __name__ == "__main__":
    sys.exit(main())
