"""What a process keeps of its hubs between passes has one bound for all of them, counted in the bodies that are still there."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from bench.estate import Estate
from bench.ground import Ground, settled
from bench.reconciler import settings_for
from bench.serving import served
from function_app.adapters.kubernetes_cluster import KubernetesCluster
from function_app.bootstrap import Assembly, assemble
from function_app.model.names import HubName
from function_app.model.once import Read
from function_app.reconcile import reconcile
from function_app.settings import Settings
from function_app.turns import LEAST_ATTACHMENTS, MOST_HUBS, Turns

ESTATES = [
    Estate(tenants=2, clusters=1, hub=f"hub{number}", first_tenant=2 * number, first_cluster=number)
    for number in range(4)
]
HUBS = [HubName(one.hub) for one in ESTATES]
Passing = Callable[..., list[int]]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Four settled hubs with a cluster and two attachments each."""
    return settled(ESTATES, tmp_path_factory.mktemp("ground"))


@pytest.fixture
def passing(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Passing]]:
    """A process with room for so many hubs: it passes over hubs in turn and says how many bodies it holds after each."""
    folder = tmp_path_factory.mktemp("passing")
    with ExitStack() as closing:
        world = closing.enter_context(served(ground.world, folder / "simulator", speed=1.0))
        environment = settings_for(world.environment, ground.repository, ground.copy_of_state(folder / "state"))

        def with_room_for(hubs: int) -> Passing:
            turns = Turns(hubs * LEAST_ATTACHMENTS)
            parts = closing.enter_context(Assembly(Settings.from_environment(environment), turns))
            before = _bodies()

            def run(*names: HubName) -> list[int]:
                return [_passed(parts, hub) - before for hub in names]

            return run

        yield with_room_for


def test_rounds_over_many_hubs_keep_no_more_than_there_is_room_for(passing: Callable[[int], Passing]) -> None:
    """Four hubs in turn, room for two: from the second hub on as many bodies are there after each pass, three times round.

    What the ledger's generations know of pods and gateways goes with them.
    """
    run = passing(2)

    found = run(*HUBS, *HUBS, *HUBS)

    one, two, *others = found
    assert 0 < one < two
    assert {two} == set(others)


def test_hubs_that_there_is_room_for_stay_and_a_new_round_adds_nothing(passing: Callable[[int], Passing]) -> None:
    """Room for all four: each adds its own in the first round, nobody anything in the next two."""
    run = passing(4)

    first, *more = (run(*HUBS) for _ in range(3))

    assert all(before < after for before, after in pairwise(first))
    assert {first[-1]} == {count for one in more for count in one}


def test_a_single_hub_keeps_what_it_has_however_little_room_there_is(passing: Callable[[int], Passing]) -> None:
    """No room at all: pass after pass over one hub holds the same bodies."""
    run = passing(0)

    first, *more = run(HUBS[0], HUBS[0], HUBS[0])

    assert first > 0
    assert {first} == set(more)


def test_a_hub_that_is_let_go_is_connected_with_no_more(passing: Callable[[int], Passing]) -> None:
    """Four hubs of one cluster each in turn, room for two: never are there more than two clusters' connections."""
    run = passing(2)

    found = [run(hub) and _connected() for hub in (*HUBS, *HUBS)]

    assert [1, 2, 2, 2, 2, 2, 2, 2] == found


def test_readers_keep_the_stores_of_so_many_hubs_and_no_more(tmp_path: Path) -> None:
    """Status is asked for of every hub there is: what was asked for longest ago goes, what was asked for again stays."""
    hubs = [HubName(f"hub{number}") for number in range(MOST_HUBS + 1)]
    settings = Settings.from_environment({"EGRESS_REPOSITORY": str(tmp_path), "EGRESS_STATE_FOLDER": str(tmp_path)})
    with assemble(settings) as parts:
        first, second, *_ = (parts.stores(hub) for hub in hubs[:-1])
        again = parts.stores(hubs[0])
        parts.stores(hubs[-1])

        assert first is again
        assert first is parts.stores(hubs[0])
        assert second is not parts.stores(hubs[1])


def _passed(parts: Assembly, hub: HubName) -> int:
    """One pass that finds nothing to do; the bodies that are there after it, garbage left out."""
    source = parts.source()
    report = reconcile(
        hub, source, parts.ports(hub, source.tree), parts.patience, holder="test", unanswered=parts.unanswered(hub)
    )
    assert ((), ()) == (report.plan.changes, report.unreadable)
    del report, source
    return _bodies()


def _connected() -> int:
    """Clusters with which somebody here is connected."""
    return sum(type(one) is KubernetesCluster and one._connection is not None for one in gc.get_objects())


def _bodies() -> int:
    """Of Kubernetes and Azure; listings of learned routes come and go with the passes that ask for them."""
    gc.collect()
    return sum(type(one) is Read and ("metadata" in one or "properties" in one) for one in gc.get_objects())
