"""Progress from pass to pass: the live table and the plain lines say the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reporting_builders import ANNOTATIONS, KEY, NOW, SHARD, WAITS, a_converged_report, a_plan, a_report, seen

from function_app.model.plan import AttachmentState, Stage, WaitsFor
from function_app.model.report import Outcome, Report, Result
from function_app.reporting.document import ReportDocument
from function_app.reporting.progress import Progress, progress_view


def a_pass(stage: Stage, *waits: WaitsFor, minutes: int, started: bool = False) -> ReportDocument:
    """A pass some minutes later in which tenant0 has come to a stage; perhaps it started the firewall."""
    attachment = AttachmentState(KEY, "10.99.0.0/29", stage, current=not waits, waiting_for=waits, detail="")
    plan = replace(a_plan(SHARD if started else ANNOTATIONS), attachments=(attachment,), refused=())
    outcomes = (Outcome(SHARD, Result.STARTED),) if started else ()
    at = NOW + timedelta(minutes=minutes)
    report = Report(plan, outcomes, plan.commit, at, at)
    return ReportDocument.of_report(report, WAITS)


def test_only_what_changed_gets_a_line() -> None:
    """Without a terminal a log of an hour must stay readable."""
    first = Progress("hub1").after(a_pass(Stage.POOLED, WaitsFor.SERVING, WaitsFor.PERMITTED, minutes=0, started=True))
    same = first.after(a_pass(Stage.POOLED, WaitsFor.SERVING, WaitsFor.PERMITTED, minutes=1))
    served = same.after(a_pass(Stage.SERVING, WaitsFor.PERMITTED, minutes=2))
    routed = served.after(a_pass(Stage.ROUTED, minutes=3))
    assert (
        "06:40:05 tenant0@spoke1-aks 10.99.0.0/29 pooled, waits for its gateway pods, its firewall rules",
        "06:40:05 firewall/hub1 RuleCollectionGroup/egress-000 is being written",
    ) == first.lines
    assert () == same.lines
    assert ("06:42:05 tenant0@spoke1-aks 10.99.0.0/29 serving, waits for its firewall rules",) == served.lines
    assert (
        "06:43:05 tenant0@spoke1-aks 10.99.0.0/29 routed",
        "06:43:05 firewall/hub1 RuleCollectionGroup/egress-000 done, 3 min",
    ) == routed.lines
    assert 4 == routed.passes


def test_the_table_shows_the_age_of_the_firewall_operation() -> None:
    """Minutes of waiting are normal for Azure; one must see that something runs, and since when."""
    first = Progress("hub1").after(a_pass(Stage.ADVERTISED, WaitsFor.PERMITTED, minutes=0, started=True))
    later = first.after(a_pass(Stage.ADVERTISED, WaitsFor.PERMITTED, minutes=3))
    assert """\
hub1  pass 2  commit 4f1c2ad9b0
  tenant0@spoke1-aks  10.99.0.0/29  ●●●○○ advertised
      waits for its firewall rules, since 6 min 20 s
  firewall operation: RuleCollectionGroup/egress-000, 3 min
next pass in 20 s""" == seen(progress_view(later, "next pass in 20 s"), 80)


def test_an_operation_that_an_earlier_run_started_is_dated_by_the_wait_for_it() -> None:
    """A command that is started anew knows no start; the remembered wait is the best there is."""
    found = Progress("hub1").after(a_pass(Stage.ADVERTISED, WaitsFor.PERMITTED, minutes=0)).operation
    assert ("a shard", NOW - timedelta(seconds=200)) == found


def test_on_the_way_down_an_operation_is_not_called_done_too_early() -> None:
    """While pods are still going, nothing shows yet whether the rules have gone."""
    first = Progress("hub1").after(a_pass(Stage.LEAVING, WaitsFor.PODS_GONE, minutes=0, started=True))
    second = first.after(a_pass(Stage.LEAVING, WaitsFor.PODS_GONE, minutes=1))
    third = second.after(a_pass(Stage.LEAVING, WaitsFor.RULES_GONE, minutes=2))
    assert first.operation == third.operation == ("RuleCollectionGroup/egress-000", NOW)
    assert not [line for line in (*second.lines, *third.lines) if " done, " in line]


def test_a_hub_that_somebody_else_reconciles_says_so_once() -> None:
    """Repeating it with every attempt would bury the rest."""
    busy = Progress("hub1").without_pass("another pass over hub1 is under way")
    assert ("hub1: another pass over hub1 is under way",) == busy.lines
    assert () == busy.without_pass("another pass over hub1 is under way").lines
    assert "hub1  pass 0\nanother pass over hub1 is under way" == seen(progress_view(busy, "next pass in 2 s"), 80)


def test_refusals_and_silent_targets_are_told_when_they_appear() -> None:
    """They stop what they stop until a person acts: once is enough."""
    first = Progress("hub1").after(ReportDocument.of_report(a_report(), WAITS))
    assert "06:40:05 refused removals hub/hub1: 3 of 4 attachments would be removed, the limit is 20 %." in first.lines
    assert "06:40:05 cluster/spoke2-aks could not be read: list IPPool on cluster/spoke2-aks: timed out" in first.lines
    again = first.after(ReportDocument.of_report(a_report(), WAITS))
    assert not [line for line in again.lines if "refused" in line or "could not be read" in line]


def test_an_attachment_that_is_gone_is_told() -> None:
    """The end of a removal is a change of state too."""
    before = Progress("hub1").after(a_pass(Stage.LEAVING, WaitsFor.PODS_GONE, minutes=0))
    after = before.after(ReportDocument.of_report(a_converged_report(), {}))
    assert "06:40:05 tenant0@spoke1-aks gone" in after.lines
