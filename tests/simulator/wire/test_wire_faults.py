"""Each kind of fault as a raw client sees it, and whether the effect has happened."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import IncompleteRead, RemoteDisconnected
from typing import Any

import pytest
from raw_client import ARM, VERSION, Ask, Wire, walkthrough

NAMESPACES = "/kubernetes/spoke2-aks/api/v1/namespaces"
GROUP = f"{ARM}/firewallPolicies/tenants/ruleCollectionGroups/t-000?{VERSION}"


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A fresh walkthrough over HTTPS."""
    with walkthrough() as running:
        yield running


@pytest.fixture
def ask(wire: Wire) -> Ask:
    """A raw client of it."""
    return wire.ask


def namespace(name: str) -> dict[str, Any]:
    """A Namespace to create."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def inject(ask: Ask, **fault: Any) -> None:
    """Put one fault into force over the control face."""
    assert ask("POST", "/_control/faults", [fault]).status == 200


def names(ask: Ask) -> list[str]:
    """Namespaces that exist."""
    return [item["metadata"]["name"] for item in ask("GET", NAMESPACES).json["items"]]


def test_refuse_answers_in_the_words_of_each_api(ask: Ask) -> None:
    """Status object for Kubernetes, error object for Azure, Retry-After as told; the next call goes through."""
    inject(ask, action="refuse", target="cluster/*", status=429, retryAfter=7)
    refused = ask("POST", NAMESPACES, namespace("red"))
    assert (refused.status, refused.headers["Retry-After"]) == (429, "7")
    assert refused.body == b"Too many requests, please try again later.\n"
    inject(ask, action="refuse", target="cluster/*", status=503)
    unavailable = ask("GET", NAMESPACES)
    assert (unavailable.json["kind"], unavailable.json["reason"]) == ("Status", "ServiceUnavailable")
    inject(ask, action="refuse", target="firewall/hub1", status=409)
    conflict = ask("GET", GROUP)
    assert (conflict.status, conflict.json["error"]["code"]) == (409, "AnotherOperationInProgress")
    assert "red" not in names(ask)


def test_refuse_can_send_any_body(ask: Ask) -> None:
    """A proxy's page, or plain text as from an aggregated server that is down."""
    inject(ask, action="refuse", target="cluster/*", status=503, body="error trying to reach service")
    answer = ask("GET", NAMESPACES)
    assert (answer.status, answer.headers.get_content_type(), answer.body) == (
        503,
        "text/plain",
        b"error trying to reach service",
    )


@pytest.mark.parametrize(("action", "happened"), [("timeout-before", False), ("timeout-after", True)])
def test_time_outs_leave_the_caller_without_an_answer(ask: Ask, action: str, happened: bool) -> None:
    """Only reading again tells whether the effect has happened."""
    inject(ask, action=action, verb="create")
    with pytest.raises(TimeoutError):
        ask("POST", NAMESPACES, namespace("red"), timeout=0.3)
    assert ("red" in names(ask)) is happened


def test_a_time_out_ends_without_an_answer(ask: Ask) -> None:
    """A caller that waits longer than the fault sees the connection closed."""
    inject(ask, action="timeout-before", verb="list", seconds=0.05)
    with pytest.raises(RemoteDisconnected):
        ask("GET", NAMESPACES)


def test_cut_breaks_off_in_the_middle_of_the_body(ask: Ask) -> None:
    """The headers promise more than what comes."""
    inject(ask, action="cut", verb="create")
    with pytest.raises((IncompleteRead, ConnectionResetError)):
        ask("POST", NAMESPACES, namespace("red"))
    assert "red" in names(ask)


def test_html_comes_with_status_200(ask: Ask) -> None:
    """A captive proxy answers for the service."""
    inject(ask, action="html", target="firewall/*")
    answer = ask("PUT", GROUP, {"properties": {"priority": 1000, "ruleCollections": []}})
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")
    assert ask("GET", GROUP).status == 200


def test_an_empty_object_is_a_lost_write(ask: Ask) -> None:
    """200 and nothing stored, as the aggregated API server does under contention."""
    inject(ask, action="empty-object", verb="create")
    answer = ask("POST", NAMESPACES, namespace("red"))
    assert (answer.status, answer.json) == (200, {})
    assert "red" not in names(ask)


def test_truncated_json_has_a_length_that_agrees(ask: Ask) -> None:
    """Only parsing shows that something is missing."""
    inject(ask, action="truncated", verb="list")
    answer = ask("GET", NAMESPACES)
    assert (answer.status, int(answer.headers["Content-Length"])) == (200, len(answer.body))
    with pytest.raises(json.JSONDecodeError):
        _ = answer.json


def test_slow_takes_virtual_seconds_or_real_ones(ask: Ask) -> None:
    """Virtual slowness moves the world's clock, real slowness the caller's."""
    inject(ask, action="slow", verb="list", seconds=45)
    assert ask("GET", NAMESPACES).headers["Date"] == "Mon, 23 Nov 2026 08:00:45 GMT"
    inject(ask, action="slow", verb="list", seconds=0.2, real=True)
    started = time.monotonic()
    assert ask("GET", NAMESPACES).headers["Date"] == "Mon, 23 Nov 2026 08:00:45 GMT"
    assert time.monotonic() - started >= 0.2


def test_unreachable_resets_the_connection(ask: Ask) -> None:
    """Nothing is answered and nothing happens, as long as the fault is in force."""
    inject(ask, action="unreachable", target="cluster/spoke2-aks", count=0)
    for _ in range(2):
        with pytest.raises((ConnectionResetError, RemoteDisconnected)):
            ask("POST", NAMESPACES, namespace("red"))
    assert ask("GET", "/kubernetes/spoke1-aks/api/v1/namespaces").status == 200
    assert ask("DELETE", "/_control/faults").json == []
    assert "red" not in names(ask)


def test_faults_that_no_wire_can_show_are_refused(ask: Ask) -> None:
    """A server cannot crash its caller; unknown fields are named."""
    crash = ask("POST", "/_control/faults", [{"action": "crash-after"}])
    assert (crash.status, "timeout-after" in crash.json["error"]) == (400, True)
    wrong = ask("POST", "/_control/faults", [{"action": "cut", "often": 3}])
    assert (wrong.status, wrong.json["problems"][0]["where"]) == (400, "0.often")
    assert ask("GET", "/_control/faults").json == []


def test_calls_are_counted_by_target_verb_and_kind(ask: Ask) -> None:
    """What reached the door, faults included."""
    inject(ask, action="unreachable", target="firewall/*")
    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        ask("GET", GROUP)
    ask("GET", GROUP)
    names(ask)
    assert ask("GET", "/_control/calls").json == [
        {"target": "cluster/spoke2-aks", "verb": "list", "kind": "Namespace", "count": 1},
        {"target": "firewall/hub1", "verb": "get", "kind": "RuleCollectionGroup", "count": 2},
    ]
