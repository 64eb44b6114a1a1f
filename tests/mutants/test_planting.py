"""A mistake is planted into what is imported already, and only where that can be done."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mutants.planting import NotPlanted, plant

RIGHT = '''"""Planted in by a test."""

class Gate:
    @staticmethod
    def allows(port: int) -> bool:
        return port < 1024

    @property
    def name(self) -> str:
        return "gate"

def first[Each](several: list[Each]) -> Each:
    return several[0]

LIMIT = 3
'''


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    """The text above, imported from a file."""
    path = tmp_path / "planted_in.py"
    path.write_text(RIGHT, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("planted_in", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("right", "wrong", "ask"),
    [
        ("port < 1024", "port <= 1024", lambda module: module.Gate.allows(1024)),
        ('return "gate"', 'return "gate, wrong"', lambda module: module.Gate().name == "gate, wrong"),
        ("several[0]", "several[1]", lambda module: module.first([False, True])),
        (
            "        return port < 1024",
            "        port = 1\n        return port < 1024",
            lambda module: module.Gate.allows(2000),
        ),
    ],
)
def test_what_was_imported_before_does_wrong_afterwards(
    module: ModuleType, right: str, wrong: str, ask: Callable[[ModuleType], bool]
) -> None:
    """Static methods, properties, generic functions, and a text with more lines."""
    assert not ask(module)

    plant(Path(str(module.__file__)), RIGHT.replace(right, wrong))

    assert ask(module)


@pytest.mark.parametrize(("right", "wrong"), [("LIMIT = 3", "LIMIT = 4"), ("@property\n", "\n"), ("", "")])
def test_what_cannot_be_planted_is_told(module: ModuleType, right: str, wrong: str) -> None:
    """What takes effect at import, and a text that changes nothing: they would pass for unnoticed."""
    with pytest.raises(NotPlanted):
        plant(Path(str(module.__file__)), RIGHT.replace(right, wrong))


def test_a_function_that_nobody_imported_is_told(tmp_path: Path) -> None:
    """No test could notice it."""
    path = tmp_path / "never_imported.py"
    path.write_text(RIGHT, encoding="utf-8")

    with pytest.raises(NotPlanted, match="no living function at lines"):
        plant(path, RIGHT.replace("several[0]", "several[1]"))
