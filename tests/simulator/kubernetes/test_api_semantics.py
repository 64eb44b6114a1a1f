"""Reading, versions, patches and deletion, as kube-apiserver does them."""

from __future__ import annotations

import copy
import json
from typing import Any

import orjson
import pytest
from kubernetes_builders import (
    PERSON,
    a_clock,
    a_cluster,
    a_gateway,
    a_namespace,
    a_pool,
    calico,
    gateway,
    put_up,
    put_up_tenant,
    refused,
)

POOL = ("IPPool", None, "tenant0-pool")


def test_what_comes_out_cannot_be_changed() -> None:
    """Stored objects refuse writes, serialise as JSON, and deep copies of them are ordinary."""
    cluster = a_cluster(a_clock())
    stored = put_up(cluster, a_pool())
    with pytest.raises(TypeError, match="read-only"):
        stored["spec"]["cidr"] = "10.0.0.0/8"
    with pytest.raises(TypeError, match="read-only"):
        cluster.api.objects("IPPool").clear()
    ordinary = copy.deepcopy(stored)
    ordinary["spec"]["cidr"] = "10.0.0.0/8"
    assert cluster.api.get(*POOL)["spec"]["cidr"] == "10.99.0.0/29"
    assert json.loads(json.dumps(stored)) == orjson.loads(orjson.dumps(stored)) == stored


def test_what_goes_in_is_not_kept() -> None:
    """Changing a body after it was sent changes nothing stored."""
    cluster = a_cluster(a_clock())
    body = a_pool()
    put_up(cluster, body)
    body["spec"]["cidr"] = "10.0.0.0/8"
    assert cluster.api.get(*POOL)["spec"]["cidr"] == "10.99.0.0/29"


def test_pages_show_what_the_first_one_saw() -> None:
    """A list read in pages is complete and in order, whatever is written in between."""
    cluster = a_cluster(a_clock())
    names = [f"team-{number}" for number in range(5)]
    for name in names:
        put_up(cluster, a_namespace(name, labels={"own": "yes"}))
    page = cluster.api.list("Namespace", label_selector="own=yes", limit=2)
    put_up(cluster, a_namespace("team-0a", labels={"own": "yes"}))
    cluster.api.delete("Namespace", None, "team-4")
    seen = [*page.items]
    while page.continue_token:
        page = cluster.api.list("Namespace", label_selector="own=yes", limit=2, continue_token=page.continue_token)
        seen += page.items
    assert [item["metadata"]["name"] for item in seen] == names


def test_continue_tokens_expire() -> None:
    """After five minutes, after a thousand changes, or when told to, the list must be started again."""
    clock = a_clock()
    cluster = a_cluster(clock)
    old = cluster.api.list("Namespace", limit=2).continue_token
    clock.advance(301)
    with refused(410, "Expired"):
        cluster.api.list("Namespace", limit=2, continue_token=old)
    token = cluster.api.list("Namespace", limit=2).continue_token
    for number in range(1001):
        cluster.api.merge_patch(
            "Namespace", None, "default", {"metadata": {"labels": {"n": str(number)}}}, manager=PERSON
        )
    with refused(410, "Expired"):
        cluster.api.list("Namespace", limit=2, continue_token=token)
    token = cluster.api.list("Namespace", limit=2).continue_token
    cluster.api.expire_lists()
    with refused(410, "Expired"):
        cluster.api.list("Namespace", limit=2, continue_token=token)
    with refused(400, "BadRequest"):
        cluster.api.list("Namespace", limit=2, continue_token="made up")


def test_a_list_of_a_quiet_cluster_can_be_continued_however_long_nothing_was_written() -> None:
    """The age of a list is its own, not that of an earlier one which saw the same objects."""
    clock = a_clock()
    cluster = a_cluster(clock)
    assert cluster.api.list("Namespace", limit=2).continue_token
    clock.advance(3600)
    first = cluster.api.list("Namespace", limit=2)
    assert cluster.api.list("Namespace", limit=2, continue_token=first.continue_token).items


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("team=a", ["one", "two"]),
        ("team=a,tier!=web", ["two"]),
        ("team in (a, b)", ["one", "three", "two"]),
        ("team notin (a),team", ["three"]),
        ("!team,own", ["four"]),
    ],
)
def test_label_selectors(selector: str, expected: list[str]) -> None:
    """Equality, set and existence requirements."""
    cluster = a_cluster(a_clock())
    labels = {
        "one": {"team": "a", "tier": "web"},
        "two": {"team": "a"},
        "three": {"team": "b"},
        "four": {"own": ""},
    }
    for name, own in labels.items():
        put_up(cluster, a_namespace(name, labels=own))
    assert [
        item["metadata"]["name"] for item in cluster.api.list("Namespace", label_selector=selector).items
    ] == expected


def test_field_selectors() -> None:
    """By name everywhere, by node for pods; other fields are refused."""
    cluster = a_cluster(a_clock(), workloads={"shop": ("web",)})
    node = cluster.api.get("Pod", "shop", "web")["spec"]["nodeName"]
    assert len(cluster.api.list("Pod", field_selector=f"spec.nodeName={node}").items) == 1
    assert len(cluster.api.list("Namespace", field_selector="metadata.name=shop").items) == 1
    with refused(400, "BadRequest"):
        cluster.api.list("IPPool", field_selector="spec.cidr=10.99.0.0/29")


def test_stale_versions_are_refused_everywhere() -> None:
    """PUT, merge patch and apply with another version than the stored one get 409 and change nothing."""
    cluster = a_cluster(a_clock())
    old = put_up(cluster, a_pool())
    cluster.api.merge_patch(*POOL, {"metadata": {"labels": {"a": "1"}}}, manager=PERSON)
    now = cluster.api.get(*POOL)
    stale = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "spec": {"natOutgoing": True}}
    with refused(409, "Conflict"):
        cluster.api.replace(*POOL, old, manager=PERSON)
    with refused(409, "Conflict"):
        cluster.api.merge_patch(*POOL, stale, manager=PERSON)
    with refused(409, "Conflict"):
        body = a_pool()
        body["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        put_up(cluster, body)
    assert cluster.api.get(*POOL) is now


def test_put_needs_an_object_and_a_version() -> None:
    """PUT does not create; a custom resource needs a version, a namespace does not."""
    cluster = a_cluster(a_clock())
    with refused(404, "NotFound"):
        cluster.api.replace(*POOL, a_pool(), manager=PERSON)
    put_up(cluster, a_pool())
    with refused(422, "Invalid"):
        cluster.api.replace(*POOL, a_pool(), manager=PERSON)
    changed = cluster.api.replace(
        "Namespace", None, "default", a_namespace("default", labels={"a": "1"}), manager=PERSON
    )
    assert changed["metadata"]["labels"]["a"] == "1"


def test_names_are_taken_or_missing() -> None:
    """409 for a second create, 404 for what is not there, and 404 for a namespace that is not there."""
    cluster = a_cluster(a_clock())
    cluster.api.create("IPPool", None, a_pool(), manager=PERSON)
    with refused(409, "AlreadyExists"):
        cluster.api.create("IPPool", None, a_pool(), manager=PERSON)
    with refused(404, "NotFound"):
        cluster.api.merge_patch("IPPool", None, "nope", {}, manager=PERSON)
    with refused(404, "NotFound") as caught:
        put_up(cluster, a_gateway())
    assert caught.value.message == 'namespaces "tenant0-egw" not found'


def test_delete_with_preconditions() -> None:
    """Another uid or version is 409; the right ones delete."""
    cluster = a_cluster(a_clock())
    stored = put_up(cluster, calico("BGPFilter", "f", {}))["metadata"]
    for uid, version in (("other", ""), ("", "1")):
        with refused(409, "Conflict"):
            cluster.api.delete("BGPFilter", None, "f", uid=uid, resource_version=version)
    cluster.api.delete("BGPFilter", None, "f", uid=stored["uid"], resource_version=stored["resourceVersion"])
    assert cluster.api.objects("BGPFilter") == []


def test_finalizers_hold_an_object() -> None:
    """A deleted object stays, marked, until its last finalizer is taken off; then it is gone."""
    cluster = a_cluster(a_clock())
    body = calico("BGPFilter", "f", {})
    body["metadata"]["finalizers"] = ["example.com/hold"]
    put_up(cluster, body)
    cluster.api.delete("BGPFilter", None, "f")
    assert cluster.api.get("BGPFilter", None, "f")["metadata"]["deletionTimestamp"] == "2026-11-23T08:00:00Z"
    cluster.api.merge_patch("BGPFilter", None, "f", {"metadata": {"finalizers": None}}, manager=PERSON)
    assert cluster.api.objects("BGPFilter") == []


def test_protected_namespaces_stay() -> None:
    """`kube-system` and `default` may not be deleted."""
    cluster = a_cluster(a_clock())
    for name in ("kube-system", "default"):
        with refused(403, "Forbidden"):
            cluster.api.delete("Namespace", None, name)


def test_patch_types() -> None:
    """JSON patch works everywhere, strategic merge for kinds with Go types alone."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_pool())
    patched = cluster.api.json_patch(
        *POOL,
        [
            {"op": "test", "path": "/spec/cidr", "value": "10.99.0.0/29"},
            {"op": "add", "path": "/metadata/labels", "value": {"a/b": "1"}},
            {"op": "replace", "path": "/spec/natOutgoing", "value": True},
            {"op": "remove", "path": "/metadata/labels/a~1b"},
        ],
        manager=PERSON,
    )
    assert (patched["spec"]["natOutgoing"], patched["metadata"].get("labels")) == (True, None)
    with refused(422, "Invalid"):
        cluster.api.json_patch(*POOL, [{"op": "test", "path": "/spec/cidr", "value": "no"}], manager=PERSON)
    with refused(415, "UnsupportedMediaType"):
        cluster.api.strategic_merge_patch(*POOL, {"spec": {}}, manager=PERSON)
    taints = [{"key": "a", "effect": "NoSchedule"}]
    cluster.api.strategic_merge_patch("Node", None, "node-0", {"spec": {"taints": taints}}, manager=PERSON)
    more = [{"key": "b", "effect": "NoSchedule"}, {"key": "a", "$patch": "delete"}]
    node = cluster.api.strategic_merge_patch("Node", None, "node-0", {"spec": {"taints": more}}, manager=PERSON)
    assert [taint["key"] for taint in node["spec"]["taints"]] == ["b"]


@pytest.mark.parametrize(
    ("spec", "field", "reason"),
    [
        ({"cidr": "nonsense"}, "spec.cidr", "FieldValueTypeInvalid"),
        ({"vxlanMode": "Sometimes"}, "spec.vxlanMode", "FieldValueNotSupported"),
        ({"blockSize": 129}, "spec.blockSize", "FieldValueInvalid"),
        ({"ipipMode": "Always", "vxlanMode": "Always"}, "spec", "FieldValueForbidden"),
    ],
)
def test_native_pools_are_checked_by_their_schema(spec: dict[str, Any], field: str, reason: str) -> None:
    """422 with the field and the kind of mistake."""
    cluster = a_cluster(a_clock())
    with refused(422, "Invalid") as caught:
        put_up(cluster, a_pool(**spec))
    causes = [(cause["field"], cause["reason"]) for cause in caught.value.details["causes"]]
    assert [cause for cause in causes if cause[0] != "<nil>"] == [(field, reason)]


def test_native_pools_are_not_checked_further() -> None:
    """Host bits and a pool smaller than a block are accepted; blockSize stays absent."""
    cluster = a_cluster(a_clock())
    stored = put_up(cluster, calico("IPPool", "odd", {"cidr": "10.99.2.1/29"}))
    assert stored["spec"] == {"cidr": "10.99.2.1/29", "assignmentMode": "Automatic"}


def test_native_pools_keep_their_range() -> None:
    """Cidr and blockSize cannot change, in the CRD's words."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_pool())
    words = "cannot be changed; follow IP pool migration guide to avoid corruption."
    for spec, start in (({"cidr": "10.99.0.0/28"}, "CIDR"), ({"blockSize": 31}, "Block size")):
        with refused(422, "Invalid") as caught:
            put_up(cluster, a_pool(**spec))
        assert caught.value.message.endswith(f"{start} {words}")


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("BGPFilter", {"exportV4": [{"action": "Accept", "cidr": "10.0.0.0/8"}]}, "cidr and matchOperator must both"),
        ("BGPFilter", {"exportV4": [{"cidr": "10.0.0.0/8", "matchOperator": "In"}]}, "Required value"),
        ("BGPPeer", {"node": "a", "nodeSelector": "all()"}, "node and nodeSelector cannot both be set"),
        ("BGPPeer", {"peerSelector": "all()", "asNumber": 65515}, "asNumber must be empty"),
        ("BGPPeer", {"asNumber": 4294967295}, "must be of type integer with format int32 in spec.asNumber"),
        ("FelixConfiguration", {"egressIPSupport": "On"}, "should match"),
        ("EgressGatewayPolicy", {"rules": [{"gatewayPreference": "Near"}]}, "Unsupported value"),
    ],
)
def test_other_kinds_are_checked_by_their_schema(kind: str, spec: dict[str, Any], words: str) -> None:
    """The CRDs' own rules, by create."""
    cluster = a_cluster(a_clock())
    with refused(422, "Invalid") as caught:
        cluster.api.create(kind, None, calico(kind, "thing", spec), manager=PERSON)
    assert words in caught.value.message


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "a" * 64])
def test_namespace_names_are_dns_labels(name: str) -> None:
    """422 for anything else."""
    cluster = a_cluster(a_clock())
    with refused(422, "Invalid"):
        put_up(cluster, a_namespace(name))


def test_the_status_has_its_own_door() -> None:
    """The main resource ignores a body's status, the subresource everything else; kinds without one refuse."""
    cluster = a_cluster(a_clock())
    put_up_tenant(cluster)
    body = copy.deepcopy(gateway(cluster))
    body["status"] = {"state": "Forged"}
    body["spec"]["replicas"] = 1
    where = ("EgressGateway", "tenant0-egw", "tenant0-egw")
    assert cluster.api.replace(*where, body, manager=PERSON)["status"]["state"] == "Ready"
    changed = cluster.api.patch_status(*where, {"status": {"state": "Odd"}, "spec": {"replicas": 5}}, manager=PERSON)
    assert (changed["status"]["state"], changed["spec"]["replicas"]) == ("Odd", 1)
    put_up(cluster, calico("BGPFilter", "f", {}))
    with refused(400, "BadRequest"):
        cluster.api.patch_status("BGPFilter", None, "f", {"status": {}}, manager=PERSON)


def test_calls_are_counted() -> None:
    """By verb and kind, clients' calls alone."""
    cluster = a_cluster(a_clock())
    put_up_tenant(cluster)
    cluster.api.list("Pod")
    counted = {key: count for key, count in cluster.api.calls.items() if count}
    assert counted == {
        ("patch", "Namespace"): 1,
        ("patch", "IPPool"): 1,
        ("patch", "EgressGateway"): 1,
        ("list", "Pod"): 1,
    }
