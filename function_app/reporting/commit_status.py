"""What stands on a commit: pending with the stages in words, success, or failure with its reason.

A commit that was in force whole stays a success: that a later pass undoes drift is no news about it. Only a failure still counts.
"""

from __future__ import annotations

from collections import Counter

from function_app.model.names import Commit
from function_app.model.plan import AttachmentState, RefusalCode, Stage
from function_app.model.report import Report
from function_app.model.telling import CommitState, CommitStatus
from function_app.reporting.words import STAGES, counted, plain, short, waits_in_words


def status_of(report: Report) -> CommitStatus:
    """How the newest commit stands after a pass."""
    commit, hub = Commit(report.commit_seen), report.plan.hub
    if wrong := _wrong(report):
        return CommitStatus(commit, hub, CommitState.FAILURE, wrong)
    if report.converged:
        return CommitStatus(commit, hub, CommitState.SUCCESS, f"in force: {_routed(report)}")
    return CommitStatus(commit, hub, CommitState.PENDING, _under_way(report))


def statuses_to_set(report: Report, before: CommitStatus | None) -> tuple[CommitStatus, ...]:
    """What has to be set now; `before` is what was set last on this hub."""
    now = status_of(report)
    if now == before:
        return ()
    if before is None or before.commit == now.commit:
        settled = before is not None and before.state is CommitState.SUCCESS
        return () if settled and now.state is CommitState.PENDING else (now,)
    if before.state is not CommitState.PENDING:
        return (now,)
    text = f"superseded by {short(now.commit)} before it was in force whole"
    return (CommitStatus(before.commit, before.hub, CommitState.SUPERSEDED, text), now)


def _wrong(report: Report) -> str:
    """What a person must mend, the first thing in words and how many more there are; empty when nothing is."""
    found: list[str] = []
    if report.source_problem and report.plan.commit != report.commit_seen:
        found.append(report.source_problem)
    found += [str(held.problems[0]) if held.problems else f"{held.file} is not in force" for held in report.held]
    found += [one.message for one in report.plan.refused if one.code is not RefusalCode.DEFINITION_HELD]
    found += [f"{one.target} cannot be read: {one.message}" for one in report.unreadable if one.permanent]
    if not found:
        return ""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return _line(found[0]) + more


def _under_way(report: Report) -> str:
    waiting = [
        one for one in report.plan.attachments if one.waiting_for or one.stage is not Stage.ROUTED or not one.current
    ]
    if not waiting:
        left = [f"{one.target} has not answered" for one in report.unreadable]
        return _line("; ".join(left) or f"{counted(len(report.plan.changes), 'change')} under way")
    stages = Counter(one.stage for one in waiting)
    told = ", ".join(
        f"{stages[stage]} {stage.value}" for stage in (*STAGES, Stage.ABSENT, Stage.LEAVING) if stages[stage]
    )
    if len(waiting) == 1:
        told = _stage(waiting[0])
    return _line(f"{_routed(report)}; {told}")


def _stage(one: AttachmentState) -> str:
    waits = waits_in_words(tuple(code.value for code in one.waiting_for))
    return f"{one.key}: {one.stage.value}" + (f", waits for {waits}" if waits else "")


def _routed(report: Report) -> str:
    attachments = report.plan.attachments
    routed = sum(one.stage is Stage.ROUTED for one in attachments)
    return f"{routed} of {counted(len(attachments), 'attachment')} routed"


def _line(text: str) -> str:
    return " ".join(plain(text).split())
