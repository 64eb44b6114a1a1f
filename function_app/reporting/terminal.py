"""Plans, reports and problems for a terminal, from 60 columns up; without colours they say the same.

Everything that others wrote goes through `plain` and into `Text`, never through markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from function_app.model.errors import Problem, Severity
from function_app.model.plan import ChangeReason, RefusalCode, Stage, Verb
from function_app.model.report import Result
from function_app.reporting.document import AttachmentRow, ChangeRow, HeldRow, ReportDocument
from function_app.reporting.words import (
    REASONS,
    RESULTS,
    SIGNS,
    counted,
    lasting,
    plain,
    short,
    steps,
    waits_in_words,
)

_SIGN_STYLES = {Verb.CREATE.value: "green", Verb.UPDATE.value: "yellow", Verb.DELETE.value: "red"}
_WIDE = 100
"""Columns from which a change fits on one line."""


def plan_view(document: ReportDocument) -> RenderableType:
    """A plan: its changes by target, what is refused, and notes."""
    parts: list[RenderableType] = [_heading("plan", document), *_by_target(document.changes)]
    parts += shortfalls_view(document)
    parts += _notes(document.notes)
    parts.append(Text(_sum_of_plan(document), style="bold"))
    return Group(*parts)


def report_view(document: ReportDocument) -> RenderableType:
    """A pass: its changes with what became of them, the attachments, and what is refused or could not be read."""
    parts: list[RenderableType] = [_heading("pass", document), *_by_target(document.changes)]
    if document.attachments:
        parts += [Text("attachments", style="bold"), attachments_view(document, document.finished_at)]
    parts += shortfalls_view(document)
    parts += _notes(document.notes)
    parts.append(Text(sum_of_pass(document), style="bold"))
    return Group(*parts)


def shortfalls_view(document: ReportDocument) -> Iterator[RenderableType]:
    """What a pass could not read or refused to do, each in words."""
    if document.source_problem:
        yield _listed("source", [Text(plain(f"the last good commit stays in force: {document.source_problem}"))])
    if document.unreadable:
        rows = [Text(f"{row.target}: {plain(row.message)}") for row in document.unreadable]
        yield _listed("unreadable", rows, "red")
    yield from _refusals(document)
    if document.deferrals:
        rows = [Text(plain(f"{row.scope}: {row.detail}")) for row in document.deferrals]
        yield _listed("not taken up", rows, "yellow")
    if document.held:
        yield _listed("held back", [_held(row) for row in document.held], "yellow")


def attachments_view(document: ReportDocument, now: datetime | None) -> RenderableType:
    """One row per attachment: how far it has come, what it waits for, since when; `now` tells how long ago that is."""
    told = frozenset(row.message for row in document.unreadable)
    return indented(_Attachments(document.attachments, now, told))


def problem_line(problem: Problem) -> Text:
    """`file:line:column path: message hint`; a warning says that it is one."""
    where = f"{problem.place} {problem.path}" if problem.path else str(problem.place)
    severe = problem.severity is Severity.ERROR
    line = Text(plain(where), style="bold")
    line.append(": ", style="not bold")
    if not severe:
        line.append("warning: ", style="not bold yellow")
    line.append(plain(problem.message), style="not bold")
    if problem.hint:
        line.append(f" {plain(problem.hint)}", style="not bold cyan")
    return line


def sum_of_problems(where: str, problems: Sequence[Problem]) -> str:
    """`gitops: 2 errors, 1 warning`."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    found = [counted(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count]
    return f"{where}: {', '.join(found) or 'no problems'}"


def sum_of_pass(document: ReportDocument) -> str:
    """One line on how a pass ended."""
    if document.converged:
        return f"{document.hub}: converged"
    done = [row for row in document.changes if row.outcome not in ("", Result.PENDING.value, Result.SKIPPED.value)]
    failed = [row for row in done if row.outcome == Result.FAILED.value]
    parts = [counted(len(done) - len(failed), "change") + " made"] if done else []
    parts += [f"{len(failed)} failed"] if failed else []
    parts += [f"{len(document.refused)} refused"] if document.refused else []
    parts += [f"{len(document.unreadable)} unreadable"] if document.unreadable else []
    left = len(document.changes) - len(done)
    parts += [f"{left} left for later"] if left else []
    waiting = (
        [row.name for row in document.attachments if row.waiting_for] if document.look_again_seconds is None else []
    )
    parts += [f"a person is waited for by {', '.join(waiting)}"] if waiting else []
    state = "not yet converged" if document.look_again_seconds is not None else "stopped"
    return f"{document.hub}: {state}: {', '.join(parts) or 'looking again'}"


def indented(what: RenderableType, columns: int = 2) -> Padding:
    """Shifted to the right, without blanks at the ends of lines."""
    return Padding(what, (0, 0, 0, columns), expand=False)


def named(label: str, text: str, style: str = "") -> Text:
    """A line `label text`."""
    return Text.assemble((label, "bold"), "  ", (plain(text), style))


def _sum_of_plan(document: ReportDocument) -> str:
    ends = [f"{len(document.refused)} refused"] if document.refused else []
    ends += [f"{len(document.unreadable)} unreadable"] if document.unreadable else []
    if not document.changes:
        return f"{document.hub}: {', '.join(['nothing to change', *ends])}"
    counts = [(sum(row.verb == verb for row in document.changes), verb) for verb in Verb]
    waiting = sum(row.waits_for is not None for row in document.changes)
    parts = [f"{count} to {verb.value}" for count, verb in counts if count]
    parts += [f"{waiting} of them later"] if waiting else []
    return f"{document.hub}: {', '.join([*parts, *ends])}"


def _heading(what: str, document: ReportDocument) -> Text:
    line = Text.assemble((document.hub, "bold"), f"  {what} {document.plan_id[:12]}  commit {short(document.commit)}")
    if document.commit_seen and document.commit_seen != document.commit:
        line.append(f" (newest seen {short(document.commit_seen)})")
    return line


def _by_target(changes: Sequence[ChangeRow]) -> Iterator[RenderableType]:
    for target, rows in groupby(sorted(changes, key=lambda row: row.target), key=lambda row: row.target):
        yield Text(plain(target), style="bold cyan")
        yield _Changes(tuple(rows))


class _Changes:
    """The changes of one target: beside each other where there is room, else the words below the resource."""

    def __init__(self, rows: tuple[ChangeRow, ...]) -> None:
        self._rows = rows

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= _WIDE:
            table = Table.grid(padding=(0, 2, 0, 0))
            table.add_column(max_width=options.max_width // 2, overflow="fold")
            table.add_column(overflow="fold")
            for row in self._rows:
                table.add_row(_resource(row), _why(row))
            yield indented(table)
            return
        for row in self._rows:
            yield indented(_resource(row))
            yield indented(_why(row), 6)


class _Attachments:
    """A table where there is room, else what is waited for below each attachment."""

    def __init__(self, rows: tuple[AttachmentRow, ...], now: datetime | None, told: frozenset[str]) -> None:
        self._rows = rows
        self._now = now
        self._told = told

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        yield from (self._table(),) if options.max_width >= _WIDE - 2 else self._lines()

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("attachment", overflow="fold")
        table.add_column("range", no_wrap=True)
        table.add_column("stage", no_wrap=True)
        table.add_column("waits for", overflow="fold")
        table.add_column("since", no_wrap=True)
        for row in self._rows:
            table.add_row(plain(row.name), plain(row.cidr), _stage(row), _waiting(row, self._told), self._since(row))
        return table

    def _lines(self) -> Iterator[RenderableType]:
        names = max((len(row.name) for row in self._rows), default=0)
        ranges = max((len(row.cidr) for row in self._rows), default=0)
        for row in self._rows:
            yield Text.assemble(f"{plain(row.name):<{names}}  {plain(row.cidr):<{ranges}}  ", _stage(row))
            waiting = _waiting(row, self._told)
            if waiting:
                words = "waits for " if row.waiting_for else ""
                since = f", since {self._since(row)}" if self._since(row) else ""
                yield indented(Text.assemble(words, waiting, since), 4)

    def _since(self, row: AttachmentRow) -> str:
        return lasting(self._now - row.since) if self._now is not None and row.since is not None else ""


def _resource(row: ChangeRow) -> Text:
    style = _SIGN_STYLES.get(row.verb, "")
    sign = SIGNS[Verb(row.verb)] if row.verb in Verb else "?"
    return Text.assemble((sign, style), " ", plain(row.resource))


def _why(row: ChangeRow) -> Text:
    text = Text()
    pending = row.outcome in (Result.PENDING, Result.SKIPPED)
    if row.outcome and not (pending and row.waits_for):
        words = RESULTS[Result(row.outcome)] if row.outcome in Result else row.outcome
        style = "red" if row.outcome == Result.FAILED else "dim" if pending else "green"
        text.append(f"{words} · ", style=style)
    reason = REASONS[ChangeReason(row.reason)] if row.reason in ChangeReason else plain(row.reason)
    text.append(f"{reason}: {plain(row.because)}" if row.because else reason)
    if row.waits_for is not None:
        text.append(f" (waits for {waits_in_words((row.waits_for,))})", style="dim")
    if row.message:
        text.append(f" [{plain(row.message)}]", style="red" if row.outcome == Result.FAILED else "")
    return text


def _refusals(document: ReportDocument) -> Iterator[RenderableType]:
    """All refusals but those of held files and unreadable targets, which are listed in full."""
    held = {row.file for row in document.held}
    unreadable = {row.target for row in document.unreadable}
    told = {RefusalCode.DEFINITION_HELD.value: held, RefusalCode.TARGET_REJECTED.value: unreadable}
    refused = [row for row in document.refused if row.subject not in told.get(row.code, set())]
    if refused:
        rows = [Text(f"{row.code} {plain(row.subject)}: {plain(row.message)}") for row in refused]
        yield _listed("refused", rows, "red")


def _notes(notes: Sequence[str]) -> Iterator[RenderableType]:
    if notes:
        yield _listed("notes", [Text(plain(note)) for note in notes])


def _listed(title: str, rows: Iterable[RenderableType], style: str = "") -> RenderableType:
    return Group(Text(title, style=f"bold {style}".strip()), *(indented(row) for row in rows))


def _held(row: HeldRow) -> RenderableType:
    what = "its previous content holds" if row.previous_in_force else "it is left out"
    head = Text(f"{plain(row.file)} since {short(row.since)}: {what}")
    lines = [
        Text(plain(f"{one.file}:{one.line}:{one.column} {one.path}".rstrip() + f": {one.message} {one.hint}".rstrip()))
        for one in row.problems
    ]
    return Group(head, *(indented(line) for line in lines))


def _stage(row: AttachmentRow) -> Text:
    styles = {Stage.ROUTED.value: "green", Stage.LEAVING.value: "magenta"}
    return Text(f"{steps(row.stage)} {plain(row.stage)}".strip(), style=styles.get(row.stage, "yellow"))


def _waiting(row: AttachmentRow, told: frozenset[str]) -> Text:
    """What it waits for, with the detail unless that is `told` elsewhere."""
    if not row.waiting_for:
        return Text("" if row.current else "older rules are in force")
    text = Text(waits_in_words(row.waiting_for))
    if row.detail and row.detail not in told:
        text.append(f" ({plain(row.detail)})", style="dim")
    return text
