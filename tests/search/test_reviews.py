"""Histories on hubs that apply what was approved: they come to rest, and the judge notices what nobody approved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from function_app.model.approval import Approval, PullRequest
from function_app.planning import admission
from search import git_host
from search.actions import Action
from search.git_host import APPROVED, BY_AUTHOR, BY_NOBODY, MANNERS, OVERTAKEN, TAKEN_BACK, TOO_EARLY, UNSEEN
from search.runner import replay
from search.stories import story
from search.worlds import SITES, Variant
from simulator.judge import Invariant
from simulator.judge.approvals import Pull

REVIEWED = Variant(reviewed=True)
WIDER = Action("allow", ("t0", SITES, True, False))
TRADED = Action("allow", ("t0", (SITES[1],), False, False))


def history(manner: str, *changes: Action) -> tuple[Action, ...]:
    """A tenant that is routed, and changes that come in by pull requests of this manner."""
    comes = Action("add", ("t0", "spoke1", 0, ("alpha",), (SITES[0],)))
    return (
        comes,
        Action("follow", (16,)),
        Action("reviewed_so", (manner,)),
        *changes,
        Action("wait", (120,)),
        Action("follow", (3,)),
    )


@pytest.mark.parametrize("manner", MANNERS)
def test_whatever_becomes_of_a_pull_request_it_ends_as_git_asks_once_approved(manner: str) -> None:
    """Where it is not approved as it stands it waits, and at the end nothing does."""
    run = replay(REVIEWED, history(manner, WIDER))
    waited = any("unapproved" in line.words for line in run.lines)

    assert not run.violations, story(run)
    assert waited == (manner != APPROVED)


def test_nothing_is_pushed_again_where_there_is_no_more() -> None:
    """Approved before more is pushed, and there is no more: what its review did not show, since it died, nobody has approved."""
    run = replay(
        replace(REVIEWED, bare=True),
        (
            Action("trouble", ("*", "*", "*", "crash-after", 8, 1, 422)),
            Action("reviewed_so", (TOO_EARLY,)),
            Action("add", ("t3", "spoke2", 4, ("gamma",), (SITES[0],))),
        ),
    )
    told = [line.words for line in run.lines]

    assert not run.violations, story(run)
    assert 1 == sum("the review comes to nothing" in words for words in told)
    assert any("t3@spoke2 absent (unapproved)" in words for words in told), story(run)


def test_an_author_who_approves_himself_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge asks who approved, not what the Git host makes of it."""

    def generous(pull: Pull) -> PullRequest:
        given = tuple(Approval(one.by, one.version.head, one.at) for one in pull.given)
        return PullRequest(f"#{pull.number}", pull.newest.head, given)

    monkeypatch.setattr(git_host, "_told", generous)

    for manner in (BY_AUTHOR, TAKEN_BACK):
        run = replay(REVIEWED, history(manner, WIDER))
        assert Invariant.APPROVED is run.violations[0].invariant, story(run)


def test_a_host_that_calls_everything_approved_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """More was pushed, or somebody denied a name since: that an approval exists is not enough."""
    monkeypatch.setattr("function_app.planning.unapproved.not_approved", lambda *_: None)

    for manner in (BY_NOBODY, UNSEEN, TOO_EARLY, OVERTAKEN):
        run = replay(REVIEWED, history(manner, WIDER))
        assert run.violations, manner
        assert Invariant.APPROVED is run.violations[0].invariant, story(run)


def test_a_revocation_that_waits_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for an approval keeps what it had, also what the commit takes away."""
    monkeypatch.setattr(admission, "both_allow", lambda standing, _newer: standing)

    run = replay(REVIEWED, history(BY_NOBODY, TRADED))

    assert Invariant.APPROVED is run.violations[0].invariant, story(run)
    assert "still" in run.violations[0].words
