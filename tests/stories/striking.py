"""What befalls a cluster so that it cannot be written, and how a person mends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from stories.desk import Desk

from simulator.model.kubernetes.api import KubernetesApi
from simulator.model.kubernetes.initial import definition

CLUSTER = "spoke1-aks"
TARGET = "cluster/spoke1-aks"
TENANTS = ("tenants/tenant0.yaml", "tenants/tenant1.yaml")

Act = Callable[[Desk], object]


def api(desk: Desk) -> KubernetesApi:
    """The struck cluster's API."""
    return desk.world.clusters[CLUSTER].api


def patched(kind: str, name: str, body: Mapping[str, Any]) -> Act:
    """Somebody patches a cluster-scoped object."""
    return lambda desk: api(desk).merge_patch(kind, None, name, body, manager="kubectl-edit")


def deleted(kind: str, name: str) -> Act:
    """Somebody deletes a cluster-scoped object."""
    return lambda desk: api(desk).delete(kind, None, name)


def created(kind: str, version: str, name: str, **parts: Any) -> Act:
    """Somebody creates a cluster-scoped object."""
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **parts}
    return lambda desk: api(desk).create(kind, None, body, manager="kubectl-create")


def with_status(kind: str, name: str, status: Mapping[str, Any]) -> Act:
    """A controller writes a status."""

    def act(desk: Desk) -> object:
        store = api(desk).component("controller")
        found = store.get(kind, "", name)
        assert found is not None
        return store.update_status(kind, {**found, "status": status})

    return act


def installed(**spec: Any) -> Act:
    """Somebody edits the Installation, and the operator computes what it means."""
    whole = {"variant": "TigeraSecureEnterprise", "cni": {"type": "Calico", "ipam": {"type": "Calico"}}}
    whole |= {"kubernetesProvider": "AKS", "calicoNetwork": {"bgp": "Enabled"}} | spec

    def act(desk: Desk) -> None:
        patched("Installation", "default", {"spec": spec})(desk)
        with_status("Installation", "default", {"computed": whole})(desk)

    return act


def migrating(phase: str) -> Act:
    """A migration from aggregated to native mode is in this phase; its CRD is installed when it is first heard of."""

    def act(desk: Desk) -> None:
        if not api(desk).is_defined(api(desk).kinds["DatastoreMigration"]):
            document = desk.world.document.clusters[CLUSTER]
            body = definition(document, "DatastoreMigration")
            api(desk).create("CustomResourceDefinition", None, body, manager="kubectl-create")
            version = "migration.projectcalico.org/v1beta1"
            created("DatastoreMigration", version, "to-crds", spec={"type": "APIServerToCRDs"})(desk)
        with_status("DatastoreMigration", "to-crds", {"phase": phase})(desk)

    return act


def foreign_filter(**rule: Any) -> Act:
    """Somebody creates a BGPFilter whose second import rule is this one."""
    spec = {"importV4": [{"action": "Accept"}, {"action": "Reject", "matchOperator": "In", **rule}]}
    return created("BGPFilter", "projectcalico.org/v3", "by-hand", spec=spec)


LICENSED = created(
    "LicenseKey",
    "projectcalico.org/v3",
    "default",
    spec={"token": "renewed"},
    status={"expiry": "2099-12-31T23:59:59Z"},
)
RENEWED = patched("LicenseKey", "default", {"status": {"expiry": "2099-12-31T23:59:59Z"}})
INSTALLED_AGAIN = created(
    "Installation",
    "operator.tigera.io/v1",
    "default",
    spec={"variant": "TigeraSecureEnterprise", "cni": {"type": "Calico"}, "calicoNetwork": {"bgp": "Enabled"}},
)

STRIKES = [
    pytest.param(deleted("Installation", "default"), INSTALLED_AGAIN, "no Installation named default", id="operator"),
    pytest.param(
        installed(variant="Calico"), installed(variant="TigeraSecureEnterprise"), "variant is Calico", id="variant"
    ),
    pytest.param(
        installed(cni={"type": "AzureVNET", "ipam": {"type": "AzureVNET"}}),
        installed(cni={"type": "Calico", "ipam": {"type": "Calico"}}),
        "network plugin `none`",
        id="network plugin",
    ),
    pytest.param(
        installed(cni={"type": "Calico", "ipam": {"type": "HostLocal"}}),
        installed(cni={"type": "Calico", "ipam": {"type": "Calico"}}),
        "cni.ipam.type is HostLocal",
        id="address management",
    ),
    pytest.param(
        installed(calicoNetwork={"bgp": "Disabled"}),
        installed(calicoNetwork={"bgp": "Enabled"}),
        "Set calicoNetwork.bgp: Enabled and restart calico-node",
        id="no BGP",
    ),
    pytest.param(deleted("LicenseKey", "default"), LICENSED, "There is no LicenseKey", id="no licence"),
    pytest.param(
        patched("LicenseKey", "default", {"status": {"expiry": "2026-08-01T00:00:00Z"}}),
        RENEWED,
        "expired on 2026-08-01, and its grace period of 90 days is over",
        id="licence expired",
    ),
    pytest.param(
        foreign_filter(cidr="10.0.0.0/8", prefixLength={"min": 30, "max": 20}),
        deleted("BGPFilter", "by-hand"),
        "BGPFilter by-hand importV4[1]: prefixLength leaves 10.0.0.0/8 no length between 30 and 20",
        id="filter with an empty range of lengths",
    ),
    pytest.param(
        foreign_filter(cidr="10.0.0.1/8"),
        deleted("BGPFilter", "by-hand"),
        "importV4[1]: cidr 10.0.0.1/8 must be written 10.0.0.0/8",
        id="filter with host bits",
    ),
]

MIGRATIONS = [
    pytest.param(migrating(phase), migrating("Complete"), f"DatastoreMigration to-crds is {phase}", id=phase)
    for phase in ("Pending", "Migrating", "WaitingForConflictResolution", "Converged", "Failed")
]
"""Apart from the others: what is read during a migration may be half of it."""
