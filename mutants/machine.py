"""`make mutants-machine`: a seeded sample of the mistakes that a machine thinks up in function_app/planning.

Each is asked of the tests that run the changed lines, the quickest first. What no test notices but mypy refuses needs no test.
"""

from __future__ import annotations

import difflib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from rich.console import Console

from mutants.changes import Change, changes
from mutants.running import ROOT, Attempt, Fate, Reach, Tests, Trial, with_tests

_PACKAGE = ROOT / "function_app" / "planning"
_SUITES = ("tests/planning", "tests/reachability", "tests/stories", "tests/golden", "tests/review")
_SECONDS = 6.0
"""Processor time of the quickest tests that a change is asked of, and of the widest: what only others notice, nobody noticed."""
_CACHE = ROOT / "build" / "mutants-mypy"


def main(sample: int, seed: int, jobs: int) -> int:
    """Try the sample; print every change that nobody noticed, and the score. Always 0: people read what is left."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    known = [change for path in sorted(_PACKAGE.rglob("*.py")) for change in changes(*_file(path))]
    drawn = random.Random(seed).sample(known, min(sample, len(known)))  # noqa: S311 - a sample, no secret
    started = time.monotonic()
    trials = with_tests(_SUITES, jobs, lambda tests: list(_tried(tests, drawn, console)))
    left = [trial for trial in trials if trial.fate in {Fate.SURVIVED, Fate.UNDECIDED}]
    refused = [trial for trial in left if trial.fate is Fate.SURVIVED and _refused(trial.of)]
    for trial in sorted((trial for trial in left if trial not in refused), key=lambda one: (one.of.file, one.of.start)):
        console.print(f"\n{trial.fate} {trial.by}\n{_shown(trial.of)}")
    count = Counter(trial.fate for trial in trials)
    noticed, asked = count[Fate.KILLED] + count[Fate.ENDLESS], len(trials) - len(refused)
    console.print(
        f"\n{len(known)} changes, {len(trials)} drawn (seed {seed}): {count[Fate.KILLED]} noticed by a test, "
        f"{count[Fate.ENDLESS]} without end, {len(refused)} by mypy alone, {len(left) - len(refused)} by nobody; "
        f"tests {noticed} of {asked} ({100 * noticed / max(1, asked):.1f} %); {(time.monotonic() - started) / 60:.0f} minutes"
    )
    return 0


def _tried(tests: Tests, drawn: Sequence[Change], console: Console) -> Iterator[Trial[Change]]:
    started = time.monotonic()
    reached = sorted(tests.reached(_PACKAGE), key=lambda one: one.seconds)
    console.print(f"{len(reached)} tests watched ({time.monotonic() - started:.0f} s)")
    attempts = [Attempt(change, change.file, _wrong(change), _asked(change, reached)) for change in drawn]
    for number, trial in enumerate(tests.tried(attempts), start=1):
        where = f"{trial.of.file}:{trial.of.lines.start}"
        console.print(f"{number}/{len(drawn)} {where}: {trial.fate} {trial.by} ({trial.seconds:.0f} s)")
        yield trial


def _asked(change: Change, reached: Sequence[Reach]) -> tuple[str, ...]:
    """The tests that run the changed statement: the quickest, then those that run most of its function, as their time suffices."""
    statement, function = (
        {(str(ROOT / change.file), line) for line in lines} for lines in (change.lines, change.function)
    )
    quickest = [one for one in reached if not statement.isdisjoint(one.lines)]
    widest = sorted(quickest, key=lambda one: -len(function & one.lines))
    return tuple(dict.fromkeys((*_affordable(quickest), *_affordable(widest))))


def _affordable(tests: Sequence[Reach]) -> Iterator[str]:
    before = accumulate((one.seconds for one in tests), initial=0.0)
    return (one.test for one, spent in zip(tests, before, strict=False) if spent < _SECONDS)


def _refused(change: Change) -> bool:
    """Whether mypy refuses the change: `make check` lets none of them pass."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as wrong:
        wrong.write(_wrong(change))
        wrong.flush()
        done = subprocess.run(  # noqa: S603 - the project's own type checker
            [
                *(sys.executable, "-m", "mypy", "--cache-dir", str(_CACHE)),
                *("--shadow-file", change.file, wrong.name, "function_app"),
            ],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
    return done.returncode == 1


def _file(path: Path) -> tuple[str, bytes]:
    return str(path.relative_to(ROOT)), path.read_bytes()


def _wrong(change: Change) -> str:
    return change.applied((ROOT / change.file).read_bytes())


def _shown(change: Change) -> str:
    before = (ROOT / change.file).read_text(encoding="utf-8")
    changed = difflib.unified_diff(before.splitlines(), _wrong(change).splitlines(), change.file, lineterm="", n=2)
    return "\n".join(changed)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
