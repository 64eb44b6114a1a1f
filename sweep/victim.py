"""A worker process that ends, or stops, itself at a call: what a power cut does, at a moment that can be chosen.

Every request that leaves the process passes `http.client` and every program it starts `subprocess`; Python tells of both by audit
events (docs.python.org, "Audit events table"). A request is two events, its head and its body, so that half requests occur as well.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Self

# Imported before any process is forked from this one, so that a life costs no imports.
import azure.storage.blob
import azure.storage.queue  # noqa: F401
import azure_functions_runtime  # noqa: F401
import git  # noqa: F401
import kubernetes  # noqa: F401

import function_app.adapters.azure_firewall
import function_app.adapters.azure_route_server
import function_app.adapters.clocks
import function_app.adapters.git_repository
import function_app.adapters.kubernetes_cluster
import function_app.adapters.storage_parts
import function_app.reading.effective
import function_app.service.passes  # noqa: F401
from serve import worker

ROOT = Path(__file__).parents[1]
NOT_COUNTED = b"/_control/time"
"""The clock: in Azure it is asked twice a minute."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a process: at its n-th call, counted from 1, or at the first that begins with `words`, it gets a signal.

    Without either it lives. Its clock goes wrong by `ahead_seconds`.
    """

    at: int = 0
    words: str = ""
    by: int = signal.SIGKILL
    ahead_seconds: float = 0.0


def live(settings: Mapping[str, str], log: Path, journal: Path, fate: Fate, connection: Connection) -> None:
    """The process's whole life: the worker, which reads and answers over `connection`; each call is noted in `journal`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setsid()
    os.environ.update({"PYTHON_SCRIPT_FILE_NAME": "main.py", **settings})
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 2)
        os.dup2(stream.fileno(), 1)
    sys.path.insert(0, str(ROOT))
    _await_fate(os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND), fate)
    if fate.ahead_seconds:
        _run_ahead(fate.ahead_seconds)
    lines = os.fdopen(os.dup(connection.fileno()), "r", encoding="utf-8")
    said = os.fdopen(os.dup(connection.fileno()), "w", encoding="utf-8")
    asyncio.run(worker.main(str(ROOT), lines, said))


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


def _await_fate(journal: int, fate: Fate) -> None:
    count, met, lock = 0, fate.words.encode(), Lock()

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count, met
        if event == "http.client.send":
            data = arguments[1] if isinstance(arguments[1], bytes) else b""
            if NOT_COUNTED in data[:200]:
                return
            words = (
                data.split(b"\r\n", 1)[0].split(b" HTTP/")[0].split(b"?")[0] if b" HTTP/1.1\r\n" in data else b"a body"
            )
        elif event == "subprocess.Popen":
            program = arguments[1] if isinstance(arguments[1], list | tuple) else ()
            words = " ".join(str(each) for each in program[:2]).encode()
        else:
            return
        with lock:
            count += 1
            os.write(journal, b"%d %s\n" % (count, words))
            if count == fate.at or (met and words.startswith(met)):
                met = b""
                os.kill(os.getpid(), fate.by)

    sys.addaudithook(heard)
