"""Trying a mistake: planted in a copy, the suites run until the first test fails, and that test must pass without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mutants.mistake import Mistake, plant
from mutants.witness import VERDICT

ROOT = Path(__file__).parents[1]
LIMIT_SECONDS = 900.0
"""The suites take about a minute; a mistake that makes them hang is undecided, not noticed."""

_NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", ".state", ".*_cache", ".hypothesis", "__pycache__", "build", "*.egg-info", "node_modules"
)
_RULES = ("tests/planning", "tests/stories", "tests/golden", "tests/search")
_WORLD = ("tests/simulator/network", "tests/simulator/azure", "tests/stories", "tests/search")


class Fate(StrEnum):
    """What became of a mistake."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Trial:
    """How one mistake fared; `by` is the test that noticed it, or why it is undecided."""

    mistake: Mistake
    fate: Fate
    by: str
    seconds: float


class Copy:
    """A copy of the tree in which one mistake after the other is planted and taken out again."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self._verdict = folder / "verdict"
        shutil.copytree(ROOT, self.root, ignore=_NOT_COPIED)

    def try_out(self, mistake: Mistake) -> Trial:
        """Plant, run, take out; a test that fails without the mistake as well proves nothing."""
        path = self.root / mistake.file
        right = path.read_bytes()
        started = time.monotonic()
        try:
            plant(mistake, self.root)
            code, output = self._run(self._suites(mistake))
        finally:
            path.write_bytes(right)
        fate, by = self._judge(code, output)
        return Trial(mistake, fate, by, time.monotonic() - started)

    def _judge(self, code: int, output: str) -> tuple[Fate, str]:
        if code == 0:
            return Fate.SURVIVED, ""
        if code != 1 or not self._verdict.exists():
            return Fate.UNDECIDED, output.strip().splitlines()[-1] if output.strip() else f"pytest ended with {code}"
        test = self._verdict.read_text(encoding="utf-8")
        if self._run((test,))[0] != 0:
            return Fate.UNDECIDED, f"{test} fails without the mistake as well"
        return Fate.KILLED, test

    def _suites(self, mistake: Mistake) -> tuple[str, ...]:
        usual = _WORLD if mistake.breaks == "world" else _RULES
        return tuple(dict.fromkeys(path for suite in (*mistake.likely, *usual) for path in self._files(suite)))

    def _files(self, suite: str) -> list[str]:
        """File by file, because pytest reorders folders and files that overlap."""
        path = self.root / suite
        found = [path] if path.is_file() else sorted(path.rglob("test_*.py"))
        return [str(each.relative_to(self.root)) for each in found]

    def _run(self, tests: Sequence[str]) -> tuple[int, str]:
        self._verdict.unlink(missing_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            VERDICT: str(self._verdict),
        }
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "mutants.witness"]
        try:
            done = subprocess.run(  # noqa: S603 - the project's own tests
                [*command, "--hypothesis-seed=0", *tests],
                cwd=self.root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return -1, f"no end within {LIMIT_SECONDS:.0f} s"
        return done.returncode, done.stdout + done.stderr
