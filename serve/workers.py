"""A worker process as whoever started it holds it: invocations in, answers out, and its death noticed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any, Protocol, Self

ROOT = Path(__file__).parents[1]
_PROGRAM = Path(__file__).parent / "worker.py"
WORKER_SETTINGS: Mapping[str, str] = {"PYTHON_SCRIPT_FILE_NAME": "main.py", "PYTHON_THREADPOOL_THREAD_COUNT": "32"}
"""What the worker reads by itself, as the Dockerfile sets it.

Functions wait for storage and targets. With as many threads as Python gives a pool of its own accord, four more than there are
cores, webhooks waited for a thread, and with fewer of them at once fewer were written together.
"""
FUNCTION_SECONDS = 600.0
"""How long an invocation may take: `functionTimeout` in host.json."""


class WorkerDied(Exception):
    """The process ended before it answered, or could not load the app; the message names its log."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What an HTTP function answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class Running(Protocol):
    """A process with the worker in it, and the two ends of its pipes."""

    pid: int
    lines: IO[str]
    """What it reads."""
    said: IO[str]
    """What it says."""

    def ended(self) -> bool:
        """Whether it runs no more."""

    def kill(self) -> None:
        """End it as a power cut does, and wait for that."""


class Worker:
    """A running worker; `index` is what it said about the app, `log` what it writes to stderr. A context manager."""

    def __init__(self, running: Running, log: Path) -> None:
        self.log = log
        self._running = running
        self._numbers, self._writing, self._lock = count(1), Lock(), Lock()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self.index: dict[str, Any] = self._first_line()
        self._reading = Thread(target=self._read, name="answers", daemon=True)
        self._reading.start()

    @classmethod
    def started(cls, settings: Mapping[str, str], log: Path) -> Self:
        """A new process. `settings` is its environment beside what every process has; nothing of ours is inherited."""
        return cls(_Started(settings, log), log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process."""
        return self._running.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self._running.ended()

    def kill(self) -> None:
        """End it as a power cut does, and wait for that."""
        self._running.kill()
        self._reading.join()
        for stream in (self._running.lines, self._running.said):
            with suppress(OSError):
                stream.close()

    def begin(self, function: str, **trigger: Any) -> Future[dict[str, Any]]:
        """One invocation, whose answer comes later; WorkerDied then says that none will."""
        number, answer = next(self._numbers), Future[dict[str, Any]]()
        with self._lock:
            self._waiting[number] = answer
        line = json.dumps({"id": number, "function": function, **trigger}) + "\n"
        try:
            with self._writing:
                self._running.lines.write(line)
                self._running.lines.flush()
        except (OSError, ValueError):
            self._lose(number)
        if not self.alive:
            self._lose(number)
        return answer

    def invoke(self, function: str, **trigger: Any) -> dict[str, Any]:
        """One invocation; raises WorkerDied, and TimeoutError where the host would have ended the function."""
        return self.begin(function, **trigger).result(FUNCTION_SECONDS)

    def http(
        self,
        function: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        route: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        url: str = "http://127.0.0.1/api",
    ) -> Answered:
        """One request as the host hands it over; raises WorkerDied. A function that fails is a 500, as the host makes it."""
        request = {
            "method": method,
            "url": url,
            "headers": dict(headers or {}),
            "body": b64encode(body).decode(),
            "route": dict(route or {}),
            "query": dict(query or {}),
        }
        answer = self.invoke(function, http=request)
        if "status" not in answer:
            return Answered(500, {}, b"")
        return Answered(answer["status"], answer["headers"], b64decode(answer["body"]))

    def loaded(self) -> list[str]:
        """Which heavy libraries are in its memory."""
        request = {"method": "GET", "headers": {}, "body": "", "route": {}, "query": {}}
        found: list[str] = self.invoke("health", http=request, look=True)["loaded"]
        return found

    def _first_line(self) -> dict[str, Any]:
        line = self._running.said.readline()
        if not line:
            raise WorkerDied(f"The worker does not start; {self.log} says why.")
        index: dict[str, Any] = json.loads(line)
        return index

    def _read(self) -> None:
        for line in self._lines():
            answer = json.loads(line)
            with self._lock:
                waiting = self._waiting.pop(answer["id"], None)
            if waiting is not None:
                waiting.set_result(answer)
        with self._lock:
            left = list(self._waiting)
        for number in left:
            self._lose(number)

    def _lines(self) -> Iterator[str]:
        """What it says, to its end, which comes in the middle of a line when it is killed there."""
        with suppress(OSError, ValueError):
            yield from (line for line in self._running.said if line.endswith("\n"))

    def _lose(self, number: int) -> None:
        with self._lock:
            waiting = self._waiting.pop(number, None)
        if waiting is not None:
            waiting.set_exception(WorkerDied(f"The worker ended in the middle; {self.log} may say why."))


class _Started:
    """A worker that was started as a program of its own."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("EGRESS_", "COVERAGE"))}
        with log.open("ab") as stream:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-W", "ignore", str(_PROGRAM), str(ROOT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env={**inherited, **WORKER_SETTINGS, **settings},
                cwd=log.parent,
                start_new_session=True,  # a Ctrl-C at a terminal is for whoever started us
            )
        assert self._process.stdin is not None  # noqa: S101 - pipes were asked for
        assert self._process.stdout is not None  # noqa: S101 - as above
        self.pid, self.lines, self.said = self._process.pid, self._process.stdin, self._process.stdout

    def ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
