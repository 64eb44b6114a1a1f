"""Progress of passes until they converge: a live table, or a line for each thing that changed where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from function_app.model.report import Result
from function_app.reporting.document import FIREWALL_WAITS, AttachmentRow, ReportDocument
from function_app.reporting.terminal import attachments_view, shortfalls_view
from function_app.reporting.words import lasting, plain, short, waits_in_words


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of one hub after some passes. `operation` is the shard being written and since when, as far as known."""

    hub: str
    passes: int = 0
    document: ReportDocument | None = None
    operation: tuple[str, datetime] | None = None
    remark: str = ""
    """Why there is no newer pass."""
    lines: tuple[str, ...] = field(default=(), compare=False)
    """What the newest pass changed, a line each."""

    def after(self, document: ReportDocument) -> Progress:
        """With one pass more."""
        operation = _operation(self.operation, document)
        lines = tuple(_lines(self, document, operation))
        return Progress(self.hub, self.passes + 1, document, operation, lines=lines)

    def quiet(self) -> Progress:
        """The same with nothing new to say."""
        return replace(self, lines=())

    def without_pass(self, why: str) -> Progress:
        """A pass that could not be made."""
        return replace(self, remark=why, lines=() if why == self.remark else (f"{self.hub}: {plain(why)}",))


def progress_view(progress: Progress, waiting: str) -> RenderableType:
    """One hub while it converges; `waiting` says what is done at present."""
    head = Text.assemble((plain(progress.hub), "bold"), f"  pass {progress.passes}")
    document = progress.document
    if document is None:
        return Group(head, Text(plain(progress.remark or waiting), style="dim"))
    head.append(f"  commit {short(document.commit)}")
    parts: list[RenderableType] = [head, attachments_view(document, document.finished_at)]
    if (age := _age(progress.operation, document.finished_at)) and progress.operation is not None:
        parts.append(Text(f"  firewall operation: {plain(progress.operation[0])}, {age}", style="cyan"))
    parts += shortfalls_view(document)
    if progress.remark or waiting:
        parts.append(Text(plain(progress.remark or waiting), style="dim"))
    return Group(*parts)


def _operation(before: tuple[str, datetime] | None, document: ReportDocument) -> tuple[str, datetime] | None:
    """Writes of one policy are serial: a newly started one ends the former."""
    if document.firewall_started and document.finished_at is not None:
        return (document.firewall_started[-1], document.finished_at)
    if not document.firewall_busy:
        return None
    waiting = [row.since for row in document.attachments if row.since is not None and _waits_for_firewall(row)]
    return before or (("a shard", min(waiting)) if waiting else None)


def _waits_for_firewall(row: AttachmentRow) -> bool:
    return bool(FIREWALL_WAITS & set(row.waiting_for))


def _age(operation: tuple[str, datetime] | None, now: datetime | None) -> str:
    return lasting(now - operation[1]) if operation is not None and now is not None else ""


def _lines(before: Progress, document: ReportDocument, operation: tuple[str, datetime] | None) -> Iterator[str]:
    at = f"{document.finished_at:%H:%M:%S} " if document.finished_at is not None else ""
    known = _states(before.document)
    now = _states(document)
    for name, state in now.items():
        if known.get(name) != state:
            yield f"{at}{name} {state}"
    for name in known.keys() - now.keys():
        yield f"{at}{name} gone"
    if operation is not None and (before.operation is None or operation[1] != before.operation[1]):
        yield f"{at}firewall/{document.hub} {plain(operation[0])} is being written"
    elif before.operation is not None and operation is None:
        yield f"{at}firewall/{document.hub} {plain(before.operation[0])} done, {_age(before.operation, document.finished_at)}"
    for change in document.changes:
        if change.outcome == Result.FAILED:
            yield f"{at}{change.target} {plain(change.resource)} FAILED: {plain(change.message)}"
    if document.source_problem and (before.document is None or not before.document.source_problem):
        yield f"{at}the last good commit stays in force: {plain(document.source_problem)}"
    said = () if before.document is None else (*before.document.refused, *before.document.unreadable)
    for refusal in document.refused:
        if refusal not in said:
            yield f"{at}refused {refusal.code} {plain(refusal.subject)}: {plain(refusal.message)}"
    for target in document.unreadable:
        if target not in said:
            yield f"{at}{target.target} could not be read: {plain(target.message)}"


def _states(document: ReportDocument | None) -> Mapping[str, str]:
    """By attachment: range, stage and what it waits for."""
    rows = () if document is None else document.attachments
    return {row.name: _state(row) for row in rows}


def _state(row: AttachmentRow) -> str:
    waits = f", waits for {waits_in_words(row.waiting_for)}" if row.waiting_for else ""
    return f"{plain(row.cidr)} {plain(row.stage)}{waits}"
