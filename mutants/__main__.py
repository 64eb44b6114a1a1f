"""`make mutants`: plant each named mistake in a copy and see which test notices. Exit 1 when one is not noticed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table

from mutants.mistake import Mistake
from mutants.running import Copy, Fate, Trial
from mutants.table import MISTAKES, UnknownMistake, chosen

AT_ONCE = 2
"""Copies that are tried side by side."""


def main(names: Sequence[str]) -> int:
    """Try the named mistakes, or all; print the table."""
    console = Console(highlight=False)
    try:
        mistakes = chosen(tuple(names))
    except UnknownMistake as problem:
        console.print(str(problem.args[0]), markup=False)
        return 2
    order = {mistake.name: position for position, mistake in enumerate(MISTAKES)}
    trials = sorted(_tried(mistakes, console), key=lambda trial: order[trial.mistake.name])
    console.print(_table(trials))
    left = [trial for trial in trials if trial.fate is not Fate.KILLED]
    for trial in left:
        console.print(
            f"{trial.mistake.name} {trial.fate}. {trial.mistake.harm} {trial.by}", markup=False, soft_wrap=True
        )
    console.print(f"{len(trials) - len(left)} of {len(trials)} mistakes noticed")
    return 1 if left else 0


def _tried(mistakes: Sequence[Mistake], console: Console) -> list[Trial]:
    """Each mistake in one of the copies; what noticed it is then run once more without it."""
    with ExitStack() as stack:
        folders = [
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
            for _ in range(min(AT_ONCE, len(mistakes)))
        ]
        copies: SimpleQueue[Copy] = SimpleQueue()
        for folder in folders:
            copies.put(Copy(folder))

        def tried(mistake: Mistake) -> Trial:
            copy = copies.get()
            try:
                return copy.try_out(mistake)
            finally:
                copies.put(copy)

        trials: list[Trial] = []
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
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
    sys.exit(main(sys.argv[1:]))
