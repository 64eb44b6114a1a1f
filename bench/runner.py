"""`python -m bench.runner HUB`: the reconciler in a process of its own, one pass for each line that it is told.

A line is `REF` for one pass, or `REF CLUSTER...` for passes until nothing is left to do on these clusters; the answer is one
line of JSON. Settings come from the environment. What is measured is this process alone: its CPU and that of its `git`, its
own peak memory (VmHWM of /proc/self/status; ru_maxrss would carry the parent's peak over), when it sent its first write, and
when it first published a report by which a cluster has nothing left to do. Between two passes it pauses as they ask; after what
was asked for it searches for garbage as the service does after each pass, which is in no figure.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from function_app.bootstrap import Assembly, assemble
from function_app.memory import sweep_garbage
from function_app.model.names import HubName
from function_app.ports import HubPorts, StatusStore
from function_app.reconcile import reconcile
from function_app.settings import Settings

_WRITING = frozenset({"apply", "merge_patch", "delete", "put_group", "delete_group", "delete_connection"})
MOST_PASSES = 400
OTHERWISE_SECONDS = 10.0
"""Pause after a pass that asks for none."""


@dataclass
class _Watch:
    """When the first write was sent, and since when clusters are reported as quiet, on the clock of time.monotonic."""

    first: float | None = None
    quiet: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        self.first = None
        self.quiet = {}

    def saw(self) -> None:
        self.first = self.first or time.monotonic()

    def published(self, clusters: Iterable[str], report: Mapping[str, Any]) -> None:
        moving = _moving(report)
        now = time.monotonic()
        self.quiet = {name: self.quiet.get(name, now) for name in clusters if name not in moving}


@dataclass(frozen=True)
class _Watched:
    """A port whose writes are noticed; equal to another one over the same port, as a pass asks that goes on with a reading."""

    _port: Any
    _watch: _Watch = field(compare=False)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._noticed(found) if name in _WRITING else found

    def _noticed(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def noticed(*arguments: Any, **options: Any) -> Any:
            self._watch.saw()
            return write(*arguments, **options)

        return noticed


@dataclass(frozen=True, slots=True)
class _WatchedStatus:
    """Where reports are published, with a look at each."""

    status: StatusStore
    clusters: tuple[str, ...]
    watch: _Watch

    def record(self, hub: HubName, report: Mapping[str, object], epoch: int) -> None:
        self.watch.published(self.clusters, report)
        self.status.record(hub, report, epoch)

    def latest(self, hub: HubName) -> Mapping[str, object] | None:
        return self.status.latest(hub)


def main(hubs: Iterable[str]) -> None:
    """Serve the lines of stdin."""
    names, watch = [HubName(hub) for hub in hubs], _Watch()
    with assemble(Settings.from_environment(os.environ)) as assembly:
        for line in sys.stdin:
            ref, *until = line.split()
            for hub in names:
                print(json.dumps(_measured(assembly, hub, ref, frozenset(until), watch)), flush=True)
                sweep_garbage()


def _measured(assembly: Assembly, hub: HubName, ref: str, until: frozenset[str], watch: _Watch) -> dict[str, Any]:
    """Passes until these clusters' attachments have nothing left to do; one pass when none is named."""
    started, cpu, git = time.monotonic(), time.process_time(), _children_cpu()
    watch.begin()
    passes = 0
    while passes < MOST_PASSES:
        passes += 1
        source = assembly.source(ref)
        ports = _watched(assembly.ports(hub, source.tree), watch)
        report = reconcile(hub, source, ports, assembly.patience, holder="bench", unanswered=assembly.unanswered(hub))
        if until <= watch.quiet.keys():
            break
        time.sleep(report.plan.look_again_seconds or OTHERWISE_SECONDS)
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
        "settled_seconds": {name: at - started for name, at in watch.quiet.items()},
        "unreadable": [str(one.target) for one in report.unreadable],
        "changes": len(report.plan.changes),
        "refused": [one.message for one in report.plan.refused[:3]],
    }


def _moving(report: Mapping[str, Any]) -> frozenset[str]:
    """Clusters on which something is left to do, by a report's JSON."""
    waiting = {str(one["cluster"]) for one in report["attachments"] if one["waiting_for"]}
    return frozenset(waiting | {str(one["target"]).removeprefix("cluster/") for one in report["changes"]})


def _watched(ports: HubPorts, watch: _Watch) -> HubPorts:
    return replace(
        ports,
        clusters={name: _Watched(api, watch) for name, api in ports.clusters.items()},
        firewall=_Watched(ports.firewall, watch),
        route_server=_Watched(ports.route_server, watch),
        status=_WatchedStatus(ports.status, tuple(ports.clusters), watch),
    )


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _status_mib(field_name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field_name}:"))


if __name__ == "__main__":
    main(sys.argv[1:])
