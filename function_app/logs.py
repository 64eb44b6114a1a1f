"""Logging: structlog to stderr, pretty at a terminal and JSON lines elsewhere. Stdout belongs to what was asked for.

The events of a pass are `pass.started`, `plan.made`, `change.applied`, `target.unavailable` and `pass.finished`, each with hub,
commit and, once it is known, plan id. Nothing secret and no body goes in: only what a report says.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from function_app.model.errors import EgressError
from function_app.model.names import Commit, HubName
from function_app.model.report import Report, Result

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor


def configure_logs(level: str = "INFO") -> None:
    """Set up logging for this process."""
    at_terminal = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer() if at_terminal else structlog.processors.JSONRenderer(sort_keys=True)
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # Stderr as it is at that moment: a live display takes its place and draws logs above itself.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def logged_pass(hub: HubName, commit: Commit, run: Callable[[], Report]) -> Report:
    """Run a pass and log what it did; what it raises is logged and raised on."""
    log: FilteringBoundLogger = structlog.get_logger().bind(hub=hub, commit=commit)
    log.info("pass.started")
    try:
        report = run()
    except EgressError as problem:
        log.warning("pass.finished", converged=False, problem=str(problem))
        raise
    _log_report(report)
    return report


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
