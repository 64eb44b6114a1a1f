"""Random versions of definitions and random suspensions: what is in force never allows what either version denies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_builders import NOON, the_sample

from function_app.model.admission import Scope
from function_app.model.definitions import AllowRule, Tenant
from function_app.model.names import AttachmentKey, ClusterName, Commit, HubName, TenantName
from function_app.model.state import Decision, DecisionKind, HubState
from function_app.model.tree import Definitions, HubDefinitions, Tree, hub_definitions
from function_app.planning.admission import Admitted, admit, commits_to_read
from function_app.planning.both_allow import both_allow
from function_app.planning.deferring import Asked

TENANTS = ("red", "green", "blue")
CLUSTERS = ("spoke1-aks", "spoke2-aks")
SCOPES = (*(f"tenant/{name}" for name in TENANTS), *(f"cluster/{name}" for name in CLUSTERS), "hub/hub1")
WEB = [
    (name, port) for name in ("a.example", "b.example", "x.a.example") for port in ("http:80", "https:80", "https:443")
]
NETWORK = [
    (f"10.50.0.{last}", port, transport)
    for last in (1, 9, 20, 41, 200)
    for port in (80, 443, 445)
    for transport in ("TCP", "UDP")
]


def some[T](*values: T, least: int = 1) -> st.SearchStrategy[tuple[T, ...]]:
    """Some of these, each once."""
    return st.lists(st.sampled_from(values), min_size=least, unique=True).map(tuple)


web_rules = st.builds(
    lambda fqdns, protocols: {"fqdns": fqdns, "protocols": protocols},
    some("a.example", "b.example", "*.example", "*.a.example"),
    some("https:443", "http:80", "https:80"),
)
network_rules = st.builds(
    lambda destinations, ports, transport: {"destinations": destinations, "ports": ports, "transport": transport},
    some("10.50.0.0/24", "10.50.0.0/28", "10.50.0.9", "10.50.0.8-10.50.0.40", "10.50.0.20-10.50.0.200"),
    some("443", "440-450", "*", "80", "80-443"),
    some("TCP", "UDP"),
)
rules = st.lists(st.one_of(web_rules, network_rules), max_size=4).map(
    lambda found: tuple({"name": f"rule-{number}", **one} for number, one in enumerate(found))
)


@st.composite
def versions(draw: st.DrawFn) -> Mapping[str, Any]:
    """One valid version of all tenants: ranges and namespaces have one owner each."""
    found: dict[str, dict[str, Any]] = {}
    for number, cluster in enumerate(CLUSTERS):
        ranges = draw(st.permutations([f"10.99.{number}.{8 * one}/29" for one in range(4)]))
        names = draw(st.permutations(["shop", "cart", "web", "api"]))
        for tenant, cidr, name in zip(TENANTS, ranges, names, strict=False):
            if draw(st.booleans()):
                spec = found.setdefault(tenant, {"attachments": []})
                spec["attachments"].append({"cluster": cluster, "cidr": cidr, "namespaces": [name]})
    for spec in found.values():
        spec["egress"] = {"allow": draw(rules)}
    return found


def hub_at(commit: str, version: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> HubDefinitions:
    """The hub with these tenants; those of the version before that are gone have departed."""
    sample = the_sample()
    made = {TenantName(name): _tenant(name, spec) for name, spec in version.items()}
    gone = {TenantName(name): _tenant(name, spec) for name, spec in (before or {}).items() if name not in version}
    definitions = Definitions({sample.name: sample.hub}, sample.clusters, made)
    return hub_definitions(Tree(Commit(commit), definitions, gone), sample.name)


def _tenant(name: str, spec: Mapping[str, Any]) -> Tenant:
    document = {"apiVersion": "egress-gitops.io/v1alpha1", "kind": "Tenant", "metadata": {"name": name}, "spec": spec}
    return Tenant.model_validate(document, strict=False)


def allows(found: Any, probe: tuple[Any, ...]) -> bool:
    """Whether rules allow a probe, decided apart from what is tested."""
    return any(_web(rule, *probe) if len(probe) == 2 else _network(rule, *probe) for rule in found or ())


def _web(rule: AllowRule, name: str, protocol: str) -> bool:
    named = any(name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in rule.fqdns)
    return named and protocol in rule.protocols


def _network(rule: AllowRule, address: str, port: int, transport: str) -> bool:
    return (
        transport in rule.transport
        and any(_covers(one, IPv4Address(address)) for one in rule.destinations)
        and any(one == "*" or int(one.split("-")[0]) <= port <= int(one.split("-")[-1]) for one in rule.ports)
    )


def _covers(text: str, address: IPv4Address) -> bool:
    first, _, last = text.partition("-")
    return IPv4Address(first) <= address <= IPv4Address(last) if last else address in IPv4Network(text)


@dataclass
class Passes:
    """A hub over several commits: each pass remembers what the one before admitted."""

    trees: dict[Commit, HubDefinitions]
    state: HubState

    def take(self, hub: HubDefinitions, suspended: tuple[str, ...]) -> Admitted:
        """One pass."""
        self.trees[hub.commit] = hub
        decisions = tuple(
            Decision(DecisionKind.SUSPEND, one, "x", "jo", NOON, NOON + timedelta(hours=1)) for one in suspended
        )
        asked = Asked(hub, self.state, decisions, NOON)
        needed = commits_to_read(asked)
        admitted = Admitted(hub) if needed is None else admit(asked, {one: self.trees[one] for one in needed})
        self.state = HubState(last_good_commit=hub.commit, standing=admitted.admission.standing)
        return admitted


scopes = some(*SCOPES, least=0)


@settings(max_examples=150)
@given(first=versions(), second=versions(), third=versions(), early=scopes, late=scopes)
def test_nothing_is_allowed_that_a_version_denies(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    third: Mapping[str, Any],
    early: tuple[str, ...],
    late: tuple[str, ...],
) -> None:
    """Exactly what both allow is allowed to what is deferred, exactly what Git allows to the rest; nobody shares anything.

    Over three commits, with suspensions that come and go between them.
    """
    one, two, three = hub_at("1" * 40, first), hub_at("2" * 40, second, first), hub_at("3" * 40, third, second)
    passes = Passes({}, HubState())
    in_force = passes.take(one, ())
    for hub, suspended in ((two, early), (three, late)):
        standing = {key: passes.trees[commit] for key, commit in _standing(passes, in_force.hub, hub).items()}
        admitted = passes.take(hub, suspended)
        for key in {*hub.attachments, *standing}:
            _judge(key, hub, standing.get(key), admitted, suspended)
        _nobody_shares(admitted.hub)
        again = passes.take(hub, suspended)
        assert _contents(admitted.hub) == _contents(again.hub)
        assert admitted.hub.narrowed == again.hub.narrowed
        in_force = admitted
    assert passes.take(three, ()).hub is three
    assert {} == passes.state.standing


def _standing(passes: Passes, in_force: HubDefinitions, hub: HubDefinitions) -> dict[AttachmentKey, Commit]:
    """At which commit each attachment is in force before a pass."""
    known = passes.state.standing
    default = passes.state.last_good_commit
    assert default is not None
    return {key: known.get(str(key), default) for key in {*hub.attachments, *in_force.attachments}}


def _judge(
    key: AttachmentKey,
    hub: HubDefinitions,
    standing: HubDefinitions | None,
    admitted: Admitted,
    suspended: tuple[str, ...],
) -> None:
    assert standing is not None
    named = {f"tenant/{key.tenant}", f"cluster/{key.cluster}", "hub/hub1"} & {*suspended}
    found = admitted.hub.attachments.get(key)
    if key not in admitted.admission.deferred:
        assert _content(found) == _content(hub.attachments.get(key))
        assert not named or _content(found) == _content(standing.attachments.get(key))
        both: Callable[[tuple[Any, ...]], bool] = lambda probe: allows(hub.rules_of(key), probe)  # noqa: E731
    else:
        assert _content(found) == _content(standing.attachments.get(key))
        before = standing.rules_of(key) if key in standing.attachments else ()
        after = hub.rules_of(key) if key in hub.attachments else ()
        both = lambda probe: allows(before, probe) and allows(after, probe)  # noqa: E731
    if found is not None:
        probes = [*WEB, *NETWORK]
        assert [both(probe) for probe in probes] == [allows(admitted.hub.rules_of(key), probe) for probe in probes]


def _contents(hub: HubDefinitions) -> Mapping[AttachmentKey, Any]:
    return {key: _content(one) for key, one in hub.attachments.items()}


def _content(defined: Any) -> Any:
    return defined.attachment if defined is not None else None


def _nobody_shares(hub: HubDefinitions) -> None:
    ranges = [one.range for one in hub.attachments.values()]
    names = [(key.cluster, name) for key, one in hub.attachments.items() for name in one.attachment.namespaces]
    assert len({*ranges}) == len(ranges)
    assert len({*names}) == len(names)


@settings(max_examples=200)
@given(one=rules, other=rules)
def test_what_both_allow_is_exact(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """For every name and address: allowed by both if and only if allowed; no two rules bear one name."""
    mine, theirs = ([AllowRule.model_validate(rule, strict=False) for rule in found] for found in (one, other))
    found = both_allow(mine, theirs)
    for probe in (*WEB, *NETWORK):
        assert (allows(mine, probe) and allows(theirs, probe)) == allows(found, probe), probe
    assert len({rule.name for rule in found}) == len(found)


def test_a_rule_that_both_have_stays_the_very_same() -> None:
    """Whatever it is called now, and though other rules are narrowed: the firewall need not be written for it."""
    rule = AllowRule.model_validate({"name": "api", "fqdns": ["a.example"]}, strict=False)
    renamed = rule.model_copy(update={"name": "vendor", "description": "now with words"})
    assert (rule,) == tuple(both_allow((rule,), (renamed,)))


@pytest.mark.parametrize("earlier", [None, "2026-12-01", "2027-01-01"])
def test_the_earlier_end_counts(earlier: str | None) -> None:
    """A rule that a newer version lets expire sooner, or at all, expires then."""
    base = {"name": "api", "fqdns": ["a.example"]}
    before = AllowRule.model_validate({**base, "expires": earlier}, strict=False)
    after = AllowRule.model_validate({**base, "expires": "2026-12-24"}, strict=False)
    (found,) = both_allow((before,), (after,))
    assert min(earlier or "2026-12-24", "2026-12-24") == found.expires


def test_scopes_are_written_as_they_are_read() -> None:
    """`tenant/NAME`; anything else is none."""
    assert "tenant/red" == str(Scope.of("tenant/red")) == str(Scope.tenant(TenantName("red")))
    assert Scope.of("cluster/c") == Scope.cluster(ClusterName("c"))
    assert Scope.of("hub/h") == Scope.hub(HubName("h"))
    assert [None] * 3 == [Scope.of("red"), Scope.of("team/red"), Scope.of("tenant/")]
