"""The sample `gitops/` as manifests and rule collection groups. A change here without a new RELEASE is a mistake."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from golden.conftest import Golden
from stories.desk import Desk, sample

from function_app.model.ledger import Generation, Holding
from function_app.model.names import Commit, GenerationId, HubName, TenantName
from function_app.model.plan import PutGroup
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.planning import RELEASE
from function_app.planning.cluster_resources import (
    bgp_configuration,
    export_filter,
    generation_resources,
    node_status,
    plain_names,
    pointing_annotations,
    reflector_peer,
    route_server_peers,
    template_labels,
)
from function_app.planning.firewall_resources import TenantRules, render_rules, shard_body, shard_name
from function_app.planning.placing import gateway_affinity
from function_app.reading.definitions import read_directory

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def hub() -> HubDefinitions:
    """The sample's only hub."""
    definitions, problems = read_directory(Path(__file__).parents[2] / "gitops", today=TODAY)
    assert definitions is not None, problems
    return hub_definitions(Tree(Commit("0" * 40), definitions), HubName("hub1"))


def generations(hub: HubDefinitions) -> list[Generation]:
    """A first generation for each attachment, with made-up ids."""
    found = []
    for number, (key, defined) in enumerate(hub.attachments.items(), start=1):
        identity = GenerationId(f"{number:08x}")
        namespace, gateway, pool = plain_names(key.tenant)
        labels = template_labels(key.tenant, identity)
        found.append(
            Generation(
                identity, key, defined.range, namespace, gateway, pool, labels, Holding.HELD, NOON, Commit("0" * 40)
            )
        )
    return found


def test_manifests(golden: Golden, hub: HubDefinitions) -> None:
    """Each attachment's objects and its namespaces' annotations are rendered as committed."""
    for generation in generations(hub):
        defined = hub.attachments[generation.key]
        bypass = defined.tenant.spec.egress.bypass
        affinity = gateway_affinity(hub.clusters[generation.key.cluster], generation.labels)
        objects: list[Any] = [
            one.body for one in generation_resources(hub.name, generation, defined.attachment, bypass, affinity)
        ]
        objects.append(
            {
                "namespaces": list(defined.attachment.namespaces),
                "annotations": pointing_annotations(generation, bypass=bool(bypass)),
            }
        )
        text = yaml.safe_dump_all(json.loads(json.dumps(objects)), sort_keys=False)
        golden.check(f"{generation.key.cluster}/{generation.key.tenant}.yaml", text)


def test_shared_objects(golden: Golden, hub: HubDefinitions) -> None:
    """Each cluster's filter, peerings and BGPConfiguration are rendered as committed."""
    for name, cluster in hub.clusters.items():
        ranges = [one.range for one in generations(hub) if one.key.cluster == name]
        objects = [
            export_filter(hub.name, ranges),
            *route_server_peers(hub.name, cluster, hub.hub.spec.route_server),
            reflector_peer(hub.name, cluster),
            bgp_configuration(cluster.spec.bgp.asn),
            node_status(hub.name, "aks-system-12345678-vmss000000"),
        ]
        text = yaml.safe_dump_all([json.loads(json.dumps(one.body)) for one in objects], sort_keys=False)
        golden.check(f"{name}/shared.yaml", text)


def test_shard(golden: Golden, hub: HubDefinitions) -> None:
    """Both tenants' rules stand in the first shard as committed."""
    shards = hub.hub.spec.firewall.shards
    content: dict[int, TenantRules] = {}
    for slot, tenant in enumerate(("tenant0", "tenant1")):
        ranges: list[IPv4Network] = [one.range for one in generations(hub) if one.key.tenant == tenant]
        content[slot] = render_rules(TenantName(tenant), hub.rules[TenantName(tenant)], ranges, TODAY)
    body = shard_body(shards, shard_name(shards, 0), content)
    golden.check("egress-000.json", json.dumps(body, indent=2) + "\n")


def test_release_is_that_of_the_golden_files(golden: Golden) -> None:
    """Whoever renews the files raises RELEASE with them, so that a new rendering is not mistaken for drift."""
    golden.check("RELEASE", f"{RELEASE}\n")


def test_what_a_pass_writes_is_what_the_files_show() -> None:
    """The shard that a real pass sends is made by the same rendering."""
    desk = Desk.with_platform()
    desk.commit(sample("tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    writes = [one.write for one in desk.run_pass().plan.changes if isinstance(one.write, PutGroup)]
    committed = json.loads((Path(__file__).parent / "egress-000.json").read_text())

    assert [json.loads(json.dumps(write.body)) for write in writes] == [committed]
