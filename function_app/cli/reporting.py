"""The report command: the status page as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from function_app.bootstrap import Assembly
from function_app.cli.decisions import time_of
from function_app.cli.options import assembled
from function_app.cli.printing import ExitCode, fail, stdout
from function_app.cli.status import kept_of
from function_app.model.errors import EgressError
from function_app.model.names import HubName
from function_app.reporting.json_report import status_json
from function_app.reporting.page import render
from function_app.reporting.words import plain
from function_app.service.questions import PASSES_SHOWN, content


def report(
    html: Annotated[
        Path, typer.Option("--html", metavar="FILE", help="Write the page here; it needs nothing else and no network.")
    ] = Path("egress.html"),
) -> int:
    """Write the status page of all hubs to a file, from what is stored."""
    with assembled() as parts:
        now = time_of(parts)
        hubs = [content(_row(parts, hub), hub, parts.stores(hub), now) for hub in parts.known_hubs()]
    page = render(hubs, now)
    try:
        html.write_text(page.html, encoding="utf-8")
    except OSError as error:
        return fail(f"{html}: the page cannot be written ({error.strerror}).")
    stdout().print(f"{plain(str(html))}: {len(page.html.encode()) / 1024:,.0f} KiB", soft_wrap=True)
    return ExitCode.DONE


def _row(parts: Assembly, hub: HubName) -> dict[str, object]:
    """As the service answers it. Who asks and past passes are known where there is a storage account alone."""
    kept = kept_of(parts, hub, time_of(parts))
    row = status_json(hub, kept.latest, kept.decided, kept.problem)
    if parts.settings.storage.account:
        try:
            row["passes"] = list(parts.history.entries(hub)[-PASSES_SHOWN:])
        except EgressError as problem:
            row["problem"] = f"{kept.problem} {problem}".strip()
    return row
