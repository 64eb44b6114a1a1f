"""The import command: what stands on clusters and in the policy, written down so that merging it changes nothing packets feel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from function_app.authoring.cluster_file import with_adoption
from function_app.authoring.tenant_file import NoSuchEdit
from function_app.cli.options import OutputOption, assembled
from function_app.cli.printing import ExitCode, OutputForm, fail, print_json, stdout
from function_app.importing import Imported, imported, migrated, template
from function_app.looking import look
from function_app.model.definitions import Hub
from function_app.model.errors import Problem, Severity
from function_app.model.names import Commit, HubName
from function_app.model.resources import Body, FirewallObservation
from function_app.model.tree import Tree
from function_app.observing import classic_firewall
from function_app.reading.definitions import read_directory
from function_app.reporting.terminal import indented, problem_line
from function_app.reporting.words import counted, plain

_MEND = ("change these rules on the firewall, then import again",)


def import_found(
    hub: Annotated[str | None, typer.Option("--hub", metavar="NAME", help="The hub, if there are several.")] = None,
    team: Annotated[str, typer.Option("--team", metavar="TEAM", help="Who answers for it.")] = "to-be-named",
    contact: Annotated[str, typer.Option("--contact", metavar="ADDRESS", help="How to reach them.")] = "to-be-named",
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Folder with hubs/ and clusters/.")] = Path(
        "gitops"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Write definitions for hand-made gateways and rules; merging them takes these over as they are."""
    definitions, problems = read_directory(folder, today=datetime.now(UTC).date())
    if definitions is None:
        _show(problems)
        return fail(f"{folder} is not valid. Hub and clusters must be defined first, tenants need not.")
    hubs = sorted(definitions.hubs)
    if (hub is None and len(hubs) != 1) or (hub is not None and hub not in hubs):
        return fail(f"name one of the hubs that are defined with --hub: {', '.join(hubs)}.")
    name = HubName(hub or hubs[0])
    tree = Tree(Commit("0" * 40), definitions)
    with assembled() as parts:
        ports = parts.ports(name, tree)
        seen = look(name, tree, ports, parts.patience)
        classic = classic_firewall(ports.firewall, seen.firewall)
    if classic is not None:
        defined = definitions.hubs[name]
        if isinstance(seen.firewall, FirewallObservation):
            return fail(
                f"{classic.get('name')} is a classic firewall, and policy {defined.spec.firewall.policy} exists without it: what "
                "it holds would be overwritten. Name a policy that does not exist yet in spec.firewall.policy of the hub, then "
                "import again."
            )
        return _migrate(defined, classic, folder, output, write=not dry_run)
    found = imported(name, definitions, seen, team=team, contact=contact)
    try:
        files = _files(folder, found)
    except NoSuchEdit as problem:
        return fail(str(problem))
    if not dry_run:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if output is OutputForm.JSON:
        print_json({**asdict(found), "files": [str(path) for path in files], "written": not dry_run})
    else:
        _tell(found, [str(path) for path in files], written=not dry_run)
    wrong = () if dry_run else _wrong(folder)
    _show(wrong)
    return ExitCode.REFUSED if found.barred or wrong else ExitCode.DONE


def _migrate(hub: Hub, firewall: Body, folder: Path, output: OutputForm, *, write: bool) -> int:
    """A classic firewall comes first: its policy is written for somebody to deploy, and nothing is imported before."""
    migration = migrated(firewall, hub.spec.firewall.shards.max_bytes)
    path, policy = folder.parent / f"{hub.metadata.name}-firewall-policy.json", hub.spec.firewall.policy
    written = [] if migration.barred else [str(path)]
    if written and write:
        path.write_text(template(migration, policy, str(firewall.get("location", ""))), encoding="utf-8")
    if output is OutputForm.JSON:
        print_json({"classic": str(firewall.get("name", "")), **asdict(migration), "files": written, "written": write})
    else:
        stdout().print(
            Text(f"{firewall.get('name')} is a classic firewall: its rules are its own, and no policy's", style="bold")
        )
        _list("written" if write else "would be written", written, "green")
        _list("no policy, since it might let through what is denied today", migration.barred, "red")
        _list("what the policy leaves out; it allows that much less", migration.left, "yellow")
        _list("written otherwise, to the same effect", migration.changed, "")
        _list("what to do", _next(hub.spec.resource_group, path) if written else _MEND, "")
    return ExitCode.PENDING if written else ExitCode.REFUSED


def _next(group: str, template: Path) -> tuple[str, ...]:
    return (
        f"read the file and deploy it: az deployment group create --resource-group {group} --template-file {template}",
        "in one write of the firewall take its own rules away and name the policy (Microsoft Learn, migrate-to-policy)",
        "then import again: gateways and rules become tenants",
    )


def _files(folder: Path, found: Imported) -> dict[Path, str]:
    files = {folder / "tenants" / f"{tenant}.yaml": text for tenant, text in found.tenants.items()}
    for cluster in found.adopting:
        path = folder / "clusters" / f"{cluster}.yaml"
        files[path] = with_adoption(path.read_text(encoding="utf-8"))
    return files


def _wrong(folder: Path) -> tuple[Problem, ...]:
    """What must be mended before it can be merged, as when a guardrail forbids what the firewall allows today."""
    _, problems = read_directory(folder, today=datetime.now(UTC).date())
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def _show(problems: Sequence[Problem]) -> None:
    for problem in problems:
        stdout().print(problem_line(problem), soft_wrap=True)


def _tell(found: Imported, files: Sequence[str], *, written: bool) -> None:
    _list("written" if written else "would be written", files, "green")
    _list("not imported, and why", found.barred, "red")
    _list("rules without a copy; they go on to count where they are", found.left, "yellow")
    _list("rules that their owner may remove once all is converged", found.superseded, "")
    _list("to know", found.notes, "")
    words = f"{counted(len(found.tenants), 'tenant')}; `egressctl plan` shows what merging does"
    stdout().print(Text(words, style="bold"))


def _list(title: str, rows: Sequence[str], style: str) -> None:
    if rows:
        stdout().print(Text(title, style=f"bold {style}".strip()))
        for row in rows:
            stdout().print(indented(Text(plain(row))))
