"""The reconciler's ClusterRole beside the audit log of a real API server, over a tenant's whole life.

What this shows: every call of these passes is allowed by the role and accepted by a real server, and no right in the role goes
unused. The stages climb in the simulator, whose Deployments and pods the passes read; a real server without Tigera's operator
has none. The role for aggregated mode is not measured: there is no aggregated API server here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from faces import CLUSTER, ROOT, Real, adapter, caller, eventually
from mirrored import MirroredCluster
from stories.desk import Desk, sample
from stories.fabric_worlds import bare_desk
from transcripts import FELIX, NAMESPACES, calico

from function_app.model.names import FIELD_MANAGER, MANAGED_BY_LABEL
from function_app.model.resources import Kind
from function_app.ports import ClusterApi
from real.kube.server import ADMIN, RECONCILER

ROLE = "egress-gitops"
NODES = "/api/v1/nodes"
TENANT, OTHER = "tenants/tenant1.yaml", "tenants/tenant0.yaml"
"""The other one stays: that everybody leaves at once would be refused."""
OURS = (
    Kind.NAMESPACE,
    Kind.IP_POOL,
    Kind.BGP_FILTER,
    Kind.BGP_PEER,
    Kind.CALICO_NODE_STATUS,
    Kind.EGRESS_GATEWAY,
    Kind.EGRESS_GATEWAY_POLICY,
    Kind.DISRUPTION_BUDGET,
)

type Right = tuple[str, str, str]
"""API group, resource, verb."""


def granted() -> set[Right]:
    """What the committed role gives."""
    text = (ROOT / "deploy" / "reconciler-clusterrole.yaml").read_text(encoding="utf-8")
    role = next(
        body for body in yaml.safe_load_all(text) if (body["kind"], body["metadata"]["name"]) == ("ClusterRole", ROLE)
    )
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(calls: Iterator[Mapping[str, Any]]) -> set[Right]:
    """What the reconciler did; an apply that made a new object used the right to create as well."""
    rights: set[Right] = set()
    for call in calls:
        if call["user"]["username"] != RECONCILER or "objectRef" not in call:
            continue
        about = call["objectRef"]
        resource = (about.get("apiGroup", ""), about["resource"])
        rights.add((*resource, call["verb"]))
        if call["verb"] == "patch" and call["responseStatus"]["code"] == 201:
            rights.add((*resource, "create"))
    return rights


@pytest.fixture
def mirrored(real: Real, tmp_path: Path) -> tuple[Desk, ClusterApi, ClusterApi]:
    """A desk whose native cluster is mirrored to the real server, with both sides of it."""
    desk = bare_desk()
    with caller(real, ADMIN) as admin:
        for name in ("shop", "default"):
            admin("POST", NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for node in desk.world.clusters[CLUSTER].document.nodes:
            admin("POST", NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}})
        admin("POST", FELIX, calico("FelixConfiguration", "default", {"bpfEnabled": False}))
    simulated = desk.ports.clusters[CLUSTER]
    there = adapter(real.endpoint, real.token(RECONCILER), tmp_path)
    clusters = {**desk.ports.clusters, CLUSTER: MirroredCluster(simulated, there)}
    desk.ports = replace(desk.ports, clusters=clusters)
    return desk, simulated, there


def owned(cluster: ClusterApi) -> dict[tuple[str, str, str], Any]:
    """Which fields we own of what is ours on a cluster."""
    found = {}
    for kind in OURS:
        for body in cluster.list(kind, label_selector=f"{MANAGED_BY_LABEL}={FIELD_MANAGER}"):
            metadata = body["metadata"]
            entries = [each for each in metadata["managedFields"] if each["manager"] == FIELD_MANAGER]
            fields = [(each["operation"], each["fieldsV1"]) for each in entries]
            found[str(kind), metadata.get("namespace", ""), metadata["name"]] = fields
    return found


def test_the_role_is_what_the_reconciler_does(real: Real, mirrored: tuple[Desk, ClusterApi, ClusterApi]) -> None:
    """The fabric comes up, a tenant with a bypass arrives and leaves, then the cluster leaves.

    Both servers hold the same of ours, field by field, at each stop.
    """
    desk, simulated, there = mirrored
    tenant = yaml.safe_load(sample(TENANT)[TENANT])
    tenant["spec"]["egress"]["bypass"] = ["10.0.0.0/8"]
    tenant["spec"]["onRemoval"] = "node"
    start = real.plane.audit_log.stat().st_size

    desk.commit({**sample(OTHER), TENANT: yaml.safe_dump(tenant)})
    desk.settle()
    arrived = owned(simulated)
    assert arrived == owned(there)

    desk.commit({TENANT: None})
    assert desk.settle().converged
    eventually(real, lambda: owned(simulated) == owned(there))

    path = f"clusters/{CLUSTER}.yaml"
    desk.commit({path: sample(path)[path].replace("spec:\n", "spec:\n  leaving: true\n", 1)})
    assert desk.settle().converged
    assert {} == owned(there)

    calls = list(real.plane.audited(start))
    assert [] == [
        call["requestURI"]
        for call in calls
        if call["user"]["username"] == RECONCILER and call["responseStatus"]["code"] in (401, 403)
    ]
    assert set(map(str, OURS)) == {kind for kind, _, _ in arrived}
    assert granted() == used(iter(calls))
