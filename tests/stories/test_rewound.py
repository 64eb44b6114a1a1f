"""A force-push drops tenants from Git without a word: until their removal may begin, their rules are what they were."""

from __future__ import annotations

from typing import Any

import pytest
from stories.desk import PLATFORM, Desk, sample
from stories.test_reviewed import NEW, TENANT0, TENANT1, Reviewing, over, reviewed_hub, wider
from stories.test_suspended import names_of, passes

from function_app.model.ledger import RecordKind
from function_app.model.plan import RefusalCode, WaitsFor
from function_app.model.state import DecisionKind
from simulator.model.packets import Verdict

CLUSTER = "spoke1-aks"


def settled_on(platform: dict[str, str], *, passed: int | None = None) -> Reviewing:
    """Both tenants settled, or as they are after so many passes, on a hub whose platform is the only commit before theirs."""
    desk = Desk.at()
    found = over(desk)
    desk.commit(platform)
    found.approved(sample(TENANT0, TENANT1))
    if passed is None:
        desk.settle()
    else:
        passes(desk, passed)
    return found


@pytest.fixture(params=["merged", "reviewed"])
def rewindable(request: pytest.FixtureRequest) -> Reviewing:
    """A hub that applies what is merged, or what was approved."""
    return settled_on(sample(*PLATFORM) | (reviewed_hub() if request.param == "reviewed" else {}))


def opened(desk: Desk) -> None:
    """Somebody allows both tenants everything in the portal."""

    def widen(properties: dict[str, Any]) -> None:
        for collection in properties["ruleCollections"]:
            for rule in collection["rules"]:
                rule.update({"targetFqdns": ["*"]} if "targetFqdns" in rule else {})

    desk.world.hubs["hub1"].edit_group("tenants", "egress-000", widen)
    desk.world.advance(600)


def stopped(desk: Desk) -> bool:
    """The newest pass removes nobody."""
    return RefusalCode.REMOVALS in {one.code for one in desk.reports[-1].plan.refused}


@pytest.mark.parametrize("late", [False, True])
def test_what_somebody_opens_after_a_force_push_is_closed_again(rewindable: Reviewing, *, late: bool) -> None:
    """Before the first pass that sees the force-push, or later: both keep what was in force, whoever else's rules are written."""
    desk = rewindable.desk
    before = names_of(desk, "tenant0"), names_of(desk, "tenant1")
    desk.repository.rewind(1)
    passes(desk, 3 if late else 0)
    opened(desk)
    assert {"*"} == names_of(desk, "tenant0")

    passes(desk, 5)

    assert stopped(desk)
    assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))
    assert desk.send(CLUSTER, "default", "https://www.tigera.io").verdict is Verdict.ALLOWED
    assert 0 == desk.run_pass().writes


@pytest.mark.parametrize("gone", [False, True])
def test_whom_a_force_push_drops_while_the_ledger_cannot_be_read_is_not_forgotten(
    rewindable: Reviewing, *, gone: bool
) -> None:
    """Who holds something is not known then, so it may be anybody who was attached; what the old commit no longer tells, stays."""
    desk = rewindable.desk
    before = names_of(desk, "tenant0"), names_of(desk, "tenant1")
    desk.ledger.unreadable = "line 3 is damaged"
    desk.repository.rewind(1, gone=gone)
    passes(desk, 2)
    assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))
    desk.ledger.unreadable = ""
    if not gone:
        opened(desk)

    passes(desk, 5)

    assert stopped(desk)
    assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))
    assert desk.send(CLUSTER, "default", "https://www.tigera.io").verdict is Verdict.ALLOWED
    assert 0 == desk.run_pass().writes


def test_what_was_removed_while_the_ledger_could_not_be_read_comes_back_without_a_question(
    rewindable: Reviewing,
) -> None:
    """No removal begins in such a pass, so whoever is defined again afterwards is what he was and no newcomer."""
    desk = rewindable.desk
    desk.ledger.unreadable = "line 3 is damaged"
    desk.commit({TENANT0: None, TENANT1: None})
    passes(desk, 2)
    desk.ledger.unreadable = ""
    desk.commit({path: f"{text}# back\n" for path, text in sample(TENANT0, TENANT1).items()})

    assert desk.settle().converged
    assert desk.send(CLUSTER, "default", "https://www.tigera.io").verdict is Verdict.ALLOWED


def test_of_a_commit_that_is_gone_the_firewall_tells(rewindable: Reviewing) -> None:
    """Nobody can read any more what was in force: what stands in the firewall stays."""
    desk = rewindable.desk
    before = names_of(desk, "tenant0"), names_of(desk, "tenant1")
    desk.repository.rewind(1, gone=True)

    passes(desk, 5)

    assert stopped(desk)
    assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))
    assert desk.send(CLUSTER, "default", "https://www.tigera.io").verdict is Verdict.ALLOWED


def test_what_nobody_approved_does_not_come_in_by_a_force_push() -> None:
    """Tenant0 asked for more, waited, and is dropped from Git: what was deferred is not what was in force."""
    desk = settled_on(sample(*PLATFORM) | reviewed_hub()).desk
    desk.commit(wider())
    passes(desk, 3)
    before = names_of(desk, "tenant0")
    desk.repository.rewind(1)

    passes(desk, 5)

    assert stopped(desk)
    assert NEW not in names_of(desk, "tenant0") == before


def test_once_its_removal_is_waived_nothing_is_left_of_it(rewindable: Reviewing) -> None:
    """Whoever Git says nothing of leaves like any other tenant."""
    desk = rewindable.desk
    desk.repository.rewind(1)
    passes(desk, 2)
    desk.decide(DecisionKind.WAIVER, desk.reports[-1].plan.plan_id, code=RefusalCode.REMOVALS)

    assert desk.settle().converged
    assert not names_of(desk, "tenant0") | names_of(desk, "tenant1")
    assert {} == desk.state.read().recalled


def test_whoever_comes_back_keeps_what_was_approved_while_the_rest_waits() -> None:
    """The files that the refusal asks for come back, with a name more that nobody approved: what stood goes on, the name waits."""
    desk = settled_on(sample(*PLATFORM) | reviewed_hub()).desk
    before = names_of(desk, "tenant0"), names_of(desk, "tenant1")
    desk.repository.rewind(1)
    passes(desk, 2)
    desk.commit(wider() | wider(TENANT1))

    passes(desk, 40)

    assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))
    assert WaitsFor.UNAPPROVED in desk.attachment("tenant0", CLUSTER).waiting_for
    assert not stopped(desk)
    assert desk.send(CLUSTER, "default", "https://www.tigera.io").verdict is Verdict.ALLOWED
    assert 0 == desk.run_pass().writes


def test_whoever_comes_back_as_it_was_is_taken_up_without_a_question(rewindable: Reviewing) -> None:
    """Nothing of what is in force would change, so nobody is asked to approve it."""
    desk = rewindable.desk
    desk.repository.rewind(1)
    passes(desk, 2)
    desk.commit({path: f"{text}# back\n" for path, text in sample(TENANT0, TENANT1).items()})

    assert desk.settle().converged
    assert desk.send(CLUSTER, "default", "https://www.tigera.io").verdict is Verdict.ALLOWED


def test_whoever_comes_back_when_its_removal_has_begun_is_asked_about() -> None:
    """A person let the removal begin: what comes back then is new, and needs an approval like anything new."""
    desk = settled_on(sample(*PLATFORM) | reviewed_hub()).desk
    desk.repository.rewind(1)
    passes(desk, 2)
    desk.decide(DecisionKind.WAIVER, desk.reports[-1].plan.plan_id, code=RefusalCode.REMOVALS)
    passes(desk, 1)
    desk.commit({path: f"{text}# back\n" for path, text in sample(TENANT0, TENANT1).items()})

    passes(desk, 2)

    assert WaitsFor.UNAPPROVED in desk.attachment("tenant0", CLUSTER).waiting_for


@pytest.mark.parametrize("begun", [False, True])
def test_while_the_ledger_cannot_be_read_what_comes_back_is_neither_old_nor_new(*, begun: bool) -> None:
    """Whether its removal had begun is asked when the ledger is there again; until then its rules stay and nothing is taken up."""
    desk = settled_on(sample(*PLATFORM) | reviewed_hub()).desk
    before = names_of(desk, "tenant0"), names_of(desk, "tenant1")
    desk.commit({TENANT0: None, TENANT1: None})
    passes(desk, 2)
    if begun:
        desk.decide(DecisionKind.WAIVER, desk.reports[-1].plan.plan_id, code=RefusalCode.REMOVALS)
        passes(desk, 1)
    desk.ledger.unreadable = "line 3 is damaged"
    desk.commit(sample(TENANT0, TENANT1))
    passes(desk, 3)
    assert [
        "while the ledger cannot be read. The ledger: line 3 is damaged" in one.message
        for one in desk.reports[-1].plan.refused
    ] == [True]
    assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))
    desk.ledger.unreadable = ""

    passes(desk, 5)

    assert begun is (WaitsFor.UNAPPROVED in desk.attachment("tenant0", CLUSTER).waiting_for)
    if not begun:
        assert before == (names_of(desk, "tenant0"), names_of(desk, "tenant1"))


def test_what_a_force_push_interrupted_is_not_carried_on_without_a_question() -> None:
    """Its gateway was not there yet; whoever brings the files back needs an approval before any namespace is pointed."""
    desk = settled_on(sample(*PLATFORM) | reviewed_hub(), passed=2).desk
    desk.repository.rewind(1)
    passes(desk, 2)
    desk.commit({path: f"{text}# back\n" for path, text in sample(TENANT0, TENANT1).items()})

    passes(desk, 40)

    assert WaitsFor.UNAPPROVED in desk.attachment("tenant0", CLUSTER).waiting_for
    assert not [one for one in desk.ledger.records if one.kind is RecordKind.ROUTE]
