"""What an audit finds, one story a kind."""

from __future__ import annotations

from datetime import date
from typing import Any

from reachability_builders import app, collection, group, net, sources

from function_app.model.definitions import AllowRule, Shards
from function_app.model.names import TenantName
from function_app.planning.reachability.auditing import Audited, AuditFinding, FindingKind, audit
from function_app.planning.reachability.policy import policy_of
from function_app.reading.fqdns import wide_wildcard

ONE, TWO = TenantName("tenant0"), TenantName("tenant1")
OTHER = "10.99.0.8/29"


def found(
    *collections: dict[str, Any], base: tuple[dict[str, Any], ...] = (), **rules: AllowRule
) -> list[AuditFinding]:
    """The findings about a shard with these collections."""
    audited = Audited(
        policy=policy_of([group(*collections)], base),
        shards=Shards(),
        sources={ONE: sources(), TWO: sources(OTHER)},
        rules={ONE: tuple(rules.values())},
        today=date(2026, 11, 23),
        wide=wide_wildcard,
    )
    return list(audit(audited))


def test_orderly_rules_have_no_findings() -> None:
    """Two tenants with rules that overlap nowhere."""
    mine = collection(app("www.example.com"), net("198.51.100.20/32"))
    assert not found(mine, collection(app("www.example.com", sources=[OTHER]), name="tenant1-app", priority=300))


def test_a_rule_that_others_hide_is_shadowed() -> None:
    """Two rules together cover a third, though neither does alone."""
    halves = (app("a.example.com", name="a"), app("*.b.example.com", name="b"))
    (one,) = found(collection(*halves, app("a.example.com", "x.b.example.com", name="both")))
    assert (FindingKind.SHADOWED, "egress-000/tenant0-app/both") == (one.kind, one.rule)
    assert "a, b match all of it before its turn" in one.message


def test_a_rule_that_is_hidden_in_part_is_not_shadowed() -> None:
    """One name is left to it."""
    assert not found(collection(app("*.example.com", name="a"), app("www.example.com", "example.org", name="b")))


def test_an_open_network_rule_shadows_names() -> None:
    """Whoever may go anywhere on 443 needs no rule with names, and has none in effect."""
    kinds = {
        (one.kind, one.rule.rpartition("/")[2])
        for one in found(collection(net("*", name="open"), name="tenant0-net"), collection(app("www.example.com")))
    }
    assert {(FindingKind.SHADOWED, "web"), (FindingKind.WIDE, "open")} == kinds


def test_the_same_rule_twice_is_a_duplicate() -> None:
    """Under another name and in another order of the list it says the same."""
    (one,) = found(collection(app("a.example", "b.example", name="a"), app("b.example", "a.example", name="b")))
    assert (FindingKind.DUPLICATE, "says the same as a, which comes before it") == (one.kind, one.message)


def test_a_rule_of_somebody_else_that_lets_tenants_out_is_named_with_them() -> None:
    """A base policy's rule for every source is reach that no tenant's file shows; one for the nodes is not."""
    shared = group(
        collection(
            net("203.0.113.0/24", name="everybody", sources=["*"]), net("*", name="nodes", sources=["10.1.0.0/22"])
        ),
        name="platform",
    )
    (one,) = found(collection(app("www.example.com")), base=(shared,))
    assert (FindingKind.UNNAMED, "base policy, platform/tenant0-app/everybody") == (one.kind, one.rule)
    assert (ONE, TWO) == one.tenants


def test_a_rule_for_a_neighbours_addresses_is_named() -> None:
    """A hand-made group whose sources take in two tenants."""
    wide = collection(app("www.example.com", sources=["10.99.0.0/28"]), name="hand-made", priority=100)
    (one,) = found(wide)
    assert (FindingKind.UNNAMED, (ONE, TWO)) == (one.kind, one.tenants)


def test_wildcards_that_take_in_strangers_are_wide() -> None:
    """Without a dot, look-alikes; below a shared name, anybody."""
    messages = [
        one.message for one in found(collection(app("*example.com", "*.blob.core.windows.net", "*.example.org")))
    ]
    assert 2 == len(messages)
    assert "`notexample.com` included" in messages[0]
    assert "anybody can get a name under" in messages[1]


def test_rules_that_run_out_are_named() -> None:
    """Within thirty days, and those that have; not the ones with more time."""
    near, over, far = (
        AllowRule(name=name, fqdns=("www.example.com",), expires=day)
        for name, day in (("near", "2026-12-20"), ("over", "2026-11-01"), ("far", "2027-06-30"))
    )
    listed = [(one.kind, one.rule) for one in found(near=near, over=over, far=far)]
    assert [(FindingKind.EXPIRING, "tenant0/near"), (FindingKind.EXPIRING, "tenant0/over")] == listed
