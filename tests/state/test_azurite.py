"""The emulator's own pins and messages."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from azurite.program import FOLDER, MissingProgram, Program, find_program
from azurite.server import Azurite, AzuriteFailed


def test_the_lock_file_pins_content_and_names_no_registry() -> None:
    """Every package has a hash of its content; where it is fetched from is each machine's own matter."""
    text = (FOLDER / "package-lock.json").read_text()
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}

    assert [] == [name for name, each in packages.items() if "resolved" in each or not each.get("integrity")]
    assert [] == [name for name, each in packages.items() if each.get("hasInstallScript")]
    assert json.loads((FOLDER / "package.json").read_text())["dependencies"] == {
        "azurite": packages["node_modules/azurite"]["version"]
    }


def test_what_is_missing_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Node.js; with it but without npm; with both but without a registry."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    said = [_refusal()]
    _program(tmp_path / "node", "exit 0")
    said.append(_refusal())
    _program(tmp_path / "npm", "echo 'npm error code ENOTFOUND' >&2; echo 'npm error request to it failed' >&2; exit 1")
    said.append(_refusal())

    assert ["node is missing", "npm is missing,", "npm cannot inst"] == [line[:15] for line in said]
    assert "apt-get install nodejs npm" in said[0]
    assert "request to it failed" in said[2]
    assert not any("\n" in line for line in said)


def test_an_azurite_that_does_not_start_is_told_of(tmp_path: Path) -> None:
    """Its last line is repeated, and its process is gone."""
    _program(tmp_path / "node", "echo 'address in use'; exit 3")
    server = Azurite(Program(tmp_path / "node", tmp_path / "none.js"), tmp_path / "azurite")

    with pytest.raises(AzuriteFailed, match="does not start: address in use"), server:
        pass


def _refusal() -> str:
    with pytest.raises(MissingProgram) as caught:
        find_program()
    return str(caught.value)


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    assert os.access(path, os.X_OK)
