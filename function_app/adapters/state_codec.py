"""Ledger records, state and decisions as JSON-ready values, the same wherever they are stored.

Unknown fields are passed over and missing ones get their defaults, so that neighbouring releases read each other's records.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
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


class _Envelope(msgspec.Struct):
    schema: Any = None
    epoch: Any = 0
    state: msgspec.Raw = msgspec.Raw(b"{}")


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class StateText:
    """A hub's state as it is stored: what has the bytes of what was written last is that state, and need not be decoded again.

    It is a few megabytes of firewall rules, and seldom another one than in the pass before. What was read and not written is not
    kept: a pass soon has what it observes in its place.
    """

    def __init__(self) -> None:
        self._known: tuple[HubState, bytes] | None = None

    def decoded(self, content: bytes, where: str) -> HubState:
        """The state in a stored object; raises StateError."""
        text = bytes(_envelope(content, where).state)
        known = self._known
        if known is not None and known[1] == text:
            return known[0]
        try:
            return _STATE.validate_json(text)
        except ValidationError as error:
            raise _not("a hub's state", error) from None

    def encoded(self, state: HubState, epoch: int) -> bytes:
        """The object to be stored."""
        known = self._known
        text = known[1] if known is not None and known[0] == state else _STATE.dump_json(state)
        self._known = state, text
        return b'{"schema": %d, "epoch": %d, "state": %b}' % (SCHEMA, epoch, text)


def epoch_in(content: bytes, where: str) -> int:
    """The epoch that stored an object, 0 when it does not say; raises StateError."""
    epoch = _envelope(content, where).epoch
    return epoch if isinstance(epoch, int) else 0


def _envelope(content: bytes, where: str) -> _Envelope:
    try:
        envelope = _ENVELOPE.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise StateError(f"{where} is not JSON.") from None
    check_schema({"schema": envelope.schema}, where)
    return envelope


def encode_decisions(decisions: Iterable[Decision]) -> list[Any]:
    """Decisions, in their order."""
    values: list[Any] = _DECISIONS.dump_python(tuple(decisions), mode="json")
    return values


def decode_decisions(values: object) -> tuple[Decision, ...]:
    """Decisions; raises StateError."""
    return _decoded(_DECISIONS, values, "decisions")


def decisions_in(content: bytes, where: str) -> tuple[Decision, ...]:
    """The decisions in a stored object; raises StateError with what to do about it."""
    try:
        return decode_decisions(decode_envelope(content, where).get("decisions"))
    except NewerSchema as error:
        raise NewerSchema(f"The recorded decisions cannot be read: {error}") from None
    except StateError as error:
        raise StateError(
            f"The recorded decisions cannot be read: {error} Put {where} back from a backup, or delete it and decide again: no "
            "block, waiver, forget or suspension holds without it."
        ) from None


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
        raise _not(what, error) from None


def _not(what: str, error: ValidationError) -> StateError:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return StateError(f"These are not {what}: {where}: {first['msg']}.")
