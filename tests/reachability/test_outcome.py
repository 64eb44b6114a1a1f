"""What may be reached, in one form for all policies that do the same; and where two of them differ."""

from __future__ import annotations

from ipaddress import IPv4Network
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from reachability_builders import app, collection, group, net
from test_against_the_simulator import APP_RULES, NET_RULES

from function_app.model.approval import Reach
from function_app.planning.reachability.judging import judge
from function_app.planning.reachability.outcome import DENIED, changes, reach_of
from function_app.planning.reachability.policy import Policy, policy_of
from function_app.planning.reachability.spans import Spans, one_name
from function_app.planning.reachability.traffic import Application, Box, Transport, addresses

TENANT = addresses((IPv4Network("10.99.0.0/29"),))
Json = dict[str, Any]


def policy(*rules: Json, deny: tuple[Json, ...] = ()) -> Policy:
    """Allowances, behind denials of somebody else's."""
    kinds = [[one for one in rules if one["ruleType"] == kind] for kind in ("NetworkRule", "ApplicationRule")]
    own = [collection(*found, name=f"own-{index}", priority=1000 + index) for index, found in enumerate(kinds) if found]
    theirs = [
        collection(*found, name=f"theirs-{index}", priority=100 + index, action="Deny")
        for index, kind in enumerate(("NetworkRule", "ApplicationRule"))
        if (found := [one for one in deny if one["ruleType"] == kind])
    ]
    return policy_of([group(*theirs, name="theirs", priority=500), group(*own)])


def reach(*rules: Json, deny: tuple[Json, ...] = ()) -> Reach:
    """What the tenant may reach by them."""
    return reach_of(policy(*rules, deny=deny), TENANT)


def a_point(one: Policy, other: Policy, chance: Random) -> Box:
    """A single connection whose values lie at the edges of what the rules of either can tell apart."""
    boxes = [box for each in (one, other) for rule in each.rules for box in rule.boxes]

    def edge(side: str, most: int) -> Spans[int]:
        ends = [end - step for box in boxes for part in getattr(box, side).parts for end in part for step in (0, 1)]
        value = chance.choice([end for end in ends if 0 <= end < most] or [1])
        return Spans(((value, value + 1),))

    names = [end for box in boxes for part in box.names.parts for end in part if end.isprintable()]
    application = chance.choice(list(Application))
    name = chance.choice([*names, "elpmaxe.a"]) if application is not Application.OTHER else ""
    return Box(
        Spans(((TENANT.parts[0][0], TENANT.parts[0][0] + 1),)),
        edge("transports", len(Transport)),
        edge("destinations", 1 << 32),
        edge("ports", 1 << 16),
        Spans(((application.value, application.value + 1),)),
        Spans((one_name(name[::-1]),)),
    )


RULES = st.lists(st.one_of(NET_RULES, APP_RULES), max_size=3)


@given(RULES, RULES, RULES, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_two_policies_have_one_form_exactly_when_they_do_the_same(
    one: list[Json], other: list[Json], deny: list[Json], chance: Random
) -> None:
    """Single connections are judged one by one: equal forms agree on all that were tried, different ones differ somewhere."""
    first, second = (policy(*rules, deny=tuple(deny)) for rules in (one, other))
    found = changes(reach_of(first, TENANT), reach_of(second, TENANT))
    if not found:
        for box in (a_point(first, second, chance) for _ in range(200)):
            (before,), (after,) = (judge(each, box, thorough=True) for each in (first, second))
            if any(len({what for _, what in part.possible}) < len(part.possible) for part in (before, after)):
                continue  # what two rules hang on alike the first one decides; a verdict does not look that far
            assert (before.verdict, set(before.doubts)) == (after.verdict, set(after.doubts)), box
    for change in found:
        assert change.before != change.after
        fates = [reach_of(each, change.box.sources) for each in (first, second)]
        assert fates[0] != fates[1]


@given(RULES, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_names_order_and_splitting_do_not_count(rules: list[Json], chance: Random) -> None:
    """Allowances in any order, under other names, taken apart into one rule a name or destination: the same form."""
    apart = []
    for index, rule in enumerate(rules):
        key = "targetFqdns" if rule["ruleType"] == "ApplicationRule" else "destinationAddresses"
        split = [{**rule, key: [one], "destinationFqdns": []} for one in rule[key]]
        named = [{**rule, key: [], "destinationFqdns": [one]} for one in rule.get("destinationFqdns") or ()]
        if key == "targetFqdns":
            split, named = [{**rule, key: [one]} for one in rule[key]], []
        apart += [{**one, "name": f"r{index}"} for one in (*split, *named)]
    chance.shuffle(apart)
    assert reach(*rules) == reach(*apart)


def test_one_service_tag_is_not_another() -> None:
    """Both may be any public address; what it hangs on differs, and a second one beside the first is a change."""
    storage, sql = net("Storage.WestEurope"), net("Sql.WestEurope", name="sql")
    assert 3 == len({reach(storage), reach(sql), reach(storage, sql)})
    assert changes(reach(storage), reach(storage, sql))


def test_what_a_denial_hides_counts_only_where_it_shows() -> None:
    """A denial of what was never allowed changes nothing; one of what was allowed does, and only there."""
    shop = app("shop.example", "a.example")
    assert reach(shop) == reach(shop, deny=(app("other.example"),))
    (change,) = changes(reach(shop), reach(shop, deny=(app("shop.example"),)))
    assert (Spans((one_name("shop.example"),)), DENIED, (True,)) == (change.box.names, change.after, change.before)


def test_a_rule_for_others_changes_nothing() -> None:
    """Other tenants' ranges are no part of it."""
    assert reach(app("a.example")) == reach(app("a.example"), app("b.example", name="b", sources=("10.99.0.8/29",)))
