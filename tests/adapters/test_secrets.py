"""Canaries: nothing secret in messages, representations or logs, wherever it stood."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from answering import Cut, Outcome, Reply, Reset, Silence, answering, status

from function_app.adapters.answers import RequestLimits
from function_app.adapters.azure_arm import ResourceManager, network_resource_id
from function_app.adapters.azure_firewall import AzureFirewall
from function_app.adapters.azure_route_server import AzureRouteServer
from function_app.adapters.credentials import FileCredential
from function_app.adapters.kubernetes_access import ApiServerAccess
from function_app.adapters.kubernetes_cluster import KubernetesCluster
from function_app.adapters.safe_text import LONGEST, scrubbed
from function_app.adapters.vendor_errors import retry_after
from function_app.model.errors import TargetError
from function_app.model.names import cluster_target, firewall_target, route_server_target
from function_app.model.resources import Kind, ResourceId

QUICK = RequestLimits(connect_seconds=0.2, read_seconds=0.2)
JWT = "eyJhbGciOi.eyJzdWIiOi.canary"
POLICY = network_resource_id("s", "g", "firewallPolicies", "p")
FIREWALL = network_resource_id("s", "g", "azureFirewalls", "f")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer canary.canary",
        "token was Bearer canary",
        'headers {"Authorization": "Bearer canary"}',
        f"invalid token {JWT}",
        "GET https://user:canary@host/path",
        "blob https://x.blob.core.windows.net/c?sv=2024&sig=canary%3D failed",
        "url=/c/b?sig=canary&se=1",
        "AccountKey=canary==;EndpointSuffix=x",
        '{"client_secret": "canary"}',
        "password: canary",
        "refresh_token=canary",
        "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\ncanary",
    ],
)
def test_secrets_are_scrubbed_from_text_of_others(text: str) -> None:
    """In each form in which vendors quote them."""
    assert "canary" not in scrubbed(text)


def test_scrubbed_text_is_one_short_line_and_else_as_it_was() -> None:
    """Control characters cannot forge a log line; what is harmless stays readable."""
    assert scrubbed("first\nsecond\x1b[31m") == "first second [31m"
    assert len(scrubbed("x" * 10_000_000)) == LONGEST
    assert (
        scrubbed('IPPool "a" is invalid: spec.cidr: 10.99.0.0/29') == 'IPPool "a" is invalid: spec.cidr: 10.99.0.0/29'
    )


LEAKY: list[Outcome] = [
    Reply(500, {"error": {"code": "X", "message": "Bearer canary"}}),
    Reply(400, {"error": {"code": "X", "message": "https://a/b?sig=canary"}}),
    status(500, "InternalError", "dial https://u:canary@host: password=canary"),
    status(422, "Invalid", "", causes=[{"field": "a", "message": "token=canary"}]),
    Reply(200, b"canary"),
    Reply(302, b"canary", {"Location": "https://x/?canary"}),
    Reply(401, b"canary", {"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="canary"'}),
    Cut(Reply(200, b"canary" * 100), 300),
    Reset(),
    Silence(),
]


@pytest.mark.parametrize("outcome", LEAKY)
def test_nothing_secret_reaches_messages_representations_or_logs(
    outcome: Outcome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A canary as token, in the body, in the operation's URL and in what the target says; logs at their most talkative."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "token").write_text("canary-token")
    pool = ResourceId(Kind.IP_POOL, "a")
    shown: list[object] = []
    with answering(outcome) as server:
        access = ApiServerAccess(server.url, None, lambda: "canary-token")
        cluster = KubernetesCluster(cluster_target("c"), lambda: access, QUICK)
        manager = ResourceManager(FileCredential(tmp_path / "token"), endpoint=server.url, limits=QUICK)
        firewall = AzureFirewall(firewall_target("h"), manager, POLICY, FIREWALL)
        routes = AzureRouteServer(route_server_target("h"), manager, POLICY)
        body = {"spec": {"x": "canary"}}
        for act in (
            lambda: cluster.list(Kind.IP_POOL),
            lambda: cluster.apply(pool, body, force=True, resource_version=""),
            firewall.policy,
            lambda: firewall.base_groups(POLICY),
            lambda: routes.resume_learned_routes(f"{server.url}/op?t=1&s=canary"),
        ):
            with pytest.raises(TargetError) as caught:
                act()
            shown += [str(caught.value), repr(caught.value), caught.value.__cause__]
        shown += [repr(access), repr(cluster), repr(manager), caplog.text]
    assert all("canary" not in str(text) for text in shown)
    assert len(server.seen) >= 5


DATE = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        ("17", 17.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("300", 300.0),
        ("99999999999", 300.0),
        ("inf", 300.0),
        ("nan", None),
        ("soon", None),
        (format_datetime(DATE + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(DATE - timedelta(days=1), usegmt=True), 0.0),
        (format_datetime(DATE + timedelta(days=999), usegmt=True), 300.0),
        ("Mon, 99 Foo 2026", None),
    ],
)
def test_retry_after_in_every_form(value: str, seconds: float | None) -> None:
    """RFC 9110 section 10.2.3, and what is absurd; a date counts from the answer's own Date."""
    assert retry_after({"retry-after": value, "date": format_datetime(DATE, usegmt=True)}) == seconds
