"""Change windows and the order of rollout, as they are written wrongly."""

from __future__ import annotations

import pytest
from reading_trees import TREE, problems_of

NORTH, SOUTH, WEST = "clusters/north.yaml", "clusters/south.yaml", "hubs/west.yaml"


def appended(path: str, lines: str) -> dict[str, str]:
    """The tree with lines behind one file's spec."""
    return {path: TREE[path].rstrip("\n") + f"\n{lines}\n"}


@pytest.mark.parametrize(
    ("window", "code", "hint"),
    [
        pytest.param(
            '{days: [mon], from: "22:00", to: "22:00", timeZone: UTC}', "window-empty", "24:00", id="closes as it opens"
        ),
        pytest.param(
            '{days: [mon], from: "22:00", to: "23:00", timeZone: Europe/Berln}',
            "time-zone",
            "`Europe/Berlin`",
            id="misspelt zone",
        ),
        pytest.param(
            '{days: [mon], from: "22:00", to: "23:00", timeZone: ../../etc/passwd}', "time-zone", "IANA", id="a path"
        ),
        pytest.param(
            '{days: [mon, mon], from: "22:00", to: "23:00", timeZone: UTC}',
            "duplicate-entry",
            "Delete",
            id="a day twice",
        ),
    ],
)
def test_a_window_that_cannot_be_meant(window: str, code: str, hint: str) -> None:
    """Told at its line, with what to write instead."""
    found = problems_of({**TREE, **appended(NORTH, f"  changeWindows:\n    - {window}")})
    assert [code] == [one.code for one in found]
    assert NORTH in found[0].place.file
    assert hint in found[0].hint


def test_a_time_that_no_clock_shows_is_refused() -> None:
    """25:00 is a mistake of form."""
    lines = '  changeWindows:\n    - {days: [mon], from: "25:00", to: "04:00", timeZone: UTC}'
    (problem,) = problems_of({**TREE, **appended(WEST, lines)})
    assert "spec.changeWindows[0].from" == problem.path


def test_nobody_waits_in_a_circle() -> None:
    """Both files of a circle are told at the line that makes it."""
    circle = {
        **appended(NORTH, "  rollout: {after: [south]}"),
        **appended(SOUTH, "  rollout: {after: [north], wait: 1h}"),
    }
    found = problems_of({**TREE, **circle})
    assert ["rollout-circle"] * 2 == [one.code for one in found]
    assert "`north`, which comes after `south`, which comes after `north`: in a circle" in found[0].message
    assert {"gitops/clusters/north.yaml", "gitops/clusters/south.yaml"} == set(found[0].files)
    assert TREE[NORTH].count("\n") + 1 == found[0].place.line


def test_nothing_comes_after_itself() -> None:
    """The shortest circle is told once."""
    found = problems_of({**TREE, **appended(NORTH, "  rollout: {after: [north]}")})
    assert ["rollout-circle"] == [one.code for one in found]


def test_who_comes_before_exists_on_the_same_hub() -> None:
    """A misspelt name is guessed; a hub is no cluster."""
    (cluster,) = problems_of({**TREE, **appended(NORTH, "  rollout: {after: [soth]}")})
    (hub,) = problems_of({**TREE, **appended(WEST, "  rollout: {after: [north]}")})
    assert ("unknown-reference", "Did you mean `south`?") == (cluster.code, cluster.hint)
    assert "there is no hub of the name `north`" in hub.message
