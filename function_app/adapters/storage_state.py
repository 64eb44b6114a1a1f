"""Small records on blobs: a hub's state and decisions, reports and past passes for readers, and the fold's checkpoint.

What a pass writes is fenced by the lease's epoch, which the blob carries as metadata; what people decide is not, since they
hold no lease: it is read, changed and written back under the condition that nobody wrote in between.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from function_app.adapters.state_codec import (
    SCHEMA,
    NewerSchema,
    StateText,
    decisions_in,
    decode_envelope,
    decode_told,
    encode_decisions,
    encode_told,
)
from function_app.adapters.storage_blobs import BlobContainer, Document, hub_path
from function_app.model.errors import StateError
from function_app.model.names import HubName
from function_app.model.state import Decision, HubState
from function_app.model.telling import Told

MOST_ENTRIES = 200
"""Past passes that are kept of a hub."""
CHECKPOINT = "checkpoint.json"


class StateBlobs:
    """`StateStore` of one hub."""

    def __init__(self, container: BlobContainer, hub: HubName) -> None:
        self._container = container
        self._state = f"{hub_path(hub)}/state.json"
        self._decisions = f"{hub_path(hub)}/decisions.json"
        self._text = StateText()

    def read(self) -> HubState:
        """What was last written; the empty state when nothing was or it cannot be understood. StateError: nobody answers."""
        document = self._container.read(self._state)
        if document is not None:
            with suppress(StateError):
                return self._text.decoded(document.content, self._state)
        return HubState()

    def write(self, state: HubState, epoch: int) -> None:
        """Replace; raises LeaseLost when a newer epoch has written."""
        self._container.write_fenced(self._state, self._text.encoded(state, epoch), epoch)

    def decisions(self) -> tuple[Decision, ...]:
        """What people decided, expired ones included; raises StateError."""
        return self._decided(self._container.read(self._decisions))

    def decide(self, decision: Decision) -> None:
        """Add a decision, or replace the one of the same kind and subject; raises StateError."""

        def with_it(document: Document | None) -> bytes:
            others = [each for each in self._decided(document) if not _is(each, decision.kind, decision.subject)]
            return _decisions((*others, decision))

        self._container.changed(self._decisions, with_it)

    def withdraw(self, kind: str, subject: str) -> bool:
        """Take a decision back; False when there was none. Raises StateError."""
        found = False

        def without_it(document: Document | None) -> bytes | None:
            nonlocal found
            before = self._decided(document)
            others = [each for each in before if not _is(each, kind, subject)]
            found = len(others) < len(before)
            return _decisions(others) if found else None

        self._container.changed(self._decisions, without_it)
        return found

    def _decided(self, document: Document | None) -> tuple[Decision, ...]:
        return decisions_in(document.content, self._decisions) if document is not None else ()


class StatusBlobs:
    """`StatusStore` for every hub of a container."""

    def __init__(self, container: BlobContainer) -> None:
        self._container = container

    def record(self, hub: HubName, report: Mapping[str, object], epoch: int) -> None:
        """Keep the newest report; raises LeaseLost when a newer epoch has written, StateError when it cannot be kept."""
        name = _status(hub)
        self._container.write_fenced(name, _checked_json(report, name), epoch)

    def latest(self, hub: HubName) -> Mapping[str, object] | None:
        """The newest report; None before the first pass, and when it cannot be understood, since the next pass renews it."""
        document = self._container.read(_status(hub))
        try:
            report = json.loads(document.content) if document is not None else None
        except ValueError:
            return None
        return report if isinstance(report, dict) else None


class HistoryBlobs:
    """`History` for every hub of a container."""

    def __init__(self, container: BlobContainer) -> None:
        self._container = container

    def add(self, hub: HubName, entry: Mapping[str, object], epoch: int) -> None:
        """Keep one more pass. What cannot be understood is begun anew, what a newer release wrote is left: StateError."""
        name = _history(hub)
        _checked_json(entry, name)
        kept = [*self.entries(hub), entry][-MOST_ENTRIES:]
        self._container.write_fenced(name, _json({"schema": SCHEMA, "entries": kept}), epoch)

    def entries(self, hub: HubName) -> tuple[Mapping[str, object], ...]:
        """The last passes, oldest first; raises StateError for a newer schema."""
        name = _history(hub)
        document = self._container.read(name)
        if document is None:
            return ()
        try:
            entries = decode_envelope(document.content, name).get("entries")
        except NewerSchema:
            raise
        except StateError:
            return ()
        return tuple(each for each in entries if isinstance(each, dict)) if isinstance(entries, list) else ()


class ToldBlobs:
    """`ToldStore` for every hub of a container."""

    def __init__(self, container: BlobContainer) -> None:
        self._container = container

    def read(self, hub: HubName) -> Told:
        """What was last written; nothing told when it cannot be understood. StateError: nobody answers."""
        name = _told(hub)
        document = self._container.read(name)
        if document is not None:
            with suppress(StateError):
                return decode_told(decode_envelope(document.content, name).get("told"))
        return Told()

    def write(self, hub: HubName, told: Told, epoch: int) -> None:
        """Replace; raises LeaseLost when a newer epoch has written."""
        self._container.write_fenced(_told(hub), _json({"schema": SCHEMA, "told": encode_told(told)}), epoch)


class CheckpointBlob:
    """A small text: where the fold over commits left off, or which commit was in force. What cannot be kept is passed over."""

    def __init__(self, container: BlobContainer, name: str = CHECKPOINT) -> None:
        self._container = container
        self._name = name
        self._last: str | None = None

    def read_checkpoint(self) -> str | None:
        """What was last written, None when there is nothing to be read."""
        try:
            document = self._container.read(self._name)
            self._last = document.content.decode() if document else None
        except (StateError, UnicodeDecodeError):
            self._last = None
        return self._last

    def write_checkpoint(self, text: str) -> None:
        """Replace it, unless it reads so already."""
        if text != self._last:
            with suppress(StateError):
                self._container.write_fenced(self._name, text.encode(), epoch=0)
                self._last = text


def _status(hub: HubName) -> str:
    return f"{hub_path(hub)}/status.json"


def _history(hub: HubName) -> str:
    return f"{hub_path(hub)}/history.json"


def _told(hub: HubName) -> str:
    return f"{hub_path(hub)}/told.json"


def _decisions(decisions: Iterable[Decision]) -> bytes:
    return _json({"schema": SCHEMA, "decisions": encode_decisions(decisions)})


def _is(decision: Decision, kind: str, subject: str) -> bool:
    return (decision.kind, decision.subject) == (kind, subject)


def _checked_json(values: Mapping[str, object], name: str) -> bytes:
    try:
        return _json(values)
    except (TypeError, ValueError) as error:
        raise StateError(f"The report cannot be kept in {name}: {type(error).__name__}.") from None


def _json(values: Any) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()
