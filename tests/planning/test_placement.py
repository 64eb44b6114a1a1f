"""Placement in shards is sticky; what does not fit is refused with the numbers."""

from __future__ import annotations

from datetime import date

from planning_builders import RANGE, TENANT, the_sample

from function_app.model.definitions import PriorityBand, Shards
from function_app.model.names import TenantName
from function_app.model.plan import RefusalCode
from function_app.planning.firewall_resources import Content, TenantRules, render_rules
from function_app.planning.permissions import permissions
from function_app.planning.placement import Placement, Seat, place

SHARDS = Shards(prefix="egress", priority=PriorityBand(first=1000, last=1099), tenants_per_shard=3, max_bytes=4000)


def rules_of(tenant: str, names: int = 1) -> TenantRules:
    """A tenant with one application rule of that many names."""
    rule = {
        "ruleType": "ApplicationRule",
        "name": "web",
        "sourceAddresses": ["10.99.0.0/29"],
        "targetFqdns": [f"host{n:03d}.example.com" for n in range(names)],
        "protocols": [{"protocolType": "Https", "port": 443}],
    }
    return TenantRules(TenantName(tenant), app=(rule,))


def placed(
    wanted: list[TenantRules],
    observed: dict[str, Content] | None = None,
    recorded: dict[TenantName, Seat] | None = None,
    shards: int = 5,
) -> Placement:
    """Place tenants into what is observed."""
    standing = observed or {}
    in_force = {rules.tenant: (rules,) for content in standing.values() for rules in content.values()}
    return place(
        SHARDS,
        {rules.tenant: rules for rules in wanted},
        standing,
        recorded or {},
        in_force,
        most_shards=shards,
        most_collections=100,
    )


def test_newcomers_fill_the_first_shard_with_room() -> None:
    """Four tenants at three a shard take two shards, in order of their names."""
    seats = placed([rules_of(name) for name in "abcd"]).seats

    assert {"a": ("egress-000", 0), "b": ("egress-000", 1), "c": ("egress-000", 2), "d": ("egress-001", 0)} == seats


def test_a_tenant_stays_where_it_is_observed() -> None:
    """Room in an earlier shard moves nobody, and a freed slot is taken by the next newcomer."""
    observed: dict[str, Content] = {"egress-000": {1: rules_of("b")}, "egress-001": {0: rules_of("d")}}

    seats = placed([rules_of("b"), rules_of("d"), rules_of("e")], observed).seats

    assert {"b": ("egress-000", 1), "d": ("egress-001", 0), "e": ("egress-000", 0)} == seats


def test_a_tenant_that_outgrows_its_shard_moves_and_leaves_what_was_not_revoked_behind() -> None:
    """Its new rules go to another shard; until they are in force the old shard keeps the old ones."""
    observed: dict[str, Content] = {"egress-000": {0: rules_of("a", 40), 1: rules_of("b", 40)}}

    placement = placed([rules_of("a", 100), rules_of("b", 40)], observed)

    assert "egress-001" == placement.seats[TenantName("a")][0]
    assert permissions(rules_of("a", 40)) == permissions(placement.contents["egress-000"][0])
    assert permissions(rules_of("a", 100)) == permissions(
        placement.contents["egress-001"][placement.seats[TenantName("a")][1]]
    )


def test_the_old_copy_goes_when_the_new_one_is_in_force() -> None:
    """A tenant seen complete in its recorded shard is dropped from the other."""
    new = rules_of("a", 100)
    observed: dict[str, Content] = {"egress-000": {0: rules_of("a", 40), 1: rules_of("b", 40)}, "egress-001": {0: new}}

    placement = placed([new, rules_of("b", 40)], observed, {TenantName("a"): ("egress-001", 0)})

    assert {TenantName("b")} == {rules.tenant for rules in placement.contents["egress-000"].values()}
    assert ("egress-001", 0) == placement.seats[TenantName("a")]


def test_a_tenant_on_its_way_keeps_what_was_not_revoked_where_it_came_from() -> None:
    """Its recorded shard has only a part of its rules in force: until it has all, the other one keeps its copy, narrowed."""
    rule = {**rules_of("a", 2).app[0], "targetFqdns": ["host000.example.com", "revoked.example.com"]}
    old = TenantRules(TenantName("a"), app=(rule,))
    observed: dict[str, Content] = {"egress-000": {0: old, 1: rules_of("b")}, "egress-001": {0: rules_of("a", 1)}}

    placement = placed([rules_of("a", 3), rules_of("b")], observed, {TenantName("a"): ("egress-001", 0)})

    assert ("egress-001", 0) == placement.seats[TenantName("a")]
    assert permissions(rules_of("a", 1)) == permissions(placement.contents["egress-000"][0])
    assert permissions(rules_of("a", 3)) == permissions(placement.contents["egress-001"][0])


def test_beyond_the_collections_that_a_policy_takes_the_newcomer_is_refused_with_the_numbers() -> None:
    """Two tenants of one collection each fit into two, the third does not, and stands nowhere."""
    wanted = {TenantName(name): rules_of(name) for name in "abc"}

    placement = place(SHARDS, wanted, {}, {}, {}, most_shards=5, most_collections=2)

    assert [(RefusalCode.COLLECTIONS, "c")] == [(one.code, one.subject) for one in placement.refused]
    assert "c needs 1 more rule collections and only 2 fit" in placement.refused[0].message
    assert {"a", "b"} == set(placement.seats)


def test_when_no_shard_has_room_the_newcomer_is_refused_with_the_limit() -> None:
    """Nobody else is touched, and the refusal names the numbers and the way out."""
    placement = placed([rules_of(name) for name in "abcd"], shards=1)

    assert [(RefusalCode.SHARDS, "d")] == [(one.code, one.subject) for one in placement.refused]
    assert "3 tenants" in placement.refused[0].message
    assert TenantName("d") not in placement.seats


def test_a_tenant_too_large_for_any_shard_is_refused_by_bytes() -> None:
    """The message says how large it is and what one shard holds."""
    placement = placed([rules_of("a", 400)])

    assert [RefusalCode.SHARD_BYTES] == [one.code for one in placement.refused]
    assert "4,000" in placement.refused[0].message


def test_without_a_range_nothing_is_rendered() -> None:
    """Rules without a source would be rules for everybody."""
    rules = the_sample().rules[TENANT]

    assert not render_rules(TENANT, rules, (), date(2026, 11, 23))
    assert render_rules(TENANT, rules, (RANGE,), date(2026, 11, 23))


def test_a_shard_whose_priority_somebody_else_bears_is_passed_over() -> None:
    """Azure takes each priority once in a policy: the newcomer goes to the next shard instead of being refused for ever."""
    wanted = {TenantName("a"): rules_of("a")}
    occupied = frozenset({"egress-000"})

    placement = place(SHARDS, wanted, {}, {}, {}, most_shards=5, most_collections=100, occupied=occupied)

    assert {"a": ("egress-001", 0)} == placement.seats
