"""What we call unreadable to BIRD is what the simulated nodes, which are held to BIRD 1.6.8, cannot read."""

from __future__ import annotations

from typing import Any

import pytest
from stories.desk import ROOT

from function_app.model.resources import Kind, Resource, ResourceId
from function_app.planning.filter_syntax import first_unreadable_rule
from simulator.model.bgp.inputs import read_inputs
from simulator.model.world import World

READABLE: tuple[dict[str, Any], ...] = (
    {},
    {"source": "RemotePeers"},
    {"cidr": "10.0.0.0/8", "matchOperator": "In"},
    {"cidr": "0.0.0.0/0", "matchOperator": "NotIn"},
    {"cidr": "10.0.0.0/8", "matchOperator": "In", "prefixLength": {}},
    {"cidr": "10.0.0.0/8", "matchOperator": "In", "prefixLength": {"min": 0, "max": 8}},
    {"cidr": "10.0.0.0/8", "matchOperator": "In", "prefixLength": {"min": 32}},
    {"cidr": "10.0.0.7/32", "matchOperator": "Equal"},
)
UNREADABLE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"cidr": "10.0.0.1/8", "matchOperator": "In"}, "must be written 10.0.0.0/8"),
    ({"cidr": "fd00::/8", "matchOperator": "In"}, "is no IPv4 range"),
    ({"cidr": "10.0.0.0/8", "matchOperator": "In", "prefixLength": {"max": 7}}, "between 8 and 7"),
    ({"cidr": "10.0.0.0/24", "matchOperator": "In", "prefixLength": {"min": 30, "max": 29}}, "between 30 and 29"),
)


def said(field: str, rules: list[dict[str, Any]]) -> tuple[str, bool]:
    """What we say of a filter, and whether the nodes of a cluster in native mode that holds it can read all filters."""
    cluster = World.from_file(ROOT / "simulator" / "worlds" / "walkthrough.yaml").clusters["spoke2-aks"]
    body = {"apiVersion": "projectcalico.org/v3", "kind": "BGPFilter", "metadata": {"name": "by-hand"}}
    stored = cluster.api.create("BGPFilter", None, {**body, "spec": {field: rules}}, manager="kubectl")
    return first_unreadable_rule(Resource(ResourceId(Kind.BGP_FILTER, "by-hand"), stored)), read_inputs(cluster).parses


@pytest.mark.parametrize("rule", READABLE, ids=str)
def test_what_bird_reads_is_not_complained_of(rule: dict[str, Any]) -> None:
    """Whatever the API takes and BIRD understands."""
    assert ("", True) == said("exportV4", [{"action": "Reject", **rule}])


@pytest.mark.parametrize("field", ["exportV4", "importV4"])
@pytest.mark.parametrize(("rule", "words"), UNREADABLE, ids=str)
def test_what_bird_cannot_read_is_named_with_its_place(field: str, rule: dict[str, Any], words: str) -> None:
    """The field, the rule's number and why, behind a rule that is fine."""
    told, parses = said(field, [{"action": "Accept"}, {"action": "Reject", **rule}])

    assert not parses
    assert told.startswith(f"{field}[1]: ")
    assert words in told


def test_ipv6_rules_are_another_daemons() -> None:
    """They cannot hold up what carries our routes."""
    rule = {"action": "Reject", "matchOperator": "In", "cidr": "fd00::/8", "prefixLength": {"min": 9, "max": 8}}
    assert ("", True) == said("exportV6", [rule])
