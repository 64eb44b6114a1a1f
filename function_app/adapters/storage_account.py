"""One storage account: its clients, made once a process, and how they may behave.

The client libraries' own retries and redirects are off: the one sleeps for minutes while a lease runs out, the other would carry
the token elsewhere. Nothing is connected to before the first call.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueServiceClient, TextBase64EncodePolicy

from function_app.adapters.storage_blobs import BlobContainer
from function_app.adapters.vendor_logs import quieten_vendor_logs
from function_app.model.errors import StateError

_LARGEST_KEY_FILE = 4096
_LARGEST_BLOB = 256 * 1024 * 1024
"""Bytes that are read with one request."""


@dataclass(frozen=True, slots=True)
class StorageLimits:
    """Seconds for a connection, and of silence. Short: a call must fail well before a lease of 60 s runs out."""

    connect_seconds: float = 5.0
    read_seconds: float = 10.0


class StorageAccount:
    """The account behind two URLs; its calls may come from several threads."""

    def __init__(
        self,
        blobs: str,
        queues: str,
        credential: TokenCredential | AzureNamedKeyCredential,
        *,
        ca_file: Path | None = None,
        limits: StorageLimits | None = None,
    ) -> None:
        self.name = _account_name(blobs)
        self._urls = (blobs, queues)
        self._credential = credential
        self._ca_file = ca_file
        self._limits = limits or StorageLimits()

    def container(self, name: str) -> BlobContainer:
        """One container; it is made by the first write if there is none."""
        return BlobContainer(self._blob_service.get_container_client(name), self.name)

    def queue(self, name: str) -> QueueClient:
        """One queue; it sends in base64, which is what the Functions host expects unless told otherwise, and decodes nothing."""
        return self._queue_service.get_queue_client(name, message_encode_policy=TextBase64EncodePolicy())

    def close(self) -> None:
        """Give back connections."""
        for name in ("_blob_service", "_queue_service"):
            if name in self.__dict__:
                self.__dict__[name].close()

    @cached_property
    def _blob_service(self) -> BlobServiceClient:
        return BlobServiceClient(
            self._urls[0], credential=self._credential, max_single_get_size=_LARGEST_BLOB, **self._options()
        )

    @cached_property
    def _queue_service(self) -> QueueServiceClient:
        return QueueServiceClient(self._urls[1], credential=self._credential, **self._options())

    def _options(self) -> dict[str, Any]:
        quieten_vendor_logs()
        return {
            "retry_total": 0,
            "permit_redirects": False,
            "connection_timeout": self._limits.connect_seconds,
            "read_timeout": self._limits.read_seconds,
            "connection_verify": str(self._ca_file) if self._ca_file else True,
            "use_env_settings": False,
            "user_agent": "egress-gitops",
        }


def shared_key(blobs: str, key_file: Path) -> AzureNamedKeyCredential:
    """The account's key, read from a file; raises StateError, which names the file and never its content."""
    try:
        with key_file.open("rb") as stream:
            key = stream.read(_LARGEST_KEY_FILE).decode("ascii").strip()
        usable = bool(b64decode(key, validate=True))
    except OSError as error:
        raise StateError(f"EGRESS_STORAGE_KEY_FILE {key_file}: cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, NotBase64):
        usable = False
    if not usable:
        raise StateError(
            f"EGRESS_STORAGE_KEY_FILE {key_file}: must hold one account key in base64 and nothing else (no connection string)."
        )
    return AzureNamedKeyCredential(_account_name(blobs), key)


def _account_name(blobs: str) -> str:
    """The first label of the host; an emulator has the account as the path's only step."""
    parts = urlsplit(blobs)
    return parts.path.strip("/") or (parts.hostname or "").partition(".")[0]
