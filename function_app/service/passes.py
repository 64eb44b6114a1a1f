"""One message of the queue: a pass over one hub if somebody has asked for one, or the time for it has come.

What is asked is recorded before a message is sent, and a message only says where to look. So a message may come twice, late or
for nothing. Whoever finds the hub busy goes home: the one who holds it looks again for what was asked after giving it back,
and should that one be dead, one delayed message looks when its lease is over.

    asked for? -> rested? -> lease -> asked for? -> fetch -> pass -> next look noted -> served -> lease back -> asked since? -> send

Killed anywhere before `served`, the message appears again and finds what was asked still unserved, or the look still due.

Who asks is answered with a fetch. A look that nobody asked for goes on with the commit that the last pass went by: what has been
pushed since says so itself, or the timer does.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from function_app.logs import logged_pass
from function_app.measuring import LEASE_WAITS, PENDING_SECONDS
from function_app.model.errors import LeaseLost, SourceError, StateError
from function_app.model.intent import SLACK, HubIntent
from function_app.model.names import HubName
from function_app.ports import Lease, Leases, StatusStore
from function_app.reconcile import Source, reconcile
from function_app.service.history import entry_of_pass, entry_of_problem, longest_wait
from function_app.service.parts import Parts
from function_app.service.telling import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import FilteringBoundLogger

LEAST_SECONDS = 5.0
"""Between a pass and the next look that it asks for."""
SOURCE_SECONDS = 60.0
"""Until the repository is tried again, when nothing of it was ever read here."""
BUSY_SECONDS = 75.0
"""Until a hub is tried again that was busy: a little longer than a lease whose holder has died."""
LOST_SECONDS = 15.0
"""Until the next try after a pass that was too slow for its lease."""


class Ran(StrEnum):
    """What became of a message; all of these complete it."""

    PASSED = "passed"
    NOTHING = "nothing-to-do"
    BUSY = "busy"
    RESTING = "resting"
    LOST = "lease-lost"
    NO_SOURCE = "no-source"
    NOT_DEFINED = "not-defined"


def run_hub(hub: HubName, parts: Parts) -> Ran:
    """One message; raises StateError when storage does not answer, and then the message must come again."""
    log: FilteringBoundLogger = structlog.get_logger().bind(hub=hub)
    asked, now = parts.intents.read(hub), parts.clock.now()
    if not asked.calls_for_a_pass(now):
        return _said(log, Ran.NOTHING)
    until = asked.rests_until(now)
    if until is not None and not asked.look_is_due(now):
        _look_at_the_latest(hub, parts, asked, until, now)
        return _said(log, Ran.RESTING)
    lease = parts.leases.acquire(hub, parts.holder)
    if lease is None:
        _look_when_it_must_be_free(hub, parts)
        LEASE_WAITS.add(1, {"hub": hub})
        return _said(log, Ran.BUSY)
    with _given_back(lease):
        asked = parts.intents.read(hub).less_who_rest(parts.clock.now())
        try:
            ran = _while_held(hub, parts, lease, asked)
        except LeaseLost:
            # Who took the hub may have begun before the newest was asked for, and nobody may have taken it.
            parts.passes.send(hub, LOST_SECONDS)
            return _said(log, Ran.LOST)
    if parts.intents.read(hub).wanted > asked.wanted:
        parts.passes.send(hub)
    return _said(log, ran)


def _while_held(hub: HubName, parts: Parts, lease: Lease, asked: HubIntent) -> Ran:
    now = parts.clock.now()
    if not asked.calls_for_a_pass(now):
        return Ran.NOTHING
    try:
        source = parts.source(fetch=asked.pending)
    except SourceError as problem:
        _keep(hub, parts, entry_of_problem(now, str(problem), asked.intent), lease.epoch)
        if asked.look_again_at is None or asked.look_again_at <= now + SLACK:
            _look_again(hub, parts, SOURCE_SECONDS)
        return Ran.NO_SOURCE
    lease.check()
    _ask_for_new_hubs(parts, source, asked)
    if hub not in source.tree.definitions.hubs:
        parts.intents.look_again(hub, None)
        parts.intents.served(hub, asked.wanted, parts.clock.now())
        return Ran.NOT_DEFINED
    _pass(hub, parts, lease, asked, source)
    return Ran.PASSED


def _pass(hub: HubName, parts: Parts, lease: Lease, asked: HubIntent, source: Source) -> None:
    real = parts.ports(hub, source.tree)
    published = _Published(parts, real.status, asked)
    ports = replace(real, leases=_Taken(lease, real.leases), status=published)
    report = logged_pass(
        hub,
        source.tree.commit,
        lambda: reconcile(hub, source, ports, parts.patience, holder=parts.holder, unanswered=parts.unanswered(hub)),
    )
    # While late targets were waited for, the time has come closer at which the others want to be looked at.
    pause, noted = report.plan.look_again_seconds, published.look_again_at
    if pause is not None and noted is not None and parts.clock.now() + timedelta(seconds=pause) < noted - SLACK:
        _look_again(hub, parts, pause)
    PENDING_SECONDS.set(published.longest_wait, {"hub": hub})
    tell(hub, parts, lease.epoch, report, source.tree)


@dataclass(slots=True)
class _Taken:
    """Leases of which the first is taken already."""

    lease: Lease | None
    others: Leases

    def acquire(self, hub: HubName, holder: str) -> Lease | None:
        taken, self.lease = self.lease, None
        return taken or self.others.acquire(hub, holder)


@dataclass(slots=True)
class _Published:
    """A status store that, while the lease is still held, also notes what follows from a report: history, next look, served."""

    parts: Parts
    status: StatusStore
    asked: HubIntent
    look_again_at: datetime | None = None
    longest_wait: float = 0.0
    """Seconds."""

    def record(self, hub: HubName, report: Mapping[str, object], epoch: int) -> None:
        self.longest_wait = longest_wait(report, self.parts.clock.now())
        self.status.record(hub, report, epoch)
        _keep(hub, self.parts, entry_of_pass(report, self.asked.intent, epoch), epoch)
        seconds = report.get("look_again_seconds")
        if isinstance(seconds, int | float):
            self.look_again_at = _look_again(hub, self.parts, seconds)
        else:
            self.look_again_at = None
            self.parts.intents.look_again(hub, None)
        self.parts.intents.served(hub, self.asked.wanted, self.parts.clock.now())

    def latest(self, hub: HubName) -> Mapping[str, object] | None:
        return self.status.latest(hub)


def _look_again(hub: HubName, parts: Parts, seconds: float) -> datetime:
    """Send the message first: noted without being sent, the look would be lost with this process."""
    pause = max(seconds, LEAST_SECONDS)
    at = parts.clock.now() + timedelta(seconds=pause)
    parts.passes.send(hub, pause)
    parts.intents.look_again(hub, at)
    return at


def _look_at_the_latest(hub: HubName, parts: Parts, asked: HubIntent, until: datetime, now: datetime) -> None:
    """Those who wait are served then, or by the look that is due before."""
    if asked.look_again_at is None or asked.look_again_at > until + SLACK:
        _look_again(hub, parts, (until - now).total_seconds())


def _look_when_it_must_be_free(hub: HubName, parts: Parts) -> None:
    """Whoever holds the hub may be dead, and look for nothing any more. One look for all who found it busy is enough."""
    due = parts.intents.read(hub).look_again_at
    if due is None or due <= parts.clock.now() + SLACK:
        _look_again(hub, parts, BUSY_SECONDS)


def _ask_for_new_hubs(parts: Parts, source: Source, asked: HubIntent) -> None:
    """A webhook knows the hubs of which something is kept; who reads the tree finds those that are new."""
    known = parts.known_hubs()
    for hub in sorted(source.tree.definitions.hubs):
        if hub not in known:
            parts.intents.record(hub, asked.intent)
            parts.passes.send(hub)


def _keep(hub: HubName, parts: Parts, entry: Mapping[str, object], epoch: int) -> None:
    """History is for readers: that it cannot be kept does not keep a pass from being made."""
    try:
        parts.history.add(hub, entry, epoch)
    except LeaseLost:
        raise
    except StateError as problem:
        structlog.get_logger().warning("history.not_kept", hub=hub, problem=str(problem))


@contextmanager
def _given_back(lease: Lease) -> Iterator[None]:
    try:
        yield
    finally:
        lease.release()


def _said(log: FilteringBoundLogger, ran: Ran) -> Ran:
    log.info("message.completed", outcome=ran.value)
    return ran
