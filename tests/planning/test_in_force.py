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


def test_what_is_wanted_as_it_stands_stays_as_it_is() -> None:
    """Nothing is taken, nothing is added."""
    good = a_tenant("keep.example")

    assert good == restrict(good, a_tenant("keep.example", "more.example"))
    assert not restrict(good, TenantRules(TenantName("a")))


def a_network_tenant(
    *ports: str, protocols: tuple[str, ...] = ("TCP",), destination: str = "198.51.100.20"
) -> TenantRules:
    """A tenant that may reach one destination on these ports."""
    rule: dict[str, Any] = {
        "ruleType": "NetworkRule",
        "name": "ledger",
        "sourceAddresses": ["10.99.0.0/29"],
        "ipProtocols": list(protocols),
        "destinationAddresses": [destination],
        "destinationPorts": list(ports),
    }
    return TenantRules(TenantName("a"), net=(rule,))


def test_a_rule_is_narrowed_port_by_port() -> None:
    """A revoked port goes with every name's permission on it, and the other ports stay."""
    assert a_tenant("keep.example") == restrict(a_tenant("keep.example", ports=(443, 8443)), a_tenant("keep.example"))


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        pytest.param(a_tenant("a.example"), a_tenant("*.example"), id="name"),
        pytest.param(a_tenant("a.example"), a_tenant("*"), id="any name"),
        pytest.param(a_network_tenant("443"), a_network_tenant("440-450"), id="port"),
        pytest.param(a_network_tenant("443"), a_network_tenant("*", protocols=("Any",)), id="transport"),
        pytest.param(a_network_tenant("443"), a_network_tenant("443", destination="198.51.0.0/16"), id="range"),
    ],
)
def test_of_a_narrower_rule_and_a_wider_one_the_narrower_stays(narrow: TenantRules, wide: TenantRules) -> None:
    """Whichever of them stands: wider written anew in Git, or widened by hand on the firewall."""
    assert narrow == restrict(narrow, wide)
    assert atoms(narrow) == atoms(restrict(wide, narrow))


def test_what_is_not_known_to_be_the_same_has_nothing_in_common() -> None:
    """Another range's wider rule opens nothing for this one, and a rule that is of web categories as well is none of ours."""
    wide = a_tenant("*.example", sources=("10.99.0.8/29",))
    by_hand = TenantRules(TenantName("a"), app=({**a_tenant("a.example").app[0], "webCategories": ["news"]},))

    assert not restrict(a_tenant("a.example"), wide)
    assert not restrict(by_hand, a_tenant("*.example"))


@pytest.mark.parametrize(
    ("good", "left"),
    [
        pytest.param(a_network_tenant("443", "22"), a_network_tenant("443"), id="port"),
        pytest.param(a_network_tenant("443", protocols=("TCP", "UDP")), a_network_tenant("443"), id="transport"),
    ],
)
def test_a_revoked_port_or_transport_goes_alone(good: TenantRules, left: TenantRules) -> None:
    """Ports and transports are part of a permission, not decoration of an address."""
    assert not atoms(good) <= atoms(left)
    assert left == restrict(good, left)
    assert left == restrict(left, good)
