"""Many hubs on few workers: how long a round of passes over all of them takes with one, two and four workers, and what bounds it.

Each worker is a process of Azure's own worker library that takes one message at a time, as host.json says. The hubs are settled
before by the reconciler itself, in process, on the same storage account; the world is served by a process of its own, every
answer late by so much. A round is not measured before all hubs have had one pass by these workers, and have come to rest. What
else runs on the machine shows as waiting.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.estate import Estate, tenant_file
from bench.ground import Ground, settled
from bench.serving import Served, served
from function_app.bootstrap import Assembly, assemble
from function_app.model.intent import Intent, Reason
from function_app.model.names import HubName
from function_app.service.intake import ask
from function_app.settings import Settings
from real.azurite.server import Azurite
from real.npm import Program
from serve.host import Host

_LONGEST_SECONDS = 3600.0
_LOOK_SECONDS = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")
_QUIET = {"EGRESS_AUTHOR": "load", "EGRESS_LOG_LEVEL": "WARNING", "EGRESS_LATE_TARGET_GRACE_SECONDS": "60"}
"""On a busy machine no pass plans twice because a target was late."""
_FULL = 0.9
"""From this share of its wall time on, a part that has one core, or all cores together, count as what bounds a round."""


@dataclass(frozen=True, slots=True)
class Round:
    """All hubs, once each. Seconds of wall and of CPU; `pass_seconds` is what a pass took, the median of all hubs.

    `workers_cpu` is that of the workers together, without their git's, `busiest_cpu` that of one of them.
    """

    workers: int
    seconds: float
    pass_seconds: float
    workers_cpu: float
    busiest_cpu: float
    world_cpu: float
    storage_cpu: float

    @property
    def bound_by(self) -> str:
        """Which part has no time left, in words."""
        cores = os.cpu_count() or 1
        every = self.workers_cpu + self.world_cpu + self.storage_cpu
        parts = {
            "the simulated world, which has one core": self.world_cpu,
            "Azurite, which has one core": self.storage_cpu,
            "the interpreter of a worker": self.busiest_cpu,
            f"this machine's {cores} cores": every / cores,
        }
        name, used = max(parts.items(), key=lambda each: each[1])
        share = used / self.seconds
        return f"{name}: {share:.0%} of the time" if share >= _FULL else f"waiting; most is used of {name}, {share:.0%}"


@dataclass(frozen=True, slots=True)
class HubsOnWorkers:
    """What was measured: for each number of workers a round that finds nothing changed, and one after a commit."""

    hubs: int
    attachments: int
    latency_seconds: float
    unchanged: Sequence[Round]
    changed: Sequence[Round]


def hubs_on_workers(
    program: Program,
    folder: Path,
    *,
    hubs: int = 20,
    attachments: int = 200,
    workers: Sequence[int] = (1, 2, 4),
    latency_seconds: float = 0.02,
    told: Callable[[str], None] = lambda _: None,
) -> HubsOnWorkers:
    """Settle the hubs, then measure with so many workers, one number after the other."""
    estates = [
        Estate(attachments, clusters=1, hub=f"hub{one:02d}", first_tenant=one * attachments, first_cluster=one)
        for one in range(hubs)
    ]
    with Azurite(program, folder / "azurite") as azurite:
        told(f"settling {hubs} hubs of {attachments} attachments ...")
        ground = settled(estates, folder / "ground", azurite.settings)
        unchanged, changed = list[Round](), list[Round]()
        with served(ground.world, folder / "world", latency_seconds=latency_seconds, speed=1.0) as world:
            for count in workers:
                with _service(azurite, ground, world, folder / f"workers-{count}", count) as service:
                    told(f"{count} at work ...")
                    service.round()
                    unchanged.append(service.round())
                    edited = {
                        tenant_file(one.first_tenant): one.tenant(one.first_tenant, site=f"www{count}.example.com")
                        for one in estates
                    }
                    ground.commit("main", edited)
                    changed.append(service.round())
        return HubsOnWorkers(hubs, attachments, latency_seconds, unchanged, changed)


@dataclass(frozen=True, slots=True)
class _Service:
    """Hosts with a worker each, and whoever asks them: an assembly on the same account."""

    hosts: Sequence[Host]
    asking: Assembly
    hubs: Sequence[HubName]
    world: int
    storage: int

    def round(self) -> Round:
        """Ask for all hubs at once, and wait until a pass has answered each."""
        self._wait_for_rest()
        before = self._cpu()
        started = time.monotonic()
        ask(self.asking, self.hubs, Intent(reasons=frozenset({Reason.RESYNC}), by=("load",)))
        left = set(self.hubs)
        while left:
            time.sleep(_LOOK_SECONDS)
            left = {hub for hub in left if self.asking.intents.read(hub).pending}
            if time.monotonic() - started > _LONGEST_SECONDS:
                raise TimeoutError(f"{len(left)} hubs have not had their pass")
        seconds, after = time.monotonic() - started, self._cpu()
        used = [late - early for early, late in zip(before, after, strict=True)]
        *each, world, storage = used
        passes = [float(str(self.asking.history.entries(hub)[-1]["duration_seconds"])) for hub in self.hubs]
        return Round(len(self.hosts), seconds, median(passes), sum(each), max(each), world, storage)

    def _wait_for_rest(self) -> None:
        """Looks that a commit has left behind are not part of the next round."""
        end = time.monotonic() + _LONGEST_SECONDS
        while any(self.asking.intents.read(hub).look_again_at is not None for hub in self.hubs):
            if time.monotonic() > end:
                raise TimeoutError("the hubs do not come to rest")
            time.sleep(1.0)

    def _cpu(self) -> list[float]:
        return [*(_cpu_of(host.worker().pid) for host in self.hosts), _cpu_of(self.world), _cpu_of(self.storage)]


@contextmanager
def _service(azurite: Azurite, ground: Ground, world: Served, folder: Path, workers: int) -> Iterator[_Service]:
    settings = {**world.environment, **azurite.settings, "EGRESS_REPOSITORY": str(ground.repository), **_QUIET}
    with ExitStack() as closing:
        hosts = list[Host]()
        for number in range(workers):
            own = folder / str(number)
            own.mkdir(parents=True)
            alone = {**settings, "EGRESS_STATE_FOLDER": str(own / "state")}
            hosts.append(closing.enter_context(Host(alone, own, timer=False)))
        asking = closing.enter_context(
            assemble(Settings.from_environment({**settings, "EGRESS_STATE_FOLDER": str(folder)}))
        )
        names = [HubName(estate.hub) for estate in ground.estates]
        yield _Service(hosts, asking, names, world.pid, azurite.pid)


def _cpu_of(process: int) -> float:
    """Seconds that a process has had (proc_pid_stat(5): after the name in parentheses come state, nine more, user and system)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
