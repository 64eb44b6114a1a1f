"""In front of every resource: rights, throttling, and operations that are forgotten."""

from __future__ import annotations

import pytest
from azure_builders import POLICY, a_clock, a_group, a_hub

from simulator.model.azure.throttling import Call
from simulator.model.errors import ArmError

READ = "Microsoft.Network/firewallPolicies/read"
WRITE = "Microsoft.Network/firewallPolicies/ruleCollectionGroups/write"


def test_a_missing_right_is_named() -> None:
    """403 AuthorizationFailed says which action over which scope; what was asked for can be read off."""
    hub = a_hub(a_clock())
    hub.roles.allowed = frozenset({"microsoft.network/*/read"})

    hub.get_policy(POLICY)
    with pytest.raises(ArmError, match=WRITE) as refused:
        hub.put_group(POLICY, "t-000", a_group())

    assert (refused.value.status, refused.value.code) == (403, "AuthorizationFailed")
    assert dict(hub.roles.used) == {READ: 1, WRITE: 1}


def test_reads_run_dry_after_250_at_once_and_come_back_with_time() -> None:
    """A token bucket: 429 with Retry-After, which a call that does not wait starts anew."""
    clock = a_clock()
    hub = a_hub(clock)
    for _ in range(250):
        hub.get_policy(POLICY)
    assert hub.throttling.remaining(Call.READ) == 0

    with pytest.raises(ArmError) as refused:
        hub.get_policy(POLICY)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
    clock.advance(0.9)
    with pytest.raises(ArmError):
        hub.get_policy(POLICY)
    clock.advance(0.9)
    with pytest.raises(ArmError):
        hub.get_policy(POLICY)
    clock.advance(1)
    hub.get_policy(POLICY)
    assert hub.delete_group(POLICY, "absent").status == 204


def test_the_network_provider_counts_writes_over_five_minutes() -> None:
    """Slow enough for the bucket is still too much for Microsoft.Network: 1,000 in five minutes."""
    clock = a_clock()
    hub = a_hub(clock)
    for _ in range(1000):
        hub.delete_group(POLICY, "absent")
        clock.advance(0.1)

    with pytest.raises(ArmError) as refused:
        hub.delete_group(POLICY, "absent")

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "200")
    clock.advance(200)
    assert hub.delete_group(POLICY, "absent").status == 204


def test_somebody_else_may_have_used_up_the_writes() -> None:
    """Reads go on, writes wait."""
    clock = a_clock()
    hub = a_hub(clock)
    hub.throttling.drain(Call.WRITE)
    with pytest.raises(ArmError, match="writes"):
        hub.put_group(POLICY, "t-000", a_group())
    hub.get_policy(POLICY)
    clock.advance(1)
    assert hub.put_group(POLICY, "t-000", a_group()).status == 201


def test_an_operation_is_forgotten_after_a_while() -> None:
    """Polling too late finds nothing: 404."""
    clock = a_clock()
    hub = a_hub(clock)
    operation = hub.put_group(POLICY, "t-000", a_group()).operation_id
    clock.advance(3600)
    assert hub.get_operation(operation)["status"] == "Succeeded"
    clock.advance(241)
    with pytest.raises(ArmError) as gone:
        hub.get_operation(operation)
    assert gone.value.status == 404


def test_names_of_other_resources_are_not_found() -> None:
    """A hub answers for its own firewall and Route Server, in any letter case."""
    hub = a_hub(a_clock())
    assert (
        hub.get_firewall("HUB-FW")["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"] == "10.0.0.4"
    )
    assert hub.get_route_server("Hub-RS")["properties"]["virtualRouterIps"] == ["10.0.1.4", "10.0.1.5"]
    for call in (hub.get_firewall, hub.get_route_server, hub.list_connections):
        with pytest.raises(ArmError) as missing:
            call("other")
        assert missing.value.status == 404
