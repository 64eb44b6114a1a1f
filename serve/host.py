"""A stand-in for the .NET Functions host, named for what it is: routes, keys, queue and timer around one real worker process.

`python -m serve.host --port 7071` runs one instance of the service with the settings in its environment, as `func start` would;
a worker that dies is started again, and what it was working on counts as failed. Not a product: nothing of it is deployed.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.queue import QueueClient

from serve.front import USUAL_BODY_BYTES, Front
from serve.queue_listener import HIDDEN_SECONDS, QueueListener, QueueRules
from serve.routing import Routes
from serve.schedule import next_after
from serve.workers import ROOT, Worker, WorkerDied

BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
_BETWEEN_STARTS = 1.0


class Host:
    """One instance of the service. A context manager.

    `settings` are the app's; `key` is the function key, drawn unless given. With `timer` off this instance is one of those that
    do not hold the host's timer lock; with `queue` off it serves HTTP alone. `pause_seconds` is for those who do not wait so
    long as host.json says after a failure.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path,
        *,
        port: int = 0,
        key: str = "",
        timer: bool = True,
        queue: bool = True,
        hidden_seconds: int = HIDDEN_SECONDS,
        pause_seconds: int | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings, self._folder, self._told = settings, folder, told
        self._closing, self._turn, self._stopping = ExitStack(), Lock(), Event()
        self._with_timer, self._with_queue, self._port = timer, queue, port
        self._hidden_seconds, self._pause_seconds = hidden_seconds, pause_seconds
        self.key = key or secrets.token_urlsafe(24)
        self._host_json: dict[str, Any] = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        index = self.worker().index
        if not index["succeeded"] or not index["functions"]:
            raise WorkerDied(f"The app cannot be loaded: {index['problem'] or 'it has no functions'}.")
        prefix = self._host_json["extensions"]["http"]["routePrefix"]
        most_bytes = int(self._settings.get(BODY_LIMIT, USUAL_BODY_BYTES))
        routes = Routes.of(index, prefix, self.key)
        self.front = Front(routes, self.worker, self.fire, port=self._port, most_bytes=most_bytes)
        self._closing.enter_context(self.front)
        for name, bindings in index["functions"].items():
            for each in bindings:
                if each["type"] == "queueTrigger" and self._with_queue:
                    self._closing.enter_context(self._listener(name, each["queueName"]))
                if each["type"] == "timerTrigger" and self._with_timer:
                    Thread(target=self._tick, args=(name, each["schedule"]), name="timer", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._closing.close()
        with self._turn:
            if self._worker is not None:
                self._worker.kill()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.front.url

    def worker(self) -> Worker:
        """The worker of the moment; one that died is replaced. Raises WorkerDied when none starts."""
        with self._turn:
            if self._worker is None or not self._worker.alive:
                if self._stopping.is_set():
                    raise WorkerDied("The host is ending.")
                if self._worker is not None:
                    self._told(f"the worker {self._worker.pid} has died; starting another one")
                    self._worker.kill()
                    time.sleep(_BETWEEN_STARTS)
                self._worker = Worker.started(self._settings, self._folder / "worker.log")
            return self._worker

    def fire(self, function: str) -> bool:
        """Run a function that nothing but the host can trigger; False when there is none of that name."""
        bindings = self.worker().index["functions"].get(function, ())
        if not any(each["type"] == "timerTrigger" for each in bindings):
            return False
        Thread(target=self._fired, args=(function,), daemon=True).start()
        return True

    def _fired(self, function: str, *, past_due: bool = False) -> None:
        now = datetime.now(UTC).isoformat()
        status = {"Last": now, "Next": now, "LastUpdated": now}
        timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
        try:
            done = self.worker().invoke(function, timer=timer)
        except WorkerDied as problem:
            self._told(f"{function}: {problem}")
            return
        if not done["succeeded"]:
            self._told(f"{function} failed: {done['problem']}")

    def _tick(self, function: str, schedule: str) -> None:
        """Runs never overlap: the next one is waited for once this one is over."""
        due = next_after(schedule, datetime.now(UTC))
        while not self._stopping.wait(max((due - datetime.now(UTC)).total_seconds(), 0.0)):
            self._fired(function, past_due=datetime.now(UTC) - due > timedelta(seconds=1))
            due = next_after(schedule, datetime.now(UTC))

    def _listener(self, function: str, queue: str) -> QueueListener:
        given = self._host_json["extensions"]["queues"]
        pause = datetime.strptime(given["visibilityTimeout"], "%H:%M:%S").replace(tzinfo=UTC)
        poll = datetime.strptime(given["maxPollingInterval"], "%H:%M:%S").replace(tzinfo=UTC)
        pause_seconds = pause.minute * 60 + pause.second if self._pause_seconds is None else self._pause_seconds
        rules = QueueRules(given["maxDequeueCount"], pause_seconds, float(poll.second), self._hidden_seconds)
        listened, poison = queue_client(self._settings, queue), queue_client(self._settings, f"{queue}-poison")
        return QueueListener(listened, poison, self._working(function), rules)

    def _working(self, function: str) -> Callable[[str, int], bool]:
        def work(content: str, tries: int) -> bool:
            try:
                done = self.worker().invoke(function, queue=content, dequeue_count=tries)
            except WorkerDied as problem:
                self._told(f"{function}: {problem}")
                return False
            if not done["succeeded"]:
                self._told(f"{function}, try {tries}: {done['problem']}")
            return bool(done["succeeded"])

        return work


def queue_client(settings: Mapping[str, str], name: str, *, tries_again: int = 0) -> QueueClient:
    """A queue of the account that the app's settings name, as the host's own connection would be set to."""
    account = urlsplit(settings["EGRESS_STORAGE_ACCOUNT"]).path.strip("/")
    key = Path(settings["EGRESS_STORAGE_KEY_FILE"]).read_text(encoding="ascii").strip()
    return QueueClient(
        settings["EGRESS_STORAGE_QUEUES"],
        name,
        credential=AzureNamedKeyCredential(account, key),
        retry_total=tries_again,
        connection_timeout=5,
        read_timeout=10,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one instance until interrupted; its settings are those of the environment."""
    parser = argparse.ArgumentParser(prog="python -m serve.host", description="One instance of the service at a desk.")
    parser.add_argument("--port", type=int, default=7071, help="port on 127.0.0.1 (default: 7071)")
    parser.add_argument("--key", default="", help="the function key (default: one drawn now)")
    parser.add_argument("--no-timer", action="store_true", help="leave the timer to another instance")
    asked = parser.parse_args(arguments)
    settings = {key: value for key, value in os.environ.items() if key.startswith("EGRESS_") or key == BODY_LIMIT}
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with tempfile.TemporaryDirectory(prefix="egress-host-") as folder:
        try:
            told = _printing
            with Host(
                settings, Path(folder), port=asked.port, key=asked.key, timer=not asked.no_timer, told=told
            ) as host:
                told(f"{host.url} key {host.key} worker {host.worker().pid} log {folder}/worker.log")
                Event().wait()
        except KeyboardInterrupt:
            return 0
        except (WorkerDied, OSError) as problem:
            print(problem, file=sys.stderr)
            return 1
    return 0


def _printing(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
