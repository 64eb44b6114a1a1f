"""Outside its change window nothing new is given; drift, revocations and what was begun go on."""

from __future__ import annotations

from dataclasses import replace

from stories.desk import HUB, IN_ORDER, Desk, describe, sample
from stories.test_firewall import edited
from stories.test_suspended import CLUSTER, names_of, passes, the

from function_app.model.names import Commit
from function_app.model.plan import Stage, WaitsFor
from function_app.model.tree import Tree
from function_app.reconcile import reconcile

NIGHT = '  changeWindows:\n    - {days: [mon], from: "22:00", to: "23:00", timeZone: Europe/Berlin}\n'


def with_windows(kind: str, name: str, windows: str = NIGHT) -> dict[str, str | None]:
    """A hub's or cluster's file with change windows; the walkthrough's day is a Monday."""
    file = f"{kind}s/{name}.yaml"
    return {file: sample(file)[file].rstrip("\n") + f"\n{windows}"}


def until(desk: Desk, hour: int, minute: int = 0) -> None:
    """Let time pass until then, in UTC, on the same day."""
    now = desk.world.clock.now()
    desk.world.advance((now.replace(hour=hour, minute=minute, second=0, microsecond=0) - now).total_seconds())


def test_a_commit_waits_for_the_window_and_says_when_it_opens(settled: Desk) -> None:
    """By day it waits with the time of opening; in the window it is taken up without anybody's help."""
    settled.commit(with_windows("hub", "hub1"))
    settled.settle()
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))

    passes(settled)

    row = settled.attachment("tenant0", CLUSTER)
    assert (Stage.ROUTED, (WaitsFor.CHANGE_WINDOW,)) == (row.stage, row.waiting_for)
    assert "mon 22:00 to 23:00 Europe/Berlin: the next window opens 2026-11-23 21:00 UTC" in row.detail
    assert not {"docs.tigera.io", "www.tigera.io"} & names_of(settled, "tenant0")
    last = settled.settle()
    assert last.converged, describe(last)
    assert settled.world.clock.now() >= settled.world.clock.now().replace(hour=21, minute=0)
    assert "docs.tigera.io" in names_of(settled, "tenant0")


def test_drift_is_undone_outside_the_window(settled: Desk) -> None:
    """A filter that somebody deletes by day is back with the next pass, though a commit waits."""
    settled.commit(with_windows("hub", "hub1"))
    settled.settle()
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))
    settled.run_pass()
    settled.world.clusters[CLUSTER].api.delete("BGPFilter", None, "export-egress-ips")

    settled.run_pass()

    assert the(settled, "BGPFilter", "export-egress-ips") is not None


def test_what_was_begun_is_carried_through(settled: Desk) -> None:
    """A renumbering that began five minutes before the window closes ends after it: no tenant stays half on two ranges."""
    settled.commit(with_windows("hub", "hub1"))
    settled.settle()
    until(settled, 21, 57)
    settled.commit(edited("tenant0", "10.99.0.0/29", "10.99.0.64/29"))
    settled.run_pass()
    until(settled, 22, 1)
    settled.commit(edited("tenant1", "docs.", "help."))

    passes(settled, 120)

    row = settled.attachment("tenant0", CLUSTER)
    assert ("10.99.0.64/29", Stage.ROUTED, ()) == (row.cidr, row.stage, row.waiting_for)
    assert "help.tigera.io" not in names_of(settled, "tenant1")


def test_a_removal_that_was_begun_is_carried_through(settled: Desk) -> None:
    """Its file went while the window was open: long after it has closed the range is freed and nothing is left."""
    settled.commit(with_windows("hub", "hub1"))
    settled.settle()
    until(settled, 21, 59)
    settled.commit({"tenants/tenant0.yaml": None})
    settled.run_pass()
    until(settled, 22, 5)

    assert settled.settle().converged
    assert the(settled, "IPPool", "tenant0-pool") is None
    assert "freed" in {record.kind.value for record in settled.ledger.read()}


def test_a_clusters_window_holds_for_that_cluster(settled: Desk) -> None:
    """Tenant1 is taken up on the other cluster at once: its new name is allowed from that range alone, until night comes."""
    settled.commit(with_windows("cluster", CLUSTER))
    settled.settle()
    settled.commit(edited("tenant1", "docs.", "help."))

    passes(settled)

    rows = {
        row.key.cluster: row.waiting_for for row in settled.reports[-1].plan.attachments if row.key.tenant == "tenant1"
    }
    assert {"spoke1-aks": (WaitsFor.CHANGE_WINDOW,), "spoke2-aks": ()} == rows
    assert {"10.99.1.0/29"} == allowed_from(settled, "help.tigera.io")
    assert set() == allowed_from(settled, "docs.tigera.io")
    assert settled.settle().converged
    assert {"10.99.0.8/29", "10.99.1.0/29"} == allowed_from(settled, "help.tigera.io")


def test_a_clusters_own_definition_waits_too(settled: Desk) -> None:
    """Other reflectors are no small thing: the cluster's file of before stays in force until night."""
    settled.commit(with_windows("cluster", CLUSTER))
    settled.settle()
    (file, text), *_ = with_windows("cluster", CLUSTER).items()
    assert text is not None
    settled.commit({file: text.replace("reservedNamespaces: [", "reservedNamespaces: [vault, ")})

    last = passes(settled, 3)

    assert ["cluster/spoke1-aks"] == [str(one.scope) for one in last.plan.deferrals]
    assert {f"cluster/{CLUSTER}"} == set(settled.state.read().standing)
    assert settled.settle().converged


def test_a_new_hub_gives_nothing_before_its_first_window() -> None:
    """Nothing was ever in force: the second pass by day gives no more than the first."""
    desk = Desk.with_platform()
    desk.commit({**with_windows("hub", "hub1"), **sample("tenants/tenant0.yaml")})

    last = passes(desk, 3)

    assert HUB == last.plan.hub
    assert () == desk.ledger.read()
    assert Stage.ABSENT is desk.attachment("tenant0", CLUSTER).stage
    assert desk.settle().converged
    assert desk.world.clock.now().hour >= 21


def test_a_wider_window_holds_at_once(settled: Desk) -> None:
    """Who widens a window in Git has decided it: the commit is taken up by day."""
    settled.commit(with_windows("hub", "hub1"))
    settled.settle()
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))
    settled.run_pass()
    settled.commit(with_windows("hub", "hub1", NIGHT.replace('"22:00", to: "23:00"', '"00:00", to: "24:00"')))

    before = settled.world.clock.now()
    assert settled.settle().converged
    assert before.date() == settled.world.clock.now().date()
    assert "docs.tigera.io" in names_of(settled, "tenant0")
    assert settled.world.clock.now().hour < 20


def allowed_from(desk: Desk, name: str) -> set[str]:
    """The ranges from which a name is allowed."""
    return {
        source
        for group in desk.ports.firewall.groups()
        for collection in group["properties"].get("ruleCollections") or ()
        for rule in collection["rules"]
        if name in (rule.get("targetFqdns") or ())
        for source in rule["sourceAddresses"]
    }


def test_commits_of_one_day_are_asked_for_at_one_former_commit(settled: Desk) -> None:
    """Each merges something for somebody else while the window is closed: all of it stands as it was in the morning."""
    settled.commit(with_windows("hub", "hub1"))
    settled.settle()
    morning = settled.repository.resolve("main")
    asked: set[Commit] = set()
    for change in (
        edited("tenant0", "www.", "docs."),
        edited("tenant1", "docs.", "help."),
        with_windows("cluster", CLUSTER),
    ):
        settled.commit(change)
        _noting(settled, asked)
    (file, text), *_ = with_windows("cluster", CLUSTER).items()
    assert text is not None
    settled.commit({file: text.replace("reservedNamespaces: [", "reservedNamespaces: [vault, ")})
    _noting(settled, asked)
    asked.clear()

    _noting(settled, asked)

    assert {morning} == asked == set(settled.state.read().standing.values())
    assert 4 == len(settled.state.read().standing)


def _noting(desk: Desk, asked: set[Commit]) -> None:
    """A pass that notes which former commits it reads."""
    source = desk.tree()

    def former(commit: Commit) -> Tree:
        asked.add(commit)
        return source.former(commit)

    reconcile(HUB, replace(source, former=former), desk.ports, IN_ORDER, holder="desk", draw=desk.draw)
