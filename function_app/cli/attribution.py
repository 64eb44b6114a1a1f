"""The whois command: who stood behind an address, from the ledger alone, so it works with Git, clusters and Azure down."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Network
from typing import Annotated, cast

import typer

from function_app.cli.decisions import name_form, time_of
from function_app.cli.options import HubOption, OutputOption, assembled
from function_app.cli.printing import ExitCode, OutputForm, fail, print_json, show, warn
from function_app.model.names import HubName
from function_app.reporting.whois_view import whois_view
from function_app.reporting.words import plain
from function_app.service.attribution import attributed
from function_app.service.requests import BadRequest, address_range, moment_of


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
    """Say who stood behind a source address at a time: tenant, namespaces, gateway, commit, review and rules."""
    with assembled() as parts:
        known = parts.known_hubs()
        if hub is not None and hub not in known:
            return fail(f"hub {plain(hub)} is not known, only {', '.join(known) or 'none'}.")
        chosen = known if hub is None else (HubName(name_form(hub)),)
        now = time_of(parts)
        try:
            found = attributed({name: parts.stores(name) for name in chosen}, address, at or now, now)
        except BadRequest as problem:
            return fail(str(problem))
    problems = cast("list[str]", found["problems"])
    if output is OutputForm.JSON:
        print_json(found)
    else:
        for words in problems:
            warn(words)
        show(whois_view(found))
    return ExitCode.REFUSED if problems else ExitCode.DONE
