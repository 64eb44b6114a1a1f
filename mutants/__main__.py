"""`make mutants`: plant each named mistake in a copy and see which test notices. Exit 1 when one is not noticed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table

from mutants.mistake import Mistake
from mutants.page import noticed_before, renew
from mutants.running import Copy, Fate, Trial
from mutants.table import MISTAKES, UnknownMistake, chosen


def main() -> int:
    """Try the named mistakes, or all; print the table and, when asked, write it into the page."""
    asked = _parser().parse_args()
    console = Console(highlight=False)
    try:
        mistakes = chosen(tuple(asked.names))
    except UnknownMistake as problem:
        console.print(str(problem.args[0]), markup=False)
        return 2
    if asked.write and mistakes != MISTAKES:
        console.print("The page shows the whole table: --write goes without names.", markup=False)
        return 2
    started = time.monotonic()
    order = {mistake.name: position for position, mistake in enumerate(MISTAKES)}
    trials = sorted(_tried(mistakes, console, asked.jobs), key=lambda trial: order[trial.mistake.name])
    seconds = time.monotonic() - started
    console.print(_table(trials))
    left = [trial for trial in trials if trial.fate is not Fate.KILLED]
    for trial in left:
        console.print(
            f"{trial.mistake.name} {trial.fate}. {trial.mistake.harm} {trial.by}", markup=False, soft_wrap=True
        )
    console.print(f"{len(trials) - len(left)} of {len(trials)} mistakes noticed in {seconds:.0f} s")
    if asked.write:
        renew(trials, seconds)
    return 1 if left else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mutants", description="Plant mistakes, one at a time.")
    parser.add_argument("names", nargs="*", help="mistakes to try; all when none is named")
    parser.add_argument("--write", action="store_true", help="renew the table of docs/mutants.md")
    parser.add_argument("--jobs", type=int, default=1, help="copies that are tried side by side")
    return parser


def _tried(mistakes: Sequence[Mistake], console: Console, jobs: int) -> list[Trial]:
    """Each mistake in one of the copies; what noticed it is then run once more without it."""
    before = noticed_before()
    with ExitStack() as stack:
        folders = [
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
            for _ in range(min(jobs, len(mistakes)))
        ]
        copies: SimpleQueue[Copy] = SimpleQueue()
        for folder in folders:
            copies.put(Copy(folder))

        def tried(mistake: Mistake) -> Trial:
            copy = copies.get()
            try:
                return copy.try_out(mistake, before.get(mistake.name, ""))
            finally:
                copies.put(copy)

        trials: list[Trial] = []
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        for trial in pool.map(tried, mistakes):
            trials.append(trial)
            words = (
                f"{len(trials)}/{len(mistakes)} {trial.mistake.name}: {trial.fate} {trial.by} ({trial.seconds:.0f} s)"
            )
            console.print(words, markup=False, soft_wrap=True)
        red = copies.get().red_without(sorted({trial.by for trial in trials if trial.fate is Fate.KILLED}))
        return [_less(trial, red) for trial in trials]


def _less(trial: Trial, red: Collection[str]) -> Trial:
    if trial.fate is not Fate.KILLED or trial.by not in red:
        return trial
    return replace(trial, fate=Fate.UNDECIDED, by=f"{trial.by} fails without the mistake as well")


def _table(trials: Sequence[Trial]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("mistake", "breaks", "fate", "noticed by", "s"):
        table.add_column(heading, overflow="fold")
    for trial in trials:
        table.add_row(trial.mistake.name, trial.mistake.breaks, trial.fate, trial.by, f"{trial.seconds:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
