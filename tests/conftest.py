"""Options of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--renew-golden` writes golden files and recorded excerpts anew; a reviewer reads the diff."""
    parser.addoption("--renew-golden", action="store_true", help="write recorded texts instead of comparing them")
