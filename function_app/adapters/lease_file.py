"""One writer for a hub, among the processes of one host or of one shared folder.

A lease is a small file: epoch, holder, process, expiry by the shared clock. It is read and replaced under a lock, so an epoch
is given out once; whoever finds its own epoch in the file still holds the hub, however late it looks.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from function_app.adapters.durable_files import exclusive, hub_folder, replace_file
from function_app.adapters.ledger_file import LedgerFile
from function_app.adapters.state_files import StateFile
from function_app.model.errors import LeaseLost, StateError
from function_app.model.names import HubName
from function_app.ports import Clock

LEASE_SECONDS = 60
LEASE_FILE = "lease.json"


@dataclass(frozen=True, slots=True)
class _Hold:
    """What the lease file says; `holder` is empty when nobody holds it. `expires` is ISO 8601 with an offset."""

    epoch: int
    holder: str
    host: str
    process: int
    started: str
    expires: str

    def is_over(self, now: datetime) -> bool:
        """Free, expired, or held by a process of this host that is gone."""
        if not self.holder or now >= datetime.fromisoformat(self.expires):
            return True
        return self.host == _host() and _started(self.process) != self.started


class LeaseFiles:
    """`Leases` on a folder with one folder a hub."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def acquire(self, hub: HubName, holder: str) -> FileLease | None:
        """The hub's lease for 60 s with the next epoch, or None while somebody holds it; raises StateError."""
        folder = hub_folder(self._folder, hub)
        with exclusive(folder / "lease.lock", "The lease"):
            current = _read(folder)
            now = self._clock.now()
            if current is not None and not current.is_over(now):
                return None
            former = current.epoch if current is not None else _newest_epoch(folder)
            pid = os.getpid()
            hold = _Hold(former + 1, holder or "somebody", _host(), pid, _started(pid), _expiry(now))
            _write(folder, hold)
        return FileLease(folder, self._clock, hold)


class FileLease:
    """`Lease` that was acquired from LeaseFiles."""

    def __init__(self, folder: Path, clock: Clock, hold: _Hold) -> None:
        self.epoch = hold.epoch
        self._folder = folder
        self._clock = clock

    def check(self) -> None:
        """Raises LeaseLost unless the lease is still ours, StateError when that cannot be read; renews at half time."""
        with exclusive(self._folder / "lease.lock", "The lease"):
            hold = self._own()
            now = self._clock.now()
            if datetime.fromisoformat(hold.expires) - now <= timedelta(seconds=LEASE_SECONDS / 2):
                _write(self._folder, replace(hold, expires=_expiry(now)))

    def release(self) -> None:
        """Give it back; nothing happens when somebody else has it by now. Raises StateError."""
        with exclusive(self._folder / "lease.lock", "The lease"):
            try:
                hold = self._own()
            except LeaseLost:
                return
            _write(self._folder, replace(hold, holder=""))

    def _own(self) -> _Hold:
        current = _read(self._folder)
        if current is None or current.epoch != self.epoch or not current.holder:
            whose = f"{current.holder} (epoch {current.epoch})" if current and current.holder else "nobody"
            raise LeaseLost(f"The hub's lease of epoch {self.epoch} is over; {whose} holds it now.")
        return current


def _read(folder: Path) -> _Hold | None:
    path = folder / LEASE_FILE
    try:
        values = json.loads(path.read_bytes())
        hold = _Hold(**values)
        datetime.fromisoformat(hold.expires)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise StateError(f"{path} is damaged. When no process works on this hub, delete it.") from None
    return hold


def _write(folder: Path, hold: _Hold) -> None:
    replace_file(folder / LEASE_FILE, json.dumps(asdict(hold)))


def _newest_epoch(folder: Path) -> int:
    """A lease file that was deleted must not bring back an epoch that has written already."""
    return max(LedgerFile(folder).epoch(), StateFile(folder).epoch())


def _expiry(now: datetime) -> str:
    return (now + timedelta(seconds=LEASE_SECONDS)).isoformat()


def _host() -> str:
    """Names the host, its boot and its process numbering, so that process numbers can be compared."""
    parts = [socket.gethostname()]
    try:
        parts += [Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()]
        parts += [str(Path("/proc/self/ns/pid").stat().st_ino)]
    except OSError:
        parts += ["unknown"]
    return "/".join(parts)


def _started(process: int) -> str:
    """When a process of this host began, in ticks since boot; empty when it is gone. See proc_pid_stat(5), field 22."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return _started_without_proc(process)
    return "" if fields[0] == "Z" else fields[19]


def _started_without_proc(process: int) -> str:
    """On hosts without /proc all that can be told is whether the process exists."""
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "exists"
    return "exists"
