"""One contract, two places: every test that asks for `face` runs on files and on a real Azurite, each on a place of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from real_parts import installed
from state_faces import Face, Files, Storage

from real.azurite.program import find_program
from real.azurite.server import Azurite
from real.npm import Program

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def program() -> Program:
    """Azurite, installed; a missing part is said with the way to install it."""
    return installed(find_program)


@pytest.fixture(scope="session")
def azurite(program: Program) -> Iterator[Azurite]:
    """One Azurite for all tests of a run."""
    with Azurite(program) as server:
        yield server


@pytest.fixture
def storage(azurite: Azurite) -> Iterator[Storage]:
    """A container of its own."""
    made = Storage(azurite, f"container-{next(_NUMBERS)}")
    yield made
    made.parts.close()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A folder of its own."""
    return Files(tmp_path)


@pytest.fixture(params=["files", "storage"])
def face(request: pytest.FixtureRequest) -> Face:
    """Each of the two places in turn."""
    chosen: Face = request.getfixturevalue(request.param)
    return chosen
