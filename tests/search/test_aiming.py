"""Histories that aim reach what they aim at; what changes nothing is not counted as reached."""

from __future__ import annotations

from random import Random

import pytest

import search.runner  # noqa: F401 - registers the actions
from search.actions import Action, Group
from search.aiming import Aim
from search.coverage import FAULTS, STAGES
from search.generators import SORTS
from search.history import NO_FAULT, NO_STAGE, History
from search.worlds import Variant


def _aimed(stage: str, fault: str) -> History:
    random = Random(7)  # noqa: S311 - the same history each time
    aim = Aim(random, SORTS)
    aim.stage, aim.fault = stage, fault
    history = History.of(Variant())
    for action in aim.opening(random):
        history.play(action)
    return history


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_reached_with_a_fault_in_force(stage: str) -> None:
    """Even one that lasts two seconds."""
    history = _aimed(stage, "no answer, no effect")

    assert stage in history.stages()
    assert "no answer, no effect" in history.faults()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_put_in_force(fault: str) -> None:
    """Under the name that the coverage table gives it."""
    assert fault in _aimed(NO_STAGE, fault).faults()


def test_a_history_takes_next_what_it_has_done_least_often() -> None:
    """Without a pass in between every sort of action comes once before any comes again."""
    random = Random(3)  # noqa: S311 - the same history each time
    aim, history = Aim(random, SORTS), History.of(Variant())
    aim.stage, aim.fault = NO_STAGE, NO_FAULT
    for group in Group:
        if group is not Group.DECISION:
            history.coverage[NO_STAGE, NO_FAULT, str(group)] = 1

    chosen = {action.name for action in (aim.next(random, history) for _ in range(40))}

    assert chosen & {"block", "unblock", "waive", "forget", "remember"}
    assert not chosen & {"add", "remove", "annotate", "replace_node"}


def test_an_action_that_changes_nothing_counts_nowhere() -> None:
    """Who was never there cannot go; a tenant that comes is counted."""
    history = History.of(Variant())

    history.play(Action("remove", ("t0",)))
    assert not history.coverage

    history.play(Action("add", ("t0", "spoke1", 0, ("alpha",), ("s0.example",))))
    assert 1 == history.coverage[NO_STAGE, NO_FAULT, str(Group.ADDED)]
