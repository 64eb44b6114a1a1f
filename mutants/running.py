"""Trying a mistake: planted in a copy, the suites run until the first test fails, which must pass without the mistake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from mutants.mistake import Mistake, NotPlanted, plant
from mutants.witness import VERDICT

ROOT = Path(__file__).parents[1]
LIMIT_SECONDS = 900.0
"""The suites take about a minute; a mistake that makes them hang is undecided, not noticed."""

_NO_SUCH_TEST = int(pytest.ExitCode.USAGE_ERROR)
"""Also when nothing can be imported; the suites then say so."""

_NOT_PASSED_ON = ("PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")
"""Compiled once, the copy is compiled: each of some hundred runs would do it anew."""

_NOT_COPIED = (
    ".venv",
    ".git",
    ".state",
    ".*_cache",
    ".hypothesis",
    "__pycache__",
    "build",
    "*.egg-info",
    "node_modules",
)
_RULES = ("tests/planning", "tests/stories", "tests/golden", "tests/search")
_WORLD = (
    "tests/simulator/network",
    "tests/simulator/azure",
    "tests/simulator/kubernetes",
    "tests/stories",
    "tests/search",
)


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


def copy_tree(to: Path, *, besides: tuple[str, ...] = ()) -> None:
    """Copy what the tests need; `besides` are more names that stay behind."""
    shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns(*_NOT_COPIED, *besides))


class Copy:
    """A copy of the tree in which one mistake after the other is planted and taken out again."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self._verdict = folder / "verdict"
        copy_tree(self.root)

    def try_out(self, mistake: Mistake, before: str = "") -> Trial:
        """Plant, run, take out; `before` is the test that noticed the mistake the last time, asked first."""
        path = self.root / mistake.file
        right = path.read_bytes()
        started = time.monotonic()
        try:
            plant(mistake, self.root)
            self._forget_bytecode(path)
            fate, by = self._judge(*self._run_in_turn(before, self._suites(mistake)))
        except NotPlanted as problem:
            fate, by = Fate.UNDECIDED, str(problem)
        finally:
            path.write_bytes(right)
            self._forget_bytecode(path)
        return Trial(mistake, fate, by, time.monotonic() - started)

    def red_without(self, tests: Sequence[str]) -> tuple[str, ...]:
        """Those of the tests that fail in the copy as it is, without any mistake: they notice nothing."""
        if not tests:
            return ()
        code, _ = self._run(tests, "--maxfail=0")
        if code not in (0, 1):
            return tuple(tests)
        return self._failed() if code else ()

    @staticmethod
    def _forget_bytecode(path: Path) -> None:
        """Python tells versions of a file apart by size and full seconds, which is not enough here."""
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()

    def _judge(self, code: int, output: str) -> tuple[Fate, str]:
        if code == 0:
            return Fate.SURVIVED, ""
        if code == 1 and self._verdict.exists():
            return Fate.KILLED, self._failed()[0]
        return Fate.UNDECIDED, output.strip().splitlines()[-1] if output.strip() else f"pytest ended with {code}"

    def _suites(self, mistake: Mistake) -> tuple[list[str], list[str]]:
        """The files to ask first, and all others."""
        likely = [path for suite in mistake.likely for path in self._files(suite)]
        usual = [path for suite in (_WORLD if mistake.breaks == "world" else _RULES) for path in self._files(suite)]
        return likely, [path for path in usual if path not in likely]

    def _run_in_turn(self, before: str, suites: Iterable[Sequence[str]]) -> tuple[int, str]:
        code, output = self._run((before,)) if before else (0, "")
        if code == _NO_SUCH_TEST:
            code = 0
        for suite in suites:
            if suite and code == 0:
                code, output = self._run(suite)
        return code, output

    def _files(self, suite: str) -> list[str]:
        """File by file, because pytest reorders folders and files that overlap."""
        path = self.root / suite
        found = [path] if path.is_file() else sorted(path.rglob("test_*.py"))
        return [str(each.relative_to(self.root)) for each in found]

    def _failed(self) -> tuple[str, ...]:
        return tuple(self._verdict.read_text(encoding="utf-8").splitlines())

    def _run(self, tests: Sequence[str], *options: str) -> tuple[int, str]:
        self._verdict.unlink(missing_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON},
            "PYTHONPATH": str(self.root),
            VERDICT: str(self._verdict),
        }
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "mutants.witness"]
        try:
            done = subprocess.run(  # noqa: S603 - the project's own tests
                [*command, "--hypothesis-seed=0", *options, *tests],
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
