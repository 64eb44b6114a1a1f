"""block, unblock, forget and status: they work with Git and every target down."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cli.session import Session

from function_app.model.state import DecisionKind

DOWN = "/nowhere/egress.git"


@pytest.fixture
def passed(session: Session) -> Session:
    """A session in which one pass has been made."""
    session.run("reconcile")
    return session


def test_a_block_is_recorded_with_who_why_and_until_when(passed: Session) -> None:
    """The next pass carries it out; here only the decision is written, Git may be down."""
    result = passed.run("block", "tenant0", "--reason", "incident 7", "--for", "4h", repository=DOWN)
    assert (0, "") == (result.exit_code, result.stderr)
    assert (
        "tenant0 is blocked on hub1 for 4 h; it takes effect with the next pass: egressctl reconcile --hub hub1\n"
        == result.stdout
    )
    (decision,) = passed.state.decisions()
    assert (DecisionKind.BLOCK, "tenant0", "incident 7", "jo@example.com") == (
        decision.kind,
        decision.subject,
        decision.reason,
        decision.by,
    )
    assert decision.expires == decision.at + timedelta(hours=4)


def test_an_unknown_tenant_is_blocked_all_the_same_with_a_warning(passed: Session) -> None:
    """Whether the name is right cannot be told for sure while Git is down; denying is always safe."""
    result = passed.run("block", "tenant77", "--reason", "x", "--for", "30m", "--output", "json", repository=DOWN)
    assert 0 == result.exit_code
    assert "warning: the newest report of hub1 names no tenant tenant77" in result.stderr
    assert {"hub", "kind", "subject", "code", "reason", "by", "at", "expires"} == json.loads(result.stdout).keys()
    assert ["tenant77"] == [one.subject for one in passed.state.decisions()]


def test_unblocking_twice_is_nothing_to_do(passed: Session) -> None:
    """A script may repeat it."""
    passed.run("block", "tenant0", "--reason", "x", "--for", "2d")
    first, second = passed.run("unblock", "tenant0"), passed.run("unblock", "tenant0", "--output", "json")
    assert (0, 0, ()) == (first.exit_code, second.exit_code, passed.state.decisions())
    assert "tenant0 is no longer blocked on hub1" in first.stdout
    assert {"hub": "hub1", "kind": "block", "subject": "tenant0", "withdrawn": False} == json.loads(second.stdout)


def test_forget_records_that_a_cluster_is_given_up(passed: Session) -> None:
    """Without expiry: it holds until the cluster's ranges are free."""
    result = passed.run("forget", "spoke2-aks", "--reason", "burnt down", repository=DOWN)
    assert 0 == result.exit_code
    (decision,) = passed.state.decisions()
    assert (DecisionKind.FORGET, "spoke2-aks", "burnt down", None) == (
        decision.kind,
        decision.subject,
        decision.reason,
        decision.expires,
    )


def test_the_hub_must_be_clear(session: Session) -> None:
    """Nothing is guessed and nothing is written for a name that nobody knows."""
    unclear = session.run("block", "tenant0", "--reason", "x", "--for", "1h")
    assert (1, "no hub is known in") == (unclear.exit_code, unclear.stderr[11:29])
    session.run("reconcile")
    mistyped = session.run("block", "tenant0", "--reason", "x", "--for", "1h", "--hub", "hbu1")
    assert 1 == mistyped.exit_code
    assert "hub hbu1 is not known in" in mistyped.stderr
    assert ["hub1"] == [each.name for each in (session.folder / "state" / "hubs").iterdir()]
    (session.folder / "state" / "hubs" / "hub2").mkdir()
    several = session.run("unblock", "tenant0")
    assert "several hubs are known (hub1, hub2). Say which one: --hub NAME." in several.stderr


def test_a_block_may_come_before_the_first_pass(session: Session) -> None:
    """With nothing kept yet the hub's name is taken as it is given, with a warning about the folder."""
    result = session.run("block", "tenant0", "--reason", "x", "--for", "1h", "--hub", "hub1", repository=DOWN)
    assert 0 == result.exit_code
    assert "is EGRESS_STATE_FOLDER right?" in result.stderr
    assert ["tenant0"] == [one.subject for one in session.state.decisions()]


def test_status_works_with_everything_down(passed: Session) -> None:
    """It shows what was stored: the commit, the attachments with their waits, the blocks, the coverage."""
    passed.run("block", "tenant0", "--reason", "incident 7", "--for", "4h")
    result = passed.run("status", repository=DOWN, time_source="http://127.0.0.1:1")
    assert 0 == result.exit_code
    lines = result.stdout.splitlines()
    assert "hub1" == lines[0]
    assert lines[1].startswith("commit in force  ")
    assert "  tenant0@spoke1-aks  10.99.0.0/29  ○○○○○ absent  a target that cannot be read" in [
        line[:80].rstrip() for line in lines
    ]
    assert any(line.startswith("  tenant0 for 3 h 59 min more: incident 7 (by jo@example.com") for line in lines)
    assert "leave as nodes  not known: no cluster was read" == lines[-1]


def test_status_as_json(passed: Session) -> None:
    """A list of all hubs, or the one that was asked for."""
    (one,) = passed.run_json("status")
    assert {"hub", "report", "blocks", "suspensions", "problem"} == one.keys()
    assert ("hub1", "hub1", []) == (one["hub"], one["report"]["hub"], one["blocks"])
    assert one == passed.run_json("status", "--hub", "hub1")


def test_status_without_any_pass(session: Session) -> None:
    """Nothing to show is no failure; a hub that is not known is."""
    result = session.run("status")
    assert (0, True) == (result.exit_code, "no hub is known in" in result.stdout)
    assert [] == session.run_json("status")
    assert 1 == session.run("status", "--hub", "hub9").exit_code


def test_decisions_that_cannot_be_read_are_told(passed: Session) -> None:
    """An unreadable list of blocks must not look like an empty one."""
    (passed.folder / "state" / "hubs" / "hub1" / "decisions.json").write_text("{")
    result = passed.run("status", "--output", "json")
    assert 1 == result.exit_code
    assert "decisions.json" in json.loads(result.stdout)[0]["problem"]
    assert 1 == passed.run("block", "tenant0", "--reason", "x", "--for", "1h").exit_code


def test_a_report_that_cannot_be_understood_is_told(passed: Session) -> None:
    """Left by another release: the next pass writes a new one."""
    (passed.folder / "state" / "hubs" / "hub1" / "report.json").write_text('{"hub": 7}')
    assert "The stored report is of another release or damaged" in passed.run("status").stdout


def test_a_suspension_is_recorded_shown_and_taken_back(passed: Session) -> None:
    """With Git down; status shows it beside the blocks until it is resumed."""
    begun = passed.run("suspend", "cluster", "spoke1-aks", "--reason", "node pool", "--for", "4h", repository=DOWN)
    (decision,) = passed.state.decisions()
    shown = passed.run("status", repository=DOWN).stdout
    ended = passed.run("resume", "cluster", "spoke1-aks", repository=DOWN)
    again = passed.run("resume", "cluster", "spoke1-aks", "--output", "json")

    assert (DecisionKind.SUSPEND, "cluster/spoke1-aks", timedelta(hours=4)) == (
        decision.kind,
        decision.subject,
        (decision.expires or decision.at) - decision.at,
    )
    assert "cluster spoke1-aks is suspended on hub1 for 4 h" in begun.stdout
    assert "cluster/spoke1-aks for 3 h 59 min" in shown
    assert "is resumed on hub1" in ended.stdout
    assert not json.loads(again.stdout)["withdrawn"]
    assert () == passed.state.decisions()


def test_a_hub_is_suspended_by_its_own_name(passed: Session) -> None:
    """It need not be said twice, and must not be said differently."""
    assert 0 == passed.run("suspend", "hub", "hub1", "--reason", "x", "--for", "1h").exit_code
    twice = passed.run("suspend", "hub", "hub1", "--hub", "hub2", "--reason", "x", "--for", "1h")
    assert (1, True) == (twice.exit_code, "Leave --hub out" in twice.stderr)
