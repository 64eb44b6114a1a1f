"""A pytest plugin that runs with every planted mistake: the copy is what is tested, and who noticed the mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VERDICT = "MUTANTS_VERDICT"
"""Environment variable: the file in which failing tests are named, in their order."""


def pytest_configure(config: pytest.Config) -> None:
    """The packages must come from the tree under test: an editable install names another one, which must not win."""
    import function_app  # noqa: PLC0415 - which tree it comes from is the question
    import simulator  # noqa: PLC0415 - as above

    for package in (function_app, simulator):
        home = Path(str(package.__file__)).resolve()
        if not home.is_relative_to(config.rootpath.resolve()):
            raise pytest.UsageError(
                f"{package.__name__} comes from {home}, not from {config.rootpath}: nothing was tested"
            )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down each test that fails, one a line."""
    if report.failed:
        with Path(os.environ[VERDICT]).open("a", encoding="utf-8") as verdict:
            verdict.write(f"{report.nodeid}\n")
