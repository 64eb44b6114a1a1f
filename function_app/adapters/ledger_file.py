"""A hub's ledger as JSON lines, one file a month, one line a batch.

A line says what it should hash to and ends in a newline; it counts once the newline is there, and is acknowledged after
that. So a last line without a newline was never acknowledged and is dropped by the next append; anything else that cannot be
read is damage. A small head file names the newest acknowledged record: what it names and the files lack has been lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from function_app.adapters.durable_files import exclusive, replace_file, sync_folder
from function_app.adapters.ledger_lines import REPAIR, batch_in, check_epoch, check_seq, line_of
from function_app.adapters.state_codec import SCHEMA
from function_app.model.errors import StateError
from function_app.model.ledger import Record
from function_app.model.once import Row

HEAD_FILE = "ledger-head.json"
_MONTHS = "ledger-[0-9][0-9][0-9][0-9]-[0-9][0-9].jsonl"


@dataclass(frozen=True, slots=True)
class _Month:
    """One file: its acknowledged records, and how many of its bytes they take up."""

    path: Path
    records: tuple[Record, ...]
    sound_bytes: int
    torn: bool


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the files held when they looked like this; while they still do, they need not be read again to be continued."""

    looks: tuple[object, ...]
    last: Path | None
    count: int
    epoch: int


class LedgerFile:
    """`LedgerStore` on one hub's folder; any number of processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: _Stored | None = None
        self._read: tuple[tuple[object, ...], tuple[Record, ...]] | None = None

    def read(self) -> tuple[Record, ...]:
        """All records, oldest first; raises StateError for damage, gaps and records that have been lost."""
        try:
            looks = self._looks()
            if self._read is None or self._read[0] != looks:
                head_seq, _ = self._head()
                self._read = (looks, self._records(self._months(), head_seq))
            return self._read[1]
        except OSError as error:
            raise StateError(f"The ledger in {self._folder} cannot be read: {error.strerror}.") from None

    def append(self, records: Iterable[Record]) -> None:
        """Append as one batch, all or none, on the disk before this returns.

        Raises LeaseLost when an epoch is older than the newest stored one, StateError when the records do not continue the
        ledger or it cannot be written.
        """
        batch = tuple(records)
        if not batch:
            return
        with exclusive(self._folder / "ledger.lock", "The ledger"):
            stored = self._stored()
            check_epoch(batch, stored.epoch)
            check_seq(batch, stored.count)
            path = self._folder / f"ledger-{batch[0].at:%Y-%m}.jsonl"
            # A clock that went back must not write into a month that is over: the order of files is that of records.
            path = max(path, stored.last or path)
            _write(path, line_of(batch))
            epoch = max(record.epoch for record in batch)
            self._write_head(batch[-1].seq, epoch)
            self._known = _Stored(self._looks(), path, batch[-1].seq, epoch)

    def epoch(self) -> int:
        """The newest acknowledged epoch, 0 before the first record; raises StateError."""
        return self._head()[1]

    def _stored(self) -> _Stored:
        """What is there to be continued, read again only when somebody else has touched it; a torn end is cut off."""
        if self._known is not None and self._known.looks == self._looks():
            return self._known
        head_seq, head_epoch = self._head()
        months = self._months()
        records = self._records(months, head_seq)
        if months and months[-1].torn:
            _cut(months[-1])
        last = months[-1].path if months else None
        epoch = max([head_epoch, *(record.epoch for record in records)])
        return _Stored(self._looks(), last, len(records), epoch)

    def _looks(self) -> tuple[object, ...]:
        """Name, size, time of change and inode of every file: enough to see that somebody wrote."""
        paths = [*sorted(self._folder.glob(_MONTHS)), self._folder / HEAD_FILE]
        return tuple(
            (path.name, stat.st_size, stat.st_mtime_ns, stat.st_ino)
            for path in paths
            if (stat := _stat(path)) is not None
        )

    def _records(self, months: list[_Month], head_seq: int) -> tuple[Record, ...]:
        for month in months[:-1]:
            if month.torn:
                raise StateError(f"{month.path} ends in the middle of a line. {REPAIR}")
        records = Row(record for month in months for record in month.records)
        for position, record in enumerate(records, start=1):
            if record.seq != position:
                raise StateError(f"The ledger in {self._folder} has a gap: record {position} is missing. {REPAIR}")
        if len(records) < head_seq:
            raise StateError(
                f"The ledger in {self._folder} ends with record {len(records)}, but {head_seq} were written. {REPAIR}"
            )
        return records

    def _months(self) -> list[_Month]:
        return [_month(path) for path in sorted(self._folder.glob(_MONTHS))]

    def _head(self) -> tuple[int, int]:
        """Sequence number and epoch of the newest acknowledged record."""
        path = self._folder / HEAD_FILE
        try:
            values = json.loads(path.read_bytes())
            return int(values["seq"]), int(values["epoch"])
        except FileNotFoundError:
            return 0, 0
        except (ValueError, KeyError, TypeError):
            raise StateError(f"{path} is damaged. {REPAIR}") from None

    def _write_head(self, seq: int, epoch: int) -> None:
        replace_file(self._folder / HEAD_FILE, json.dumps({"schema": SCHEMA, "seq": seq, "epoch": epoch}))


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _month(path: Path) -> _Month:
    content = path.read_bytes()
    sound_bytes = content.rfind(b"\n") + 1
    records: list[Record] = []
    for number, line in enumerate(content[:sound_bytes].splitlines(), start=1):
        try:
            records += batch_in(line)
        except StateError as error:
            raise StateError(f"Line {number} of {path} is damaged: {error} {REPAIR}") from None
    return _Month(path, tuple(records), sound_bytes, torn=sound_bytes < len(content))


def _cut(month: _Month) -> None:
    """Take away a last line that was never acknowledged."""
    with month.path.open("r+b") as stream:
        stream.truncate(month.sound_bytes)
        os.fsync(stream.fileno())


def _write(path: Path, line: bytes) -> None:
    is_new = not path.exists()
    with path.open("ab") as stream:
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    if is_new:
        sync_folder(path.parent)
