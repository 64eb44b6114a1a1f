"""Files that survive a crash: replaced whole, on the disk before the call returns."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from function_app.adapters.file_lock import locked
from function_app.model.errors import StateError
from function_app.model.names import HubName

LOCK_SECONDS = 10.0
"""So long may another process keep a file's lock: it holds it for one read and one write."""
_HUB = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def hub_folder(folder: Path, hub: HubName) -> Path:
    """Where a hub's files lie; raises StateError for a name that could lead elsewhere."""
    if _HUB.fullmatch(hub) is None:
        raise StateError("A hub's name is lower-case letters, digits and hyphens; nothing is kept for any other name.")
    return folder / hub


def replace_file(path: Path, content: str | bytes) -> None:
    """Put `content` in the file's place, all or nothing; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode())
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's own entries durable; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Keep other processes out while a file is read and written; every failure is a StateError about `what`."""
    try:
        with locked(path, LOCK_SECONDS):
            yield
    except TimeoutError:
        raise StateError(f"{what} is kept locked by another process. Find the one that hangs ({path}).") from None
    except OSError as error:
        raise StateError(f"{what} cannot be used: {error.strerror}. Check {path.parent}.") from None
