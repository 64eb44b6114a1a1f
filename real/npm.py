"""Programs of npm: installed as the lock file in their folder pins them, run by Node.js."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from real.cache import Announce, MissingProgram, cache, digest, kept

_PINS = ("package.json", "package-lock.json")
_SECONDS = 600.0
"""So long may an installation take; a minute is usual."""


@dataclass(frozen=True, slots=True)
class Package:
    """What `package.json` and its lock file in `folder` pin; `name` is what people call it, `main` lies below `node_modules`."""

    folder: Path
    name: str
    main: Path


@dataclass(frozen=True, slots=True)
class Program:
    """How a program is run: `node MAIN`."""

    node: Path
    main: Path


def find(package: Package, announce: Announce | None = None) -> Program:
    """The package as pinned, installed now if need be. Raises MissingProgram."""
    node = shutil.which("node")
    if node is None:
        raise MissingProgram(
            f"node is missing, {package.name} cannot be run. "
            "Install Node.js 20 or newer with: sudo apt-get install nodejs npm"
        )
    folder = cache(package.folder.name, digest([package.folder / "package-lock.json"]))
    words = f"Installing {package.name}, about a minute,"
    modules = kept(folder / "node_modules", partial(_install, package), announce, words)
    return Program(Path(node), modules / package.main)


def _install(package: Package, modules: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingProgram(
            f"npm is missing, {package.name} cannot be installed. Install it with: sudo apt-get install npm"
        )
    building = modules.with_name(".installing")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    for name in _PINS:
        shutil.copy(package.folder / name, building)
    # No package's own script runs: none of ours needs it.
    arguments = ("ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error")
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [npm, *arguments], cwd=building, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise MissingProgram(
            f"npm did not install {package.name} within {_SECONDS:g} s; is its registry reachable?"
        ) from None
    if done.returncode:
        raise MissingProgram(
            f"npm cannot install {package.name}: {_reason(done.stderr)}. The npm registry is needed once."
        )
    (building / "node_modules").rename(modules)
    shutil.rmtree(building)


def _reason(said: str) -> str:
    """The first line of npm that says something."""
    lines = [line.removeprefix("npm error").strip() for line in said.splitlines()]
    return next((line.rstrip(".") for line in lines if line and not line.startswith("code ")), "it gave no reason")
