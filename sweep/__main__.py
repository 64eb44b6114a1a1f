"""`make sweep`: the service killed at every call of a history; exit 1 when a playing did not end as it must."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from real.azurite.program import find_program
from real.azurite.server import Azurite
from real.cache import MissingProgram
from real.npm import Program
from simulator.wire.certificates import make_certificates
from sweep.acts import ACTS
from sweep.beside import stopped_past_its_lease
from sweep.comb import EVERY, Played, combed, recorded
from sweep.play import Ground, Lost, Play
from sweep.victim import Fate

LEASE_SECONDS = 65.0


def main(arguments: list[str] | None = None) -> int:
    """Play the history once, then with deaths."""
    parser = argparse.ArgumentParser(prog="python -m sweep", description=__doc__)
    parser.add_argument("--every", type=int, default=EVERY, help=f"a worker lives for so many calls (default: {EVERY})")
    parser.add_argument("--playings", type=int, default=0, help="so many, evenly spread (default: one for each call)")
    parser.add_argument("--jobs", type=int, default=1, help="so many at once")
    asked = parser.parse_args(arguments)
    try:
        program = find_program(announce=print)
    except MissingProgram as problem:
        print(problem, file=sys.stderr)
        return 1
    whole = recorded(program, len(ACTS))
    if whole.problem:
        print(f"without any death: {whole.problem}", file=sys.stderr)
        return 1
    print(
        f"without a death: {whole.calls.total()} calls of {len(whole.calls)} kinds, {whole.seconds:.0f} s", flush=True
    )
    count = min(asked.playings or asked.every, asked.every)
    offsets = [1 + place * asked.every // count for place in range(count)]
    done: list[Played] = []
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(combed, program, len(ACTS), offset, asked.every) for offset in offsets]
        for each in running:
            played = each.result()
            done.append(played)
            ended = played.problem or "ended as it must"
            print(
                f"from call {played.offset}: {len(played.deaths)} deaths, {played.seconds:.0f} s: {ended}", flush=True
            )
    print(summary(whole, done), flush=True)
    late = late_instance(program)
    print(f"stopped for {LEASE_SECONDS:.0f} s in front of a PUT, its lease over: {late or 'ended as it must'}")
    return 1 if late or any(each.problem for each in done) else 0


def late_instance(program: Program) -> str:
    """The story of `stopped_past_its_lease` with a lease that runs out by itself; what is wrong, empty when nothing is."""
    with tempfile.TemporaryDirectory(prefix="egress-sweep-") as base, Azurite(program) as azurite:
        ground = Ground(azurite, make_certificates())
        with Play(ground, Path(base) / "play", "late", repeat(Fate())) as on:
            try:
                stopped_past_its_lease(on, lease_seconds=LEASE_SECONDS)
            except Lost as lost:
                return str(lost)
    return ""


def summary(whole: Played, done: list[Played]) -> str:
    """Figures."""
    deaths = Counter(words for each in done for words in each.deaths)
    reached = len(whole.calls.keys() & deaths.keys())
    failed = sum(bool(each.problem) for each in done)
    return (
        f"{len(done)} playings, {deaths.total()} deaths, at {reached} of {len(whole.calls)} kinds of calls; "
        f"{failed} did not end as they must"
    )


if __name__ == "__main__":
    sys.exit(main())
