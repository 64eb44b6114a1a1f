"""Histories that broke an invariant once, as short as they came: each taught something."""

from __future__ import annotations

import pytest

from search.actions import Action
from search.runner import replay
from search.stories import story
from search.worlds import Variant

COMES = Action("add", ("t0", "spoke1", 0, ("alpha",), ("s0.example",)))
GOES = Action("remove", ("t0",))


def _holds(*actions: Action) -> None:
    run = replay(Variant(), actions)
    assert not run.violations, story(run)


def test_a_range_is_not_free_while_a_shard_with_its_rules_is_being_written() -> None:
    """A tenant that goes while its first rules are on their way: they come into force after everything else is gone."""
    _holds(COMES, Action("amid", (23, GOES)), Action("follow", (14,)))


def test_a_range_is_not_free_while_nobody_knows_what_is_in_force() -> None:
    """With the memory of a shard lost while it is written, what it shows is not yet what is in force."""
    other = Action("add", ("t2", "spoke2", 3, ("alpha",), ("s0.example", "s1.example", "s2.example")))
    _holds(
        COMES,
        Action("run"),
        GOES,
        other,
        Action("wait", (120,)),
        Action("run"),
        Action("lose_ledger", (True,)),
        Action("follow", (8,)),
    )


@pytest.mark.parametrize("passes", [1, 2, 4])
def test_a_removal_that_is_taken_back_leaves_nobody_waiting_for_ever(passes: int) -> None:
    """A tenant that comes back while its generation leaves takes it up again, however far the removal has come."""
    _holds(COMES, Action("follow", (16,)), GOES, Action("follow", (passes,)), Action("rewind", (1,)))


def test_a_removal_taken_back_while_its_cluster_could_not_be_read_is_undone() -> None:
    """The namespace still pointed at the gateway, so the leaving generation could neither go nor be given out again."""
    other = Action("add", ("t1", "spoke2", 1, ("beta",), ("s0.example",)))
    _holds(
        COMES,
        other,
        Action("follow", (16,)),
        Action("calico_down"),
        GOES,
        Action("run"),
        Action("rewind", (1,)),
        Action("run"),
        Action("wait", (61,)),
    )


def test_a_budget_that_lost_our_label_is_seen_and_not_written() -> None:
    """Kinds that we write are read whole: behind a label selector an object that lost the label seemed not to exist."""
    comes = Action("add", ("t3", "spoke1", 1, ("beta",), ("s0.example",)))
    _holds(comes, Action("run"), Action("unlabel", ("spoke1", "PodDisruptionBudget", "t3")))


def test_a_pool_that_somebody_disabled_is_enabled_again() -> None:
    """What may be switched off is rendered switched on, or nobody owns the field and nobody mends it."""
    _holds(COMES, Action("run"), Action("edit_part", ("spoke1", "IPPool", "t0", {"disabled": True})), Action("run"))


def test_a_leaving_gateway_that_lost_our_labels_is_named() -> None:
    """It is not ours to delete, and waiting for its pods would never end: a person is told."""
    moves = Action("renumber", ("t0", "spoke1", 4))
    _holds(COMES, Action("follow", (16,)), Action("unlabel", ("spoke1", "EgressGateway", "t0")), moves)


def test_a_range_and_a_namespace_that_wait_for_each_other_are_let_go() -> None:
    """A newcomer claims range and namespace of a tenant that leaves: the namespace does not hold the gateway it waits for."""
    heir = Action("add", ("t3", "spoke1", 0, ("alpha",), ("s0.example",)))
    stays = Action("add", ("t1", "spoke2", 3, ("gamma",), ()))
    _holds(COMES, stays, Action("run"), GOES, Action("run"), heir, Action("follow", (5,)))


def test_a_renamed_file_that_is_emptied_later_is_no_removal() -> None:
    """Nobody can tell whom an empty file was meant to define, so the tenant that it carried before stays."""
    _holds(
        COMES,
        Action("run"),
        Action("rename", ("t0",)),
        Action("run"),
        Action("break_file", ("t0", "empty")),
        Action("run"),
    )


def test_a_foreign_group_with_a_priority_of_our_band_is_passed_over() -> None:
    """A shard that can never be created is not asked for in every pass."""
    other = Action("add", ("t1", "spoke2", 1, ("beta",), ("s0.example",)))
    _holds(COMES, Action("run"), Action("portal_adds", (1002,)), other, Action("follow", (5,)))
