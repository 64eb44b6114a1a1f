"""Azure Firewall's structured logs as they are exported: which form a log is in, and its lines one by one, however long or torn.

Known forms: JSON lines as Log Analytics exports a table (columns at the top) and as a diagnostic setting writes to a storage
account (`time`, `category`, columns under `properties`), and CSV with a header as the portal downloads it. Columns: Azure
Monitor's reference of AZFWNetworkRule and AZFWApplicationRule.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from typing import IO

MOST_BYTES = 1 << 20
"""Of one line. Azure's are below 32 KiB; what is longer is no log line."""
_PIECE = 1 << 18
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

csv.field_size_limit(MOST_BYTES)


class TooLong(bytes):
    """Stands for a line that was skipped, being longer than MOST_BYTES; it holds the line's beginning."""


class Torn(bytes):
    """Stands for the end of a gzip file that ends too early or is damaged."""


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines without their ends, of a plain or gzip stream; never more than a few pieces in memory."""
    rest = b""
    skipping = False
    for piece in _pieces(stream):
        if isinstance(piece, Torn):
            yield piece
            continue
        *whole, rest = (rest + piece).split(b"\n")
        if skipping:
            if not whole:
                rest = b""
                continue
            del whole[0]
            skipping = False
        for line in whole:
            yield line if len(line) <= MOST_BYTES else TooLong(line[:80])
        if len(rest) > MOST_BYTES:
            yield TooLong(rest[:80])
            rest, skipping = b"", True
    if rest:
        yield rest


def is_csv(first: bytes) -> bool:
    """Whether a log that begins with this line is CSV: its header names the columns."""
    return not first.lstrip().startswith((b"{", b"[")) and b"," in first and b"SourceIp" in first


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    first = stream.read(_PIECE)
    if first.startswith(_GZIP):
        yield from _inflated(first, stream)
        return
    first = first.removeprefix(_BYTE_ORDER_MARK)
    while first:
        yield first
        first = stream.read(_PIECE)


def _inflated(first: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    """Gzip, several members one after another included. A bomb is no danger: pieces come out as they are asked for."""
    inflate = zlib.decompressobj(wbits=31)
    waiting, at_start = first, True
    while waiting:
        try:
            out = inflate.decompress(waiting, _PIECE)
        except zlib.error:
            yield Torn(b"the gzip file is damaged from here on")
            return
        if out:
            yield out.removeprefix(_BYTE_ORDER_MARK) if at_start else out
            at_start = False
        waiting = inflate.unconsumed_tail
        if inflate.eof:
            waiting = inflate.unused_data or stream.read(_PIECE)
            inflate = zlib.decompressobj(wbits=31)
            if waiting.strip(b"\0") == b"":
                return
        waiting = waiting or stream.read(_PIECE)
    yield Torn(b"the gzip file ends too early")
