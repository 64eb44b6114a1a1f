"""plan and reconcile: the road, shown or walked, for one hub or for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich.text import Text

from function_app import reconcile as road
from function_app.bootstrap import Assembly
from function_app.cli.decisions import one_hub, time_of
from function_app.cli.options import BasePolicyOption, HubOption, OutputOption, RefOption, RepoOption, assembled, stated
from function_app.cli.printing import ExitCode, OutputForm, fail, print_json, show, stderr, stdout, warn, worst
from function_app.cli.review import show_review
from function_app.cli.waiting import PassResult, display_for, until_converged
from function_app.logs import log_plan, logged_pass
from function_app.model.errors import EgressError, LeaseLost, SourceError
from function_app.model.names import HubName
from function_app.model.plan import RefusalCode
from function_app.model.state import Decision, DecisionKind
from function_app.reconcile import HubBusy, Source
from function_app.reporting.document import ReportDocument
from function_app.reporting.json_report import preview_json, report_json
from function_app.reporting.terminal import plan_view, problem_line, report_view, sum_of_pass
from function_app.reporting.words import lasting, plain, short
from function_app.service.decisions import unapproved_waiver
from function_app.service.rewinds import rewind_waiver

_DEFAULT_TIMEOUT_SECONDS = 3600.0


def plan(
    hub: HubOption = None,
    ref: RefOption = None,
    repo: RepoOption = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="REF", help="With --head: the branch to merge into; else EGRESS_REF."),
    ] = None,
    head: Annotated[
        str | None, typer.Option("--head", metavar="REF", help="Show what merging this branch means, as a comment.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="With --head: read the targets too, base policy and ledger among them.")
    ] = False,
    author_teams: Annotated[
        str | None,
        typer.Option(
            metavar="TEAMS", help="With --head: the author's teams, `payments,shop`; other teams' tenants are refused."
        ),
    ] = None,
    base_policy: BasePolicyOption = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Show what a pass would do, or with --head what merging a branch would bring about; nothing is written."""
    if head is not None:
        if ref is not None or hub is not None:
            raise typer.BadParameter("--head compares two branches on all hubs; leave --ref and --hub out.")
        if live and base_policy is not None:
            raise typer.BadParameter("--live reads the base policy itself; leave --base-policy out.")
        return show_review(base, head, repo, output, live=live, author_teams=author_teams, base_policy=base_policy)
    if base is not None or live or author_teams is not None or base_policy is not None:
        raise typer.BadParameter("--base, --live, --base-policy and --author-teams go with --head REF.")
    with assembled(repo) as parts:
        source = _source(parts, ref, output)
        results = [_previewed(parts, name, source) for name in hubs_of(parts, source, hub)]
    _print(results, hub, output)
    return worst(result.code for result in results)


def reconcile(
    hub: HubOption = None,
    ref: RefOption = None,
    repo: RepoOption = None,
    converged: Annotated[
        bool, typer.Option("--until-converged", help="Make passes until nothing is left to do or to wait for.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="With --until-converged: begin no pass after so long.")
    ] = _DEFAULT_TIMEOUT_SECONDS,
    waive: Annotated[
        RefusalCode | None,
        typer.Option(metavar="CODE", help="Permit the present plan to exceed one limit once; needs --reason."),
    ] = None,
    plan_digest: Annotated[
        str | None,
        typer.Option(
            "--plan", metavar="DIGEST", help="With --waive unapproved: which tenant's plan, as its row names it."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="WHY", help="With --waive: why; it is recorded.")] = None,
    output: OutputOption = OutputForm.TEXT,
) -> int:
    """Make one pass: carry out what is ready, start what is slow, say what is waited for."""
    if (waive is None) != (reason is None):
        raise typer.BadParameter("--waive CODE and --reason WHY go together.")
    if (waive is RefusalCode.UNAPPROVED) != (plan_digest is not None):
        raise typer.BadParameter("--waive unapproved and --plan DIGEST go together.")
    with assembled(repo) as parts:
        if waive is RefusalCode.REWOUND and reason is not None:
            _waive_rewind(parts, hub, stated(reason))
        source = _source(parts, ref, output)
        names = hubs_of(parts, source, hub)
        if waive not in (None, RefusalCode.REWOUND) and reason is not None:
            _waive(parts, names, source, waive, stated(reason), plan_digest)
        if converged:
            results = _all_passes(parts, names, source, ref, timedelta(seconds=timeout), output)
        else:
            results = [_passed(parts, name, source) for name in names]
    if converged and output is OutputForm.TEXT:
        _print_ends(results, timedelta(seconds=timeout))
    else:
        _print(results, hub, output)
    return worst(result.code for result in results)


def hubs_of(parts: Assembly, source: Source, name: str | None) -> tuple[HubName, ...]:
    """The hubs that are meant; raises SourceError when there is none."""
    defined = parts.hubs(source.tree)
    commit, folder = short(source.tree.commit), parts.settings.source.folder
    if not defined:
        held = f" {source.tree.problems[0]}" if source.tree.problems else ""
        raise SourceError(
            f"commit {commit} brings no hub into force. Is EGRESS_DEFINITIONS_FOLDER ({folder}) right? "
            f"It holds hubs/NAME.yaml.{held}"
        )
    if name is None:
        return defined
    if name not in defined:
        raise SourceError(f"commit {commit} defines no hub {plain(name)}. It defines {', '.join(defined)}.")
    return (HubName(name),)


def _source(parts: Assembly, ref: str | None, output: OutputForm) -> Source:
    source = parts.source(ref)
    if source.problem:
        warn(f"the last good commit {short(source.tree.commit)} stays in force: {source.problem}")
    if output is OutputForm.TEXT:
        told = {problem for one in source.tree.held for problem in one.problems}
        for problem in source.tree.problems:
            if problem not in told:
                stderr().print(problem_line(problem), soft_wrap=True)
    return source


def _previewed(parts: Assembly, hub: HubName, source: Source) -> PassResult:
    try:
        report = road.preview(hub, source, parts.ports(hub, source.tree), parts.patience)
    except EgressError as problem:
        return PassResult.failed(hub, str(problem))
    log_plan(report)
    code = ExitCode.REFUSED if report.plan.refused else ExitCode.PENDING if report.plan.pending else ExitCode.DONE
    return PassResult(hub, code, preview_json(report), ReportDocument.of_plan(report))


def _passed(parts: Assembly, hub: HubName, source: Source) -> PassResult:
    if hub not in source.tree.definitions.hubs:
        return PassResult.failed(hub, f"commit {short(source.tree.commit)} does not define {hub} any more")
    ports = parts.ports(hub, source.tree)
    try:
        report = logged_pass(
            hub,
            source.tree.commit,
            lambda: road.reconcile(
                hub, source, ports, parts.patience, holder=parts.holder, unanswered=parts.unanswered(hub)
            ),
        )
        waits = ports.state.read().waits
    except (HubBusy, LeaseLost) as problem:
        return PassResult.failed(hub, f"{problem}; nothing was done here, try again shortly", busy=True)
    except EgressError as problem:
        return PassResult.failed(hub, str(problem))
    return PassResult.of_report(report, report_json(report, waits), ReportDocument.of_report(report, waits))


def _all_passes(
    parts: Assembly,
    hubs: Sequence[HubName],
    first: Source,
    ref: str | None,
    timeout: timedelta,
    output: OutputForm,
) -> list[PassResult]:
    """Passes until all hubs have ended; each but the first round reads Git again."""
    fresh = dict.fromkeys(hubs, first)

    def make_pass(hub: HubName) -> PassResult:
        try:
            source = fresh.pop(hub, None) or parts.source(ref)
        except SourceError as problem:
            return PassResult.failed(hub, str(problem))
        return _passed(parts, hub, source)

    with display_for(output) as display:
        results: Mapping[HubName, PassResult] = until_converged(hubs, make_pass, parts.clock, timeout, display)
    return list(results.values())


def _waive_rewind(parts: Assembly, hub: str | None, reason: str) -> None:
    """Record one person's permission to follow the branch to where it leads now."""
    chosen, newest = one_hub(parts, hub), parts.newest()
    parts.stores(chosen).state.decide(rewind_waiver(newest, reason, parts.author, time_of(parts)))
    stderr().print(f"rewound waived once for commit {short(newest)}: {plain(reason)}", soft_wrap=True)


def _waive(
    parts: Assembly,
    hubs: Sequence[HubName],
    source: Source,
    code: RefusalCode,
    reason: str,
    digest: str | None,
) -> None:
    """Record one person's permission for the plan as it is now, or a tenant's part; raises EgressError: nothing to permit."""
    if len(hubs) != 1:
        raise typer.BadParameter(f"--waive is for one plan of one hub. Say which: --hub {' or --hub '.join(hubs)}.")
    hub = hubs[0]
    ports = parts.ports(hub, source.tree)
    plan = road.preview(hub, source, ports, parts.patience).plan
    if digest is not None:
        if not any(digest == one.plan for one in plan.deferrals):
            raise EgressError(f"nothing to waive: no tenant of {hub} waits for an approval of plan {plain(digest)}.")
        decision = unapproved_waiver(digest, reason, parts.author, time_of(parts))
    else:
        refused = {refusal.code for refusal in plan.refused}
        if code not in refused:
            found = ", ".join(sorted(refused)) or "nothing"
            raise EgressError(f"nothing to waive: the plan of {hub} is not refused for {code.value}, but for {found}.")
        decision = Decision(DecisionKind.WAIVER, plan.plan_id, reason, parts.author, time_of(parts), code=code.value)
    ports.state.decide(decision)
    stderr().print(
        f"{code.value} waived once for plan {decision.subject[:12]} of {hub}: {plain(reason)}", soft_wrap=True
    )


def _print(results: Sequence[PassResult], hub: str | None, output: OutputForm) -> None:
    if output is OutputForm.JSON:
        rows = [result.json for result in results]
        print_json(rows if hub is None else rows[0])
        return
    for result in results:
        if result.document is None:
            fail(f"{result.hub}: {result.problem}")
        elif result.document.finished_at is None:
            show(plan_view(result.document))
        else:
            show(report_view(result.document))


def _print_ends(results: Sequence[PassResult], timeout: timedelta) -> None:
    """One line for each hub on how it ended; the display has shown the rest."""
    for result in results:
        if result.document is None:
            fail(f"{result.hub}: {result.problem}")
            continue
        stdout().print(Text(sum_of_pass(result.document), style="bold"), soft_wrap=True)
        if not result.ended:
            stdout().print(
                f"{result.hub}: the time of {lasting(timeout)} is over; what was started goes on, run it again to follow it",
                soft_wrap=True,
            )
