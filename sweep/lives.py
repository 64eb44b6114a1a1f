"""Worker processes forked from one that has imported everything: each is a process of its own, begun in milliseconds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

from serve.workers import Worker
from sweep.victim import Fate, live

_FORKING = get_context("forkserver")
_FORKING.set_forkserver_preload(["sweep.victim"])


class Victim(Worker):
    """A worker whose log, and the journal of whose calls, lie in `folder`; its clock may be wrong."""

    def __init__(self, settings: Mapping[str, str], folder: Path, ahead_seconds: float = 0.0) -> None:
        super().__init__(_Forked(settings, folder, ahead_seconds), folder / "worker.log")

    def meet(self, fate: Fate) -> None:
        """From the next invocation on this is its fate."""
        with suppress(OSError):  # it is dead, as the next invocation finds
            self._running.lines.write(fate.line())
            self._running.lines.flush()


def journal_of(folder: Path) -> list[str]:
    """The words of the calls of all workers whose folder it is, in order."""
    found = folder / "journal"
    return found.read_text(encoding="utf-8", errors="replace").splitlines() if found.exists() else []


class _Forked:
    """`serve.workers.Running`."""

    def __init__(self, settings: Mapping[str, str], folder: Path, ahead_seconds: float) -> None:
        ours, theirs = Pipe()
        arguments = (dict(settings), folder / "worker.log", folder / "journal", ahead_seconds, theirs)
        self._process = _FORKING.Process(target=live, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self.pid = self._process.pid or 0
        self.lines, self.said = _end(ours, "w"), _end(ours, "r")
        ours.close()

    def ended(self) -> bool:
        return not self._process.is_alive()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def _end(connection: Connection, mode: str) -> IO[str]:
    return os.fdopen(os.dup(connection.fileno()), mode, encoding="utf-8")
