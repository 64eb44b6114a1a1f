"""When a cut-over may be made, and in which words it waits."""

from __future__ import annotations

from datetime import timedelta

from planning_builders import NOON

from function_app.model.plan import WaitsFor
from function_app.planning.pointing import Readiness
from function_app.planning.stages import Condition

NAMES = (WaitsFor.POOLED, WaitsFor.SERVING, WaitsFor.ADVERTISED, WaitsFor.PERMITTED)


def readiness(*ages: int, unmet: tuple[WaitsFor, ...] = ()) -> Readiness:
    """The four conditions read that many seconds before noon."""
    return Readiness(
        tuple(
            (
                name,
                Condition(
                    name not in unmet, f"no {name}" if name in unmet else "", evidence_at=NOON - timedelta(seconds=age)
                ),
            )
            for name, age in zip(NAMES, ages, strict=True)
        )
    )


def test_a_minute_old_evidence_will_do_and_older_does_not() -> None:
    """The oldest of the four readings counts."""
    assert readiness(60, 0, 30, 0).ready(NOON)
    assert not readiness(61, 0, 0, 0).ready(NOON)
    assert not readiness(0, 0, 0, 61).ready(NOON)


def test_one_unmet_condition_is_enough_to_wait() -> None:
    """All that are missing are named, the first in words."""
    found = readiness(0, 0, 0, 0, unmet=(WaitsFor.SERVING, WaitsFor.PERMITTED))

    assert not found.ready(NOON)
    assert (WaitsFor.SERVING, WaitsFor.PERMITTED) == found.unmet()
    assert "no serving" == found.details()


def test_without_evidence_nothing_is_ready() -> None:
    """No condition at all is no readiness, and a condition of unknown age neither."""
    undated = Readiness(tuple((name, Condition(met=True)) for name in NAMES))

    assert not Readiness(()).ready(NOON)
    assert not undated.ready(NOON)
    assert None is undated.evidence_at()
    assert "" == undated.details()
