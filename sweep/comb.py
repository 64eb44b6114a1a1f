"""Every call of a history died at once: recorded, dealt out to playings, played, and counted.

The calls of the history are dealt out like cards, so that each playing has a call of nearly every turn, and of long turns several.
A worker dies at whichever of a turn's calls it comes to first, the next one makes the same turn and dies at another of them, until
none is left and one comes to the end. How many playings there are decides how many deaths each has, not which calls are died at.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic

from azure.core.exceptions import AzureError

from sweep.acts import ACTS, play
from sweep.play import Ground, Lost, Play, Turn
from sweep.victim import Call

Place = tuple[Turn, Call]
Fates = Mapping[Turn, frozenset[Call]]
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Played:
    """How one playing went: where workers died, and the calls of each turn that came to its end."""

    deaths: tuple[Place, ...]
    turns: Mapping[Turn, tuple[str, ...]]
    seconds: float
    problem: str = ""


def played(ground: Ground, acts: int, fates: Fates | None = None) -> Played:
    """The first acts of the history, with these deaths."""
    started, problem = monotonic(), ""
    with tempfile.TemporaryDirectory(prefix="egress-sweep-") as base:
        folder = Path(base) / "play"
        with Play(ground, folder, f"sweep-{next(_numbers)}", fates) as on:
            try:
                play(ACTS[:acts], on)
            except (Lost, AzureError) as lost:
                log = (folder / "worker.log").read_text(encoding="utf-8").splitlines()
                problem = "\n".join((str(lost), *map(str, on.deaths), *log[-30:]))
        return Played(tuple(on.deaths), on.turns, monotonic() - started, problem)


def dealt(places: Iterable[Place], playings: int) -> list[Fates]:
    """These calls, each in one playing; those of one turn are spread over as many of them as can be."""
    hands: list[dict[Turn, set[Call]]] = [defaultdict(set) for _ in range(playings)]
    for at, (turn, call) in enumerate(places):
        hands[at % playings][turn].add(call)
    return [{turn: frozenset(calls) for turn, calls in hand.items()} for hand in hands]


def numbered(calls: Sequence[str]) -> list[Call]:
    """The calls of one turn, told apart."""
    seen = Counter[str]()
    found = []
    for words in calls:
        seen[words] += 1
        found.append(Call(words, seen[words]))
    return found
