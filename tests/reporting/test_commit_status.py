"""A report as one line on a commit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reporting_builders import COMMIT, NOW, a_converged_report, a_plan, a_report

from function_app.model.names import Commit, HubName
from function_app.model.report import Report
from function_app.model.telling import CommitState, CommitStatus
from function_app.reporting.commit_status import status_of, statuses_to_set

NEWER = Commit("b" * 40)


def a_status(state: CommitState) -> CommitStatus:
    """What stands on the commit that came before."""
    return replace(status_of(a_converged_report()), state=state)


@pytest.mark.parametrize(
    ("state", "first"),
    [
        (CommitState.PENDING, [CommitState.SUPERSEDED, CommitState.SUCCESS]),
        (CommitState.SUCCESS, [CommitState.SUCCESS]),
        (CommitState.FAILURE, [CommitState.SUCCESS]),
        (CommitState.SUPERSEDED, [CommitState.SUCCESS]),
    ],
)
def test_a_commit_that_was_overtaken_does_not_stay_pending(state: CommitState, first: list[CommitState]) -> None:
    """Two pushes within a minute: the first one says that it was overtaken, unless it had its last word."""
    report = replace(a_converged_report(), commit_seen=NEWER)
    statuses = statuses_to_set(report, a_status(state))

    assert first == [status.state for status in statuses]
    assert NEWER == statuses[-1].commit
    assert all(status.commit == COMMIT for status in statuses[:-1])


def test_a_commit_that_may_not_be_in_force_fails_with_the_reason() -> None:
    """Unsigned, or of a rewound branch: said on the newest commit, though another one is in force."""
    report = replace(a_converged_report(), commit_seen=NEWER, source_problem="it is not signed")

    assert CommitStatus(NEWER, HubName("hub1"), CommitState.FAILURE, "it is not signed") == status_of(report)


def test_a_repository_that_cannot_be_fetched_is_not_the_commits_fault() -> None:
    """The newest commit known is in force."""
    report = replace(a_converged_report(), source_problem="the repository cannot be fetched")

    assert CommitState.SUCCESS is status_of(report).state


def test_the_first_of_several_reasons_is_told_with_how_many_more() -> None:
    """A host shows one short line."""
    status = status_of(a_report())

    assert CommitState.FAILURE is status.state
    assert status.text.startswith("gitops/tenants/tenant9.yaml:14:9")
    assert status.text.endswith("(and 1 more)")
    assert "\n" not in status.text


def test_a_target_that_is_late_leaves_it_pending() -> None:
    """Nothing is wrong with the commit."""
    report: Report = replace(a_report(), held=(), plan=replace(a_plan(), refused=(), attachments=()))

    assert (CommitState.PENDING, NOW) == (status_of(report).state, report.finished_at)
    assert "cluster/spoke2-aks has not answered" == status_of(report).text
