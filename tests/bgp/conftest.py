"""The running speakers, shared by the tests of this folder, which run on one worker for that (`tests/conftest.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
from clusters import Cluster, a_cluster
from places import Place, a_namespace
from real_parts import missing
from speakers import Network, Start, missing_programs

_KEPT: list[Path] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where logs lie that were kept."""
    for folder in _KEPT:
        terminalreporter.write_line(f"configurations and logs of the BGP speakers: {folder}")


@pytest.fixture(scope="session")
def start(request: pytest.FixtureRequest) -> Start:
    """Starts speakers of their own for a cluster; a missing program is said with the way to install it."""
    if what := missing_programs():
        missing(what)

    @contextmanager
    def started(cluster: Cluster, somewhere: AbstractContextManager[Place]) -> Iterator[Network]:
        failed_before = request.session.testsfailed
        folder = Path(mkdtemp(prefix="bgp-"))
        try:
            with somewhere as place:
                network = Network(place, folder)
                with network.running(cluster):
                    yield network
        except BaseException:
            _KEPT.append(folder)
            raise
        if request.session.testsfailed > failed_before:
            _KEPT.append(folder)
        else:
            rmtree(folder)

    return started


@pytest.fixture(scope="session")
def node_interfaces() -> None:
    """For tests that need a node's interfaces and addresses, which loopback does not have."""
    with a_namespace() as place:
        if place.loopback:
            missing("A network namespace is missing. Run as root, or allow unprivileged user namespaces")


@pytest.fixture(scope="session")
def network(start: Start) -> Iterator[Network]:
    """All speakers, for tests that leave every session as it is."""
    with start(a_cluster(), a_namespace()) as running:
        yield running
