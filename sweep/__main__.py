"""`make sweep`: the service killed at every call of a history; exit 1 when a playing did not end as it must."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from math import ceil, inf
from pathlib import Path
from queue import Queue
from time import monotonic

from real.azurite.program import find_program
from real.azurite.server import Azurite
from real.cache import MissingProgram
from simulator.wire.certificates import make_certificates
from sweep.acts import ACTS
from sweep.beside import stopped_past_its_lease
from sweep.comb import Fates, Place, Played, dealt, numbered, played
from sweep.play import Ground, Lost, Play

PLAYINGS = 20
ROUNDS = 3
"""Death shifts what comes after: where a worker died late, its heir may find nothing left to do. What was not reached is dealt out
again, among fewer others."""
FEWER = 20
"""So many calls are a playing's share from the second round on: of 16 all were reached, of 87 about half."""
LEASE_SECONDS = 65.0


def main(arguments: list[str] | None = None) -> int:
    """Play the history once, then with deaths."""
    parser = argparse.ArgumentParser(prog="python -m sweep", description=__doc__)
    parser.add_argument(
        "--playings", type=int, default=PLAYINGS, help=f"to so many all calls are dealt out (default: {PLAYINGS})"
    )
    parser.add_argument("--jobs", type=int, default=1, help="so many at once")
    parser.add_argument(
        "--minutes", type=float, default=inf, help="begin no playing after so much time (default: no end)"
    )
    asked = parser.parse_args(arguments)
    try:
        program = find_program(announce=print)
    except MissingProgram as problem:
        print(problem, file=sys.stderr)
        return 1
    with ExitStack() as closing:
        certificates = make_certificates()
        accounts = [closing.enter_context(Azurite(program)) for _ in range(asked.jobs)]
        end = monotonic() + 60 * asked.minutes
        grounds = _Grounds([Ground(account, certificates) for account in accounts], end)
        with grounds.one() as ground:
            whole = played(ground, len(ACTS))
        if whole.problem:
            print(f"without any death: {whole.problem}", file=sys.stderr)
            return 1
        calls = sum(len(each) for each in whole.turns.values())
        print(f"without a death: {calls} calls in {len(whole.turns)} turns, {whole.seconds:.0f} s", flush=True)
        done: list[Played] = []
        left = [(turn, call) for turn, made in whole.turns.items() for call in numbered(made)]
        for number in range(ROUNDS):
            hands = dealt(left, ceil(len(left) / FEWER) if number else asked.playings)
            with ThreadPoolExecutor(asked.jobs) as pool:
                for each in filter(None, pool.map(grounds.played, hands)):
                    done.append(each)
                    ended = each.problem or "ended as it must"
                    print(f"playing {len(done)}: {len(each.deaths)} deaths, {each.seconds:.0f} s: {ended}", flush=True)
            left = [place for place in left if not any(place in each.deaths for each in done)]
        never = _told(whole, done, left)
        with grounds.one() as ground:
            late = late_instance(ground)
    print(f"stopped for {LEASE_SECONDS:.0f} s in front of a PUT, its lease over: {late or 'ended as it must'}")
    return 1 if late or never or any(each.problem for each in done) else 0


class _Grounds:
    """As many as there are playings at once, and the moment after which none begins."""

    def __init__(self, grounds: Sequence[Ground], end: float) -> None:
        self._end = end
        self._free: Queue[Ground] = Queue()
        for each in grounds:
            self._free.put(each)

    @contextmanager
    def one(self) -> Iterator[Ground]:
        """One that nobody else has."""
        ground = self._free.get()
        try:
            yield ground
        finally:
            self._free.put(ground)

    def played(self, fates: Fates) -> Played | None:
        """The whole history with these deaths, None when it is too late for it."""
        with self.one() as ground:
            return played(ground, len(ACTS), fates) if monotonic() < self._end else None


def late_instance(ground: Ground) -> str:
    """The story of `stopped_past_its_lease` with a lease that runs out by itself; what is wrong, empty when nothing is."""
    with tempfile.TemporaryDirectory(prefix="egress-sweep-") as base, Play(ground, Path(base) / "play", "late") as on:
        try:
            stopped_past_its_lease(on, lease_seconds=LEASE_SECONDS)
        except Lost as lost:
            return str(lost)
    return ""


def _told(whole: Played, done: Sequence[Played], left: Sequence[Place]) -> list[str]:
    """Figures; calls that no worker died at are printed, and returned are those whose like none died at in the whole act."""
    calls = sum(len(each) for each in whole.turns.values())
    reached = {(turn.act, call.words) for each in done for turn, call in each.deaths}
    never = [(turn, call) for turn, call in left if (turn.act, call.words) not in reached]
    print(
        f"{len(done)} playings, {sum(len(each.deaths) for each in done)} deaths at {calls - len(left)} of {calls} calls; "
        f"{sum(bool(each.problem) for each in done)} did not end as they must",
        flush=True,
    )
    for turn, call in left:
        others = "nor at any like it" if (turn, call) in never else "but at others like it"
        print(f"never died at in {turn.act}, turn {turn.number}: {call.words} ({call.nth}), {others} in this act")
    return [call.words for _, call in never]


if __name__ == "__main__":
    sys.exit(main())
