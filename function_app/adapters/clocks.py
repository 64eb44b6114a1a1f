"""Time that matters across instances: this machine's, or that of a server which everybody asks."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import inf
from pathlib import Path

import urllib3

from function_app.adapters.safe_text import scrubbed
from function_app.model.errors import StateError

_STEP_SECONDS = 0.2
_TIMEOUT_SECONDS = 5.0


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(seconds, 0.0))


class HttpDateClock:
    """The clock of a server, read from the `Date` header of its answers (RFC 9110, section 6.6.1: whole seconds).

    Every call asks, over one connection that is kept open, because a server's time may run faster than ours or jump. Where
    it does neither, an answer may count for `good_for_seconds`, with the time that has passed here added to it. Time never
    goes back: an answer older than the last one counts as the last one. `ca_file` is for https.
    """

    def __init__(self, url: str, ca_file: Path | None = None, *, good_for_seconds: float = 0.0) -> None:
        self._url = url
        self._good_for_seconds = good_for_seconds
        self._asked_at = -inf
        self._pool = urllib3.PoolManager(
            ca_certs=str(ca_file) if ca_file else None,
            retries=urllib3.Retry(connect=1, read=1, redirect=0, other=0),
            timeout=_TIMEOUT_SECONDS,
        )
        self._lock = threading.Lock()
        self._date = datetime.min.replace(tzinfo=UTC)
        self._date_seen = 0.0
        self._latest = self._date

    def now(self) -> datetime:
        """The server's time in UTC, with the part of a second that has passed here since it changed; raises StateError."""
        with self._lock:
            now = time.monotonic()
            if now - self._asked_at < self._good_for_seconds:
                self._latest = max(self._latest, self._date + timedelta(seconds=now - self._date_seen))
                return self._latest
        date = self._asked()
        with self._lock:
            seen = self._asked_at = time.monotonic()
            if date != self._date:
                self._date, self._date_seen = date, seen
            passed = min(seen - self._date_seen, 0.999)
            self._latest = max(self._latest, self._date + timedelta(seconds=passed))
            return self._latest

    def sleep(self, seconds: float) -> None:
        """Wait until that much of the server's time has passed, at most that much real time."""
        until = self.now() + timedelta(seconds=seconds)
        give_up = time.monotonic() + seconds
        while (left := give_up - time.monotonic()) > 0 and self.now() < until:
            time.sleep(min(_STEP_SECONDS, left))

    def _asked(self) -> datetime:
        try:
            answer = self._pool.request("HEAD", self._url)
        except urllib3.exceptions.HTTPError as error:
            reason = scrubbed(type(error).__name__)
            raise StateError(f"The clock at {scrubbed(self._url)} does not answer: {reason}.") from None
        try:
            date = parsedate_to_datetime(answer.headers.get("Date", ""))
        except ValueError:
            raise StateError(f"The clock at {scrubbed(self._url)} answers without a Date header.") from None
        return date if date.tzinfo else date.replace(tzinfo=UTC)
