"""All named mistakes in one table, in the order in which they are tried."""

from __future__ import annotations

from mutants.mistake import Mistake
from mutants.mistakes_found import FOUND
from mutants.mistakes_of_admission import ADMISSION
from mutants.mistakes_of_applying import APPLYING
from mutants.mistakes_of_approval import APPROVAL
from mutants.mistakes_of_clusters import CLUSTERS
from mutants.mistakes_of_connections import CONNECTIONS
from mutants.mistakes_of_fabric import FABRIC
from mutants.mistakes_of_firewall import FIREWALL
from mutants.mistakes_of_ledger import LEDGER
from mutants.mistakes_of_reach import REACH
from mutants.mistakes_of_servers import SERVERS
from mutants.mistakes_of_stages import STAGES
from mutants.mistakes_of_world import WORLD

MISTAKES: tuple[Mistake, ...] = (
    *STAGES,
    *CLUSTERS,
    *FABRIC,
    *CONNECTIONS,
    *FIREWALL,
    *LEDGER,
    *APPLYING,
    *WORLD,
    *SERVERS,
    *REACH,
    *ADMISSION,
    *APPROVAL,
    *FOUND,
)

ASKED_ABOUT_RULES = ("tests/planning", "tests/stories", "tests/golden", "tests/search")
ASKED_ABOUT_WORLD = (
    "tests/simulator/network",
    "tests/simulator/azure",
    "tests/simulator/kubernetes",
    "tests/stories",
    "tests/search",
)
"""Whom to ask, about our own mistakes and about those of the simulator, when those that usually notice did not."""
SUITES = (*ASKED_ABOUT_RULES, *ASKED_ABOUT_WORLD, "tests/reachability", "tests/review", "tests/telling")
"""All that are collected: also what some mistake asks first."""


class UnknownMistake(KeyError):
    """No mistake bears that name."""


def chosen(names: tuple[str, ...]) -> tuple[Mistake, ...]:
    """The mistakes of these names, all without names; raises UnknownMistake."""
    known = {mistake.name: mistake for mistake in MISTAKES}
    missing = [name for name in names if name not in known]
    if missing:
        raise UnknownMistake(f"{', '.join(missing)}: no such mistake. There are: {', '.join(known)}")
    return tuple(known[name] for name in names) or MISTAKES
