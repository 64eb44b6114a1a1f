"""Which hubs let go of what a process keeps of them: whose turn was longest ago first, and never the one whose turn it is."""

from __future__ import annotations

from function_app.model.names import HubName
from function_app.turns import LEAST_ATTACHMENTS, LetGo, Turns

A, B, C = HubName("a"), HubName("b"), HubName("c")


def test_hubs_stay_while_all_of_them_fit() -> None:
    """Just as many attachments as there is room for let nobody go, however often their turns come."""
    turns = Turns(100)

    assert [LetGo()] * 4 == [turns.take(A, 60), turns.take(B, 40), turns.take(A, 60), turns.take(B, 40)]


def test_whose_turn_was_longest_ago_goes_first() -> None:
    """A was there before B and had another turn since."""
    turns = Turns(100)
    turns.take(A, 40)
    turns.take(B, 40)
    turns.take(A, 40)

    assert (B,) == turns.take(C, 40).hubs


def test_a_hub_that_fills_everything_is_kept_alone() -> None:
    """It lets the others go, keeps itself though there is not room enough, and goes for the next one."""
    turns = Turns(100)
    turns.take(A, 40)
    turns.take(B, 40)

    assert (A, B) == turns.take(C, 1000).hubs
    assert () == turns.take(C, 1000).hubs
    assert (C,) == turns.take(A, 40).hubs


def test_a_hub_without_attachments_takes_up_room() -> None:
    """Else there could be any number of them."""
    turns = Turns(LEAST_ATTACHMENTS)
    turns.take(A, 0)

    assert (A,) == turns.take(B, 0).hubs


def test_a_hub_that_grows_counts_with_what_it_has_now() -> None:
    """Where both fitted before, the other one goes."""
    turns = Turns(100)
    turns.take(A, 40)
    turns.take(B, 40)

    assert (A,) == turns.take(B, 70).hubs


def test_memory_is_searched_once_enough_has_gone() -> None:
    """Hubs of 50 in turn, room for one: with the fourth that goes, and the eighth."""
    turns = Turns(50)

    searched = [turns.take(HubName(f"hub{number}"), 50).searching for number in range(10)]

    assert [4, 8] == [number for number, searching in enumerate(searched) if searching]
