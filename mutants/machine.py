"""`make mutants-machine`: mistakes that mutmut thinks up in function_app/planning, a seeded sample of them.

What the type checker refuses needs no test. For each other mutant mutmut forks one process and runs only the tests that reach
the changed function, the quickest first. It works in a copy, with a virtual environment of its own that looks into the
project's but not at its editable install.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from mutants.running import ROOT, copy_tree
from mutants.type_checker import refused

_FIRST = "function_app.planning.order.x_ordered__mutmut_1"
"""Any mutant: trying one makes mutmut write all of them and learn which test reaches which function."""
_SETTINGS = """[mutmut]
source_paths=
    function_app/planning
also_copy=
    function_app
    simulator
    gitops
    schemas
    search
    demo
    real
pytest_add_cli_args_test_selection=
    tests/planning
    tests/stories
pytest_add_cli_args=
    -p
    no:cacheprovider
    --hypothesis-seed=0
    -k
    not killed_at_every and not fails_everything
track_dependencies=false
use_git_change_detection=false
use_setproctitle=false
process_isolation=forkserver
"""
"""The histories that die at every call are left out: they reach everything and take as long as all others together."""
_PACKAGE = "function_app/planning"
_REFUSED = "refused by mypy"
_FATES: Mapping[int | None, str] = {
    0: "survived",
    1: "killed",
    3: "killed",
    33: "not reached",
    36: "timed out",
    None: "not tried",
}
_NOTICED = frozenset({_REFUSED, "killed", "timed out"})


class NoSample(RuntimeError):
    """mutmut could not write its mutants, or the tests are red without any."""


def main(program: str, sample: int, seed: int, minutes: int, jobs: int) -> int:
    """Try a sample, as much of it as the minutes allow, `jobs` at a time; print the score and every survivor with its change.

    Always 0: survivors are read by people. Raises NoSample, NotChecked.
    """
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder) / "tree"
        copy_tree(tree, besides=("mutants",))
        (tree / "setup.cfg").write_text(_SETTINGS, encoding="utf-8")
        said = _mutmut(program, tree, "run", "--max-children", "1", _FIRST)
        names = sorted(_fates(tree))
        if not names or "failed to collect stats" in said:
            raise NoSample(said[-2000:])
        drawn = random.Random(seed).sample(names, min(sample, len(names)))  # noqa: S311 - a sample, no secret
        fates = dict.fromkeys(refused(tree / "mutants", _PACKAGE) & set(drawn), _REFUSED)
        left = [name for name in drawn if name not in fates]
        _mutmut(program, tree, "run", "--max-children", str(jobs), *left, seconds=60.0 * minutes)
        fates |= {name: fate for name, fate in _fates(tree).items() if name in left}
        for name in sorted(name for name, fate in fates.items() if fate not in _NOTICED | {_FATES[None]}):
            console.print(f"\n{name}: {fates[name]}", markup=False, soft_wrap=True)
            console.print(_mutmut(program, tree, "show", name).strip(), markup=False, soft_wrap=True)
    console.print("\n" + _score(len(names), seed, fates), markup=False)
    return 0


def _score(mutants: int, seed: int, fates: Mapping[str, str]) -> str:
    count = Counter(fates.values())
    told = ", ".join(f"{number} {fate}" for fate, number in count.most_common())
    noticed = sum(count[fate] for fate in _NOTICED)
    tests, asked = noticed - count[_REFUSED], len(fates) - count[_REFUSED] - count[_FATES[None]]
    return (
        f"{mutants} mutants, {len(fates)} drawn (seed {seed}): {told}; noticed {100 * noticed / max(1, len(fates)):.1f} %, "
        f"of those that only tests can notice {tests} of {asked} ({100 * tests / max(1, asked):.1f} %)"
    )


def _fates(tree: Path) -> dict[str, str]:
    return dict(_read(tree))


def _read(tree: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((tree / "mutants" / "function_app").rglob("*.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        yield from ((name, _FATES.get(code, f"ended with {code}")) for name, code in codes.items())


def _mutmut(program: str, tree: Path, *arguments: str, seconds: float | None = None) -> str:
    """What mutmut prints; when its time is over it is ended with its forks, and keeps what it has found."""
    running = subprocess.Popen(  # noqa: S603 - a pinned tool
        [program, *arguments],
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        return running.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        return running.communicate()[0]


if __name__ == "__main__":
    _, path, *numbers = sys.argv
    sys.exit(main(str((ROOT / path).absolute()), *map(int, numbers)))
