"""The JSON that outsiders rely on, by its exact keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from reporting_builders import (
    ANNOTATIONS,
    COMMIT,
    HELD,
    NOW,
    POOL,
    SECRET,
    SHARD,
    WAITS,
    a_converged_report,
    a_plan,
    a_report,
)

from function_app.model.report import Outcome, Result
from function_app.model.state import Decision, DecisionKind
from function_app.reporting.document import ReportDocument
from function_app.reporting.json_report import (
    decision_json,
    plan_json,
    preview_json,
    problem_json,
    report_json,
    status_json,
)

CHANGE = {
    "verb": "update",
    "target": "cluster/spoke1-aks",
    "resource": "Namespace/default",
    "reason": "new",
    "waits_for": "serving",
    "because": "its pods leave through tenant0's gateway",
}


def rows(document: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """A list of objects in a document."""
    found = document[key]
    assert isinstance(found, list)
    return found


def test_a_plan_has_exactly_the_promised_keys() -> None:
    """Scripts read these keys; a body is not among them."""
    found = plan_json(a_plan(ANNOTATIONS))
    assert {
        "plan_id": "9c0ffee1234567890abc",
        "hub": "hub1",
        "commit": COMMIT,
        "changes": [CHANGE],
        "refused": [
            {
                "code": "removals",
                "subject": "hub/hub1",
                "message": "3 of 4 attachments would be removed, the limit is 20 %.",
            },
            {"code": "definition-held", "subject": "tenants/tenant9.yaml", "message": "it is not in force."},
        ],
        "notes": ["2 connections are cut by the rollout"],
        "deferrals": [],
    } == found


def test_a_pass_adds_outcomes_and_what_was_seen() -> None:
    """Each change says what became of it; one that was not ready is pending."""
    found = report_json(a_report(), WAITS)
    assert [
        {"outcome": "created", "message": ""},
        {"outcome": "pending", "message": ""},
        {"outcome": "started", "message": ""},
    ] == [{key: change[key] for key in ("outcome", "message")} for change in rows(found, "changes")]
    assert {
        "plan_id",
        "hub",
        "commit",
        "changes",
        "refused",
        "notes",
        "attachments",
        "commit_seen",
        "source_problem",
        "started_at",
        "finished_at",
        "converged",
        "unreadable",
        "held",
        "unattributed",
        "clusters",
        "limits",
        "look_again_seconds",
        "last_drift",
        "commit_since",
        "deferrals",
        "settled_since",
    } == found.keys()
    assert ("2026-11-23T06:40:05+00:00", False, 20.0) == (
        found["finished_at"],
        found["converged"],
        found["look_again_seconds"],
    )
    assert {"spoke1-aks": ["kube-system", "platform"]} == found["unattributed"]


def test_attachments_say_since_when_they_wait() -> None:
    """`since` comes from what passes remember; an attachment that nobody remembers has none."""
    first, second = rows(report_json(a_report(), WAITS), "attachments")
    assert {
        "tenant": "tenant0",
        "cluster": "spoke1-aks",
        "cidr": "10.99.0.0/29",
        "stage": "pooled",
        "current": False,
        "waiting_for": ["serving", "permitted"],
        "since": "2026-11-23T06:36:45+00:00",
        "detail": "1 of 2 replicas is available",
        "namespaces": ["default"],
        "generation": "",
        "gateways": [],
        "last_drift": None,
    } == first
    assert (None, [], "routed") == (second["since"], second["waiting_for"], second["stage"])


def test_held_files_and_unreadable_targets_are_told_in_full() -> None:
    """Who reads the JSON alone must learn which file is held and why."""
    found = report_json(a_report(), WAITS)
    assert [
        {
            "file": "tenants/tenant9.yaml",
            "since": COMMIT,
            "previous_in_force": True,
            "problems": [
                {
                    "file": "gitops/tenants/tenant9.yaml",
                    "line": 14,
                    "column": 9,
                    "path": "spec.egress.allow[0].fqdns[0]",
                    "severity": "error",
                    "code": "fqdn-form",
                    "message": "`a b` has a space.",
                    "hint": "Write a name such as www.example.com.",
                }
            ],
        }
    ] == found["held"]
    assert [
        {
            "target": "cluster/spoke2-aks",
            "at": "2026-11-23T06:40:05+00:00",
            "message": "list IPPool on cluster/spoke2-aks: timed out",
            "permanent": False,
            "late": False,
        }
    ] == found["unreadable"]
    assert problem_json(HELD.problems[0]) == rows(rows(found, "held")[0], "problems")[0]


def test_no_body_reaches_the_json() -> None:
    """Bodies may be large and are nobody's business; plain JSON is all there is."""
    text = json.dumps([report_json(a_report(), WAITS), preview_json(a_report())])
    assert SECRET not in text


def test_a_preview_notes_what_it_did_without() -> None:
    """A plan made while a cluster is silent must not look like the whole truth."""
    assert [
        "The last good commit stays in force: the repository cannot be fetched",
        "cluster/spoke2-aks could not be read: list IPPool on cluster/spoke2-aks: timed out",
        "2 connections are cut by the rollout",
    ] == preview_json(a_report())["notes"]


def test_what_was_done_before_a_late_target_was_planned_is_kept() -> None:
    """The last plan of a pass may no longer name a change that the first one carried out."""
    report = a_report(Outcome(POOL, Result.CREATED), Outcome(SHARD, Result.FAILED, "busy"), plan=a_plan(SHARD))
    assert [("IPPool/tenant0-pool", "created"), ("RuleCollectionGroup/egress-000", "failed")] == [
        (change["resource"], change["outcome"]) for change in rows(report_json(report, WAITS), "changes")
    ]


def test_a_document_read_back_is_the_report() -> None:
    """Status and terminal render what was stored: nothing may be lost on the way."""
    document = ReportDocument.of_report(a_report(), WAITS)
    assert document == ReportDocument.model_validate(json.loads(json.dumps(report_json(a_report(), WAITS))))
    assert (NOW, NOW - timedelta(seconds=200)) == (document.finished_at, document.attachments[0].since)
    assert ("RuleCollectionGroup/egress-000",) == document.firewall_started
    assert document.firewall_busy
    assert not ReportDocument.of_report(a_converged_report(), {}).firewall_busy


def test_a_status_has_the_report_and_the_blocks() -> None:
    """Blocks stand beside the report, since they hold before the first pass too."""
    decision = Decision(DecisionKind.BLOCK, "tenant1", "incident 7", "jo", NOW, NOW + timedelta(hours=4))
    shown = {
        "kind": "block",
        "subject": "tenant1",
        "code": "",
        "reason": "incident 7",
        "by": "jo",
        "at": "2026-11-23T06:40:05+00:00",
        "expires": "2026-11-23T10:40:05+00:00",
    }
    assert shown == decision_json(decision)
    assert {**shown, "expires": None} == decision_json(replace(decision, expires=None))
    assert {"hub": "hub1", "report": None, "blocks": [shown], "suspensions": [], "problem": ""} == status_json(
        "hub1", None, [decision]
    )
