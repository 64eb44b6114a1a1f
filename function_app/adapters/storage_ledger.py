"""A hub's ledger on append blobs, one a month, one line a batch; a line is one block, so it is there wholly or not at all.

Two writers cannot both continue the ledger: an append holds only for the state (ETag) and the size of the newest blob that its
writer has seen, and whoever begins a new month first changes the state of the old one. A small head blob names the newest
acknowledged record, written after it: what it names and the others lack has been lost.

What was read once is kept, since append blobs only grow: reading again costs one listing and what has come since.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock

from function_app.adapters.ledger_lines import REPAIR, batch_in, check_epoch, check_seq, line_of
from function_app.adapters.state_codec import SCHEMA, NewerSchema, decode_envelope
from function_app.adapters.storage_blobs import EPOCH, BlobContainer, Changed, Listed, Version, hub_path
from function_app.model.errors import StateError
from function_app.model.ledger import Record
from function_app.model.names import HubName
from function_app.model.once import Row

_MONTH = re.compile(r"\d{4}-\d{2}\.jsonl")


@dataclass(frozen=True, slots=True)
class _Month:
    """One blob as it was listed, with the records in it."""

    blob: Listed
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class _Head:
    """The newest acknowledged record; `version` is None while there is no head."""

    seq: int = 0
    epoch: int = 0
    version: Version | None = None


@dataclass(frozen=True)
class _Seen:
    """All that there was at the last look. Without slots, because records are put together once, when they are first asked for."""

    months: tuple[_Month, ...]
    head: _Head

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """All of them, oldest first."""
        return Row(record for month in self.months for record in month.records)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(len(month.records) for month in self.months)

    @property
    def epoch(self) -> int:
        """The newest that has written."""
        newest = [month.records[-1].epoch for month in self.months if month.records]
        return max([self.head.epoch, *newest, *(month.blob.version.epoch for month in self.months)])


class LedgerBlobs:
    """`LedgerStore` of one hub; any number of processes may use it, and the threads of each."""

    def __init__(self, container: BlobContainer, hub: HubName) -> None:
        self._container = container
        self._folder = f"{hub_path(hub)}/ledger/"
        self._seen: _Seen | None = None
        self._lock = Lock()

    def read(self) -> tuple[Record, ...]:
        """All records, oldest first; raises StateError for damage, gaps and records that have been lost."""
        with self._lock:
            return self._look().records

    def append(self, records: Iterable[Record]) -> None:
        """Append as one batch, all or none, stored before this returns.

        Raises LeaseLost when an epoch is older than the newest stored one, StateError when the records do not continue the
        ledger or storage does not answer: then they may be there all the same, and the next look tells.
        """
        batch = tuple(records)
        if not batch:
            return
        with self._lock:
            seen = self._seen or self._look()
            try:
                self._append(batch, seen)
            except Changed:
                seen = self._look()
                check_epoch(batch, seen.epoch)
                check_seq(batch, seen.count)
                # What changed was no record, as when a new month was begun and nothing written there: once more.
                self._append_or_say(batch, seen)

    def _append_or_say(self, batch: tuple[Record, ...], seen: _Seen) -> None:
        try:
            self._append(batch, seen)
        except Changed:
            raise StateError(f"Somebody else writes to the ledger in {self._folder} at this moment.") from None

    def _append(self, batch: tuple[Record, ...], seen: _Seen) -> None:
        self._seen = None  # what is known holds again once storage has said yes to all of it
        check_epoch(batch, seen.epoch)
        check_seq(batch, seen.count)
        epoch = max(record.epoch for record in batch)
        months = self._months_for(batch, seen.months, epoch)
        last, line = months[-1], line_of(batch)
        version = self._container.append(last.blob.name, line, after=last.blob.version, size=last.blob.size)
        grown = replace(last.blob, size=last.blob.size + len(line), version=version)
        head = self._write_head(batch[-1].seq, epoch, seen.head)
        self._seen = _Seen((*months[:-1], _Month(grown, last.records + batch)), head)

    def _months_for(self, batch: tuple[Record, ...], months: tuple[_Month, ...], epoch: int) -> tuple[_Month, ...]:
        """The months, the last one being that of the batch; made now if need be."""
        name = f"{self._folder}{batch[0].at:%Y-%m}.jsonl"
        # A clock that went back must not write into a month that is over: the order of blobs is that of records.
        if months and name <= months[-1].blob.name:
            return months
        if months:
            last = months[-1]
            sealed = self._container.stamp(last.blob.name, {EPOCH: str(epoch)}, over=last.blob.version)
            months = (*months[:-1], replace(last, blob=replace(last.blob, version=sealed)))
        made = self._container.make_append_blob(name, epoch)
        return (*months, _Month(Listed(name, 0, batch[0].at, made), ()))

    def _write_head(self, seq: int, epoch: int, before: _Head) -> _Head:
        """Name the newest record. A slower writer of an earlier record may come in between; it never goes back behind ours."""
        content = json.dumps({"schema": SCHEMA, "seq": seq, "epoch": epoch}).encode()
        while before.seq < seq:
            try:
                return _Head(seq, epoch, self._container.write(self._head, content, epoch=epoch, over=before.version))
            except Changed:
                before = self._read_head()
        return before

    @property
    def _head(self) -> str:
        return f"{self._folder}head.json"

    def _look(self) -> _Seen:
        """Everything that is there now, read as far as it is not known."""
        before, self._seen = self._seen, None
        listed = self._container.listed(self._folder)
        head = before.head if before and _is_listed(before.head, self._head, listed) else self._read_head()
        known = {month.blob.name: month for month in before.months} if before else {}
        blobs = [each for each in listed if _MONTH.fullmatch(each.name.removeprefix(self._folder))]
        seen = _Seen(tuple(self._read_month(blob, known.get(blob.name)) for blob in blobs), head)
        if before is not None and seen == before:
            seen = before
        else:
            self._check_whole(seen)
        self._seen = seen
        return seen

    def _read_head(self) -> _Head:
        document = self._container.read(self._head)
        if document is None:
            return _Head()
        try:
            values = decode_envelope(document.content, self._head)
            return _Head(int(values["seq"]), int(values["epoch"]), document.version)
        except NewerSchema:
            raise
        except (StateError, ValueError, KeyError, TypeError):
            raise StateError(f"{self._head} is damaged. {REPAIR}") from None

    def _read_month(self, blob: Listed, known: _Month | None) -> _Month:
        """What came since it was read last, when that tells; else all of it."""
        if known is not None and known.blob.version == blob.version:
            return known
        if known is None or known.blob.made != blob.made or known.blob.size >= blob.size:
            known = _Month(replace(blob, size=0), ())
        start = known.blob.size
        content = self._container.read_part(blob.name, start, blob.size - start) if blob.size > start else b""
        if len(content) < blob.size - start or content[-1:] not in (b"", b"\n"):
            raise StateError(f"{blob.name} ends in the middle of a line. {REPAIR}")
        batches = [known.records]
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                batches.append(batch_in(line))
            except NewerSchema as error:
                raise NewerSchema(f"{_place(blob, number, start)} cannot be read: {error}") from None
            except StateError as error:
                raise StateError(f"{_place(blob, number, start)} is damaged: {error} {REPAIR}") from None
        return _Month(blob, tuple(record for batch in batches for record in batch))

    def _check_whole(self, seen: _Seen) -> None:
        """Raises StateError unless every record from the first to the one that the head names is there."""
        for position, record in enumerate(seen.records, start=1):
            if record.seq != position:
                raise StateError(f"The ledger in {self._folder} has a gap: record {position} is missing. {REPAIR}")
        if seen.count < seen.head.seq:
            raise StateError(
                f"The ledger in {self._folder} ends with record {seen.count}, but {seen.head.seq} were written. {REPAIR}"
            )


def _place(blob: Listed, line: int, start: int) -> str:
    return f"Line {line}{f' after byte {start}' if start else ''} of {blob.name}"


def _is_listed(head: _Head, name: str, listed: Iterable[Listed]) -> bool:
    """The head is as it was."""
    return head.version == next((each.version for each in listed if each.name == name), None)
