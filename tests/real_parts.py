"""What suites that need real programs do where one is missing: in CI they fail, at a desk they are skipped and loudly named.

`CI` in the environment decides, as hosted runners and `.ci/run` set it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import NoReturn

import pytest

from real.cache import MissingProgram

_MARK = "a real part is missing: "


def missing(what: str) -> NoReturn:
    """Fail or skip the test that asks, with one line that says what is missing and how to install it."""
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(what, pytrace=False)
    pytest.skip(f"{_MARK}{what}")


def installed[T](find: Callable[[], T]) -> T:
    """What is installed for tests; a missing part is said with the way to install it."""
    try:
        return find()
    except MissingProgram as problem:
        missing(str(problem))


def not_run(skipped: Iterable[pytest.TestReport]) -> list[str]:
    """The lines that a run ends with when real parts were missing: how many tests, and each reason once."""
    said = [str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)]
    reasons = [reason.partition(_MARK)[2] for reason in said if _MARK in reason]
    if not reasons:
        return []
    return [
        f"NOT RUN: {len(reasons)} tests against real programs. What is missing:",
        *(f"  {reason}" for reason in dict.fromkeys(reasons)),
    ]
