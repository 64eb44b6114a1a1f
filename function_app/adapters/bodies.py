"""Bodies of a listing, each decoded once for each content.

Belongs here: telling by its bytes that a body is the one of the last listing; it is then the very object of the last listing. So
a pass that finds everything as it was decodes nothing, and what was worked out from a body is still with it (`model/once.py`).
Every listing is made all the same, and every byte of it is looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

import msgspec

from function_app.model.once import Read

Listed = dict[bytes, Read]
"""The bodies of one listing by the digest of their bytes, in the order in which they came."""


def digest_of(content: bytes | msgspec.Raw) -> bytes:
    """By what bodies are told apart."""
    return hashlib.sha256(content, usedforsecurity=False).digest()


def decode_once(
    items: Iterable[msgspec.Raw], before: Mapping[bytes, Read], now: Listed, decode: Callable[[msgspec.Raw], Read]
) -> None:
    """Add a page's items to `now`, from the listing `before` where that has the same bytes. Raises what `decode` raises."""
    for item in items:
        digest = digest_of(item)
        known = before.get(digest)
        now[digest] = decode(item) if known is None else known
