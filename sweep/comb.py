"""Playings whose workers die at every so manieth call, each playing beginning at another one: together, at every call.

A comb of kills goes over the history: the first worker dies at its n-th call, each one after it at its `every`-th. With n from 1 to
`every` no call of the history is left out, and each playing is a history of many deaths. `every` must exceed the calls of one
pass, or no pass would ever come to its end.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from time import monotonic

from real.azurite.server import Azurite
from real.npm import Program
from simulator.wire.certificates import make_certificates
from sweep.acts import ACTS, play
from sweep.lives import journal_of
from sweep.play import Ground, Lost, Play
from sweep.victim import Fate

EVERY = 200
_NAMES = (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), re.compile(r"\b[0-9a-f]{8,64}\b"))


@dataclass(frozen=True, slots=True)
class Played:
    """How one playing went. `deaths` and `calls` are by words, without names that differ from one playing to the next."""

    offset: int
    deaths: tuple[str, ...]
    calls: Counter[str]
    seconds: float
    problem: str = ""


def recorded(program: Program, acts: int) -> Played:
    """The first acts of the history, without any death."""
    return _played(program, acts, repeat(Fate()), 0)


def combed(program: Program, acts: int, offset: int, every: int = EVERY) -> Played:
    """The first acts with a death at call `offset`, and at each `every`-th of those who come after."""
    return _played(program, acts, chain([Fate(offset)], repeat(Fate(every))), offset)


def _played(program: Program, acts: int, fates: Iterator[Fate], offset: int) -> Played:
    started, problem = monotonic(), ""
    with tempfile.TemporaryDirectory(prefix="egress-sweep-") as base, Azurite(program) as azurite:
        folder = Path(base) / "play"
        with Play(Ground(azurite, make_certificates()), folder, "sweep", fates) as on:
            try:
                play(ACTS[:acts], on)
            except Lost as lost:
                problem = str(lost)
            deaths, calls = tuple(_words(each) for each in on.deaths), Counter(map(_words, journal_of(folder)))
            if problem:
                problem += "\n" + "\n".join((folder / "worker.log").read_text(encoding="utf-8").splitlines()[-30:])
    return Played(offset, deaths, calls, monotonic() - started, problem)


def _words(line: str) -> str:
    """A journal's line without its number and without ids."""
    words = line.partition(" ")[2]
    for name in _NAMES:
        words = name.sub("ID", words)
    return words
