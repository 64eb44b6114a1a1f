"""Whether a plan is what somebody approved: which answer an approval is of, and what is said when it is of another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from function_app.model.approval import Approval, Meaning, Origin, PullRequest, Shown
from function_app.model.names import Commit, HubName, TenantName
from function_app.planning.approving import Proposed, differences, not_approved
from function_app.planning.reachability.policy import policy_of

TENANT = TenantName("blue")
MERGE, OLD, HEAD = (Commit(one * 40) for one in "cde")
NOON, TODAY = datetime(2026, 11, 23, 12, tzinfo=UTC), date(2026, 11, 23)
SMALL, BIG = (Meaning({"replicas": count}, (("", ()),), (("", ()),), f"{count}" * 16) for count in (2, 3))


def at(minute: int) -> datetime:
    """So long after noon."""
    return NOON + timedelta(minutes=minute)


def shown(head: Commit, minute: int, meaning: Meaning, day: date = TODAY) -> Shown:
    """An answer."""
    return Shown(head, at(minute), day, {TENANT: meaning})


def words(origin: Origin, now: Meaning = BIG, *, waived: str = "", by_day: dict[date, Meaning] | None = None) -> str:
    """Why it is not applied, empty when it is."""
    proposed = Proposed(HubName("hub1"), TENANT, lambda day: (by_day or {}).get(day, now), policy_of(()), TODAY)
    verdict = not_approved(proposed, (origin,), frozenset({waived} if waived else ()))
    return verdict.words if verdict is not None else ""


def origin(*answers: Shown, approvals: tuple[Approval, ...]) -> Origin:
    """A pull request that was merged."""
    return Origin(MERGE, (PullRequest("#1", HEAD, approvals),), answers)


def test_an_approval_is_of_the_answer_for_its_own_commit() -> None:
    """Who approved the former commit late did not see the newer one; who approved the newer one early saw nothing."""
    answers = shown(OLD, 1, SMALL), shown(HEAD, 3, BIG)
    late, early = Approval("sec", OLD, at(5)), Approval("ops", HEAD, at(2))

    told = words(origin(*answers, approvals=(late, early)))

    assert "blue is not as sec approved it in #1 at 2026-11-23 12:05 UTC: replicas is now 3, was 2" in told
    assert "--plan 3333333333333333" in told
    assert "" == words(origin(*answers, approvals=(late,)), SMALL)


def test_the_last_answer_before_the_approval_counts() -> None:
    """An older answer that was as things are now does not; one that came after the approval, or with it, does not either."""
    approval = Approval("sec", HEAD, at(5))
    assert words(origin(shown(HEAD, 1, BIG), shown(HEAD, 3, SMALL), approvals=(approval,)))
    assert words(origin(shown(HEAD, 3, SMALL), shown(HEAD, 7, BIG), approvals=(approval,)))
    assert words(origin(shown(HEAD, 1, SMALL), shown(HEAD, 5, BIG), approvals=(approval,)))
    assert "" == words(origin(shown(HEAD, 1, SMALL), shown(HEAD, 4, BIG), approvals=(approval,)))


def test_a_plan_is_compared_as_made_out_for_the_day_on_which_it_was_shown() -> None:
    """What has expired since then was part of what was approved."""
    yesterday = TODAY - timedelta(days=1)
    found = origin(shown(HEAD, 1, SMALL, yesterday), approvals=(Approval("sec", HEAD, at(5)),))
    assert "" == words(found, by_day={yesterday: SMALL})
    assert words(found, by_day={yesterday: BIG, TODAY: SMALL})


def test_a_waiver_is_for_one_meaning() -> None:
    """Whatever the host says, or when it says nothing."""
    unread = Origin(MERGE, problem="GitHub does not answer.")
    assert "cannot be told: GitHub does not answer. It is asked again" in words(unread)
    assert "" == words(unread, waived=BIG.digest)
    assert words(unread, waived=SMALL.digest)


def test_one_approval_that_fits_is_enough_though_another_commit_cannot_be_asked_about() -> None:
    """Two commits made the tenant what it is; the plan as a whole was approved with one of them."""
    proposed = Proposed(HubName("hub1"), TENANT, lambda _: BIG, policy_of(()), TODAY)
    good = origin(shown(HEAD, 1, BIG), approvals=(Approval("sec", HEAD, at(5)),))
    unread = Origin(OLD, problem="GitHub does not answer.")
    assert not_approved(proposed, (unread, good), frozenset()) is None


def test_lists_are_told_by_what_is_in_them() -> None:
    """An empty one and one that is not there are two things."""
    approved = replace(SMALL, plan={"namespaces": ["shop", "till"], "bypass": []})
    now = replace(SMALL, plan={"namespaces": [], "bypass": ["10.0.0.0/8"], "gateway": {"replicas": 3}})

    told = differences(approved, now, policy_of(()))

    assert told == (
        "bypass is now 10.0.0.0/8, was empty",
        "gateway is now {'replicas': 3}, was absent",
        "namespaces is now empty, was shop, till",
    )
