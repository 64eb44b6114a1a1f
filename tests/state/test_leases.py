"""Leases on local files, beyond what test_contract holds for every place: exact times, damage, processes that are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from state_builders import SetClock, a_record

from function_app.adapters.lease_file import LEASE_FILE, LEASE_SECONDS, LeaseFiles
from function_app.adapters.ledger_file import LedgerFile
from function_app.model.errors import LeaseLost, StateError
from function_app.model.names import HubName

HUB = HubName("hub1")
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def clock() -> SetClock:
    """A clock at noon."""
    return SetClock()


@pytest.fixture
def leases(tmp_path: Path, clock: SetClock) -> LeaseFiles:
    """Leases in an empty folder."""
    return LeaseFiles(tmp_path, clock)


def test_a_lease_expires(leases: LeaseFiles, clock: SetClock) -> None:
    """After its time somebody else may have it, and the former holder learns that."""
    first = leases.acquire(HUB, "one")
    assert first is not None
    clock.sleep(LEASE_SECONDS - 1)
    assert leases.acquire(HUB, "two") is None
    clock.sleep(1)
    second = leases.acquire(HUB, "two")
    assert second is not None
    assert second.epoch == 2
    with pytest.raises(LeaseLost, match="two"):
        first.check()
    first.release()
    second.check()


def test_an_early_check_does_not_prolong(leases: LeaseFiles, clock: SetClock, tmp_path: Path) -> None:
    """Before half time the file stays as it is."""
    lease = leases.acquire(HUB, "one")
    assert lease is not None
    before = (tmp_path / HUB / LEASE_FILE).read_bytes()
    clock.sleep(LEASE_SECONDS / 2 - 1)
    lease.check()
    assert (tmp_path / HUB / LEASE_FILE).read_bytes() == before


def test_a_late_holder_that_nobody_replaced_goes_on(leases: LeaseFiles, clock: SetClock) -> None:
    """The clock jumped by an hour: the epoch is still ours, so the lease is renewed."""
    lease = leases.acquire(HUB, "one")
    assert lease is not None
    clock.sleep(3600)
    lease.check()
    assert leases.acquire(HUB, "two") is None


def test_a_damaged_lease_is_not_given_out(leases: LeaseFiles, tmp_path: Path) -> None:
    """Without knowing the epoch no next one can be given."""
    leases.acquire(HUB, "one")
    (tmp_path / HUB / LEASE_FILE).write_text("{")
    with pytest.raises(StateError, match="damaged"):
        leases.acquire(HUB, "two")


def _hold(folder: Path, answers: Connection) -> None:
    """In a process of its own: take the lease, say which epoch, wait to be ended."""
    lease = LeaseFiles(folder, SetClock()).acquire(HUB, "child")
    answers.send(lease.epoch if lease else None)
    answers.recv()


def _contend(folder: Path, answers: Connection) -> None:
    """In a process of its own: take and give back the lease many times, appending under each."""
    leases = LeaseFiles(folder, SetClock())
    ledger = LedgerFile(folder / HUB)
    taken: list[int] = []
    answers.recv()
    while len(taken) < 15:
        lease = leases.acquire(HUB, "child")
        if lease is not None:
            ledger.append([a_record(len(ledger.read()) + 1, epoch=lease.epoch)])
            taken.append(lease.epoch)
            lease.release()
    answers.send(taken)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[multiprocessing.process.BaseProcess]:
    """Another process that holds the lease."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_hold, args=(tmp_path, theirs))
    process.start()
    assert ours.recv() == 1
    yield process
    process.kill()
    process.join()
    process.close()
    ours.close()
    theirs.close()


def test_a_killed_holder_is_replaced_at_once(leases: LeaseFiles, holder: multiprocessing.process.BaseProcess) -> None:
    """While the process lives its lease holds; killed, it is taken before it expires, even while the body lies there."""
    assert leases.acquire(HUB, "two") is None
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    lease = leases.acquire(HUB, "two")
    assert lease is not None
    assert lease.epoch == 2


def test_two_processes_never_hold_one_hub(tmp_path: Path) -> None:
    """Both take and give back as fast as they can: no epoch is given twice, and no append is lost."""
    pipes = [SPAWN.Pipe() for _ in range(2)]
    processes = [SPAWN.Process(target=_contend, args=(tmp_path, theirs)) for _, theirs in pipes]
    for process in processes:
        process.start()
    for ours, _ in pipes:
        ours.send("go")
    taken = [ours.recv() for ours, _ in pipes]
    for process, (ours, theirs) in zip(processes, pipes, strict=True):
        process.join()
        process.close()
        ours.close()
        theirs.close()
    assert sorted(epoch for epochs in taken for epoch in epochs) == list(range(1, 31))
    assert [record.epoch for record in LedgerFile(tmp_path / HUB).read()] == list(range(1, 31))
