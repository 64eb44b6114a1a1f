"""That nothing is to be done is read anew in every pass, also by a process that found it so a moment ago."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bench.estate import Estate
from bench.ground import settled
from bench.reconciler import Reconciler, reconciler, settings_for
from bench.serving import writes
from simulator.model.kubernetes.cluster import Cluster
from simulator.model.world import World
from simulator.wire.server import SimulatorServer

SMALL = Estate(tenants=2, clusters=2)
POLICY, SHARD = "tenants", "egress-000"


@dataclass(frozen=True, slots=True)
class Warm:
    """A process that keeps running, and the world that it reads over HTTPS, within this process's reach."""

    world: World
    process: Reconciler

    def one_pass(self) -> Counter[tuple[str, str, str]]:
        """The calls of one more pass of the same process: target, verb, kind."""
        with self.world.lock:
            self.world.faults.calls.clear()
        self.process.one()
        with self.world.lock:
            return Counter(self.world.faults.calls)

    def advance(self, seconds: float) -> None:
        """Let operations end."""
        with self.world.lock:
            self.world.advance(seconds)

    def pools(self) -> list[tuple[Cluster, str]]:
        """Every tenant's pool: its cluster and its name."""
        with self.world.lock:
            return [
                (cluster, name)
                for cluster in self.world.clusters.values()
                for one in cluster.api.objects("IPPool")
                if (name := one["metadata"]["name"]).endswith("-pool")
            ]

    def translating(self) -> list[bool]:
        """Which of these pools hide their gateways behind the node."""
        with self.world.lock:
            return [
                bool(cluster.api.get("IPPool", None, name)["spec"].get("natOutgoing")) for cluster, name in self.pools()
            ]

    def shard(self) -> Any:
        """What the firewall applies of our shard."""
        with self.world.lock:
            return self.world.hubs[SMALL.hub].policies.group(POLICY, SHARD).enforced


@pytest.fixture
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Two tenants, settled, one on a cluster of each API mode; the process has made a pass that had nothing to do."""
    folder = tmp_path_factory.mktemp("warm")
    ground = settled([SMALL], folder / "ground")
    with SimulatorServer(ground.world, folder=folder / "simulator") as server:
        environment = settings_for(server.settings(), ground.repository, ground.copy_of_state(folder / "state"))
        with reconciler([SMALL.hub], environment) as process:
            found = Warm(ground.world, process)
            assert 0 == writes(found.one_pass())
            yield found


def test_what_was_edited_behind_a_running_process_is_undone_by_its_next_pass(warm: Warm) -> None:
    """Every pool is made to translate and the shard is opened wide: three writes, and all is as it was.

    That pass and the one after it list every kind once on each cluster: neither what was found before nor what was just
    written takes the place of a LIST.
    """
    before = warm.shard()
    quiet = warm.one_pass()
    with warm.world.lock:
        for cluster, name in warm.pools():
            cluster.api.merge_patch("IPPool", None, name, {"spec": {"natOutgoing": True}}, manager="kubectl-edit")
        warm.world.hubs[SMALL.hub].edit_group(POLICY, SHARD, _open_wide)
    warm.advance(60)
    assert [True, True] == warm.translating()
    assert before != warm.shard()

    undoing = warm.one_pass()
    warm.advance(60)
    after = warm.one_pass()

    assert [0, 3, 0] == [writes(calls) for calls in (quiet, undoing, after)]
    assert [False, False] == warm.translating()
    assert before == warm.shard()
    assert {f"cluster/{name}" for name in SMALL.cluster_names} == {target for target, _ in _lists(quiet)}
    assert {1} == set(_lists(quiet).values())
    assert _lists(quiet) == _lists(undoing)
    assert _lists(quiet) == _lists(after)
    # The policy's groups and its parent's; once more right before the PUT, which Azure does not guard.
    groups = (f"firewall/{SMALL.hub}", "list", "RuleCollectionGroup")
    assert [2, 3, 2] == [calls[groups] for calls in (quiet, undoing, after)]


def _lists(calls: Counter[tuple[str, str, str]]) -> dict[tuple[str, str], int]:
    """How often each cluster was asked for all objects of each kind."""
    return {
        (target, kind): count
        for (target, verb, kind), count in calls.items()
        if verb == "list" and target.startswith("cluster/")
    }


def _open_wide(properties: dict[str, Any]) -> None:
    for collection in properties["ruleCollections"]:
        for rule in collection["rules"]:
            if "targetFqdns" in rule:
                rule["targetFqdns"] = ["*"]
