"""A raw client of an API server, real or simulated: what was answered, with nothing read into it."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from real.kube.server import Endpoint

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Header names are as they came, looked up in any letter case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


class Rest:
    """Calls one API server as one user; connections are kept."""

    def __init__(self, endpoint: Endpoint, token: str) -> None:
        self._url = endpoint.url
        self._token = token
        self._pool = urllib3.PoolManager(ssl_context=ssl.create_default_context(cafile=str(endpoint.ca_file)))

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()

    def __call__(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        /,
        *,
        content_type: str = _JSON,
        **query: str,
    ) -> Answer:
        """One request, sent once; an apply or patch says by its content type what it is."""
        response = self._pool.request(
            method,
            self._url + path + (f"?{urlencode(query)}" if query else ""),
            body=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": content_type, "Accept": _JSON},
            retries=False,
            redirect=False,
            timeout=30.0,
        )
        return Answer(response.status, response.headers, response.data)

    def apply(self, path: str, body: Mapping[str, Any], *, manager: str, force: bool = False) -> Answer:
        """A server-side apply."""
        return self("PATCH", path, body, content_type=APPLY, fieldManager=manager, force=str(force).lower())

    def merge(self, path: str, body: Mapping[str, Any], *, manager: str = "somebody") -> Answer:
        """A JSON merge patch."""
        return self("PATCH", path, body, content_type=MERGE, fieldManager=manager)
