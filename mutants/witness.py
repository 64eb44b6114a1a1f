"""A pytest plugin that runs with every planted mistake: the copy is what is tested, and who noticed the mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VERDICT = "MUTANTS_VERDICT"
"""Environment variable: the file in which the first failing test is named."""


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
    """Name the first test that fails."""
    path = Path(os.environ[VERDICT])
    if report.failed and not path.exists():
        path.write_text(report.nodeid, encoding="utf-8")
