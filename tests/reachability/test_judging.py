"""Azure's order by example, and what stays undecided with the reason."""

from __future__ import annotations

import pytest
from reachability_builders import TENANT0, answered, app, collection, group, net, says, sources

from function_app.planning.reachability.judging import Verdict, judge
from function_app.planning.reachability.policy import policy_of
from function_app.planning.reachability.reach import Says, ask, destination_of
from function_app.planning.reachability.traffic import Box

SITE = "https://www.example.com"


def test_what_no_rule_matches_is_denied() -> None:
    """An empty policy denies, and no rule is named."""
    assert says(to=SITE) == ("deny", "")
    assert "denies by default" in answered(policy_of([]), SITE).decided_by


def test_a_network_rule_comes_before_every_application_rule() -> None:
    """`TCP 443 to anywhere` voids an application denial, whatever the priorities."""
    early = group(collection(app("*", name="no-web"), action="Deny"), name="a", priority=100)
    late = group(collection(net("*", name="open")), name="b", priority=65000)
    assert says(early, late, to=SITE) == ("allow", "open")


def test_the_base_policy_comes_first_within_each_kind() -> None:
    """Its application rules precede the policy's own of any priority; they do not precede a network rule."""
    guard = group(collection(app("*.example.com", name="guard"), action="Deny"), name="base", priority=60000)
    own = group(collection(app("*", name="web")), priority=100)
    opened = group(collection(net("*", name="open")), name="z", priority=65000)
    assert says(own, to=SITE, base=[guard]) == ("deny", "guard")
    assert says(own, opened, to=SITE, base=[guard]) == ("allow", "open")


def test_priorities_then_places_in_the_list() -> None:
    """The group's number, then the collection's, then the list; the first match ends it."""
    deny = collection(app("*", name="late"), name="b", priority=300, action="Deny")
    allow = collection(app("*.example.com", name="first"), app("*", name="second"), name="a", priority=299)
    assert says(group(deny, allow), to=SITE) == ("allow", "first")
    assert says(group(deny, name="front", priority=999), group(allow), to=SITE) == ("deny", "late")


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*.example.com", "www.example.com", "allow"),
        ("*.example.com", "a.b.example.com", "allow"),
        ("*.example.com", "notexample.com", "deny"),
        ("*.example.com", "example.com.evil.test", "deny"),
        ("*example.com", "notexample.com", "allow"),
        ("*example.com", "example.com", "allow"),
        ("example.com", "www.example.com", "deny"),
        ("WWW.Example.COM", "www.example.com", "allow"),
        ("*", "anything.test", "allow"),
        ("*.example.com", "example.com", "undecided"),
    ],
)
def test_wildcards(pattern: str, host: str, expected: str) -> None:
    """An asterisk stands for anything to its left; whether `*.x` takes in `x` is documented nowhere."""
    assert says(group(collection(app(pattern))), to=f"https://{host}")[0] == expected


def test_application_rules_need_a_name_their_protocol_and_their_port() -> None:
    """No SNI, another port, another protocol, or something that is no HTTP: no match."""
    own = group(collection(app("*")))
    assert says(own, to=SITE)[0] == "allow"
    for to in ("https://198.51.100.20", f"{SITE}:8443", "http://www.example.com", "tcp://www.example.com:443"):
        assert says(own, to=to)[0] == "deny", to


def test_a_name_may_have_one_of_a_few_addresses() -> None:
    """An answer about a name stands, and says which addresses DNS must not give; where they are many it is undecided."""
    few = policy_of([group(collection(net("198.51.100.20/32", name="ledger")))])
    answer = answered(few, SITE)
    assert answer.says is Says.DENY
    assert answer.unless == (
        "www.example.com has an address in 198.51.100.20, which egress-000/tenant0-app/ledger allows",
    )
    many = answered(policy_of([group(collection(net("198.0.0.0/8", name="wide")))]), SITE)
    assert many.says is Says.UNDECIDED
    assert "which address www.example.com has" in many.because[0]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (net("Storage.WestEurope"), "service tag Storage.WestEurope"),
        (net(destinationFqdns=["api.example.com"]), "api.example.com has at the firewall"),
        (net(destinationIpGroups=["/subscriptions/s/ipGroups/partners"]), "IP group partners"),
        (net("*", sources=[], sourceIpGroups=["/subscriptions/s/ipGroups/teams"]), "IP group teams"),
        (net("*", sources=[], sourceKubeSelectorGroups=["/s/kubeSelectorGroups/pods"]), "selector group pods"),
    ],
)
def test_what_is_decided_elsewhere_is_undecided_with_its_reason(rule: dict[str, object], reason: str) -> None:
    """Service tags, names and groups: the rule may match, the default denial follows, and nobody can tell from here."""
    answer = answered(policy_of([group(collection(rule))]), "tcp://198.51.100.20:443")
    assert answer.says is Says.UNDECIDED
    assert reason in answer.because[0]


def test_a_service_tag_never_holds_a_private_address() -> None:
    """Tags are lists of Azure's public ranges, so a tag opens nothing inside; the platform's own are another matter."""
    own = group(collection(net("Storage", "AzureCloud")))
    assert says(own, to="tcp://169.254.169.254:443")[0] == "deny"
    assert says(group(collection(net("AzurePlatformIMDS"))), to="tcp://169.254.169.254:443")[0] == "undecided"


def test_tags_and_categories_of_application_rules_are_undecided() -> None:
    """FQDN tags, web categories and URLs stand for names that only Azure knows, or only TLS inspection sees."""
    for extra, reason in (
        ({"fqdnTags": ["WindowsUpdate"]}, "FQDN tag WindowsUpdate"),
        ({"webCategories": ["news"]}, "web category news"),
        ({"targetUrls": ["www.example.com/a"]}, "URL www.example.com/a"),
    ):
        answer = answered(policy_of([group(collection({**app(), **extra}))]), SITE)
        assert answer.says is Says.UNDECIDED
        assert reason in answer.because[0]


def test_what_may_match_changes_nothing_when_all_that_follows_does_the_same() -> None:
    """A doubtful allowance before a certain one is no doubt at all; before a denial it is."""
    doubtful = collection(net("Storage"), name="tag", priority=100)
    allow = collection(net("*", name="open"), name="open", priority=200)
    assert says(group(doubtful, allow), to="tcp://198.51.100.20:443") == ("allow", "open")
    deny = collection(net("*", name="shut"), name="shut", priority=200, action="Deny")
    assert says(group(doubtful, deny), to="tcp://198.51.100.20:443")[0] == "undecided"


def test_collections_of_one_priority_that_disagree_are_undecided() -> None:
    """Azure does not say which of them comes first; where they agree it does not matter."""
    allow = collection(net("*", name="yes"), name="a", priority=200)
    deny = collection(net("*", name="no"), name="b", priority=200, action="Deny")
    again = collection(net("*", name="also"), name="c", priority=200)
    answer = answered(policy_of([group(allow, deny)]), "tcp://198.51.100.20:443")
    assert (answer.says, "have one priority" in answer.because[0]) == (Says.UNDECIDED, True)
    assert says(group(allow, again), to="tcp://198.51.100.20:443")[0] == "allow"


def test_the_built_in_collection_comes_before_the_default_denial() -> None:
    """Azure lets some storage names pass after all rules, and does not list them; a rule that denies comes before it."""
    assert says(to="https://account.blob.core.windows.net")[0] == "undecided"
    shut = group(collection(app("*", name="shut"), action="Deny"))
    assert says(shut, to="https://account.blob.core.windows.net") == ("deny", "shut")


def test_part_of_a_range_is_said() -> None:
    """A rule for half of a tenant's addresses gives two answers; both are told."""
    policy = policy_of([group(collection(app("*", name="half", sources=["10.99.0.0/30"])))])
    answer = answered(policy, SITE)
    assert answer.says is Says.DIFFERS
    assert "allows part of it: from 10.99.0.0/30" in answer.because[0]


def test_a_range_is_asked_for_as_a_whole() -> None:
    """An address or range stands for every transport and port there: one opened port makes it differ."""
    own = group(collection(net("10.0.0.0/24", name="hole")))
    assert says(own, to="10.0.1.0/24")[0] == "deny"
    assert says(own, to="10.0.0.7")[0] == "differs"
    everything = group(collection(net("10.0.0.0/24", ipProtocols=["Any"], destinationPorts=["*"])))
    assert says(everything, to="10.0.0.7")[0] == "allow"


def test_icmp_has_no_ports() -> None:
    """A rule for ICMP matches whatever its ports say."""
    policy = policy_of([group(collection(net("10.0.0.7", ipProtocols=["ICMP"], destinationPorts=["443"])))])
    assert ask(policy, sources(TENANT0), destination_of("10.0.0.7")).says is Says.DIFFERS


def test_a_nat_collection_is_none_of_these_rules() -> None:
    """DNAT is for connections from outside."""
    nat = {**collection(net("*")), "ruleCollectionType": "FirewallPolicyNatRuleCollection"}
    assert says(group(nat), to="tcp://198.51.100.20:443")[0] == "deny"


def test_a_rule_without_sources_matches_nobody() -> None:
    """An empty list of sources is no asterisk."""
    policy = policy_of([group(collection(net("*", sources=[])))])
    assert not any(part.verdict is Verdict.ALLOW for part in judge(policy, Box(sources=sources())))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ftp://example.com", "begins with none of"),
        ("https://", "begins with none of"),
        ("tcp://example.com", "needs a port"),
        ("example.com", "neither a URL nor an address"),
        ("10.0.0.1/8", "without host bits"),
    ],
)
def test_what_is_no_destination_is_refused(text: str, why: str) -> None:
    """Another scheme, no host, a missing port, a bare name, host bits."""
    with pytest.raises(ValueError, match=why):
        destination_of(text)
