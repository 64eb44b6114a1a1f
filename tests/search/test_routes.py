"""The judge of routes notices what planning is there to prevent; it shares nothing with it."""

from __future__ import annotations

import pytest

from function_app.planning import bgp_configuration, fabric, shared_plan
from function_app.planning.reflectors import Loss
from search.actions import Action
from search.runner import replay
from search.worlds import Variant
from simulator.judge import Invariant

ROUTED = (Action("add", ("t0", "spoke1", 0, ("alpha",), ("s0.example",))), Action("follow", (40,)))
ONE_WAY_LEFT = (*ROUTED, Action("drop_connection", (1,)), Action("wait", (30,)))
INTERRUPTED = (*ONE_WAY_LEFT, Action("set_cluster_id", ("spoke1", 0, None)), Action("run"))
RENUMBERED = (*ROUTED, Action("change_asn", ("spoke1", 64999)), Action("wait", (60,)), Action("run"))
RELABELLED = (*ROUTED, Action("label_node", ("spoke1", 2, True)), Action("label_node", ("spoke1", 0, False)))
TAKEN_AWAY = (*ONE_WAY_LEFT, *RELABELLED[-2:], Action("run"), Action("run"))


@pytest.mark.parametrize(
    "history", [INTERRUPTED, RENUMBERED, TAKEN_AWAY], ids=["cluster id", "AS number", "connection"]
)
def test_nobody_loses_a_route(history: tuple[Action, ...]) -> None:
    """As planning is, whoever acts by hand before it."""
    assert () == replay(Variant(bare=True), history).violations


@pytest.mark.parametrize(
    ("history", "place", "name", "mistake"),
    [
        (INTERRUPTED, fabric, "lost_without", lambda *_: Loss("")),
        (RENUMBERED, bgp_configuration, "_carried", lambda *_: bgp_configuration._Carried.NOTHING),
    ],
    ids=["cluster id", "AS number"],
)
def test_a_route_that_we_take_is_noticed(
    monkeypatch: pytest.MonkeyPatch, history: tuple[Action, ...], place: object, name: str, mistake: object
) -> None:
    """A mistake planted in one decision alone."""
    monkeypatch.setattr(place, name, mistake)

    found = replay(Variant(bare=True), history).violations

    assert Invariant.ROUTES is found[0].invariant
    assert "lost its last way" in found[0].words


@pytest.mark.parametrize("filtered", [False, True], ids=["without a filter", "with a filter"])
@pytest.mark.parametrize("mistaken", [False, True], ids=["as planning is", "with a mistake planted"])
def test_who_uses_a_gateway_made_by_hand_loses_no_route_either(
    monkeypatch: pytest.MonkeyPatch, filtered: bool, mistaken: bool
) -> None:
    """Filter and peers that somebody made are taken over before anybody defines whose gateway uses them."""
    if mistaken:
        monkeypatch.setattr(shared_plan, "shut_out", lambda *_: "")

    found = replay(
        Variant(),
        (
            Action("by_hand", ("spoke1", "t0", 0, "alpha")),
            Action("peer_by_hand", ("spoke1", filtered)),
            Action("wait", (60,)),
            Action("take_over", ("spoke1", True)),
            Action("follow", (9,)),
        ),
    ).violations

    assert mistaken == bool(found)
    assert {Invariant.ROUTES if mistaken else None}.issuperset(one.invariant for one in found)
    assert all("made by hand" in one.words for one in found)
