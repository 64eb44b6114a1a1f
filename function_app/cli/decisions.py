"""Commands that record what a person decided outside Git: block, suspend, their ends, forget.

They work with Git and all targets down.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from function_app.bootstrap import Assembly
from function_app.cli.options import OneHubOption, OutputOption, ReasonOption, assembled, duration
from function_app.cli.printing import ExitCode, OutputForm, print_json, stdout, warn
from function_app.model.admission import Scope, ScopeKind
from function_app.model.errors import EgressError, SettingsError
from function_app.model.intent import Intent, Reason
from function_app.model.names import HubName
from function_app.model.state import Decision, DecisionKind
from function_app.reporting.json_report import decision_json
from function_app.reporting.words import lasting, plain
from function_app.service.intake import ask

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def name_form(text: str) -> str:
    """A name that a definition can have; raises BadParameter."""
    if not _NAME.fullmatch(text):
        raise typer.BadParameter(f"`{text}` cannot be a name: lower-case letters, digits and inner hyphens.")
    return text


TenantArgument = Annotated[str, typer.Argument(metavar="TENANT", callback=name_form, help="The tenant's name.")]

LengthOption = Annotated[
    timedelta, typer.Option("--for", metavar="DURATION", parser=duration, help="For how long: 30m, 4h, 2d.")
]


def block(
    tenant: TenantArgument,
    reason: ReasonOption,
    length: LengthOption,
    hub: OneHubOption = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Deny all egress of a tenant, in front of all rules, until the time is over or it is taken back."""
    with assembled() as parts:
        chosen, now = one_hub(parts, hub), time_of(parts)
        decision = Decision(DecisionKind.BLOCK, tenant, reason, parts.author, now, now + length)
        parts.stores(chosen).state.decide(decision)
        if not _is_known(parts, chosen, "tenant", tenant):
            warn(f"the newest report of {chosen} names no tenant {tenant}; the block is recorded all the same.")
        said = f"{tenant} is blocked on {chosen} for {lasting(length)}; it takes effect with the next pass: {_next(parts, chosen)}"
        _tell(chosen, decision, said, output)
    return ExitCode.DONE


def unblock(tenant: TenantArgument, hub: OneHubOption = None, output: OutputOption = OutputForm.TEXT) -> int:
    """Take a block back."""
    with assembled() as parts:
        chosen = one_hub(parts, hub)
        ended, never = f"{tenant} is no longer blocked on {chosen}", f"{tenant} was not blocked on {chosen}"
        return _take_back(parts, chosen, DecisionKind.BLOCK, tenant, output, ended, never)


ScopeArgument = Annotated[ScopeKind, typer.Argument(metavar="KIND", help="`tenant`, `cluster` or `hub`.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", callback=name_form, help="Its name.")]


def suspend(
    kind: ScopeArgument,
    name: NameArgument,
    reason: ReasonOption,
    length: LengthOption,
    hub: OneHubOption = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Write nothing for a tenant, a cluster or a hub but what denies, until the time is over or it is resumed."""
    with assembled() as parts:
        chosen, now = _hub_of(parts, kind, name, hub), time_of(parts)
        decision = Decision(DecisionKind.SUSPEND, str(Scope(kind, name)), reason, parts.author, now, now + length)
        parts.stores(chosen).state.decide(decision)
        if kind is not ScopeKind.HUB and not _is_known(parts, chosen, kind, name):
            warn(f"the newest report of {chosen} names no {kind} {name}; the suspension is recorded all the same.")
        _next(parts, chosen)
        said = f"{kind} {name} is suspended on {chosen} for {lasting(length)}: from the next pass on only what denies is written"
        _tell(chosen, decision, said, output)
    return ExitCode.DONE


def resume(
    kind: ScopeArgument, name: NameArgument, hub: OneHubOption = None, output: OutputOption = OutputForm.TEXT
) -> int:
    """End a suspension: what Git has is taken up again."""
    with assembled() as parts:
        chosen = _hub_of(parts, kind, name, hub)
        ended, never = f"{kind} {name} is resumed on {chosen}", f"{kind} {name} was not suspended on {chosen}"
        return _take_back(parts, chosen, DecisionKind.SUSPEND, str(Scope(kind, name)), output, ended, never)


def _take_back(
    parts: Assembly, hub: HubName, kind: DecisionKind, subject: str, output: OutputForm, ended: str, never: str
) -> int:
    """End a decision before its time; `ended` or `never` is what a person reads.

    The pass is asked for also when there was none to end: a command that was cut short may have ended it, and tries again.
    """
    withdrawn = parts.stores(hub).state.withdraw(kind.value, subject)
    following = _next(parts, hub)
    if output is OutputForm.JSON:
        print_json({"hub": hub, "kind": kind.value, "subject": subject, "withdrawn": withdrawn})
    else:
        said = f"{ended}, from the next pass on: {following}" if withdrawn else f"{never}; nothing is changed"
        stdout().print(said, soft_wrap=True)
    return ExitCode.DONE


def _hub_of(parts: Assembly, kind: ScopeKind, name: str, hub: str | None) -> HubName:
    """The hub on which it is; a hub is named once."""
    if kind is ScopeKind.HUB and hub not in (None, name):
        raise SettingsError(f"hub {name} is meant, and --hub says {plain(str(hub))}. Leave --hub out.")
    return one_hub(parts, name if kind is ScopeKind.HUB else hub)


def forget(
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", callback=name_form, help="The cluster's name.")],
    reason: ReasonOption,
    hub: OneHubOption = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Give up a cluster that is gone for good, so that its ranges can be freed; or accept one that was rebuilt."""
    with assembled() as parts:
        chosen = one_hub(parts, hub)
        decision = Decision(DecisionKind.FORGET, cluster, reason, parts.author, time_of(parts))
        parts.stores(chosen).state.decide(decision)
        if not _is_known(parts, chosen, "cluster", cluster):
            warn(f"the newest report of {chosen} names no cluster {cluster}; it is recorded all the same.")
        said = (
            f"{cluster} is given up on {chosen}; its routes and ranges go with the next passes: {_next(parts, chosen)}"
        )
        _tell(chosen, decision, said, output)
    return ExitCode.DONE


def one_hub(parts: Assembly, name: str | None) -> HubName:
    """The hub that is meant; raises SettingsError with what to write when that is not clear."""
    known = parts.known_hubs()
    where = parts.settings.storage.folder
    if name is None and len(known) == 1:
        return known[0]
    if name is None:
        which = f"several hubs are known ({', '.join(known)})" if known else f"no hub is known in {where} yet"
        raise SettingsError(f"{which}. Say which one: --hub NAME.")
    if known and name not in known:
        raise SettingsError(
            f"hub {plain(name)} is not known in {where}, which has {', '.join(known)}. A hub is known after its first pass."
        )
    if not known:
        warn(f"no hub is known in {where} yet: is EGRESS_STATE_FOLDER right? It is recorded there for hub {name}.")
    return HubName(name_form(name))


def time_of(parts: Assembly) -> datetime:
    """The time that counts, or this machine's when it cannot be asked for."""
    try:
        return parts.clock.now()
    except EgressError as problem:
        warn(f"{problem} This machine's time is taken.")
        return datetime.now(UTC)


def _is_known(parts: Assembly, hub: HubName, key: str, name: str) -> bool:
    """Whether the newest report names it; Git is not asked, it may be down."""
    try:
        latest = parts.stores(hub).status.latest(hub) or {}
    except EgressError:
        return False
    rows = latest.get("attachments")
    targets = latest.get("unattributed")
    named = {row.get(key) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
    return name in named or (key == "cluster" and isinstance(targets, dict) and name in targets)


def _next(parts: Assembly, hub: HubName) -> str:
    """Who makes the next pass: where a service works on the same account it is asked now, else a person is told how."""
    by_hand = f"egressctl reconcile --hub {hub}"
    if not parts.settings.storage.account:
        return by_hand
    try:
        ask(parts, (hub,), Intent(reasons=frozenset({Reason.DECISION}), by=(parts.author,)))
    except EgressError as problem:
        warn(f"the service could not be asked for a pass: {problem} Its timer makes one, or: {by_hand}")
        return by_hand
    return f"the service has been asked for it, or: {by_hand}"


def _tell(hub: HubName, decision: Decision, words: str, output: OutputForm) -> None:
    if output is OutputForm.JSON:
        print_json({"hub": hub, **decision_json(decision)})
    else:
        stdout().print(plain(words), soft_wrap=True)
