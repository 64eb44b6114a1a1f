"""Something that happens between two calls of a pass: a person's edit, somebody else's write, time that goes by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stories.desk import HUB, Desk

from simulator.inprocess import Door, InProcessCluster, InProcessFirewall, InProcessRouteServer
from simulator.model.faults import Call

READS = frozenset({"get", "list", "learned-routes"})
Happening = Callable[[Call], None]


def _nothing(_: Call) -> None:
    """Nothing happens."""


def interrupted(desk: Desk, *, before: Happening = _nothing, after: Happening = _nothing) -> None:
    """From now on `before` and `after` are told of each call of this desk's passes that reaches the world."""
    door = Door(desk.world, on_call=after, before_call=before)
    desk.ports = replace(
        desk.ports,
        clusters={name: InProcessCluster(door, name) for name in desk.world.clusters},
        firewall=InProcessFirewall(door, HUB),
        route_server=InProcessRouteServer(door, HUB),
    )


def once(fits: Callable[[Call], bool], happening: Callable[[], object]) -> Happening:
    """At the first call that fits, and never again."""
    waiting = [happening]

    def told(call: Call) -> None:
        if waiting and fits(call):
            waiting.pop()()

    return told


def writes_to(desk: Desk, target: str, verb: str = "*", kind: str = "*") -> int:
    """How many writes a target was asked for so far, refused ones included."""
    return sum(
        count
        for (where, how, what), count in desk.world.faults.calls.items()
        if where == target and how not in READS and verb in ("*", how) and kind in ("*", what)
    )
