"""Work done in forks of this process, several at a time: what one of them breaks, no other one sees."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MEMORY = 8 << 30
"""Bytes: who collects without end runs into an error instead of taking the machine along."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A fork that returned nothing, and why; `endless` when it used up its processor time."""

    why: str
    endless: bool = False


def in_forks[Answer](
    works: Sequence[Callable[[], Answer]], jobs: int, folder: Path
) -> Iterator[tuple[int, Answer | Lost]]:
    """The number of each work and what it returned, in the order in which they end; `folder` is for their answers."""
    running: dict[int, int] = {}
    for number, work in enumerate(works):
        if len(running) == jobs:
            yield _ended(running, folder)
        running[_forked(work, folder)] = number
    while running:
        yield _ended(running, folder)


def allow(seconds: int) -> None:
    """Let this process use so many more seconds of processor time before it is killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _forked(work: Callable[[], object], folder: Path) -> int:
    process = os.fork()
    if process:
        return process
    answer: object
    try:
        _be_still()
        answer = work()
    except BaseException:  # noqa: BLE001 - the parent tells it
        answer = Lost(traceback.format_exc())
    _answer(folder, os.getpid()).write_bytes(pickle.dumps(answer))
    os._exit(0)


def _be_still() -> None:
    """Nothing is read or printed, no core is dumped, memory has an end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))


def _ended[Answer](running: dict[int, int], folder: Path) -> tuple[int, Answer | Lost]:
    process, status = os.wait()
    path = _answer(folder, process)
    answer: Answer | Lost
    if path.exists():
        answer = pickle.loads(path.read_bytes())  # noqa: S301 - written by our own fork
        path.unlink()
    else:
        number = os.WTERMSIG(status)
        answer = Lost(f"ended by {signal.Signals(number).name}", endless=number == signal.SIGXCPU)
    return running.pop(process), answer


def _answer(folder: Path, process: int) -> Path:
    return folder / f"answer-{process}"
