"""`make mutants`: plant each named mistake and see which test notices. Exit 1 when one is not noticed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from mutants.mistake import Mistake, planted
from mutants.page import noticed_before, renew
from mutants.running import ROOT, Attempt, Fate, Tests, Trial, with_tests
from mutants.table import ASKED_ABOUT_RULES, ASKED_ABOUT_WORLD, MISTAKES, SUITES, UnknownMistake, chosen


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
    trials = with_tests(SUITES, asked.jobs, lambda tests: list(_tried(tests, mistakes, console)))
    trials.sort(key=lambda trial: order[trial.of.name])
    seconds = time.monotonic() - started
    console.print(_table(trials))
    left = [trial for trial in trials if trial.fate is not Fate.KILLED]
    for trial in left:
        console.print(f"{trial.of.name} {trial.fate}. {trial.of.harm} {trial.by}", markup=False, soft_wrap=True)
    console.print(f"{len(trials) - len(left)} of {len(trials)} mistakes noticed in {seconds:.0f} s")
    if asked.write:
        renew(trials, seconds)
    return 1 if left else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mutants", description="Plant mistakes, one at a time.")
    parser.add_argument("names", nargs="*", help="mistakes to try; all when none is named")
    parser.add_argument("--write", action="store_true", help="renew the table of docs/mutants.md")
    parser.add_argument("--jobs", type=int, default=1, help="how many are tried side by side")
    return parser


def _tried(tests: Tests, mistakes: Sequence[Mistake], console: Console) -> Iterator[Trial[Mistake]]:
    """Each mistake in a fork; what noticed it is then run once more without it."""
    before = noticed_before()
    attempts = [_attempt(mistake, before.get(mistake.name, "")) for mistake in mistakes]
    trials: list[Trial[Mistake]] = []
    for trial in tests.tried(attempts):
        trials.append(trial)
        words = f"{len(trials)}/{len(mistakes)} {trial.of.name}: {trial.fate} {trial.by} ({trial.seconds:.1f} s)"
        console.print(words, markup=False, soft_wrap=True)
    red = tests.red(trial.by for trial in trials if trial.fate is Fate.KILLED)
    for trial in trials:
        if trial.fate is Fate.KILLED and trial.by in red:
            yield replace(trial, fate=Fate.UNDECIDED, by=f"{trial.by} fails without the mistake as well")
        else:
            yield trial


def _attempt(mistake: Mistake, before: str) -> Attempt[Mistake]:
    wrong = planted(mistake, (ROOT / mistake.file).read_text(encoding="utf-8"))
    others = ASKED_ABOUT_WORLD if mistake.breaks == "world" else ASKED_ABOUT_RULES
    return Attempt(mistake, mistake.file, wrong, (before, *mistake.likely, *others))


def _table(trials: Sequence[Trial[Mistake]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("mistake", "breaks", "fate", "noticed by", "s"):
        table.add_column(heading, overflow="fold")
    for trial in trials:
        table.add_row(trial.of.name, trial.of.breaks, trial.fate, trial.by, f"{trial.seconds:.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
