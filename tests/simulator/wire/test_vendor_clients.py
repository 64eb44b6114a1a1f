"""The real client libraries against both faces."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.mgmt.network import NetworkManagementClient
from raw_client import ARM, VERSION, Wire, walkthrough

GROUP: Any = {
    "properties": {
        "priority": 1000,
        "ruleCollections": [
            {
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": "tenant0-app",
                "priority": 1000,
                "action": {"type": "Allow"},
                "rules": [
                    {
                        "ruleType": "ApplicationRule",
                        "name": "web",
                        "sourceAddresses": ["10.99.0.0/29"],
                        "targetFqdns": ["www.tigera.io"],
                        "protocols": [{"protocolType": "Https", "port": 443}],
                    }
                ],
            }
        ],
    }
}
OTHER_GROUP: Any = {"properties": {"priority": 1001, "ruleCollections": []}}
WHERE = ("demo-hub-network", "tenants")


class StaticCredential:
    """The simulator's token."""

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """Valid for an hour of real time."""
        return AccessToken("sim-token", int(time.time()) + 3600)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A fresh walkthrough over HTTPS."""
    with walkthrough() as running:
        yield running


@pytest.fixture
def azure(wire: Wire) -> Iterator[NetworkManagementClient]:
    """Microsoft's client as the reconciler configures it: no retries of its own."""
    with NetworkManagementClient(
        StaticCredential(),
        wire.world.document.hubs["hub1"].subscription,
        base_url=wire.server.url,
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=str(wire.server.ca_file),
        retry_total=0,
        polling_interval=0,
    ) as client:
        yield client


def new_client(kubeconfig: str) -> kubernetes.client.ApiClient:
    """A client of the native cluster; the library's configuration loader has no types."""
    config: Any = kubernetes.config
    client: kubernetes.client.ApiClient = config.new_client_from_config(kubeconfig, context="spoke2-aks")
    return client


@pytest.fixture
def cluster(wire: Wire, tmp_path: Path) -> Iterator[kubernetes.client.ApiClient]:
    """The Python client of Kubernetes on the native cluster."""
    file = wire.server.write_kubeconfig(tmp_path / "kubeconfig")
    with new_client(str(file)) as client:
        yield client


def test_a_group_is_put_observed_and_deleted(wire: Wire, azure: NetworkManagementClient) -> None:
    """A write takes minutes of virtual time, is seen Updating meanwhile, and Succeeded at its end."""
    groups = azure.firewall_policy_rule_collection_groups
    groups.begin_create_or_update(*WHERE, "t-000", GROUP, polling=False)
    assert [(each.name, each.provisioning_state) for each in groups.list(*WHERE)] == [("t-000", "Updating")]
    assert azure.firewall_policies.get(*WHERE).provisioning_state == "Updating"
    with pytest.raises(ResourceExistsError) as busy:
        groups.begin_create_or_update(*WHERE, "t-001", OTHER_GROUP, polling=False)
    assert busy.value.error is not None
    assert busy.value.error.code == "AnotherOperationInProgress"
    wire.world.advance(241)
    assert groups.get(*WHERE, "t-000").provisioning_state == "Succeeded"
    groups.begin_delete(*WHERE, "t-000", polling=False)
    wire.world.advance(241)
    assert list(groups.list(*WHERE)) == []
    with pytest.raises(ResourceNotFoundError):
        groups.get(*WHERE, "t-000")


def test_the_client_polls_an_operation_to_its_end(wire: Wire, azure: NetworkManagementClient) -> None:
    """Azure-AsyncOperation, Retry-After and the final read are what the client's own poller understands."""
    poller = azure.firewall_policy_rule_collection_groups.begin_create_or_update(
        *WHERE, "t-000", GROUP, continuation_token=None
    )
    assert poller.status() == "InProgress"
    wire.world.advance(241)
    assert poller.result(timeout=10).provisioning_state == "Succeeded"


def test_a_group_that_azure_refuses_says_why(azure: NetworkManagementClient) -> None:
    """400 with a code, at once."""
    wrong: Any = {"properties": {"priority": 99, "ruleCollections": []}}
    with pytest.raises(HttpResponseError) as refused:
        azure.firewall_policy_rule_collection_groups.begin_create_or_update(*WHERE, "t-000", wrong, polling=False)
    assert (refused.value.status_code, bool(refused.value.error and refused.value.error.code)) == (400, True)


def test_many_groups_come_in_pages(wire: Wire, azure: NetworkManagementClient) -> None:
    """The client follows nextLink."""
    hub = wire.world.hubs["hub1"]
    policy = hub.policies.policy("tenants")
    for number in range(45):
        hub.policies.seed(policy, {"name": f"g-{number:03}", "properties": {"priority": 1000 + number}})
    assert len(list(azure.firewall_policy_rule_collection_groups.list(*WHERE))) == 45


def test_policy_firewall_and_route_server_are_read(azure: NetworkManagementClient) -> None:
    """What a pass looks at before it plans."""
    policy = azure.firewall_policies.get(*WHERE)
    assert (policy.name, policy.provisioning_state) == ("tenants", "Succeeded")
    firewall = azure.azure_firewalls.get("demo-hub-network", "hub-fw")
    assert str(firewall.firewall_policy.id).lower() == str(policy.id).lower()
    server = azure.virtual_hubs.get("demo-hub-network", "hub-rs")
    assert (server.virtual_router_asn, list(server.virtual_router_ips)) == (65515, ["10.0.1.4", "10.0.1.5"])
    names = [each.name for each in azure.virtual_hub_bgp_connections.list("demo-hub-network", "hub-rs")]
    assert names == ["spoke1-aks-spoke1-0", "spoke1-aks-spoke1-1", "spoke2-aks-spoke2-0", "spoke2-aks-spoke2-1"]


def test_learned_routes_are_an_operation(wire: Wire, azure: NetworkManagementClient) -> None:
    """202 until the listing is done, then both instances; without peers both are empty."""
    poller = azure.virtual_hub_bgp_connections.begin_list_learned_routes(
        "demo-hub-network", "hub-rs", "spoke1-aks-spoke1-0"
    )
    assert not poller.done()
    wire.world.advance(6)
    assert dict(poller.result(timeout=10)) == {"RouteServiceRole_IN_0": [], "RouteServiceRole_IN_1": []}


def test_a_listing_is_resumed_by_its_address_until_it_expires(wire: Wire) -> None:
    """What another process does: only the URL is known."""
    started = wire.ask("POST", f"{ARM}/virtualHubs/hub-rs/bgpConnections/spoke1-aks-spoke1-0/learnedRoutes?{VERSION}")
    assert (started.status, started.body) == (202, b"")
    path = started.headers["Location"].removeprefix(wire.server.url)
    assert wire.ask("GET", path).status == 202
    wire.world.advance(6)
    assert sorted(wire.ask("GET", path).json) == ["RouteServiceRole_IN_0", "RouteServiceRole_IN_1"]
    wire.world.advance(3600)
    assert wire.ask("GET", path).status == 404


def test_the_api_version_is_required(wire: Wire) -> None:
    """As by Resource Manager."""
    answer = wire.ask("GET", f"{ARM}/firewallPolicies/tenants")
    assert (answer.status, answer.json["error"]["code"]) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (ARM.replace("1111", "9999", 1), "SubscriptionNotFound"),
        (ARM.replace("demo-hub-network", "nowhere"), "ResourceGroupNotFound"),
    ],
)
def test_a_wrong_place_is_not_an_absent_resource(wire: Wire, path: str, code: str) -> None:
    """404 says whether the resource or its surroundings are missing."""
    assert wire.ask("GET", f"{path}/firewallPolicies/tenants?{VERSION}").json["error"]["code"] == code
    assert wire.ask("GET", f"{ARM}/firewallPolicies/absent?{VERSION}").json["error"]["code"] == "ResourceNotFound"
    upper = ARM.replace("demo-hub-network", "DEMO-HUB-NETWORK")
    assert wire.ask("GET", f"{upper}/firewallpolicies/TENANTS?{VERSION}").status == 200


def test_answers_carry_etag_and_rate_limits(wire: Wire) -> None:
    """Headers that a client may look at."""
    answer = wire.ask("GET", f"{ARM}/firewallPolicies/tenants?{VERSION}")
    assert answer.headers["ETag"] == answer.json["etag"]
    assert int(answer.headers["x-ms-ratelimit-remaining-subscription-reads"]) == 249


def test_an_aks_cluster_hands_out_its_address_and_no_credential(wire: Wire, azure: NetworkManagementClient) -> None:
    """On an Entra cluster the kubeconfig has server and CA, and asks a person's kubelogin for the rest."""
    place = ARM.replace("demo-hub-network", "demo-spoke-networks").replace(
        "Microsoft.Network", "Microsoft.ContainerService"
    )
    url = f"{place}/managedClusters/spoke2-aks"
    found = azure.send_request(HttpRequest("GET", f"{url}?api-version=2025-05-01"), stream=False)
    assert found.json()["properties"]["kubernetesVersion"] == "1.36.3"
    answer = wire.ask("POST", f"{url}/listClusterUserCredential?api-version=2025-05-01")
    kubeconfig = yaml.safe_load(b64decode(answer.json["kubeconfigs"][0]["value"]))
    (entry,) = kubeconfig["clusters"]
    assert entry["cluster"]["server"] == f"{wire.server.url}/kubernetes/spoke2-aks"
    assert b64decode(entry["cluster"]["certificate-authority-data"]) == wire.server.ca_file.read_bytes()
    assert (kubeconfig["users"][0]["user"]["exec"]["command"], "token" in kubeconfig["users"][0]["user"]) == (
        "kubelogin",
        False,
    )


def test_the_kubernetes_client_lists_writes_and_deletes(cluster: kubernetes.client.ApiClient) -> None:
    """Typed reads, custom objects, server-side apply and deletion with preconditions."""
    core: Any = kubernetes.client.CoreV1Api(cluster)
    custom: Any = kubernetes.client.CustomObjectsApi(cluster)
    assert "shop" in [each.metadata.name for each in core.list_namespace().items]
    pool = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "IPPool",
        "metadata": {"name": "tenant0-pool"},
        "spec": {"cidr": "10.99.0.0/29", "blockSize": 32, "nodeSelector": "!all()"},
    }
    created = custom.create_cluster_custom_object("projectcalico.org", "v3", "ippools", pool, field_manager="tests")
    names = [
        each["metadata"]["name"]
        for each in custom.list_cluster_custom_object("projectcalico.org", "v3", "ippools")["items"]
    ]
    assert names == ["default-ipv4-ippool", "tenant0-pool"]
    wrong = kubernetes.client.V1DeleteOptions(preconditions=kubernetes.client.V1Preconditions(uid="another"))
    with pytest.raises(kubernetes.client.ApiException) as refused:
        custom.delete_cluster_custom_object("projectcalico.org", "v3", "ippools", "tenant0-pool", body=wrong)
    assert refused.value.status == 409
    right = kubernetes.client.V1DeleteOptions(
        preconditions=kubernetes.client.V1Preconditions(uid=created["metadata"]["uid"])
    )
    custom.delete_cluster_custom_object("projectcalico.org", "v3", "ippools", "tenant0-pool", body=right)


def test_a_watch_misses_nothing_after_its_list(wire: Wire, cluster: kubernetes.client.ApiClient) -> None:
    """What happened between list and watch is told first."""
    core: Any = kubernetes.client.CoreV1Api(cluster)
    watch: Any = kubernetes.watch
    listed = core.list_namespace()
    core.create_namespace({"metadata": {"name": "red"}})
    core.delete_namespace("shop")
    wire.world.advance(60)
    events = [
        (event["type"], event["object"].metadata.name)
        for event in watch.Watch().stream(
            core.list_namespace, resource_version=listed.metadata.resource_version, timeout_seconds=1
        )
    ]
    assert events == [("DELETED", "shop"), ("ADDED", "red")]


def test_a_watch_from_a_forgotten_version_is_expired(wire: Wire) -> None:
    """The client must list again."""
    answer = wire.ask("GET", "/kubernetes/spoke2-aks/api/v1/namespaces?watch=true&resourceVersion=999999")
    assert (answer.json["type"], answer.json["object"]["code"]) == ("ERROR", 410)


def test_lists_come_in_pages(wire: Wire) -> None:
    """`limit` and `continue` on the native server; the aggregated one ignores both."""
    first = wire.ask("GET", "/kubernetes/spoke2-aks/api/v1/namespaces?limit=2")
    token = first.json["metadata"]["continue"]
    second = wire.ask("GET", f"/kubernetes/spoke2-aks/api/v1/namespaces?limit=2&continue={token}")
    names = [item["metadata"]["name"] for page in (first, second) for item in page.json["items"]]
    assert (len(names), names) == (4, sorted(names))
    whole = wire.ask("GET", "/kubernetes/spoke1-aks/apis/projectcalico.org/v3/ippools?limit=1")
    assert "continue" not in whole.json["metadata"]
