"""`make demo`: the walkthrough from nothing to the last clean pass. Exit 1 when a check failed."""

from __future__ import annotations

import sys
import time

from rich.console import Console

from demo.acts import ACTS
from demo.programme import Programme
from demo.scene import Scene


def main(console: Console | None = None) -> int:
    """Play all acts; a failing act does not end the play, a crash does."""
    started = time.monotonic()
    console = console or Console(highlight=False)
    programme = Programme(console)
    console.print(
        "[bold]Egress GitOps: the published walkthrough, driven by commits, on a simulated Azure and two simulated clusters[/bold]"
    )
    with Scene() as scene:
        began = scene.world.clock.now()
        for act in ACTS:
            act(scene, programme)
        minutes = (scene.world.clock.now() - began).total_seconds() / 60
        figures = {
            "passes": str(scene.figures.passes),
            "writes": ", ".join(f"{count} to {target}" for target, count in sorted(scene.figures.writes.items())),
            "firewall operations": str(scene.figures.firewall_operations),
            "virtual time": f"{minutes:.0f} minutes",
            "real time": f"{time.monotonic() - started:.0f} seconds",
        }
    return 0 if programme.finish(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
