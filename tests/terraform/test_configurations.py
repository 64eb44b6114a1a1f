"""What Terraform itself lets pass in a configuration: names that are declared and never used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from terraform_provider.verifying import configurations

_VARIABLE = re.compile(r'^variable "(\w+)" \{$', re.MULTILINE)
_LOCALS = re.compile(r"^locals \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_LOCAL = re.compile(r"^  (\w+) += ", re.MULTILINE)
_DATA = re.compile(r'^data "(\w+)" "(\w+)" \{$', re.MULTILINE)


def _declared(text: str) -> Iterator[str]:
    """What may be named elsewhere in a configuration, as it is named there."""
    yield from (f"var.{name}" for name in _VARIABLE.findall(text))
    yield from (f"local.{name}" for group in _LOCALS.findall(text) for name in _LOCAL.findall(group))
    yield from (f"data.{kind}.{name}" for kind, name in _DATA.findall(text))


@pytest.mark.parametrize("folder", configurations(), ids=lambda folder: folder.name)
def test_what_is_declared_is_used(folder: Path) -> None:
    """A variable that nothing reads is set in vain by whoever sets it."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.tf"))
    declared = list(_declared(text))
    assert declared or folder.name == "inventory"
    assert [name for name in declared if not re.search(rf"\b{re.escape(name)}\b", text)] == []
