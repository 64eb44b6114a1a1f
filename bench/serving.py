"""The simulator in a process of its own, over HTTPS, and what is asked of it from here.

The process is forked: it begins with this process's worlds and changes only its own.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

from simulator.__main__ import tick
from simulator.model.faults import Fault
from simulator.model.world import World
from simulator.wire.server import SimulatorServer

READING = frozenset({"get", "list", "discover", "learned-routes"})
_FORKING = get_context("fork")
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """A served world. `environment` are the settings by which clients find it, `pid` the process that serves it."""

    environment: Mapping[str, str]
    pid: int
    _control: Connection

    def calls(self) -> Counter[tuple[str, str, str]]:
        """How often each target was called, by verb and kind, since the last time this was asked."""
        found = self._asked("calls")
        return Counter(found)

    def strike(self, *faults: Fault) -> None:
        """Put faults into force."""
        self._asked("strike", *faults)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._asked("advance", seconds)

    def _asked(self, *question: object) -> Any:
        self._control.send(question)
        return self._control.recv()


@contextmanager
def served(world: World, folder: Path, *, latency_seconds: float = 0.0, speed: float = 0.0) -> Iterator[Served]:
    """Serve a copy of a world; every answer is late by the latency, and `speed` virtual seconds pass in a real one."""
    ours, theirs = _FORKING.Pipe()
    process = _FORKING.Process(target=_serve, args=(world, folder, latency_seconds, speed, ours, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(_START_SECONDS):
            raise TimeoutError("the simulator did not start")
        yield Served(ours.recv(), process.pid or 0, ours)
    finally:
        ours.close()
        process.join()


def _serve(
    world: World, folder: Path, latency_seconds: float, speed: float, parent: Connection, control: Connection
) -> None:
    # The forked copy of the other end would keep the pipe open for ever.
    parent.close()
    world.faults.calls.clear()
    stopping = Event()
    with SimulatorServer(world, folder=folder, latency_seconds=latency_seconds) as server:
        environment = {name: value for name, value in server.settings().items() if name != "EGRESS_TIME_SOURCE"}
        ticker = Thread(target=tick, args=(world, speed, stopping), daemon=True)
        ticker.start()
        control.send(environment)
        try:
            while True:
                control.send(_answer(world, *control.recv()))
        except EOFError:
            stopping.set()


def _answer(world: World, question: str, *values: Any) -> object:
    with world.lock:
        match question:
            case "calls":
                calls = dict(world.faults.calls)
                world.faults.calls.clear()
                return calls
            case "strike":
                world.faults.add(*values)
            case _:
                world.advance(*values)
    return None


@contextmanager
def black_hole() -> Iterator[str]:
    """An address that answers no SYN: a listening socket whose queue of connections is full (tcp(7), listen(2))."""
    with ExitStack() as closing:
        listening = closing.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(8):
            waiting = closing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield f"127.0.0.1:{address[1]}"


def closed_port() -> str:
    """An address where nobody listens: the connection is refused at once."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"


def writes(calls: Mapping[tuple[str, str, str], int]) -> int:
    """How many of the calls ask for a change."""
    return sum(count for (_, verb, _), count in calls.items() if verb not in READING)


def timed[T](act: Callable[[], T]) -> tuple[T, float]:
    """What a call returns, and how many seconds it took."""
    started = monotonic()
    value = act()
    return value, monotonic() - started
