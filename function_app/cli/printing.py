"""Where output goes: what was asked for to stdout, everything else to stderr; exit codes.

What every command imports is kept small: the overview of commands is shown without the models.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import TextIO

from rich.console import Console, RenderableType
from rich.text import Text

_WIDTH_WITHOUT_TERMINAL = 120


class ExitCode(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    REFUSED = 1
    PENDING = 2


class OutputForm(StrEnum):
    """For people, or for machines."""

    TEXT = "text"
    JSON = "json"


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Refused before pending before done."""
    found = set(codes)
    return next((code for code in (ExitCode.REFUSED, ExitCode.PENDING) if code in found), ExitCode.DONE)


def stdout() -> Console:
    """The console for what was asked for."""
    return _console(sys.stdout)


def stderr() -> Console:
    """The console for warnings and errors."""
    return _console(sys.stderr)


def show(view: RenderableType) -> None:
    """A view on stdout; without a terminal its lines end in no blanks, so that files and excerpts of them are clean."""
    console = stdout()
    if console.is_terminal:
        console.print(view)
        return
    with console.capture() as shown:
        console.print(view)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in shown.get().splitlines()))


def print_json(value: object) -> None:
    """JSON on stdout."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def warn(message: str) -> None:
    """A warning on stderr."""
    from function_app.reporting.words import plain  # noqa: PLC0415 - see above

    stderr().print(Text.assemble(("warning: ", "yellow"), plain(message)), soft_wrap=True)


def fail(message: str) -> ExitCode:
    """An error on stderr, and the exit code that goes with it."""
    from function_app.reporting.words import plain  # noqa: PLC0415 - see above

    stderr().print(Text.assemble(("egressctl: ", "bold red"), plain(message)), soft_wrap=True)
    return ExitCode.REFUSED


def _console(file: TextIO) -> Console:
    """Without a terminal there is no width to obey but the one that is asked for."""
    fixed = file.isatty() or "COLUMNS" in os.environ
    return Console(
        file=file, width=None if fixed else _WIDTH_WITHOUT_TERMINAL, markup=False, emoji=False, highlight=False
    )
