"""Fixtures: what playings share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from real_parts import installed

from real.azurite.program import find_program
from real.azurite.server import Azurite
from real.npm import Program
from simulator.wire.certificates import make_certificates
from sweep.play import Ground, Play

numbers = count()


@pytest.fixture(scope="session")
def program() -> Program:
    """Azurite."""
    return installed(find_program)


@pytest.fixture(scope="session")
def ground(program: Program) -> Iterator[Ground]:
    """One account for all playings of a session, each of which has a container of its own."""
    with Azurite(program) as azurite:
        yield Ground(azurite, make_certificates())


@pytest.fixture
def on(ground: Ground, tmp_path: Path) -> Iterator[Play]:
    """A playing whose workers live."""
    with Play(ground, tmp_path / "play", f"play-{next(numbers)}") as play:
        yield play
