"""Logging: structlog to stderr, pretty at a terminal and JSON lines elsewhere. Stdout belongs to what was asked for.

The events of a pass are `pass.started`, `plan.made`, `change.applied`, `target.unavailable` and `pass.finished`, each with hub,
commit and, once it is known, plan id. Nothing secret and no body goes in: only what a report says.
"""

from __future__ import annotations

import logging
import secrets
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from function_app.measuring import CHANGES, DRIFT, PASS_SECONDS, PASSES, span
from function_app.model.errors import EgressError
from function_app.model.names import Commit, HubName
from function_app.model.plan import ChangeReason
from function_app.model.report import Report, Result

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor


class _Outlets:
    """Stderr, and the standard library's logger of a name, whose handlers take events elsewhere.

    Stderr as it is at that moment: a live display takes its place and draws logs above itself.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name) if name else None

    def _line(self, level: int, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
        if self._logger is not None:
            self._logger.log(level, "%s", line)

    def debug(self, line: str) -> None:
        self._line(logging.DEBUG, line)

    def info(self, line: str) -> None:
        self._line(logging.INFO, line)

    def warning(self, line: str) -> None:
        self._line(logging.WARNING, line)

    def error(self, line: str) -> None:
        self._line(logging.ERROR, line)

    def critical(self, line: str) -> None:
        self._line(logging.CRITICAL, line)

    msg = info
    exception = error


def configure_logs(level: str = "INFO", *, outlet: str = "") -> None:
    """Set up logging for this process. `outlet` names a logger of the standard library that gets every line too.

    Lines for an outlet are JSON also at a terminal, and its logger hands nothing on: the Functions host would log it once more.
    """
    at_terminal = sys.stderr.isatty() and not outlet
    if outlet:
        logging.getLogger(outlet).setLevel(logging.DEBUG)
        logging.getLogger(outlet).propagate = False
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _where_it_broke,
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer() if at_terminal else structlog.processors.JSONRenderer(sort_keys=True)
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_: _Outlets(outlet),
        cache_logger_on_first_use=False,
    )


def _where_it_broke(_: object, __: str, event: EventDict) -> EventDict:
    """An unexpected exception's type and the places it came through. Not its words: they may be anybody's, and hold anything."""
    if event.pop("exc_info", None):
        kind, problem, trace = sys.exc_info()
        event["exception"] = kind.__name__ if kind is not None else ""
        event["frames"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)[-20:]
        ]
        cause = problem.__cause__ or problem.__context__ if problem is not None else None
        event["caused_by"] = type(cause).__name__ if cause is not None else ""
    return event


def logged_pass(hub: HubName, commit: Commit, run: Callable[[], Report]) -> Report:
    """Run a pass and log what it did; what it raises is logged and raised on."""
    log: FilteringBoundLogger = structlog.get_logger().bind(hub=hub, commit=commit)
    pass_id = secrets.token_hex(4)
    with (
        structlog.contextvars.bound_contextvars(pass_id=pass_id),
        span("pass", hub=hub, commit=commit, pass_id=pass_id),
    ):
        log.info("pass.started")
        try:
            report = run()
        except EgressError as problem:
            log.warning("pass.finished", converged=False, problem=str(problem))
            PASSES.add(1, {"hub": hub, "outcome": "failed"})
            raise
        _log_report(report)
        _measure(report)
        return report


def _measure(report: Report) -> None:
    hub = report.plan.hub
    outcome = "converged" if report.converged else "stopped" if report.stopped else "pending"
    PASSES.add(1, {"hub": hub, "outcome": outcome})
    PASS_SECONDS.record((report.finished_at - report.started_at).total_seconds(), {"hub": hub})
    for one in report.outcomes:
        kind = one.change.target.partition("/")[0]
        about = {"hub": hub, "kind": kind, "reason": one.change.reason.value, "result": one.result.value}
        CHANGES.add(1, about)
        if one.change.reason is ChangeReason.DRIFT and one.result not in (
            Result.SKIPPED,
            Result.FAILED,
            Result.PENDING,
        ):
            DRIFT.add(1, {"hub": hub, "target": one.change.target})


def log_plan(report: Report) -> FilteringBoundLogger:
    """The events of a plan; the logger is bound to it."""
    plan = report.plan
    log: FilteringBoundLogger = structlog.get_logger().bind(hub=plan.hub, commit=plan.commit, plan_id=plan.plan_id)
    log.info(
        "plan.made", changes=len(plan.changes), ready=len(plan.ready), refused=[one.code.value for one in plan.refused]
    )
    for target in report.unreadable:
        log.warning("target.unavailable", target=target.target, problem=target.message, permanent=target.permanent)
    return log


def _log_report(report: Report) -> None:
    """The events of a pass that has been made."""
    log = log_plan(report)
    for outcome in report.outcomes:
        change = outcome.change
        write = log.warning if outcome.result is Result.FAILED else log.info
        write(
            "change.applied",
            target=change.target,
            resource=str(change.resource),
            verb=change.verb.value,
            reason=change.reason.value,
            outcome=outcome.result.value,
            message=outcome.message,
        )
    seconds = (report.finished_at - report.started_at).total_seconds()
    log.info("pass.finished", converged=report.converged, writes=report.writes, seconds=round(seconds, 3))
