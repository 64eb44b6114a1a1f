"""Where a program of npm comes from: installed once as its folder pins it, or one line that says what is missing."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PINS = ("package.json", "package-lock.json")
_SECONDS = 600.0
"""So long may an installation take; a minute is usual."""


class MissingProgram(Exception):
    """A program cannot be had; the message says in one line what is missing, and how to install it."""


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


def find(package: Package, announce: Callable[[str], None] | None = None) -> Program:
    """The package as pinned, installed now if need be. Raises MissingProgram.

    `announce` is told about an installation before it begins: it takes a minute.
    """
    node = shutil.which("node")
    if node is None:
        raise MissingProgram(
            f"node is missing, {package.name} cannot be run. "
            "Install Node.js 20 or newer with: sudo apt-get install nodejs npm"
        )
    folder = _cache(package)
    main = folder / "node_modules" / package.main
    with _locked(folder):
        if not main.is_file():
            if announce:
                announce(f"Installing {package.name} into {folder}: once, about a minute.")
            _install(package, folder)
    return Program(Path(node), main)


def _install(package: Package, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingProgram(
            f"npm is missing, {package.name} cannot be installed. Install it with: sudo apt-get install npm"
        )
    building = folder / ".installing"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
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
    (building / "node_modules").rename(folder / "node_modules")
    shutil.rmtree(building)


def _reason(said: str) -> str:
    """The first line of npm that says something."""
    lines = [line.removeprefix("npm error").strip() for line in said.splitlines()]
    return next((line.rstrip(".") for line in lines if line and not line.startswith("code ")), "it gave no reason")


def _cache(package: Package) -> Path:
    """One folder for each content of the lock file, so that another pin is another installation."""
    base = os.environ.get("XDG_CACHE_HOME")
    pins = hashlib.sha256((package.folder / "package-lock.json").read_bytes()).hexdigest()[:12]
    return (Path(base) if base else Path.home() / ".cache") / "egress-gitops" / package.folder.name / pins


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One installer at a time; another one waits and then finds what was installed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
