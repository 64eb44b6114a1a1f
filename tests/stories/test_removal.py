"""A tenant leaves: its traffic changes identity or ends as it asked, and everything of it goes in the safe order."""

from __future__ import annotations

from stories.desk import Desk, describe, sample

from function_app.model.definitions import OnRemoval
from function_app.model.ledger import RecordKind
from function_app.model.plan import RefusalCode, Stage, Verb, WaitsFor
from function_app.model.state import DecisionKind
from simulator.model.packets import Packet, Verdict


def test_a_removed_tenant_leaves_nothing_behind(settled: Desk) -> None:
    """Its pods never appear under another tenant's range, and pool, gateway, namespace, rules and routes are gone."""
    packets: list[Packet] = []
    settled.commit({"tenants/tenant0.yaml": None})

    last = settled.settle(watch=lambda: packets.append(settled.send("spoke1-aks", "default", "http://www.tigera.io")))

    api = settled.world.clusters["spoke1-aks"].api
    assert last.converged, describe(last)
    assert {"tenant0", ""} >= {packet.range_tenant for packet in packets}
    assert not [
        one
        for kind in ("IPPool", "EgressGateway", "Namespace")
        for one in api.objects(kind)
        if "tenant0" in one["metadata"]["name"]
    ]
    assert "tenant0" not in str(settled.ports.firewall.groups())
    assert RecordKind.FREED in {one.kind for one in settled.ledger.records if one.tenant == "tenant0"}
    assert 0 == settled.run_pass().writes


def test_a_tenant_on_its_way_out_is_called_leaving_until_everything_is_gone(settled: Desk) -> None:
    """Its row says what is waited for; with the range in quarantine there is no row any more."""
    settled.reports.clear()
    settled.commit({"tenants/tenant0.yaml": None})

    settled.settle()

    stages = [one.stage for report in settled.reports for one in report.plan.attachments if one.key.tenant == "tenant0"]
    assert {Stage.LEAVING} == set(stages)
    assert "tenant0" not in {str(one.key.tenant) for one in settled.reports[-1].plan.attachments}


def test_steps_of_a_removal_come_in_the_safe_order(settled: Desk) -> None:
    """First the annotation, then the gateway, then filter entry and pool, then the namespace; each deletion tells whose it is."""
    settled.reports.clear()
    settled.commit({"tenants/tenant0.yaml": None})

    settled.settle()

    done = [str(one.change.resource) for report in settled.reports for one in report.outcomes]
    order = [
        "Namespace/default",
        "EgressGateway/tenant0-egw/tenant0-egw",
        "BGPFilter/export-egress-ips",
        "IPPool/tenant0-pool",
        "Namespace/tenant0-egw",
    ]
    assert order == [one for one in done if one in order]
    changes = [one.change for report in settled.reports for one in report.outcomes]
    whose = [tuple(map(str, one.attachments)) for one in changes if one.verb is Verb.DELETE]
    assert {("tenant0@spoke1-aks",)} == set(whose)


def test_on_removal_block_ends_the_traffic_instead_of_letting_it_leave_as_the_node(settled: Desk) -> None:
    """With `onRemoval: block` the annotations stay and no packet gets out any more."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    blocking = text.replace("spec:\n", f"spec:\n  onRemoval: {OnRemoval.BLOCK}\n", 1)
    settled.commit({"tenants/tenant0.yaml": blocking})
    settled.settle()
    packets: list[Packet] = []
    settled.commit({"tenants/tenant0.yaml": None})

    last = settled.settle(watch=lambda: packets.append(settled.send("spoke1-aks", "default", "http://www.tigera.io")))

    assert last.converged, describe(last)
    assert Verdict.DROPPED == packets[-1].verdict
    assert not [packet for packet in packets if packet.source and packet.range_tenant != "tenant0"]


def test_removing_all_tenants_at_once_is_refused_until_it_is_waived(settled: Desk) -> None:
    """The refusal names the numbers; nothing changes; with the waiver for this very plan the removal goes through."""
    settled.commit({"tenants/tenant0.yaml": None, "tenants/tenant1.yaml": None})

    refused = settled.settle()
    packet = settled.send("spoke1-aks", "default", "http://www.tigera.io")
    settled.decide(DecisionKind.WAIVER, str(refused.plan.plan_id), code=RefusalCode.REMOVALS)
    allowed = settled.settle()

    assert [RefusalCode.REMOVALS] == [one.code for one in refused.plan.refused]
    assert "3 of 3" in refused.plan.refused[0].message
    assert 0 == refused.writes
    assert Verdict.ALLOWED == packet.verdict
    assert allowed.converged, describe(allowed)


def test_a_namespace_taken_off_the_list_leaves_as_the_node_and_its_tenant_stays(settled: Desk) -> None:
    """Only the namespace's annotations go; the gateway goes on for the others."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    settled.commit({"tenants/tenant0.yaml": text.replace("[default]", "[default, extra]")})
    settled.world.clusters["spoke1-aks"].api.create(
        "Namespace", None, {"metadata": {"name": "extra"}}, manager="kubectl"
    )
    settled.settle()
    settled.commit({"tenants/tenant0.yaml": text})

    last = settled.settle()

    extra = next(
        one
        for one in settled.world.clusters["spoke1-aks"].api.objects("Namespace")
        if one["metadata"]["name"] == "extra"
    )
    assert last.converged, describe(last)
    assert not [key for key in extra["metadata"].get("annotations", {}) if key.startswith("egress.projectcalico.org/")]
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_a_foreign_namespace_that_uses_the_gateway_delays_the_removal_for_a_day_at_most(settled: Desk) -> None:
    """It is reported and left alone; after 24 hours the gateway goes all the same."""
    api = settled.world.clusters["spoke1-aks"].api
    selector = {
        "egress.projectcalico.org/selector": "k8s-app == 'tenant0-egw'",
        "egress.projectcalico.org/namespaceSelector": "all()",
    }
    api.create("Namespace", None, {"metadata": {"name": "stranger", "annotations": selector}}, manager="kubectl")
    settled.commit({"tenants/tenant0.yaml": None})
    for _ in range(10):
        settled.run_pass()
        settled.world.advance(60)
    waiting = settled.attachment("tenant0", "spoke1-aks")
    gateways = [one["metadata"]["name"] for one in api.objects("EgressGateway")]
    settled.world.advance(24 * 3600)

    last = settled.settle()

    assert WaitsFor.UNPOINTED in waiting.waiting_for
    assert "tenant0-egw" in gateways
    assert last.converged, describe(last)
    assert (
        selector
        == next(one for one in api.objects("Namespace") if one["metadata"]["name"] == "stranger")["metadata"][
            "annotations"
        ]
    )


def test_a_pool_that_refuses_to_go_keeps_its_range_and_is_told_of(settled: Desk) -> None:
    """Somebody's finalizer holds the pool: after an hour the plan says so, and the range is never freed meanwhile."""
    api = settled.world.clusters["spoke1-aks"].api
    api.merge_patch(
        "IPPool", None, "tenant0-pool", {"metadata": {"finalizers": ["example.com/keep"]}}, manager="kubectl"
    )
    settled.commit({"tenants/tenant0.yaml": None})
    for _ in range(100):
        settled.run_pass()
        settled.world.advance(60)

    assert RecordKind.FREED not in {one.kind for one in settled.ledger.records}
    assert any("has been leaving for" in note and "tenant0-pool" in note for note in settled.reports[-1].plan.notes)


def test_a_waiver_for_another_plan_allows_nothing(settled: Desk) -> None:
    """Somebody allowed a removal once, for another plan: this one is refused as if nobody had."""
    settled.commit({"tenants/tenant0.yaml": None, "tenants/tenant1.yaml": None})
    settled.decide(DecisionKind.WAIVER, "0123456789abcdef", code=RefusalCode.REMOVALS)

    report = settled.settle()

    assert [RefusalCode.REMOVALS] == [one.code for one in report.plan.refused]
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict


def test_a_tenants_file_that_moves_is_no_removal(settled: Desk) -> None:
    """The file is renamed and its content is not: the old name holds, nothing is deleted and nothing created."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    settled.commit({"tenants/tenant0.yaml": None, "tenants/payments.yaml": text})
    settled.reports.clear()

    settled.settle()

    assert 0 == sum(one.writes for one in settled.reports)
    assert Verdict.ALLOWED == settled.send("spoke1-aks", "default", "http://www.tigera.io").verdict
