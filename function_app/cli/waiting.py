"""`reconcile --until-converged`: pass after pass until every hub has converged or nothing moves without a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live

from function_app.cli.printing import ExitCode, OutputForm, stdout
from function_app.model.names import HubName
from function_app.model.report import Report, Result
from function_app.ports import Clock
from function_app.reporting.document import ReportDocument
from function_app.reporting.json_report import Json
from function_app.reporting.progress import Progress, progress_view

OTHERWISE_SECONDS = 10.0
"""Pause when a pass does not say when the next one is worth making."""
BUSY_SECONDS = 2.0
"""Pause while somebody else makes a pass over the hub."""


@dataclass(frozen=True, slots=True)
class PassResult:
    """One hub's pass or plan: its JSON and its document, or `problem` when it could not be made.

    `ended` says that a further pass changes nothing; `pause` in seconds is when it is worth making else.
    """

    hub: HubName
    code: ExitCode
    json: Json
    document: ReportDocument | None
    problem: str = ""
    ended: bool = True
    pause: float = OTHERWISE_SECONDS

    @classmethod
    def of_report(cls, report: Report, json: Json, document: ReportDocument) -> PassResult:
        """A pass that was made."""
        return cls(
            hub=report.plan.hub,
            code=code_of(report),
            json=json,
            document=document,
            ended=report.converged or report.stopped,
            pause=report.plan.look_again_seconds or OTHERWISE_SECONDS,
        )

    @classmethod
    def failed(cls, hub: HubName, problem: str, *, busy: bool = False) -> PassResult:
        """A pass that could not be made; when the hub was `busy` it is worth trying again soon."""
        code = ExitCode.PENDING if busy else ExitCode.REFUSED
        return cls(hub, code, {"hub": hub, "problem": problem}, None, problem, ended=not busy, pause=BUSY_SECONDS)


class Display(Protocol):
    """Shows how passes go."""

    def show(self, progress: Iterable[Progress], waiting: str) -> None:
        """Show what is known of each hub and what is done at present."""


def code_of(report: Report) -> ExitCode:
    """A pass's exit code."""
    if report.converged:
        return ExitCode.DONE
    failed = any(outcome.result is Result.FAILED for outcome in report.outcomes)
    return ExitCode.REFUSED if report.plan.refused or failed else ExitCode.PENDING


def until_converged(
    hubs: Iterable[HubName],
    make_pass: Callable[[HubName], PassResult],
    clock: Clock,
    timeout: timedelta,
    display: Display,
) -> Mapping[HubName, PassResult]:
    """The last result of each hub. Ends when all have ended, or with the first round that ends after the time-out."""
    progress = {hub: Progress(hub) for hub in hubs}
    results: dict[HubName, PassResult] = {}
    deadline: datetime = clock.now() + timeout
    going = list(progress)
    while going:
        for hub in going:
            display.show(progress.values(), f"a pass over {hub} is under way")
            results[hub] = make_pass(hub)
            after = _after(progress[hub], results[hub])
            display.show({**progress, hub: after}.values(), "")
            progress[hub] = after.quiet()
        going = [hub for hub in going if not results[hub].ended]
        left = (deadline - clock.now()).total_seconds()
        if not going or left <= 0:
            break
        pause = min(left, *(results[hub].pause for hub in going))
        display.show(progress.values(), f"next pass in {pause:.0f} s")
        clock.sleep(pause)
    display.show(progress.values(), "")
    return results


def _after(before: Progress, result: PassResult) -> Progress:
    if result.document is None:
        return before.without_pass(result.problem)
    return before.after(result.document)


class _Lines:
    """A line for each thing that changed."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, progress: Iterable[Progress], _waiting: str) -> None:
        for one in progress:
            for line in one.lines:
                self._console.print(line, soft_wrap=True)


class _Table:
    """A table that is drawn anew in its place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, progress: Iterable[Progress], waiting: str) -> None:
        self._live.update(Group(*(progress_view(one, waiting) for one in progress)), refresh=True)


class _Silence:
    """For machines, which get the result alone."""

    def show(self, progress: Iterable[Progress], waiting: str) -> None:
        pass


@contextmanager
def _live_table(console: Console) -> Iterator[Display]:
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        yield _Table(live)


def display_for(output: OutputForm) -> AbstractContextManager[Display]:
    """The display that suits stdout."""
    if output is OutputForm.JSON:
        return nullcontext(_Silence())
    console = stdout()
    return _live_table(console) if console.is_terminal else nullcontext(_Lines(console))
