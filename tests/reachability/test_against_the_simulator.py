"""The evaluator held against the simulator's: two programs that share no code must not contradict each other."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from reachability_builders import app, collection, group, net

from function_app.planning.reachability.judging import Part, Verdict, judge
from function_app.planning.reachability.policy import Policy, policy_of
from function_app.planning.reachability.rules import INFRASTRUCTURE
from function_app.planning.reachability.spans import Spans, count, one_name, union
from function_app.planning.reachability.traffic import Application, Box, Transport
from simulator.model.azure.evaluation import Application as SimulatedApplication
from simulator.model.azure.evaluation import Connection, Evaluator, Judgement
from simulator.model.azure.groups import EnforcedGroup

Json = dict[str, Any]

SOURCES = ("10.99.0.1", "10.99.0.6", "10.99.0.9", "10.99.1.1", "10.1.0.4")
SOURCE_SETS = ("10.99.0.0/29", "10.99.0.8/29", "10.99.0.0/24", "10.99.0.5-10.99.0.9", "10.99.0.6", "*")
DESTINATIONS = ("198.51.100.20", "198.51.100.24", "203.0.113.7", "10.0.0.4")
DESTINATION_SETS = (
    "198.51.100.20/32",
    "198.51.100.16/28",
    "198.51.100.24-203.0.113.7",
    "0.0.0.0/1",
    "*",
    "Storage.WestEurope",
)
HOSTS = ("", "shop.example", "www.shop.example", "a.b.shop.example", "notshop.example", "other.example")
PATTERNS = ("shop.example", "WWW.shop.example", "*.shop.example", "*shop.example", "*.example", "*.b.shop.example", "*")
PORTS = (80, 443, 8443)
PORT_SETS = ("443", "80-443", "8000-9000", "*")
KINDS = ("Http", "Https", "Mssql")
TRANSPORTS = ("TCP", "UDP", "ICMP")
SITES = {"shop.example": "198.51.100.20", "www.shop.example": "198.51.100.24"}


def some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """One to three of them."""
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


NET_RULES = st.builds(
    lambda where, names, who, how, ports: net(
        *where, sources=who, ipProtocols=how, destinationPorts=ports, destinationFqdns=names
    ),
    some(DESTINATION_SETS),
    st.lists(st.sampled_from(tuple(SITES)), max_size=1),
    some(SOURCE_SETS),
    st.lists(st.sampled_from((*TRANSPORTS, "Any")), min_size=1, max_size=2, unique=True),
    some(PORT_SETS),
)
APP_RULES = st.builds(
    lambda names, who, pairs: app(
        *names, sources=who, protocols=[{"protocolType": kind, "port": port} for kind, port in pairs]
    ),
    some(PATTERNS),
    some(SOURCE_SETS),
    st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(PORTS)), min_size=1, max_size=3, unique=True),
)
COLLECTIONS = st.tuples(
    st.one_of(st.lists(NET_RULES, min_size=1, max_size=3), st.lists(APP_RULES, min_size=1, max_size=3)),
    st.sampled_from(("Allow", "Deny")),
)


def numbered(rules: list[Json]) -> list[Json]:
    """The rules with names of their own, so that it can be told which one decided."""
    return [{**rule, "name": f"rule{index}"} for index, rule in enumerate(rules)]


@st.composite
def groups(draw: st.DrawFn, prefix: str) -> list[Json]:
    """Up to three groups of different priorities, each with collections of different priorities."""
    priorities = draw(st.lists(st.integers(100, 300), max_size=3, unique=True))
    found: list[Json] = []
    for index, priority in enumerate(priorities):
        contents = draw(st.lists(COLLECTIONS, min_size=1, max_size=3))
        places = draw(st.permutations(range(100, 100 + len(contents))))
        collections = [
            collection(*numbered(rules), name=f"c{place}", priority=place, action=action)
            for place, (rules, action) in zip(places, contents, strict=True)
        ]
        found.append(group(*collections, name=f"{prefix}{index}", priority=priority))
    return found


CONNECTIONS = st.builds(
    Connection,
    st.sampled_from(SOURCES),
    st.sampled_from(DESTINATIONS),
    st.sampled_from(PORTS),
    st.sampled_from(TRANSPORTS),
    st.sampled_from((None, *SimulatedApplication)),
    st.sampled_from(HOSTS),
).map(lambda one: one if one.protocol == "TCP" else Connection(one.source, one.destination, one.port, one.protocol))


def simulated(own: list[Json], base: list[Json]) -> Evaluator:
    """The simulator's judge, the base policy's groups first."""
    return Evaluator(
        EnforcedGroup(policy, each["name"], each["properties"])
        for policy, found in (("base", base), ("own", own))
        for each in found
    )


def at(connection: Connection) -> Box:
    """One connection as a set of one."""

    def only(number: int) -> Spans[int]:
        return Spans(((number, number + 1),))

    kinds = {
        None: Application.OTHER,
        SimulatedApplication.HTTP: Application.HTTP,
        SimulatedApplication.HTTPS: Application.HTTPS,
        SimulatedApplication.MSSQL: Application.MSSQL,
    }
    return Box(
        only(int(IPv4Address(connection.source))),
        only(Transport[connection.protocol].value),
        only(int(IPv4Address(connection.destination))),
        only(connection.port),
        only(kinds[connection.application].value),
        Spans((one_name(connection.fqdn),)),
    )


def rule_of(part: Part) -> tuple[str, str, str]:
    """Group, collection and rule, empty for the default denial."""
    return (part.rule.name.group, part.rule.name.collection, part.rule.name.rule) if part.rule else ("", "", "")


def agree(policy: Policy, part: Part, judgement: Judgement) -> None:
    """A verdict is the simulator's; an undecided part has a reason."""
    if part.verdict is Verdict.UNDECIDED:
        assert part.doubts
        return
    assert (part.verdict is Verdict.ALLOW) == judgement.allowed
    named = judgement.rule
    # Where a rule may have matched before and would do the same, either of the two may be named.
    if not any(one.doubtful for one in policy.rules if one is not INFRASTRUCTURE):
        assert rule_of(part) == (named.group, named.collection, named.rule)


@settings(max_examples=200)
@given(own=groups("own"), base=groups("base"), connection=CONNECTIONS)
def test_one_connection_is_judged_alike(own: list[Json], base: list[Json], connection: Connection) -> None:
    """Order, parent, action, wildcard, port, transport and default: verdict and deciding rule are the simulator's."""
    policy = policy_of(own, base)
    (part,) = judge(policy, at(connection))
    agree(policy, part, simulated(own, base).judge(connection, SITES.get))


@settings(max_examples=60)
@given(own=groups("own"), base=groups("base"), connections=st.lists(CONNECTIONS, min_size=1, max_size=6))
def test_sets_are_judged_as_their_members_are(own: list[Json], base: list[Json], connections: list[Connection]) -> None:
    """All connections at once: the parts have nothing in common, miss nothing, and each member's part says what it gets alone."""
    policy, judge_of_one = policy_of(own, base), simulated(own, base)
    parts = judge(policy, Box())
    for connection in connections:
        (part,) = [one for one in parts if one.box.meets(at(connection))]
        agree(policy, part, judge_of_one.judge(connection, SITES.get))


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(PATTERNS), max_size=4),
    st.lists(st.sampled_from(PATTERNS), max_size=4),
    st.sampled_from(HOSTS),
)
def test_names_are_sets(first: list[str], second: list[str], host: str) -> None:
    """Union, common part and difference of wildcards hold the names that logic says."""
    one, other = (
        policy_of([group(collection(app(*patterns, sources=["*"])))] if patterns else []).rules[0].sure
        for patterns in (first, second)
    )
    mine = one[0].names if first else Spans[str]()
    theirs = other[0].names if second else Spans[str]()
    name = host[::-1]
    assert (name in (mine | theirs)) == (name in mine or name in theirs)
    assert (name in (mine & theirs)) == (name in mine and name in theirs)
    assert (name in (mine - theirs)) == (name in mine and name not in theirs)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6), st.sets(st.integers(0, 40)))
def test_intervals_are_sets(pairs: list[tuple[int, int]], numbers: set[int]) -> None:
    """Interval algebra agrees with plain sets of numbers."""
    spans = union((min(pair), max(pair)) for pair in pairs)
    plain = {number for first, behind in (sorted(pair) for pair in pairs) for number in range(first, behind)}
    other = union((number, number + 1) for number in numbers)
    assert count(spans) == len(plain)
    assert {number for number in range(41) if number in spans - other} == plain - numbers
    assert {number for number in range(41) if number in spans & other} == plain & numbers
    assert {number for number in range(41) if number in spans | other} == plain | numbers
    assert (spans <= other) == (plain <= numbers)
