"""Whoever waits for somebody waits for that one's person, and for time as long as that one does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planning_builders import CLUSTER, KEY, a_generation, seen, the_cluster, the_sample

from function_app.model.ledger import Generation
from function_app.model.names import AttachmentKey, ClusterName, NamespaceName, TenantName
from function_app.model.plan import AttachmentState, Stage, WaitsFor
from function_app.planning.behind import handed_on, queue
from function_app.planning.facts import Facts
from function_app.planning.generations import Intent
from function_app.planning.pointers import Pointer

FIRST, SECOND, THIRD = (AttachmentKey(TenantName(name), ClusterName("spoke1")) for name in ("a", "b", "c"))
AHEAD = {
    SECOND: {WaitsFor.QUARANTINE: (frozenset({FIRST}),), WaitsFor.DRAIN: (frozenset({FIRST}),)},
    THIRD: {WaitsFor.UNPOINTED: (frozenset({SECOND}),)},
}


def a_row(key: AttachmentKey, *waiting: WaitsFor, detail: str = "") -> AttachmentState:
    """One attachment that waits."""
    return AttachmentState(key, "10.99.0.0/29", Stage.ABSENT, current=True, waiting_for=waiting, detail=detail)


def test_a_person_is_handed_on_through_everybody_who_waits() -> None:
    """The third waits for the second's gateway, the second for the first's range, the first for a person."""
    first = a_row(FIRST, WaitsFor.FOREIGN, detail="IPPool a-pool no longer bears our marks")

    rows = handed_on((first, a_row(SECOND, WaitsFor.QUARANTINE), a_row(THIRD, WaitsFor.UNPOINTED)), AHEAD)

    assert [(WaitsFor.FOREIGN,), (WaitsFor.PERSON,), (WaitsFor.PERSON,)] == [one.waiting_for for one in rows]
    assert "it waits for a@spoke1, which does not move before a person acts: IPPool a-pool" in rows[1].detail


def test_whoever_waits_for_time_is_looked_at_again() -> None:
    """A gateway whose pods are going, or that waits for a person and for time, is not at its end."""
    for first in (a_row(FIRST, WaitsFor.PODS_GONE), a_row(FIRST, WaitsFor.FOREIGN, WaitsFor.PODS_GONE)):
        second = a_row(SECOND, WaitsFor.QUARANTINE)

        assert (first, second) == handed_on((first, second), AHEAD)


def test_what_moves_by_itself_is_still_waited_for() -> None:
    """Only what ends when somebody else has moved is replaced."""
    first, second = a_row(FIRST, WaitsFor.PERSON), a_row(SECOND, WaitsFor.DRAIN, WaitsFor.FIREWALL_BUSY)

    assert (WaitsFor.PERSON, WaitsFor.FIREWALL_BUSY) == handed_on((first, second), AHEAD)[1].waiting_for


def test_a_generation_that_nobody_keeps_still_drains() -> None:
    """Of two old ones a stranger's namespace keeps the first; the second's drain ends by itself and is looked for."""
    first, second = a_row(FIRST, WaitsFor.PERSON), a_row(SECOND, WaitsFor.DRAIN)
    nobody: frozenset[AttachmentKey] = frozenset()
    kept, drains = (
        {SECOND: {WaitsFor.DRAIN: (frozenset({FIRST}),)}},
        {SECOND: {WaitsFor.DRAIN: (frozenset({FIRST}), nobody)}},
    )

    assert (WaitsFor.PERSON,) == handed_on((first, second), kept)[1].waiting_for
    assert (WaitsFor.DRAIN,) == handed_on((first, second), drains)[1].waiting_for


def test_one_wait_is_handed_on_and_another_stays() -> None:
    """A leaving gateway waits behind somebody who cannot move, while another generation of the same tenant drains."""
    first, second = a_row(FIRST, WaitsFor.PERSON), a_row(SECOND, WaitsFor.UNPOINTED, WaitsFor.DRAIN)
    ahead = {SECOND: {WaitsFor.UNPOINTED: (frozenset({FIRST}),), WaitsFor.DRAIN: (frozenset[AttachmentKey](),)}}

    assert (WaitsFor.PERSON, WaitsFor.DRAIN) == handed_on((first, second), ahead)[1].waiting_for


def test_whoever_stands_in_its_own_way_waits_for_what_else_it_waits_for() -> None:
    """Leaving, it keeps the gateway for itself as it comes back, which a person must let in; without one it ends by time."""
    ahead = {FIRST: {WaitsFor.UNPOINTED: (frozenset({FIRST}),)}, SECOND: AHEAD[SECOND]}
    first = a_row(FIRST, WaitsFor.UNAPPROVED, WaitsFor.UNPOINTED, detail="nobody approved it")

    rows = handed_on((first, a_row(SECOND, WaitsFor.QUARANTINE)), ahead)

    assert [(WaitsFor.UNAPPROVED,), (WaitsFor.PERSON,)] == [one.waiting_for for one in rows]
    assert "nobody approved it" == rows[0].detail
    for moving in (a_row(FIRST, WaitsFor.UNPOINTED), a_row(FIRST, WaitsFor.UNPOINTED, WaitsFor.SERVING)):
        assert (moving,) == handed_on((moving,), ahead)


@pytest.mark.parametrize("recorded", [True, False])
def test_only_what_is_recorded_on_a_gateway_keeps_it_beyond_its_time(recorded: bool) -> None:
    """A foreign namespace delays a removal for a day and a drain not at all, whoever claims it and cannot come for it."""
    heir = next(one for key, one in the_sample().attachments.items() if key != KEY and key.cluster != CLUSTER)
    claimant = AttachmentKey(heir.key.tenant, CLUSTER)
    claimed = NamespaceName(heir.attachment.namespaces[0])
    plain = a_generation()
    generation = replace(plain, routed={claimed: plain.reserved_at} if recorded else {})
    found = _pointed_at_by(claimed, generation, recorded=recorded)
    asks = {claimant: Intent(claimant, replace(heir, key=claimant))}
    old, going = Intent(KEY, None, older=(generation,)), Intent(KEY, None, leaving=(generation,))

    ahead = frozenset({claimant} if recorded else ())
    assert {WaitsFor.DRAIN: (ahead,)} == queue({CLUSTER: found}, {KEY: old, **asks})[KEY]
    assert {WaitsFor.UNPOINTED: (ahead,)} == queue({CLUSTER: found}, {KEY: going, **asks})[KEY]


def _pointed_at_by(name: NamespaceName, generation: Generation, *, recorded: bool) -> Facts:
    return Facts(
        CLUSTER,
        the_cluster(),
        seen(),
        {generation.id: generation},
        pointers={name: Pointer(None, frozenset({generation.id}), frozenset({"x"}), ours=False)},
        pointing={generation.id: (name,)},
        pod_users={},
        recorded={name: (generation,)} if recorded else {},
    )
