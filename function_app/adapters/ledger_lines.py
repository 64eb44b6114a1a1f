"""A line of a ledger, wherever the lines are kept: one batch of records, with what it should hash to; and what may follow."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from function_app.adapters.state_codec import SCHEMA, check_schema, decode_records, encode_records
from function_app.model.errors import LeaseLost, StateError
from function_app.model.ledger import Record

REPAIR = "Put it back from a backup; until then only revocations and blocks proceed."


def line_of(batch: tuple[Record, ...]) -> bytes:
    """A batch as one line of JSON that ends in a newline."""
    records = encode_records(batch)
    line = {"schema": SCHEMA, "sha256": _digest(records), "records": records}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def batch_in(line: bytes) -> tuple[Record, ...]:
    """The batch of one line; raises StateError when it is not what was written, or a newer release wrote it."""
    try:
        values = json.loads(line)
    except ValueError:
        raise StateError("it is not JSON.") from None
    check_schema(values, "it")
    records = values.get("records")
    if values.get("sha256") != _digest(records):
        raise StateError("its content is not what was written.")
    return decode_records(records)


def check_epoch(batch: tuple[Record, ...], newest: int) -> None:
    """Raises LeaseLost when a batch is older than the newest epoch stored."""
    oldest = min(record.epoch for record in batch)
    if oldest < newest:
        raise LeaseLost(
            f"Epoch {newest} has written to the ledger; epoch {oldest} is over and writes nothing any more."
        )


def check_seq(batch: tuple[Record, ...], stored: int) -> None:
    """Raises StateError when a batch does not continue so many stored records."""
    if [record.seq for record in batch] != list(range(stored + 1, stored + 1 + len(batch))):
        raise StateError(
            f"The ledger holds {stored} records, and what was to be appended begins with {batch[0].seq}: somebody wrote in "
            "between. Read it again."
        )


def _digest(records: Any) -> str:
    return hashlib.sha256(json.dumps(records, separators=(",", ":"), sort_keys=True).encode()).hexdigest()
