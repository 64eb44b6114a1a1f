"""What is left of last good rules when something of them is no longer wanted."""

from __future__ import annotations

from typing import Any

import pytest

from function_app.model.names import TenantName
from function_app.planning.firewall_resources import TenantRules
from function_app.planning.in_force import atoms, restrict


def a_tenant(*names: str, sources: tuple[str, ...] = ("10.99.0.0/29",), ports: tuple[int, ...] = (443,)) -> TenantRules:
    """A tenant that may reach these names from these sources."""
    rule: dict[str, Any] = {
        "ruleType": "ApplicationRule",
        "name": "web",
        "sourceAddresses": list(sources),
        "targetFqdns": list(names),
        "protocols": [{"protocolType": "Https", "port": port} for port in ports],
    }
    return TenantRules(TenantName("a"), app=(rule,))


def test_a_rule_is_narrowed_to_what_is_still_wanted() -> None:
    """Revoked names and sources go, in whatever letter case; the others stay."""
    good = a_tenant("keep.example", "Revoked.Example", sources=("10.99.0.0/29", "10.99.0.8/29"))

    left = restrict(good, a_tenant("KEEP.example", "new.example"))

    assert atoms(a_tenant("keep.example")) == atoms(left)


def test_a_rule_that_cannot_be_narrowed_goes_as_a_whole() -> None:
    """A revoked port is in every name's permission: rather too little than what was revoked."""
    assert not restrict(a_tenant("keep.example", ports=(443, 8443)), a_tenant("keep.example"))


def test_what_is_wanted_as_it_stands_stays_as_it_is() -> None:
    """Nothing is taken, nothing is added."""
    good = a_tenant("keep.example")

    assert good == restrict(good, a_tenant("keep.example", "more.example"))
    assert not restrict(good, TenantRules(TenantName("a")))


def a_network_tenant(*ports: str, protocols: tuple[str, ...] = ("TCP",)) -> TenantRules:
    """A tenant that may reach one address on these ports."""
    rule: dict[str, Any] = {
        "ruleType": "NetworkRule",
        "name": "ledger",
        "sourceAddresses": ["10.99.0.0/29"],
        "ipProtocols": list(protocols),
        "destinationAddresses": ["198.51.100.20"],
        "destinationPorts": list(ports),
    }
    return TenantRules(TenantName("a"), net=(rule,))


@pytest.mark.parametrize(
    ("good", "wanted"),
    [
        pytest.param(a_network_tenant("443", "22"), a_network_tenant("443"), id="port"),
        pytest.param(a_network_tenant("443", protocols=("TCP", "UDP")), a_network_tenant("443"), id="transport"),
    ],
)
def test_a_network_rule_that_permits_what_was_revoked_goes(good: TenantRules, wanted: TenantRules) -> None:
    """Ports and transports are part of a permission, not decoration of an address."""
    assert not atoms(good) <= atoms(wanted)
    assert not restrict(good, wanted)
    assert wanted == restrict(wanted, good)
