"""Tokens: from a file, or from Entra by way of azure-identity. Nothing here prints, logs or shows one.

A credential is what azure-core calls a TokenCredential; a `Bearer` is the token for one API server, asked for at each request.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError

from function_app.model.errors import TargetRejected

Bearer = Callable[[], str]
"""Gives the token for the next request, empty for none."""

AKS_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
"""The AKS server application, the same in all clouds (learn.microsoft.com, AKS kubelogin)."""

_TOKEN = re.compile(r"[\x21-\x7e]+")
_LARGEST_TOKEN_FILE = 64 * 1024
_FILE_TOKEN_SECONDS = 300
_REFRESH_EARLY_SECONDS = 300


def token_in(path: Path) -> str:
    """The one token that a file holds; raises TargetRejected, which names the file and never its content."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_TOKEN_FILE)
    except OSError as error:
        raise TargetRejected(f"token file {path}: cannot be read ({error.strerror}).", code="TokenFile") from None
    token = content.decode("ascii", errors="replace").strip()
    if not _TOKEN.fullmatch(token):
        raise TargetRejected(f"token file {path}: must hold one token in ASCII and nothing else.", code="TokenFile")
    return token


class FileCredential:
    """A TokenCredential that hands out what a file holds, read again every few minutes, since such files are rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """The file's token, said to be good for five minutes."""
        return AccessToken(token_in(self._path), int(time.time()) + _FILE_TOKEN_SECONDS)


def azure_credential(
    *, token_file: Path | None = None, azure_cli: bool = False, client_id: str = ""
) -> TokenCredential:
    """The credential that the settings ask for: a token file goes first, then the signed-in user of `az`, else a managed identity.

    There is no chain that tries one after the other: it would hide which one was used, and asks for minutes where none is.
    """
    if token_file is not None:
        return FileCredential(token_file)
    from azure.identity import AzureCliCredential, ManagedIdentityCredential  # noqa: PLC0415  costs 0.2 s and is often not needed

    if azure_cli:
        return AzureCliCredential()
    return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()


class EntraBearer:
    """A Bearer that asks Entra and keeps the token until five minutes before it expires.

    When Entra cannot be asked while the token still holds, the token is used.
    """

    def __init__(
        self, credential: TokenCredential, scope: str = AKS_SCOPE, now: Callable[[], float] = time.time
    ) -> None:
        self._credential = credential
        self._scope = scope
        self._now = now
        self._lock = Lock()
        self._token: AccessToken | None = None

    def __call__(self) -> str:
        """The token for the next request."""
        with self._lock:
            kept = self._token
            if kept is not None and kept.expires_on - self._now() > _REFRESH_EARLY_SECONDS:
                return kept.token
            try:
                self._token = self._credential.get_token(self._scope)
            except AzureError:
                if kept is None or kept.expires_on <= self._now():
                    raise
                return kept.token
            return self._token.token
