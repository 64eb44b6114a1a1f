"""Whose memory a process keeps between passes, by a bound for all hubs together.

Belongs here: the decision alone, on names and numbers. What is kept of a hub (decoded bodies, its ledger and state, and all
that was worked out from them) grows with its attachments; so many may be kept as one hub has at its limit, and the hub whose
turn was longest ago lets go first. The hub whose turn it is keeps what it has, however large it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from function_app.model.names import HubName

MOST_ATTACHMENTS = 1_000
"""One hub's at its limit: a process that serves many hubs in turn holds no more than one that serves a single large one."""
LEAST_ATTACHMENTS = 25
"""So many count for a hub that has fewer: its nodes, namespaces and firewall groups are read all the same."""
MOST_HUBS = MOST_ATTACHMENTS // LEAST_ATTACHMENTS
"""So many can be kept at the very most."""
GARBAGE_ATTACHMENTS = 200
"""So many are let go of before all of memory is searched for them, which takes a tenth of a second or two."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """What goes for a hub's turn, longest ago first; `searching` says that enough has gone to be worth a search for garbage."""

    hubs: tuple[HubName, ...] = ()
    searching: bool = False


class Turns:
    """The hubs of which something is kept, in the order of their last turns. Threads may share it."""

    def __init__(self, most_attachments: int = MOST_ATTACHMENTS) -> None:
        self._most = most_attachments
        self._lock = Lock()
        self._kept: dict[HubName, int] = {}
        self._garbage = 0

    def take(self, hub: HubName, attachments: int) -> LetGo:
        """It is a hub's turn, which has so many attachments; what goes for it."""
        with self._lock:
            self._kept.pop(hub, None)
            self._kept[hub] = max(attachments, LEAST_ATTACHMENTS)
            going: list[HubName] = []
            while sum(self._kept.values()) > self._most and len(self._kept) > 1:
                oldest = next(iter(self._kept))
                self._garbage += self._kept.pop(oldest)
                going.append(oldest)
            searching = self._garbage >= GARBAGE_ATTACHMENTS
            self._garbage = 0 if searching else self._garbage
            return LetGo(tuple(going), searching)
