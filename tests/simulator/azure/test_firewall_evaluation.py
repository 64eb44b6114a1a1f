"""How the firewall judges: order, wildcards, default denial, what it writes down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from azure_builders import BASE, POLICY, a_clock, a_collection, a_hub, a_net_rule, a_seed, an_app_rule

from simulator.model.azure.evaluation import (
    Application,
    Connection,
    FirewallLog,
    Judgement,
    RuleType,
    denial_text,
    matches_name,
)

SITES = {"www.tigera.io": "178.128.166.225", "example.com": "93.184.216.34"}
HTTPS = Connection("10.99.0.1", SITES["www.tigera.io"], 443, application=Application.HTTPS, fqdn="www.tigera.io")


def judge(*groups: dict[str, Any], base: tuple[dict[str, Any], ...] = (), connection: Connection = HTTPS) -> Judgement:
    """What a hub with these groups from the start does."""
    hub = a_hub(a_clock(), groups=groups, base_groups=base)
    return hub.evaluator().judge(connection, SITES.get)


def test_what_matches_nothing_is_denied() -> None:
    """The default action names no rule."""
    judgement = judge()
    assert (judgement.allowed, judgement.rule_type, judgement.rule.collection) == (False, RuleType.NONE, "")
    assert denial_text(judgement) == "Action: Deny. Reason: No rule matched. Proceeding with default action."


def test_a_network_allow_beats_an_application_deny_of_any_priority() -> None:
    """`TCP 443 to anywhere` voids every FQDN rule of that source."""
    judgement = judge(
        a_seed("first", a_collection(an_app_rule("*"), name="no-web", action="Deny"), priority=100),
        a_seed("last", a_collection(a_net_rule("*"), name="open"), priority=65000),
    )
    assert (judgement.allowed, judgement.rule.group, judgement.rule_type) == (True, "last", RuleType.NETWORK)


def test_the_parent_policy_comes_first_whatever_the_priorities() -> None:
    """A child's group of priority 100 does not overrule the base policy."""
    judgement = judge(
        a_seed("child", a_collection(an_app_rule("*")), priority=100),
        base=(
            a_seed("guard", a_collection(an_app_rule("*.tigera.io"), name="no-tigera", action="Deny"), priority=60000),
        ),
    )
    assert (judgement.allowed, judgement.rule.policy, judgement.rule.collection) == (False, BASE, "no-tigera")


def test_a_childs_network_rule_still_beats_the_parents_application_rule() -> None:
    """The parent is first only within each type."""
    judgement = judge(
        a_seed("child", a_collection(a_net_rule("*"), name="open")),
        base=(a_seed("guard", a_collection(an_app_rule("*"), action="Deny"), priority=200),),
    )
    assert (judgement.allowed, judgement.rule.policy) == (True, POLICY)


def test_group_priority_then_collection_priority_then_list_order() -> None:
    """Lower numbers first; equal numbers in the order of the list; the first match ends it."""
    deny = a_collection(an_app_rule("*", name="second"), name="b", priority=300, action="Deny")
    allow = a_collection(
        an_app_rule("other.example", name="zero"), an_app_rule("*", name="first"), name="a", priority=300
    )
    early = a_collection(an_app_rule("*", name="early"), name="c", priority=299, action="Deny")
    assert judge(a_seed("g", allow, deny)).rule.rule == "first"
    assert judge(a_seed("g", deny, allow)).rule.rule == "second"
    assert judge(a_seed("g", allow, early)).rule.rule == "early"
    assert judge(a_seed("g", early), a_seed("h", allow, priority=999)).rule.rule == "first"


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("www.tigera.io", "www.tigera.io", True),
        ("tigera.io", "www.tigera.io", False),
        ("*.tigera.io", "www.tigera.io", True),
        ("*.tigera.io", "a.b.c.tigera.io", True),
        ("*.tigera.io", "tigera.io", False),
        ("*.tigera.io", "tigera.io.evil.example", False),
        ("*contoso.com", "notcontoso.com", True),
        ("*contoso.com", "contoso.com", True),
        ("*", "anything.example", True),
    ],
)
def test_wildcards(pattern: str, name: str, expected: bool) -> None:
    """An asterisk takes in everything to its left, look-alikes included."""
    assert matches_name(pattern, name) == expected


def test_names_match_in_any_letter_case_and_only_with_sni_protocol_and_port() -> None:
    """No name, another port, another protocol, or something that is not HTTP: no match."""
    group = a_seed("g", a_collection(an_app_rule("WWW.Tigera.IO")))
    address = SITES["www.tigera.io"]
    assert judge(
        group, connection=Connection("10.99.0.1", address, 443, application=Application.HTTPS, fqdn="www.TIGERA.io")
    ).allowed
    assert not judge(group, connection=Connection("10.99.0.1", address, 443, application=Application.HTTPS)).allowed
    assert not judge(
        group, connection=Connection("10.99.0.1", address, 8443, application=Application.HTTPS, fqdn="www.tigera.io")
    ).allowed
    assert not judge(
        group, connection=Connection("10.99.0.1", address, 443, application=Application.HTTP, fqdn="www.tigera.io")
    ).allowed
    assert not judge(group, connection=Connection("10.99.0.1", address, 443, "UDP", fqdn="www.tigera.io")).allowed


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("10.99.0.0/29", True),
        ("10.99.0.1", True),
        ("10.99.0.1-10.99.0.3", True),
        ("*", True),
        ("10.99.0.2-10.99.0.3", False),
        ("10.99.0.8/29", False),
    ],
)
def test_sources(source: str, expected: bool) -> None:
    """Address, CIDR, range or everything."""
    assert judge(a_seed("g", a_collection(an_app_rule("*", sources=(source,))))).allowed == expected


def test_network_rules_by_port_protocol_and_name() -> None:
    """Ranges of ports, Any, and FQDNs by what DNS says: two names on one address cannot be told apart."""
    database = Connection("10.99.0.1", "198.51.100.20", 5432)
    ranged = a_net_rule("198.51.100.0/24", destinationPorts=["5000-6000"])
    named = a_net_rule(destinationFqdns=["example.com"])
    assert judge(a_seed("g", a_collection(ranged)), connection=database).allowed
    assert not judge(
        a_seed("g", a_collection(ranged)), connection=Connection("10.99.0.1", "198.51.100.20", 5432, "UDP")
    ).allowed
    anything = a_net_rule("198.51.100.0/24", destinationPorts=["*"], ipProtocols=["Any"])
    assert judge(
        a_seed("g", a_collection(anything)), connection=Connection("10.99.0.1", "198.51.100.20", 53, "UDP")
    ).allowed
    assert judge(
        a_seed("g", a_collection(named)), connection=Connection("10.99.0.1", SITES["example.com"], 443)
    ).allowed
    assert not judge(a_seed("g", a_collection(named)), connection=database).allowed
    assert not judge(a_seed("g", a_collection(a_net_rule("AzureCloud")))).allowed


def test_source_translation() -> None:
    """Application rules always translate; network rules only towards public addresses."""
    private = Connection("10.99.0.1", "10.50.0.1", 443)
    assert judge(a_seed("g", a_collection(an_app_rule("*")))).translated
    assert judge(a_seed("g", a_collection(a_net_rule("*")))).translated
    assert not judge(a_seed("g", a_collection(a_net_rule("*"))), connection=private).translated


def test_log_rows() -> None:
    """Structured columns; a default denial has empty rule columns, so only the source tells whose it was."""
    log = FirewallLog("/subscriptions/S/providers/Microsoft.Network/azureFirewalls/hub-fw")
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    columns = ("Type", "Action", "SourceIp", "Policy", "RuleCollectionGroup", "RuleCollection", "Rule", "ActionReason")

    def row(judgement: Judgement, connection: Connection = HTTPS) -> Mapping[str, Any]:
        return log.write(at, connection, judgement)

    allowed = row(judge(a_seed("t-000", a_collection(an_app_rule("www.tigera.io")))))
    assert [allowed[column] for column in columns] == [
        "AZFWApplicationRule", "Allow", "10.99.0.1", POLICY, "t-000", "tenant0-app", "web", "",
    ]  # fmt: skip
    assert (allowed["Fqdn"], allowed["DestinationPort"], "DestinationIp" in allowed) == ("www.tigera.io", 443, False)
    denied = row(judge())
    assert [denied[column] for column in columns] == [
        "AZFWApplicationRule",
        "Deny",
        "10.99.0.1",
        "",
        "",
        "",
        "",
        "Default Action",
    ]
    database = Connection("10.99.0.1", "198.51.100.20", 5432)
    network = row(judge(connection=database), database)
    assert (network["Type"], network["DestinationIp"], "Fqdn" in network) == ("AZFWNetworkRule", "198.51.100.20", False)
    assert len(log.rows) == 3
