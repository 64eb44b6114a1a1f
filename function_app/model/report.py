"""What became of a plan: the only thing shown to people; log, JSON, terminal are renderings of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from function_app.model.plan import Change, Plan
from function_app.model.resources import Unreadable
from function_app.model.tree import Held


class Result(StrEnum):
    """What became of one change."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    ADOPTED = "adopted"
    STARTED = "started"
    """A slow write was accepted; a later pass observes how it went."""
    PENDING = "pending"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One change and what became of it, with the target's words when it failed; `operation` is the id of a slow write."""

    change: Change
    result: Result
    message: str = ""
    retry_after: float | None = None
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One pass of one hub. `commit_seen` is the newest commit fetched, `plan.commit` the one in force."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    commit_seen: str
    started_at: datetime
    finished_at: datetime
    unreadable: tuple[Unreadable, ...] = ()
    held: tuple[Held, ...] = ()
    source_problem: str = ""

    @property
    def converged(self) -> bool:
        """Nothing to change, nothing to wait for, nothing refused, nothing unread."""
        plan = self.plan
        waiting = any(one.waiting_for for one in plan.attachments)
        return not (
            plan.changes or plan.records or plan.refused or waiting or self.unreadable or plan.look_again_seconds
        )

    @property
    def stopped(self) -> bool:
        """Nothing more happens until a person acts: what is left is refused, unreadable for good, or waits for somebody."""
        moving = self.plan.look_again_seconds is not None or any(not one.permanent for one in self.unreadable)
        return not self.converged and not moving

    @property
    def writes(self) -> int:
        """How many writes reached a target."""
        return sum(outcome.result not in (Result.PENDING, Result.SKIPPED) for outcome in self.outcomes)
