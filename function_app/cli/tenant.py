"""The tenant commands: edits of definitions with few questions, validated, with what they will bring about. Git is left alone."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from function_app.authoring.free_range import free_range, prefix_for
from function_app.authoring.tenant_file import (
    NewTenant,
    NoSuchEdit,
    new_file,
    renamed,
    with_attachment,
    with_range,
    without_attachment,
)
from function_app.cli.options import assembled
from function_app.cli.printing import ExitCode, fail, stderr, stdout
from function_app.model.definitions import Limits, OnRemoval, Tenant
from function_app.model.errors import EgressError, Problem, Severity
from function_app.model.names import ClusterName, TenantName
from function_app.model.tree import Definitions
from function_app.reading.definitions import read_directory
from function_app.reporting.terminal import problem_line
from function_app.reporting.words import plain
from function_app.service.attribution import holders

tenant = typer.Typer(
    help="Write a tenant's file, or change one, and say what merging it will do.", no_args_is_help=True
)

_FolderOption = Annotated[Path, typer.Option("--dir", metavar="DIR", help="The definitions folder.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the change and write nothing.")]
_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The tenant: tenants/NAME.yaml.")]
_CidrOption = Annotated[str | None, typer.Option("--cidr", metavar="CIDR", help="The range; else a free one is taken.")]


@dataclass(frozen=True, slots=True)
class _Desk:
    """The definitions as they stand, and what else is taken."""

    folder: Path
    definitions: Definitions
    held: tuple[IPv4Network, ...]
    unsure: str

    def path(self, name: str) -> Path:
        """A tenant's file."""
        return self.folder / "tenants" / f"{name}.yaml"

    def tenant(self, name: str) -> Tenant:
        """A tenant that is defined; raises NoSuchEdit."""
        found = self.definitions.tenants.get(TenantName(name))
        if found is None:
            known = ", ".join(sorted(self.definitions.tenants)) or "none"
            raise NoSuchEdit(f"there is no tenant {plain(name)}; known are {known}.")
        return found

    def limits(self, cluster: str) -> Limits:
        """Those of the hub that a cluster belongs to."""
        found = self.definitions.clusters.get(ClusterName(cluster))
        hub = next((one for name, one in self.definitions.hubs.items() if found and name == found.spec.hub), None)
        return hub.spec.limits if hub else Limits()

    def range_on(self, cluster: str, replicas: int, wished: str | None, besides: Iterable[IPv4Network] = ()) -> str:
        """The range that is wished for, or a free one that fits; raises NoSuchEdit."""
        found = self.definitions.clusters.get(ClusterName(cluster))
        if found is None:
            known = ", ".join(sorted(self.definitions.clusters)) or "none"
            raise NoSuchEdit(f"there is no cluster {plain(cluster)}; known are {known}.")
        if wished:
            return wished
        egress, length = IPv4Network(found.spec.egress_cidr), prefix_for(replicas)
        defined = [one.range for each in self.definitions.tenants.values() for one in each.spec.attachments]
        free = free_range(egress, length, (*defined, *self.held, *besides))
        if free is None:
            raise NoSuchEdit(
                f"no /{length} is free in {egress} of {cluster}, quarantined ranges counted. Widen its egressCIDR, wait for "
                "a quarantine to end (egressctl report shows them), or name a smaller range with --cidr."
            )
        return str(free)


@dataclass(frozen=True, slots=True)
class _Edit:
    """Files with their new text, None for one that goes, and what merging it will do, in words."""

    files: Mapping[Path, str | None]
    words: tuple[str, ...]


def _command(write: Callable[..., _Edit]) -> Callable[..., int]:
    """An edit as a command: what it asks for besides the desk, the folder, and whether to write; then it is carried out."""
    own = inspect.signature(write, eval_str=True)
    _, *asked = own.parameters.values()
    folder = inspect.Parameter(
        "folder", inspect.Parameter.KEYWORD_ONLY, default=Path("gitops"), annotation=_FolderOption
    )
    dry_run = inspect.Parameter("dry_run", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_DryRun)

    @wraps(write)
    def command(*, folder: Path, dry_run: bool, **given: Any) -> int:
        return _carried_out(folder, lambda desk: write(desk, **given), dry_run=dry_run)

    parameters = [*asked, folder, dry_run]
    command.__signature__ = own.replace(parameters=parameters, return_annotation=int)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return tenant.command(write.__name__)(command)


@_command
def new(
    desk: _Desk,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The tenant's name.")] = None,
    cluster: Annotated[str | None, typer.Option("--cluster", metavar="NAME", help="The cluster.")] = None,
    namespace: Annotated[
        list[str] | None, typer.Option("--namespace", metavar="NAME", help="A workload namespace; may be repeated.")
    ] = None,
    team: Annotated[str | None, typer.Option("--team", metavar="TEAM", help="Who answers for it.")] = None,
    contact: Annotated[str | None, typer.Option("--contact", metavar="ADDRESS", help="How to reach them.")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="FQDN", help="A name that it may reach on 443; may be repeated."),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option("--include", metavar="RULESET", help="A shared rule set; may be repeated.")
    ] = None,
    replicas: Annotated[int, typer.Option("--replicas", min=1, max=64, help="Gateway pods.")] = 2,
    cidr: _CidrOption = None,
    on_removal: Annotated[
        OnRemoval, typer.Option("--on-removal", help="What becomes of its pods' traffic.")
    ] = OnRemoval.NODE,
) -> _Edit:
    """Write a new tenant's file: asks for what is not given, takes a free range, validates, says what it will do."""
    clusters = sorted(desk.definitions.clusters)
    called = _asked(name, "NAME", "Tenant")
    if desk.path(called).exists():
        raise NoSuchEdit(f"{desk.path(called)} is there already; egressctl tenant renumber, move or remove change it.")
    on = cluster or (
        clusters[0] if len(clusters) == 1 else _asked(None, "--cluster", f"Cluster ({', '.join(clusters)})")
    )
    spaces = tuple(namespace or _asked(None, "--namespace", "Namespaces, with commas").replace(",", " ").split())
    given = NewTenant(
        name=called,
        team=_asked(team, "--team", "Team that answers for it"),
        contact=_asked(contact, "--contact", "How to reach them"),
        cluster=on,
        cidr=desk.range_on(on, replicas, cidr),
        namespaces=spaces,
        fqdns=tuple(allow or ()),
        include=tuple(include or ()),
        replicas=replicas,
        on_removal=on_removal.value,
    )
    words = (
        (
            f"{called} gets {given.cidr} on {on}. The first passes make its pool and gateway, let its routes out and write its "
            "firewall rules; only when all of that is seen to work are its namespaces pointed at the gateway."
        ),
        (
            f"Namespaces {', '.join(spaces)}: their new connections then leave as {given.cidr}, and what the file does not "
            "allow is denied."
        ),
    )
    return _Edit({desk.path(called): new_file(given)}, words)


@_command
def renumber(
    desk: _Desk,
    name: _NameArgument,
    cluster: Annotated[str | None, typer.Option("--cluster", metavar="NAME", help="On which cluster.")] = None,
    cidr: _CidrOption = None,
) -> _Edit:
    """Give an attachment another range; nothing is dropped on the way."""
    found = desk.tenant(name)
    on = _cluster_of(found, cluster)
    attachment = next(one for one in found.spec.attachments if one.cluster == on)
    wanted = desk.range_on(on, attachment.gateway.replicas, cidr)
    limits = desk.limits(on)
    words = (
        (
            f"A second gateway is made on {wanted}. When it serves, is advertised and permitted, {name}'s namespaces switch "
            f"to it in one patch; the old one on {attachment.cidr} drains for {limits.drain_minutes} minutes, then connections "
            "that are still open through it are cut."
        ),
        (
            f"{attachment.cidr} goes to nobody else for {limits.quarantine_hours} hours after it is free. Outside lists that "
            f"name it need {wanted} before you merge."
        ),
    )
    return _Edit({desk.path(name): with_range(_text(desk.path(name)), on, wanted)}, words)


@_command
def move(
    desk: _Desk,
    name: _NameArgument,
    to: Annotated[str, typer.Option("--to", metavar="CLUSTER", help="The cluster that it moves to.")],
    source: Annotated[str | None, typer.Option("--from", metavar="CLUSTER", help="The one that it leaves.")] = None,
    finish: Annotated[bool, typer.Option("--finish", help="It is routed there: leave the old cluster.")] = False,
    cidr: _CidrOption = None,
) -> _Edit:
    """Move a tenant to another cluster in two merges: attach it there, then, with --finish, detach it here."""
    found = desk.tenant(name)
    if finish:
        others = [one.cluster for one in found.spec.attachments if one.cluster != to]
        leaves = source or (others[0] if len(others) == 1 else _asked(None, "--from", "Cluster that it leaves"))
        text = without_attachment(_text(desk.path(name)), leaves)
        words = _detached(found, leaves)
        return _Edit({desk.path(name): text}, (f"Be sure that {name} is routed on {to}: egressctl status.", words))
    leaves = _cluster_of(found, source)
    replicas = next(one.gateway.replicas for one in found.spec.attachments if one.cluster == leaves)
    wanted = desk.range_on(to, replicas, cidr)
    words_first = (
        (
            f"{name} gets {wanted} on {to} as well: a cluster's ranges are its own, so a move means another range. Nothing "
            f"changes on {leaves}."
        ),
        f"When the workload runs on {to} and is routed: egressctl tenant move {name} --from {leaves} --to {to} --finish",
    )
    return _Edit({desk.path(name): with_attachment(_text(desk.path(name)), leaves, to, wanted)}, words_first)


@_command
def rename(
    desk: _Desk,
    name: _NameArgument,
    to: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
) -> _Edit:
    """Give a tenant another name: its identity, so a new tenant with new ranges takes the namespaces over."""
    found = desk.tenant(name)
    if desk.path(to).exists():
        raise NoSuchEdit(f"{desk.path(to)} is there already.")
    ranges: dict[str, str] = {}
    for one in found.spec.attachments:
        given = [IPv4Network(cidr) for cidr in ranges.values()]
        ranges[one.cluster] = desk.range_on(one.cluster, one.gateway.replicas, None, given)
    words = (
        (
            f"{to} gets {', '.join(f'{cidr} on {on}' for on, cidr in ranges.items())}. {name}'s namespaces stay until "
            f"{to} is serving, advertised and permitted; then one patch redirects each."
        ),
        f"After that {name} is taken down and its ranges go into quarantine.",
    )
    files: dict[Path, str | None] = {
        desk.path(to): renamed(_text(desk.path(name)), to, ranges),
        desk.path(name): None,
    }
    return _Edit(files, words)


@_command
def remove(
    desk: _Desk,
    name: _NameArgument,
    cluster: Annotated[str | None, typer.Option("--cluster", metavar="NAME", help="Only from this cluster.")] = None,
) -> _Edit:
    """Remove a tenant, or its attachment on one cluster."""
    found = desk.tenant(name)
    if cluster is not None and len(found.spec.attachments) > 1:
        text: str | None = without_attachment(_text(desk.path(name)), cluster)
        return _Edit({desk.path(name): text}, (_detached(found, cluster),))
    if cluster is not None:
        _cluster_of(found, cluster)
    words = tuple(_detached(found, one.cluster) for one in found.spec.attachments)
    return _Edit({desk.path(name): None}, words)


def _carried_out(folder: Path, edit: Callable[[_Desk], _Edit], *, dry_run: bool) -> int:
    """Read, edit, write, validate; what does not validate is put back as it was."""
    definitions, problems = _validated(folder)
    if definitions is None:
        _show(problems)
        return fail(f"{folder} is not valid as it stands; mend that first.")
    held, unsure = _held()
    try:
        made = edit(_Desk(folder, definitions, held, unsure))
    except NoSuchEdit as problem:
        return fail(str(problem))
    before = {path: _text(path) if path.exists() else None for path in made.files}
    _show_difference(before, made.files)
    known = {(one.code, one.message) for one in problems}
    try:
        _write(made.files)
        after, found = _validated(folder)
        if after is None or dry_run:
            _write(before)
    except OSError as error:
        return fail(f"{error.filename}: it cannot be written ({error.strerror}).")
    _show(one for one in found if (one.code, one.message) not in known)
    if after is None:
        return fail("that would not be valid, so nothing was written.")
    console = stdout()
    for words in made.words:
        console.print(plain(words))
    if unsure:
        stderr().print(Text(plain(unsure), style="yellow"))
    console.print("nothing was written: --dry-run" if dry_run else "written; commit it, and open a pull request")
    return ExitCode.DONE


def _validated(folder: Path) -> tuple[Definitions | None, tuple[Problem, ...]]:
    return read_directory(folder, today=datetime.now(UTC).date())


def _held() -> tuple[tuple[IPv4Network, ...], str]:
    """What ledgers say is held or in quarantine, and what could not be asked."""
    doubt = "The ledger could not be read, so a range may be in quarantine; then its tenant waits until that is over."
    try:
        with assembled() as parts:
            now, hubs = parts.clock.now(), parts.known_hubs()
            found = tuple(one.range for hub in hubs for one in holders(hub, parts.stores(hub), now))
    except EgressError:
        return (), doubt
    return found, "" if hubs else doubt


def _show(problems: Iterable[Problem]) -> None:
    for problem in problems:
        (stderr() if problem.severity is Severity.ERROR else stdout()).print(problem_line(problem), soft_wrap=True)


def _show_difference(before: Mapping[Path, str | None], after: Mapping[Path, str | None]) -> None:
    console = stdout()
    for path, text in after.items():
        old, new = (before[path] or "").splitlines(), (text or "").splitlines()
        names = (str(path) if before[path] is not None else "/dev/null", str(path) if text is not None else "/dev/null")
        for line in difflib.unified_diff(old, new, *names, lineterm="", n=2):
            style = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
            console.print(Text(plain(line), style=style), soft_wrap=True)


def _write(files: Mapping[Path, str | None]) -> None:
    for path, text in files.items():
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _asked(given: str | None, flag: str, question: str) -> str:
    """What was given, else what a person at a terminal says; raises NoSuchEdit."""
    if given:
        return given
    if not sys.stdin.isatty():
        raise NoSuchEdit(f"{flag} is missing, and there is no terminal to ask at.")
    return str(typer.prompt(question)).strip()


def _cluster_of(found: Tenant, cluster: str | None) -> str:
    names = [one.cluster for one in found.spec.attachments]
    if cluster is None and len(names) == 1:
        return names[0]
    if cluster not in names:
        said = f"it is not attached to {plain(cluster)}" if cluster else "name one of its clusters"
        raise NoSuchEdit(f"{said}: {', '.join(names)}.")
    return cluster


def _detached(found: Tenant, cluster: str) -> str:
    one = next((each for each in found.spec.attachments if each.cluster == cluster), None)
    if one is None:
        raise NoSuchEdit(f"it is not attached to {cluster}.")
    then = (
        "their traffic ends (onRemoval: block)"
        if found.spec.on_removal is OnRemoval.BLOCK
        else "their pods leave as nodes, unattributed (onRemoval: node)"
    )
    return (
        f"{found.metadata.name} leaves {cluster}: namespaces {', '.join(one.namespaces)} are no longer pointed at its gateway, and "
        f"{then}. Then rules and gateway go, connections through it are cut, and {one.cidr} goes into quarantine."
    )
