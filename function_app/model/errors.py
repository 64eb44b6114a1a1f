"""The error tree. Two questions decide a class: whose is it to fix, and does waiting help?

    EgressError
    ├── DefinitionError      the author's; all problems at once, each with its place
    ├── SettingsError        the operator's; all settings at once
    ├── SourceError          the repository cannot be read; the last good commit stays in force
    ├── StateError           ledger or state cannot be read or written
    │   └── LeaseLost        somebody else holds the hub, or our time is over
    └── TargetError          a cluster, firewall or Route Server
        ├── TargetUnavailable    waiting helps: time-outs, 429, 5xx, busy; may say for how long
        ├── TargetRejected       waiting does not help: invalid, forbidden, wrong certificate
        ├── Conflict             somebody else owns the field or wrote in between
        └── NotFound             the one thing asked for is not there

Vendor exceptions become one of these at the door (`adapters/vendor_errors.py`); no message carries a secret or a whole body.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from function_app.model.names import Place


class Severity(StrEnum):
    """Only errors hold a file back; warnings are shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one value of one file.

    `code` is stable and kebab-case; `path` is the value's path in the document (`spec.egress.allow[2].fqdns[0]`);
    `message` says what and why, `hint` what to write instead. `files` are all files that take part in it, the first one
    being `place.file`: a cross-file rule names both owners.
    """

    place: Place
    path: str
    severity: Severity
    code: str
    message: str
    hint: str
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{self.place} {self.path}" if self.path else str(self.place)
        return f"{where}: {self.message} {self.hint}".rstrip()


class EgressError(Exception):
    """Everything this project raises on purpose."""


class DefinitionError(EgressError):
    """Definitions that cannot be used; carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class SettingsError(EgressError):
    """Settings that are missing or wrong, all of them."""


class SourceError(EgressError):
    """The repository, the ref or the commit cannot be read."""


class CommitGone(SourceError):
    """The repository was read and holds the commit no more: somebody force-pushed, and this copy never had it."""


class StateError(EgressError):
    """Ledger or state cannot be read or written."""


class LeaseLost(StateError):
    """The hub's lease is held by somebody else, or ours has run out."""


class TargetError(EgressError):
    """A target did not do what was asked.

    `code` is the target's own machine word where it gave one (`AnotherOperationInProgress`, `Conflict`), `status` the HTTP
    status or 0 when no answer came.
    """

    def __init__(self, message: str, *, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class TargetUnavailable(TargetError):
    """Waiting helps. `retry_after` is in seconds, None when the target did not say."""

    def __init__(self, message: str, *, code: str = "", status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after = retry_after


class TargetRejected(TargetError):
    """Waiting does not help: the request or our rights must change."""


class Conflict(TargetError):
    """A field is owned by somebody else, or the resource changed since it was read."""


class NotFound(TargetError):
    """The one resource asked for does not exist (its collection could be read)."""
