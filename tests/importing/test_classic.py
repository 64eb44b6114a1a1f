"""A classic firewall becomes a policy that judges every connection as the firewall does, or none at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.scene import WORLD_FILE
from function_app.importing import Migration, migrated, template
from function_app.importing.classic import GROUPS
from simulator.model.azure.classic import classic_rules
from simulator.model.azure.contents import accepted_properties
from simulator.model.azure.evaluation import Application, Connection, Evaluator, Judgement
from simulator.model.azure.groups import EnforcedGroup
from simulator.model.packets import Packet, Verdict
from simulator.model.world import World, read_document
from terraform_provider.workspace import TREE

Json = dict[str, Any]

EXAMPLE = TREE / "examples" / "classic-firewall"
NETWORK, APPLICATION, NAT = "networkRuleCollections", "applicationRuleCollections", "natRuleCollections"
SITES = {"shop.example": "198.51.100.20", "www.shop.example": "198.51.100.24"}
SOURCES = ("10.99.0.0/29", "10.99.0.6", "10.99.0.5-10.99.0.9", "*")
DESTINATIONS = ("198.51.100.20", "198.51.100.16/28", "0.0.0.0/1", "10.0.0.4", "*")
PATTERNS = ("shop.example", "*.shop.example", "*shop.example", "*")


def some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """One to three of them."""
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


NETWORK_RULES = st.fixed_dictionaries(
    {
        "name": st.just("net"),
        "sourceAddresses": some(SOURCES),
        "protocols": st.lists(st.sampled_from(("TCP", "UDP", "Any")), min_size=1, max_size=2, unique=True),
        "destinationPorts": some(("443", "80-443", "8000-9000", "*")),
        "destinationAddresses": some(DESTINATIONS),
        "destinationFqdns": st.lists(st.sampled_from(tuple(SITES)), max_size=2, unique=True),
    }
)
APPLICATION_RULES = st.fixed_dictionaries(
    {
        "name": st.just("web"),
        "sourceAddresses": some(SOURCES),
        "protocols": st.lists(
            st.sampled_from(({"protocolType": "Http", "port": 80}, {"protocolType": "Https", "port": 443})),
            min_size=1,
            max_size=2,
        ),
        "targetFqdns": some(PATTERNS),
    }
)


@st.composite
def collections(draw: st.DrawFn, rules: st.SearchStrategy[Json]) -> list[Json]:
    """Up to four collections of one kind, with priorities of their own, in any order."""
    priorities = draw(st.lists(st.integers(100, 65000), max_size=4, unique=True))
    return [
        {
            "name": f"c{priority}",
            "properties": {
                "priority": priority,
                "action": {"type": draw(st.sampled_from(("Allow", "Deny")))},
                "rules": draw(st.lists(rules, min_size=1, max_size=3)),
            },
        }
        for priority in priorities
    ]


CONNECTIONS = st.builds(
    Connection,
    st.sampled_from(("10.99.0.1", "10.99.0.6", "10.99.0.9", "10.1.0.4")),
    st.sampled_from(("198.51.100.20", "198.51.100.24", "10.0.0.4")),
    st.sampled_from((80, 443, 8443)),
    st.sampled_from(("TCP", "UDP")),
    st.sampled_from((None, Application.HTTP, Application.HTTPS)),
    st.sampled_from(("", "shop.example", "www.shop.example", "notshop.example")),
)


def as_policy(migration: Migration) -> Evaluator:
    """The judge of a policy with these groups, once Azure has accepted each."""
    return Evaluator(
        EnforcedGroup("tenants", name, accepted_properties(body)) for name, body in migration.groups.items()
    )


def meaning(judgement: Judgement) -> tuple[bool, bool, str, str]:
    """What happens, and by which kind and collection."""
    return judgement.allowed, judgement.translated, judgement.rule_type.value, judgement.rule.collection


@settings(max_examples=300)
@given(
    collections(NETWORK_RULES),
    collections(APPLICATION_RULES),
    st.lists(CONNECTIONS, min_size=1, max_size=8),
    st.sampled_from((1, 900, 1_400_000)),
)
def test_every_connection_is_judged_as_before(
    network: list[Json], application: list[Json], sent: list[Connection], most_bytes: int
) -> None:
    """Order of kinds, priorities, lists, however many groups a kind takes: nothing is let through or denied anew."""
    own = {NETWORK: network, APPLICATION: application}
    before, after = Evaluator([classic_rules(own)]), as_policy(migrated({"properties": own}, most_bytes))
    for connection in sent:
        assert meaning(before.judge(connection, SITES.get)) == meaning(after.judge(connection, SITES.get))


def test_what_fills_a_group_goes_on_in_the_next() -> None:
    """A group holds two megabytes at most; the kinds stay apart, and every priority stands once."""
    one = example()["properties"][NETWORK][0]["properties"]
    many = [{"name": f"c{number}", "properties": {**one, "priority": 100 + number}} for number in range(5)]
    groups = migrated({"properties": {**example()["properties"], NETWORK: many}}, 1_000).groups
    assert list(groups)[:3] == [
        "DefaultDnatRuleCollectionGroup",
        "DefaultNetworkRuleCollectionGroup",
        "DefaultNetworkRuleCollectionGroup-2",
    ]
    priorities = [body["properties"]["priority"] for body in groups.values()]
    assert priorities == sorted(set(priorities))
    names = [each["name"] for body in groups.values() for each in body["properties"]["ruleCollections"]]
    assert [name for name in names if name.startswith("c")] == [f"c{number}" for number in range(5)]


def world(**firewall: Any) -> World:
    """The walkthrough with another firewall and no base policy."""
    document = read_document(WORLD_FILE)
    hub = document.hubs["hub1"]
    groups = firewall.pop("groups", ())
    changed = hub.firewall.model_copy(update={"base_policy": "", **firewall})
    hubs = {"hub1": hub.model_copy(update={"firewall": changed, "base_groups": (), "groups": groups})}
    return World(document.model_copy(update={"hubs": hubs}))


def sent_in(place: World) -> list[Packet]:
    """Requests of pods of two clusters, some of which the example allows."""
    urls = ("http://www.tigera.io", "https://docs.tigera.io", "https://mcr.microsoft.com", "https://example.com")
    return [place.send(cluster, "default", url) for cluster in ("spoke1-aks", "spoke2-aks") for url in urls]


def test_packets_of_a_world_feel_nothing() -> None:
    """The same pods send the same to the classic firewall and to one with the policy: same verdict, same source, same rule."""
    classic = world(policy="", own=example()["properties"])
    assert classic.hubs["hub1"].get_firewall("hub-fw")["properties"]["threatIntelMode"] == "Deny"
    migration = migrated(classic.hubs["hub1"].get_firewall("hub-fw"))
    groups = tuple({"name": name, **body} for name, body in migration.groups.items())
    before, after = sent_in(classic), sent_in(world(groups=groups))
    felt = [[(one.verdict, one.source, one.rule.rule, one.answer) for one in packets] for packets in (before, after)]
    assert felt[0] == felt[1]
    assert {Verdict.ALLOWED, Verdict.DENIED} <= {one.verdict for one in before}


def example() -> Json:
    """The classic firewall of the examples."""
    found: Json = json.loads((EXAMPLE / "hub-fw.json").read_text(encoding="utf-8"))
    return found


def test_the_example_is_what_is_written(request: pytest.FixtureRequest) -> None:
    """The committed template is this program's."""
    file = EXAMPLE / "hub1-firewall-policy.json"
    if request.config.getoption("--renew-golden"):
        file.write_text(template(migrated(example()), "tenants", "westeurope"), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == template(migrated(example()), "tenants", "westeurope")


def rule(kind: str, action: str, **fields: Any) -> Migration:
    """A firewall with one rule."""
    body = {
        "name": "one",
        "sourceAddresses": ["*"],
        "destinationAddresses": ["198.51.100.1"],
        "destinationPorts": ["443"],
        **fields,
    }
    collection = {"name": "odd", "properties": {"priority": 100, "action": {"type": action}, "rules": [body]}}
    return migrated({"properties": {kind: [collection]}})


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (NETWORK, {"protocols": ["TCP"], "destinationAddresses": ["2001:db8::1"]}, "IPv6"),
        (NETWORK, {"protocols": ["TCP"], "sourceAddresses": []}, "no source"),
        (APPLICATION, {"protocols": [], "targetFqdns": []}, "no destination"),
    ],
)
def test_what_has_no_place_closes_and_never_opens(kind: str, fields: Json, words: str) -> None:
    """An allowance is left out and told; without a denial there is no policy, for it would let through what is denied."""
    allowing, denying = rule(kind, "Allow", **fields), rule(kind, "Deny", **fields)
    assert words in allowing.left[0]
    assert (allowing.barred, allowing.groups) == ((), {})
    assert words in denying.barred[0]


def test_two_collections_of_one_priority_bar_the_policy() -> None:
    """Nobody says which of them the firewall asks first."""
    twins = [{"name": name, "properties": {"priority": 100, "action": {"type": "Allow"}, "rules": []}} for name in "ab"]
    assert "priority 100, as a" in migrated({"properties": {NETWORK: twins}}).barred[0]


def test_source_translation_is_no_policys() -> None:
    """It is listed; nothing is allowed by it."""
    found = rule(NAT, "Snat", translatedAddress="10.0.0.9")
    assert "not sources" in found.left[0]
    assert found.groups == {}


def test_ports_are_translated_one_by_one() -> None:
    """A policy's rule has one; without another one to translate to, each stays itself."""
    (group,) = rule(
        NAT, "Dnat", protocols=["TCP"], destinationPorts=["80", "443"], translatedAddress="10.1.0.9"
    ).groups.values()
    accepted = accepted_properties(group)
    rules = accepted["ruleCollections"][0]["rules"]
    assert [(one["name"], one["destinationPorts"], one["translatedPort"]) for one in rules] == [
        ("one", ["80"], "80"),
        ("one-2", ["443"], "443"),
    ]


def test_what_the_firewall_sets_for_all_is_the_policys() -> None:
    """Threat intelligence, resolving and source translation as they were; the defaults that Azure has where nothing is said."""
    policy = migrated(example()).policy
    assert (policy["threatIntelMode"], policy["sku"]) == ("Deny", {"tier": "Standard"})
    assert policy["threatIntelWhitelist"] == {"fqdns": [], "ipAddresses": ["203.0.113.99"]}
    assert policy["dnsSettings"] == {"enableProxy": True, "servers": ["10.0.3.4", "10.0.3.5"]}
    ranges = {"additionalProperties": {"Network.SNAT.PrivateRanges": "IANAPrivateRanges, 100.64.0.0/10"}}
    assert migrated({"properties": ranges}).policy["snat"] == {"privateRanges": ["IANAPrivateRanges", "100.64.0.0/10"]}
    assert migrated({}).policy == {"sku": {"tier": "Standard"}, "threatIntelMode": "Alert"}


def test_a_template_writes_one_group_after_the_other_and_evaluates_nothing() -> None:
    """A policy takes one write at a time; a text in brackets is a text, not an expression of whoever named a rule."""
    named = example()
    named["properties"][NETWORK][1]["properties"]["rules"][0]["description"] = "[resourceGroup().id]"
    policy, *groups = json.loads(template(migrated(named), "tenants", "westeurope"))["resources"]
    assert (policy["name"], policy["location"]) == ("tenants", "westeurope")
    assert [each["name"].partition("/")[2] for each in groups] == [name for name, _ in GROUPS.values()]
    for before, each in zip((policy, *groups), groups, strict=False):
        assert before["name"].rpartition("/")[2] in each["dependsOn"][0]
    assert '"[[resourceGroup().id]"' in json.dumps(groups)
