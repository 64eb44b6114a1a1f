"""What a person suspends stands still until it ends: nothing new is given, drift is only told, and what denies goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from stories.desk import HUB, IN_ORDER, Desk, describe, sample
from stories.test_firewall import edited

from function_app.model.names import Commit
from function_app.model.plan import RefusalCode, Stage, WaitsFor
from function_app.model.report import Report, Result
from function_app.model.state import DecisionKind
from function_app.model.tree import Tree
from function_app.reconcile import reconcile
from simulator.model.faults import Action as FaultAction
from simulator.model.faults import Fault
from simulator.model.packets import Verdict

CLUSTER = "spoke1-aks"
TENANT0 = "tenants/tenant0.yaml"


def suspend(desk: Desk, subject: str, hours: float = 4) -> None:
    """Somebody suspends it."""
    desk.decide(DecisionKind.SUSPEND, subject, expires=desk.world.clock.now() + timedelta(hours=hours))


def resume(desk: Desk, subject: str) -> None:
    """Somebody takes that back."""
    assert desk.state.withdraw(DecisionKind.SUSPEND.value, subject)


def passes(desk: Desk, count: int = 40) -> Report:
    """So many passes, ten seconds apart, which is longer than a firewall operation takes."""
    for _ in range(count):
        desk.run_pass()
        desk.world.advance(10)
    return desk.reports[-1]


def names_of(desk: Desk, tenant: str) -> set[str]:
    """The names that application rules of a tenant allow now."""
    found: set[str] = set()
    for group in desk.ports.firewall.groups():
        for collection in group["properties"].get("ruleCollections") or ():
            if collection["name"].startswith(f"{tenant}-"):
                found |= {name for rule in collection["rules"] for name in rule.get("targetFqdns") or ()}
    return found


def the(desk: Desk, kind: str, name: str) -> dict[str, Any] | None:
    """One object as stored, None when it is gone."""
    found = (one for one in desk.world.clusters[CLUSTER].api.objects(kind) if one["metadata"]["name"] == name)
    return next(found, None)


def test_a_commit_is_not_taken_up_and_others_are(settled: Desk) -> None:
    """Tenant0 is suspended: of one commit its new name waits, saying who and why, and tenant1's is given."""
    suspend(settled, "tenant/tenant0")
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io") | edited("tenant1", "docs.", "help."))

    last = passes(settled)

    row = settled.attachment("tenant0", CLUSTER)
    assert "docs.tigera.io" not in names_of(settled, "tenant0")
    assert (Stage.ROUTED, False, (WaitsFor.SUSPENDED,)) == (row.stage, row.current, row.waiting_for)
    assert "by someone until" in row.detail
    assert "Git asks for" not in row.detail
    assert "because" in row.detail
    assert all(
        WaitsFor.SUSPENDED not in one.waiting_for for one in last.plan.attachments if one.key.tenant == "tenant1"
    )
    assert "help.tigera.io" in names_of(settled, "tenant1")


def test_what_a_commit_takes_away_goes_all_the_same(settled: Desk) -> None:
    """The edit trades one name for another: the one that Git no longer allows goes, the other is not given."""
    suspend(settled, "tenant/tenant0")
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))

    passes(settled)

    assert not {"www.tigera.io", "docs.tigera.io"} & names_of(settled, "tenant0")


def test_once_resumed_everything_is_as_git_has_it(settled: Desk) -> None:
    """After the end of a suspension the newest commit is taken up and nothing is remembered of it."""
    suspend(settled, "tenant/tenant0")
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))
    passes(settled)
    resume(settled, "tenant/tenant0")

    last = settled.settle()

    assert last.converged, describe(last)
    assert "docs.tigera.io" in names_of(settled, "tenant0")
    assert {} == settled.state.read().standing


def test_it_ends_by_itself(settled: Desk) -> None:
    """A suspension expires, a pass is asked for then, and nobody need do anything."""
    suspend(settled, "tenant/tenant0", hours=1)
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))

    last = settled.settle(most=400)

    assert last.converged, describe(last)
    assert "docs.tigera.io" in names_of(settled, "tenant0")


def test_a_new_tenant_is_left_out_and_says_why(desk: Desk) -> None:
    """A tenant that was suspended before its file came: no range is given, its row says why and which range it asks for."""
    desk.settle()
    suspend(desk, "tenant/tenant0")
    desk.commit(sample(TENANT0))

    passes(desk, 3)

    row = desk.attachment("tenant0", CLUSTER)
    assert (Stage.ABSENT, (WaitsFor.SUSPENDED,)) == (row.stage, row.waiting_for)
    assert "10.99.0.0/29" == row.cidr
    assert () == desk.ledger.read()


def test_a_removal_waits_but_its_rules_go(settled: Desk) -> None:
    """Tenant0's file is deleted while it is suspended: gateway and annotations stay, and nothing is allowed any more."""
    suspend(settled, "tenant/tenant0")
    settled.commit({TENANT0: None})

    passes(settled)

    assert set() == names_of(settled, "tenant0")
    assert the(settled, "EgressGateway", "tenant0-egw") is not None
    assert "Git removes it; tenant tenant0 is suspended" in settled.attachment("tenant0", CLUSTER).detail
    assert "leave" not in {record.kind.value for record in settled.ledger.read()}
    assert Verdict.DENIED is settled.send(CLUSTER, "default", "https://www.tigera.io").verdict


def test_drift_is_told_and_not_undone(settled: Desk) -> None:
    """Somebody lowers the replicas by hand while the tenant is suspended: it stays so, and the plan says what waits."""
    suspend(settled, "tenant/tenant0")
    settled.world.clusters[CLUSTER].api.merge_patch(
        "EgressGateway", "tenant0-egw", "tenant0-egw", {"spec": {"replicas": 1}}, manager="kubectl-edit"
    )

    last = passes(settled, 4)

    waiting = [one for one in last.plan.changes if one.resource.name == "tenant0-egw"]
    assert [WaitsFor.SUSPENDED] == [one.waits_for for one in waiting]
    assert 1 == (the(settled, "EgressGateway", "tenant0-egw") or {})["spec"]["replicas"]


def test_a_rule_taken_out_by_hand_is_not_put_back(settled: Desk) -> None:
    """The firewall's drift that permits less than it should is left as well."""
    suspend(settled, "tenant/tenant0")
    group = next(one for one in settled.ports.firewall.groups() if one["name"] == "egress-000")
    for collection in group["properties"]["ruleCollections"]:
        if collection["name"] == "tenant0-app":
            collection["rules"] = [one for one in collection["rules"] if "www.tigera.io" not in one["targetFqdns"]]
    settled.world.hubs["hub1"].put_group("tenants", "egress-000", group)
    settled.world.advance(600)

    passes(settled)

    assert "www.tigera.io" not in names_of(settled, "tenant0")


def test_a_namespace_that_is_kept_cannot_be_given_away(settled: Desk) -> None:
    """Tenant0 gives `default` up while suspended and tenant1 asks for it: tenant1 waits behind tenant0."""
    one, other = edited("tenant0", "namespaces: [default]", "namespaces: [elsewhere]"), sample("tenants/tenant1.yaml")
    text = other["tenants/tenant1.yaml"]
    assert "namespaces: [" in text
    suspend(settled, "tenant/tenant0")
    settled.commit({**one, "tenants/tenant1.yaml": text.replace("namespaces: [", "namespaces: [default, ", 1)})

    last = passes(settled, 4)

    behind = [
        row for row in last.plan.attachments if row.key.tenant == "tenant1" and "asks for namespace" in row.detail
    ]
    assert [(WaitsFor.SUSPENDED,)] == [row.waiting_for for row in behind]
    assert {"tenant/tenant0", "tenant/tenant1"} == {str(one.scope) for one in last.plan.deferrals}
    assert settled.attachment("tenant0", CLUSTER).namespaces == ("default",)


@pytest.mark.parametrize("ledger", ["kept", "lost", "damaged", "lost while the cluster is silent"])
def test_a_forgotten_state_gives_nothing_and_takes_nothing(settled: Desk, ledger: str) -> None:
    """Nobody remembers which commit was in force, and a tenant is suspended: it stays, only what denies is written, in words."""
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))
    settled.settle()
    settled.state.state = type(settled.state.read())()
    if ledger == "damaged":
        settled.ledger.unreadable = "line 3 is damaged"
    elif ledger != "kept":
        settled.ledger.records.clear()
    if "silent" in ledger:
        for target in (f"cluster/{CLUSTER}", "firewall/hub1"):
            settled.world.faults.add(Fault(target=target, action=FaultAction.UNREACHABLE, count=30))
    suspend(settled, "tenant/tenant0")
    settled.commit(edited("tenant0", "www.tigera.io", "help.tigera.io"))

    last = passes(settled)

    assert RefusalCode.STANDING_UNKNOWN in [one.code for one in last.plan.refused]
    assert "help.tigera.io" not in names_of(settled, "tenant0")
    packet = settled.send(CLUSTER, "default", "https://login.microsoftonline.com")
    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.tenant)
    settled.ledger.unreadable = ""
    settled.world.faults.clear()
    resume(settled, "tenant/tenant0")
    assert settled.settle().converged


def test_nothing_is_written_on_a_suspended_cluster(settled: Desk) -> None:
    """Commits for both tenants there wait, on the other cluster they do not; only its own drift is left."""
    suspend(settled, f"cluster/{CLUSTER}")
    settled.reports.clear()
    settled.commit(edited("tenant0", "replicas: 2", "replicas: 3") | edited("tenant1", "docs.", "help."))
    settled.world.clusters[CLUSTER].api.delete("BGPPeer", None, "azure-route-server-a")

    last = passes(settled)

    made = [one for report in settled.reports for one in report.outcomes if one.result is not Result.PENDING]
    assert the(settled, "BGPPeer", "azure-route-server-a") is None
    assert {"firewall/hub1"} == {str(one.change.target) for one in made}
    rows = {str(one.key): one.waiting_for for one in last.plan.attachments}
    assert (WaitsFor.SUSPENDED,) == rows["tenant0@spoke1-aks"] == rows["tenant1@spoke1-aks"]
    assert () == rows["tenant1@spoke2-aks"]
    allowed = {
        (name, source)
        for group in settled.ports.firewall.groups()
        for collection in group["properties"].get("ruleCollections") or ()
        for rule in collection["rules"]
        for name in rule.get("targetFqdns") or ()
        for source in rule["sourceAddresses"]
    }
    assert ("help.tigera.io", "10.99.1.0/29") in allowed
    assert ("help.tigera.io", "10.99.0.8/29") not in allowed


BOTH = ("tenant/tenant0", "tenant/tenant1")
_RANGES = [{"action": "Accept", "matchOperator": "In", "cidr": cidr} for cidr in ("10.99.0.0/29", "10.99.0.8/29")]
_CLOSED = [*_RANGES, {"action": "Reject"}]
_PODS = {"action": "Accept", "matchOperator": "In", "cidr": "10.244.0.0/16"}


@pytest.mark.parametrize(
    ("scopes", "found", "left"),
    [
        pytest.param(BOTH, [{"action": "Accept"}], _CLOSED, id="open, tenants suspended"),
        pytest.param(BOTH, [*_RANGES], _CLOSED, id="without its reject, tenants suspended"),
        pytest.param(BOTH, [_PODS, *_CLOSED], _CLOSED, id="lets pods out, tenants suspended"),
        pytest.param(BOTH, None, _CLOSED, id="deleted, tenants suspended"),
        pytest.param(BOTH, _CLOSED[1:], _CLOSED[1:], id="lets less out, tenants suspended"),
        pytest.param((f"cluster/{CLUSTER}",), [{"action": "Accept"}], [{"action": "Accept"}], id="cluster suspended"),
    ],
)
def test_a_filter_that_leaks_is_closed_though_all_tenants_are_suspended(
    settled: Desk, scopes: tuple[str, ...], found: list[dict[str, str]] | None, left: list[dict[str, str]]
) -> None:
    """It keeps the cluster's own routes in, which no tenant's suspension is about; on a suspended cluster it stands still."""
    for scope in scopes:
        suspend(settled, scope)
    api = settled.world.clusters[CLUSTER].api
    if found is None:
        api.delete("BGPFilter", None, "export-egress-ips")
    else:
        api.merge_patch("BGPFilter", None, "export-egress-ips", {"spec": {"exportV4": found}}, manager="kubectl-edit")

    passes(settled, 4)

    assert left == (the(settled, "BGPFilter", "export-egress-ips") or {})["spec"]["exportV4"]


def test_a_decision_that_only_a_newer_release_understands_lets_nothing_through_but_denials(settled: Desk) -> None:
    """Two releases run side by side: this one says which decision it cannot read, gives nothing, revokes and blocks."""
    settled.decide(DecisionKind("freeze"), "tenant/tenant0")
    settled.decide(DecisionKind.BLOCK, "tenant1")
    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))

    last = passes(settled)

    (refused,) = last.plan.refused
    assert RefusalCode.STANDING_UNKNOWN is refused.code
    assert refused.message.startswith("The version of the definitions that is in force cannot be read")
    assert "`freeze` was decided on tenant/tenant0 by someone, and only a newer release knows" in refused.message
    assert names_of(settled, "tenant0").isdisjoint({"www.tigera.io", "docs.tigera.io"})
    assert Verdict.DENIED is settled.send(CLUSTER, "shop", "https://api.payments.example").verdict
    assert settled.state.withdraw("freeze", "tenant/tenant0")
    settled.settle()
    assert "docs.tigera.io" in names_of(settled, "tenant0")


def test_a_suspended_hub_still_blocks(settled: Desk) -> None:
    """What denies goes on: a block lands, though nothing else on the hub is written."""
    suspend(settled, "hub/hub1")
    settled.commit(edited("tenant1", "docs.", "help."))
    settled.decide(DecisionKind.BLOCK, "tenant1")

    passes(settled)

    assert Verdict.DENIED is settled.send("spoke1-aks", "shop", "https://api.payments.example").verdict
    assert "help.tigera.io" not in names_of(settled, "tenant1")


def test_a_usual_pass_reads_no_former_commit(settled: Desk) -> None:
    """While nothing keeps a commit from being taken up, and while none is to be, Git is not asked what stood before."""

    def never(commit: Commit) -> Tree:
        raise AssertionError(f"{commit} was read")

    def one() -> Report:
        source = replace(settled.tree(), former=never)
        return reconcile(HUB, source, settled.ports, IN_ORDER, holder="desk", draw=settled.draw)

    settled.commit(edited("tenant0", "www.tigera.io", "docs.tigera.io"))
    assert one().plan.changes
    suspend(settled, "tenant/tenant1")
    assert one().plan.deferrals
    settled.commit(edited("tenant1", "docs.", "help."))
    with pytest.raises(AssertionError, match="was read"):
        one()


def test_whatever_was_put_off_the_end_is_the_same(settled: Desk) -> None:
    """A renumbering, a removal, rules and replicas, through suspensions that come and go: as if there had been none."""
    smooth = Desk.with_platform()
    smooth.commit(sample(TENANT0, "tenants/tenant1.yaml"))
    smooth.settle()
    text = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    steps: list[tuple[str, str, dict[str, str | None]]] = [
        ("suspend", "tenant/tenant0", edited("tenant0", "10.99.0.0/29", "10.99.0.64/29")),
        ("suspend", f"cluster/{CLUSTER}", {"tenants/tenant1.yaml": text.replace("docs.", "help.")}),
        ("resume", "tenant/tenant0", edited("tenant0", "replicas: 2", "replicas: 3")),
        ("suspend", "hub/hub1", {TENANT0: None}),
        ("resume", f"cluster/{CLUSTER}", edited("tenant0", "www.tigera.io", "docs.tigera.io")),
    ]
    for what, scope, change in steps:
        (suspend if what == "suspend" else resume)(settled, scope)
        for desk in (settled, smooth):
            desk.commit(change)
        passes(settled, 3)
        smooth.settle(400)
    resume(settled, "hub/hub1")

    assert settled.settle(400).converged
    assert _as_it_is(smooth) == _as_it_is(settled)
    assert {} == settled.state.read().standing


def _as_it_is(desk: Desk) -> dict[str, object]:
    """What is allowed from where, the pools, how many gateways, and which namespaces leave by which tenant."""
    rules = {
        (
            rule["name"],
            tuple(rule["sourceAddresses"]),
            tuple(rule.get("targetFqdns") or rule.get("destinationAddresses") or ()),
        )
        for group in desk.ports.firewall.groups()
        for collection in group["properties"].get("ruleCollections") or ()
        for rule in collection["rules"]
    }
    rows = {
        str(one.key): (one.cidr, one.stage, one.current, one.namespaces) for one in desk.reports[-1].plan.attachments
    }
    objects = {
        (cluster, kind, one["metadata"]["name"].split("-pool")[0]): one["spec"].get(key)
        for cluster in desk.world.clusters
        for kind, key in (("IPPool", "cidr"), ("EgressGateway", "replicas"))
        for one in desk.world.clusters[cluster].api.objects(kind)
    }
    return {"rules": rules, "rows": rows, "objects": objects}


def test_a_cluster_stays_as_a_suspended_tenant_stands_on_it(settled: Desk) -> None:
    """A commit moves the cluster's egress CIDR with all its tenants; one is suspended, so all three stay until it is resumed."""
    moved = {
        f"clusters/{CLUSTER}.yaml": "egressCIDR: 10.99.0.0/24",
        TENANT0: "cidr: 10.99.0.0/29",
        "tenants/tenant1.yaml": "cidr: 10.99.0.8/29",
    }
    change: dict[str, str | None] = {}
    for file, text in moved.items():
        assert text in sample(file)[file]
        change[file] = sample(file)[file].replace(text, text.replace("10.99.0.", "10.98.0."))
    suspend(settled, "tenant/tenant0")
    settled.commit(change)

    last = passes(settled, 12)

    assert {"tenant/tenant0", "tenant/tenant1", f"cluster/{CLUSTER}"} == {str(one.scope) for one in last.plan.deferrals}
    assert {"10.99.0.0/29", "10.99.0.8/29", "10.99.1.0/29"} == {row.cidr for row in last.plan.attachments}
    assert {(WaitsFor.SUSPENDED,), ()} == {row.waiting_for for row in last.plan.attachments}
    assert Verdict.ALLOWED is settled.send(CLUSTER, "default", "https://www.tigera.io").verdict
    resume(settled, "tenant/tenant0")
    assert settled.settle(400).converged
    assert {"10.98.0.0/29", "10.98.0.8/29", "10.99.1.0/29"} == {
        row.cidr for row in settled.reports[-1].plan.attachments
    }
