"""Programs of npm: their pins, and what is said where one cannot be had."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from real.azurite.program import PACKAGE as AZURITE
from real.cache import MissingProgram
from real.kusto.checking import PACKAGE as KUSTO
from real.npm import Package, find


@pytest.mark.parametrize("package", [AZURITE, KUSTO], ids=lambda package: package.folder.name)
def test_the_lock_file_pins_content_and_names_no_registry(package: Package) -> None:
    """Every package has a hash of its content; where it is fetched from is each machine's own matter."""
    packages = json.loads((package.folder / "package-lock.json").read_text())["packages"]
    fetched = {name: each for name, each in packages.items() if name}

    assert [] == [name for name, each in fetched.items() if "resolved" in each or not each.get("integrity")]
    assert [] == [name for name, each in fetched.items() if each.get("hasInstallScript")]
    asked = json.loads((package.folder / "package.json").read_text())["dependencies"]
    assert asked == {name: fetched[f"node_modules/{name}"]["version"] for name in asked}
    assert any(package.main.is_relative_to(name) for name in asked)


@pytest.mark.parametrize("package", [AZURITE, KUSTO], ids=lambda package: package.folder.name)
def test_what_is_missing_is_said_in_one_line(package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Node.js; with it but without npm; with both but without a registry."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    said = [_refusal(package)]
    _program(tmp_path / "node", "exit 0")
    said.append(_refusal(package))
    _program(tmp_path / "npm", "echo 'npm error code ENOTFOUND' >&2; echo 'npm error request to it failed' >&2; exit 1")
    said.append(_refusal(package))

    assert ["node is missing", "npm is missing,", "npm cannot inst"] == [line[:15] for line in said]
    assert "apt-get install nodejs npm" in said[0]
    assert "request to it failed" in said[2]
    assert not any("\n" in line for line in said)
    assert all(package.name in line for line in said)


def _refusal(package: Package) -> str:
    with pytest.raises(MissingProgram) as caught:
        find(package)
    return str(caught.value)


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    assert os.access(path, os.X_OK)
