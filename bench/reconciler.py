"""The measured reconciler, started as a process of its own and told pass by pass what to do; see `bench.runner`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).parents[1]


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
    last_write_seconds: dict[str, float]
    settled_seconds: dict[str, float]
    unreadable: list[str]
    changes: int
    refused: list[str]


class Reconciler:
    """One running process."""

    def __init__(self, process: subprocess.Popen[str], hubs: int) -> None:
        self._process = process
        self._hubs = hubs

    def run(self, ref: str = "main", *, until: bool = False) -> list[PassFigures]:
        """One pass over each hub, or passes until each has converged."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the reconciler was started without pipes")
        stdin.write(f"pass {ref}{' until' if until else ''}\n")
        stdin.flush()
        lines = [stdout.readline() for _ in range(self._hubs)]
        if not all(lines):
            raise RuntimeError(f"the reconciler ended with {self._process.wait()}")
        return [PassFigures.model_validate_json(line) for line in lines]

    def one(self, ref: str = "main", *, until: bool = False) -> PassFigures:
        """The same for the only hub."""
        return self.run(ref, until=until)[0]


@contextmanager
def reconciler(hubs: Sequence[str], environment: Mapping[str, str]) -> Iterator[Reconciler]:
    """A fresh process; it ends with the block."""
    command = [sys.executable, "-m", "bench.runner", *hubs]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("EGRESS_")} | dict(environment)
    process = subprocess.Popen(  # noqa: S603 - this interpreter
        command, cwd=ROOT, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Reconciler(process, len(hubs))
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait()


def settings_for(served: Mapping[str, str], repository: Path, state: Path, **others: Any) -> dict[str, str]:
    """The environment of a reconciler on a served world."""
    return {
        **served,
        "EGRESS_REPOSITORY": str(repository),
        "EGRESS_STATE_FOLDER": str(state),
        "EGRESS_AUTHOR": "bench",
        **{name: str(value) for name, value in others.items()},
    }
