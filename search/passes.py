"""Time, passes, and what people decide."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from function_app.model.plan import RefusalCode
from function_app.model.state import DecisionKind
from search.actions import Action, Group, deed
from search.history import History
from search.trouble import LEDGER_DEATH

MANY_PASSES = 12


@deed(Group.TIME, "{0} s pass")
def wait(history: History, seconds: float) -> None:
    """Nobody does anything."""
    history.advance(seconds)


@deed(Group.TIME, "midnight comes, and {0} s")
def midnight(history: History, seconds: int) -> None:
    """In UTC, by which days end; negative seconds stop before it."""
    now = history.desk.world.clock.now()
    day = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    history.advance(max(0.0, (day - now).total_seconds() + seconds))


@deed(Group.PASS, "a pass")
def run(history: History) -> None:
    """One."""
    history.run_pass()
    if not history.ledger.dies:
        history.conditions.discard(LEDGER_DEATH)


@deed(Group.PASS, "up to {0} passes")
def follow(history: History, most: int) -> None:
    """As they come: each when the last one asks for it."""
    for _ in range(most):
        report = history.run_pass()
        if report is not None and (report.converged or report.stopped):
            break
        left = report.plan.look_again_seconds if report is not None else None
        history.advance(left or 30.0)


@deed(Group.PASS, "in the middle of the next pass (moment {0}): {1}")
def amid(history: History, nth: int, action: Action) -> None:
    """Something happens between two calls of a pass."""

    def happens() -> None:
        history.tell(f"meanwhile: {action}")
        action.deed.do(history, *action.arguments)

    history.interrupt(nth, happens)
    history.run_pass()


@deed(Group.TWO, "a pass is paused at moment {0} for {1} s; {2} others run meanwhile")
def overtake(history: History, nth: int, seconds: float, others: int) -> None:
    """Longer than its lease, so that others take over; then it goes on."""

    def happens() -> None:
        history.tell(f"it is paused for {seconds} s")
        history.advance(seconds)
        for _ in range(others):
            history.run_pass()
            history.advance(10)
        history.tell("it goes on")

    history.interrupt(nth, happens)
    history.run_pass()


@deed(Group.DECISION, "somebody blocks {0}")
def block(history: History, tenant: str) -> None:
    """An emergency denial."""
    history.desk.decide(DecisionKind.BLOCK, tenant)


@deed(Group.DECISION, "somebody unblocks {0}")
def unblock(history: History, tenant: str) -> None:
    """Its end."""
    history.state.withdraw(DecisionKind.BLOCK, tenant)


@deed(Group.DECISION, "somebody says to forget {0}")
def forget(history: History, cluster: str) -> None:
    """It is gone for good."""
    history.desk.decide(DecisionKind.FORGET, cluster)
    history.meddle((cluster,), lasting=f"forget {cluster}")


@deed(Group.DECISION, "somebody takes back that {0} is to be forgotten")
def remember(history: History, cluster: str) -> None:
    """It is not."""
    history.state.withdraw(DecisionKind.FORGET, cluster)
    history.lasting.discard(f"forget {cluster}")


@deed(Group.DECISION, "somebody waives the limit on removals for the newest plan")
def waive(history: History) -> None:
    """For that plan alone."""
    if history.report is not None:
        history.desk.decide(DecisionKind.WAIVER, str(history.report.plan.plan_id), code=RefusalCode.REMOVALS)


@deed(Group.DECISION, "somebody suspends {0} for {1} s")
def suspend(history: History, scope: str, seconds: int) -> None:
    """Nothing is written there but what denies, until that ends."""
    until = history.desk.world.clock.now() + timedelta(seconds=seconds)
    history.desk.decide(DecisionKind.SUSPEND, scope, expires=until)


@deed(Group.DECISION, "somebody resumes {0}")
def resume(history: History, scope: str) -> None:
    """Before its time."""
    history.state.withdraw(DecisionKind.SUSPEND, scope)
