"""What the stand-in for the Functions host decides by itself: routes, keys, schedules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from serve.routing import Routes, without_principal
from serve.schedule import next_after

INDEX = {
    "functions": {
        "webhook": [
            {"type": "httpTrigger", "route": "webhook/{provider}", "methods": ["POST"], "authLevel": "ANONYMOUS"}
        ],
        "status": [{"type": "httpTrigger", "route": "status", "methods": ["GET"], "authLevel": "FUNCTION"}],
        "drift": [{"type": "timerTrigger", "schedule": "0 */5 * * * *"}],
    }
}
ROUTES = Routes.of(INDEX, "api", "a-key")


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "/api/webhook/github", ("webhook", {"provider": "github"})),
        ("POST", "/api/webhook/git%20hub", ("webhook", {"provider": "git hub"})),
        ("POST", "/api/webhook/github/", ("webhook", {"provider": "github"})),
        ("GET", "/api/status", ("status", {})),
        ("GET", "/", None),
        ("GET", "/api/webhook/github", None),
        ("POST", "/api/webhook/", None),
        ("POST", "/api/webhook/a/b", None),
        ("GET", "/status", None),
        ("GET", "/api/drift", None),
    ],
)
def test_a_request_finds_its_function(method: str, path: str, found: tuple[str, dict[str, str]] | None) -> None:
    """By prefix, path and method; what no HTTP trigger names is not there."""
    route = ROUTES.find(method, path)

    assert found == (None if route is None else (route[0].function, route[1]))


def test_a_key_opens_what_is_not_anonymous() -> None:
    """In the header or the query, and only the right one."""
    webhook, status = ROUTES.routes

    assert ROUTES.admits(webhook, {}, {})
    assert not ROUTES.admits(status, {}, {})
    assert not ROUTES.admits(status, {"x-functions-key": "a-ke"}, {})
    assert not ROUTES.admits(status, {"x-functions-key": ""}, {"code": ""})
    assert ROUTES.admits(status, {"x-functions-key": "a-key"}, {})
    assert ROUTES.admits(status, {}, {"code": "a-key"})


def test_nobody_outside_sends_who_they_are() -> None:
    """App Service authentication takes such headers off what comes in."""
    given = [("X-MS-CLIENT-PRINCIPAL", "forged"), ("x-ms-client-principal-name", "jo"), ("Accept", "*/*")]

    assert {"accept": "*/*"} == without_principal(given)


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("0 */5 * * * *", "2026-11-29T16:50:00"),
        ("0 */1 * * * *", "2026-11-29T16:48:00"),
        ("0 0 * * * *", "2026-11-29T17:00:00"),
        ("30 47 * * * *", "2026-11-29T17:47:30"),
        ("0 0 3 * * *", "2026-11-30T03:00:00"),
    ],
)
def test_a_timer_fires_at_the_next_second_that_its_schedule_names(schedule: str, following: str) -> None:
    """Strictly after the moment that is asked about."""
    moment = datetime(2026, 11, 29, 16, 47, 30, tzinfo=UTC)

    assert datetime.fromisoformat(following).replace(tzinfo=UTC) == next_after(schedule, moment)


def test_a_schedule_that_is_not_read_here_is_refused() -> None:
    """Days and months are left to Azure."""
    with pytest.raises(ValueError, match="no schedule"):
        next_after("0 0 0 1 * *", datetime(2026, 11, 29, tzinfo=UTC))


def test_a_part_that_can_only_be_absent_is_the_root() -> None:
    """An empty route would mean the function's name to the host."""
    root = {"type": "httpTrigger", "route": "{root:maxlength(0)?}", "methods": ["GET"], "authLevel": "FUNCTION"}
    routes = Routes.of({"functions": {"page": [root]}}, "", "a-key")

    found = [routes.find("GET", path) for path in ("/", "", "/api", "/x")]

    assert [True, False, False, False] == [one is not None for one in found]
