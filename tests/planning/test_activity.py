"""Who changed a shard by hand, by events as Azure's activity log shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from function_app.model.names import HubName, TargetName
from function_app.model.resources import OUR_REQUESTS, ActivityLog, Body, Unreadable
from function_app.model.state import Drift
from function_app.planning.activity import ASKED_FOR, explained, unexplained

HUB = HubName("hub1")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHARD = Drift(NOON, "firewall/hub1", "RuleCollectionGroup/egress-000", "somebody changed the rules of blue outside Git")
POOL = Drift(NOON, "cluster/one", "IPPool/blue-pool", "field manager kubectl changed spec.disabled outside Git")
SOON, LATE = NOON + timedelta(minutes=6), NOON + ASKED_FOR


def event(caller: str, minutes: int, request: str = "", action: str = "write", status: str = "Succeeded") -> Body:
    """One event so many minutes before noon."""
    return {
        "caller": caller,
        "eventTimestamp": f"2026-11-23T11:{60 - minutes:02d}:00.5Z",
        "operationName": {"value": f"Microsoft.Network/firewallPolicies/ruleCollectionGroups/{action}"},
        "status": {"value": status},
        "httpRequest": {"clientRequestId": request},
    }


OURS = event("the identity", 1, request=f"{OUR_REQUESTS.upper()}-1111-4222-8333-444444444444")
ADA = event("ada@example.com", 3)


def who(log: ActivityLog | Unreadable | None, now: datetime = SOON) -> str:
    """What is said of the shard's drift."""
    return explained({"": SHARD, "blue@one": SHARD}, HUB, log, now)["blue@one"].who


def shown(*events: Body) -> ActivityLog:
    """What the log shows of the shard."""
    return ActivityLog({"egress-000": events})


def test_only_drift_of_shards_of_which_nobody_is_named_is_asked_about() -> None:
    """Clusters say it themselves; a hub without such drift asks nothing."""
    known = replace(SHARD, who="ada")

    assert {"egress-000": NOON} == unexplained({"": SHARD, "blue@one": POOL}, HUB)
    assert {} == unexplained({"": POOL, "blue@one": known, "red@one": replace(SHARD, target="firewall/hub2")}, HUB)


def test_the_last_write_that_was_not_ours_is_named() -> None:
    """Whatever the order of the events; reads, failures and our own writes do not count."""
    failed, read = event("eve@example.com", 2, status="Failed"), event("eve@example.com", 2, action="read")
    found = who(shown(event("bob@example.com", 9), ADA, failed, read, OURS))

    assert "ada@example.com at 2026-11-23T11:57:00.5Z, says Azure's activity log" == found
    assert "bob" in who(shown(event("bob@example.com", 2, action="DELETE"), ADA))


def test_every_place_where_the_drift_stands_hears_of_it_and_others_do_not() -> None:
    """The hub's newest and the attachment's own; another drift stays as it is."""
    found = explained({"": SHARD, "blue@one": SHARD, "red@one": POOL}, HUB, shown(ADA), SOON)

    assert found[""].who == found["blue@one"].who != ""
    assert POOL == found["red@one"]


def test_as_long_as_the_log_may_still_show_it_nothing_is_said() -> None:
    """After an hour it is not asked again, and it is said why nobody is named."""
    assert "" == who(shown(OURS)) == who(None) == who(shown())
    assert "unknown, because Azure's activity log shows no write by anybody else" == who(shown(OURS), LATE)
    assert "" == who(None, LATE)


@pytest.mark.parametrize(("permanent", "now", "told"), [(True, SOON, True), (False, SOON, False), (False, LATE, True)])
def test_a_log_that_cannot_be_read_is_said_so(permanent: bool, now: datetime, told: bool) -> None:
    """At once when waiting does not help."""
    found = who(Unreadable(TargetName("activity-log/hub1"), NOON, "we may not", permanent=permanent), now)

    assert ("unknown, because Azure's activity log cannot be read: we may not" if told else "") == found


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"caller": None},
        {"caller": "x", "operationName": "w"},
        {
            "caller": ["a"],
        },
    ],
)
def test_events_of_another_shape_name_nobody(broken: dict[str, Any]) -> None:
    """A log is for people; nothing may fail by it."""
    assert "" == who(shown(broken))
