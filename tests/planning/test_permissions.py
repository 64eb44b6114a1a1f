"""What is left of last good rules when something of them is no longer wanted."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function_app.model.names import TenantName
from function_app.planning.firewall_resources import TenantRules
from function_app.planning.permissions import cut, lacking, permissions, restrict


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


def test_a_port_that_was_revoked_goes_alone() -> None:
    """What is left is said in words that were not there; who may only use words that were loses the rule."""
    good, wanted = a_tenant("keep.example", ports=(443, 8443)), a_tenant("keep.example")

    assert wanted == restrict(good, wanted)
    assert not cut(good, wanted)


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
def test_a_network_rule_that_permits_what_was_revoked_is_cut_whole(good: TenantRules, wanted: TenantRules) -> None:
    """Ports and transports are part of a permission, not decoration of an address."""
    assert not permissions(good) <= permissions(wanted)
    assert not cut(good, wanted)
    assert wanted == restrict(good, wanted)
    assert wanted == cut(wanted, good) == restrict(wanted, good)


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
def test_a_rule_that_is_wanted_wider_stays_and_one_wanted_narrower_narrows(
    narrow: TenantRules, wide: TenantRules
) -> None:
    """What stands for less than is wanted is wanted; what stands for more is wanted in part."""
    assert narrow == restrict(narrow, wide)
    assert not lacking(permissions(narrow), permissions(wide))
    assert narrow == restrict(wide, narrow)
    assert not cut(wide, narrow)


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


NAMES = ("a.example", "b.example", "x.a.example", "*.example", "*.a.example", "*")
SOURCES = ("10.99.0.0/29", "10.99.0.0/28", "10.99.0.8/29")
PORTS = ("443", "22", "440-450", "445-500", "*")
PLACES = ("198.51.100.20", "198.51.100.0/24", "198.51.100.16-198.51.100.40", "203.0.113.0/24", "*")


def some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    """One to three of these."""
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


WEB_RULES = st.builds(
    lambda names, sources, ports: a_tenant(*names, sources=sources, ports=tuple(map(int, ports))).app[0],
    some(*NAMES),
    some(*SOURCES),
    some("443", "80"),
)
NETWORK_RULES = st.builds(
    lambda ports, protocols, places, sources: {
        **a_network_tenant(*ports, protocols=protocols).net[0],
        "destinationAddresses": list(places),
        "sourceAddresses": list(sources),
    },
    some(*PORTS),
    some("TCP", "UDP", "Any"),
    some(*PLACES),
    some(*SOURCES),
)
TENANTS = st.builds(
    lambda net, app: TenantRules(TenantName("a"), net=tuple(net), app=tuple(app)),
    st.lists(NETWORK_RULES, max_size=3),
    st.lists(WEB_RULES, max_size=3),
)


def takes(rules: TenantRules) -> frozenset[tuple[str, ...]]:
    """Of a number of connections those that some rule permits, worked out apart from what is tested."""
    web = product(("10.99.0.1", "10.99.0.9"), ("a.example", "b.example", "x.a.example", "c.test"), (443, 80))
    found: set[tuple[str, ...]] = set()
    for source, name, port in web:
        if any(_web(rule, source, name, port) for rule in rules.app):
            found.add((source, name, str(port)))
    places = ("198.51.100.20", "198.51.100.39", "198.51.100.99", "203.0.113.1", "192.0.2.1")
    for source, place, number, protocol in product(
        ("10.99.0.1", "10.99.0.9"), places, (22, 443, 447, 9), ("TCP", "UDP")
    ):
        if any(_network(rule, source, place, number, protocol) for rule in rules.net):
            found.add((source, place, str(number), protocol))
    return frozenset(found)


def _web(rule: Any, source: str, name: str, port: int) -> bool:
    named = any(one in ("*", name) or (one[0] == "*" and name.endswith(one[1:])) for one in rule["targetFqdns"])
    return named and _from(rule, source) and any(one["port"] == port for one in rule["protocols"])


def _network(rule: Any, source: str, place: str, port: int, protocol: str) -> bool:
    return (
        _from(rule, source)
        and any(one in (protocol, "Any") for one in rule["ipProtocols"])
        and any(_within(place, one) for one in rule["destinationAddresses"])
        and any(
            one == "*" or int(one.split("-")[0]) <= port <= int(one.split("-")[-1]) for one in rule["destinationPorts"]
        )
    )


def _from(rule: Any, source: str) -> bool:
    return any(IPv4Address(source) in IPv4Network(one) for one in rule["sourceAddresses"])


def _within(place: str, text: str) -> bool:
    if "-" in text:
        first, last = map(IPv4Address, text.split("-"))
        return first <= IPv4Address(place) <= last
    return text == "*" or IPv4Address(place) in IPv4Network(text)


@given(TENANTS, TENANTS)
def test_what_is_left_permits_what_both_permit_and_nothing_else(good: TenantRules, wanted: TenantRules) -> None:
    """Connection by connection; asked again nothing changes."""
    left = restrict(good, wanted)

    assert takes(left) == takes(good) & takes(wanted)
    assert left == restrict(left, wanted)
    assert takes(cut(good, wanted)) <= takes(left)


def test_the_parts_of_a_rule_have_names_of_their_own() -> None:
    """One rule that falls apart is two, and each keeps the first one's name in its own."""
    wide = a_tenant("*.example", ports=(443, 8443))
    wanted = TenantRules(
        TenantName("a"), app=(a_tenant("a.example").app[0], a_tenant("b.example", ports=(8443,)).app[0])
    )

    names = [str(rule["name"]) for rule in restrict(wide, wanted).app]

    assert 2 == len(set(names))
    assert all(name.startswith("web.") for name in names)
