"""Some hundred histories on every run, the same ones each time; and proof that the search would notice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from function_app.planning import firewall_wish
from search.actions import Action
from search.commits import SITE_SETS
from search.coverage import cell_count, empty_cells, summary
from search.history import History
from search.runner import from_seed, replay
from search.shrinking import shrink
from search.stories import story
from search.worlds import Variant
from simulator.judge import Invariant
from simulator.model.azure.evaluation import Evaluator
from simulator.model.bgp.filters import ExportFilter

EACH = 10
BATCHES = 20


@pytest.mark.parametrize("batch", range(BATCHES))
def test_histories_break_no_invariant(batch: int) -> None:
    """Whoever acts and whatever fails, every call keeps every invariant, and passes come to rest."""
    for seed in range(batch * EACH, (batch + 1) * EACH):
        run = from_seed(seed)
        assert not run.violations, story(run, seed=seed)


def test_a_seed_gives_the_same_history_every_time() -> None:
    """Actions, calls and story do not depend on what ran before in the process."""
    first, second = from_seed(11), from_seed(11)

    assert first.actions == second.actions
    assert first.lines == second.lines
    assert 20 <= len(first.actions)


def test_a_played_list_of_actions_gives_the_same_history() -> None:
    """What a story prints can be played again."""
    run = from_seed(5)

    assert run.lines == replay(run.variant, run.actions).lines


def test_coverage_names_what_was_not_reached() -> None:
    """One history leaves most cells empty, and they are named."""
    run = from_seed(2)
    empty = list(empty_cells(run.coverage))

    assert 0 < len(empty) < cell_count()
    assert all(not run.coverage[cell] for cell in empty)
    assert "ledger unreadable" in summary(run.coverage)


@pytest.mark.parametrize("sites", SITE_SETS, ids="-".join)
def test_rules_that_tenants_get_are_taken_up(sites: tuple[str, ...]) -> None:
    """A generator whose rules are refused where they are read searches nothing that is about them."""
    history = History.of(Variant())
    history.play(Action("add", ("t0", "spoke1", 0, ("alpha",), sites)))
    history.play(Action("follow", (8,)))

    assert history.report is not None
    assert () == history.report.plan.refused
    assert ["t0"] == [str(one.key.tenant) for one in history.report.plan.attachments]


ONE_TENANT = (
    Action("add", ("t0", "spoke1", 0, ("alpha",), ("s0.example",))),
    Action("follow", (16,)),
    Action("cordon", ("spoke2", 0, False)),
    Action("follow", (3,)),
)


def test_a_filter_that_lets_nothing_out_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake planted in the simulator alone, routes that never arrive, keeps a tenant from being routed: told as such."""
    monkeypatch.setattr(ExportFilter, "verdict", lambda _self, _route: "reject")

    run = replay(Variant(), ONE_TENANT)

    assert Invariant.CONVERGENCE in {one.invariant for one in run.violations}


def test_a_firewall_that_denies_everything_is_noticed_and_the_story_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake planted in the evaluator alone: converged, but no connection comes through; only what matters is told."""
    monkeypatch.setattr(Evaluator, "_concerning", lambda _self, _source: ([], []))

    run = shrink(replay(Variant(), ONE_TENANT))

    assert Invariant.PACKETS is run.violations[0].invariant
    assert ("add",) == tuple(action.name for action in run.actions)
    assert "apply IPPool t0-pool on cluster/spoke1" in story(run)


ENDED = (*ONE_TENANT[:2], Action("end_rule", ("t0", 0)), Action("midnight", (30,)), Action("follow", (8,)))


def test_a_rule_goes_on_through_its_last_day_and_no_longer() -> None:
    """As planning is: it stands the minute before midnight, and passes end it after."""
    run = replay(Variant(), (*ENDED[:3], Action("midnight", (-60,)), Action("run"), *ENDED[3:]))

    assert not run.violations, story(run)
    written = [(line.at, line.words.strip()) for line in run.lines if "egress-000" in line.words]
    assert [("24 00:00:35", "delete RuleCollectionGroup egress-000 on firewall/hub1")] == written[1:]


@pytest.mark.parametrize(
    ("days", "passes", "words"),
    [
        (-1, ENDED, "(t0) to https://s0.example is allowed"),
        (1, (*ENDED[:3], Action("follow", (8,))), "was allowed and is denied"),
    ],
    ids=["goes on", "ends a day early"],
)
def test_a_rule_that_ends_on_another_day_is_noticed(
    monkeypatch: pytest.MonkeyPatch, days: int, passes: tuple[Action, ...], words: str
) -> None:
    """A mistake planted in the rendering alone: the judge reads the day for itself."""
    rendered = firewall_wish._rendered
    monkeypatch.setattr(
        firewall_wish,
        "_rendered",
        lambda rules, tenant, ranges, today: rendered(rules, tenant, ranges, today + timedelta(days=days)),
    )

    run = replay(Variant(), passes)

    assert Invariant.PACKETS is run.violations[0].invariant, story(run)
    assert words in run.violations[0].words
