"""A worker process as whoever started it holds it: invocations in, answers out, and its death noticed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Self

ROOT = Path(__file__).parents[1]
_PROGRAM = Path(__file__).parent / "worker.py"


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


class Worker:
    """A running worker; `index` is what it said about the app, `log` what it writes to stderr. A context manager.

    `settings` is its environment beside what every process has; nothing of ours is inherited.
    """

    def __init__(self, settings: Mapping[str, str], log: Path, *, folder: Path | None = None) -> None:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("EGRESS_", "COVERAGE"))}
        self.log = log
        with log.open("ab") as stream:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-W", "ignore", str(_PROGRAM), str(ROOT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env={**inherited, "PYTHON_SCRIPT_FILE_NAME": "main.py", **settings},
                cwd=folder or log.parent,
                start_new_session=True,  # a Ctrl-C at a terminal is for whoever started us
            )
        self._numbers, self._writing, self._lock = count(1), Lock(), Lock()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self.index: dict[str, Any] = self._first_line()
        self._reading = Thread(target=self._read, name="answers", daemon=True)
        self._reading.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a power cut does, and wait for that."""
        self._process.kill()
        self._process.wait()
        self._reading.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def begin(self, function: str, **trigger: Any) -> Future[dict[str, Any]]:
        """One invocation, whose answer comes later; WorkerDied then says that none will."""
        number, answer = next(self._numbers), Future[dict[str, Any]]()
        with self._lock:
            self._waiting[number] = answer
        line = json.dumps({"id": number, "function": function, **trigger}) + "\n"
        try:
            with self._writing:
                assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
                self._process.stdin.write(line)
                self._process.stdin.flush()
        except (OSError, ValueError):
            self._lose(number)
        if not self.alive:
            self._lose(number)
        return answer

    def invoke(self, function: str, **trigger: Any) -> dict[str, Any]:
        """One invocation; raises WorkerDied."""
        return self.begin(function, **trigger).result()

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
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = self._process.stdout.readline()
        if not line:
            raise WorkerDied(f"The worker does not start; {self.log} says why.")
        index: dict[str, Any] = json.loads(line)
        return index

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._lock:
                waiting = self._waiting.pop(answer["id"], None)
            if waiting is not None:
                waiting.set_result(answer)
        with self._lock:
            left = list(self._waiting)
        for number in left:
            self._lose(number)

    def _lose(self, number: int) -> None:
        with self._lock:
            waiting = self._waiting.pop(number, None)
        if waiting is not None:
            waiting.set_exception(WorkerDied(f"The worker ended in the middle; {self.log} may say why."))
