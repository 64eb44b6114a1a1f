"""A tenant's plan by meaning: its digest changes exactly when what it asks for, or what it may reach, changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from review_builders import TODAY, a_tenant, edited, sample

from function_app.model.approval import Meaning
from function_app.model.names import HubName, TenantName
from function_app.model.tree import HubDefinitions, hub_definitions
from function_app.planning.approving import differences
from function_app.planning.meaning import Around, around, meanings, policy_with
from function_app.reading.effective import effective_tree
from search.rule_collections import rule_collection
from simulator.memory import MemoryRepository
from simulator.model.clock import VirtualClock

HUB, TENANT0 = HubName("hub1"), TenantName("tenant0")
FILE = "tenants/tenant0.yaml"
DENIAL = {
    "ruleType": "ApplicationRule",
    "name": "no",
    "sourceAddresses": ["*"],
    "targetFqdns": ["www.tigera.io"],
    "protocols": [{"protocolType": "Https", "port": 443}],
}


def hub_with(files: Mapping[str, str | None]) -> HubDefinitions:
    """The sample's hub with these files."""
    repository = MemoryRepository(VirtualClock(datetime(2026, 11, 23, tzinfo=UTC)))
    commit = repository.commit({**sample(), **files})
    return hub_definitions(effective_tree(repository, commit, checkpoint=None, today=TODAY)[0], HUB)


def meaning(files: Mapping[str, str | None], beside: Around | None = None, day: date = TODAY) -> Meaning:
    """Tenant0's."""
    return meanings(hub_with(files), (TENANT0,), beside or Around(), day)[TENANT0]


def theirs(
    *rules: dict[str, Any], action: Literal["Allow", "Deny"] = "Deny", priority: int = 500, name: str = "theirs"
) -> dict[str, Any]:
    """Somebody else's group."""
    return {
        "name": name,
        "properties": {"priority": priority, "ruleCollections": [rule_collection("by-hand", action, *rules)]},
    }


def egress(*rules: dict[str, Any]) -> dict[str, str | None]:
    """Tenant0 with these rules."""
    return {FILE: edited(FILE, egress={"include": ["baseline"], "allow": list(rules)}, expect=[])}


def test_what_means_the_same_has_one_digest() -> None:
    """Comments, order, names of rules, rules taken apart, owner and expectations, another tenant, another shard size."""
    web = {"name": "web", "fqdns": ["a.example", "b.example"]}
    parts = [{"name": f"part-{one[0]}", "fqdns": [one]} for one in ("b.example", "a.example")]
    base = egress(web)
    owned = yaml.safe_load(base[FILE] or "")
    owned["spec"] |= {"owner": {"team": "other", "contact": "x@example.com"}, "expect": []}
    smaller = sample()["hubs/hub1.yaml"].replace("tenantsPerShard: 25", "tenantsPerShard: 1")
    digests = {
        meaning(files).digest
        for files in (
            base,
            egress(*parts),
            {FILE: f"# a comment\n{base[FILE]}"},
            {FILE: yaml.safe_dump(owned, sort_keys=True)},
            base | {"tenants/aaa.yaml": a_tenant("aaa", "10.99.0.32/29", "x.example")},
            base | {"tenants/tenant1.yaml": None},
            base | {"hubs/hub1.yaml": smaller},
        )
    }
    assert 1 == len(digests)


def test_each_part_of_the_meaning_counts() -> None:
    """A name, a port, a range, replicas, a namespace, bypass, what follows removal, a last day, an attachment, a rule set."""
    base = egress({"name": "web", "fqdns": ["a.example"]})
    text = base[FILE] or ""
    document = yaml.safe_load(text)

    def with_spec(**changes: Any) -> dict[str, str | None]:
        return {FILE: yaml.safe_dump({**document, "spec": {**document["spec"], **changes}})}

    (attachment,) = document["spec"]["attachments"]
    baseline = sample()["rulesets/baseline.yaml"].replace("login.microsoftonline.com", "login.example")
    variants = [
        base,
        egress({"name": "web", "fqdns": ["b.example"]}),
        egress({"name": "web", "fqdns": ["a.example"], "protocols": ["https:8443"]}),
        egress({"name": "web", "fqdns": ["a.example"], "expires": "2027-01-31"}),
        egress({"name": "web", "fqdns": ["a.example"], "expires": "2027-02-28"}),
        with_spec(attachments=[{**attachment, "cidr": "10.99.0.16/29"}]),
        with_spec(attachments=[{**attachment, "gateway": {"replicas": 3}}]),
        with_spec(attachments=[{**attachment, "namespaces": ["default", "more"]}]),
        with_spec(onRemoval="block"),
        with_spec(egress={**document["spec"]["egress"], "bypass": ["10.1.0.0/16"]}),
        with_spec(attachments=[attachment, {"cluster": "spoke2-aks", "cidr": "10.99.1.16/29", "namespaces": ["x"]}]),
        base | {"rulesets/baseline.yaml": baseline},
    ]
    assert len(variants) == len({meaning(files).digest for files in variants})


def test_other_peoples_rules_count_where_they_decide() -> None:
    """A denial before the tenant's rules does, in the policy or its base; one that comes after them, or of nothing, does not."""
    files = egress({"name": "web", "fqdns": ["www.tigera.io"]})
    plain = meaning(files)
    late = Around(foreign=(theirs(DENIAL, priority=60000),))
    idle = Around(foreign=(theirs({**DENIAL, "targetFqdns": ["other.example"]}),))
    others = Around(foreign=(theirs({**DENIAL, "sourceAddresses": ["10.99.0.8/29"]}),))
    assert {plain.digest} == {meaning(files, one).digest for one in (late, idle, others)}
    own, base = Around(foreign=(theirs(DENIAL),)), Around(base=(theirs(DENIAL),))
    assert meaning(files, own).digest == meaning(files, base).digest
    assert plain.digest != meaning(files, own).digest
    assert plain.asks == meaning(files, own).asks


def test_a_rule_that_somebody_denies_today_is_asked_for_all_the_same() -> None:
    """Else it would come in unseen, and open when the denial goes."""
    denied = Around(foreign=(theirs(DENIAL),))
    without, with_it = egress(), egress({"name": "web", "fqdns": ["www.tigera.io"], "protocols": ["https:443"]})
    before, after = meaning(without, denied), meaning(with_it, denied)
    assert before.reach == after.reach
    assert before.digest != after.digest
    (line,) = differences(before, after, policy_with(hub_with(with_it), (TENANT0,), denied, TODAY))
    assert line.startswith("its own rules alone: www.tigera.io on HTTPS 443")


def test_shards_and_blocks_are_not_around() -> None:
    """What is ours in the policy is left out: tenants' rules as they stand there, and an emergency denial."""
    hub = hub_with({})
    groups = {name: theirs(DENIAL, name=name) for name in ("egress-000", "egress-block", "platform")}
    assert ("platform",) == tuple(str(one["name"]) for one in around(hub, groups, {}).foreign)


def test_a_day_that_passes_changes_nothing_about_a_plan_made_out_for_the_day_before() -> None:
    """A rule's last day is part of the plan: made out for one day it is the same however late it is made out."""
    files = egress({"name": "web", "fqdns": ["a.example"], "expires": TODAY.isoformat()})
    assert meaning(files).digest == meaning(files, day=TODAY).digest
    assert meaning(files).digest != meaning(files, day=TODAY + timedelta(days=1)).digest


NAMES = st.lists(
    st.sampled_from(("a.example", "*.a.example", "b.a.example", "*.example", "c.test")), min_size=1, max_size=3
)
RULES = st.lists(
    st.builds(
        lambda index, names, protocols, expires: {
            "name": f"r{index}",
            "fqdns": sorted(set(names)),
            "protocols": protocols,
            **({"expires": expires} if expires else {}),
        },
        st.integers(0, 99),
        NAMES,
        st.sampled_from((["https:443"], ["http:80", "https:443"])),
        st.sampled_from(("", "2026-12-31", "2027-06-30")),
    ),
    max_size=3,
    unique_by=lambda one: one["name"],
)


@given(RULES, RULES)
@settings(max_examples=25)
def test_digests_differ_exactly_when_something_can_be_said(
    one: list[dict[str, Any]], other: list[dict[str, Any]]
) -> None:
    """What names differences finds some exactly when the digests differ, and none of a plan beside itself."""
    first, second = (meaning(egress(*rules)) for rules in (one, other))
    policy = policy_with(hub_with(egress(*other)), (TENANT0,), Around(), TODAY)
    assert bool(differences(first, second, policy)) is (first.digest != second.digest)
    assert () == differences(first, first, policy)
