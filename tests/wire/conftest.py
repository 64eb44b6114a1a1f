"""Fixtures for whole journeys over HTTPS: the demo played once."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from demo.__main__ import main


@dataclass(frozen=True)
class Played:
    """How the demo ended and what it showed."""

    exit_code: int
    text: str


@pytest.fixture(scope="session")
def played() -> Played:
    """`make demo`, once, on a terminal 120 wide."""
    screen = io.StringIO()
    code = main(Console(file=screen, width=120, highlight=False))
    return Played(code, screen.getvalue())
