"""A worker process that ends, or stops, itself at a call: what a power cut does, at a moment that can be chosen.

Every request that leaves the process passes `http.client` and every program it starts `subprocess`; Python tells of both by audit
events (docs.python.org, "Audit events table"). A request is two events, its head and its body, so that half requests occur as well.

A call is known by its words and by how many of these words came before it. Its number would not do: clusters and firewall are read
side by side, each time in another order.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock, local
from typing import NamedTuple, Self

from serve import worker

_IMPORTED = (
    "azure.core.rest._requests_basic",
    "azure.functions",
    "azure.mgmt.core.polling.arm_polling",
    "azure.mgmt.network.operations",
    "azure.storage.blob",
    "azure.storage.queue",
    "azure_functions_runtime.native_invocation",
    "git",
    "kubernetes",
    "function_app.adapters.azure_firewall",
    "function_app.adapters.azure_route_server",
    "function_app.adapters.clocks",
    "function_app.adapters.git_repository",
    "function_app.adapters.git_reviews",
    "function_app.adapters.kubernetes_cluster",
    "function_app.adapters.lease_file",
    "function_app.adapters.ledger_file",
    "function_app.adapters.notice_channels",
    "function_app.adapters.state_files",
    "function_app.adapters.storage_parts",
    "function_app.bootstrap",
    "function_app.reading.effective",
    "function_app.service.decisions",
    "function_app.service.intake",
    "function_app.service.passes",
    "function_app.service.questions",
)
"""What a life would import, all but the app itself, which reads its settings when it is imported."""
for _name in _IMPORTED:
    import_module(_name)
gc.freeze()  # what a process is forked with is never searched for garbage

ROOT = Path(__file__).parents[1]
NOT_COUNTED = b"/_control/time"
"""The clock: in Azure it is asked twice a minute."""


_NAMES = (re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), re.compile(rb"\b[0-9a-f]{8,64}\b"))
"""Ids and commits, which differ from one playing to the next."""
_MEET = '{"fate": '


class Call(NamedTuple):
    """The `nth` call with these words, counted from when a worker was told its fate."""

    words: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a process: at whichever of these calls it comes to first, it gets a signal. Without any it lives."""

    calls: frozenset[Call] = frozenset()
    by: int = signal.SIGKILL

    def line(self) -> str:
        """How a worker is told, among the invocations that it reads."""
        return f"{_MEET}{json.dumps([sorted(self.calls), self.by])}}}\n"

    @classmethod
    def told(cls, line: str) -> Self:
        """The fate in a line."""
        calls, by = json.loads(line)["fate"]
        return cls(frozenset(Call(*each) for each in calls), by)


def live(settings: Mapping[str, str], log: Path, journal: Path, ahead_seconds: float, connection: Connection) -> None:
    """The process's whole life: the worker, which reads and answers over `connection`; each call is noted in `journal`.

    Its clock goes wrong by `ahead_seconds`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setsid()
    os.environ.update({"PYTHON_SCRIPT_FILE_NAME": "main.py", **settings})
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 2)
        os.dup2(stream.fileno(), 1)
    sys.path.insert(0, str(ROOT))
    calls = _Calls(os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND), settings["EGRESS_STORAGE_CONTAINER"])
    sys.addaudithook(calls.heard)
    if ahead_seconds:
        _run_ahead(ahead_seconds)
    lines = _told(os.fdopen(os.dup(connection.fileno()), "r", encoding="utf-8"), calls)
    said = os.fdopen(os.dup(connection.fileno()), "w", encoding="utf-8")
    asyncio.run(worker.main(str(ROOT), lines, said))


class _Calls:
    """Every call of this process: noted, and met by its fate."""

    def __init__(self, journal: int, container: str) -> None:
        self._journal, self._container = journal, container.encode()
        self._lock, self._mine = Lock(), local()
        self.meet(Fate())

    def meet(self, fate: Fate) -> None:
        """From now on this is its fate."""
        with self._lock:
            self._fate, self._made = fate, Counter[str]()

    def heard(self, event: str, arguments: tuple[object, ...]) -> None:
        """An audit hook."""
        if event == "http.client.send":
            words = self._sent(arguments[1] if isinstance(arguments[1], bytes) else b"")
        elif event == "subprocess.Popen":
            program = arguments[1] if isinstance(arguments[1], list | tuple) else ()
            words = " ".join(str(each) for each in program[:2]).encode()
        else:
            return
        if words:
            self._note(words.decode(errors="replace"))

    def _sent(self, data: bytes) -> bytes:
        """A body is one of the request whose head the same thread has sent before."""
        if b" HTTP/1.1\r\n" not in data:
            return b"body of " + getattr(self._mine, "head", b"?")
        if NOT_COUNTED in data[:200]:
            return b""
        words = data.split(b"\r\n", 1)[0].split(b" HTTP/")[0].split(b"?")[0].replace(self._container, b"CONTAINER")
        for name in _NAMES:
            words = name.sub(b"ID", words)
        self._mine.head = words
        return words

    def _note(self, words: str) -> None:
        with self._lock:
            os.write(self._journal, f"{words}\n".encode())
            self._made[words] += 1
            if Call(words, self._made[words]) in self._fate.calls:
                os.kill(os.getpid(), self._fate.by)


def _told(lines: Iterable[str], calls: _Calls) -> Iterator[str]:
    """The invocations among the lines; what else is said is said to its fate."""
    for line in lines:
        if line.startswith(_MEET):
            calls.meet(Fate.told(line))
        else:
            yield line


def _run_ahead(seconds: float) -> None:
    """Every reading of this machine's clock, by the libraries' `time.time` and by our own modules, is wrong by so much."""
    right = time.time

    class Wrong(datetime):
        """`datetime` on a wrong clock."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            """Wrong."""
            return super().now(tz) + timedelta(seconds=seconds)

    time.time = lambda: right() + seconds
    for name, module in list(sys.modules.items()):
        if name.startswith("function_app.adapters") and getattr(module, "datetime", None) is datetime:
            module.datetime = Wrong  # type: ignore[attr-defined] # it has one, as was just seen
