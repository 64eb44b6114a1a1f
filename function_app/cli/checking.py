"""Commands that need no Git, no state and no target: validate, schema, settings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from function_app.cli.options import OutputOption, teams
from function_app.cli.printing import ExitCode, OutputForm, fail, print_json, show, stdout
from function_app.model.errors import Problem, Severity
from function_app.model.tree import Definitions
from function_app.reading.check_authors import strangers
from function_app.reading.definitions import read_directory
from function_app.reading.places import Places, shown_file
from function_app.reading.schemas import schemas
from function_app.reporting.json_report import problem_json
from function_app.reporting.terminal import problem_line, sum_of_problems
from function_app.reporting.words import counted, plain
from function_app.settings import SettingRow, describe


def validate(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder with hubs, clusters, tenants, rulesets, guardrails.yaml.")
    ] = Path("gitops"),
    author_teams: Annotated[
        str | None,
        typer.Option(
            metavar="TEAMS",
            help="The author's teams, `payments,shop`: with --against, changes to other teams' tenants are refused.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="With --author-teams: the folder as it was before, a checkout of the branch to merge into.",
        ),
    ] = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Check a folder of definitions; every problem with its place and what to write instead."""
    if (author_teams is None) != (against is None):
        raise typer.BadParameter("--author-teams TEAMS and --against DIR go together.")
    today = datetime.now(UTC).date()
    definitions, problems = read_directory(directory, today=today)
    if against is not None and definitions is not None:
        before, _ = read_directory(against, today=today)
        if before is None:
            return fail(
                f"{against} is not valid, so whose tenants were changed cannot be told. `egressctl validate {against}` says why."
            )
        problems += tuple(_not_theirs(directory, before, definitions, teams(author_teams)))
    if output is OutputForm.JSON:
        print_json([problem_json(problem) for problem in problems])
    else:
        console = stdout()
        for problem in problems:
            console.print(problem_line(problem), soft_wrap=True)
        found = f" ({_contents(definitions)})" if definitions is not None else ""
        console.print(plain(sum_of_problems(str(directory), problems)) + found, soft_wrap=True)
    broken = definitions is None or any(problem.severity is Severity.ERROR for problem in problems)
    return ExitCode.REFUSED if broken else ExitCode.DONE


def _not_theirs(
    directory: Path, before: Definitions, after: Definitions, author_teams: frozenset[str] | None
) -> Iterator[Problem]:
    """Tenants of teams that the author is not in."""
    for name, words in strangers(before.tenants, after.tenants, author_teams or frozenset()):
        where, (message, _, hint) = (
            Places(shown_file(directory.as_posix(), f"tenants/{name}.yaml")),
            words.partition(": "),
        )
        yield where.problem((), "not-the-authors", f"{message}.", f"{hint[0].upper()}{hint[1:]}.")


def schema(
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write a file per kind into this folder.")
    ] = None,
) -> int:
    """Show or write the JSON Schemas by which editors complete and check."""
    found = schemas()
    if write is None:
        print_json({name: json.loads(text) for name, text in found.items()})
        return ExitCode.DONE
    try:
        write.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (write / name).write_text(text, encoding="utf-8")
    except OSError as error:
        return fail(f"{write}: the schemas cannot be written ({error.strerror}). Name a folder that you may write to.")
    stdout().print(f"{counted(len(found), 'schema')} written to {plain(str(write))}", soft_wrap=True)
    return ExitCode.DONE


def settings(output: OutputOption = OutputForm.TEXT) -> int:
    """Show every setting: its value, its default, its unit and what it is for; and what is missing or wrong."""
    rows, problems = describe(os.environ)
    if output is OutputForm.JSON:
        print_json([asdict(row) for row in rows])
    else:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("setting", no_wrap=True)
        table.add_column("value", overflow="fold")
        table.add_column("meaning", overflow="fold")
        for row in rows:
            table.add_row(row.name, _setting_value(row), row.meaning)
        show(table)
    return fail("\n".join(problems)) if problems else ExitCode.DONE


def _setting_value(row: SettingRow) -> str:
    quantity = f"{plain(row.value)} {row.unit}".strip()
    if not row.value:
        return "(required)" if row.required else "(not set)"
    return f"{quantity} (default)" if row.value == row.default else quantity


def _contents(definitions: Definitions) -> str:
    parts = [
        (len(definitions.hubs), "hub"),
        (len(definitions.clusters), "cluster"),
        (len(definitions.tenants), "tenant"),
        (len(definitions.rulesets), "rule set"),
    ]
    return ", ".join(counted(count, noun) for count, noun in parts)
