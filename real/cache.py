"""Where programs are kept once they were had: outside the tree, under a name that changes with what pins them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

type Announce = Callable[[str], None]
"""Is told before something is had that takes a minute or more."""


class MissingProgram(Exception):
    """A program cannot be had; the message says in one line what is missing, and how to install it."""


def cache(*names: str) -> Path:
    """A folder of the cache, which need not exist."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").joinpath("egress-gitops", *names)


def digest(files: Iterable[Path]) -> str:
    """What these files hold, in twelve digits: other pins are another installation."""
    content = hashlib.sha256()
    for file in files:
        content.update(file.read_bytes())
    return content.hexdigest()[:12]


def kept(path: Path, make: Callable[[Path], None], announce: Announce | None, words: str) -> Path:
    """What lies at that path; where nothing does, made beside it and moved there whole, so that a half is never taken for it.

    One process at a time makes something in a folder; another one waits and then finds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            if announce:
                announce(f"{words} into {path.parent}: once.")
            half = path.with_name(f".{path.name}")
            shutil.rmtree(half, ignore_errors=True)
            make(half)
            half.rename(path)
    return path
