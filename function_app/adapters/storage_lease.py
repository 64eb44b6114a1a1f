"""One writer for a hub among all instances: the lease that storage itself gives on a small blob.

The blob's metadata name the last epoch given out and who got it. They are written under the lease, so an epoch is given out
once: whoever lost the lease between taking it and writing that is refused, and never had it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from urllib.parse import quote, unquote
from uuid import uuid4

from function_app.adapters.storage_blobs import EPOCH, BlobContainer, Changed, hub_path
from function_app.model.errors import LeaseLost, StateError
from function_app.model.names import HubName

LEASE_SECONDS = 60
"""The longest that storage gives a lease for which ends by itself."""
_HOLDER = "holder"
_LONGEST_NAME = 200


def seconds_since_boot() -> float:
    """Goes on while this process is stopped and, where the system tells that, while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class LeaseBlobs:
    """`Leases` of a container. `seconds` is 15 to 60; `elapsed` counts seconds, from whenever."""

    def __init__(
        self,
        container: BlobContainer,
        *,
        seconds: int = LEASE_SECONDS,
        elapsed: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self._container = container
        self._seconds = seconds
        self._elapsed = elapsed

    def acquire(self, hub: HubName, holder: str) -> BlobLease | None:
        """The hub's lease with the next epoch, or None while somebody holds it; raises StateError."""
        name, lease_id, began = f"{hub_path(hub)}/lease", str(uuid4()), self._elapsed()
        if not self._taken(hub, name, lease_id):
            return None
        lease = BlobLease(self._container, name, lease_id, self._seconds, self._elapsed)
        try:
            epoch = self._former_epoch(hub, name) + 1
            who = quote((holder or "somebody")[:_LONGEST_NAME], safe="@:.-_ ")
            self._container.stamp(name, {EPOCH: str(epoch), _HOLDER: who}, lease=lease_id)
        except Changed:  # it ran out, or was broken, before the epoch was ours
            return None
        except StateError:
            with suppress(StateError):
                lease.release()
            raise
        lease.begin(epoch, began)
        return lease

    def _taken(self, hub: HubName, name: str, lease_id: str) -> bool:
        try:
            self._container.lease(name, lease_id, self._seconds)
        except Changed as changed:
            if str(changed) != "BlobNotFound":
                return False
        else:
            return True
        # Whoever makes the blob says where epochs stood, should it have been deleted.
        with suppress(Changed):
            self._container.write(name, b"", epoch=self._newest_epoch(hub), over=None)
        try:
            self._container.lease(name, lease_id, self._seconds)
        except Changed:
            return False
        return True

    def _former_epoch(self, hub: HubName, name: str) -> int:
        version = self._container.version(name)
        return version.epoch if version is not None and version.epoch else self._newest_epoch(hub)

    def _newest_epoch(self, hub: HubName) -> int:
        """A lease blob that was deleted must not bring back an epoch that has written already."""
        return max((each.version.epoch for each in self._container.listed(f"{hub_path(hub)}/")), default=0)


class BlobLease:
    """`Lease` that was acquired from LeaseBlobs; any thread of the pass may check it."""

    def __init__(
        self, container: BlobContainer, name: str, lease_id: str, seconds: int, elapsed: Callable[[], float]
    ) -> None:
        self.epoch = 0
        self._container = container
        self._name = name
        self._id = lease_id
        self._seconds = seconds
        self._elapsed = elapsed
        self._since = 0.0
        self._held = True
        self._lock = Lock()

    def begin(self, epoch: int, since: float) -> None:
        """It is ours with this epoch; `since` was read before storage was asked, so it is never too late."""
        self.epoch, self._since = epoch, since

    def check(self) -> None:
        """Raises LeaseLost unless the lease is still ours, StateError when that cannot be told.

        Storage is asked, and the lease runs anew, once half its time is gone; before that nobody else can have it.
        """
        with self._lock:
            if not self._held:
                raise LeaseLost(f"The hub's lease of epoch {self.epoch} is over; nobody of this pass holds it now.")
            now = self._elapsed()
            if now - self._since < self._seconds / 2:
                return
            try:
                self._container.renew(self._name, self._id)
            except Changed:
                self._held = False
                raise LeaseLost(
                    f"The hub's lease of epoch {self.epoch} is over; {self._whose()} holds it now."
                ) from None
            self._since = now

    def release(self) -> None:
        """Give it back; nothing happens when somebody else has it by now. Raises StateError."""
        with self._lock:
            if self._held:
                self._held = False
                self._container.give_back(self._name, self._id)

    def _whose(self) -> str:
        found = self._container.metadata(self._name)
        if found is None or found[0].epoch <= self.epoch:
            return "nobody"
        version, metadata = found
        return f"{unquote(metadata.get(_HOLDER, 'somebody'))} (epoch {version.epoch})"
