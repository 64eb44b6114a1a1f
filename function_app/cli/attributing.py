"""The attribute command: firewall logs from a file or a pipe, with who was behind each line."""

from __future__ import annotations

import csv
import gzip
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from function_app.attributing.index import AddressIndex
from function_app.attributing.lines import lines_of
from function_app.attributing.reading import attribute as attribute_lines
from function_app.attributing.summary import summary
from function_app.attributing.tally import Tally
from function_app.bootstrap import Assembly
from function_app.cli.options import HubOption, OutputOption, assembled
from function_app.cli.printing import ExitCode, OutputForm, fail, print_json, show, stderr
from function_app.model.errors import StateError
from function_app.model.names import HubName
from function_app.model.spans import Span, spans
from function_app.reporting.attribute_view import attribute_view
from function_app.reporting.words import plain

_ROW = ("begins", "ends", "seq", "range", "since", "tenant", "cluster", "generation", "namespaces", "commit", "author")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledgers and the newest reports of the hubs hold."""

    spans: tuple[Span, ...]
    nodes: dict[str, str]

    def index(self) -> AddressIndex:
        """Compiled."""
        return AddressIndex(self.spans, self.nodes, min((span.begins for span in self.spans), default=None))


def attribute(
    log: Annotated[
        str, typer.Argument(metavar="LOG", help="Structured log, JSON lines or CSV, plain or gzip; - for stdin.")
    ] = "",
    write: Annotated[
        str | None,
        typer.Option("--write", metavar="FILE", help="Write the lines with their new columns; - for stdout, .gz zips."),
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Print the ledger's rows as CSV, to join elsewhere; needs no LOG.")
    ] = False,
    hub: HubOption = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Say who was behind each line of Azure Firewall's log, and what it adds up to."""
    if bool(log) == rows:
        return fail("Name the log to read, - for stdin; or ask for --rows.")
    with assembled() as parts:
        hubs = parts.known_hubs()
        if hub is not None and hub not in hubs:
            return fail(f"hub {plain(hub)} is not known, only {', '.join(hubs) or 'none'}.")
        known = _known(parts, hubs if hub is None else (HubName(hub),))
    if rows:
        _print_rows(known.spans)
        return ExitCode.DONE
    tally, index = Tally(), known.index()
    try:
        with ExitStack() as stack:
            source = stack.enter_context(_source(log))
            sink = stack.enter_context(_sink(write))
            lines = stack.enter_context(_watched(source, log))
            attribute_lines(lines, index, tally, sink.write)
    except BrokenPipeError:
        _stop_writing()
    except OSError as problem:
        return fail(f"{plain(str(problem.filename or log))}: {problem.strerror or problem}.")
    _tell(summary(tally), output, beside=write == "-")
    return ExitCode.REFUSED if tally.lines and not tally.attributed else ExitCode.DONE


def _known(parts: Assembly, hubs: Sequence[HubName]) -> _Known:
    """Raises StateError for a ledger that cannot be read: its lines would pass for strangers'."""
    found: list[Span] = []
    nodes: dict[str, str] = {}
    for hub in hubs:
        stores = parts.stores(hub)
        found += spans(stores.ledger.read())
        try:
            report = cast("dict[str, Any]", stores.status.latest(hub) or {})
        except StateError:
            report = {}  # without it nodes are strangers, and nothing else changes
        for cluster, addresses in (report.get("clusters") or {}).items():
            nodes[cluster] = addresses["node_subnet"]
    return _Known(tuple(found), nodes)


@contextmanager
def _source(log: str) -> Iterator[IO[bytes]]:
    if log == "-":
        yield sys.stdin.buffer
        return
    with Path(log).open("rb") as stream:
        yield stream


@contextmanager
def _sink(write: str | None) -> Iterator[IO[bytes]]:
    """Where lines go; nowhere unless asked."""
    if write == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(write or os.devnull)
    with path.open("wb", buffering=1 << 20) as stream:
        if path.suffix != ".gz":
            yield stream
            return
        with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as zipped:
            yield cast("IO[bytes]", zipped)


@contextmanager
def _watched(source: IO[bytes], log: str) -> Iterator[Iterator[bytes]]:
    """Lines, with a bar on a terminal: bytes of the file that were read, whatever they unpack to."""
    console: Console = stderr()
    if not console.is_terminal:
        yield lines_of(source)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    size = Path(log).stat().st_size if log != "-" and Path(log).is_file() else None
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(plain(Path(log).name) if log != "-" else "stdin", total=size)
        counted = _Counted(source, lambda count: progress.advance(task, count))
        yield lines_of(cast("IO[bytes]", counted))


class _Counted:
    """A stream whose reading is told."""

    def __init__(self, stream: IO[bytes], told: Any) -> None:
        self._stream = stream
        self._told = told

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._told(len(piece))
        return piece


def _tell(found: dict[str, object], output: OutputForm, *, beside: bool) -> None:
    """On stdout, unless the lines go there."""
    if beside:
        stderr().print(attribute_view(found))
    elif output is OutputForm.JSON:
        print_json(found)
    else:
        show(attribute_view(found))


def _print_rows(found: Sequence[Span]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow([*_ROW, "holding"])
    for span in sorted(found, key=lambda one: (one.begins, one.seq)):
        held = span.held
        out.writerow(
            [
                span.begins.isoformat(),
                span.ends.isoformat() if span.ends else "",
                span.seq,
                held.range,
                held.since.isoformat(),
                held.tenant,
                held.cluster,
                held.generation,
                ", ".join(held.namespaces),
                held.commit,
                held.author,
                held.holding.value,
            ]
        )


def _stop_writing() -> None:
    """Whoever read our output has gone; Python must not complain about that when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
