"""What `make load-hubs` says of a round: how it compares, and which part had no time left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from load.__main__ import hub_rows
from load.hubs import HubsOnWorkers, Round

WAITING = Round(
    workers=1, seconds=10.0, pass_seconds=0.5, workers_cpu=4.0, busiest_cpu=4.0, world_cpu=2.0, storage_cpu=1.0
)


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)


def test_what_is_on_its_core_all_the_time_bounds_a_round() -> None:
    """The world, a worker, or all cores together; else it was waiting, and the busiest part is named."""
    four = replace(WAITING, workers=4, workers_cpu=20.0, busiest_cpu=5.0)

    assert "waiting; most is used of the interpreter of a worker, 40%" == WAITING.bound_by
    assert replace(WAITING, world_cpu=9.5).bound_by.startswith("the simulated world, which has one core: 95%")
    assert replace(WAITING, busiest_cpu=9.2, workers_cpu=9.2).bound_by.startswith("the interpreter of a worker: 92%")
    assert replace(four, workers_cpu=34.0).bound_by.startswith("this machine's 4 cores: 92%")


def test_rounds_are_held_against_the_first_of_their_sort() -> None:
    """Twice as quick is a ratio of two; a commit is not held against rounds without one."""
    two = replace(WAITING, workers=2, seconds=5.0)
    slow = replace(WAITING, seconds=20.0)

    first, second, commit = hub_rows(HubsOnWorkers(3, 10, 0.02, [WAITING, two], [slow]))

    assert ("3 hubs of 10, 20 ms, nothing changed, 1 worker", "10.0 s, ratio 1.00") == (first.figure, first.found[:18])
    assert "5.0 s, ratio 2.00" in second.found
    assert "2 workers" in second.figure
    assert "20.0 s, ratio 1.00" in commit.found
