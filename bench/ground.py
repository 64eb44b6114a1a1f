"""Where a measurement stands: a settled world, a repository and the reconciler's state folder, made once and copied.

A hub is settled by the reconciler itself, through the simulator's rules in process: nothing is preset, and what the API
servers then hold has the fields, owners and statuses that controllers and writers gave it. A world is then served as often
as needed, each time by a process of its own that begins with the same memory: what one measurement does to it ends with it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.estate import Estate
from function_app.bootstrap import Assembly, assemble
from function_app.gathering import Patience
from function_app.model.names import HubName
from function_app.ports import HubPorts
from function_app.reconcile import reconcile
from function_app.settings import Settings
from simulator.inprocess import Door, InProcessClock, InProcessCluster, InProcessFirewall, InProcessRouteServer
from simulator.memory import MemoryLeases
from simulator.model.documents import WorldDocument
from simulator.model.world import World

BEFORE = timedelta(hours=24)
"""How long before now a world begins, so that settling ends in the past."""
MOST_PASSES = 400
NOBODY = {"EGRESS_AUTHOR": "bench"}


class NotSettled(Exception):
    """The hub did not converge; the message says where it stands."""


@dataclass(frozen=True, slots=True)
class Settling:
    """How a hub got where it is: passes, calls by target, verb and kind, and virtual seconds."""

    passes: int
    calls: Counter[tuple[str, str, str]]
    virtual_seconds: float


@dataclass(frozen=True, slots=True)
class Ground:
    """One or more hubs. `repository` is a working repository on `main`, `state` a state folder with a clone at hand."""

    estates: Sequence[Estate]
    world: World
    repository: Path
    state: Path
    settling: tuple[Settling, ...] = ()

    def copy_of_state(self, to: Path) -> Path:
        """A state folder for one measurement."""
        shutil.rmtree(to, ignore_errors=True)
        return shutil.copytree(self.state, to)

    def commit(self, branch: str, files: Mapping[str, str]) -> None:
        """Put an edit of `main` on a branch."""
        _git(self.repository, "checkout", "--quiet", "-B", branch, "main")
        _write(self.repository, files)
        _commit(self.repository, branch)
        _git(self.repository, "checkout", "--quiet", "main")


def bare(estates: Sequence[Estate], folder: Path) -> Ground:
    """Worlds without any tenant yet, and the definitions of all of them in one commit."""
    repository = folder / "repository"
    repository.mkdir(parents=True)
    _git(repository, "init", "--quiet", "--initial-branch=main")
    _write(repository, {path: text for estate in estates for path, text in estate.definitions().items()})
    _commit(repository, "all definitions")
    return Ground(estates, World(_world_of(estates)), repository, folder / "state")


def settled(estates: Sequence[Estate], folder: Path, settings: Mapping[str, str] | None = None) -> Ground:
    """The same after passes until every hub has converged; raises NotSettled.

    `settings` may name a storage account: then ledger and state are kept there, and in the state folder only the clone.
    """
    ground = bare(estates, folder)
    own = {"EGRESS_REPOSITORY": str(ground.repository), "EGRESS_STATE_FOLDER": str(ground.state), **NOBODY}
    environment = {**own, **(settings or {})}
    with assemble(Settings.from_environment(environment)) as assembly:
        settling = tuple(_settle(ground.world, HubName(estate.hub), assembly) for estate in estates)
    return replace(ground, settling=settling)


def _settle(world: World, hub: HubName, assembly: Assembly) -> Settling:
    source, started = assembly.source(), world.clock.now()
    ports = _ports_in_process(world, hub, assembly)
    world.faults.calls.clear()
    for passes in range(1, MOST_PASSES + 1):
        report = reconcile(hub, source, ports, Patience(workers=1), holder="bench")
        if report.converged:
            return Settling(passes, Counter(world.faults.calls), (world.clock.now() - started).total_seconds())
        world.advance(report.plan.look_again_seconds or 10.0)
    refused = [one.message for one in report.plan.refused[:3]]
    raise NotSettled(
        f"{hub} has {len(report.plan.changes)} changes left after {MOST_PASSES} passes; refused: {refused}"
    )


def _ports_in_process(world: World, hub: HubName, assembly: Assembly) -> HubPorts:
    door, stores = Door(world), assembly.stores(hub)
    clock = InProcessClock(world)
    clusters = [name for name, cluster in world.document.clusters.items() if cluster.hub == hub]
    return HubPorts(
        clusters={name: InProcessCluster(door, name) for name in clusters},
        firewall=InProcessFirewall(door, hub),
        route_server=InProcessRouteServer(door, hub),
        ledger=stores.ledger,
        state=stores.state,
        status=stores.status,
        leases=assembly.leases if assembly.settings.storage.account else MemoryLeases(world.clock),
        clock=clock,
        approvals=assembly.approvals,
        shown=assembly.shown,
    )


def _world_of(estates: Sequence[Estate]) -> WorldDocument:
    clock = datetime.now(UTC) - BEFORE
    first, *others = (estate.world(clock) for estate in estates)
    hubs, clusters = dict(first.hubs), dict(first.clusters)
    for other in others:
        hubs |= other.hubs
        clusters |= other.clusters
    return first.model_copy(update={"hubs": hubs, "clusters": clusters})


def _write(repository: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = repository / "gitops" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _commit(repository: Path, message: str) -> None:
    _git(repository, "add", "--all")
    _git(repository, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "-m", message)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)  # noqa: S603, S607 - fixed words; git from PATH
