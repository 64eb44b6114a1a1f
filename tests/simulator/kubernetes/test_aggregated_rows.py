"""Calico's API server, row by row as it was recorded."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes_builders import (
    MANAGER,
    PERSON,
    a_clock,
    a_cluster,
    a_namespace,
    a_pool,
    addresses,
    calico,
    fields_of,
    put_up,
    put_up_tenant,
    refused,
)

POOL = ("IPPool", None, "tenant0-pool")
PEER = {"peerIP": "10.0.1.4", "asNumber": 65515, "filters": ["export-egress-ips"]}
FILTER = calico("BGPFilter", "export-egress-ips", {"exportV4": [{"action": "Reject"}]})


def test_apply_works_and_repeats_are_no_writes() -> None:
    """ManagedFields are kept, the same apply leaves the version, a label left out goes, conflicts name the owner."""
    cluster = a_cluster(a_clock(), "aggregated")
    body = a_pool()
    body["metadata"]["labels"] = {"own": "yes"}
    put_up(cluster, body)
    before = cluster.api.get(*POOL)
    assert put_up(cluster, body) is before
    assert "labels" not in put_up(cluster, a_pool())["metadata"]
    with refused(409, "Conflict") as caught:
        put_up(cluster, calico("IPPool", "tenant0-pool", {"vxlanMode": "Always"}), manager="flux")
    assert f'conflict with "{MANAGER}": .spec.vxlanMode' in caught.value.message
    assert put_up(cluster, a_pool(vxlanMode="Always"), manager="flux", force=True)["spec"]["vxlanMode"] == "Always"


def test_no_generation() -> None:
    """It is absent on every object of the group, and present on the operator's."""
    cluster = a_cluster(a_clock(), "aggregated")
    put_up_tenant(cluster)
    put_up(cluster, FILTER)
    put_up(cluster, calico("BGPPeer", "azure-route-server-a", PEER))
    put_up(cluster, calico("EgressGatewayPolicy", "bypass", {"rules": []}))
    served = [kind.kind for kind in cluster.api.kinds.values() if kind.aggregated]
    made = [body for kind in served for body in cluster.api.objects(kind)]
    assert {"IPPool", "BGPFilter", "BGPPeer", "EgressGatewayPolicy"} < {body["kind"] for body in made}
    assert [] == [body["kind"] for body in made if "generation" in body["metadata"]]
    assert "generation" in cluster.api.get("EgressGateway", "tenant0-egw", "tenant0-egw")["metadata"]


def test_read_back_of_a_pool() -> None:
    """False is not echoed though managedFields says we own it; defaults are added."""
    cluster = a_cluster(a_clock(), "aggregated")
    stored = put_up(cluster, a_pool())
    assert stored["spec"] == {
        "cidr": "10.99.0.0/29",
        "blockSize": 32,
        "nodeSelector": "!all()",
        "vxlanMode": "Never",
        "ipipMode": "Never",
        "allowedUses": ["Workload", "Tunnel"],
        "assignmentMode": "Automatic",
    }
    assert "f:natOutgoing" in fields_of(stored, MANAGER)["f:spec"]


def test_read_back_of_an_empty_filter() -> None:
    """An empty list is not echoed."""
    cluster = a_cluster(a_clock(), "aggregated")
    assert put_up(cluster, calico("BGPFilter", "empty", {"exportV4": []}))["spec"] == {}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"cidr": "10.99.2.1/29"}, "not strictly masked"),
        ({"cidr": "169.254.1.0/29"}, "Link Local"),
        ({"cidr": "10.99.2.0/33"}, "valid subnet"),
        ({"blockSize": 33}, "block size must be between 20 and 32"),
        ({"blockSize": 26}, "too small"),
        ({"nodeSelector": "has("}, "invalid selector"),
        ({"cidr": "10.244.1.0/29"}, "CIDR overlaps with IPPool(default-ipv4-ippool) CIDR 10.244.0.0/16"),
        ({"cidr": "10.244.1.0/29", "disabled": True}, "CIDR overlaps with IPPool(default-ipv4-ippool)"),
    ],
)
def test_invalid_pools(spec: dict[str, Any], words: str) -> None:
    """Created by apply: 500 without a reason, in libcalico's words. By POST: 422 with the same words."""
    cluster = a_cluster(a_clock(), "aggregated")
    with refused(500, "") as caught:
        put_up(cluster, a_pool(**spec))
    assert caught.value.message.startswith("error with field IPPool.Spec.")
    assert words in caught.value.message
    with refused(422, "Invalid") as posted:
        cluster.api.create("IPPool", None, a_pool(**spec), manager=PERSON)
    assert words in posted.value.message
    assert len(cluster.api.objects("IPPool")) == 1


def test_several_mistakes_come_together() -> None:
    """The message lists them."""
    cluster = a_cluster(a_clock(), "aggregated")
    with refused(500, "") as caught:
        put_up(cluster, a_pool(cidr="10.99.2.1/29", blockSize=33))
    assert caught.value.message.startswith("error with the following fields:\n-  IPPool.Spec.CIDR")


def test_a_range_cannot_change() -> None:
    """422 for another cidr or blockSize, and for an apply that leaves blockSize out, which means 26."""
    cluster = a_cluster(a_clock(), "aggregated")
    put_up(cluster, a_pool(cidr="10.99.0.0/24"))
    without = a_pool(cidr="10.99.0.0/24")
    del without["spec"]["blockSize"]
    for body in (a_pool(cidr="10.99.0.0/25"), a_pool(cidr="10.99.0.0/24", blockSize=31), without):
        with refused(422, "Invalid") as caught:
            put_up(cluster, body)
        assert "cannot be modified" in caught.value.message


def test_another_block_size_waits_for_old_blocks() -> None:
    """A pool made again with another block size is refused while blocks of the old size hold addresses."""
    cluster = a_cluster(a_clock(), "aggregated")
    put_up_tenant(cluster)
    cluster.api.delete(*POOL)
    with refused(500, "") as caught:
        put_up(cluster, a_pool(blockSize=31))
    assert "different blocksize" in caught.value.message
    assert put_up(cluster, a_pool())["spec"]["blockSize"] == 32


def test_unknown_fields_are_500() -> None:
    """As everywhere in apply."""
    cluster = a_cluster(a_clock(), "aggregated")
    with refused(500, "") as caught:
        put_up(cluster, a_pool(nope=1))
    assert ".spec.nope: field not declared in schema" in caught.value.message


def test_a_dry_run_shows_no_defaults() -> None:
    """Nothing is stored."""
    cluster = a_cluster(a_clock(), "aggregated")
    shown = cluster.api.apply(*POOL, a_pool(), manager=MANAGER, dry_run=True)
    assert shown["spec"] == a_pool()["spec"]
    assert len(cluster.api.objects("IPPool")) == 1


def test_a_peer_needs_its_filter() -> None:
    """500 on create by apply, 422 on update; after the filter is deleted every apply is refused until it is back."""
    cluster = a_cluster(a_clock(), "aggregated")
    peer = calico("BGPPeer", "azure-route-server-a", PEER)
    with refused(500, ""):
        put_up(cluster, peer)
    put_up(cluster, FILTER)
    put_up(cluster, peer)
    with refused(422, "Invalid"):
        put_up(cluster, calico("BGPPeer", "azure-route-server-a", {**PEER, "filters": ["nope"]}))
    cluster.api.delete("BGPFilter", None, "export-egress-ips")
    with refused(422, "Invalid") as caught:
        put_up(cluster, peer)
    assert "BGPFilter(s) not found" in caught.value.message
    put_up(cluster, FILTER)
    put_up(cluster, peer)


def test_natively_a_peer_may_name_what_is_not_there() -> None:
    """Neither creating the peer nor deleting the filter is checked."""
    cluster = a_cluster(a_clock())
    assert put_up(cluster, calico("BGPPeer", "azure-route-server-a", PEER))["spec"] == PEER


def test_patches() -> None:
    """404 for an absent object, null removes, strategic merge works too; apply creates with the server's defaults."""
    cluster = a_cluster(a_clock(), "aggregated", bare=True)
    where = ("BGPConfiguration", None, "default")
    with refused(404, "NotFound"):
        cluster.api.merge_patch(*where, {"spec": {}}, manager=PERSON)
    made = put_up(cluster, calico("BGPConfiguration", "default", {"listenPort": 179}))
    assert made["spec"] == {"listenPort": 179, "logSeverityScreen": "Info", "serviceLoadBalancerAggregation": "Enabled"}
    assert "listenPort" not in cluster.api.merge_patch(*where, {"spec": {"listenPort": None}}, manager=PERSON)["spec"]
    patched = cluster.api.strategic_merge_patch(*where, {"spec": {"nodeToNodeMeshEnabled": False}}, manager=PERSON)
    assert patched["spec"]["nodeToNodeMeshEnabled"] is False


def test_versions() -> None:
    """PUT without a version 422, with a stale one 409, of an absent object 404; stale merge patches and deletes 409."""
    cluster = a_cluster(a_clock(), "aggregated")
    with refused(404, "NotFound"):
        cluster.api.replace(*POOL, a_pool(), manager=PERSON)
    old = put_up(cluster, a_pool())
    put_up(cluster, a_pool(nodeSelector="all()"))
    stale = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}}
    with refused(422, "Invalid"):
        cluster.api.replace(*POOL, a_pool(), manager=PERSON)
    with refused(409, "Conflict"):
        cluster.api.replace(*POOL, old, manager=PERSON)
    with refused(409, "Conflict"):
        cluster.api.merge_patch(*POOL, stale, manager=PERSON)
    for uid, version in (("other", ""), ("", "1")):
        with refused(409, "Conflict"):
            cluster.api.delete(*POOL, uid=uid, resource_version=version)


def test_lists_have_no_pages() -> None:
    """The limit is ignored; selectors work."""
    cluster = a_cluster(a_clock(), "aggregated")
    for number in range(3):
        put_up(cluster, a_pool(f"pool-{number}", f"10.99.{number}.0/29"))
    page = cluster.api.list("IPPool", limit=2)
    assert (len(page.items), page.continue_token) == (4, "")
    assert len(cluster.api.list("IPPool", field_selector="metadata.name=pool-1").items) == 1


@pytest.mark.parametrize("by", ["apply", "merge patch"])
def test_a_lost_write_answers_an_empty_object(by: str) -> None:
    """Under contention the answer is an object without uid, and nothing is stored."""
    cluster = a_cluster(a_clock(), "aggregated")
    before = put_up(cluster, a_pool())
    before = cluster.api.get(*POOL)
    cluster.api.lose_next_write()
    if by == "apply":
        answer = put_up(cluster, a_pool(nodeSelector="all()"))
    else:
        answer = cluster.api.merge_patch(*POOL, {"metadata": {"annotations": {"a": "1"}}}, manager=PERSON)
    assert answer == {}
    assert cluster.api.get(*POOL) is before
    assert put_up(cluster, a_pool(nodeSelector="all()"))["spec"]["nodeSelector"] == "all()"


def test_a_pool_in_use_is_deleted_at_once() -> None:
    """Running gateways keep their addresses; their blocks lose their node and go when the pods do."""
    clock = a_clock()
    cluster = a_cluster(clock, "aggregated")
    put_up_tenant(cluster)
    clock.advance(10)
    held = addresses(cluster)
    cluster.api.delete(*POOL)
    blocks = [block["spec"] for block in cluster.api.objects("IPAMBlock")]
    assert len(cluster.api.objects("IPPool")) == 1
    assert (addresses(cluster), [list(spec["allocations"]) for spec in blocks]) == (held, [[held[0]], [held[1]]])
    assert all("affinity" not in spec for spec in blocks)
    cluster.api.delete("EgressGateway", "tenant0-egw", "tenant0-egw")
    clock.advance(30)
    assert cluster.api.objects("IPAMBlock") == []


def test_blocks_are_read_from_the_backing_group() -> None:
    """calico-apiserver does not serve them."""
    kinds = a_cluster(a_clock(), "aggregated").api.kinds
    assert (kinds["IPAMBlock"].api_version, kinds["IPPool"].api_version) == (
        "crd.projectcalico.org/v1",
        "projectcalico.org/v3",
    )


def test_calico_apiserver_is_down() -> None:
    """Its group answers 503 in plain text, everything else works; a namespace deleted meanwhile stays Terminating."""
    clock = a_clock()
    cluster = a_cluster(clock, "aggregated")
    put_up(cluster, a_namespace("team"))
    cluster.api.calico_apiserver_down = True
    with refused(503, "") as caught:
        cluster.api.list("IPPool")
    assert caught.value.message.startswith("error trying to reach service: ")
    assert caught.value.headers["Content-Type"].startswith("text/plain")
    with refused(503, ""):
        put_up(cluster, a_pool())
    cluster.api.delete("Namespace", None, "team")
    clock.advance(600)
    assert cluster.api.get("Namespace", None, "team")["status"]["phase"] == "Terminating"
    cluster.api.calico_apiserver_down = False
    clock.advance(5)
    with refused(404, "NotFound"):
        cluster.api.get("Namespace", None, "team")


def test_the_mode_shows_in_the_apiservice() -> None:
    """With a service reference calico-apiserver answers; natively Kubernetes does, and the v3 definitions are listed."""
    service = ("APIService", None, "v3.projectcalico.org")
    aggregated, native = a_cluster(a_clock(), "aggregated"), a_cluster(a_clock())
    assert aggregated.api.get(*service)["spec"]["service"] == {
        "name": "calico-api",
        "namespace": "calico-system",
        "port": 443,
    }
    assert "service" not in native.api.get(*service)["spec"]
    definition = ("CustomResourceDefinition", None, "ippools.projectcalico.org")
    assert native.api.get(*definition)["spec"]["group"] == "projectcalico.org"
    with refused(404, "NotFound"):
        aggregated.api.get(*definition)
