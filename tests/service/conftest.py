"""Fixtures: a real Azurite, and the real worker with the app in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from cli.session import Session, git, sample_files
from real_parts import installed

from real.azurite.program import find_program
from real.azurite.server import Azurite
from serve.workers import Worker

type StartWorker = Callable[[Mapping[str, str]], Worker]


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Starts workers with settings and nothing else of ours in their environment; ends them."""
    with ExitStack() as started:

        def start(settings: Mapping[str, str]) -> Worker:
            log = tmp_path / f"worker-{next(numbers)}.log"
            return started.enter_context(Worker.started(settings, log))

        numbers = count()
        yield start


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """An emulated storage account."""
    program = installed(find_program)
    with Azurite(program) as server:
        yield server


@pytest.fixture
def served(tmp_path: Path) -> Session:
    """A repository with the sample, as a desk has it; Azure is an address where nobody listens."""
    session = Session(tmp_path)
    session.repository.mkdir()
    git(session.repository, "init", "--quiet", "--initial-branch=main")
    session.commit(sample_files())
    return session
