"""Ledger records, state and decisions as JSON-ready values, the same wherever they are stored.

Unknown fields are passed over and missing ones get their defaults, so that neighbouring releases read each other's records.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from function_app.model.errors import StateError
from function_app.model.ledger import Record
from function_app.model.state import Decision, HubState
from function_app.model.telling import Told

SCHEMA = 1
"""Raised when a record changes so that an older release would misread it."""


class NewerSchema(StateError):
    """A newer release has written this: it is whole, but not for us, and is never written over unless it can be lost."""


_RECORDS = TypeAdapter(tuple[Record, ...])
_STATE = TypeAdapter(HubState)
_TOLD = TypeAdapter(Told)
_DECISIONS = TypeAdapter(tuple[Decision, ...])


def encode_records(records: Iterable[Record]) -> list[Any]:
    """Ledger records, in their order; fields that most records leave at their defaults take no room."""
    values: list[Any] = _RECORDS.dump_python(tuple(records), mode="json", exclude_defaults=True)
    return values


def decode_records(values: object) -> tuple[Record, ...]:
    """Ledger records; raises StateError."""
    return _decoded(_RECORDS, values, "ledger records")


def encode_state(state: HubState) -> dict[str, Any]:
    """A hub's state."""
    values: dict[str, Any] = _STATE.dump_python(state, mode="json")
    return values


def decode_state(values: object) -> HubState:
    """A hub's state; raises StateError."""
    return _decoded(_STATE, values, "a hub's state")


def encode_decisions(decisions: Iterable[Decision]) -> list[Any]:
    """Decisions, in their order."""
    values: list[Any] = _DECISIONS.dump_python(tuple(decisions), mode="json")
    return values


def decode_decisions(values: object) -> tuple[Decision, ...]:
    """Decisions; raises StateError."""
    return _decoded(_DECISIONS, values, "decisions")


def encode_told(told: Told) -> dict[str, Any]:
    """What has been told."""
    values: dict[str, Any] = _TOLD.dump_python(told, mode="json")
    return values


def decode_told(values: object) -> Told:
    """What has been told; raises StateError."""
    return _decoded(_TOLD, values, "what has been told")


def decode_envelope(content: bytes, where: str) -> dict[str, Any]:
    """A stored JSON object of our schema; raises StateError, which names a schema that another release has written."""
    try:
        values = json.loads(content)
    except ValueError:
        raise StateError(f"{where} is not JSON.") from None
    check_schema(values, where)
    checked: dict[str, Any] = values
    return checked


def check_schema(values: object, where: str) -> None:
    """Raises StateError unless these values say that they are of our schema."""
    schema = values.get("schema") if isinstance(values, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise NewerSchema(
            f"{where} is of schema {schema}, written by a newer release; this one reads schema {SCHEMA}. Run the newer one."
        )
    if schema != SCHEMA:
        raise StateError(f"{where} is not of schema {SCHEMA}.")


def _decoded[T](codec: TypeAdapter[T], values: object, what: str) -> T:
    try:
        return codec.validate_python(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise StateError(f"These are not {what}: {where}: {first['msg']}.") from None
