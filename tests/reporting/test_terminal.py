"""Renderings as text at fixed widths."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from reporting_builders import (
    ANNOTATIONS,
    HELD,
    NOW,
    POOL,
    SHARD,
    WAITS,
    a_converged_report,
    a_plan,
    a_report,
    seen,
)

from function_app.model.errors import Severity
from function_app.model.plan import ChangeReason, Verb, WaitsFor
from function_app.model.report import Outcome, Result
from function_app.model.state import Decision, DecisionKind
from function_app.reporting.document import ReportDocument
from function_app.reporting.status_view import status_view
from function_app.reporting.terminal import plan_view, problem_line, report_view, sum_of_pass, sum_of_problems
from function_app.reporting.words import REASONS, RESULTS, SIGNS, lasting, plain, steps
from function_app.reporting.words import WAITS as WAIT_WORDS

DOCUMENT = ReportDocument.of_report(
    a_report(Outcome(POOL, Result.FAILED, "409 Conflict"), Outcome(SHARD, Result.STARTED)), WAITS
)

PLAN_80 = """\
hub1  plan 9c0ffee12345  commit 4f1c2ad9b0
cluster/spoke1-aks
  + IPPool/tenant0-pool
      new: tenant0 is attached to spoke1-aks
  ~ Namespace/default
      new: its pods leave through tenant0's gateway (waits for its gateway pods)
firewall/hub1
  ~ RuleCollectionGroup/egress-000
      edited: tenant0 may reach www.tigera.io
source
  the last good commit stays in force: the repository cannot be fetched
unreadable
  cluster/spoke2-aks: list IPPool on cluster/spoke2-aks: timed out
refused
  removals hub/hub1: 3 of 4 attachments would be removed, the limit is 20 %.
held back
  tenants/tenant9.yaml since 4f1c2ad9b0: its previous content holds
    gitops/tenants/tenant9.yaml:14:9 spec.egress.allow[0].fqdns[0]: `a b` has a
    space. Write a name such as www.example.com.
notes
  2 connections are cut by the rollout
hub1: 1 to create, 2 to update, 1 of them later, 2 refused, 1 unreadable"""

PLAN_120 = """\
hub1  plan 9c0ffee12345  commit 4f1c2ad9b0
cluster/spoke1-aks
  + IPPool/tenant0-pool  new: tenant0 is attached to spoke1-aks
  ~ Namespace/default    new: its pods leave through tenant0's gateway (waits for its gateway pods)
firewall/hub1
  ~ RuleCollectionGroup/egress-000  edited: tenant0 may reach www.tigera.io
source
  the last good commit stays in force: the repository cannot be fetched
unreadable
  cluster/spoke2-aks: list IPPool on cluster/spoke2-aks: timed out
refused
  removals hub/hub1: 3 of 4 attachments would be removed, the limit is 20 %.
held back
  tenants/tenant9.yaml since 4f1c2ad9b0: its previous content holds
    gitops/tenants/tenant9.yaml:14:9 spec.egress.allow[0].fqdns[0]: `a b` has a space. Write a name such as
    www.example.com.
notes
  2 connections are cut by the rollout
hub1: 1 to create, 2 to update, 1 of them later, 2 refused, 1 unreadable"""

REPORT_80 = """\
hub1  pass 9c0ffee12345  commit 4f1c2ad9b0
cluster/spoke1-aks
  + IPPool/tenant0-pool
      FAILED · new: tenant0 is attached to spoke1-aks [409 Conflict]
  ~ Namespace/default
      new: its pods leave through tenant0's gateway (waits for its gateway pods)
firewall/hub1
  ~ RuleCollectionGroup/egress-000
      started · edited: tenant0 may reach www.tigera.io
attachments
  tenant0@spoke1-aks  10.99.0.0/29  ●○○○○ pooled
      waits for its gateway pods, its firewall rules (1 of 2 replicas is
      available), since 3 min 20 s
  tenant1@spoke2-aks  10.99.1.0/29  ●●●●● routed
source
  the last good commit stays in force: the repository cannot be fetched
unreadable
  cluster/spoke2-aks: list IPPool on cluster/spoke2-aks: timed out
refused
  removals hub/hub1: 3 of 4 attachments would be removed, the limit is 20 %.
held back
  tenants/tenant9.yaml since 4f1c2ad9b0: its previous content holds
    gitops/tenants/tenant9.yaml:14:9 spec.egress.allow[0].fqdns[0]: `a b` has a
    space. Write a name such as www.example.com.
notes
  2 connections are cut by the rollout
hub1: not yet converged: 1 change made, 1 failed, 2 refused, 1 unreadable, 1
left for later"""

STATUS_120 = """\
hub1
commit in force  4f1c2ad9b0 (the newest seen)
last pass  2026-11-23 06:40:05 UTC, 5 min ago: not converged
attachments
  attachment          range         stage         waits for                                                   since
  tenant0@spoke1-aks  10.99.0.0/29  ●○○○○ pooled  its gateway pods, its firewall rules (1 of 2 replicas is    8 min 20 s
                                                  available)
  tenant1@spoke2-aks  10.99.1.0/29  ●●●●● routed
source
  the last good commit stays in force: the repository cannot be fetched
unreadable
  cluster/spoke2-aks: list IPPool on cluster/spoke2-aks: timed out
refused
  removals hub/hub1: 3 of 4 attachments would be removed, the limit is 20 %.
held back
  tenants/tenant9.yaml since 4f1c2ad9b0: its previous content holds
    gitops/tenants/tenant9.yaml:14:9 spec.egress.allow[0].fqdns[0]: `a b` has a space. Write a name such as
    www.example.com.
blocks
  tenant1 for 3 h 55 min more: incident 7 (by jo@example.com, 2026-11-23 06:40:05 UTC)
leave as nodes
  spoke1-aks: kube-system, platform"""


@pytest.mark.parametrize(("width", "expected"), [(80, PLAN_80), (120, PLAN_120)])
def test_a_plan_reads_well_at_both_widths(width: int, expected: str) -> None:
    """Changes by target with their signs, the reason in words, and what each waits for."""
    assert expected == seen(plan_view(ReportDocument.of_plan(a_report())), width)


def test_a_report_shows_what_became_of_each_change() -> None:
    """Failures bear the target's words; a held file's problems stand once, in full."""
    assert REPORT_80 == seen(report_view(DOCUMENT), 80)


def test_a_status_shows_stages_blocks_and_coverage() -> None:
    """Everything that an operator asks first, from the stored report alone."""
    blocks = (Decision(DecisionKind.BLOCK, "tenant1", "incident 7", "jo@example.com", NOW, NOW + timedelta(hours=4)),)
    assert STATUS_120 == seen(status_view("hub1", DOCUMENT, blocks, NOW + timedelta(minutes=5)), 120)


def test_a_status_before_the_first_pass_says_so() -> None:
    """An empty table would look like an empty hub."""
    assert "hub1\nno report of a pass is kept here\nblocks  none" == seen(status_view("hub1", None, (), NOW), 80)


def test_no_line_is_wider_than_a_narrow_terminal() -> None:
    """Wrapped by us, never by the terminal, whatever the width from 60 columns on."""
    for view in (report_view(DOCUMENT), plan_view(DOCUMENT), status_view("hub1", DOCUMENT, (), NOW)):
        assert 60 >= max(len(line) for line in seen(view, 60).splitlines())


def test_nothing_to_do_is_one_line() -> None:
    """The most frequent result needs no reading."""
    document = ReportDocument.of_plan(a_converged_report())
    assert "hub1: nothing to change" == seen(plan_view(document), 80).splitlines()[-1]
    assert "hub1: converged" == sum_of_pass(ReportDocument.of_report(a_converged_report(), {}))


def test_a_person_who_is_waited_for_is_named_at_the_end() -> None:
    """Nothing moves any more: the one line that is read must not hide that somebody has to act."""
    report = a_converged_report()
    waiting = replace(report.plan.attachments[0], waiting_for=(WaitsFor.NAMESPACE,))
    document = ReportDocument.of_report(replace(report, plan=replace(report.plan, attachments=(waiting,))), {})
    assert "hub1: stopped: a person is waited for by tenant1@spoke2-aks" == sum_of_pass(document)


def test_text_of_others_cannot_steer_the_terminal() -> None:
    """A commit's author or a target's answer may hold escape sequences, and brackets are not markup."""
    change = POOL.__class__(POOL.verb, POOL.target, POOL.resource, POOL.reason, "\x1b[31m[bold]red\x07", POOL.write)
    shown = seen(plan_view(ReportDocument.of_plan(a_report(plan=a_plan(change)))), 120)
    assert "new: \ufffd[31m[bold]red\ufffd" in shown
    assert "\x1b" not in shown


def test_a_problem_is_one_line_that_editors_can_follow() -> None:
    """`file:line:column path: what and why, what to write instead`; a warning says that it is one."""
    problem = HELD.problems[0]
    where = "gitops/tenants/tenant9.yaml:14:9 spec.egress.allow[0].fqdns[0]: "
    rest = "`a b` has a space. Write a name such as www.example.com."
    assert where + rest == problem_line(problem).plain
    warning = problem.__class__(
        problem.place, problem.path, Severity.WARNING, problem.code, problem.message, problem.hint
    )
    assert f"{where}warning: {rest}" == problem_line(warning).plain
    assert "gitops: 1 error, 2 warnings" == sum_of_problems("gitops", [problem, warning, warning])
    assert "gitops: no problems" == sum_of_problems("gitops", [])


def test_every_word_of_the_contract_has_words() -> None:
    """A new enum member without words would show its bare code."""
    assert set(ChangeReason) == set(REASONS)
    assert set(WaitsFor) == set(WAIT_WORDS)
    assert set(Result) == set(RESULTS)
    assert set(Verb) == set(SIGNS)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (90000, "1 d 1 h"),
        (86401, "1 d"),
    ],
)
def test_lengths_of_time_are_told_in_two_units(seconds: float, words: str) -> None:
    """Nobody needs the seconds of a day."""
    assert words == lasting(timedelta(seconds=seconds))


def test_steps_show_how_far_an_attachment_has_come() -> None:
    """The way down is no way up: leaving shows no dots."""
    assert ["○○○○○", "●○○○○", "●●●●●", ""] == [steps(stage) for stage in ("absent", "pooled", "routed", "leaving")]
    assert "a\ufffdb" == plain("a\x1bb")


def test_a_target_that_waits_is_named_in_a_plan() -> None:
    """The wait of one change is said in words."""
    shown = seen(plan_view(ReportDocument.of_plan(a_report(plan=a_plan(ANNOTATIONS)))), 120)
    assert "(waits for its gateway pods)" in shown
