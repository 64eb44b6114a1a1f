"""Worlds that cannot exist are refused, with every reason at once."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.__main__ import PACKAGED_WORLD
from simulator.model.consistency import inconsistencies
from simulator.model.documents import WorldDocument
from simulator.model.world import ImpossibleWorld, UnreadableWorld, World

WALKTHROUGH: dict[str, Any] = yaml.safe_load(PACKAGED_WORLD.read_text(encoding="utf-8"))


def reasons(**changes: Any) -> tuple[str, ...]:
    """Inconsistencies of the walkthrough with some values replaced; keys are paths with `__` for each step."""
    world = deepcopy(WALKTHROUGH)
    for path, value in changes.items():
        *steps, last = path.split("__")
        place: Any = world
        for step in steps:
            place = place[int(step) if step.isdecimal() else step.replace("_", "-")]
        place[int(last) if last.isdecimal() else last] = value
    return inconsistencies(WorldDocument.model_validate(world))


def test_the_walkthrough_can_exist() -> None:
    """The packaged world has nothing wrong with it."""
    assert reasons() == ()


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"clock": "2026-11-23T08:00:00"}, "clock", "no time zone"),
        ({"hubs__hub1__firewall__privateIP": "10.9.0.4"}, "hubs.hub1.firewall.privateIP", "outside the hub's VNet"),
        ({"hubs__hub1__routeServer__peerIPs": ["10.0.1.4", "10.7.0.5"]}, "hubs.hub1.routeServer.peerIPs[1]", "outside"),
        ({"hubs__hub1__routeServer__peerIPs": ["10.0.1.4", "10.0.1.4"]}, "hubs.hub1", "three different addresses"),
        ({"hubs__hub1__routeServer__asn": 64512}, "hubs.hub1.routeServer.asn", "65515"),
        ({"hubs__hub1__firewall__policy": ""}, "hubs.hub1.firewall.basePolicy", "classic"),
        (
            {"hubs__hub1__firewall__own": {"networkRuleCollections": [{"name": "net"}]}},
            "hubs.hub1.firewall.own",
            "leave one",
        ),
        ({"hubs__hub1__firewall__basePolicy": "tenants"}, "hubs.hub1.firewall.basePolicy", "its own base"),
        ({"hubs__hub1__firewall__operationSeconds": -1}, "hubs.hub1", "less than 0"),
        ({"hubs__hub1__vnet": ["10.0.0.1/16"]}, "hubs.hub1.vnet[0]", "host bits"),
        ({"clusters__spoke1_aks__hub": "hub9"}, "clusters.spoke1-aks.hub", "hub1"),
        ({"clusters__spoke2_aks__vnet": ["10.2.0.0/16", "10.1.128.0/17"]}, "clusters.spoke2-aks.vnet[1]", "overlaps"),
        ({"clusters__spoke1_aks__nodeSubnet": "10.8.0.0/22"}, "clusters.spoke1-aks.nodeSubnet", "outside"),
        ({"clusters__spoke1_aks__pods": "10.1.64.0/18"}, "clusters.spoke1-aks.pods", "overlaps the cluster's VNet"),
        ({"clusters__spoke1_aks__services": "10.244.8.0/24"}, "clusters.spoke1-aks.services", "the pod range"),
        ({"clusters__spoke1_aks__asn": 65517}, "clusters.spoke1-aks.asn", "65517"),
        ({"clusters__spoke1_aks__asn": 70000}, "clusters.spoke1-aks.asn", "16-bit"),
        ({"clusters__spoke1_aks__podSeconds": -1}, "clusters.spoke1-aks.podSeconds", "0 or more"),
        ({"clusters__spoke1_aks__nodes": []}, "clusters.spoke1-aks.nodes", "without nodes"),
        ({"clusters__spoke1_aks__nodes__0__address": "10.1.200.4"}, "clusters.spoke1-aks.nodes[0].address", "outside"),
        (
            {"clusters__spoke1_aks__nodes__0__address": "10.1.0.2"},
            "clusters.spoke1-aks.nodes[0].address",
            "Azure keeps",
        ),
        ({"clusters__spoke1_aks__nodes__0__address": "10.1.0.5"}, "clusters.spoke1-aks.nodes[0]", "given 2 times"),
        ({"clusters__spoke1_aks__nodes__1__name": "spoke1-0"}, "clusters.spoke1-aks.nodes", "two nodes are called"),
        ({"clusters__spoke1_aks__workloads": {"Shop": []}}, "clusters.spoke1-aks.workloads", "no namespace name"),
        ({"clusters__spoke1_aks__workloads": {"a": ["x", "x"]}}, "clusters.spoke1-aks.workloads.a", "two pods"),
        ({"sites": {"example.com": "nowhere"}}, "sites.example.com", "no IPv4 address"),
    ],
)
def test_each_inconsistency_is_named_with_its_place(changes: dict[str, Any], place: str, words: str) -> None:
    """Every rule says where in the file it is broken and why."""
    found = reasons(**changes)
    assert [reason for reason in found if reason.startswith(place) and words in reason] != [], found


def test_a_cluster_without_reflectors_advertises_nothing() -> None:
    """A cluster needs at least one reflector."""
    world = deepcopy(WALKTHROUGH)
    for node in world["clusters"]["spoke2-aks"]["nodes"]:
        node["reflector"] = False
    (reason,) = inconsistencies(WorldDocument.model_validate(world))
    assert reason.startswith("clusters.spoke2-aks.nodes: no node reflects routes")


def test_a_route_server_takes_eight_connections() -> None:
    """Nine reflectors on one hub are one too many."""
    world = deepcopy(WALKTHROUGH)
    world["clusters"]["spoke2-aks"]["nodes"] = [
        {"name": f"n{number}", "address": f"10.2.0.{number + 4}", "reflector": True} for number in range(7)
    ]
    (reason,) = inconsistencies(WorldDocument.model_validate(world))
    assert reason.startswith("hubs.hub1.routeServer: 9 reflectors")


def test_two_hubs_cannot_share_a_policy() -> None:
    """Names in one resource group are given once, in whatever letter case."""
    world = deepcopy(WALKTHROUGH)
    second = deepcopy(world["hubs"]["hub1"])
    second["vnet"] = ["10.3.0.0/16"]
    second["firewall"] |= {"name": "other-fw", "policy": "TENANTS", "privateIP": "10.3.0.4"}
    second["routeServer"] |= {"name": "other-rs", "peerIPs": ["10.3.1.4", "10.3.1.5"]}
    world["hubs"]["hub2"] = second
    (reason,) = inconsistencies(WorldDocument.model_validate(world))
    assert reason.startswith("hubs: hub1, hub2 share the policy")


def test_all_reasons_come_at_once() -> None:
    """A world with three mistakes is refused with three reasons."""
    world = deepcopy(WALKTHROUGH)
    world["clusters"]["spoke1-aks"]["hub"] = "hub9"
    world["clusters"]["spoke1-aks"]["asn"] = 65515
    world["hubs"]["hub1"]["firewall"]["privateIP"] = "192.0.2.1"
    with pytest.raises(ImpossibleWorld) as refused:
        World(WorldDocument.model_validate(world))
    assert len(refused.value.reasons) == 3
    assert all(reason in str(refused.value) for reason in refused.value.reasons)


def test_a_file_that_is_no_world_says_which_fields(tmp_path: Path) -> None:
    """Unknown and missing keys of a world file are named with their path."""
    file = tmp_path / "world.yaml"
    file.write_text('clock: "2026-11-23T08:00:00Z"\nhubs: {}\nclouds: {}\n', encoding="utf-8")
    with pytest.raises(UnreadableWorld, match=r"world\.yaml clusters: Field required\n.*world\.yaml clouds: Extra"):
        World.from_file(file)


def test_a_missing_world_file_is_named(tmp_path: Path) -> None:
    """A path without a file is no world."""
    with pytest.raises(UnreadableWorld, match=r"absent\.yaml"):
        World.from_file(tmp_path / "absent.yaml")
