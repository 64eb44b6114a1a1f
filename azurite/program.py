"""Where Azurite comes from: npm, as pinned by `package-lock.json`, or one line that says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from npm.programs import MissingProgram, Package, Program, find

PACKAGE = Package(Path(__file__).parent, "Azurite", Path("azurite/dist/src/azurite.js"))


def find_program(announce: Callable[[str], None] | None = None) -> Program:
    """Azurite as pinned, installed now if need be. Raises MissingProgram."""
    return find(PACKAGE, announce)


__all__ = ["MissingProgram", "Program", "find_program"]
