"""Options of the whole suite."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from real_parts import not_run
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

TOGETHER = ("tests/kube/", "tests/bgp/", "tests/state/", "tests/terraform/", "tests/wire/test_demo.py")
"""Tests that share what is dear to start: each group runs on one worker. The largest group is begun first, so that the suites
of the real API server and of the real BGP speakers run beside each other and everything else fills the gaps."""

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
"""No test fails because the machine is busy."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--renew-golden` writes golden files and recorded excerpts anew; a reviewer reads the diff."""
    parser.addoption("--renew-golden", action="store_true", help="write recorded texts instead of comparing them")


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist is untyped
    """Groups stay on one worker, all other tests go where there is room.

    Written out because `xdist_group` marks have no effect with xdist 3.8 under pytest 9, which no longer reads `_nodeid`.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in TOGETHER if nodeid.startswith(group)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """The scheduling of every parallel run."""
    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """A run without the real programs ends with their names: the last lines are what people read."""
    yield
    reporter: pytest.TerminalReporter | None = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker of a parallel run
        return
    for line in not_run(reporter.stats.get("skipped", ())):
        reporter.write_line(line, red=True, bold=True)
