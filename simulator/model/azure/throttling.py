"""Azure Resource Manager's token buckets and Microsoft.Network's windows, in virtual time.

Figures: Microsoft Learn, request-limits-and-throttling (buckets: 2024; network windows: 2020 text). POST counts as a write
(an assumption).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from simulator.model.clock import VirtualClock
from simulator.model.errors import ArmError


class Call(StrEnum):
    """The kinds of call that are counted apart."""

    READ = "reads"
    WRITE = "writes"
    DELETE = "deletes"


@dataclass(slots=True)
class _Bucket:
    """Fills up at `rate` tokens per second to `size`; calls before `closed_until` are refused and prolong that."""

    size: float
    rate: float
    tokens: float
    at: datetime
    closed_until: datetime


@dataclass(slots=True)
class _Window:
    """Calls counted since `start`."""

    start: datetime
    count: int = 0


NETWORK_WINDOW = timedelta(minutes=5)
_NETWORK_LIMITS = {Call.READ: 10_000, Call.WRITE: 1_000, Call.DELETE: 1_000}
_BUCKETS = {Call.READ: (250.0, 25.0), Call.WRITE: (200.0, 10.0), Call.DELETE: (200.0, 10.0)}


class Throttling:
    """The buckets of one caller in one subscription and region; hubs in one subscription may share it."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        now = clock.now()
        self._buckets = {call: _Bucket(size, rate, size, now, now) for call, (size, rate) in _BUCKETS.items()}
        self._windows = {call: _Window(now) for call in Call}

    def take(self, call: Call) -> None:
        """Count one call. Raises ArmError 429 with Retry-After in seconds; calling earlier starts that time anew."""
        self._take_token(call)
        self._count(call)

    def remaining(self, call: Call) -> int:
        """For the header `x-ms-ratelimit-remaining-subscription-<call>`."""
        bucket = self._refill(call)
        return int(bucket.tokens)

    def drain(self, call: Call) -> None:
        """Let somebody else of the same principal have used up the bucket."""
        self._refill(call).tokens = 0.0

    def _refill(self, call: Call) -> _Bucket:
        bucket, now = self._buckets[call], self._clock.now()
        bucket.tokens = min(bucket.size, bucket.tokens + (now - bucket.at).total_seconds() * bucket.rate)
        bucket.at = now
        return bucket

    def _take_token(self, call: Call) -> None:
        bucket, now = self._refill(call), self._clock.now()
        if bucket.tokens >= 1 and now >= bucket.closed_until:
            bucket.tokens -= 1
            return
        wait = max(1, math.ceil((1 - bucket.tokens) / bucket.rate))
        bucket.closed_until = now + timedelta(seconds=wait)
        raise _too_many(
            "SubscriptionRequestsThrottled", f"Number of {call} for this subscription exceeded the limit.", wait
        )

    def _count(self, call: Call) -> None:
        window, now = self._windows[call], self._clock.now()
        if now - window.start >= NETWORK_WINDOW:
            window.start, window.count = now, 0
        window.count += 1
        if window.count > _NETWORK_LIMITS[call]:
            wait = math.ceil((window.start + NETWORK_WINDOW - now).total_seconds())
            raise _too_many("TooManyRequests", f"Microsoft.Network accepts no more {call} in this window.", wait)


def _too_many(code: str, message: str, wait: int) -> ArmError:
    return ArmError(
        429, code, f"{message} Please try again after '{wait}' seconds.", headers={"Retry-After": str(wait)}
    )
