"""`make load`: prints what came of a burst of webhooks; exit 1 when a goal is missed."""

from __future__ import annotations

import os
import sys

from azurite.program import MissingProgram, find_program
from load.burst import Burst, burst

MOST_FETCHES, MOST_PUTS, MOST_SECONDS, MOST_GROWTH_MIB = 2, 2, 1.0, 10.0


def main() -> int:
    """Measure and print."""
    try:
        program = find_program(announce=print)
    except MissingProgram as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    found = burst(program)
    print(words(found))
    print(f"load of the machine after: {os.getloadavg()[0]:.1f}")
    return 0 if kept(found) else 1


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


if __name__ == "__main__":
    sys.exit(main())
