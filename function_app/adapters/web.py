"""One small JSON request to somebody else's web service: short, without redirects, with nothing secret in what it raises.

Redirects are not followed, because headers with tokens would travel along.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from function_app.adapters.safe_text import scrubbed

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_MOST_BYTES = 4_000_000


class NoAnswer(Exception):
    """Nobody answered; the message says why, and names neither URL nor headers."""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What came back; `body` is None when it is not JSON."""

    status: int
    body: Any

    @property
    def fine(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def words(self) -> str:
        """The service's own message, cut short, for people."""
        told = self.body.get("message") or self.body.get("error") if isinstance(self.body, dict) else None
        return scrubbed(str(told)) if told else ""


class Web:
    """Keeps connections from call to call; safe for several threads. `ca_file` is for https."""

    def __init__(self, ca_file: Path | None = None) -> None:
        self._pool = urllib3.PoolManager(
            ca_certs=str(ca_file) if ca_file else None,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        )

    def post(self, url: str, body: object, headers: Mapping[str, str] | None = None) -> WebAnswer:
        """POST JSON; raises NoAnswer."""
        return self._asked(
            "POST", url, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
        )

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> WebAnswer:
        """GET JSON; raises NoAnswer."""
        return self._asked("GET", url, None, headers or {})

    def _asked(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> WebAnswer:
        sent = {"Accept": "application/json", "User-Agent": "egress-gitops", **headers}
        try:
            answer = self._pool.request(method, url, body=body, headers=sent, preload_content=False)
            try:
                content = answer.read(_MOST_BYTES)
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(type(error).__name__) from None
        try:
            return WebAnswer(answer.status, json.loads(content))
        except ValueError:
            return WebAnswer(answer.status, None)

    def close(self) -> None:
        """Give back connections."""
        self._pool.clear()
