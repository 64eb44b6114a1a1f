"""The two places where state is kept, alike for tests: what is asked of the stores, and what somebody else does to the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from time import monotonic, sleep
from typing import Protocol, override

from azure.storage.blob import BlobLeaseClient, ContainerClient
from state_builders import SetClock

from function_app.adapters.lease_file import LEASE_SECONDS, LeaseFiles
from function_app.adapters.ledger_file import LedgerFile
from function_app.adapters.state_files import StateFile, StatusFiles
from function_app.adapters.storage_account import StorageLimits
from function_app.adapters.storage_lease import LeaseBlobs
from function_app.adapters.storage_parts import StorageParts
from function_app.model.errors import StateError
from function_app.model.names import HubName
from function_app.ports import Leases, LedgerStore, StateStore, StatusStore
from real.azurite.server import Azurite

HUB = HubName("hub1")
OTHER_HUB = HubName("hub2")
NOVEMBER, DECEMBER, HEAD = "ledger/2026-11.jsonl", "ledger/2026-12.jsonl", "ledger/head.json"
STATE, DECISIONS, STATUS, LEASE = "state.json", "decisions.json", "status.json", "lease"


class Face(Protocol):
    """One place. Every store asked for is a new one that has read nothing yet, as in another process.

    Parts of hub1 are named as they are called in a storage account.
    """

    def leases(self) -> Leases:
        """Leases of all hubs, on the time that `pass_time` moves."""

    def ledger(self) -> LedgerStore:
        """The ledger of hub1."""

    def state(self) -> StateStore:
        """State and decisions of hub1."""

    def status(self) -> StatusStore:
        """Reports of all hubs."""

    def content(self, part: str) -> bytes:
        """What is stored."""

    def put(self, part: str, content: bytes) -> None:
        """Somebody puts something else there."""

    def delete(self, part: str) -> None:
        """Somebody deletes it."""

    def pass_time(self, seconds: float) -> None:
        """Let the holders of leases see that much time pass; after 60 s the lease of hub1 has run out."""


@dataclass(slots=True)
class Files(Face):
    """A folder."""

    folder: Path
    clock: SetClock = field(default_factory=SetClock)

    @override
    def leases(self) -> Leases:
        return LeaseFiles(self.folder, self.clock)

    @override
    def ledger(self) -> LedgerStore:
        return LedgerFile(self.folder / HUB)

    @override
    def state(self) -> StateStore:
        return StateFile(self.folder / HUB)

    @override
    def status(self) -> StatusStore:
        return StatusFiles(self.folder)

    @override
    def content(self, part: str) -> bytes:
        return self._path(part).read_bytes()

    @override
    def put(self, part: str, content: bytes) -> None:
        self._path(part).parent.mkdir(parents=True, exist_ok=True)
        self._path(part).write_bytes(content)

    @override
    def delete(self, part: str) -> None:
        self._path(part).unlink()

    @override
    def pass_time(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def _path(self, part: str) -> Path:
        names = {STATUS: "report.json", LEASE: "lease.json"}
        return self.folder / HUB / names.get(part, part.replace("/", "-"))


@dataclass(slots=True)
class Storage(Face):
    """A container of its own in Azurite."""

    server: Azurite
    container_name: str
    elapsed: float = 0.0
    parts: StorageParts = field(init=False)

    def __post_init__(self) -> None:
        self.parts = new_parts(self.server, self.container_name)

    @override
    def leases(self) -> Leases:
        return LeaseBlobs(self.parts.container, elapsed=lambda: self.elapsed)

    @override
    def ledger(self) -> LedgerStore:
        return self.parts.ledger(HUB)

    @override
    def state(self) -> StateStore:
        return self.parts.state(HUB)

    @override
    def status(self) -> StatusStore:
        return self.parts.status

    @override
    def content(self, part: str) -> bytes:
        content: bytes = self.raw.download_blob(_blob(part)).readall()
        return content

    @override
    def put(self, part: str, content: bytes) -> None:
        if not self.raw.exists():
            self.raw.create_container()
        blob = self.raw.get_blob_client(_blob(part))
        if not part.startswith("ledger/2"):
            blob.upload_blob(content, overwrite=True)
            return
        blob.create_append_blob()
        if content:
            blob.append_block(content)

    @override
    def delete(self, part: str) -> None:
        if part == LEASE:
            self._break_lease()
        self.raw.delete_blob(_blob(part))

    @override
    def pass_time(self, seconds: float) -> None:
        self.elapsed += seconds
        if seconds >= LEASE_SECONDS:
            self._break_lease()

    @property
    def raw(self) -> ContainerClient:
        """The container, for somebody with an SDK."""
        return self.parts.account._blob_service.get_container_client(self.container_name)

    def _break_lease(self) -> None:
        """Storage's own clock cannot be moved; a broken lease is free as one that has run out."""
        BlobLeaseClient(self.raw.get_blob_client(_blob(LEASE))).break_lease(0)


def new_parts(server: Azurite, container: str, limits: StorageLimits | None = None) -> StorageParts:
    """What a process of the service builds from its settings."""
    return StorageParts(server.blobs, server.queues, container, server.key_file, limits=limits)


def at_once[T](*calls: Callable[[], T]) -> list[T | StateError]:
    """What each call returns or raises, all of them begun at the same moment in threads of their own."""
    start = Barrier(len(calls))

    def one(call: Callable[[], T]) -> T | StateError:
        start.wait()
        try:
            return call()
        except StateError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


def until(seconds: float) -> Iterator[None]:
    """Goes round until so much time has passed, with short rests: for what only a server's own clock brings about."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        yield
        sleep(0.2)


def _blob(part: str) -> str:
    return f"hubs/{HUB}/{part}"
