"""What is measured: spans and metrics by their names. Without a provider, which `telemetry` sets, all of this does nothing.

A trace is one pass: `pass` with `observe` (`observe.target` for each target), `plan` and `write` for each write below it.
Attributes are names, verbs and results, never bodies, URLs or texts of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from opentelemetry import context, metrics, trace
from opentelemetry.trace import Status, StatusCode

_tracer = trace.get_tracer("egress-gitops")
_meter = metrics.get_meter("egress-gitops")

PASSES = _meter.create_counter(
    "egress.passes", "{pass}", "Passes, by hub and outcome: converged, pending, stopped, failed."
)
PASS_SECONDS = _meter.create_histogram("egress.pass.duration", "s", "How long a pass took, by hub.")
CHANGES = _meter.create_counter("egress.changes", "{change}", "Changes, by hub, kind of target, reason and result.")
DRIFT = _meter.create_counter("egress.drift", "{change}", "Drift that was undone, by hub and target.")
PENDING_SECONDS = _meter.create_gauge(
    "egress.pending.age", "s", "How long the attachment has waited that waits longest, by hub; 0 when none does."
)
ROUTED_SECONDS = _meter.create_histogram(
    "egress.commit_to_routed", "s", "From a commit to its namespaces being routed, by hub."
)
CALLS = _meter.create_counter(
    "egress.calls", "{call}", "Calls, by target, verb and HTTP status; status 0 is no answer."
)
LEASE_WAITS = _meter.create_counter(
    "egress.lease.waits", "{message}", "Messages that found their hub held by somebody else, by hub."
)


@contextmanager
def span(name: str, **attributes: str | float | bool) -> Iterator[None]:
    """A span around what happens here. Of an exception only its type is kept: its words may be anybody's."""
    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as problem:
            current.set_status(Status(StatusCode.ERROR, type(problem).__name__))
            raise


def result(name: str, value: str) -> None:
    """Note on the present span how it went; `failed` marks it as an error."""
    current = trace.get_current_span()
    current.set_attribute(name, value)
    if value == "failed":
        current.set_status(Status(StatusCode.ERROR, value))


class _Answered(Protocol):
    @property
    def status(self) -> int: ...


def counted[A: _Answered](target: str, verb: str, send: Callable[[], A]) -> A:
    """What `send` returns, counted as a call."""
    status = 0
    try:
        answer = send()
        status = answer.status
        return answer
    finally:
        CALLS.add(1, {"target": target, "verb": verb, "status": status})


def carried[**P, T](work: Callable[P, T]) -> Callable[P, T]:
    """The same work for another thread, where its spans stand below the present one: contexts do not follow into threads."""
    here = context.get_current()

    def run(*arguments: P.args, **named: P.kwargs) -> T:
        token = context.attach(here)
        try:
            return work(*arguments, **named)
        finally:
            context.detach(token)

    return run
