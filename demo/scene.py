"""The scene: a simulated world behind HTTPS, a real Git repository, and the reconciler with its real clients.

Only time is ours: between passes it is advanced by hand, so that four minutes of firewall cost nothing.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from function_app.bootstrap import Assembly, assemble
from function_app.gathering import Patience
from function_app.model.ledger import Generation, fold
from function_app.model.names import HubName, firewall_target
from function_app.model.report import Report, Result
from function_app.ports import HubPorts
from function_app.reconcile import Source, reconcile
from function_app.settings import Settings
from simulator.model.documents import NodeDocument, WorldDocument
from simulator.model.packets import Packet
from simulator.model.world import World, read_document
from simulator.wire.server import SimulatorServer

HERE = Path(__file__).parents[1]
WORLD_FILE = HERE / "simulator" / "worlds" / "walkthrough.yaml"
HUB = HubName("hub1")
PLATFORM = (
    "hubs/hub1.yaml",
    "clusters/spoke1-aks.yaml",
    "clusters/spoke2-aks.yaml",
    "guardrails.yaml",
    "rulesets/baseline.yaml",
)
STEP_SECONDS = 5.0
LONGEST = timedelta(hours=2)
UNHURRIED = Patience(grace=30.0)
"""A busy machine changes nothing of the play: nobody is late to whom two real seconds are too short."""


@dataclass(frozen=True, slots=True)
class SceneClock:
    """The world's time; whoever sleeps makes it pass."""

    world: World

    def now(self) -> datetime:
        """The present moment of the world."""
        with self.world.lock:
            return self.world.clock.now()

    def sleep(self, seconds: float) -> None:
        """Advance the world."""
        with self.world.lock:
            self.world.advance(seconds)


@dataclass
class Figures:
    """What the walkthrough cost."""

    passes: int = 0
    writes: Counter[str] = field(default_factory=Counter)
    firewall_operations: int = 0


class Scene:
    """A context manager; everything it makes lies in one temporary folder. The walkthrough's world unless told otherwise."""

    def __init__(self, world: World | None = None, hub: HubName = HUB) -> None:
        self._closing = ExitStack()
        self.world = world or World(walkthrough())
        self.hub = hub
        self.figures = Figures()
        self.reports: list[Report] = []

    def __enter__(self) -> Self:
        self.folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="egress-demo-")))
        self.server = self._closing.enter_context(SimulatorServer(self.world))
        self.origin, self.desk = self.folder / "origin.git", self.folder / "desk"
        _git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        _git(self.folder, "clone", "--quiet", str(self.origin), str(self.desk))
        self.assembly = self.fresh_start("state")
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def fresh_start(self, state: str) -> Assembly:
        """A reconciler with its own state folder: a new one has no memory and clones the repository anew."""
        return self._closing.enter_context(assemble(Settings.from_environment(self.environment(state))))

    def environment(self, state: str) -> dict[str, str]:
        """The settings of a reconciler in this scene."""
        return {
            **self.server.settings(),
            "EGRESS_REPOSITORY": str(self.origin),
            "EGRESS_STATE_FOLDER": str(self.folder / state),
            "EGRESS_AUTHOR": "demo",
            "EGRESS_LATE_TARGET_GRACE_SECONDS": f"{UNHURRIED.grace:g}",
        }

    def merge(self, message: str, files: Mapping[str, str | None]) -> str:
        """Commit and push; None deletes a file. Returns the short commit id."""
        for name, text in files.items():
            path = self.desk / "gitops" / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        _git(self.desk, "add", "--all")
        _git(self.desk, *_DANA, "commit", "--quiet", "-m", message, date=self.world.clock.now())
        _git(self.desk, "push", "--quiet", "origin", "HEAD:main")
        return _git(self.desk, "rev-parse", "--short", "HEAD")

    def ports(self, source: Source) -> HubPorts:
        """The real ports, on the scene's time."""
        return replace(self.assembly.ports(self.hub, source.tree), clock=SceneClock(self.world))

    def run_pass(self) -> Report:
        """One pass, as webhook, timer or resync would make it."""
        source = self.assembly.source()
        report = reconcile(self.hub, source, self.ports(source), UNHURRIED, holder="demo")
        self.figures.passes += 1
        for outcome in report.outcomes:
            if outcome.result not in (Result.PENDING, Result.SKIPPED):
                self.figures.writes[outcome.change.target] += 1
            started = outcome.result is Result.STARTED and outcome.change.target == firewall_target(self.hub)
            self.figures.firewall_operations += started
        self.reports.append(report)
        return report

    def converge(
        self, *, seen: Callable[[Report], None] = lambda _: None, watch: Callable[[], None] = lambda: None
    ) -> Report:
        """Passes until nothing is left to do or somebody is needed; `watch` is called every five virtual seconds."""
        end = self.world.clock.now() + LONGEST
        while True:
            report = self.run_pass()
            seen(report)
            watch()
            if report.converged or report.stopped or self.world.clock.now() > end:
                return report
            self.let_pass(report.plan.look_again_seconds or 10.0, watch)

    def let_pass(self, seconds: float, watch: Callable[[], None] = lambda: None) -> None:
        """Let virtual time go by."""
        while seconds > 0:
            step = min(STEP_SECONDS, seconds)
            with self.world.lock:
                self.world.advance(step)
                watch()
            seconds -= step

    def request(self, cluster: str, namespace: str, url: str) -> Packet:
        """A pod of that namespace opens one connection now."""
        with self.world.lock:
            return self.world.send(cluster, namespace, url)

    def patch(self, cluster: str, path: str, body: Mapping[str, Any], manager: str) -> None:
        """A merge patch as an administrator's program sends it, such as `kubectl annotate`."""
        request = urllib.request.Request(  # noqa: S310 - the scene's own server
            f"{self.server.url}/kubernetes/{cluster}{path}?fieldManager={manager}",
            data=json.dumps(body).encode(),
            method="PATCH",
            headers={
                "Content-Type": "application/merge-patch+json",
                "Authorization": f"Bearer {self.server.token_file.read_text().strip()}",
            },
        )
        context = ssl.create_default_context(cafile=str(self.server.ca_file))
        with urllib.request.urlopen(request, context=context):  # noqa: S310 - as above
            return

    def replace_node(self, cluster: str, old: str, new: NodeDocument) -> None:
        """A node joins and another one goes, as in an upgrade of their pool."""
        with self.world.lock:
            self.world.replace_node(cluster, old, new)

    def generations(self) -> tuple[Generation, ...]:
        """Everything that the ledger knows."""
        return tuple(fold(self.assembly.stores(self.hub).ledger.read()).generations.values())


def walkthrough() -> WorldDocument:
    """The published walkthrough's world before anybody typed in a BGP peer, on either side."""
    document = read_document(WORLD_FILE)
    bare = {name: cluster.model_copy(update={"bare": True}) for name, cluster in document.clusters.items()}
    return document.model_copy(update={"clusters": bare})


def sample(*names: str) -> dict[str, str]:
    """Files of the committed sample."""
    return {name: (HERE / "gitops" / name).read_text() for name in names}


_DANA = ("-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false")


def _git(folder: Path, *arguments: str, date: datetime | None = None) -> str:
    """Run git; commits bear the world's time, so that the same play has the same commit ids."""
    when = {"GIT_AUTHOR_DATE": date.isoformat(), "GIT_COMMITTER_DATE": date.isoformat()} if date is not None else {}
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **when})  # noqa: S603 - fixed words
    return done.stdout.strip()
