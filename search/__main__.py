"""`python -m search`: many histories on all cores, with progress, rate and coverage; counter-examples shrunk and told."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from search.coverage import cell_count, empty_cells, summary, table
from search.history import Cell
from search.runner import from_seed
from search.shrinking import shrink
from search.stories import story

BATCH = 10


@dataclass
class Tally:
    """What a number of histories came to."""

    histories: int = 0
    calls: int = 0
    packets: int = 0
    passes: int = 0
    actions: int = 0
    seconds: float = 0.0
    coverage: Counter[Cell] = field(default_factory=Counter)
    found: list[tuple[int, str, str]] = field(default_factory=list)
    """Seed, violation, story."""

    def add(self, other: Tally) -> None:
        """Take in another tally."""
        self.histories += other.histories
        self.calls += other.calls
        self.packets += other.packets
        self.passes += other.passes
        self.actions += other.actions
        self.seconds += other.seconds
        self.coverage.update(other.coverage)
        self.found.extend(other.found)


def spare_the_collector() -> None:
    """What was imported is never garbage, and a history's world is gone as a whole: looking seldom saves a sixth of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def batch(seeds: Iterable[int], shrinks: int) -> Tally:
    """These seeds' histories, one after the other, in one process."""
    tally = Tally()
    for seed in seeds:
        started = time.process_time()
        run = from_seed(seed)
        tally.seconds += time.process_time() - started
        tally.histories += 1
        tally.calls += run.calls
        tally.packets += run.packets
        tally.passes += run.passes
        tally.actions += len(run.actions)
        tally.coverage.update(run.coverage)
        if run.violations:
            short = shrink(run, shrinks) if shrinks else run
            tally.found.append((seed, str(short.violations[0]), story(short, seed=seed)))
    return tally


def main(
    histories: Annotated[int, typer.Option(help="How many histories.")] = 1000,
    seed: Annotated[int, typer.Option(help="The first seed; the others follow it.")] = 1_000_000,
    workers: Annotated[int, typer.Option(help="Processes; 0 for one a core.")] = 0,
    shrinks: Annotated[int, typer.Option(help="How often a counter-example is tried shorter.")] = 150,
    minutes: Annotated[float, typer.Option(help="Begin no more histories after so long; 0 for no limit.")] = 0.0,
    out: Annotated[Path | None, typer.Option(help="Folder for the coverage table and the stories.")] = None,
) -> None:
    """Search; exit 1 when an invariant was broken."""
    seeds = range(seed, seed + histories)
    batches = [seeds[at : at + BATCH] for at in range(0, histories, BATCH)]
    total, started = Tally(), time.monotonic()
    with ProcessPoolExecutor(max_workers=workers or os.cpu_count(), initializer=spare_the_collector) as pool:
        running = [pool.submit(batch, each, shrinks) for each in batches]
        for future in as_completed(running):
            if future.cancelled():
                continue
            done = future.result()
            total.add(done)
            for number, words, _ in done.found:
                print(f"seed {number}: {words}", flush=True)
            spent = time.monotonic() - started
            print(_progress(total, histories, spent), file=sys.stderr, flush=True)
            if minutes and spent > 60 * minutes:
                for waiting in running:
                    waiting.cancel()
    print(_closing(total))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "coverage.md").write_text(table(total.coverage) + "\n")
        for number, _, told in total.found:
            (out / f"{number}.txt").write_text(told + "\n")
    if total.found:
        print(total.found[0][2])
        raise typer.Exit(1)


def _progress(total: Tally, wanted: int, seconds: float) -> str:
    return (
        f"{total.histories}/{wanted} histories, {len(total.found)} broken, {total.histories / seconds:.2f} histories/s, "
        f"{total.calls / total.seconds:.0f} checked calls/s and core"
    )


def _closing(total: Tally) -> str:
    empty = list(empty_cells(total.coverage))
    figures = (
        f"{total.histories} histories, {total.actions} actions, {total.passes} passes, {total.calls} checked calls, "
        f"{total.packets} packets, {total.calls / max(total.seconds, 0.001):.0f} checked calls/s and core"
    )
    lines = [
        summary(total.coverage),
        "",
        figures,
        f"{len(total.found)} histories broke an invariant",
        f"{cell_count() - len(empty)} of {cell_count()} cells reached; never reached:",
        *(f"  {stage} x {fault} x {group}" for stage, fault, group in empty[:60]),
        *([f"  and {len(empty) - 60} more"] if len(empty) > 60 else []),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
