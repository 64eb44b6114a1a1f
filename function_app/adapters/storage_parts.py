"""Everything that one container and its account's queues keep, each part made when it is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from azure.core.credentials import AzureNamedKeyCredential, TokenCredential

from function_app.adapters.shown_plans import ShownBlobs
from function_app.adapters.storage_account import StorageAccount, StorageLimits, shared_key
from function_app.adapters.storage_blobs import HUBS, BlobContainer
from function_app.adapters.storage_intents import IntentBlobs
from function_app.adapters.storage_lease import LeaseBlobs
from function_app.adapters.storage_ledger import LedgerBlobs
from function_app.adapters.storage_passes import PassQueue
from function_app.adapters.storage_state import CheckpointBlob, HistoryBlobs, StateBlobs, StatusBlobs, ToldBlobs
from function_app.adapters.together import Together
from function_app.model.names import HubName


class StorageParts:
    """The stores of one account. `credential` is an identity, or a file with the account's key; StateError: it cannot be read.

    A context manager: it gives back its connections.
    """

    def __init__(
        self,
        blobs: str,
        queues: str,
        container: str,
        credential: TokenCredential | Path,
        *,
        ca_file: Path | None = None,
        limits: StorageLimits | None = None,
    ) -> None:
        vouching: TokenCredential | AzureNamedKeyCredential = (
            shared_key(blobs, credential) if isinstance(credential, Path) else credential
        )
        self.account = StorageAccount(blobs, queues, vouching, ca_file=ca_file, limits=limits)
        self._container_name = container

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def container(self) -> BlobContainer:
        """Where all blobs lie."""
        return self.account.container(self._container_name)

    def ledger(self, hub: HubName) -> LedgerBlobs:
        """A hub's ledger. One object a process should do: it keeps what it has read."""
        return LedgerBlobs(self.container, hub)

    def state(self, hub: HubName) -> StateBlobs:
        """A hub's state and decisions."""
        return StateBlobs(self.container, hub)

    @cached_property
    def status(self) -> StatusBlobs:
        """Newest reports."""
        return StatusBlobs(self.container)

    @cached_property
    def history(self) -> HistoryBlobs:
        """Past passes."""
        return HistoryBlobs(self.container)

    @cached_property
    def told(self) -> ToldBlobs:
        """What has been told."""
        return ToldBlobs(self.container)

    @cached_property
    def shown(self) -> ShownBlobs:
        """What was answered for branches."""
        return ShownBlobs(self.container)

    @cached_property
    def leases(self) -> LeaseBlobs:
        """Leases."""
        return LeaseBlobs(self.container)

    @cached_property
    def intents(self) -> IntentBlobs:
        """What is asked of hubs. One object a process: it writes together what is asked at the same moment."""
        return IntentBlobs(self.container)

    @cached_property
    def passes(self) -> PassQueue:
        """The queue of passes."""
        return PassQueue(self.account)

    @cached_property
    def checkpoint(self) -> CheckpointBlob:
        """Where the fold over commits left off."""
        return CheckpointBlob(self.container)

    @cached_property
    def in_force(self) -> CheckpointBlob:
        """Which commit was in force last."""
        return CheckpointBlob(self.container, "in-force.json")

    def hubs(self) -> tuple[HubName, ...]:
        """The hubs of which something is kept, by name; raises StateError."""
        return self._listing(None)

    @cached_property
    def _listing(self) -> Together[None, tuple[HubName, ...]]:
        def listed(together: Sequence[None]) -> Sequence[tuple[HubName, ...]]:
            found = tuple(HubName(name) for name in self.container.folders(HUBS))
            return [found for _ in together]

        return Together(listed)

    def close(self) -> None:
        """Give back connections."""
        self.account.close()
