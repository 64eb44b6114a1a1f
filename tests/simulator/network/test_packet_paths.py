"""Packets: each hop of the path can lose them, and the firewall takes them for somebody."""

from __future__ import annotations

import copy

import pytest
from network_builders import LEARN, REJECT, TO_TENANT0, SmallWorld, a_group, a_world

from simulator.model.packets import FlowTable, Packet, Reason, Verdict, send, send_all

TIGERA = "https://www.tigera.io"


def tried(world: SmallWorld, url: str = TIGERA, namespace: str = "default", pod: str | None = None) -> Packet:
    """One packet."""
    return send(world, "spoke1", namespace, url, pod=pod)


def many(world: SmallWorld) -> set[tuple[str, Verdict, Reason]]:
    """Source, verdict and reason of a dozen packets: enough to meet every gateway."""
    return {(packet.source, packet.verdict, packet.reason) for packet in (tried(world) for _ in range(12))}


def test_a_tenants_packet_arrives_under_its_range() -> None:
    """Through a gateway, by the firewall's rule, and back; the firewall knows whose it is."""
    world = a_world()
    packet = tried(world)
    assert (packet.verdict, packet.reason, packet.http_status) == (Verdict.ALLOWED, Reason.RULE, 200)
    assert packet.source in ("10.99.0.1", "10.99.0.2")
    assert packet.gateway in ("tenant0-egw/egw-1", "tenant0-egw/egw-2")
    assert (packet.rule.group, packet.rule.collection, packet.tenant, packet.range_tenant) == (
        "t-000",
        "tenant0-app",
        "tenant0",
        "tenant0",
    )
    assert packet.destination == "178.128.166.225:443"
    assert len(packet.path) == 4
    assert world.packets == [packet]
    assert packet.as_json()["rule"]["collection"] == "tenant0-app"
    assert [row["SourceIp"] for row in world.hub.log.rows] == [packet.source]


def test_packets_are_spread_over_the_gateways() -> None:
    """Each ready gateway is met."""
    assert {source for source, _, _ in many(a_world())} == {"10.99.0.1", "10.99.0.2"}


def test_denied_over_http_and_over_https() -> None:
    """Plain HTTP is answered 470; TLS is reset; the log names no rule."""
    world = a_world()
    plain, tls = tried(world, "http://example.com"), tried(world, "https://example.com")
    assert (plain.verdict, plain.reason, plain.http_status) == (Verdict.DENIED, Reason.DEFAULT_ACTION, 470)
    assert plain.answer == "Action: Deny. Reason: No rule matched. Proceeding with default action."
    assert (tls.verdict, tls.http_status, tls.answer) == (
        Verdict.DENIED,
        None,
        "connection reset during the TLS handshake",
    )
    assert (plain.tenant, plain.rule.rule) == ("tenant0", "")
    assert [row["ActionReason"] for row in world.hub.log.rows] == ["Default Action"] * 2


@pytest.mark.parametrize("how", ["annotation", "support"])
def test_without_annotation_or_support_pods_leave_as_their_node(how: str) -> None:
    """Nobody can tell whose it was: denied, and attributed to nobody."""
    world = a_world(egress="Disabled" if how == "support" else "EnabledPerNamespace")
    if how == "annotation":
        world.spoke.annotate("Namespace", "default")
    packet = tried(world)
    assert (packet.source, packet.gateway, packet.tenant, packet.verdict) == ("10.1.0.7", "n3", "", Verdict.DENIED)


def test_pod_annotations_count_only_where_enabled_and_then_win() -> None:
    """With EnabledPerNamespaceOrPerPod a pod overrides its namespace."""
    gone = {"selector": "egw == 'nobody'", "namespaceSelector": "all()"}
    for support, verdict in (
        ("EnabledPerNamespace", Verdict.ALLOWED),
        ("enabledPerNamespaceOrPerPod", Verdict.DROPPED),
    ):
        world = a_world(egress=support)
        world.spoke.annotate("Pod", "netshoot", **gone)
        assert tried(world).verdict is verdict


def test_a_selector_alone_sees_its_own_namespace() -> None:
    """The gateways are elsewhere, so nothing is reachable, and nothing leaks."""
    world = a_world()
    world.spoke.annotate("Namespace", "default", selector=TO_TENANT0["selector"])
    assert (tried(world).verdict, tried(world).reason) == (Verdict.DROPPED, Reason.UNREACHABLE)
    world.spoke.pod("default", "local-egw", "n1", "10.99.0.1", egw="tenant0")
    assert tried(world, pod="netshoot").gateway == "default/local-egw"


def test_no_ready_gateway_drops_and_does_not_leak() -> None:
    """One gone: the other serves; both gone: unreachable."""
    world = a_world()
    world.spoke.unready("egw-1")
    assert many(world) == {("10.99.0.2", Verdict.ALLOWED, Reason.RULE)}
    world.spoke.kill_node("n2")
    assert many(world) == {("", Verdict.DROPPED, Reason.UNREACHABLE)}


def test_a_terminating_gateway_serves_only_if_no_other_does() -> None:
    """It runs until its grace period ends."""
    world = a_world()
    world.spoke.api.get("Pod", "egw-1")["metadata"]["deletionTimestamp"] = "2026-11-23T08:00:00Z"
    assert {source for source, _, _ in many(world)} == {"10.99.0.2"}
    world.spoke.api.remove("Pod", "egw-2")
    assert {source for source, _, _ in many(world)} == {"10.99.0.1"}


def test_an_egress_gateway_policy_routes_by_the_longest_prefix() -> None:
    """A rule without gateway routes normally; a policy that does not exist blocks everything."""
    world = a_world()
    world.spoke.annotate("Namespace", "default", egressGatewayPolicy="tenant0-bypass")
    assert (tried(world).verdict, tried(world).reason) == (Verdict.DROPPED, Reason.POLICY_MISSING)
    world.spoke.api.put(
        "EgressGatewayPolicy",
        "tenant0-bypass",
        {"rules": [{"gateway": TO_TENANT0}, {"destination": {"cidr": "93.184.0.0/16"}}]},
    )
    assert (tried(world).verdict, tried(world).range_tenant) == (Verdict.ALLOWED, "tenant0")
    assert tried(world, "https://example.com").source == "10.1.0.7"


def test_a_policy_may_prefer_gateways_on_the_clients_node() -> None:
    """PreferNodeLocal takes the one beside the pod, any other when there is none."""
    world = a_world()
    rule = {"gateway": TO_TENANT0, "gatewayPreference": "PreferNodeLocal"}
    world.spoke.api.put("EgressGatewayPolicy", "near", {"rules": [rule]})
    world.spoke.annotate("Namespace", "default", egressGatewayPolicy="near")
    assert {source for source, _, _ in many(world)} == {"10.99.0.1", "10.99.0.2"}
    world.spoke.pod("default", "netshoot", "n2", "10.244.2.7")
    assert {source for source, _, _ in many(world)} == {"10.99.0.2"}


def test_a_pool_that_translates_hides_the_range() -> None:
    """With natOutgoing on the egress pool: the node's address leaves."""
    world = a_world()
    world.spoke.pool("tenant0-pool", "10.99.0.0/29", "tenant0", natOutgoing=True)
    assert {source for source, _, _ in many(world)} == {"10.1.0.5", "10.1.0.6"}


def test_no_route_back() -> None:
    """Allowed, and the answer never comes: the range was not learned."""
    world = a_world()
    world.spoke.filter(REJECT)
    world.clock.advance(LEARN)
    assert {(verdict, reason) for _, verdict, reason in many(world)} == {(Verdict.DROPPED, Reason.NO_ROUTE_BACK)}
    assert not world.hub.log.rows


def test_wrong_next_hop() -> None:
    """Learned without its original next hop: the answer goes to the peer, which is not the gateway's node."""
    world = a_world()
    world.spoke.peers(keepOriginalNextHop=False)
    world.clock.advance(LEARN)
    assert many(world) == {
        ("10.99.0.1", Verdict.ALLOWED, Reason.RULE),
        ("10.99.0.2", Verdict.DROPPED, Reason.WRONG_NEXT_HOP),
    }


def test_one_instance_of_route_server_is_enough_for_packets() -> None:
    """The other half is missing and nobody notices by traffic."""
    world = a_world()
    world.spoke.api.remove("BGPPeer", "azure-route-server-b")
    world.clock.advance(LEARN)
    assert {verdict for _, verdict, _ in many(world)} == {Verdict.ALLOWED}


def test_destinations_that_need_no_firewall() -> None:
    """Pods directly; the own and the hub's VNet without the firewall, but answers must find the gateway."""
    world = a_world()
    for address, source in (
        ("10.244.0.9", {"10.244.3.7"}),
        ("10.1.3.3", {"10.99.0.1", "10.99.0.2"}),
        ("10.0.9.9", {"10.99.0.1", "10.99.0.2"}),
    ):
        packet = tried(world, f"http://{address}:8080")
        assert (packet.verdict, packet.reason) == (Verdict.ALLOWED, Reason.NO_FIREWALL)
        assert packet.source in source
    world.spoke.filter(REJECT)
    world.clock.advance(LEARN)
    assert tried(world, "http://10.1.3.3").reason is Reason.NO_ROUTE_BACK


def test_the_firewall_may_take_a_packet_for_somebody_else() -> None:
    """A stale rule of tenant9 over tenant0's range: the two ways to attribute disagree."""
    world = a_world(groups=(a_group("t-000", "www.tigera.io", "10.99.0.0/16", "tenant9-app"),))
    packet = tried(world)
    assert (packet.tenant, packet.range_tenant) == ("tenant9", "tenant0")


def test_a_network_denial_is_silent() -> None:
    """No 470: the packet is dropped by a rule of its own, and attributed by its range."""
    world = a_world()

    def deny(properties: dict[str, object]) -> None:
        rule = {
            "ruleType": "NetworkRule",
            "name": "blocked",
            "sourceAddresses": ["10.99.0.0/29"],
            "destinationAddresses": ["*"],
            "ipProtocols": ["Any"],
            "destinationPorts": ["*"],
        }
        properties["ruleCollections"] = [
            {
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": "blocked-net",
                "priority": 100,
                "action": {"type": "Deny"},
                "rules": [rule],
            }
        ]

    world.hub.edit_group("tenants", "t-000", deny)
    world.clock.advance(240)
    packet = tried(world, "http://www.tigera.io")
    assert (packet.verdict, packet.reason, packet.http_status) == (Verdict.DENIED, Reason.RULE, None)
    assert (packet.rule.collection, packet.tenant) == ("blocked-net", "tenant0")


def test_what_cannot_be_sent() -> None:
    """No pod, an unknown name; a URL that means nothing is the caller's mistake."""
    world = a_world()
    assert tried(world, namespace="empty").reason is Reason.NO_CLIENT
    assert tried(world, pod="other").reason is Reason.NO_CLIENT
    assert tried(world, "https://unknown.example").reason is Reason.NO_ADDRESS
    world.spoke.kill_node("n3")
    assert tried(world).reason is Reason.NO_CLIENT
    for url in ("ftp://example.com", "example.com", "tcp://example.com"):
        with pytest.raises(ValueError, match=r"write scheme|needs a port"):
            tried(world, url)


def test_every_workload_sends_to_every_url() -> None:
    """Workload namespaces only: gateways do not send."""
    world = a_world()
    packets = send_all(world, (TIGERA, "http://example.com"))
    assert [(packet.pod, packet.url, packet.verdict) for packet in packets] == [
        ("netshoot", TIGERA, Verdict.ALLOWED),
        ("netshoot", "http://example.com", Verdict.DENIED),
        ("web", TIGERA, Verdict.DENIED),
        ("web", "http://example.com", Verdict.DENIED),
    ]


def test_established_connections_end_with_their_gateway() -> None:
    """Pinned to one pod: cut when that stops, whoever comes after it; others go on."""
    world = a_world()
    table = FlowTable(world)
    flows = [table.open_flow("spoke1", "default", TIGERA) for _ in range(12)]
    assert table.open_flow("spoke1", "default", "https://example.com") is None
    through = sum(1 for flow in flows if flow is not None and flow.opened.gateway == "tenant0-egw/egw-1")
    assert 0 < through < 12
    world.spoke.annotate("Namespace", "default")
    world.spoke.unready("egw-1")
    assert table.check() == ()
    world.spoke.api.remove("Pod", "egw-1")
    assert {flow.cut.value for flow in table.check() if flow.cut} == {"its gateway pod stopped"}
    assert (table.cut_count(), table.check()) == (through, ())


def test_established_connections_end_when_the_firewall_denies_them() -> None:
    """From allow to deny drops sessions."""
    world = a_world()
    table = FlowTable(world)
    flow = table.open_flow("spoke1", "default", TIGERA)
    assert flow is not None
    world.hub.delete_group("tenants", "t-000")
    assert table.check() == ()
    world.clock.advance(240)
    assert table.check() == (flow,)
    assert (flow.cut, flow.cut_at) == ("the firewall denies it now", world.clock.now())


@pytest.mark.filterwarnings(
    "ignore:Pickle, copy, and deepcopy support:DeprecationWarning"
)  # the clock counts with itertools
def test_a_copied_world_goes_its_own_way() -> None:
    """A search branches by copying: what is scheduled in the copy acts on the copy."""
    world = a_world()
    world.hub.delete_group("tenants", "t-000")
    other = copy.deepcopy(world)
    other.clock.advance(240)
    assert (tried(world).verdict, tried(other).verdict) == (Verdict.ALLOWED, Verdict.DENIED)
    assert world.hub.get_group("tenants", "t-000")["properties"]["provisioningState"] == "Deleting"
