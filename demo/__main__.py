"""`make demo`: the walkthrough from nothing to the last clean pass. Exit 1 when a check failed."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import AbstractContextManager
from functools import partial

from rich.console import Console

from demo.acts import ACTS
from demo.programme import Programme
from demo.real_scene import real_scene
from demo.scene import Scene
from real.cache import MissingProgram
from real.kube.programs import find_programs
from real.kube.server import ControlPlaneFailed

_TITLE = "Egress GitOps: the published walkthrough, driven by commits, on a simulated Azure and two {kind} clusters"


def main(console: Console | None = None, kube: str = "simulated") -> int:
    """Play all acts; a failing act does not end the play, a crash does."""
    started = time.monotonic()
    console = console or Console(highlight=False)
    programme = Programme(console)
    console.print(f"[bold]{_TITLE.format(kind=kube)}[/bold]")
    with _scene(kube) as scene:
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


def _scene(kube: str) -> AbstractContextManager[Scene]:
    """What the clusters are. Raises MissingProgram."""
    return real_scene(find_programs(announce=partial(print, flush=True))) if kube == "real" else Scene()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m demo", description="The published walkthrough, act by act.")
    parser.add_argument("--kube", choices=("simulated", "real"), default="simulated", help="what the clusters are")
    try:
        sys.exit(main(kube=parser.parse_args().kube))
    except (MissingProgram, ControlPlaneFailed) as problem:
        sys.exit(str(problem))
