"""Plans, reports and problems as JSON-ready values: the contract that outsiders rely on. Never a body.

Keys are only ever added. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from function_app.model.admission import Deferral
from function_app.model.errors import Problem
from function_app.model.names import TargetName
from function_app.model.plan import AttachmentState, Change, Plan, Refusal
from function_app.model.report import Outcome, Report, Result
from function_app.model.resources import ResourceId
from function_app.model.state import Decision, DecisionKind, Drift, Wait

type Json = dict[str, object]


def plan_json(plan: Plan) -> Json:
    """`{plan_id, hub, commit, changes, refused, notes, deferrals}`.

    A change is `{verb, target, resource, reason, waits_for, because}`, a deferral as `deferral_json` says.
    """
    return {
        "plan_id": plan.plan_id,
        "hub": plan.hub,
        "commit": plan.commit,
        "changes": [_change(change) for change in plan.changes],
        "refused": [_refusal(refusal) for refusal in plan.refused],
        "notes": list(plan.notes),
        "deferrals": [deferral_json(one) for one in plan.deferrals],
    }


def preview_json(report: Report) -> Json:
    """A plan that was not carried out; what could not be fetched or read stands first among its notes."""
    return {**plan_json(report.plan), "notes": [*shortfalls(report), *report.plan.notes]}


def report_json(
    report: Report,
    waits: Mapping[str, Wait],
    drifts: Mapping[str, Drift] | None = None,
    commit_since: datetime | None = None,
    settled_since: datetime | None = None,
) -> Json:
    """A plan's JSON with `outcome`, `message` and `operation` on each change, and what the pass saw.

    `waits` and `drifts` are keyed by attachment (`TENANT@CLUSTER`), the newest drift of all by the empty text. `settled_since` is
    since when all of the commit is in force and at rest. The outcome of a change that was not ready is `pending`.
    """
    plan = report.plan
    return {
        **plan_json(plan),
        "changes": [{**_change(change), **_outcome(outcome)} for change, outcome in carried_out(report)],
        "attachments": [
            {**_attachment(one, waits.get(str(one.key))), "last_drift": _drift((drifts or {}).get(str(one.key)))}
            for one in plan.attachments
        ],
        "last_drift": _drift((drifts or {}).get("")),
        "commit_since": _time(commit_since),
        "settled_since": _time(settled_since),
        "commit_seen": report.commit_seen,
        "source_problem": report.source_problem,
        "started_at": _time(report.started_at),
        "finished_at": _time(report.finished_at),
        "converged": report.converged,
        "unreadable": unreadable_json(report),
        "held": held_json(report),
        "unattributed": {cluster: list(names) for cluster, names in plan.unattributed.items()},
        "clusters": {
            name: {"egress": one.egress, "node_subnet": one.node_subnet, "nodes": dict(one.nodes)}
            for name, one in plan.clusters.items()
        },
        "limits": [
            {"limit": one.limit, "subject": one.subject, "used": one.used, "most": one.most} for one in plan.limits
        ],
        "look_again_seconds": plan.look_again_seconds,
    }


def deferral_json(one: Deferral) -> Json:
    """`{scope, reason, detail, until, plan}`: what of Git is not taken up, such as `tenant/NAME`, why, and when that ends.

    `plan` is the digest that a waiver permits, empty where none can.
    """
    return {
        "scope": str(one.scope),
        "reason": one.reason.value,
        "detail": one.words,
        "until": _time(one.until),
        "plan": one.plan,
    }


def problem_json(problem: Problem) -> Json:
    """`{file, line, column, path, severity, code, message, hint}`."""
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "path": problem.path,
        "severity": problem.severity.value,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    }


def decision_json(decision: Decision) -> Json:
    """`{kind, subject, code, reason, by, at, expires}`."""
    return {
        "kind": decision.kind.value,
        "subject": decision.subject,
        "code": decision.code,
        "reason": decision.reason,
        "by": decision.by,
        "at": _time(decision.at),
        "expires": _time(decision.expires),
    }


def status_json(hub: str, latest: Mapping[str, object] | None, decided: Iterable[Decision], problem: str = "") -> Json:
    """`{hub, report, blocks, suspensions, problem}`; the report is the newest one, None before the first pass.

    Of what people decided only what is in force belongs here.
    """
    in_force = tuple(decided)
    return {
        "hub": hub,
        "report": None if latest is None else dict(latest),
        "blocks": [decision_json(one) for one in in_force if one.kind is DecisionKind.BLOCK],
        "suspensions": [decision_json(one) for one in in_force if one.kind is DecisionKind.SUSPEND],
        "problem": problem,
    }


def unreadable_json(report: Report) -> list[Json]:
    """`{target, at, message, permanent, late}` for each target that could not be read."""
    return [
        {
            "target": one.target,
            "at": _time(one.at),
            "message": one.message,
            "permanent": one.permanent,
            "late": one.late,
        }
        for one in report.unreadable
    ]


def held_json(report: Report) -> list[Json]:
    """`{file, since, previous_in_force, problems}` for each file whose newest content is not in force."""
    return [
        {
            "file": one.file,
            "since": one.since,
            "previous_in_force": one.previous_in_force,
            "problems": [problem_json(problem) for problem in one.problems],
        }
        for one in report.held
    ]


def carried_out(report: Report) -> list[tuple[Change, Outcome | None]]:
    """Every change with what became of it, None when it was not ready.

    A target that answers late is planned again: what was done before stands in front when the last plan no longer names it.
    """
    outcomes = {_key(outcome.change): outcome for outcome in report.outcomes}
    planned = {_key(change) for change in report.plan.changes}
    earlier = [(outcome.change, outcome) for key, outcome in outcomes.items() if key not in planned]
    return [*earlier, *((change, outcomes.get(_key(change))) for change in report.plan.changes)]


def shortfalls(report: Report) -> list[str]:
    """What this pass did without: the newest commit, or a target."""
    source = [f"The last good commit stays in force: {report.source_problem}"] if report.source_problem else []
    return [*source, *(f"{one.target} could not be read: {one.message}" for one in report.unreadable)]


def _key(change: Change) -> tuple[TargetName, ResourceId, str]:
    return change.target, change.resource, change.verb


def _change(change: Change) -> Json:
    return {
        "verb": change.verb.value,
        "target": change.target,
        "resource": str(change.resource),
        "reason": change.reason.value,
        "waits_for": None if change.waits_for is None else change.waits_for.value,
        "because": change.because,
    }


def _outcome(outcome: Outcome | None) -> Json:
    if outcome is None:
        return {"outcome": Result.PENDING.value, "message": "", "operation": ""}
    return {"outcome": outcome.result.value, "message": outcome.message, "operation": outcome.operation}


def _drift(drift: Drift | None) -> Json | None:
    if drift is None:
        return None
    found = {"at": _time(drift.at), "target": drift.target, "resource": drift.resource, "words": drift.words}
    return {**found, "who": drift.who}


def _refusal(refusal: Refusal) -> Json:
    return {"code": refusal.code.value, "subject": refusal.subject, "message": refusal.message}


def _attachment(one: AttachmentState, wait: Wait | None) -> Json:
    return {
        "tenant": one.key.tenant,
        "cluster": one.key.cluster,
        "cidr": one.cidr,
        "stage": one.stage.value,
        "current": one.current,
        "waiting_for": [code.value for code in one.waiting_for],
        "since": None if wait is None else _time(wait.since),
        "detail": one.detail,
        "namespaces": list(one.namespaces),
        "generation": one.generation,
        "gateways": [
            {"pod": pod.name, "address": pod.address, "node": pod.node, "since": _time(pod.since)}
            for pod in one.gateways
        ],
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
