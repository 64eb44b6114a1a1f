"""`python -m bench.runner HUB`: the reconciler in a process of its own, one pass for each line that it is told.

A line is `REF` for one pass, or `REF CLUSTER...` for passes until nothing is left to do on these clusters; the answer is one
line of JSON. Settings come from the environment. What is measured is this process alone: its CPU and that of its `git`, its
own peak memory (VmHWM of /proc/self/status; ru_maxrss would carry the parent's peak over), and when it sent its first write.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from function_app.bootstrap import Assembly, assemble
from function_app.model.names import HubName
from function_app.model.report import Report
from function_app.ports import HubPorts
from function_app.reconcile import reconcile
from function_app.settings import Settings

_WRITING = frozenset({"apply", "merge_patch", "delete", "put_group", "delete_group", "delete_connection"})
MOST_PASSES = 400
LONGEST_PAUSE = 1.0
"""Real seconds between two passes."""


@dataclass
class _Watch:
    """When writes were sent, by target, on the clock of time.monotonic."""

    first: float | None = None
    last: dict[str, float] = field(default_factory=dict)

    def saw(self, target: str) -> None:
        now = time.monotonic()
        self.first = self.first or now
        self.last[target] = now


class _Watched:
    """A port whose writes are noticed."""

    def __init__(self, port: Any, watch: _Watch) -> None:
        self._port = port
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._noticed(found) if name in _WRITING else found

    def _noticed(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def noticed(*arguments: Any, **options: Any) -> Any:
            self._watch.saw(self._port.target)
            return write(*arguments, **options)

        return noticed


def main(hubs: Iterable[str]) -> None:
    """Serve the lines of stdin."""
    names = [HubName(hub) for hub in hubs]
    with assemble(Settings.from_environment(os.environ)) as assembly:
        for line in sys.stdin:
            ref, *until = line.split()
            for hub in names:
                print(json.dumps(_measured(assembly, hub, ref, frozenset(until))), flush=True)


def _measured(assembly: Assembly, hub: HubName, ref: str, until: frozenset[str]) -> dict[str, Any]:
    """Passes until these clusters' attachments have nothing left to do; one pass when none is named."""
    started, cpu, git = time.monotonic(), time.process_time(), _children_cpu()
    watch = _Watch()
    settled: dict[str, float] = {}
    passes = 0
    while passes < MOST_PASSES:
        passes += 1
        source = assembly.source(ref)
        ports = _watched(assembly.ports(hub, source.tree), watch)
        report = reconcile(hub, source, ports, assembly.patience, holder="bench")
        at = time.monotonic() - started
        quiet = frozenset(source.tree.definitions.clusters) - _moving(report)
        settled = {name: settled.get(name, at) for name in quiet}
        if until <= quiet:
            break
        time.sleep(min(report.plan.look_again_seconds or LONGEST_PAUSE, LONGEST_PAUSE))
    return {
        "converged": report.converged,
        "passes": passes,
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time() - cpu,
        "git_cpu_seconds": _children_cpu() - git,
        "process_cpu_seconds": time.process_time() + _children_cpu(),
        "peak_mib": _status_mib("VmHWM"),
        "resident_mib": _status_mib("VmRSS"),
        "first_write_seconds": watch.first - started if watch.first is not None else None,
        "last_write_seconds": {target: at - started for target, at in watch.last.items()},
        "settled_seconds": settled,
        "unreadable": [str(one.target) for one in report.unreadable],
        "changes": len(report.plan.changes),
        "refused": [one.message for one in report.plan.refused[:3]],
    }


def _moving(report: Report) -> frozenset[str]:
    """Clusters on which something is left to do."""
    waiting = {str(one.key.cluster) for one in report.plan.attachments if one.waiting_for}
    return frozenset(waiting | {change.target.removeprefix("cluster/") for change in report.plan.changes})


def _watched(ports: HubPorts, watch: _Watch) -> HubPorts:
    clusters = {name: _Watched(api, watch) for name, api in ports.clusters.items()}
    return replace(
        ports,
        clusters=clusters,
        firewall=_Watched(ports.firewall, watch),
        route_server=_Watched(ports.route_server, watch),
    )


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _status_mib(field_name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field_name}:"))


if __name__ == "__main__":
    main(sys.argv[1:])
