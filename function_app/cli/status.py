"""The status command: what was stored, so it works with Git, clusters and Azure down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from function_app.bootstrap import Assembly
from function_app.cli.decisions import name_form, time_of
from function_app.cli.options import HubOption, OutputOption, assembled
from function_app.cli.printing import ExitCode, OutputForm, fail, print_json, show, stdout
from function_app.model.errors import StateError
from function_app.model.names import HubName
from function_app.model.state import Decision
from function_app.reporting.document import ReportDocument
from function_app.reporting.json_report import status_json
from function_app.reporting.status_view import status_view


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one hub."""

    latest: Mapping[str, object] | None
    decided: tuple[Decision, ...]
    problem: str


def status(hub: HubOption = None, output: OutputOption = OutputForm.TEXT) -> int:
    """Show the newest pass of each hub: stages, waits, what is refused, blocks, suspensions, and what leaves as nodes."""
    with assembled() as parts:
        known = parts.known_hubs()
        if hub is None and not known and output is OutputForm.TEXT:
            stdout().print(
                f"no hub is known in {parts.settings.storage.folder} yet; `egressctl reconcile` makes the first pass"
            )
            return ExitCode.DONE
        if hub is not None and hub not in known:
            return fail(
                f"hub {hub} is not known in {parts.settings.storage.folder}, which has {', '.join(known) or 'none'}. "
                "A hub is known after its first pass."
            )
        now = time_of(parts)
        chosen = known if hub is None else (HubName(name_form(hub)),)
        found = {name: kept_of(parts, name, now) for name in chosen}
    if output is OutputForm.JSON:
        rows = [status_json(name, kept.latest, kept.decided, kept.problem) for name, kept in found.items()]
        print_json(rows if hub is None else rows[0])
    else:
        for name, kept in found.items():
            document, problem = _understood(kept)
            show(status_view(name, document, kept.decided, now, problem))
    return ExitCode.REFUSED if any(kept.problem for kept in found.values()) else ExitCode.DONE


def kept_of(parts: Assembly, hub: HubName, now: datetime) -> Kept:
    """What is stored of one hub; what cannot be read is said in `problem`."""
    stores = parts.stores(hub)
    problems: list[str] = []
    latest: Mapping[str, object] | None = None
    decided: tuple[Decision, ...] = ()
    try:
        latest = stores.status.latest(hub)
    except StateError as problem:
        problems.append(str(problem))
    try:
        decided = tuple(one for one in stores.state.decisions() if one.is_in_force(now))
    except StateError as problem:
        problems.append(str(problem))
    return Kept(latest, decided, " ".join(problems))


def _understood(kept: Kept) -> tuple[ReportDocument | None, str]:
    if kept.latest is None:
        return None, kept.problem
    try:
        return ReportDocument.model_validate(kept.latest), kept.problem
    except ValidationError:
        words = "The stored report is of another release or damaged; the next pass writes a new one."
        return None, f"{kept.problem} {words}".strip()
