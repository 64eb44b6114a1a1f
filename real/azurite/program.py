"""Where Azurite comes from: npm, as pinned by `package-lock.json`, or one line that says what is missing."""

from __future__ import annotations

from pathlib import Path

from real.cache import Announce
from real.npm import Package, Program, find

PACKAGE = Package(Path(__file__).parent, "Azurite", Path("azurite/dist/src/azurite.js"))


def find_program(announce: Announce | None = None) -> Program:
    """Azurite as pinned, installed now if need be. Raises MissingProgram."""
    return find(PACKAGE, announce)
