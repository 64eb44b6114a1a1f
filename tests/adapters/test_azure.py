"""Firewall and Route Server through the real azure-mgmt-network client against a real server that answers ARM's shapes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from answering import AnsweringServer, Authority, Cut, Outcome, Reply, Reset, Seen, Silence, answering, closed_port
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from function_app.adapters.answers import RequestLimits
from function_app.adapters.azure_arm import ResourceManager, network_resource_id, scope_of
from function_app.adapters.azure_firewall import AzureFirewall
from function_app.adapters.azure_route_server import AzureRouteServer
from function_app.adapters.credentials import FileCredential, azure_credential
from function_app.model.errors import Conflict, NotFound, TargetError, TargetRejected, TargetUnavailable
from function_app.model.names import firewall_target, route_server_target
from function_app.model.resources import is_our_request

POLICY = network_resource_id("s", "hub-rg", "firewallPolicies", "tenants")
FIREWALL = network_resource_id("s", "hub-rg", "azureFirewalls", "hub-fw")
HUB = network_resource_id("s", "hub-rg", "virtualHubs", "rs")
QUICK = RequestLimits(connect_seconds=0.2, read_seconds=0.2, answer_bytes=100_000)
GROUP: dict[str, Any] = {"properties": {"priority": 1001, "ruleCollections": []}}
ROUTE = {"network": "10.99.0.0/32", "nextHop": "10.1.0.4", "sourcePeer": "10.1.0.5", "asPath": "64512"}


class FixedToken:
    """A credential of a test."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Always the same."""
        return AccessToken("a-token", 4_000_000_000)


def arm(server: AnsweringServer, ca_file: Path | None = None) -> ResourceManager:
    """ARM behind a server."""
    return ResourceManager(FixedToken(), endpoint=server.url, ca_file=ca_file, limits=QUICK)


def firewall(server: AnsweringServer) -> AzureFirewall:
    """The policy behind a server."""
    return AzureFirewall(firewall_target("hub"), arm(server), POLICY, FIREWALL)


def route_server(server: AnsweringServer) -> AzureRouteServer:
    """The Route Server behind a server."""
    return AzureRouteServer(route_server_target("hub"), arm(server), HUB)


def refused(status: int, code: str, message: str = "no", **headers: str) -> Reply:
    """ARM's error envelope (learn.microsoft.com, "Troubleshoot common Azure deployment errors")."""
    return Reply(
        status, {"error": {"code": code, "message": message}}, {k.replace("_", "-"): v for k, v in headers.items()}
    )


def test_groups_come_from_every_page() -> None:
    """`value` and `nextLink`; whole bodies; the token goes along."""

    def script(seen: Seen) -> Reply:
        if "skip" in seen.query:
            return Reply(200, {"value": [{"name": "b"}]})
        return Reply(200, {"value": [{"name": "a"}], "nextLink": f"{server.url}{POLICY}/ruleCollectionGroups?skip=1"})

    with answering(script) as server:
        assert [group["name"] for group in firewall(server).groups()] == ["a", "b"]
    assert server.seen[0].path == f"{POLICY}/ruleCollectionGroups"
    assert server.seen[0].query == {"api-version": "2026-03-01"}
    assert {seen.headers["Authorization"] for seen in server.seen} == {"Bearer a-token"}


def test_pages_that_do_not_end_are_unavailable() -> None:
    """A nextLink that comes back to itself."""

    def script(seen: Seen) -> Reply:
        return Reply(200, {"value": [], "nextLink": f"{server.url}{seen.target}"})

    with answering(script) as server, pytest.raises(TargetUnavailable, match="do not end"):
        firewall(server).groups()


def test_a_next_page_at_another_host_gets_no_token() -> None:
    """Neither another host nor another port nor another scheme."""
    with answering(Reply(200, {"value": []})) as other:
        first = Reply(200, {"value": [], "nextLink": f"{other.url}/next?sig=canary"})
        with answering(first) as server, pytest.raises(TargetRejected, match="another host") as caught:
            firewall(server).groups()
    assert other.seen == []
    assert "canary" not in str(caught.value)


def test_the_activity_log_is_asked_for_one_group_and_one_stretch_of_time() -> None:
    """Below the subscription, in the version and the form of filter that Microsoft documents; our own requests can be told."""
    since = datetime(2026, 11, 22, 13, tzinfo=timezone(timedelta(hours=1)))
    with answering(Reply(200, {"value": [{"caller": "ada"}]})) as server:
        found = firewall(server).activity("egress-000", since, since + timedelta(days=1))
        firewall(server).policy()

    assert [{"caller": "ada"}] == found
    asked = server.seen[0]
    assert "/subscriptions/s/providers/Microsoft.Insights/eventtypes/management/values" == asked.path
    assert asked.query == {
        "api-version": "2015-04-01",
        "$filter": "eventTimestamp ge '2026-11-22T12:00:00.000000Z' and eventTimestamp le '2026-11-23T12:00:00.000000Z' "
        f"and resourceUri eq '{POLICY}/ruleCollectionGroups/egress-000'",
    }
    ids = [UUID(seen.headers["x-ms-client-request-id"]) for seen in server.seen]
    assert 2 == len(set(ids))
    assert all(is_our_request(str(each)) for each in ids)


def test_the_base_policy_is_read_by_a_checked_id() -> None:
    """Its id comes from a body that others wrote."""
    base = network_resource_id("s", "platform", "firewallPolicies", "base")
    with answering(Reply(200, {"value": [{"name": "x"}]})) as server:
        assert firewall(server).base_groups(base) == [{"name": "x"}]
        with pytest.raises(TargetRejected):
            firewall(server).base_groups("/../../evil?x=")
    assert [seen.path for seen in server.seen] == [f"{base}/ruleCollectionGroups"]


def test_a_put_starts_the_write_and_returns_at_once() -> None:
    """201 with Azure-AsyncOperation (the SDK's generated operation); one request, nothing polled, the body verbatim."""
    reply = Reply(
        201,
        GROUP,
        {"Azure-AsyncOperation": "https://arm/operations/1?t=1&s=signature", "Location": "x", "Retry-After": "240"},
    )
    with answering(reply) as server:
        assert firewall(server).put_group("egress-000", GROUP) == "https://arm/operations/1?t=1&s=signature"
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.json) == ("PUT", f"{POLICY}/ruleCollectionGroups/egress-000", GROUP)


@pytest.mark.parametrize(
    ("reply", "operation"),
    [
        (Reply(202, b"", {"Location": "https://arm/operations/2"}), "https://arm/operations/2"),
        (Reply(204, b""), ""),
        (refused(404, "ResourceNotFound"), ""),
    ],
)
def test_a_delete_starts_and_an_absent_group_is_gone(reply: Reply, operation: str) -> None:
    """202 with Location, 204, 404 (FirewallPolicyRuleCollectionGroupDelete.json)."""
    with answering(reply) as server:
        assert firewall(server).delete_group("egress-000") == operation
    assert len(server.seen) == 1


def test_a_delete_in_a_group_that_does_not_exist_is_no_success() -> None:
    """A wrong resource group or subscription proves nothing about the rules."""
    with answering(refused(404, "ResourceGroupNotFound")) as server, pytest.raises(TargetRejected):
        firewall(server).delete_group("egress-000")


def put(server: AnsweringServer) -> object:
    """A write."""
    return firewall(server).put_group("egress-000", GROUP)


def policy(server: AnsweringServer) -> object:
    """A read of one resource."""
    return firewall(server).policy()


def groups(server: AnsweringServer) -> object:
    """A read of a collection."""
    return firewall(server).groups()


CLASSES: list[tuple[Outcome, Callable[[AnsweringServer], object], type[TargetError], str, str]] = [
    (refused(401, "ExpiredAuthenticationToken", "canary"), policy, TargetRejected, "ExpiredAuthenticationToken", "401"),
    (
        refused(403, "AuthorizationFailed", "client canary"),
        put,
        TargetRejected,
        "AuthorizationFailed",
        "may not write RuleColl",
    ),
    (refused(403, "RequestDisallowedByPolicy", "deny-x"), put, TargetRejected, "RequestDisallowedByPolicy", "deny-x"),
    (refused(404, "ResourceNotFound"), policy, NotFound, "ResourceNotFound", "no"),
    (refused(404, "ResourceNotFound"), groups, TargetRejected, "ResourceNotFound", "does not exist"),
    (refused(404, "ResourceGroupNotFound"), policy, TargetRejected, "ResourceGroupNotFound", "no"),
    (Reply(404, b"<html>canary</html>"), policy, TargetUnavailable, "", "404"),
    (refused(409, "AnotherOperationInProgress"), put, TargetUnavailable, "AnotherOperationInProgress", "409"),
    (
        refused(429, "RetryableErrorDueToAnotherOperation", Retry_After="20"),
        put,
        TargetUnavailable,
        "RetryableErrorDueToAnotherOperation",
        "429",
    ),
    (refused(409, "ScopeLocked", "locked by x"), put, TargetRejected, "ScopeLocked", "locked by x"),
    (refused(409, "Conflict"), put, Conflict, "Conflict", "409"),
    (refused(412, "PreconditionFailed"), put, Conflict, "PreconditionFailed", "412"),
    (refused(409, "MissingSubscriptionRegistration"), put, TargetRejected, "MissingSubscriptionRegistration", "409"),
    (refused(400, "InvalidRequestFormat", "priority"), put, TargetRejected, "InvalidRequestFormat", "priority"),
    (
        Reply(
            400, {"error": {"code": "Bad", "message": "", "details": [{"code": "PriorityOutOfRange", "message": "99"}]}}
        ),
        put,
        TargetRejected,
        "Bad",
        "PriorityOutOfRange: 99",
    ),
    (refused(410, "Gone"), policy, TargetUnavailable, "Gone", "410"),
    (refused(429, "TooManyRequests"), policy, TargetUnavailable, "TooManyRequests", "429"),
    (refused(500, "InternalServerError"), put, TargetUnavailable, "InternalServerError", "500"),
    (Reply(502, b"<html>canary</html>"), put, TargetUnavailable, "", "502"),
    (Reply(302, b"", {"Location": "https://canary"}), policy, TargetRejected, "", "redirects"),
    (Reply(200, b"<html>canary</html>"), policy, TargetUnavailable, "", "not JSON"),
    (Reply(200, {"nothing": 1}), groups, TargetUnavailable, "", "no list"),
    (Cut(Reply(200, {"value": ["x" * 500]}), 100), groups, TargetUnavailable, "", "cut off"),
    (Reset(), put, TargetUnavailable, "", "reset"),
    (Reset(), policy, TargetUnavailable, "", "reset"),
    (Silence(), put, TargetUnavailable, "", "time limit"),
    (Reply(200, b" " * 200_000), policy, TargetRejected, "", "larger than 100000 bytes"),
]


@pytest.mark.parametrize(("outcome", "act", "kind", "code", "words"), CLASSES)
def test_every_failure_has_its_class(
    outcome: Outcome, act: Callable[[AnsweringServer], object], kind: type[TargetError], code: str, words: str
) -> None:
    """By code first, then by status; sent once, whatever the client library would do."""
    with answering(outcome) as server, pytest.raises(TargetError) as caught:
        act(server)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)
    assert len(server.seen) == (2 if isinstance(outcome, Reset) and act is policy else 1)


@pytest.mark.parametrize("code", [409, 429, 500, 503])
def test_a_retry_after_is_carried_and_not_slept(code: int) -> None:
    """azure-core by itself would sleep it three times; the answer comes at once here, bounded to five minutes."""
    with answering(refused(code, "TooManyRequests", Retry_After="86400")) as server:
        for act in (put, policy):
            with pytest.raises(TargetUnavailable) as caught:
                act(server)
            assert caught.value.retry_after == 300.0
    assert len(server.seen) == 2


def test_a_refused_connection_is_unavailable() -> None:
    """Nobody listens."""
    manager = ResourceManager(FixedToken(), endpoint=f"http://127.0.0.1:{closed_port()}", limits=QUICK)
    with pytest.raises(TargetUnavailable, match="refused"):
        AzureFirewall(firewall_target("hub"), manager, POLICY, FIREWALL).policy()


def test_no_token_is_rejected_with_the_settings_to_look_at() -> None:
    """What Entra said is not repeated; a token service that is down is worth waiting for."""

    class NoToken:
        def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
            raise ClientAuthenticationError("AADSTS canary")

    with answering(Reply(200)) as server, pytest.raises(TargetRejected, match="EGRESS_AZURE_CREDENTIAL") as caught:
        AzureFirewall(
            firewall_target("hub"), ResourceManager(NoToken(), endpoint=server.url), POLICY, FIREWALL
        ).policy()
    assert server.seen == []
    assert "canary" not in str(caught.value)


def test_certificates_decide(tmp_path_factory: pytest.TempPathFactory) -> None:
    """EGRESS_CA_FILE is what is trusted; expired and foreign ones are rejected in words."""
    authority, other = Authority(tmp_path_factory.mktemp("a")), Authority(tmp_path_factory.mktemp("b"), "other")
    with answering(Reply(200, {"name": "tenants"}), authority.issue()) as server:
        assert AzureFirewall(firewall_target("h"), arm(server, authority.file), POLICY, FIREWALL).policy() == {
            "name": "tenants"
        }
        for ca_file in (other.file, None):
            with pytest.raises(TargetRejected, match="not trusted"):
                AzureFirewall(firewall_target("h"), arm(server, ca_file), POLICY, FIREWALL).policy()
    expired = authority.issue(expired=True)
    with answering(Reply(), expired) as server, pytest.raises(TargetRejected, match="expired"):
        AzureFirewall(firewall_target("h"), arm(server, authority.file), POLICY, FIREWALL).policy()


@pytest.mark.parametrize(("content", "words"), [("no PEM", "is not PEM"), (None, "cannot be read")])
def test_a_broken_authority_file_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    """Before anything is sent."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    manager = ResourceManager(FixedToken(), endpoint="https://127.0.0.1:1", ca_file=path)
    with pytest.raises(TargetRejected, match=words):
        AzureFirewall(firewall_target("h"), manager, POLICY, FIREWALL).policy()


def test_the_environment_neither_redirects_nor_authenticates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Requests would take proxies and a netrc login, which replaces our token, from the environment."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    with answering(Reply(200, {"name": "tenants"})) as server:
        firewall(server).policy()
    assert server.seen[0].headers["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize(
    ("endpoint", "scope"),
    [
        ("https://management.azure.com", "https://management.azure.com/.default"),
        ("https://management.usgovcloudapi.net/", "https://management.core.usgovcloudapi.net/.default"),
        ("https://management.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443/.default"),
    ],
)
def test_each_cloud_has_its_scope(endpoint: str, scope: str) -> None:
    """azure-core's own table for the clouds it knows."""
    assert scope_of(endpoint) == scope


def test_the_settings_choose_the_credential(tmp_path: Path) -> None:
    """A token file first; never a chain."""
    (tmp_path / "token").write_text("t")
    assert isinstance(azure_credential(token_file=tmp_path / "token", azure_cli=True), FileCredential)
    assert type(azure_credential(azure_cli=True)).__name__ == "AzureCliCredential"
    assert (
        type(azure_credential(client_id="11111111-2222-3333-4444-555555555555")).__name__ == "ManagedIdentityCredential"
    )


def test_learned_routes_are_started_and_resumed() -> None:
    """202 with Location until 200 (VirtualRouterPeerListLearnedRoute.json); nothing is polled unasked."""
    done = {"RouteServiceRole_IN_0": [ROUTE], "RouteServiceRole_IN_1": []}

    def script(seen: Seen) -> Reply:
        location = {"Location": f"{server.url}/operationResults/1?s=signature"}
        if seen.method == "POST" or len(server.seen) == 2:
            return Reply(202, b"", location)
        return Reply(200, done)

    with answering(script) as server:
        started = route_server(server).start_learned_routes("peer-a")
        assert (started.routes, len(server.seen)) == (None, 1)
        waiting = route_server(server).resume_learned_routes(started.operation)
        assert (waiting.routes, waiting.operation) == (None, started.operation)
        finished = route_server(server).resume_learned_routes(waiting.operation)
    assert finished.routes == {"RouteServiceRole_IN_0": (ROUTE,), "RouteServiceRole_IN_1": ()}
    assert server.seen[0].path == f"{HUB}/bgpConnections/peer-a/learnedRoutes"


@pytest.mark.parametrize("envelope", [lambda routes: routes, lambda routes: {"value": routes}])
def test_routes_may_come_at_once_with_or_without_an_envelope(envelope: Callable[[object], object]) -> None:
    """Both forms have been seen; an instance without routes may be null."""
    with answering(Reply(200, envelope({"RouteServiceRole_IN_0": [ROUTE], "RouteServiceRole_IN_1": None}))) as server:
        listing = route_server(server).start_learned_routes("peer-a")
    assert listing.routes == {"RouteServiceRole_IN_0": (ROUTE,), "RouteServiceRole_IN_1": ()}


def test_of_a_hub_that_is_let_go_no_listing_is_kept() -> None:
    """Routes that have not changed are the object that they were, until other hubs need the room; another hub's stay."""
    with answering(Reply(200, {"RouteServiceRole_IN_0": [ROUTE]})) as server:
        manager = arm(server)
        hubs = [AzureRouteServer(route_server_target(name), manager, HUB) for name in ("hub", "other")]
        before = [one.start_learned_routes("peer-a").routes for one in hubs]
        known = [one.start_learned_routes("peer-a").routes for one in hubs]
        manager.forget_bodies(route_server_target("hub"))
        now = [one.start_learned_routes("peer-a").routes for one in hubs]

    assert before == now
    assert [True, True] == [one is two for one, two in zip(before, known, strict=True)]
    assert [False, True] == [one is two for one, two in zip(before, now, strict=True)]


@pytest.mark.parametrize("body", [{}, {"value": []}, {"RouteServiceRole_IN_0": "x"}, {"status": "Succeeded"}])
def test_an_answer_that_names_no_instance_is_not_no_routes(body: object) -> None:
    """Doubt is unavailable, never empty."""
    with answering(Reply(200, body)) as server, pytest.raises(TargetUnavailable):
        route_server(server).start_learned_routes("peer-a")


@pytest.mark.parametrize(
    ("code", "kind"), [("OperationNotAllowed", TargetRejected), ("AnotherOperationInProgress", TargetUnavailable)]
)
def test_a_failed_operation_is_classified_by_code(code: str, kind: type[TargetError]) -> None:
    """Its HTTP status is 200 (learn.microsoft.com, "Track asynchronous Azure operations")."""
    body = {"status": "Failed", "error": {"code": code, "message": "why"}}
    with answering(Reply(200, body)) as server, pytest.raises(kind, match="why") as caught:
        route_server(server).resume_learned_routes(f"{server.url}/operations/1")
    assert type(caught.value) is kind


def test_a_running_status_body_is_waited_for() -> None:
    """The Azure-AsyncOperation form of an operation."""
    with answering(Reply(200, {"status": "InProgress"})) as server:
        operation = f"{server.url}/operations/1"
        assert route_server(server).resume_learned_routes(operation).operation == operation


@pytest.mark.parametrize(
    "reply", [refused(404, "ResourceNotFound"), refused(404, "ResourceGroupNotFound"), refused(410, "Gone")]
)
def test_a_forgotten_operation_is_not_found(reply: Reply) -> None:
    """The next pass starts the listing anew."""
    with answering(reply) as server, pytest.raises(NotFound):
        route_server(server).resume_learned_routes(f"{server.url}/operations/1")


@pytest.mark.parametrize(
    "where", ["http://evil.example/op", "http://127.0.0.1@evil.example/", "//evil.example", "op", "http://[x"]
)
def test_no_token_goes_to_a_foreign_operation(where: str) -> None:
    """Neither from an answer nor from a stored record."""
    with answering(Reply(202, b"", {"Location": where})) as server:
        with pytest.raises(TargetRejected, match="no token was sent"):
            route_server(server).start_learned_routes("peer-a")
        with pytest.raises(NotFound, match="no token was sent"):
            route_server(server).resume_learned_routes(where)
    assert len(server.seen) == 1


def test_an_accepted_listing_without_a_place_is_unavailable() -> None:
    """There is nothing to ask after."""
    with answering(Reply(202, b"")) as server, pytest.raises(TargetUnavailable, match="where the result"):
        route_server(server).start_learned_routes("peer-a")


def test_a_connection_is_deleted_once() -> None:
    """202 with Location (the SDK's generated operation); absent counts as deleted."""
    with answering([Reply(202, b"", {"Location": "https://arm/op"}), refused(404, "ResourceNotFound")]) as server:
        assert [route_server(server).delete_connection("peer-a") for _ in range(2)] == ["https://arm/op", ""]
    assert {(seen.method, seen.path) for seen in server.seen} == {("DELETE", f"{HUB}/bgpConnections/peer-a")}


def test_hub_and_connections_are_read() -> None:
    """The Route Server itself, and its BGP connections."""
    with answering([Reply(200, {"name": "rs"}), Reply(200, {"value": [{"name": "peer-a"}]})]) as server:
        assert route_server(server).hub() == {"name": "rs"}
        assert route_server(server).connections() == [{"name": "peer-a"}]
    assert [seen.path for seen in server.seen] == [HUB, f"{HUB}/bgpConnections"]


def test_a_connection_is_put_and_not_waited_for() -> None:
    """201 with ARM's own header; address and AS number as the SDK's model BgpConnection names them."""
    with answering([Reply(201, {"name": "peer-b"}, {"Azure-AsyncOperation": "https://arm/op"})]) as server:
        assert route_server(server).put_connection("peer-b", peer_ip="10.1.0.9", peer_asn=63400) == "https://arm/op"
    assert [(seen.method, seen.path, seen.body) for seen in server.seen] == [
        ("PUT", f"{HUB}/bgpConnections/peer-b", b'{"properties":{"peerIp":"10.1.0.9","peerAsn":63400}}')
    ]
