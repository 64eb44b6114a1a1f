"""What a pull request means, one story each: gains and losses by meaning, what it takes, and what must not be merged."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from review_builders import a_tenant, edited, hub_of, reviewed, sample, tenant_of

from function_app.model.review import Access, Pressure, Review
from function_app.reporting.comment import comment

TENANT0, TENANT1 = "tenants/tenant0.yaml", "tenants/tenant1.yaml"


def allow(*rules: Mapping[str, object]) -> dict[str, object]:
    """An egress section."""
    return {"include": ["baseline"], "allow": list(rules)}


def rule(name: str, *fqdns: str, **more: object) -> dict[str, object]:
    """One of its rules."""
    return {"name": name, "fqdns": list(fqdns), "protocols": ["http:80", "https:443"], **more}


def gains(found: Review) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What tenant0 gains: destinations and ways."""
    return [(one.whats, one.hows) for one in tenant_of(found).gains]


def test_a_wider_name_is_a_gain_of_the_wider_name() -> None:
    """`*.tigera.io` in the place of `www.tigera.io`: more may be reached, nothing is lost."""
    found = reviewed({TENANT0: edited(TENANT0, egress=allow(rule("tigera-website", "*.tigera.io")))})
    assert [(("*.tigera.io",), ("HTTP 80", "HTTPS 443"))] == gains(found)
    assert not tenant_of(found).losses
    assert ("10.99.0.0/29 on spoke1-aks",) == tenant_of(found).gains[0].froms


def test_what_another_rule_allowed_before_is_no_gain() -> None:
    """Lines move and rules are renamed, split and joined: what they allow together is what counts."""
    before = sample() | {TENANT0: edited(TENANT0, egress=allow(rule("all", "*.tigera.io", "a.example")))}
    after = {TENANT0: edited(TENANT0, egress=allow(rule("b", "a.example"), rule("a", "*.tigera.io", "www.tigera.io")))}
    tenant = tenant_of(reviewed(after, before))
    assert not tenant.gains
    assert not tenant.losses
    assert "its rules are written anew and allow what they allowed" in tenant.moves


def test_a_name_below_a_wildcard_that_goes_is_lost_with_it() -> None:
    """A narrower rule in the place of a wider one: the wider one is lost, the rest stays."""
    before = sample() | {TENANT0: edited(TENANT0, egress=allow(rule("all", "*.tigera.io")), expect=[])}
    found = reviewed({TENANT0: edited(TENANT0, egress=allow(rule("one", "www.tigera.io")), expect=[])}, before)
    assert not tenant_of(found).gains
    assert [("*.tigera.io",)] == [one.whats for one in tenant_of(found).losses]


def test_the_name_itself_beside_its_wildcard_is_a_gain() -> None:
    """Azure does not say whether `*.x` takes in `x`, so naming `x` makes certain what was open."""
    before = sample() | {TENANT0: edited(TENANT0, egress=allow(rule("all", "*.tigera.io")))}
    after = {TENANT0: edited(TENANT0, egress=allow(rule("all", "*.tigera.io", "tigera.io")))}
    assert [(("tigera.io",), ("HTTP 80", "HTTPS 443"))] == gains(reviewed(after, before))


def test_service_tags_are_told_though_nobody_knows_their_addresses() -> None:
    """A network rule for a tag is a gain by the tag's name."""
    tag = {"name": "storage", "destinations": ["Storage.WestEurope"], "ports": ["443"]}
    site = rule("tigera-website", "www.tigera.io")
    found = reviewed({TENANT0: edited(TENANT0, egress=allow(site, tag), expect=[])})
    assert [(("Storage.WestEurope",), ("TCP 443",))] == gains(found)


def test_a_new_tenant_gains_all_that_it_may_reach() -> None:
    """With its range, its shard, what annotating touches, and no connection cut."""
    found = reviewed({"tenants/web.yaml": a_tenant("web", "10.99.0.32/29", "www.example.org")})
    tenant = tenant_of(found, "web")
    assert [
        Access(("www.example.org",), ("HTTPS 443",), ("10.99.0.32/29 on spoke1-aks",), "egress-000/web-app/web")
    ] == list(tenant.gains)
    assert "new on spoke1-aks: 10.99.0.32/29, 2 gateway pods" in tenant.moves
    assert any("write bypass: [10.1.0.0/16, 10.0.0.0/16]" in one for one in tenant.advice)
    assert ("egress-000",) == hub_of(found).waiting.shards
    assert not tenant.cuts
    assert not found.refused


def test_a_bypass_that_covers_the_networks_needs_no_advice() -> None:
    """What is bypassed already is not advised again."""
    egress = {"allow": [{"name": "web", "fqdns": ["www.example.org"]}], "bypass": ["10.0.0.0/8"]}
    found = reviewed({"tenants/web.yaml": a_tenant("web", "10.99.0.32/29", egress=egress)})
    assert not any("write bypass" in one for one in tenant_of(found, "web").advice)


def test_a_removed_tenant_loses_all_and_says_who_leaves_unattributed() -> None:
    """By onRemoval: pods leave as nodes, or not at all; connections through its gateway are cut."""
    found = reviewed({TENANT0: None, TENANT1: None})
    zero, one = tenant_of(found), tenant_of(found, "tenant1")
    assert zero.losses
    assert not zero.gains
    assert ("default on spoke1-aks: its pods leave as their nodes, unattributed",) == zero.unattributed
    assert "shop on spoke2-aks: its traffic ends (onRemoval: block)" in one.unattributed
    assert ("connections open through 10.99.0.0/29 on spoke1-aks, when its gateway goes",) == zero.cuts


def test_renumbering_gains_for_the_new_range_and_loses_for_the_old() -> None:
    """The words name both ranges, and the connections that are cut at the end of the drain."""
    moved = sample()[TENANT0].replace("10.99.0.0/29", "10.99.0.40/29")
    tenant = tenant_of(reviewed({TENANT0: moved}))
    assert {("10.99.0.40/29 on spoke1-aks",)} == {one.froms for one in tenant.gains}
    assert {("10.99.0.0/29 on spoke1-aks",)} == {one.froms for one in tenant.losses}
    assert any("when its drain ends" in one for one in tenant.cuts)


@pytest.mark.parametrize(
    ("gateway", "cut"),
    [("{replicas: 3}", False), ("{replicas: 2, logSeverity: Debug}", True), ("{replicas: 1}", True)],
)
def test_a_gateway_that_rolls_or_shrinks_cuts_connections(gateway: str, *, cut: bool) -> None:
    """More replicas cut nothing; another template and fewer pods do. No firewall rule is written."""
    found = reviewed({TENANT0: sample()[TENANT0].replace("{replicas: 2}", gateway), "guardrails.yaml": None})
    assert cut == bool(tenant_of(found).cuts)
    assert () == hub_of(found).waiting.shards


def test_a_rule_set_changes_every_tenant_that_includes_it() -> None:
    """One file, two tenants, one shard."""
    text = sample()["rulesets/baseline.yaml"].replace("fqdns: [login", "fqdns: [graph.microsoft.com, login")
    found = reviewed({"rulesets/baseline.yaml": text})
    assert ["tenant0", "tenant1"] == [one.tenant for one in hub_of(found).tenants]
    assert ("egress-000",) == hub_of(found).waiting.shards


def test_a_broken_expectation_refuses_and_names_the_rule() -> None:
    """What a tenant's own file says must not be reached is reached by its new rule."""
    site = rule("site", "www.tigera.io", "example.com")
    found = reviewed({TENANT0: edited(TENANT0, egress=allow(site))})
    (reason,) = found.refusals
    assert reason == (
        "tenant0 to `https://example.com`: its own file expects deny, the firewall says allow (egress-000/tenant0-app/site)"
    )


def test_guardrails_refuse_by_meaning_what_no_word_of_theirs_forbids() -> None:
    """No forbidden name, port or destination is written, and a range inside is reached all the same."""
    hole = {"name": "hub", "destinations": ["10.0.0.0/16"], "ports": ["443"]}
    site = rule("site", "www.tigera.io")
    (reason,) = reviewed({TENANT0: edited(TENANT0, egress=allow(site, hole))}).refusals
    assert "the guardrails expect deny, and egress-000/tenant0-net/hub allows part of it: TCP 443" in reason


def test_an_expectation_that_was_broken_before_is_not_this_changes() -> None:
    """The base branch has it already: said, not refused."""
    broken = edited(TENANT0, expect=[{"reach": "https://www.tigera.io", "verdict": "allow"}], egress=allow())
    before = sample() | {TENANT0: broken}
    found = reviewed({"tenants/web.yaml": a_tenant("web", "10.99.0.32/29", "www.example.org")}, before)
    assert not found.refused
    assert "1 expectation not met; they are not this change's" in comment(found)


def test_an_allowance_that_only_the_base_policy_could_give_is_undecided_without_it() -> None:
    """From definitions alone nobody knows what the platform allows to all."""
    expects = edited(TENANT0, expect=[{"reach": "https://ubuntu.com", "verdict": "allow"}])
    found = reviewed({TENANT0: expects})
    assert not found.refused
    assert any(
        "unless the base policy, which was not read, says otherwise" in one.words for one in hub_of(found).statements
    )


def test_a_file_that_would_be_held_back_refuses() -> None:
    """Two tenants with one range: the problem with its place, and which file would not come into force."""
    found = reviewed({"tenants/web.yaml": a_tenant("web", "10.99.0.0/29", "www.example.org")})
    assert ("tenants/web.yaml",) == found.held
    assert any(one.startswith("gitops/tenants/web.yaml:") for one in found.refusals)


def test_a_base_that_does_not_validate_is_told_apart() -> None:
    """Somebody merged a broken file: a change beside it is judged by itself, one that leaves it broken is refused."""
    before = sample() | {TENANT1: sample()[TENANT1].replace("kind: Tenant", "kind: Tenent")}
    beside = reviewed({"tenants/web.yaml": a_tenant("web", "10.99.0.32/29", "www.example.org")}, before)
    assert not beside.refused
    assert beside.standing
    assert "The base branch already has" in comment(beside)
    assert reviewed({TENANT1: before[TENANT1] + "# again\n"}, before).refused
    assert not reviewed({TENANT1: sample()[TENANT1]}, before).refused


def test_a_renamed_file_is_refused_as_a_rename_is() -> None:
    """A tenant's file is named after it: moved without its name nothing is removed, and the comment says why it is refused."""
    found = reviewed({TENANT0: None, "tenants/tenant-zero.yaml": sample()[TENANT0]})
    assert found.refused
    assert not [one for one in hub_of(found).tenants if one.losses] if found.hubs else True
    assert "`tenants/tenant-zero.yaml`" in comment(found)


def test_a_limit_that_is_passed_refuses_with_its_number_and_is_drawn_as_asked() -> None:
    """The forecast shows what was asked for though the file that asks is held back."""
    hub = sample()["hubs/hub1.yaml"].replace("routesPerPeer: 500", "routesPerPeer: 7")
    before = sample() | {"hubs/hub1.yaml": hub}
    found = reviewed({"tenants/web.yaml": a_tenant("web", "10.99.0.32/29", "www.example.org")}, before)
    assert any("would send 9 routes" in one for one in found.refusals)
    (routes,) = [one for one in hub_of(found).forecast if one.what.startswith("spoke1-aks: routes")]
    assert (6, 9, 7, Pressure.OVER) == (routes.now, routes.after, routes.limit, routes.pressure)
    (given,) = [one for one in hub_of(found).forecast if one.what.startswith("spoke1-aks: addresses of 10.99.0.0/24")]
    assert (16, 24, 256, "the cluster's egressCIDR") == (given.now, given.after, given.limit, given.source)


def test_a_tenants_digest_changes_with_its_meaning_and_with_nothing_else() -> None:
    """Order of keys, names and rules, comments and letter case are no change; a name, a range, a replica is."""
    base = edited(TENANT0, egress=allow(rule("a", "a.example", "b.example"), rule("b", "c.example")), expect=[])

    def digest(text: str) -> str:
        return tenant_of(reviewed({TENANT0: text})).digest

    shuffled = edited(
        TENANT0,
        expect=[],
        egress={"allow": [rule("a", "b.example", "A.example"), rule("b", "c.example")], "include": ["baseline"]},
    )
    assert digest(base) == digest(f"# a comment\n{base}") == digest(shuffled)
    wider = edited(TENANT0, egress=allow(rule("a", "a.example"), rule("b", "c.example")), expect=[])
    assert digest(base) != digest(wider)
    assert digest(base) != digest(base.replace("replicas: 2", "replicas: 3"))


def test_nothing_changed_is_said() -> None:
    """A README, or a comment in a file."""
    found = reviewed({TENANT0: f"{sample()[TENANT0]}# no change\n"})
    assert (False, ()) == (found.refused, found.hubs)
    assert "### Egress: nothing changes" in comment(found)


def test_windows_and_an_order_of_rollout_are_told_of() -> None:
    """Whoever approves sees when it takes effect; where nothing puts it off, nothing is said."""
    change = {TENANT0: edited(TENANT0, egress=allow(rule("tigera-website", "*.tigera.io")))}
    windows = [{"days": ["mon"], "from": "22:00", "to": "23:00", "timeZone": "Europe/Berlin"}]
    hub, cluster = "hubs/hub1.yaml", "clusters/spoke2-aks.yaml"
    platform = {
        hub: edited(hub, changeWindows=windows),
        cluster: edited(cluster, rollout={"after": ["spoke1-aks"], "wait": "30m"}),
    }
    found = reviewed(change, sample() | platform)
    assert (
        "hub hub1 takes changes mon 22:00 to 23:00 Europe/Berlin",
        "cluster spoke2-aks follows spoke1-aks once at rest there for 30m",
    ) == hub_of(found).timing
    assert "What it takes away goes at once" in comment(found)
    assert "Takes effect in turn" not in comment(reviewed(change))
