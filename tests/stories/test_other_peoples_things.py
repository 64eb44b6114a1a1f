"""What is not ours stays as it is, however much it looks like ours."""

from __future__ import annotations

from typing import Any

from stories.desk import Desk, describe, sample
from stories.interruptions import interrupted, once

from function_app.model.names import GENERATION_LABEL, HUB_LABEL, MANAGED_BY_LABEL, TENANT_LABEL
from function_app.model.plan import RefusalCode, Stage, WaitsFor
from function_app.model.report import Result
from search.rule_collections import rule_collection
from simulator.model.packets import Verdict

CLUSTER = "spoke1-aks"
OUR_LABELS = {MANAGED_BY_LABEL: "egress-gitops", HUB_LABEL: "hub1", TENANT_LABEL: "tenant0"}


def the(desk: Desk, kind: str, name: str) -> dict[str, Any]:
    """One object of spoke1 as stored."""
    found = desk.world.clusters[CLUSTER].api.objects(kind)
    return dict(next(one for one in found if one["metadata"]["name"] == name))


def names(desk: Desk, kind: str) -> set[str]:
    """Names of all objects of a kind on spoke1."""
    return {str(one["metadata"]["name"]) for one in desk.world.clusters[CLUSTER].api.objects(kind)}


def test_a_namespace_with_our_labels_that_somebody_else_made_is_not_ours(desk: Desk) -> None:
    """Labels can be copied with a manifest: without our field manager it is reported, and stays when the tenant goes."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tenant0-egw", "labels": OUR_LABELS}}
    desk.world.clusters[CLUSTER].api.create("Namespace", None, body, manager="kubectl")
    before = the(desk, "Namespace", "tenant0-egw")
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))

    report = desk.settle()
    desk.commit({"tenants/tenant0.yaml": None})
    desk.settle()

    assert [(RefusalCode.FOREIGN_RESOURCE, "cluster/spoke1-aks Namespace/tenant0-egw")] == [
        (one.code, one.subject) for one in report.plan.refused
    ]
    assert before == the(desk, "Namespace", "tenant0-egw")
    assert () == desk.attachment("tenant1", CLUSTER).waiting_for


def test_an_object_of_an_unknown_generation_is_not_ours(desk: Desk) -> None:
    """Labels and field manager are right, and the ledger has never heard of its generation: reported, not touched."""
    labels = {**OUR_LABELS, GENERATION_LABEL: "deadbeef"}
    spec = {"cidr": "10.99.0.64/29", "blockSize": 32, "nodeSelector": "!all()", "vxlanMode": "Never"}
    body = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "IPPool",
        "metadata": {"name": "tenant0-pool", "labels": labels},
        "spec": spec,
    }
    desk.commit(sample("tenants/tenant1.yaml"))
    desk.settle()
    desk.world.clusters[CLUSTER].api.create("IPPool", None, body, manager="egress-gitops")
    before = the(desk, "IPPool", "tenant0-pool")
    desk.commit(sample("tenants/tenant0.yaml"))

    report = desk.settle()

    assert [(RefusalCode.FOREIGN_RESOURCE, "cluster/spoke1-aks IPPool/tenant0-pool")] == [
        (one.code, one.subject) for one in report.plan.refused
    ]
    assert before == the(desk, "IPPool", "tenant0-pool")


def test_somebody_elses_pool_that_comes_just_before_ours_is_named_and_waited_out(desk: Desk) -> None:
    """Native mode takes both, and ours can never be allocated from: passes rest on a person, and go on once he has acted."""
    api = desk.world.clusters["spoke2-aks"].api
    spec = {"cidr": "10.99.1.0/28", "blockSize": 32, "nodeSelector": "!all()", "vxlanMode": "Never"}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "IPPool", "metadata": {"name": "theirs"}, "spec": spec}

    def theirs() -> None:
        api.create("IPPool", None, body, manager="kubectl")
        desk.world.advance(5)

    interrupted(desk, before=once(lambda call: (call.verb, call.kind) == ("apply", "IPPool"), theirs))
    desk.commit(sample("tenants/tenant1.yaml"))
    for _ in range(60):
        report = desk.run_pass()
        if report.plan.look_again_seconds is None:
            break
        desk.world.advance(report.plan.look_again_seconds)
    row = desk.attachment("tenant1", "spoke2-aks")
    assert (None, Stage.ABSENT, (WaitsFor.PERSON,)) == (report.plan.look_again_seconds, row.stage, row.waiting_for)
    assert "IPPool theirs (10.99.1.0/28), which is not ours, overlaps" in row.detail

    api.delete("IPPool", None, "theirs")
    desk.world.advance(300)

    assert desk.settle().converged
    assert Stage.ROUTED is desk.attachment("tenant1", "spoke2-aks").stage


def test_a_gateway_namespace_in_which_somebody_works_stays(settled: Desk) -> None:
    """Everything of the tenant goes, the namespace with the stranger's Deployment does not, and the plan says why."""
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "x"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "theirs"}, "spec": spec}
    settled.world.clusters[CLUSTER].api.create("Deployment", "tenant0-egw", body, manager="kubectl")
    notes: list[str] = []
    settled.commit({"tenants/tenant0.yaml": None})

    last = settled.settle()
    for report in settled.reports:
        notes.extend(report.plan.notes)

    assert last.converged, describe(last)
    assert {"tenant0-egw"} <= names(settled, "Namespace")
    assert {"theirs"} <= names(settled, "Deployment")
    assert not {"tenant0-egw"} & names(settled, "EgressGateway")
    assert [note for note in notes if "namespace tenant0-egw stays, it holds" in note and "tenant0-egw/theirs" in note]


def test_an_object_that_was_made_anew_in_between_is_not_deleted_for_the_one_that_was_read(settled: Desk) -> None:
    """Between reading and deleting somebody puts his own object under the same name: the delete is refused by its uid."""
    api = settled.world.clusters[CLUSTER].api
    body = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "tenant0-egw"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "theirs"}}},
    }

    def replace() -> None:
        api.delete("PodDisruptionBudget", "tenant0-egw", "tenant0-egw")
        api.create("PodDisruptionBudget", "tenant0-egw", body, manager="kubectl")

    interrupted(settled, before=once(lambda call: (call.verb, call.kind) == ("delete", "PodDisruptionBudget"), replace))
    settled.commit({"tenants/tenant0.yaml": None})
    for _ in range(4):
        settled.run_pass()
        settled.world.advance(10)

    refused = [
        one.result
        for report in settled.reports
        for one in report.outcomes
        if one.change.resource.kind == "PodDisruptionBudget" and one.change.verb == "delete"
    ]
    found = the(settled, "PodDisruptionBudget", "tenant0-egw")
    assert [Result.FAILED] == refused
    assert {"app": "theirs"} == found["spec"]["selector"]["matchLabels"]


def test_a_group_of_another_team_that_is_numbered_like_ours_is_untouched(settled: Desk) -> None:
    """`platform-001` is not `egress-001`: neither rewritten nor deleted, whatever stands in it."""
    hub = settled.world.hubs["hub1"]
    rule = {
        "ruleType": "ApplicationRule",
        "name": "x",
        "sourceAddresses": ["192.0.2.1"],
        "targetFqdns": ["a.example"],
        "protocols": [{"protocolType": "Https", "port": 443}],
    }
    collection = rule_collection("tenant9-app", "Allow", rule)
    hub.put_group("tenants", "platform-001", {"properties": {"priority": 5000, "ruleCollections": [collection]}})
    settled.world.advance(300)
    before = hub.get_group("tenants", "platform-001")
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    settled.commit({"tenants/tenant0.yaml": text.replace("www.tigera.io", "docs.tigera.io")})

    last = settled.settle()

    assert last.converged, describe(last)
    assert before == hub.get_group("tenants", "platform-001")


def test_a_field_that_somebody_else_added_to_our_object_stays(settled: Desk) -> None:
    """A label and a field that we do not send are theirs: no drift, no write."""
    api = settled.world.clusters[CLUSTER].api
    theirs = {"metadata": {"labels": {"cost-centre": "42"}}, "spec": {"disableBGPExport": False}}
    api.merge_patch("IPPool", None, "tenant0-pool", theirs, manager="kubectl-edit")

    report = settled.run_pass()

    assert 0 == report.writes, describe(report)
    assert "42" == the(settled, "IPPool", "tenant0-pool")["metadata"]["labels"]["cost-centre"]
    assert Verdict.ALLOWED == settled.send(CLUSTER, "default", "http://www.tigera.io").verdict
