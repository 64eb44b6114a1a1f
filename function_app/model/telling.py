"""What is told to people outside: on commits, and to the owners of tenants; and what has been told already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from function_app.model.names import Commit, HubName


class CommitState(StrEnum):
    """How a commit stands on one hub."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    SUPERSEDED = "superseded"
    """A newer commit came before this one was in force whole; nothing more is said of it."""


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """What stands on a commit for one hub; `text` is one line, of which a host may show the first 140 characters."""

    commit: Commit
    hub: HubName
    state: CommitState
    text: str


class NoticeKind(StrEnum):
    """Why an owner hears of us."""

    REFUSED = "refused"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    EXPIRING = "expiring"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that an owner should know. `key` is the same for the same thing, however often it is seen."""

    kind: NoticeKind
    hub: HubName
    key: str
    title: str
    text: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """How far the telling has come. Lost, it only makes things be told a second time.

    Ledger records up to `ledger_seq` were logged; on `restated_on` (UTC) those that still hold were logged once more. `status` is
    what stands on the newest commit. `notices` are those given, by key, with the time at which their reason was seen last.
    """

    ledger_seq: int = 0
    restated_on: date | None = None
    status: CommitStatus | None = None
    notices: Mapping[str, datetime] = field(default_factory=dict)
