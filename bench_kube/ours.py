"""`python -m bench_kube.ours HUB WORLD`: our pass in a process of its own, one for each line that it is told.

A line is a ref; the answer is one line of JSON. The cluster is a real API server behind the real client; firewall, Route
Server and clock are the simulator's rules in this process, from the world in the file WORLD. Settings come from the
environment. What is measured is this process, its git included.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from function_app.bootstrap import Assembly, assemble
from function_app.model.names import HubName
from function_app.ports import HubPorts
from function_app.reconcile import reconcile
from function_app.settings import Settings
from simulator.inprocess import Door, InProcessClock, InProcessFirewall, InProcessRouteServer
from simulator.memory import MemoryLeases
from simulator.model.documents import WorldDocument
from simulator.model.world import World


def main(hub: str, world: str) -> None:
    """Serve the lines of stdin."""
    name = HubName(hub)
    rules = World(WorldDocument.model_validate_json(Path(world).read_bytes()))
    leases = MemoryLeases(rules.clock)
    with assemble(Settings.from_environment(os.environ)) as assembly:
        for line in sys.stdin:
            # What the pass before left behind is not this one's to clear away.
            gc.collect()
            print(json.dumps(_measured(assembly, name, rules, leases, line.strip())), flush=True)


def _measured(assembly: Assembly, hub: HubName, rules: World, leases: MemoryLeases, ref: str) -> dict[str, object]:
    started, cpu = time.monotonic(), _cpu_seconds()
    source = assembly.source(ref)
    ports = _ports(assembly.ports(hub, source.tree), hub, rules, leases)
    report = reconcile(hub, source, ports, assembly.patience, holder="bench", unanswered=assembly.unanswered(hub))
    return {
        "seconds": time.monotonic() - started,
        "cpu_seconds": _cpu_seconds() - cpu,
        "peak_mib": _peak_mib(),
        "actions": Counter(str(outcome.result) for outcome in report.outcomes),
        "refused": [one.message for one in report.plan.refused[:3]],
        "unreadable": [one.message for one in report.unreadable],
    }


def _ports(ports: HubPorts, hub: HubName, rules: World, leases: MemoryLeases) -> HubPorts:
    door = Door(rules)
    return replace(
        ports,
        firewall=InProcessFirewall(door, hub),
        route_server=InProcessRouteServer(door, hub),
        leases=leases,
        clock=InProcessClock(rules),
    )


def _cpu_seconds() -> float:
    git = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + git.ru_utime + git.ru_stime


def _peak_mib() -> float:
    """VmHWM; ru_maxrss would carry the parent's peak over."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(*sys.argv[1:])
