"""Everything that the service needs, at a desk: an emulated account, a simulated world, a Git server, and where they are found.

Time is real here and each part a process or a server of its own; only the firewall is quicker than Azure's, unless told otherwise.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Self

from real.azurite.server import Azurite
from real.npm import Program
from serve.git_server import GitServer, make_repository
from serve.workers import ROOT
from simulator.__main__ import PACKAGED_WORLD
from simulator.model.world import World
from simulator.wire.certificates import make_certificates
from simulator.wire.server import SimulatorServer

REPOSITORY = "egress.git"
_TICK_SECONDS = 0.1
FIREWALL_SECONDS = 20.0
"""A write of the firewall takes so long here; Azure's takes some four minutes."""
PLATFORM = ("hubs", "clusters", "rulesets", "guardrails.yaml")
"""Parts of the sample that are pushed before anybody comes: everything but tenants."""
_DANA = ("-c", "user.name=Dana", "-c", "user.email=dana@example.com", "-c", "commit.gpgsign=false")


class ServiceDesk:
    """A context manager; everything lies in one folder, which goes at the end.

    `speed` is how many virtual seconds pass in a real one; beside 1 the service is told the world's time. `settings` is the
    environment of an instance, `secret` signs webhooks.
    """

    def __init__(
        self,
        program: Program,
        *,
        world: World | None = None,
        firewall_seconds: float = FIREWALL_SECONDS,
        speed: float = 1.0,
        latency_seconds: float = 0.0,
        drift_minutes: int = 1,
    ) -> None:
        self._closing = ExitStack()
        self.folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="egress-desk-")))
        self.world = world or present_world(firewall_seconds)
        self.azurite = Azurite(program, self.folder / "azurite")
        certificates = make_certificates()
        self.server = SimulatorServer(
            self.world, folder=self.folder / "world", certificates=certificates, latency_seconds=latency_seconds
        )
        self._speed, self._drift_minutes = speed, drift_minutes
        self.secret = secrets.token_hex(32)
        repositories = self.folder / "repositories"
        repositories.mkdir()
        self.bare = make_repository(repositories, REPOSITORY)
        self.git = GitServer(repositories, self.server.folder / "server.pem", self.server.folder / "server.key")
        self.clone = self.folder / "clone"

    def __enter__(self) -> Self:
        for each in (self.azurite, self.server, self.git):
            self._closing.enter_context(each)
        stopping = Event()
        self._closing.callback(stopping.set)
        Thread(target=keep_time, args=(self.world, self._speed, stopping), daemon=True).start()
        self.run_git(self.folder, "clone", "--quiet", self.repository, str(self.clone))
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def repository(self) -> str:
        """Its URL."""
        return f"{self.git.url}/{REPOSITORY}"

    @property
    def settings(self) -> dict[str, str]:
        """The environment of one instance; each has a state folder of its own for its copy of the repository."""
        found = {
            **self.server.settings(),
            **self.azurite.settings,
            "EGRESS_REPOSITORY": self.repository,
            "EGRESS_STATE_FOLDER": tempfile.mkdtemp(prefix="state-", dir=self.folder),
            "EGRESS_WEBHOOK_PROVIDER": "generic",
            "EGRESS_WEBHOOK_SECRET": self.secret,
            "EGRESS_DRIFT_MINUTES": str(self._drift_minutes),
            "EGRESS_AUTHOR": "desk",
            "GIT_SSL_CAINFO": str(self.server.ca_file),
        }
        if self._speed == 1:
            del found["EGRESS_TIME_SOURCE"]
        return found

    def copy_sample(self, *parts: str) -> None:
        """Put parts of the committed sample into the clone; they are not pushed yet."""
        for part in parts:
            source, target = ROOT / "gitops" / part, self.clone / "gitops" / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copy(source, target)

    def push(self, message: str, files: Mapping[str, str | None] | None = None) -> str:
        """Change files below `gitops/` (None deletes), commit all that is in the clone, push; the commit's id."""
        for name, text in (files or {}).items():
            path = self.clone / "gitops" / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        self.run_git(self.clone, "add", "--all")
        self.run_git(self.clone, *_DANA, "commit", "--quiet", "--allow-empty", "-m", message)
        self.run_git(self.clone, "push", "--quiet", "origin", "HEAD:main")
        return self.run_git(self.clone, "rev-parse", "HEAD")

    def run_git(self, folder: Path, *arguments: str) -> str:
        """Run git as somebody who trusts the desk's authority."""
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git is found on PATH
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "GIT_SSL_CAINFO": str(self.server.ca_file)},
        )
        return done.stdout.strip()


def keep_time(world: World, speed: float, stopping: Event) -> None:
    """Let the world's time go with real time, so many times as fast, until told to stop; it does not fall behind under load."""
    last = monotonic()
    while speed and not stopping.wait(_TICK_SECONDS):
        now = monotonic()
        with world.lock:
            world.advance((now - last) * speed)
        last = now


def present_world(firewall_seconds: float, path: Path = PACKAGED_WORLD) -> World:
    """The walkthrough's world, now, with a firewall that needs so many seconds."""
    document = World.from_file(path).document
    hubs = {
        name: hub.model_copy(
            update={"firewall": hub.firewall.model_copy(update={"operation_seconds": firewall_seconds})}
        )
        for name, hub in document.hubs.items()
    }
    return World(document.model_copy(update={"clock": datetime.now(UTC), "hubs": hubs}))
