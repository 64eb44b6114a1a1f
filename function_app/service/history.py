"""What is kept of a pass for readers: a few lines out of its report, who asked for it, and what could not be done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from function_app.model.intent import Intent
from function_app.service.requests import Json

MOST_CHANGES = 20
"""Changes that are kept of one pass; `changes_in_all` tells how many there were."""
_CHANGE = ("verb", "target", "resource", "reason", "waits_for", "outcome", "message")


def entry_of_pass(report: Mapping[str, object], intent: Intent, epoch: int) -> Json:
    """An entry for a report's JSON (`reporting.json_report.report_json`)."""
    changes = _rows(report.get("changes"))
    return {
        **{key: report.get(key) for key in ("plan_id", "commit", "commit_seen", "started_at", "finished_at")},
        **{key: report.get(key) for key in ("converged", "source_problem", "look_again_seconds")},
        "epoch": epoch,
        **_asked(intent),
        "changes": [{key: change.get(key) for key in _CHANGE} for change in changes[:MOST_CHANGES]],
        "changes_in_all": len(changes),
        "refused": [each.get("code") for each in _rows(report.get("refused"))],
        "unreadable": [each.get("target") for each in _rows(report.get("unreadable"))],
    }


def entry_of_problem(at: datetime, problem: str, intent: Intent) -> Json:
    """An entry for a pass that could not be begun."""
    return {"finished_at": at.isoformat(), "converged": False, "problem": problem, **_asked(intent)}


def _asked(intent: Intent) -> Json:
    return {"reasons": sorted(each.value for each in intent.reasons), "by": list(intent.by)}


def _rows(value: object) -> list[Mapping[str, object]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
