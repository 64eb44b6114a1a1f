"""Small hand-built plans and reports, and how a rendering looks at a width."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rich.console import Console, RenderableType

from function_app.model.errors import Problem, Severity
from function_app.model.names import (
    AttachmentKey,
    ClusterName,
    Commit,
    HubName,
    Place,
    PlanId,
    TenantName,
    cluster_target,
    firewall_target,
)
from function_app.model.plan import (
    Apply,
    AttachmentState,
    Change,
    ChangeReason,
    MergePatch,
    Plan,
    PutGroup,
    Refusal,
    RefusalCode,
    Stage,
    Verb,
    WaitsFor,
)
from function_app.model.report import Outcome, Report, Result
from function_app.model.resources import Kind, ResourceId, Unreadable
from function_app.model.state import Wait
from function_app.model.tree import Held

NOW = datetime(2026, 11, 23, 6, 40, 5, tzinfo=UTC)
COMMIT = Commit("4f1c2ad9b07e5d6638c1f0a2b4d6e8f012345678")
SECRET = "this-body-is-not-for-anybody"
KEY = AttachmentKey(TenantName("tenant0"), ClusterName("spoke1-aks"))
OTHER = AttachmentKey(TenantName("tenant1"), ClusterName("spoke2-aks"))

POOL = Change(
    Verb.CREATE,
    cluster_target("spoke1-aks"),
    ResourceId(Kind.IP_POOL, "tenant0-pool"),
    ChangeReason.NEW,
    "tenant0 is attached to spoke1-aks",
    Apply({"spec": SECRET}),
)
ANNOTATIONS = Change(
    Verb.UPDATE,
    cluster_target("spoke1-aks"),
    ResourceId(Kind.NAMESPACE, "default"),
    ChangeReason.NEW,
    "its pods leave through tenant0's gateway",
    MergePatch({"metadata": SECRET}),
    waits_for=WaitsFor.SERVING,
)
SHARD = Change(
    Verb.UPDATE,
    firewall_target("hub1"),
    ResourceId(Kind.RULE_COLLECTION_GROUP, "egress-000"),
    ChangeReason.EDITED,
    "tenant0 may reach www.tigera.io",
    PutGroup({"properties": SECRET}),
)
HELD = Held(
    "tenants/tenant9.yaml",
    COMMIT,
    previous_in_force=True,
    problems=(
        Problem(
            Place("gitops/tenants/tenant9.yaml", 14, 9),
            "spec.egress.allow[0].fqdns[0]",
            Severity.ERROR,
            "fqdn-form",
            "`a b` has a space.",
            "Write a name such as www.example.com.",
        ),
    ),
)
WAITS: Mapping[str, Wait] = {str(KEY): Wait("pooled", "serving,permitted", NOW - timedelta(seconds=200))}


def a_plan(*changes: Change) -> Plan:
    """A plan of hub1 with one attachment on its way and one that has arrived."""
    return Plan(
        plan_id=PlanId("9c0ffee1234567890abc"),
        hub=HubName("hub1"),
        commit=COMMIT,
        changes=changes or (POOL, ANNOTATIONS, SHARD),
        records=(),
        refused=(
            Refusal(RefusalCode.REMOVALS, "hub/hub1", "3 of 4 attachments would be removed, the limit is 20 %."),
            Refusal(RefusalCode.DEFINITION_HELD, "tenants/tenant9.yaml", "it is not in force."),
        ),
        attachments=(
            AttachmentState(
                KEY,
                "10.99.0.0/29",
                Stage.POOLED,
                current=False,
                waiting_for=(WaitsFor.SERVING, WaitsFor.PERMITTED),
                detail="1 of 2 replicas is available",
                namespaces=("default",),
            ),
            AttachmentState(OTHER, "10.99.1.0/29", Stage.ROUTED, current=True, waiting_for=(), detail=""),
        ),
        notes=("2 connections are cut by the rollout",),
        look_again_seconds=20.0,
        unattributed={"spoke1-aks": ("kube-system", "platform")},
    )


def a_report(*outcomes: Outcome, plan: Plan | None = None) -> Report:
    """A pass over that plan in which the firewall was started and spoke2-aks did not answer."""
    return Report(
        plan=plan or a_plan(),
        outcomes=outcomes or (Outcome(POOL, Result.CREATED), Outcome(SHARD, Result.STARTED)),
        commit_seen=COMMIT,
        started_at=NOW - timedelta(seconds=3),
        finished_at=NOW,
        unreadable=(Unreadable(cluster_target("spoke2-aks"), NOW, "list IPPool on cluster/spoke2-aks: timed out"),),
        held=(HELD,),
        source_problem="the repository cannot be fetched",
    )


def a_converged_report() -> Report:
    """A pass that found nothing to do."""
    plan = replace(a_plan(), changes=(), refused=(), look_again_seconds=None, attachments=a_plan().attachments[1:])
    return Report(plan, (), COMMIT, NOW, NOW)


def seen(view: RenderableType, width: int) -> str:
    """A view as text at a width, without colours and trailing blanks."""
    out = io.StringIO()
    Console(file=out, width=width, markup=False, emoji=False, highlight=False).print(view)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
