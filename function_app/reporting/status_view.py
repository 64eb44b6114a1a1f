"""The status of a hub for a terminal: what was stored by the newest pass, the blocks and suspensions in force, and coverage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from function_app.model.state import Decision, DecisionKind
from function_app.reporting.document import ReportDocument
from function_app.reporting.terminal import attachments_view, indented, named, shortfalls_view
from function_app.reporting.words import lasting, moment, plain, short


def status_view(
    hub: str, document: ReportDocument | None, decided: Sequence[Decision], now: datetime, problem: str = ""
) -> RenderableType:
    """One hub. `document` is None before its first pass; `problem` says what could not be read here."""
    parts: list[RenderableType] = [Text(plain(hub), style="bold underline")]
    if problem:
        parts.append(Text(plain(problem), style="red"))
    if document is None:
        parts.append(Text("no report of a pass is kept here"))
    else:
        parts += _passed(document, now)
    blocks = [one for one in decided if one.kind is DecisionKind.BLOCK]
    suspensions = [one for one in decided if one.kind is DecisionKind.SUSPEND]
    parts += _decided("blocks", blocks, now) if blocks else [named("blocks", "none")]
    parts += _decided("suspended", suspensions, now) if suspensions else []
    if document is not None:
        parts += _coverage(document)
    return Group(*parts)


def _passed(document: ReportDocument, now: datetime) -> Iterator[RenderableType]:
    seen = document.commit_seen or document.commit
    newest = "the newest seen" if seen == document.commit else f"newest seen {short(seen)}"
    since = f", since {lasting(now - document.commit_since)}" if document.commit_since is not None else ""
    yield named("commit in force", f"{short(document.commit)} ({newest}){since}")
    if document.finished_at is not None:
        ended = "converged" if document.converged else "not converged"
        ago = lasting(now - document.finished_at)
        yield named("last pass", f"{moment(document.finished_at)}, {ago} ago: {ended}")
    if document.attachments:
        yield Text("attachments", style="bold")
        yield attachments_view(document, now)
    else:
        yield named("attachments", "none")
    drift = document.last_drift
    if drift is not None:
        ago = lasting(now - drift.at)
        who = f"; who: {drift.who}" if drift.who else ""
        yield named("last drift", plain(f"undone {ago} ago on {drift.target}, {drift.resource}: {drift.words}{who}"))
    yield from shortfalls_view(document)


def _decided(title: str, decisions: Sequence[Decision], now: datetime) -> Iterator[RenderableType]:
    yield Text(title, style="bold red")
    for one in decisions:
        until = f" for {lasting(one.expires - now)} more" if one.expires is not None else " until it is taken back"
        yield indented(Text(plain(f"{one.subject}{until}: {one.reason} (by {one.by}, {moment(one.at)})")))


def _coverage(document: ReportDocument) -> Iterator[RenderableType]:
    if not document.unattributed:
        yield named("leave as nodes", "not known: no cluster was read")
        return
    yield Text("leave as nodes", style="bold")
    for cluster, names in sorted(document.unattributed.items()):
        words = ", ".join(names) or "no namespace"
        yield indented(Text(plain(f"{cluster}: {words}")))
