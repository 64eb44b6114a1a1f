"""What all three bring to the server: so many tenants, each with a Namespace, an IPPool and an EgressGateway.

Belongs here: the same objects twice, as definitions for our pass and as manifests for the others, and the one edit. Tenants
have no rules of their own, so that a pass has nothing to write but the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from bench.estate import ADDRESSES, Estate, tenant_file, tenant_name, workload
from function_app.model.definitions import Attachment
from function_app.model.ledger import Generation, Holding
from function_app.model.names import AttachmentKey, ClusterName, Commit, GenerationId, HubName, TenantName
from function_app.planning.cluster_resources import generation_resources, plain_names, template_labels
from simulator.model.documents import WorldDocument

KINDS_PER_TENANT = 3
MANIFEST_FILES = 10
EDITED_SEVERITY = "Warn"
"""What the edit changes: how much one gateway logs, a field of one object."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """So many tenants on one cluster of one hub, whose routes per peer are raised to 4,000. A hub holds 999."""

    count: int = 999

    @property
    def estate(self) -> Estate:
        """The hub around them, as the other benchmark has it."""
        return Estate(tenants=self.count, clusters=1)

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.estate.cluster_names[0]

    def world(self) -> WorldDocument:
        """The hub before the first pass, without workloads: what is in the simulator is no part of the comparison."""
        document = Estate(tenants=1, clusters=1).world(datetime.now(UTC))
        clusters = {
            name: cluster.model_copy(update={"workloads": {}, "api_mode": "native"})
            for name, cluster in document.clusters.items()
        }
        return document.model_copy(update={"clusters": clusters})

    def around(self) -> dict[str, str]:
        """Hub and cluster, by path relative to the definitions folder."""
        files = Estate(tenants=1, clusters=1).definitions()
        return {path: text for path, text in files.items() if not path.startswith("tenants/")}

    def definitions(self) -> dict[str, str]:
        """Every tenant's file by path relative to the definitions folder."""
        return {tenant_file(tenant): self.definition(tenant) for tenant in range(self.count)}

    def definition(self, tenant: int, severity: str = "Info") -> str:
        """One tenant's file."""
        spec = {
            "owner": {"team": f"team-{tenant:04d}", "contact": f"team-{tenant:04d}@example.com"},
            "attachments": [self._attachment(tenant, severity)],
        }
        head = {"apiVersion": "egress-gitops.io/v1alpha1", "kind": "Tenant", "metadata": {"name": tenant_name(tenant)}}
        return yaml.safe_dump({**head, "spec": spec}, sort_keys=False)

    def edit(self) -> dict[str, str]:
        """One changed file."""
        tenant = self.count // 2
        return {tenant_file(tenant): self.definition(tenant, EDITED_SEVERITY)}

    def write_manifests(self, folder: Path, *, edited: bool = False) -> Path:
        """The objects that our pass makes, in ten files; `edited` with the one change."""
        folder.mkdir(parents=True)
        share = -(-self.count // MANIFEST_FILES)
        for number, first in enumerate(range(0, self.count, share)):
            bodies = [
                body
                for tenant in range(first, min(first + share, self.count))
                for body in self.objects(tenant, EDITED_SEVERITY if edited and tenant == self.count // 2 else "Info")
            ]
            (folder / f"{number:02d}.yaml").write_text(yaml.dump_all(bodies, Dumper=_Plain), encoding="utf-8")
        return folder

    def objects(self, tenant: int, severity: str = "Info") -> list[Mapping[str, Any]]:
        """The three objects of one tenant as our pass renders them; the generation's id stands for one that was drawn."""
        attachment = Attachment.model_validate_json(json.dumps(self._attachment(tenant, severity)))
        name, hub = TenantName(tenant_name(tenant)), HubName(self.estate.hub)
        namespace, gateway, pool = plain_names(name)
        # Eight digits alone would be a number to other readers of YAML.
        generation = GenerationId(f"b{tenant:07x}")
        held = Generation(
            id=generation,
            key=AttachmentKey(name, ClusterName(self.cluster)),
            range=IPv4Network(self._range(tenant)),
            gateway_namespace=namespace,
            gateway=gateway,
            pool=pool,
            labels=template_labels(name, generation),
            holding=Holding.HELD,
            reserved_at=datetime.now(UTC),
            commit=Commit("0" * 40),
        )
        return [resource.body for resource in generation_resources(hub, held, attachment, ())]

    def _attachment(self, tenant: int, severity: str) -> dict[str, Any]:
        gateway = {"replicas": 1, "disruptionBudget": False, "logSeverity": severity}
        return {
            "cluster": self.cluster,
            "cidr": self._range(tenant),
            "namespaces": [workload(tenant)],
            "gateway": gateway,
        }

    def _range(self, tenant: int) -> str:
        return str(IPv4Network((int(_egress().network_address) + ADDRESSES * tenant, 29)))


@cache
def _egress() -> IPv4Network:
    """The egress CIDR of the hub's first cluster."""
    estate = Estate(tenants=1, clusters=1)
    return IPv4Network(
        yaml.safe_load(estate.definitions()[f"clusters/{estate.cluster_names[0]}.yaml"])["spec"]["egressCIDR"]
    )


class _Plain(yaml.SafeDumper):
    """Without anchors for values that stand twice: other readers of YAML need not know them."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class's signature
        """Never write an anchor."""
        return True
