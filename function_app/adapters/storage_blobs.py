"""A container of blobs as our stores see it: small documents replaced under a condition, append blobs, leases.

Each blob may carry the epoch that wrote it as metadata `epoch`. Names are full paths in the container.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from azure.core import MatchConditions
from azure.storage.blob import BlobLeaseClient, ContainerClient

from function_app.adapters.answers import Call
from function_app.adapters.durable_files import hub_folder
from function_app.adapters.storage_errors import Refused, asked
from function_app.model.errors import LeaseLost, StateError
from function_app.model.names import HubName, TargetName

HUBS = "hubs/"
EPOCH = "epoch"
_TRIES = 40
"""So often is a document changed anew when others come first; with the pauses in between it is some seconds."""
_LONGEST_PAUSE = 0.15
_CLIENTS_KEPT = 256
"""Some ten blobs a hub are spoken to."""


class Changed(Exception):
    """What the call was to be based on is no longer so: somebody else wrote, made, leased or deleted it."""


@dataclass(frozen=True, slots=True)
class Version:
    """Which state of a blob: for conditions, and who wrote it (0 when that is not known)."""

    etag: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Document:
    """A blob's whole content, and which state of the blob it is."""

    content: bytes
    version: Version


@dataclass(frozen=True, slots=True)
class Listed:
    """A blob as a listing shows it; `size` in bytes."""

    name: str
    size: int
    made: datetime
    version: Version


def hub_path(hub: HubName) -> str:
    """Where a hub's blobs lie; raises StateError for a name that could lead elsewhere."""
    return hub_folder(Path(HUBS), hub).as_posix()


class BlobContainer:
    """One container. Every method raises StateError in words when storage cannot be reached or does not do what it is asked."""

    def __init__(self, client: ContainerClient, account: str) -> None:
        self._client = client
        # A client is bound methods that know it: thrown away after each call, it would wait for the garbage collector.
        self._blob = lru_cache(_CLIENTS_KEPT)(client.get_blob_client)
        self._target = TargetName(f"storage/{account}")

    def read(self, name: str) -> Document | None:
        """A blob, None when there is none."""

        def download() -> Document:
            stream = self._blob(name).download_blob()
            return Document(stream.readall(), Version(stream.properties.etag, _epoch(stream.properties.metadata)))

        try:
            return asked(self._call("read", name), download)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise refused.in_words() from None

    def read_part(self, name: str, offset: int, length: int) -> bytes:
        """So many bytes of a blob that is there, or fewer when it is shorter by now."""
        try:
            return asked(
                self._call("read", name),
                lambda: self._blob(name).download_blob(offset=offset, length=length).readall(),
            )
        except Refused as refused:
            raise refused.in_words() from None

    def version(self, name: str) -> Version | None:
        """Which state a blob is in, None when there is none."""
        metadata = self.metadata(name)
        return None if metadata is None else metadata[0]

    def metadata(self, name: str) -> tuple[Version, Mapping[str, str]] | None:
        """A blob's state and metadata, None when there is none."""
        try:
            found = asked(self._call("look at", name), lambda: self._blob(name).get_blob_properties())
        except Refused as refused:
            if refused.status == 404:
                return None
            raise refused.in_words() from None
        return Version(found.etag, _epoch(found.metadata)), dict(found.metadata or {})

    def write(self, name: str, content: bytes, *, epoch: int, over: Version | None) -> Version:
        """Replace the blob while it is in the state `over`, or make it when there is none; raises Changed.

        After a reset connection it is tried once more: when the first try came through, that shows as Changed.
        """
        made = self._written(
            self._call("write", name),
            lambda: self._blob(name).upload_blob(
                content, overwrite=over is not None, metadata={EPOCH: str(epoch)}, **_condition(over)
            ),
        )
        return Version(str(made["etag"]), epoch)

    def make_append_blob(self, name: str, epoch: int) -> Version:
        """An empty append blob; raises Changed when there is a blob of that name."""
        made = self._written(
            self._call("make", name),
            lambda: self._blob(name).create_append_blob(metadata={EPOCH: str(epoch)}, **_condition(None)),
        )
        return Version(str(made["etag"]), epoch)

    def append(self, name: str, content: bytes, *, after: Version, size: int) -> Version:
        """Append as one block, all or nothing, to a blob of this size in this state; raises Changed. Sent once."""
        made = self._written(
            self._call("append to", name),
            lambda: self._blob(name).append_block(content, appendpos_condition=size, **_condition(after)),
            again=False,
        )
        return Version(str(made["etag"]), after.epoch)

    def stamp(self, name: str, metadata: Mapping[str, str], *, over: Version | None = None, lease: str = "") -> Version:
        """Replace a blob's metadata while it is in that state, or under that lease; raises Changed."""
        condition = _condition(over) if over else {"lease": lease}
        made = self._written(
            self._call("stamp", name), lambda: self._blob(name).set_blob_metadata(dict(metadata), **condition)
        )
        return Version(str(made["etag"]), _epoch(metadata))

    def listed(self, prefix: str) -> list[Listed]:
        """All blobs whose names begin so, by name."""

        def collect() -> list[Listed]:
            found = self._client.list_blobs(name_starts_with=prefix, include=["metadata"])
            return [
                # Listings show an ETag without the quotes that it has everywhere else.
                Listed(
                    each.name,
                    each.size,
                    each.creation_time,
                    Version(f'"{each.etag.strip('"')}"', _epoch(each.metadata)),
                )
                for each in found
            ]

        try:
            return sorted(asked(self._call("list", prefix), collect), key=lambda each: each.name)
        except Refused as refused:
            if refused.status == 404:
                return []
            raise refused.in_words() from None

    def folders(self, prefix: str) -> list[str]:
        """Names of what lies directly below a prefix that ends in a slash and has blobs below it in turn."""

        def collect() -> list[str]:
            found = [str(each.name) for each in self._client.walk_blobs(name_starts_with=prefix)]
            return [name.removeprefix(prefix).rstrip("/") for name in found if name.endswith("/")]

        try:
            return sorted(asked(self._call("list", prefix), collect))
        except Refused as refused:
            if refused.status == 404:
                return []
            raise refused.in_words() from None

    def lease(self, name: str, lease_id: str, seconds: int) -> None:
        """Take a blob's lease under an id of our own; raises Changed while somebody has it or there is no blob."""
        self._written(self._call("lease", name), lambda: self._lease_client(name, lease_id).acquire(seconds))

    def renew(self, name: str, lease_id: str) -> None:
        """Let a lease of ours run anew; raises Changed when it is no longer ours."""
        self._written(self._call("renew the lease of", name), lambda: self._lease_client(name, lease_id).renew())

    def give_back(self, name: str, lease_id: str) -> None:
        """End a lease of ours; nothing happens when it is no longer ours."""
        with suppress(Changed):
            self._written(
                self._call("release the lease of", name), lambda: self._lease_client(name, lease_id).release()
            )

    def changed(self, name: str, change: Callable[[Document | None], bytes | None]) -> None:
        """Replace a blob by what `change` makes of it, anew as often as others come first; None leaves it as it is."""
        for _ in range(_TRIES):
            before = self.read(name)
            content, version = change(before), before.version if before else None
            if content is None:
                return
            with suppress(Changed):
                self.write(name, content, epoch=version.epoch if version else 0, over=version)
                return
            time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 - only keeps writers apart
        raise _too_busy(self._call("write", name))

    def write_fenced(self, name: str, content: bytes, epoch: int) -> None:
        """Replace a blob whatever it holds; raises LeaseLost when a newer epoch has written it."""
        for _ in range(_TRIES):
            version = self.version(name)
            if version is not None and version.epoch > epoch:
                raise LeaseLost(f"Epoch {version.epoch} has written {name}; epoch {epoch} is over.")
            with suppress(Changed):
                self.write(name, content, epoch=epoch, over=version)
                return
        raise _too_busy(self._call("write", name))

    def _written[T](self, call: Call, action: Callable[[], T], *, again: bool = True) -> T:
        """What a write returns; the container is made when it is missing."""
        try:
            return asked(call, action, again=again)
        except Refused as refused:
            if refused.code != "ContainerNotFound":
                raise _changed_or(refused) from None
        self._make()
        try:
            return asked(call, action, again=again)
        except Refused as refused:
            raise _changed_or(refused) from None

    def _make(self) -> None:
        try:
            asked(self._call("make", "the container"), self._client.create_container)
        except Refused as refused:
            if refused.code != "ContainerAlreadyExists":
                raise refused.in_words() from None

    def _lease_client(self, name: str, lease_id: str) -> BlobLeaseClient:
        return BlobLeaseClient(self._blob(name), lease_id=lease_id)

    def _call(self, verb: str, name: str) -> Call:
        return Call(self._target, verb, f"{self._client.container_name}/{name}")


def _condition(over: Version | None) -> dict[str, Any]:
    if over is None:
        return {"match_condition": MatchConditions.IfMissing}
    return {"etag": over.etag, "match_condition": MatchConditions.IfNotModified}


def _epoch(metadata: Mapping[str, str] | None) -> int:
    """0 when a blob carries none that can be understood, as one that a person has put back."""
    text = (metadata or {}).get(EPOCH, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _changed_or(refused: Refused) -> Exception:
    lost = refused.status == 412 or refused.code in _CHANGED
    return Changed(refused.code) if lost else refused.in_words()


_CHANGED = frozenset(
    {
        "BlobAlreadyExists",
        "BlobNotFound",
        "LeaseAlreadyPresent",
        "LeaseIdMismatchWithLeaseOperation",
        "LeaseIdMismatchWithBlobOperation",
        "LeaseIsBreakingAndCannotBeAcquired",
        "LeaseIsBrokenAndCannotBeRenewed",
        "LeaseLost",
        "LeaseNotPresentWithBlobOperation",
        "LeaseNotPresentWithLeaseOperation",
    }
)
"""Codes of 404 and 409 that tell of somebody else's doing (learn.microsoft.com, Blob service error codes)."""


def _too_busy(call: Call) -> StateError:
    return StateError(f"{call}: others wrote it in between {_TRIES} times. Try again later.")
