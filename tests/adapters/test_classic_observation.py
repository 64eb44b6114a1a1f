"""Whether a hub's firewall is a classic one is asked only where its policy does not say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from function_app.model.errors import NotFound, TargetError, TargetRejected, TargetUnavailable
from function_app.model.names import firewall_target
from function_app.model.resources import Body, FirewallObservation, Unreadable
from function_app.observing import classic_firewall
from function_app.ports import FirewallApi

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TARGET = firewall_target("hub1")
CLASSIC = {"name": "hub-fw", "properties": {}}
MISSING = Unreadable(TARGET, NOW, "the policy does not exist", permanent=True)


class Answering:
    """A firewall that answers so, and counts."""

    def __init__(self, answer: Body | TargetError) -> None:
        self.asked = 0
        self._answer = answer

    def firewall(self) -> Body:
        """The answer."""
        self.asked += 1
        if isinstance(self._answer, TargetError):
            raise self._answer
        return self._answer


def found(answer: Body | TargetError, policy: dict[str, Any] | None = None) -> Body | None:
    """What is told of a firewall that answers so, beside a policy with these properties or none."""
    seen = MISSING if policy is None else FirewallObservation(TARGET, NOW, {"properties": policy}, {})
    return classic_firewall(cast("FirewallApi", Answering(answer)), seen)


def test_without_a_policy_or_with_an_unattached_one_the_firewall_is_asked() -> None:
    """Its rules are its own unless it names a policy."""
    assert found(CLASSIC) == CLASSIC == found(CLASSIC, {"firewalls": []})
    assert found({"properties": {"firewallPolicy": {"id": "/another"}}}) is None


def test_an_attached_policy_says_it_all() -> None:
    """No further call is made."""
    api = Answering(CLASSIC)
    seen = FirewallObservation(TARGET, NOW, {"properties": {"firewalls": [{"id": "/f"}]}}, {})
    assert classic_firewall(cast("FirewallApi", api), seen) is None
    assert api.asked == 0


@pytest.mark.parametrize("kind", [NotFound, TargetRejected, TargetUnavailable])
def test_a_firewall_that_cannot_be_read_is_called_nothing(kind: type[TargetError]) -> None:
    """What the policy's own reading said is what is told."""
    assert found(kind("no")) is None
