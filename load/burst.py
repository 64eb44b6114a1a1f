"""Five hundred signed webhooks in ten seconds while a write of the firewall runs that takes four minutes."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from real.npm import Program
from serve.desk import PLATFORM, ServiceDesk
from serve.host import Host
from serve.workers import ROOT

FIREWALL_SECONDS = 240.0
SENDERS = 16
_LONGEST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of it. Seconds; `resident` in MiB before and after; `fetches` and `puts` from the first webhook to the rest."""

    sent: int
    statuses: tuple[int, ...]
    p50: float
    p99: float
    longest: float
    fetches: int
    puts: int
    resident: tuple[float, float]
    busy: bool
    """Whether the write still ran when the last webhook was answered."""


def burst(program: Program, count: int = 500, seconds: float = 10.0) -> Burst:
    """Onboard the sample's tenants, change a rule while their first write runs, send webhooks, wait until all is done."""
    with _desk(program) as (desk, host):
        http = urllib3.PoolManager(retries=False, maxsize=SENDERS)
        fire(host, http)
        until(lambda: (report(host, http) or {}).get("commit_seen"), "no first pass")
        until(lambda: not asked(host, http)["pending"], "the first pass did not end")
        _settled_or_waiting(host, http)
        desk.copy_sample("tenants")
        desk.push("tenants")
        deliver(desk, host, http)
        until(lambda: _writing(desk), "the firewall is not written")
        text = (ROOT / "gitops" / "tenants" / "tenant0.yaml").read_text(encoding="utf-8")
        commit = desk.push("a rule", {"tenants/tenant0.yaml": text.replace("www.tigera.io", "docs.tigera.io")})
        time.sleep(20)  # the rest that pushes are given after a pass is over: the worst moment for a burst
        before = (fetches(desk), puts(desk), resident(host))
        sent = _sent(desk, host, http, count, seconds)
        busy = _writing(desk)
        until(lambda: (report(host, http) or {}).get("commit") == commit, "the change is not in force")
        until(lambda: not asked(host, http)["pending"], "webhooks are left")
        spent = fetches(desk) - before[0]
        until(lambda: not _writing(desk), "the write does not end")
        until(lambda: (report(host, http) or {}).get("converged"), "the hub does not converge")
        took = sorted(one for _, one in sent)
        return Burst(
            sent=len(sent),
            statuses=tuple(sorted({status for status, _ in sent})),
            p50=took[len(took) // 2],
            p99=took[int(len(took) * 0.99) - 1],
            longest=took[-1],
            fetches=spent,
            puts=puts(desk) - before[1],
            resident=(before[2], resident(host)),
            busy=busy,
        )


@contextmanager
def _desk(program: Program) -> Iterator[tuple[ServiceDesk, Host]]:
    with ServiceDesk(program, firewall_seconds=FIREWALL_SECONDS, drift_minutes=60) as desk:
        desk.copy_sample(*PLATFORM)
        desk.push("the platform")
        with Host(desk.settings, desk.folder, timer=False) as host:
            yield desk, host


def _sent(
    desk: ServiceDesk, host: Host, http: urllib3.PoolManager, count: int, seconds: float
) -> list[tuple[int, float]]:
    """Webhooks at an even pace; the status of each answer, and how long it took from the moment at which it was due."""
    begun = time.monotonic()

    def one(number: int) -> tuple[int, float]:
        due = begun + number * seconds / count
        time.sleep(max(due - time.monotonic(), 0.0))
        started = time.monotonic()
        return deliver(desk, host, http), time.monotonic() - started

    with ThreadPoolExecutor(SENDERS) as pool:
        return list(pool.map(one, range(count)))


def deliver(desk: ServiceDesk, host: Host, http: urllib3.PoolManager) -> int:
    """One signed webhook; the status of its answer."""
    said = {"repository": desk.repository, "ref": "refs/heads/main", "by": "load"}
    body = json.dumps(said).encode()
    signature = "sha256=" + hmac.new(desk.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-egress-signature": signature}
    return http.request("POST", f"{host.url}/api/webhook/generic", headers=headers, body=body).status


def fire(host: Host, http: urllib3.PoolManager) -> None:
    """The timer."""
    http.request("POST", f"{host.url}/admin/functions/drift", headers={"x-functions-key": host.key})


def report(host: Host, http: urllib3.PoolManager) -> dict[str, Any] | None:
    """The newest report of the only hub."""
    rows = _status(host, http)
    return rows[0]["report"] if rows else None


def asked(host: Host, http: urllib3.PoolManager) -> dict[str, Any]:
    """What is asked of it."""
    found: dict[str, Any] = _status(host, http)[0]["asked"]
    return found


def _status(host: Host, http: urllib3.PoolManager) -> list[dict[str, Any]]:
    answer = http.request("GET", f"{host.url}/api/status", headers={"x-functions-key": host.key})
    if answer.status != 200:
        raise RuntimeError(f"status answers {answer.status}: {answer.data.decode()}")
    found: list[dict[str, Any]] = json.loads(answer.data)["hubs"]
    return found


def _settled_or_waiting(host: Host, http: urllib3.PoolManager) -> None:
    until(lambda: (report(host, http) or {}).get("converged"), "the platform does not converge")


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for it; raises TimeoutError."""
    end = time.monotonic() + _LONGEST_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.5)


def fetches(desk: ServiceDesk) -> int:
    """How often the service has asked the Git server what there is."""
    return desk.git.fetches


def puts(desk: ServiceDesk) -> int:
    """Writes of the firewall's shards; there is one shard."""
    with desk.world.lock:
        calls = desk.world.faults.calls
        return sum(
            count for (target, verb, _), count in calls.items() if target.startswith("firewall/") and verb == "put"
        )


def _writing(desk: ServiceDesk) -> bool:
    with desk.world.lock:
        policy = desk.world.hubs["hub1"].policies.policy("tenants")
        return any(group.state == "Updating" for group in policy.groups.values())


def resident(host: Host) -> float:
    """MiB that the worker holds."""
    lines = Path(f"/proc/{host.worker().pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
