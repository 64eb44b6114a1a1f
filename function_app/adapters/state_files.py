"""Small records on local files: a hub's state and decisions, reports for readers, and the fold's checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from function_app.adapters.durable_files import exclusive, hub_folder, replace_file
from function_app.adapters.state_codec import (
    SCHEMA,
    StateText,
    decisions_in,
    encode_decisions,
    epoch_in,
)
from function_app.model.errors import LeaseLost, StateError
from function_app.model.names import HubName
from function_app.model.state import Decision, HubState

STATE_FILE = "state.json"
DECISIONS_FILE = "decisions.json"
REPORT_EPOCH_FILE = "report-epoch"
"""The report itself is kept as it is given, for people with an editor; the epoch that wrote it stands beside it."""


class StateFile:
    """`StateStore` on one hub's folder."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / STATE_FILE
        self._decisions = folder / DECISIONS_FILE
        self._lock = folder / "state.lock"
        self._text = StateText()

    def read(self) -> HubState:
        """What was last written; the empty state when nothing was or it cannot be understood."""
        with suppress(StateError):
            return self._text.decoded(_content(self._state), str(self._state))
        return HubState()

    def write(self, state: HubState, epoch: int) -> None:
        """Replace; raises LeaseLost when a newer epoch has written, StateError when it cannot be written."""
        content = self._text.encoded(state, epoch)
        with exclusive(self._lock, "The hub's state"):
            newest = self.epoch()
            if epoch < newest:
                raise LeaseLost(f"Epoch {newest} has written the hub's state; epoch {epoch} is over.")
            replace_file(self._state, content)

    def epoch(self) -> int:
        """The epoch that wrote last, 0 when that is not known."""
        with suppress(StateError):
            return epoch_in(_content(self._state), str(self._state))
        return 0

    def decisions(self) -> tuple[Decision, ...]:
        """What people decided, expired ones included; raises StateError."""
        return decisions_in(_content(self._decisions), str(self._decisions)) if self._decisions.exists() else ()

    def decide(self, decision: Decision) -> None:
        """Add a decision, or replace the one of the same kind and subject; raises StateError."""
        with exclusive(self._lock, "The hub's decisions"):
            others = [each for each in self.decisions() if not _same(each, decision.kind, decision.subject)]
            self._write_decisions((*others, decision))

    def withdraw(self, kind: str, subject: str) -> bool:
        """Take a decision back; False when there was none. Raises StateError."""
        with exclusive(self._lock, "The hub's decisions"):
            before = self.decisions()
            others = [each for each in before if not _same(each, kind, subject)]
            if len(others) == len(before):
                return False
            self._write_decisions(others)
            return True

    def _write_decisions(self, decisions: Iterable[Decision]) -> None:
        values = {"schema": SCHEMA, "decisions": encode_decisions(decisions)}
        replace_file(self._decisions, json.dumps(values, indent=1))


class StatusFiles:
    """`StatusStore` on a folder with one folder a hub."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def record(self, hub: HubName, report: Mapping[str, object], epoch: int) -> None:
        """Keep the newest report; raises LeaseLost when a newer epoch has written, StateError when it cannot be kept."""
        path = self._path(hub)
        try:
            text = json.dumps(report)
        except (TypeError, ValueError) as error:
            raise StateError(f"The report cannot be kept in {path}: {type(error).__name__}.") from None
        with exclusive(path.with_name("report.lock"), "The hub's report"):
            newest = _epoch_in(path.with_name(REPORT_EPOCH_FILE))
            if epoch < newest:
                raise LeaseLost(f"Epoch {newest} has written the hub's report; epoch {epoch} is over.")
            # The epoch first: killed in between, we have shut out others that were late anyway.
            replace_file(path.with_name(REPORT_EPOCH_FILE), str(epoch))
            replace_file(path, text)

    def latest(self, hub: HubName) -> Mapping[str, object] | None:
        """The newest report; None before the first pass, and when it cannot be read, since the next pass renews it."""
        try:
            report = json.loads(self._path(hub).read_bytes())
        except (OSError, ValueError):
            return None
        return report if isinstance(report, dict) else None

    def _path(self, hub: HubName) -> Path:
        return hub_folder(self._folder, hub) / "report.json"


class CheckpointFile:
    """Where the fold over commits left off, as text. A cache: what fails to be read or written costs time, nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_checkpoint(self) -> str | None:
        """What was last written, None when there is nothing to be read."""
        try:
            return self._path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def write_checkpoint(self, text: str) -> None:
        """Replace it."""
        with suppress(OSError):
            replace_file(self._path, text)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}.") from None


def _epoch_in(path: Path) -> int:
    """0 when there is none, or nothing that can be understood: the next report renews it."""
    try:
        return int(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return 0


def _same(decision: Decision, kind: str, subject: str) -> bool:
    return (decision.kind, decision.subject) == (kind, subject)
