"""The measurement: each contender on a fresh server, one after the other, and what the server says it was asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench_kube.auditing import Audit, Calls
from bench_kube.contenders import Contender, Cost, Ground
from real.kube.programs import Programs
from real.kube.server import ADMIN
from real.kube.world.serving import serving, write_kubeconfig
from real.kube.world.world import RealWorld

INSTALL, UNCHANGED, CHANGED = "first install", "nothing changed", "one object changed"
STEPS = (INSTALL, UNCHANGED, CHANGED)
Start = Callable[[Ground, Path, Path], AbstractContextManager[Contender]]
"""(ground, an administrator's kubeconfig, a folder that is not there yet) -> the contender."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: its cost, its calls, and the machine's load average (1 minute) when it was over."""

    cost: Cost
    calls: Calls
    load: float


@dataclass(frozen=True, slots=True)
class Samples:
    """All runs of one contender by step."""

    by_step: Mapping[str, list[Sample]] = field(default_factory=lambda: {step: [] for step in STEPS})

    def seconds(self, step: str) -> float:
        """Median wall seconds."""
        return median(sample.cost.seconds for sample in self.by_step[step])

    def cpu_seconds(self, step: str) -> float:
        """Median CPU seconds of the client."""
        return median(sample.cost.cpu_seconds for sample in self.by_step[step])

    def peak_mib(self, step: str) -> float:
        """The largest resident set of any run."""
        return max(sample.cost.peak_mib for sample in self.by_step[step])

    def calls(self, step: str) -> Calls:
        """The calls of the first run; they are the same in every one."""
        return self.by_step[step][0].calls

    def load(self, step: str) -> float:
        """The machine's median load average (1 minute) after a run."""
        return median(sample.load for sample in self.by_step[step])


def measure(
    programs: Programs, ground: Ground, start: Start, samples: Samples, announce: Callable[[str], None]
) -> None:
    """One contender on a server of its own, from the first installation to the edit; adds to `samples`."""
    cluster = ground.tenants.cluster
    with TemporaryDirectory(prefix="egress-bench-kube-") as name, serving(programs, [cluster]) as servers:
        folder = Path(name)
        # An installed cluster with nodes and Calico's own objects; its controllers rest from here on.
        RealWorld(ground.tenants.world(), {cluster: servers[cluster].admin})
        kubeconfig = write_kubeconfig(servers, folder / "kubeconfig", ADMIN)
        audit = Audit(servers[cluster].plane)
        with start(ground, kubeconfig, folder / "state") as contender:

            def take(step: str, run: Callable[[], Cost]) -> None:
                audit.calls()
                cost = run()
                sample = Sample(cost, audit.calls(), os.getloadavg()[0])
                samples.by_step[step].append(sample)
                announce(
                    f"  {contender.name:<16}{step:<20}{cost.seconds:8.2f} s wall {cost.cpu_seconds:8.2f} s CPU "
                    f"{cost.peak_mib:6.0f} MiB  {sample.calls.reads} read, {sample.calls.trials} tried, "
                    f"{sample.calls.writes} written  load {sample.load:.1f}"
                )

            contender.prepare()
            take(INSTALL, contender.install)
            contender.settle()
            for _ in range(contender.repeats):
                take(UNCHANGED, contender.unchanged)
            take(CHANGED, contender.changed)
