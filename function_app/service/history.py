"""What is kept of a pass for readers: a few lines out of its report, who asked for it, and what could not be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from function_app.model.intent import Intent
from function_app.model.report import Result
from function_app.service.requests import Json

MOST_CHANGES = 20
"""Changes that are kept of one pass; `changes_in_all` tells how many there were."""
MOST_ERRORS = 10
_CHANGE = ("verb", "target", "resource", "reason", "because", "waits_for", "outcome", "message", "operation")


def entry_of_pass(report: Mapping[str, object], intent: Intent, epoch: int) -> Json:
    """An entry for a report's JSON (`reporting.json_report.report_json`)."""
    changes = _rows(report.get("changes"))
    return {
        **{key: report.get(key) for key in ("plan_id", "commit", "commit_seen", "started_at", "finished_at")},
        **{key: report.get(key) for key in ("converged", "source_problem", "look_again_seconds")},
        "duration_seconds": _duration(report),
        "epoch": epoch,
        **_asked(intent),
        "changes": [{key: change.get(key) for key in _CHANGE} for change in changes[:MOST_CHANGES]],
        "changes_in_all": len(changes),
        "refused": [each.get("code") for each in _rows(report.get("refused"))],
        "unreadable": [each.get("target") for each in _rows(report.get("unreadable"))],
        "errors": _errors(report),
    }


def entry_of_problem(at: datetime, problem: str, intent: Intent) -> Json:
    """An entry for a pass that could not be begun."""
    return {
        "finished_at": at.isoformat(),
        "converged": False,
        "problem": problem,
        "errors": [problem],
        **_asked(intent),
    }


def last_error(entries: Iterable[Mapping[str, object]]) -> Json | None:
    """`{at, words}` of the newest pass that met one, None when none of those kept did."""
    for entry in reversed(list(entries)):
        errors = entry.get("errors")
        if isinstance(errors, list) and errors:
            return {"at": entry.get("finished_at"), "words": str(errors[0])}
    return None


def _errors(report: Mapping[str, object]) -> list[str]:
    """What went wrong, in words: at the source, at targets that could not be read, at writes. What is only late is no error."""
    source = [str(report["source_problem"])] if report.get("source_problem") else []
    unread = [f"{each.get('message')}" for each in _rows(report.get("unreadable")) if not each.get("late")]
    failed = [
        f"{each.get('target')} {each.get('resource')}: {each.get('message')}"
        for each in _rows(report.get("changes"))
        if each.get("outcome") == Result.FAILED.value
    ]
    return [*source, *unread, *failed][:MOST_ERRORS]


def _duration(report: Mapping[str, object]) -> float | None:
    started, finished = report.get("started_at"), report.get("finished_at")
    if not isinstance(started, str) or not isinstance(finished, str):
        return None
    return round((datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds(), 3)


def longest_wait(report: Mapping[str, object], now: datetime) -> float:
    """For how many seconds the attachment has waited that waits longest, by a report's JSON."""
    waiting = [
        str(row["since"]) for row in _rows(report.get("attachments")) if row.get("waiting_for") and row.get("since")
    ]
    return max((now - datetime.fromisoformat(min(waiting))).total_seconds(), 0.0) if waiting else 0.0


def _asked(intent: Intent) -> Json:
    return {"reasons": sorted(each.value for each in intent.reasons), "by": list(intent.by)}


def _rows(value: object) -> list[Mapping[str, object]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
