"""What was asked of a hub since its last pass: by which kind of event, for whom, by whom.

Informative: a pass reads Git and the targets, and works from nothing that an event says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce

from function_app.model.names import Commit, TenantName

MOST_NAMED = 20
"""So many commits and people are kept by name; the newest ones stay."""
SLACK = timedelta(seconds=2)
"""A message that was delayed to a time may come this much before it: queues count in whole seconds."""
REST = timedelta(seconds=15)
"""After a pass that somebody asked for, pushes and the timer wait so long and are served together; a person never waits."""


class Reason(StrEnum):
    """Which event asked for a pass."""

    PUSH = "push"
    TIMER = "timer"
    RESYNC = "resync"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Intent:
    """What one event asked for, or several together.

    `commits` are those that events named, oldest first: no pass ever works from them. `tenants` were named by a resync; `by`
    are people or services, in the order in which they asked.
    """

    reasons: frozenset[Reason] = frozenset()
    commits: tuple[Commit, ...] = ()
    tenants: frozenset[TenantName] = frozenset()
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HubIntent:
    """How often a hub was asked for a pass, and up to which time passes have answered.

    `wanted` counts events and never falls; up to `served` a pass that began later has taken care of them. `intent` is what
    those in between asked for. At `look_again_at` the last pass wants the next one, None when nothing is awaited. The last one that
    somebody had asked for ended at `served_at`.
    """

    wanted: int = 0
    served: int = 0
    intent: Intent = Intent()
    look_again_at: datetime | None = None
    served_at: datetime | None = None

    @property
    def pending(self) -> bool:
        """Somebody has asked since the last pass."""
        return self.wanted > self.served

    def calls_for_a_pass(self, now: datetime) -> bool:
        """A message that arrives now finds work: somebody has asked, or the time to look again has come."""
        return self.pending or self.look_is_due(now)

    def look_is_due(self, now: datetime) -> bool:
        """The time has come at which the last pass wanted the next one."""
        return self.look_again_at is not None and now >= self.look_again_at - SLACK

    def rests_until(self, now: datetime) -> datetime | None:
        """When those are served who may wait, None when they are served now, or nobody waits.

        Many pushes within seconds would else be a fetch each time one pass is over.
        """
        hurried = not self.intent.reasons <= {Reason.PUSH, Reason.TIMER}
        if hurried or not self.pending or self.served_at is None:
            return None
        until = self.served_at + REST
        return until if now < until - SLACK else None

    def less_who_rest(self, now: datetime) -> HubIntent:
        """What a pass that is made now serves: a look that is due while pushes rest leaves them to their rest."""
        return self if self.rests_until(now) is None else replace(self, wanted=self.served, intent=Intent())


def merged(first: Intent, second: Intent) -> Intent:
    """Both together, `second` being the later one; each commit and name once, at its latest place, at most 20 of each."""
    return Intent(
        reasons=first.reasons | second.reasons,
        commits=_newest(first.commits, second.commits),
        tenants=first.tenants | second.tenants,
        by=_newest(first.by, second.by),
    )


def all_merged(intents: Iterable[Intent]) -> Intent:
    """All together, oldest first."""
    return reduce(merged, intents, Intent())


def _newest[T](first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    latest_first = dict.fromkeys(reversed((*first, *second)))
    return tuple(reversed(list(latest_first)))[-MOST_NAMED:]
