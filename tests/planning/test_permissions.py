"""What is left of last good rules when something of them is no longer wanted."""

from __future__ import annotations

from typing import Any

import pytest

from function_app.model.names import TenantName
from function_app.planning.firewall_resources import TenantRules
from function_app.planning.permissions import lacking, permissions, restrict


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

    assert permissions(a_tenant("keep.example")) == permissions(left)


def test_a_rule_that_cannot_be_narrowed_goes_as_a_whole() -> None:
    """A revoked port is in every name's permission: rather too little than what was revoked."""
    assert not restrict(a_tenant("keep.example", ports=(443, 8443)), a_tenant("keep.example"))


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


@pytest.mark.parametrize(
    ("good", "wanted"),
    [
        pytest.param(a_network_tenant("443", "22"), a_network_tenant("443"), id="port"),
        pytest.param(a_network_tenant("443", protocols=("TCP", "UDP")), a_network_tenant("443"), id="transport"),
    ],
)
def test_a_network_rule_that_permits_what_was_revoked_goes(good: TenantRules, wanted: TenantRules) -> None:
    """Ports and transports are part of a permission, not decoration of an address."""
    assert not permissions(good) <= permissions(wanted)
    assert not restrict(good, wanted)
    assert wanted == restrict(wanted, good)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        pytest.param(a_tenant("A.example"), a_tenant("*.Example"), id="name"),
        pytest.param(a_tenant("*.a.example"), a_tenant("*.example"), id="wildcard"),
        pytest.param(a_tenant("a.example"), a_tenant("*"), id="any name"),
        pytest.param(a_network_tenant("443"), a_network_tenant("440-450"), id="port"),
        pytest.param(a_network_tenant("443"), a_network_tenant("*", protocols=("Any",)), id="transport"),
        pytest.param(a_network_tenant("443"), a_network_tenant("443", destination="198.51.0.0/16"), id="range"),
        pytest.param(a_network_tenant("443"), a_network_tenant("443", destination="*"), id="anywhere"),
        pytest.param(a_tenant("a.example"), a_tenant("a.example", sources=("10.99.0.0/28",)), id="source"),
    ],
)
def test_a_rule_that_is_wanted_wider_stays_and_one_wanted_narrower_goes(narrow: TenantRules, wide: TenantRules) -> None:
    """What stands for less than is wanted is wanted; what stands for more is not, since nobody says which part of it."""
    assert narrow == restrict(narrow, wide)
    assert not lacking(permissions(narrow), permissions(wide))
    assert not restrict(wide, narrow)


@pytest.mark.parametrize("name", ["example", "notexample", "a.example.org"])
def test_a_wildcard_takes_in_what_lies_below_it_alone(name: str) -> None:
    """Neither the name itself, nor one that only ends alike, nor one that goes on."""
    assert not restrict(a_tenant(name), a_tenant("*.example"))


def test_what_is_not_known_to_lie_in_another_goes() -> None:
    """Another range's wider rule keeps nothing of this one, nor does a wider name a rule that is of web categories as well."""
    by_hand = TenantRules(TenantName("a"), app=({**a_tenant("a.example").app[0], "webCategories": ["news"]},))

    assert not restrict(a_tenant("a.example"), a_tenant("*.example", sources=("10.99.0.8/29",)))
    assert not restrict(by_hand, a_tenant("*.example"))


def test_what_somebody_set_that_permits_nothing_is_no_reason_to_take_a_rule() -> None:
    """A description and the inspection of TLS leave a rule what it is."""
    inspected = {**a_tenant("a.example").app[0], "terminateTLS": True, "description": "by hand"}
    by_hand = TenantRules(TenantName("a"), app=(inspected,))

    assert by_hand == restrict(by_hand, a_tenant("a.example"))
