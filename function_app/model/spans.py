"""The ledger as rows: what stood behind a range from when to when. The join of docs/attribution.md is over these.

Pure: records in, rows out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from function_app.model.attribution import Attribution, after
from function_app.model.ledger import Holding, Record
from function_app.model.names import GenerationId


@dataclass(frozen=True, slots=True)
class Span:
    """`held` is what stood from `begins` until before `ends`, None while it still does; `seq` is the record that began it."""

    begins: datetime
    ends: datetime | None
    seq: int
    held: Attribution


def spans(records: Iterable[Record]) -> Iterator[Span]:
    """A row for each record and as long as the generation's next one is not written; none where that is at the same moment."""
    open_rows: dict[GenerationId, tuple[int, datetime, Attribution]] = {}
    for record in records:
        known = open_rows.pop(record.generation, None)
        if known is not None and known[1] < record.at and known[2].holding is not Holding.ENDED:
            yield Span(known[1], record.at, known[0], known[2])
        held = after(known[2] if known is not None else None, record)
        if held is not None:
            open_rows[record.generation] = (record.seq, record.at, held)
    for seq, begins, held in open_rows.values():
        if held.holding is not Holding.ENDED:
            yield Span(begins, None, seq, held)
