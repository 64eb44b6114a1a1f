"""Permissions to follow a branch that was rewound: a waiver on any hub, for the commit that the branch leads to now, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from function_app.model.names import Commit, HubName
from function_app.model.plan import RefusalCode
from function_app.model.state import Decision, DecisionKind
from function_app.ports import Clock, StateStore

WAIVER_LASTS = timedelta(hours=1)
"""Whoever permits a rewind means what the branch leads to now; later, somebody may lead it back there for another reason."""


def rewind_waiver(commit: Commit, reason: str, by: str, now: datetime) -> Decision:
    """One person's permission to let a commit come into force that does not follow the one in force."""
    code = RefusalCode.REWOUND.value
    return Decision(DecisionKind.WAIVER, commit, reason, by, now, now + WAIVER_LASTS, code=code)


class RewindWaivers:
    """`Waivers` among the decisions of all hubs: a repository is one, and who operates any of its hubs may decide."""

    def __init__(
        self,
        known_hubs: Callable[[], tuple[HubName, ...]],
        state_of: Callable[[HubName], StateStore],
        clock: Callable[[], Clock],
    ) -> None:
        self._known_hubs = known_hubs
        self._state_of = state_of
        self._clock = clock

    def permits(self, commit: Commit) -> bool:
        """Whether somebody permits it; raises StateError."""
        return any(True for _ in self._stores(commit))

    def used(self, commit: Commit) -> None:
        """It holds once; raises StateError."""
        for state in list(self._stores(commit)):
            state.withdraw(DecisionKind.WAIVER.value, commit)

    def _stores(self, commit: Commit) -> Iterator[StateStore]:
        now = self._clock().now()
        for hub in self._known_hubs():
            state = self._state_of(hub)
            if any(_meant(one, commit, now) for one in state.decisions()):
                yield state


def _meant(decision: Decision, commit: Commit, now: datetime) -> bool:
    return (
        (decision.kind, decision.subject, decision.code) == (DecisionKind.WAIVER, commit, RefusalCode.REWOUND.value)
        and decision.expires is not None
        and decision.expires > now
    )
