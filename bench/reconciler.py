"""The measured reconciler, started as a process of its own and told pass by pass what to do; see `bench.runner`."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).parents[1]
Talk = Callable[[str, int], list[str]]
"""Tells a process one line; its next lines are the answers."""


def as_in_the_image() -> None:
    """Compile our modules beforehand, as the Dockerfile does: who installs from a working tree compiles them at each start."""
    compileall.compile_dir(ROOT / "function_app", quiet=1)


class PassFigures(BaseModel):
    """What one call of the runner measured; seconds are since it was told to begin, `cpu_seconds` without git's."""

    model_config = ConfigDict(frozen=True)

    converged: bool
    passes: int
    seconds: float
    cpu_seconds: float
    git_cpu_seconds: float
    process_cpu_seconds: float
    peak_mib: float
    resident_mib: float
    first_write_seconds: float | None
    settled_seconds: dict[str, float]
    unreadable: list[str]
    changes: int
    refused: list[str]


class Reconciler:
    """One running process."""

    def __init__(self, talk: Talk, hubs: int) -> None:
        self._talk = talk
        self._hubs = hubs

    def run(self, ref: str = "main", *, until: Sequence[str] = ()) -> list[PassFigures]:
        """One pass over each hub, or passes until nothing is left to do on these clusters."""
        lines = self._talk(" ".join([ref, *until]), self._hubs)
        return [PassFigures.model_validate_json(line) for line in lines]

    def one(self, ref: str = "main", *, until: Sequence[str] = ()) -> PassFigures:
        """The same for the only hub."""
        return self.run(ref, until=until)[0]


class FluxFigures(BaseModel):
    """What one run of the restated call pattern measured."""

    model_config = ConfigDict(frozen=True)

    objects: int
    written: int
    seconds: float
    cpu_seconds: float


@contextmanager
def reconciler(hubs: Sequence[str], environment: Mapping[str, str]) -> Iterator[Reconciler]:
    """A fresh process; it ends with the block."""
    with _process("bench.runner", hubs, environment) as talk:
        yield Reconciler(talk, len(hubs))


@contextmanager
def flux(hub: str, environment: Mapping[str, str]) -> Iterator[Callable[[], FluxFigures]]:
    """A fresh process that makes Flux's calls once whenever it is asked."""
    with _process("bench.flux", [hub], environment) as talk:
        yield lambda: FluxFigures.model_validate_json(talk("reconcile", 1)[0])


@contextmanager
def _process(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[Talk]:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("EGRESS_")} | dict(environment)
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(  # noqa: S603 - this interpreter
        command, cwd=ROOT, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def talk(line: str, answers: int) -> list[str]:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError(f"{module} was started without pipes")
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            lines = [process.stdout.readline() for _ in range(answers)]
            if not all(lines):
                raise RuntimeError(f"{module} ended with {process.wait()}")
            return lines

        yield talk
        if process.stdin is not None:
            process.stdin.close()


def settings_for(served: Mapping[str, str], repository: Path, state: Path, **others: Any) -> dict[str, str]:
    """The environment of a reconciler on a served world."""
    return {
        **served,
        "EGRESS_REPOSITORY": str(repository),
        "EGRESS_STATE_FOLDER": str(state),
        "EGRESS_AUTHOR": "bench",
        **{name: str(value) for name, value in others.items()},
    }
