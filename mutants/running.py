"""Trying mistakes: tests are collected once, each mistake is planted in a fork, where they are asked until the first one fails."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from mutants.forks import Lost, allow, in_forks
from mutants.planting import NotPlanted, plant

ROOT = Path(__file__).parents[1]
TEST_SECONDS = 120
"""Processor time of one test: one that needs more has no end."""


class Fate(StrEnum):
    """What became of a mistake."""

    KILLED = "killed"
    SURVIVED = "survived"
    ENDLESS = "endless"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Attempt[Tried]:
    """A wrong text of one file, and whom to ask in which order: tests, files and folders."""

    of: Tried
    file: str
    wrong: str
    ask: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial[Tried]:
    """How a mistake fared; `by` is the test that noticed it, or why it is undecided."""

    of: Tried
    fate: Fate
    by: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reach:
    """What one test runs of a package, as files and lines, and its processor time."""

    test: str
    seconds: float
    lines: frozenset[tuple[str, int]]


class NotRun(RuntimeError):
    """The tests could not be collected, or not be run without any mistake."""


def with_tests[Answer](suites: Iterable[str], jobs: int, work: Callable[[Tests], Answer]) -> Answer:
    """Collect the tests of these files and folders and let `work` ask them, `jobs` at a time; raises NotRun."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        os.environ |= {"HYPOTHESIS_STORAGE_DIRECTORY": folder, "PYTEST_DEBUG_TEMPROOT": folder}
        plugin = _Instead(work, jobs, Path(folder))
        options = ("-s", "-p", "no:cacheprovider", "--no-header", "-q", "--hypothesis-seed=0", "--rootdir", str(ROOT))
        code = pytest.main([*options, *(str(ROOT / suite) for suite in suites)], plugins=[plugin])
    if not plugin.answers:
        raise NotRun(f"pytest ended with {int(code)}. See why with: pytest --collect-only")
    return plugin.answers[0]


class _Instead[Answer]:
    """A pytest plugin: instead of running the collected tests once it does the work; in forks it notes what fails."""

    def __init__(self, work: Callable[[Tests], Answer], jobs: int, folder: Path) -> None:
        self.answers: list[Answer] = []
        self._work = work
        self._jobs = jobs
        self._folder = folder
        self._failed: set[str] = set()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not session.testsfailed:
            self.answers.append(self._work(Tests(session.items, self._failed, self._jobs, self._folder)))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)


class Tests:
    """Collected tests, which are only ever run in forks."""

    def __init__(self, items: Sequence[pytest.Item], failed: set[str], jobs: int, folder: Path) -> None:
        self._items = {item.nodeid: item for item in items}
        self._failed = failed
        self._jobs = jobs
        self._folder = folder

    def tried[Tried](self, attempts: Sequence[Attempt[Tried]]) -> Iterator[Trial[Tried]]:
        """Each attempt in a fork of its own, in the order in which they end."""
        works = [lambda attempt=attempt: self._try(attempt) for attempt in attempts]
        for number, answer in in_forks(works, self._jobs, self._folder):
            if isinstance(answer, Lost):
                fate = Fate.ENDLESS if answer.endless else Fate.UNDECIDED
                yield Trial(attempts[number].of, fate, answer.why)
            else:
                yield Trial(attempts[number].of, *answer)

    def red(self, tests: Iterable[str]) -> frozenset[str]:
        """Those of the tests that fail without any mistake: they notice nothing. Raises NotRun."""
        asked = self._chosen(sorted(set(tests)))
        return frozenset(self._in_parts(asked, lambda some: [test for test in some if self._fails(test, None)]))

    def reached(self, package: Path) -> list[Reach]:
        """What each test runs of the package's functions; raises NotRun."""
        return self._in_parts(
            list(self._items), lambda some: _watched(some, package, lambda test: self._fails(test, None))
        )

    def _try(self, attempt: Attempt[object]) -> tuple[Fate, str, float]:
        started = time.monotonic()
        try:
            plant(ROOT / attempt.file, attempt.wrong)
        except NotPlanted as problem:
            return Fate.UNDECIDED, str(problem), 0.0
        asked = self._chosen(attempt.ask)
        by = next(
            (test for test, after in zip(asked, (*asked[1:], None), strict=False) if self._fails(test, after)), ""
        )
        return Fate.KILLED if by else Fate.SURVIVED, by, time.monotonic() - started

    def _chosen(self, names: Iterable[str]) -> list[str]:
        """The tests of these names, files and folders, each once."""
        chosen: dict[str, None] = {}
        for name in names:
            within = (f"{name}/", f"{name}::", f"{name}[")
            some = [name] if name in self._items else [test for test in self._items if test.startswith(within)]
            chosen |= dict.fromkeys(some)
        return list(chosen)

    def _fails(self, test: str, after: str | None) -> bool:
        """Run a test; what the one after it needs as well stays set up."""
        allow(TEST_SECONDS)
        item = self._items[test]
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=self._items[after] if after else None)
        return test in self._failed

    def _in_parts[Found](self, tests: Sequence[str], work: Callable[[Sequence[str]], list[Found]]) -> list[Found]:
        """What the work finds, each job with its share of the tests."""
        works = [lambda some=tests[job :: self._jobs]: work(some) for job in range(self._jobs)]
        found: list[Found] = []
        for _, answer in in_forks(works, self._jobs, self._folder):
            if isinstance(answer, Lost):
                raise NotRun(answer.why)
            found += answer
        return found


def _watched(tests: Iterable[str], package: Path, run: Callable[[str], object]) -> list[Reach]:
    watch, lines = sys.monitoring, set[tuple[str, int]]()

    def note(code: CodeType, line: int) -> object:
        lines.add((code.co_filename, line))
        return watch.DISABLE

    watch.use_tool_id(watch.COVERAGE_ID, "mutants")
    watch.register_callback(watch.COVERAGE_ID, watch.events.LINE, note)
    for code in _codes_under(package):
        watch.set_local_events(watch.COVERAGE_ID, code, watch.events.LINE)
    found = []
    for test in tests:
        lines.clear()
        watch.restart_events()
        started = time.process_time()
        run(test)
        found.append(Reach(test, time.process_time() - started, frozenset(lines)))
    return found


def _codes_under(package: Path) -> Iterator[CodeType]:
    """The code of every function that was imported from a file of the package, with what is inside of it."""
    within = f"{package}{os.sep}"
    left = [
        one.__code__
        for one in gc.get_objects()
        if type(one) is FunctionType and one.__code__.co_filename.startswith(within)
    ]
    while left:
        yield (code := left.pop())
        left += [one for one in code.co_consts if isinstance(one, CodeType)]
