"""Fixtures: a session whose repository holds the sample."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.session import Session, git, sample_files


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """The sample at `main`, nothing in state, Azure not reachable."""
    session = Session(tmp_path)
    session.repository.mkdir()
    git(session.repository, "init", "--quiet", "--initial-branch=main")
    session.commit(sample_files())
    return session
