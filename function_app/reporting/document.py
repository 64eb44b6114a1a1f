"""A report's JSON read back, so that terminal, page and stored status are renderings of one and the same contract.

What an earlier release stored may lack newer keys: each has a default. What is no report at all raises pydantic's
ValidationError.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from function_app.model.plan import Stage, WaitsFor
from function_app.model.report import Report, Result
from function_app.model.state import Wait
from function_app.reporting.json_report import held_json, plan_json, report_json, unreadable_json

FIREWALL_WAITS: frozenset[str] = frozenset(
    {WaitsFor.FIREWALL_BUSY.value, WaitsFor.PERMITTED.value, WaitsFor.RULES_GONE.value}
)
"""Waits that end when the firewall finishes what it is doing."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ChangeRow(_Part):
    """One change; `outcome` is empty in a plan."""

    verb: str
    target: str
    resource: str
    reason: str
    because: str = ""
    waits_for: str | None = None
    outcome: str = ""
    message: str = ""


class RefusalRow(_Part):
    """One refusal."""

    code: str
    subject: str
    message: str


class DriftRow(_Part):
    """The last drift that was undone."""

    at: datetime
    target: str
    resource: str
    words: str
    who: str = ""


class AttachmentRow(_Part):
    """One attachment."""

    tenant: str
    cluster: str
    cidr: str
    stage: str
    current: bool = True
    waiting_for: tuple[str, ...] = ()
    since: datetime | None = None
    detail: str = ""
    namespaces: tuple[str, ...] = ()
    generation: str = ""
    last_drift: DriftRow | None = None

    @property
    def name(self) -> str:
        """`TENANT@CLUSTER`."""
        return f"{self.tenant}@{self.cluster}"


class UnreadableRow(_Part):
    """One target that could not be read."""

    target: str
    message: str
    permanent: bool = False


class ProblemRow(_Part):
    """One problem of a definition."""

    file: str
    line: int
    column: int
    path: str = ""
    message: str
    hint: str = ""


class HeldRow(_Part):
    """One file whose newest content is not in force."""

    file: str
    since: str = ""
    previous_in_force: bool = False
    problems: tuple[ProblemRow, ...] = ()


class DeferralRow(_Part):
    """Something of Git that is not taken up."""

    scope: str
    reason: str
    detail: str = ""
    until: datetime | None = None
    plan: str = ""


class ClusterRow(_Part):
    """Where one cluster's packets come from."""

    egress: str = ""
    node_subnet: str = ""


class LimitRow(_Part):
    """How much of one limit is used."""

    limit: str
    subject: str
    used: int
    most: int


class ReportDocument(_Part):
    """A plan or a report. A plan has no times."""

    plan_id: str
    hub: str
    commit: str
    commit_seen: str = ""
    commit_since: datetime | None = None
    last_drift: DriftRow | None = None
    source_problem: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    converged: bool = False
    changes: tuple[ChangeRow, ...] = ()
    refused: tuple[RefusalRow, ...] = ()
    notes: tuple[str, ...] = ()
    attachments: tuple[AttachmentRow, ...] = ()
    unreadable: tuple[UnreadableRow, ...] = ()
    held: tuple[HeldRow, ...] = ()
    deferrals: tuple[DeferralRow, ...] = ()
    unattributed: Mapping[str, tuple[str, ...]] = {}
    clusters: Mapping[str, ClusterRow] = {}
    limits: tuple[LimitRow, ...] = ()
    look_again_seconds: float | None = None

    @classmethod
    def of_plan(cls, report: Report) -> Self:
        """What was planned and not carried out."""
        return cls.model_validate(
            {
                **plan_json(report.plan),
                "commit_seen": report.commit_seen,
                "source_problem": report.source_problem,
                "unreadable": unreadable_json(report),
                "held": held_json(report),
            }
        )

    @classmethod
    def of_report(cls, report: Report, waits: Mapping[str, Wait]) -> Self:
        """What a pass did."""
        return cls.model_validate(report_json(report, waits))

    @property
    def firewall_busy(self) -> bool:
        """Something waits for the firewall to finish what it is doing; on the way down, rules are among what must go."""
        codes = {code for row in self.attachments for code in row.waiting_for} | {row.waits_for for row in self.changes}
        leaving = any(row.stage == Stage.LEAVING and row.waiting_for for row in self.attachments)
        return leaving or bool(codes & FIREWALL_WAITS)

    @property
    def firewall_started(self) -> tuple[str, ...]:
        """Shards whose write this pass started."""
        return tuple(
            row.resource
            for row in self.changes
            if row.target.startswith("firewall/") and row.outcome == Result.STARTED.value
        )
