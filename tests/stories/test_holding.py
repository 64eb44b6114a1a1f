"""Broken definitions: located, held at the last valid content, and nobody else's change waits for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stories.desk import HUB, IN_ORDER, PLATFORM, Desk, describe, sample

from function_app.model.errors import Problem, Severity
from function_app.model.ledger import RecordKind
from function_app.model.names import Place
from function_app.model.plan import RefusalCode, Stage, WaitsFor
from function_app.model.tree import Held
from function_app.reconcile import Source, reconcile
from simulator.model.faults import Action, Fault
from simulator.model.packets import Verdict


def test_a_broken_file_holds_its_tenant_and_lets_the_others_change(settled: Desk) -> None:
    """Tenant0's file is broken and tenant1's rules change in one commit: tenant0 stays as it was, tenant1 changes."""
    tenant0 = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    tenant1 = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    settled.commit(
        {
            "tenants/tenant0.yaml": tenant0.replace("www.tigera.io", "www tigera io"),
            "tenants/tenant1.yaml": tenant1.replace("docs.tigera.io", "www.tigera.io"),
        }
    )

    report = settled.settle()

    problem = report.held[0].problems[0]
    assert "tenants/tenant0.yaml" == problem.place.file.removeprefix("gitops/")
    assert problem.place.line > 1
    assert {RefusalCode.DEFINITION_HELD} == {one.code for one in report.plan.refused}
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "shop", "https://www.tigera.io").verdict
    assert Verdict.DENIED == settled.send("spoke1-aks", "shop", "https://docs.tigera.io").verdict


def test_the_same_holds_from_a_fresh_clone_with_empty_state() -> None:
    """Whoever starts with the broken commit and no memory arrives at the same: the last valid definition is in Git."""
    desk = Desk.at()
    desk.commit(sample(*PLATFORM, "tenants/tenant0.yaml"))
    broken = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"].replace("www.tigera.io", "www tigera io")
    desk.commit({"tenants/tenant0.yaml": broken})

    desk.settle()

    assert Verdict.ALLOWED == desk.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_a_file_that_no_longer_parses_never_means_that_its_tenant_was_removed(settled: Desk) -> None:
    """A file full of rubbish changes nothing that packets feel, and nothing is written."""
    settled.commit({"tenants/tenant0.yaml": "}{ not yaml", "tenants/tenant1.yaml": ""})
    settled.reports.clear()

    report = settled.settle()

    assert 0 == sum(one.writes for one in settled.reports), describe(report)
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_a_repaired_file_takes_effect(settled: Desk) -> None:
    """The correction of a held file is an ordinary change."""
    tenant0 = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    settled.commit({"tenants/tenant0.yaml": tenant0.replace("www.tigera.io", "www tigera io")})
    settled.settle()
    settled.commit({"tenants/tenant0.yaml": tenant0.replace("www.tigera.io", "docs.tigera.io")})

    report = settled.settle()

    assert report.converged, describe(report)
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://docs.tigera.io").verdict
    assert Verdict.DENIED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_when_the_definitions_vanish_nothing_is_removed(settled: Desk) -> None:
    """A commit that empties the folder is doubt, not a removal of everything."""
    every = [*PLATFORM, "tenants/tenant0.yaml", "tenants/tenant1.yaml"]
    settled.commit(dict.fromkeys(every))
    settled.reports.clear()

    for _ in range(5):
        settled.run_pass()
        settled.world.advance(60)

    assert 0 == sum(one.writes for one in settled.reports)
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_a_file_that_a_stricter_release_leaves_out_is_no_removal(settled: Desk) -> None:
    """Its whole history breaks a rule that is new, so nothing of it is in force any more: the tenant stays as it is."""
    source = settled.tree()
    tree = source.tree
    tenants = {name: one for name, one in tree.definitions.tenants.items() if name != "tenant0"}
    problem = Problem(Place("tenants/tenant0.yaml"), "spec", Severity.ERROR, "made-up", "A new rule.", "Obey it.")
    held = Held("tenants/tenant0.yaml", tree.commit, previous_in_force=False, problems=(problem,))
    stricter = replace(tree, definitions=replace(tree.definitions, tenants=tenants), held=(held,))

    for _ in range(5):
        report = reconcile(
            HUB, Source(stricter, source.seen), settled.ports, IN_ORDER, holder="desk", draw=settled.draw
        )
        settled.world.advance(60)

    assert 0 == report.writes
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("tenants/tenant0-new.yaml", sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]),
        ("tenants/somebody.yaml", "<<<<<<< ours\nkind: Tenant\nmetadata: {name: tenant0}\n"),
        ("tenants/somebody.yaml", ""),
    ],
    ids=["named otherwise", "with conflict markers", "empty"],
)
def test_a_removal_does_not_begin_while_a_file_that_cannot_be_used_may_undo_it(
    settled: Desk, file: str, text: str
) -> None:
    """A tenant is removed and wanted again by the next merge, in a file with a mistake; what was not meant at all still goes."""
    settled.commit({"tenants/tenant0.yaml": None})
    settled.commit({file: text})
    for _ in range(5):
        settled.run_pass()
        settled.world.advance(60)
    kept, connection = (
        settled.attachment("tenant0", "spoke1-aks"),
        settled.send("spoke1-aks", "default", "http://www.tigera.io"),
    )

    settled.commit({file: None})
    settled.settle()

    assert (WaitsFor.DEFINITION,) == kept.waiting_for
    assert file in kept.detail
    assert Verdict.ALLOWED == connection.verdict
    assert RecordKind.FREED in {one.kind for one in settled.ledger.records if one.tenant == "tenant0"}


def test_a_removal_that_has_begun_goes_on_when_the_file_breaks(settled: Desk) -> None:
    """Valid definitions took tenant1 off a cluster that did not answer, and when it does the file is empty: it leaves that one."""
    settled.world.faults.add(Fault(target="cluster/spoke2-aks", action=Action.TIMEOUT_BEFORE, count=0))
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    start, end = text.index("    - cluster: spoke2-aks"), text.index("  egress:")
    settled.commit({"tenants/tenant1.yaml": text[:start] + text[end:]})
    settled.run_pass()
    settled.commit({"tenants/tenant1.yaml": ""})
    settled.world.faults.clear()

    settled.settle()

    freed = [(one.tenant, one.cluster) for one in settled.ledger.records if one.kind is RecordKind.FREED]
    assert [("tenant1", "spoke2-aks")] == freed
    assert Stage.ROUTED == settled.attachment("tenant1", "spoke1-aks").stage


def test_while_the_tree_is_in_doubt_not_even_one_removal_begins(settled: Desk) -> None:
    """A tenant is removed, and before a pass runs the next commit loses every hub: the removal waits until the tree is sound."""
    settled.commit({"tenants/tenant0.yaml": None})
    settled.commit({"hubs/hub1.yaml": None})
    for _ in range(5):
        report = settled.run_pass()
        settled.world.advance(60)
    kinds = {one.kind for one in settled.ledger.records}
    packet = settled.send("spoke1-aks", "default", "http://www.tigera.io")
    settled.commit(sample("hubs/hub1.yaml"))

    last = settled.settle()

    assert RecordKind.LEAVE not in kinds, describe(report)
    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.range_tenant)
    assert [note for note in report.plan.notes if "nothing is removed while the tree is in doubt" in note]
    assert last.converged, describe(last)
    assert RecordKind.FREED in {one.kind for one in settled.ledger.records}
