"""Comparing what a sender shows with what it must be, in a time that tells nothing about how much of it was right."""

from __future__ import annotations

import hmac
from collections.abc import Iterable


def matches(shown: str, expected: Iterable[str]) -> bool:
    """Whether it is one of them; all are compared, so that the time does not tell which."""
    given = shown.encode("utf-8", "surrogatepass")
    found = False
    for each in expected:
        found |= bool(each) and hmac.compare_digest(given, each.encode())
    return found


def signature(secret: bytes, message: bytes) -> bytes:
    """HMAC with SHA-256."""
    return hmac.digest(secret, message, "sha256")
