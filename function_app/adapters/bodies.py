"""Bodies of a listing, each decoded once for each content.

Belongs here: telling by its bytes that a body is the one of the last listing; it is then the very object of the last listing. So
a pass that finds everything as it was decodes nothing, and what was worked out from a body is still with it (`model/once.py`).
Every listing is made all the same, and every byte of it is looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

import msgspec

from function_app.adapters.answers import Answer, Call
from function_app.model.errors import TargetUnavailable
from function_app.model.once import Read

Listed = dict[bytes, Read]
"""The bodies of one listing by the digest of their bytes, in the order in which they came."""


def page_in[T](call: Call, answer: Answer, decoder: msgspec.json.Decoder[T], otherwise: str) -> T:
    """A listing's page; raises TargetUnavailable for what is not JSON, and in the words `otherwise` for any other JSON."""
    try:
        return decoder.decode(answer.body)
    except msgspec.ValidationError:
        raise TargetUnavailable(f"{call}: {otherwise}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise TargetUnavailable(
            f"{call}: answered {answer.status} with something that is not JSON ({len(answer.body)} bytes).",
            status=answer.status,
        ) from None


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
