"""`python -m load burst|hubs`: prints what came of it; exit 1 when a goal is missed."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Row
from bench.page import renew, table
from load.burst import Burst, burst
from load.hubs import HubsOnWorkers, Round, hubs_on_workers
from real.azurite.program import find_program
from real.cache import MissingProgram
from real.npm import Program

MOST_FETCHES, MOST_PUTS, MOST_SECONDS, MOST_GROWTH_MIB = 2, 2, 1.0, 10.0
HUBS_TITLE = "Hubs on workers"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    asked = _parser().parse_args(arguments)
    try:
        program = find_program(announce=print)
    except MissingProgram as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    met = _burst(program) if asked.what == "burst" else _hubs(program, asked)
    print(f"load of the machine after: {os.getloadavg()[0]:.1f}")
    return 0 if met else 1


def _burst(program: Program) -> bool:
    found = burst(program)
    print(words(found))
    return kept(found)


def _hubs(program: Program, asked: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory(prefix="egress-load-") as folder:
        found = hubs_on_workers(
            program,
            Path(folder),
            hubs=asked.hubs,
            attachments=asked.tenants,
            workers=asked.workers,
            latency_seconds=asked.latency_milliseconds / 1000,
            told=lambda said: print(said, flush=True),
        )
    rows = hub_rows(found)
    for row in rows:
        print(f"  {row.figure:<44} {row.found}")
    if asked.write:
        counts = " ".join(map(str, asked.workers))
        renew({HUBS_TITLE: table(rows, f"--hubs {asked.hubs} --tenants {asked.tenants} --workers {counts}")})
    return True


def hub_rows(found: HubsOnWorkers) -> list[Row]:
    """The figures as lines of a table."""
    rows = list[Row]()
    of = f"{found.hubs} hubs of {found.attachments}, {found.latency_seconds * 1000:.0f} ms"
    for name, rounds in (("nothing changed", found.unchanged), ("one rule of each changed", found.changed)):
        for one in rounds:
            workers = f"{one.workers} worker{'s' if one.workers > 1 else ''}"
            rows.append(Row(f"{of}, {name}, {workers}", "", _round_words(one, rounds[0])))
    return rows


def _round_words(one: Round, first: Round) -> str:
    cpu = f"CPU {one.workers_cpu:.1f} s workers, {one.world_cpu:.1f} s world, {one.storage_cpu:.1f} s storage"
    ratio = first.seconds / one.seconds
    return f"{one.seconds:.1f} s, ratio {ratio:.2f}, a pass {one.pass_seconds:.2f} s; {cpu}; bound by {one.bound_by}"


def words(found: Burst) -> str:
    """The figures."""
    busy = "still" if found.busy else "no longer"
    p50, p99, longest = (f"{one * 1000:.0f} ms" for one in (found.p50, found.p99, found.longest))
    answered = f"answered in {p50} (median), {p99} (p99), {longest} (longest); goal: p99 below {MOST_SECONDS:g} s"
    sent = (
        f"{found.sent} webhooks, answered {', '.join(map(str, found.statuses))}; the firewall was {busy} being written"
    )
    return "\n".join(
        [
            sent,
            answered,
            f"fetches {found.fetches}, PUTs of the shard {found.puts}; goal: at most {MOST_FETCHES} and {MOST_PUTS}",
            f"worker resident {found.resident[0]:.0f} MiB before, {found.resident[1]:.0f} MiB after",
        ]
    )


def kept(found: Burst) -> bool:
    """All goals."""
    return (
        found.statuses == (202,)
        and found.fetches <= MOST_FETCHES
        and found.puts <= MOST_PUTS
        and found.p99 < MOST_SECONDS
        and found.resident[1] - found.resident[0] < MOST_GROWTH_MIB
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load", description="What the service does under load.")
    parser.add_argument("what", nargs="?", default="burst", choices=("burst", "hubs"), help="what to measure")
    parser.add_argument("--hubs", type=int, default=20, help="how many hubs (default 20)")
    parser.add_argument("--tenants", type=int, default=200, help="attachments of each (default 200)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], help="how many workers, in turn")
    parser.add_argument("--latency-milliseconds", type=float, default=20.0, help="how late answers are (default 20)")
    parser.add_argument("--write", action="store_true", help="renew the table of hubs in docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
