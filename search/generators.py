"""Which action comes next: by chance, with weights that lead where things go wrong, and with an eye on what there is.

A profile says who takes part. `quiet`: only we, Git and faults, so that every lost connection is ours; `people`: all hands;
`trouble`: calls, processes and memories fail most; `aimed`: all of it, by what is missing (see `aiming`); `fabric`: the network
under the tenants, more often than not ours from the first cluster id on; `moving`: who carried the published example out by hand
moves over to us.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from search import proposals
from search.actions import Action, Group
from search.aiming import Aim, Maker
from search.commits import SITE_SETS
from search.proposals_of_fabric import fabric
from search.worlds import CLUSTERS, NAMESPACES, SITES, Variant


def variant_of(random: Random) -> Variant:
    """How this history's hub is set up."""
    return random.choice(
        (
            *(Variant(), Variant(bare=True), Variant(bare=True), Variant(tenants_per_shard=1)),
            *(Variant(routes_per_peer=9), Variant(max_bytes=2500)),
        )
    )


@dataclass(frozen=True, slots=True)
class Course:
    """How one history goes: its first actions, and the chooser of all others."""

    opening: tuple[Action, ...]
    choose: Maker


def course_of(random: Random) -> Course:
    """One history's course."""
    profile = random.choice(
        ("aimed", "aimed", "aimed", "quiet", "quiet", "people", "people", "trouble", "fabric", "fabric", "moving")
    )
    if profile == "aimed":
        aim = Aim(random, SORTS)
        return Course(tuple(aim.opening(random)), aim.next)
    makers = {**_ALWAYS, **_PROFILES[profile]}
    names, weights = tuple(makers), tuple(makers.values())
    opening = _made_by_hand(random) if profile == "moving" else _opening(random)
    return Course(tuple(opening), lambda chance, history: chance.choices(names, weights)[0](chance, history))


def _opening(random: Random) -> list[Action]:
    """One or two tenants to begin with, and perhaps passes until they stand."""
    first = [
        Action("add", ("t0", "spoke1", 0, random.choice((("alpha",), ("alpha",), NAMESPACES)), (SITES[0],))),
        Action("add", ("t1", random.choice(CLUSTERS), random.choice((1, 2)), ("beta",), random.choice(SITE_SETS))),
    ]
    started = first[: random.choice((0, 1, 2, 2))]
    if started and random.random() < 0.7:
        started.append(Action("follow", (random.choice((2, 4, 8, 16, 16)),)))
    return started


def _made_by_hand(random: Random) -> list[Action]:
    """One or two gateways on a cluster, their peers, and perhaps passes before anything is taken over."""
    cluster, second = random.choice(CLUSTERS), random.random() < 0.4
    made = [
        Action("by_hand", (cluster, "t0", 0, "alpha")),
        *([Action("by_hand", (cluster, "t1", 1, "beta"))] if second else []),
        Action("peer_by_hand", (cluster, random.random() < 0.5)),
        Action("wait", (60,)),
    ]
    return [*made, Action("follow", (2,))] if random.random() < 0.5 else made


_ALWAYS: dict[Maker, float] = {
    proposals.add: 5,
    proposals.remove: 3,
    proposals.renumber: 4,
    proposals.places: 4,
    proposals.rules: 4,
    proposals.shape: 3,
    proposals.broken: 3,
    proposals.tree: 2,
    proposals.shared: 2,
    proposals.time: 9,
    proposals.run: 16,
    proposals.follow: 9,
    proposals.two: 3,
    proposals.amid: 3,
    proposals.decision: 2.5,
    proposals.azure: 2.5,
    proposals.trouble: 4,
    proposals.memory: 2.5,
}
_PROFILES: dict[str, dict[Maker, float]] = {
    "quiet": {},
    "people": {
        proposals.on_cluster: 8,
        proposals.on_firewall: 3,
        proposals.foreign: 4,
        proposals.node: 3,
        proposals.gateway: 3,
        fabric: 3,
    },
    "fabric": {fabric: 22, proposals.follow: 14, proposals.node: 4},
    "moving": {proposals.moving: 20, proposals.follow: 14, proposals.on_cluster: 2, proposals.foreign: 2, fabric: 2},
    "trouble": {proposals.trouble: 12, proposals.azure: 6, proposals.memory: 6, proposals.two: 6, proposals.gateway: 1},
}
SORTS: dict[Group, Maker] = {
    Group.ADDED: proposals.add,
    Group.REMOVED: proposals.remove,
    Group.RENUMBERED: proposals.renumber,
    Group.PLACES: proposals.places,
    Group.RULES: proposals.rules,
    Group.SHAPE: proposals.shape,
    Group.BROKEN: proposals.broken,
    Group.TREE: proposals.tree,
    Group.SHARED: proposals.shared,
    Group.CLUSTER: proposals.on_cluster,
    Group.FIREWALL: proposals.on_firewall,
    Group.FOREIGN: proposals.foreign,
    Group.NODES: proposals.node,
    Group.FABRIC: fabric,
    Group.GATEWAYS: proposals.gateway,
    Group.AZURE: proposals.azure,
    Group.MEMORY: proposals.memory,
    Group.DECISION: proposals.decision,
    Group.TIME: proposals.time,
    Group.PASS: proposals.follow,
    Group.TWO: proposals.two,
    Group.TROUBLE: proposals.trouble,
}
