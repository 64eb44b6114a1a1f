"""reach and audit: which rule decides, and what a reader of the rules would not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from function_app.bootstrap import Assembly
from function_app.cli.decisions import name_form
from function_app.cli.options import BasePolicyOption, HubOption, OutputOption, RefOption, RepoOption, assembled
from function_app.cli.passes import hubs_of
from function_app.cli.printing import ExitCode, OutputForm, fail, print_json, show, stdout, warn
from function_app.model.errors import TargetError
from function_app.model.names import HubName, TenantName
from function_app.model.resources import Body
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.observing import observe_firewall
from function_app.planning.firewall_resources import shard_index
from function_app.planning.intended_policy import Intended, intended
from function_app.planning.reachability.auditing import Audited, AuditFinding, audit
from function_app.planning.reachability.policy import Policy, policy_of
from function_app.planning.reachability.reach import Answer, Destination, Says, ask, destination_of
from function_app.reading.base_policy import read_base_policy
from function_app.reading.fqdns import wide_wildcard
from function_app.reconcile import Source
from function_app.reporting.json_report import Json
from function_app.reporting.words import counted, plain

_MOST_OTHERS = 8

LiveOption = Annotated[
    bool,
    typer.Option("--live", help="Read the base policy and other people's groups from Azure; else definitions alone."),
]


def destination_form(text: str) -> Destination:
    """A URL, address or range; raises BadParameter."""
    try:
        return destination_of(text)
    except ValueError as problem:
        raise typer.BadParameter(
            f"`{text}` is no destination ({problem}). Write https://www.example.com, tcp://198.51.100.20:443, or 10.0.2.0/24."
        ) from None


@dataclass(frozen=True, slots=True)
class _Seen:
    """One hub's firewall as a tree makes it."""

    definitions: HubDefinitions
    implied: Intended
    policy: Policy


def reach(
    tenant: Annotated[str, typer.Option("--from", metavar="TENANT", callback=name_form, help="The tenant.")],
    destination: Annotated[
        Destination, typer.Option("--to", metavar="URL", parser=destination_form, help="URL, address or range.")
    ],
    hub: HubOption = None,
    ref: RefOption = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="REF", help="Show what --ref changes against this branch.")
    ] = None,
    repo: RepoOption = None,
    live: LiveOption = False,
    base_policy: BasePolicyOption = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Say whether a tenant may reach a destination, which rule decides, and who else may."""
    name, known = TenantName(tenant), _known_base(base_policy, live=live)
    with assembled(repo) as parts:
        trees = _trees(parts, ref, base, repo)
        today = parts.clock.now().date()
        rows: list[Json] = []
        for hub_name in hubs_of(parts, Source(trees["after"], trees["after"].commit), hub):
            around = _around(parts, hub_name, trees["after"], live=live) if known is None else ((), known)
            seen = {when: found for when, tree in trees.items() if (found := _seen(tree, hub_name, today, around))}
            if any(name in one.implied.sources for one in seen.values()):
                rows.append(_answers(hub_name, name, destination, seen))
    if not rows:
        return fail(f"no hub has an attachment of tenant {plain(name)}: is it written as in its file?")
    if output is OutputForm.JSON:
        print_json(rows)
    else:
        for row in rows:
            _print_answers(row, scope=_scope(live=live, base_known=known is not None))
    return ExitCode.DONE


def audit_rules(
    hub: HubOption = None,
    ref: RefOption = None,
    repo: RepoOption = None,
    live: LiveOption = False,
    base_policy: BasePolicyOption = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Find rules that never decide, allow more than they seem to, run out, or let tenants out whose files do not name them."""
    known = _known_base(base_policy, live=live)
    with assembled(repo) as parts:
        source = parts.source(ref)
        today = parts.clock.now().date()
        found: dict[HubName, tuple[AuditFinding, ...]] = {}
        for name in hubs_of(parts, source, hub):
            around = _around(parts, name, source.tree, live=live) if known is None else ((), known)
            seen = _seen(source.tree, name, today, around)
            if seen is not None:
                found[name] = audit(_audited(seen, today))
    if output is OutputForm.JSON:
        print_json([{"hub": name, "findings": [asdict(one) for one in findings]} for name, findings in found.items()])
        return ExitCode.DONE
    for name, findings in found.items():
        if findings:
            show(_table(findings))
        scope = _scope(live=live, base_known=known is not None)
        stdout().print(f"{name}: {counted(len(findings), 'finding')}{f', {scope}' if scope else ''}", soft_wrap=True)
    return ExitCode.DONE


def _known_base(path: Path | None, *, live: bool) -> tuple[Body, ...] | None:
    """The base policy of a file, None when none is given; raises SourceError, BadParameter."""
    if path is not None and live:
        raise typer.BadParameter("--live reads the base policy itself; leave --base-policy out.")
    return read_base_policy(path) if path is not None else None


def _scope(*, live: bool, base_known: bool) -> str:
    """What an answer does not take into account."""
    if live:
        return ""
    if base_known:
        return "from definitions and the base policy of the file; --live adds other people's rules"
    return "definitions alone; --live adds the base policy and other people's rules, --base-policy FILE the base policy"


def _audited(seen: _Seen, today: date) -> Audited:
    shards = seen.definitions.hub.spec.firewall.shards
    return Audited(seen.policy, shards, seen.implied.sources, seen.definitions.rules, today, wide_wildcard)


def _trees(parts: Assembly, ref: str | None, base: str | None, repo: str | None) -> Mapping[str, Tree]:
    if base is None:
        return {"after": parts.source(ref, repo).tree}
    if ref is None:
        raise typer.BadParameter("--base goes with --ref: which branch is to be compared with it?")
    found = parts.compared(base, ref, repo)
    return {"before": found.base, "after": found.head}


def _around(parts: Assembly, hub: HubName, tree: Tree, *, live: bool) -> tuple[tuple[Body, ...], tuple[Body, ...]]:
    """Other people's groups and the base policy's; nothing when not asked for, or when Azure does not answer."""
    if not live or hub not in tree.definitions.hubs:
        return (), ()
    ports = parts.ports(hub, tree)
    try:
        firewall = observe_firewall(ports.firewall, ports.clock)
    except TargetError as problem:
        warn(f"{hub}: the firewall could not be read, so these are definitions alone: {problem}")
        return (), ()
    shards = tree.definitions.hubs[hub].spec.firewall.shards
    foreign = tuple(body for name, body in sorted(firewall.groups.items()) if shard_index(shards, name) is None)
    return foreign, tuple(body for _, body in sorted(firewall.base_groups.items()))


def _seen(tree: Tree, hub: HubName, today: date, around: tuple[tuple[Body, ...], tuple[Body, ...]]) -> _Seen | None:
    if hub not in tree.definitions.hubs:
        return None
    definitions = hub_definitions(tree, hub)
    implied = intended(definitions, today)
    foreign, base = around
    return _Seen(definitions, implied, policy_of((*foreign, *implied.groups), base))


def _answers(hub: HubName, tenant: TenantName, destination: Destination, seen: Mapping[str, _Seen]) -> Json:
    """`{hub, tenant, to, before, after, others}`; `others` are the tenants that may as well, afterwards."""
    row: Json = {"hub": hub, "tenant": tenant, "to": destination.text}
    for when, one in seen.items():
        sources = one.implied.sources.get(tenant)
        row[when] = _answer_json(ask(one.policy, sources, destination)) if sources else None
    after = seen.get("after")
    others = after.implied.sources.items() if after is not None else ()
    row["others"] = [
        name
        for name, sources in others
        if after is not None and name != tenant and ask(after.policy, sources, destination).says is not Says.DENY
    ]
    row["tenants"] = len(after.implied.sources) if after is not None else 0
    return row


def _answer_json(answer: Answer) -> Json:
    return {
        "says": answer.says.value,
        "rule": str(answer.rule) if answer.rule is not None else None,
        "because": list(answer.because),
        "unless": list(answer.unless),
    }


def _print_answers(row: Json, *, scope: str) -> None:
    console = stdout()
    console.print(f"{row['tenant']} to {plain(str(row['to']))} on {row['hub']}", soft_wrap=True)
    for when in ("before", "after"):
        answer = row.get(when)
        label = f"  {when:<7}" if "before" in row else "  "
        if isinstance(answer, dict):
            by = answer["rule"] or "no rule matches: the firewall denies by default"
            console.print(f"{label}{answer['says']:<10} {plain(str(by))}", soft_wrap=True)
            for key, word in (("because", "because"), ("unless", "unless")):
                for line in answer[key]:
                    console.print(f"{' ' * len(label)}{word} {plain(line)}", soft_wrap=True)
        elif when in row:
            console.print(f"{label}has no range here", soft_wrap=True)
    others = row["others"]
    if isinstance(others, list):
        names = ", ".join(others[:_MOST_OTHERS]) + (
            f" and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
        )
        console.print(f"  others who may: {names or 'nobody'} (of {row['tenants']} tenants)", soft_wrap=True)
    if scope:
        console.print(f"  {scope}", soft_wrap=True)


def _table(findings: tuple[AuditFinding, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("finding", "rule", "what"):
        table.add_column(name, overflow="fold")
    for one in findings:
        table.add_row(one.kind.value, plain(one.rule), plain(one.message))
    return table
