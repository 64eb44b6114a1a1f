"""Fixtures: a real Azurite, and the real worker with the app in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cli.session import ROOT, Session, git, sample_files
from real_parts import missing
from service.worker_desk import StartWorker, Worker

from azurite.program import MissingProgram, find_program
from azurite.server import Azurite


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Starts workers with settings and nothing else of ours in their environment; ends them."""
    started: list[subprocess.Popen[str]] = []

    def start(settings: Mapping[str, str]) -> Worker:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("EGRESS_", "COVERAGE"))}
        log = tmp_path / f"worker-{len(started)}.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", str(Path(__file__).parent / "worker_process.py"), str(ROOT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env={**inherited, "PYTHON_SCRIPT_FILE_NAME": "main.py", **settings},
                cwd=tmp_path,
            )
        started.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, log.read_text()
        return Worker(process, json.loads(first), log)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """An emulated storage account."""
    try:
        program = find_program()
    except MissingProgram as problem:
        missing(str(problem))
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
