"""What is kept, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from function_app.settings import forms
from function_app.settings.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Ledger, state, leases, queue and the copy of the repository."""

    folder: Annotated[
        Path,
        Form(
            "STATE_FOLDER",
            forms.path,
            "Where ledger, state, leases and the copy of the repository are kept. Losing it stops new ranges for one quarantine.",
            default=".state",
        ),
    ]
    account: Annotated[
        str,
        Form(
            "STORAGE_ACCOUNT",
            forms.or_empty(forms.url),
            "The URL for blobs of the storage account that keeps ledger, state, leases, queue; without it the state folder does.",
            default="",
            example="https://egressweu.blob.core.windows.net",
        ),
    ]
    queues: Annotated[
        str,
        Form(
            "STORAGE_QUEUES",
            forms.or_empty(forms.url),
            "The storage account's URL for queues; without it the one that belongs to the URL for blobs.",
            default="",
            example="https://egressweu.queue.core.windows.net",
        ),
    ]
    container: Annotated[
        str,
        Form(
            "STORAGE_CONTAINER",
            forms.container,
            "The container of that account. Emptying it stops new ranges for one quarantine.",
            default="egress-gitops",
        ),
    ]
    key_file: Annotated[
        Path | None,
        Form(
            "STORAGE_KEY_FILE",
            forms.optional(forms.path),
            "A file with the account's key, for an emulator; without it the identity that EGRESS_AZURE_CREDENTIAL names counts.",
            default="",
            example="/run/egress/storage.key",
        ),
    ]

    @property
    def queue_endpoint(self) -> str:
        """The storage account's URL for queues, empty without an account."""
        return self.queues or _queues_beside(self.account)


def together(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong between settings, as far as each is right by itself; `values` are by variable."""
    account = values.get("EGRESS_STORAGE_ACCOUNT")
    if account and values.get("EGRESS_STORAGE_QUEUES") == "" and not _queues_beside(account):
        yield "EGRESS_STORAGE_QUEUES is needed: it cannot be told from EGRESS_STORAGE_ACCOUNT."
    if account == "":
        for variable in ("EGRESS_STORAGE_QUEUES", "EGRESS_STORAGE_KEY_FILE"):
            if values.get(variable):
                yield f"{variable} is set without EGRESS_STORAGE_ACCOUNT, so nothing would be kept there."


def _queues_beside(blobs: str) -> str:
    """The URL for queues of the account with this URL for blobs, empty when the host's name does not tell."""
    host = urlsplit(blobs).netloc
    account, mark, suffix = host.partition(".blob.")
    return f"https://{account}.queue.{suffix}" if mark and blobs == f"https://{host}" else ""
