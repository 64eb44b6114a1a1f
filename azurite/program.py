"""Where Azurite comes from: npm, as pinned by `package-lock.json`, or one line that says what is missing."""

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

FOLDER = Path(__file__).parent
_PINS = ("package.json", "package-lock.json")
_MAIN = Path("node_modules") / "azurite" / "dist" / "src" / "azurite.js"
_SECONDS = 600.0
"""So long may an installation take; a minute is usual."""


class MissingProgram(Exception):
    """Azurite cannot be had; the message says in one line what is missing, and how to install it."""


@dataclass(frozen=True, slots=True)
class Program:
    """How Azurite is run: `node MAIN`."""

    node: Path
    main: Path


def find_program(announce: Callable[[str], None] | None = None) -> Program:
    """Azurite as pinned, installed now if need be. Raises MissingProgram.

    `announce` is told about an installation before it begins: it takes a minute.
    """
    node = shutil.which("node")
    if node is None:
        raise MissingProgram(
            "node is missing, Azurite cannot be run. Install Node.js 20 or newer with: sudo apt-get install nodejs npm"
        )
    folder = _cache()
    with _locked(folder):
        if not (folder / _MAIN).is_file():
            if announce:
                announce(f"Installing Azurite into {folder}: once, about a minute.")
            _install(folder)
    return Program(Path(node), folder / _MAIN)


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingProgram("npm is missing, Azurite cannot be installed. Install it with: sudo apt-get install npm")
    building = folder / ".installing"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for name in _PINS:
        shutil.copy(FOLDER / name, building)
    # No package's own script runs: Azurite needs none of them.
    arguments = ("ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error")
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [npm, *arguments], cwd=building, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise MissingProgram(f"npm did not install Azurite within {_SECONDS:g} s; is its registry reachable?") from None
    if done.returncode:
        raise MissingProgram(f"npm cannot install Azurite: {_reason(done.stderr)}. The npm registry is needed once.")
    (building / "node_modules").rename(folder / "node_modules")
    shutil.rmtree(building)


def _reason(said: str) -> str:
    """The first line of npm that says something."""
    lines = [line.removeprefix("npm error").strip() for line in said.splitlines()]
    return next((line.rstrip(".") for line in lines if line and not line.startswith("code ")), "it gave no reason")


def _cache() -> Path:
    """One folder for each content of the lock file, so that another pin is another installation."""
    base = os.environ.get("XDG_CACHE_HOME")
    pins = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()[:12]
    return (Path(base) if base else Path.home() / ".cache") / "egress-gitops" / "azurite" / pins


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One installer at a time; another one waits and then finds what was installed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
