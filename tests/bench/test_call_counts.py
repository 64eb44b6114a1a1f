"""What a pass asks of its targets, counted by the simulator over HTTPS: calls and writes, never times."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.estate import Estate, tenant_file
from bench.ground import Ground, settled
from bench.reconciler import reconciler, settings_for
from bench.serving import served, writes

SMALL = Estate(tenants=30, clusters=2)
KINDS_READ = 17
"""Kinds that are listed on a cluster. One more is asked for, DatastoreMigration, which this cluster does not serve."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A settled hub with 30 attachments on two clusters, one of each API mode."""
    return settled([SMALL], tmp_path_factory.mktemp("ground"))


@pytest.fixture(scope="module")
def counted(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[tuple[str, str, str]]]:
    """Calls of one process: its first pass, a second one that finds nothing new, and passes over three commits."""
    ground.commit("gateway", {tenant_file(3): SMALL.tenant(3, replicas=3)})
    ground.commit("rules", {tenant_file(one): SMALL.tenant(one, site="new.example.com") for one in range(25)})
    folder = tmp_path_factory.mktemp("served")
    with served(ground.world, folder / "simulator", speed=1.0) as world:
        environment = settings_for(world.environment, ground.repository, ground.copy_of_state(folder / "state"))
        with reconciler([SMALL.hub], environment) as process:
            found: dict[str, Counter[tuple[str, str, str]]] = {}
            for name, ref in (("cold", "main"), ("warm", "main"), ("gateway", "gateway"), ("rules", "rules")):
                process.one(ref)
                found[name] = world.calls()
            return found


def test_a_settled_hub_took_one_put_for_each_shard(ground: Ground) -> None:
    """A first install writes every rule collection group once, however many tenants are in it."""
    calls = ground.settling[0].calls
    puts = sum(count for (_, verb, kind), count in calls.items() if (verb, kind) == ("put", "RuleCollectionGroup"))
    assert SMALL.shards == puts


@pytest.mark.parametrize("name", ["cold", "warm"])
def test_a_pass_that_finds_nothing_to_do_writes_nothing(
    counted: dict[str, Counter[tuple[str, str, str]]], name: str
) -> None:
    """Neither a fresh process nor one that knows the hub writes when nothing changed."""
    assert 0 == writes(counted[name])


@pytest.mark.parametrize("name", ["cold", "warm"])
def test_each_kind_is_listed_once_on_each_cluster_and_no_object_is_read_alone(
    counted: dict[str, Counter[tuple[str, str, str]]], name: str
) -> None:
    """One paged LIST per kind and cluster; the one GET asks who serves Calico's API. No memory takes their place."""
    for cluster in SMALL.cluster_names:
        lists = {
            kind: count
            for (target, verb, kind), count in counted[name].items()
            if (target, verb) == (f"cluster/{cluster}", "list")
        }
        gets = {kind for target, verb, kind in counted[name] if (target, verb) == (f"cluster/{cluster}", "get")}
        assert KINDS_READ == len(lists)
        assert {1} == set(lists.values())
        assert gets <= {"APIService"}


def test_one_changed_gateway_is_one_write(counted: dict[str, Counter[tuple[str, str, str]]]) -> None:
    """A commit that changes one tenant's replicas causes one call that asks for a change."""
    assert 1 == writes(counted["gateway"])


def test_new_rules_of_a_whole_shard_are_one_put(counted: dict[str, Counter[tuple[str, str, str]]]) -> None:
    """A merge that changes the rules of 25 tenants in one shard is one PUT and nothing else."""
    calls = counted["rules"]
    # The gateway's edit of the branch before is not on this branch: its gateway is brought back as well.
    assert {("put", "RuleCollectionGroup"): 1, ("apply", "EgressGateway"): 1} == {
        (verb, kind): count for (_, verb, kind), count in calls.items() if writes({("", verb, kind): count})
    }
