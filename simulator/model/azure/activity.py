"""Azure's activity log of one hub, as far as writes of rule collection groups go (learn.microsoft.com, Activity Logs - List).

An event shows some minutes after it happened; Microsoft says 3 to 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.model.azure.contents import Json
from simulator.model.clock import VirtualClock

SHOWS_AFTER = timedelta(minutes=5)
_MOST = 500


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes, and the id that the caller gave the request (`x-ms-client-request-id`)."""

    name: str
    request: str = ""


SOMEBODY = Caller("somebody@example.com")


@dataclass(frozen=True, slots=True)
class _Event:
    at: datetime
    resource: str
    action: str
    caller: Caller


class ActivityLog:
    """The newest writes. The log keeps 90 days in Azure."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._events: list[_Event] = []

    def note(self, resource: str, action: str, caller: Caller) -> None:
        """A write was accepted."""
        self._events = [*self._events[-_MOST:], _Event(self._clock.now(), resource, action, caller)]

    def shown(self, resource: str, since: datetime, until: datetime) -> Sequence[Json]:
        """Events about one resource, newest first, as the API shows them."""
        seen_by_now = self._clock.now() - SHOWS_AFTER
        found = [
            each
            for each in reversed(self._events)
            if each.resource.lower() == resource.lower() and since <= each.at <= min(until, seen_by_now)
        ]
        return [_body(each) for each in found]


def _body(event: _Event) -> Json:
    action = f"Microsoft.Network/firewallPolicies/ruleCollectionGroups/{event.action}"
    return {
        "caller": event.caller.name,
        "eventTimestamp": event.at.isoformat().replace("+00:00", "Z"),
        "operationName": {"value": action, "localizedValue": action},
        "status": {"value": "Accepted", "localizedValue": "Accepted"},
        "resourceId": event.resource,
        "httpRequest": {
            "clientRequestId": event.caller.request,
            "method": "PUT" if event.action == "write" else "DELETE",
        },
        "level": "Informational",
    }
