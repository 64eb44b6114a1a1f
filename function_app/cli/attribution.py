"""The whois command: who stood behind an address, from the ledger alone, so it works with Git, clusters and Azure down."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Annotated, cast

import typer
from rich.table import Table

from function_app.cli.decisions import name_form, time_of
from function_app.cli.options import HubOption, OutputOption, assembled
from function_app.cli.printing import ExitCode, OutputForm, fail, print_json, show, stdout, warn
from function_app.model.names import HubName
from function_app.reporting.words import plain, short
from function_app.service.questions import attributed
from function_app.service.requests import BadRequest, Json, address_range, moment_of


def address_form(text: str) -> IPv4Network:
    """An IPv4 address or range; raises BadParameter."""
    try:
        return address_range(text)
    except BadRequest as problem:
        raise typer.BadParameter(str(problem)) from None


def moment_form(text: str) -> datetime:
    """An ISO 8601 time; raises BadParameter."""
    try:
        return moment_of(text)
    except BadRequest as problem:
        raise typer.BadParameter(str(problem)) from None


def whois(
    address: Annotated[IPv4Network, typer.Argument(metavar="ADDRESS", parser=address_form, help="Address or range.")],
    at: Annotated[
        datetime | None,
        typer.Option("--at", metavar="TIME", parser=moment_form, help="When, in UTC: 2026-11-23T14:05:00Z; else now."),
    ] = None,
    hub: HubOption = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Say which tenant, namespaces and commit stood behind a source address at a time."""
    with assembled() as parts:
        known = parts.known_hubs()
        if hub is not None and hub not in known:
            return fail(f"hub {plain(hub)} is not known, only {', '.join(known) or 'none'}.")
        chosen = known if hub is None else (HubName(name_form(hub)),)
        found = attributed({name: parts.stores(name) for name in chosen}, address, at or time_of(parts))
    problems, held_by = cast("list[str]", found["problems"]), cast("list[Json]", found["held_by"])
    if output is OutputForm.JSON:
        print_json(found)
    else:
        for problem in problems:
            warn(problem)
        if held_by:
            show(_table(held_by))
        else:
            stdout().print(f"nobody held {found['address']} at {found['at']}, nor before", soft_wrap=True)
    return ExitCode.REFUSED if problems else ExitCode.DONE


def _table(rows: list[Json]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("tenant", "cluster", "range", "namespaces", "commit", "author", "since", "state"):
        table.add_column(name, overflow="fold")
    for row in rows:
        namespaces = ", ".join(cast("list[str]", row["namespaces"])) or "none"
        since = datetime.fromisoformat(str(row["since"])).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(
            plain(str(row["tenant"])),
            plain(str(row["cluster"])),
            str(row["range"]),
            plain(namespaces),
            short(str(row["commit"])),
            plain(str(row["author"])),
            since,
            _state(row),
        )
    return table


def _state(row: Json) -> str:
    end = row["ended_at"] or row["freed_at"]
    return f"{row['holding']}{f' since {end}' if end else ''}"
