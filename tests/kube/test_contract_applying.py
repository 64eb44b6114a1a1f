"""What our adapter relies on when it writes, on the simulator and on a real API server alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from faces import Face, adapter, eventually
from transcripts import FELIX, FILTERS, PEERS, POOLS, calico

from function_app.adapters.kubernetes_cluster import KubernetesCluster
from function_app.model.errors import Conflict, NotFound, TargetError, TargetRejected, TargetUnavailable
from function_app.model.names import FIELD_MANAGER
from function_app.model.resources import ApiMode, Body, Kind, ResourceId
from real.kube.rest import Rest
from real.kube.server import STRANGER


def _filter(*cidrs: str) -> dict[str, Any]:
    rules = [{"action": "Accept", "matchOperator": "In", "cidr": cidr} for cidr in cidrs]
    return {"spec": {"exportV4": [*rules, {"action": "Reject"}]}}


def _apply(
    cluster: KubernetesCluster, resource: ResourceId, body: Body, *, force: bool = False, version: str = ""
) -> Body:
    return cluster.apply(resource, body, force=force, resource_version=version)


def _version(body: Body) -> str:
    return str(body["metadata"]["resourceVersion"])


def test_native_mode_is_recognised(cluster: KubernetesCluster) -> None:
    """An APIService without a service behind it means that CRDs serve the group."""
    assert ApiMode.NATIVE is cluster.mode()


def test_an_apply_creates_and_then_changes_nothing(cluster: KubernetesCluster, name: str) -> None:
    """The second apply of the same body leaves version and generation as they were."""
    resource = ResourceId(Kind.BGP_FILTER, name)
    first = _apply(cluster, resource, _filter("10.0.0.0/8"))
    second = _apply(cluster, resource, _filter("10.0.0.0/8"))
    assert first == second
    assert (1, name) == (second["metadata"]["generation"], second["metadata"]["name"])


def test_an_apply_owns_what_it_sends_and_nothing_else(cluster: KubernetesCluster, name: str) -> None:
    """The bookkeeping says that we own our labels and fields, by apply."""
    body = {"metadata": {"labels": {"tenant": "a"}}, "spec": {"peerIP": "10.0.1.4", "asNumber": 65515}}
    stored = _apply(cluster, ResourceId(Kind.BGP_PEER, name), body)
    entries = [(each["manager"], each["operation"], each["fieldsV1"]) for each in stored["metadata"]["managedFields"]]
    fields = {"f:metadata": {"f:labels": {"f:tenant": {}}}, "f:spec": {"f:asNumber": {}, "f:peerIP": {}}}
    assert [(FIELD_MANAGER, "Apply", fields)] == entries


def test_what_we_set_before_and_no_longer_want_goes(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """A field and a label left out of a later apply vanish; what somebody else set stays."""
    resource = ResourceId(Kind.BGP_PEER, name)
    _apply(
        cluster, resource, {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"peerIP": "10.0.1.4", "asNumber": 1}}
    )
    admin.merge(f"{PEERS}/{name}", {"spec": {"reachableBy": "10.0.0.1"}, "metadata": {"labels": {"theirs": "x"}}})
    stored = _apply(cluster, resource, {"metadata": {"labels": {"a": "1"}}, "spec": {"peerIP": "10.0.1.4"}})
    assert {"a": "1", "theirs": "x"} == stored["metadata"]["labels"]
    assert {"peerIP": "10.0.1.4", "reachableBy": "10.0.0.1"} == stored["spec"]


def test_a_field_that_two_own_survives_when_one_leaves_it(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """Equal values are shared; the field goes with its last owner."""
    resource = ResourceId(Kind.BGP_PEER, name)
    _apply(cluster, resource, {"spec": {"peerIP": "10.0.1.4", "asNumber": 1}})
    both = admin.apply(f"{PEERS}/{name}", calico("BGPPeer", name, {"peerIP": "10.0.1.4"}), manager="somebody")
    assert 200 == both.status
    assert {"peerIP": "10.0.1.4"} == _apply(cluster, resource, {"metadata": {"labels": {"a": "1"}}})["spec"]
    left = admin.apply(f"{PEERS}/{name}", calico("BGPPeer", name), manager="somebody").json
    assert {} == left.get("spec", {})


def test_a_conflict_names_manager_and_path(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """Another applier's field is not taken without force."""
    admin.apply(f"{PEERS}/{name}", calico("BGPPeer", name, {"peerIP": "10.0.1.4"}), manager="somebody")
    with pytest.raises(Conflict, match=r'"somebody" owns \.spec\.peerIP') as caught:
        _apply(cluster, ResourceId(Kind.BGP_PEER, name), {"spec": {"peerIP": "10.0.1.5"}})
    assert ("Conflict", 409) == (caught.value.code, caught.value.status)


def test_a_conflict_with_somebody_who_patched(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """A field that was edited by hand is owned by its editor."""
    resource = ResourceId(Kind.BGP_PEER, name)
    _apply(cluster, resource, {"spec": {"peerIP": "10.0.1.4"}})
    admin.merge(f"{PEERS}/{name}", {"spec": {"peerIP": "10.0.1.9"}}, manager="kubectl-edit")
    with pytest.raises(Conflict, match=r'"kubectl-edit" owns \.spec\.peerIP'):
        _apply(cluster, resource, {"spec": {"peerIP": "10.0.1.4"}})


def test_force_takes_a_field_from_its_owner(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """The other manager keeps what we did not ask for, and is in conflict from then on."""
    path = f"{PEERS}/{name}"
    theirs = calico("BGPPeer", name, {"peerIP": "10.0.1.4", "asNumber": 7})
    admin.apply(path, theirs, manager="somebody")
    stored = _apply(cluster, ResourceId(Kind.BGP_PEER, name), {"spec": {"peerIP": "10.0.1.5"}}, force=True)
    assert {"peerIP": "10.0.1.5", "asNumber": 7} == stored["spec"]
    again = admin.apply(path, theirs, manager="somebody")
    assert (409, f'conflict with "{FIELD_MANAGER}"') == (again.status, again.json["details"]["causes"][0]["message"])


def test_a_merge_patch_sets_only_our_key(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """A shared object keeps what others wrote, and setting the key again writes nothing."""
    shared = f"node.{name}"
    admin("POST", FELIX, calico("FelixConfiguration", shared, {"bpfEnabled": False}), fieldManager="tigera-operator")
    resource = ResourceId(Kind.FELIX_CONFIGURATION, shared)
    patch = {"spec": {"egressIPSupport": "EnabledPerNamespace"}}
    first = cluster.merge_patch(resource, patch, resource_version="")
    second = cluster.merge_patch(resource, patch, resource_version="")
    wanted = {"bpfEnabled": False, "egressIPSupport": "EnabledPerNamespace", "nftablesMode": "Auto"}
    assert wanted == second["spec"]
    assert _version(first) == _version(second)
    owners = {each["manager"]: each["operation"] for each in second["metadata"]["managedFields"]}
    assert {"tigera-operator": "Update", FIELD_MANAGER: "Update"} == owners


def test_a_merge_patch_of_nothing_is_not_found(cluster: KubernetesCluster, name: str) -> None:
    """A shared object is never created."""
    with pytest.raises(NotFound):
        cluster.merge_patch(ResourceId(Kind.FELIX_CONFIGURATION, f"node.{name}"), {"spec": {}}, resource_version="")


def test_annotations_come_and_go_by_one_patch(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """Null removes a key and leaves the others."""
    admin("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    resource = ResourceId(Kind.NAMESPACE, name)
    cluster.merge_patch(resource, {"metadata": {"annotations": {"a": "1", "b": "2"}}}, resource_version="")
    stored = cluster.merge_patch(resource, {"metadata": {"annotations": {"a": None, "c": "3"}}}, resource_version="")
    assert {"b": "2", "c": "3"} == stored["metadata"]["annotations"]


def test_a_guarded_apply_refuses_another_version(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """Somebody wrote in between: conflict, also with force; on the version that is, it goes through."""
    resource = ResourceId(Kind.BGP_FILTER, name)
    seen = _version(_apply(cluster, resource, _filter("10.0.0.0/8")))
    between = admin.merge(f"{FILTERS}/{name}", {"metadata": {"labels": {"a": "1"}}})
    with pytest.raises(Conflict, match="object has been modified"):
        _apply(cluster, resource, _filter("10.0.0.0/9"), force=True, version=seen)
    stored = _apply(cluster, resource, _filter("10.0.0.0/9"), version=_version(between.json))
    assert "10.0.0.0/9" == stored["spec"]["exportV4"][0]["cidr"]


def test_a_guarded_apply_makes_what_is_gone_again(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """A version is no condition for what does not exist by now: the guard holds against other writers, not against deletion."""
    resource = ResourceId(Kind.BGP_FILTER, name)
    seen = _apply(cluster, resource, _filter("10.0.0.0/8"))
    admin("DELETE", f"{FILTERS}/{name}")
    stored = _apply(cluster, resource, _filter("10.0.0.0/9"), version=_version(seen))
    assert (1, "10.0.0.0/9") == (stored["metadata"]["generation"], stored["spec"]["exportV4"][0]["cidr"])
    assert seen["metadata"]["uid"] != stored["metadata"]["uid"]


def test_a_guarded_apply_spares_what_somebody_made_again(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """Deleted and made by another in between: the version is not the one that we saw, and force does not help."""
    resource = ResourceId(Kind.BGP_FILTER, name)
    seen = _apply(cluster, resource, _filter("10.0.0.0/8"))
    admin("DELETE", f"{FILTERS}/{name}")
    theirs = admin("POST", FILTERS, calico("BGPFilter", name, _filter("10.7.0.0/16")["spec"])).json
    with pytest.raises(Conflict, match="object has been modified"):
        _apply(cluster, resource, _filter("10.0.0.0/9"), force=True, version=_version(seen))
    assert theirs["metadata"]["uid"] == admin("GET", f"{FILTERS}/{name}").json["metadata"]["uid"]
    assert theirs["spec"] == admin("GET", f"{FILTERS}/{name}").json["spec"]


def test_a_guarded_patch_refuses_another_version(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """The version in a merge patch is a condition as well."""
    admin("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    resource = ResourceId(Kind.NAMESPACE, name)
    seen = _version(cluster.merge_patch(resource, {"metadata": {"annotations": {"a": "1"}}}, resource_version=""))
    cluster.merge_patch(resource, {"metadata": {"annotations": {"a": "2"}}}, resource_version=seen)
    with pytest.raises(Conflict, match="object has been modified"):
        cluster.merge_patch(resource, {"metadata": {"annotations": {"a": "3"}}}, resource_version=seen)


def test_a_range_cannot_be_changed_in_place(cluster: KubernetesCluster, name: str) -> None:
    """The CRD's own rule answers, with field and reason."""
    resource = ResourceId(Kind.IP_POOL, name)
    _apply(cluster, resource, {"spec": {"cidr": "10.232.0.0/29", "blockSize": 32}})
    with pytest.raises(TargetRejected, match=r"spec\.cidr.*CIDR cannot be changed") as caught:
        _apply(cluster, resource, {"spec": {"cidr": "10.232.0.8/29", "blockSize": 32}})
    assert ("Invalid", 422) == (caught.value.code, caught.value.status)


def test_every_wrong_field_is_named(cluster: KubernetesCluster, name: str) -> None:
    """Validation reports all causes at once."""
    body = {"spec": {"cidr": "10.232.0.0/29", "vxlanMode": "Sometimes", "blockSize": 129}}
    with pytest.raises(TargetRejected) as caught:
        _apply(cluster, ResourceId(Kind.IP_POOL, name), body)
    assert 422 == caught.value.status
    assert "spec.vxlanMode" in str(caught.value)
    assert "spec.blockSize" in str(caught.value)


def test_an_unknown_field_is_refused_for_good(cluster: KubernetesCluster, name: str) -> None:
    """A field that the cluster's Calico does not know is no reason to wait."""
    with pytest.raises(TargetRejected, match="nope"):
        _apply(cluster, ResourceId(Kind.IP_POOL, name), {"spec": {"cidr": "10.232.0.0/29", "nope": 1}})


def test_defaults_are_filled_in(cluster: KubernetesCluster, name: str) -> None:
    """A pool's assignmentMode has a default, its blockSize has none; false is echoed."""
    spec = {"cidr": "10.233.0.0/29", "natOutgoing": False}
    stored = _apply(cluster, ResourceId(Kind.IP_POOL, name), {"spec": spec})
    assert {**spec, "assignmentMode": "Automatic"} == stored["spec"]


def test_an_admission_policy_refuses_for_good(face: Face, cluster: KubernetesCluster, name: str) -> None:
    """The policy's own words reach the report; the write is not repeated."""
    with face.refusing("egressgatewaypolicies", "ask the platform team"), pytest.raises(TargetRejected) as caught:
        _apply(cluster, ResourceId(Kind.EGRESS_GATEWAY_POLICY, name), {"spec": {"rules": []}})
    assert "ask the platform team" in str(caught.value)
    assert ("Invalid", 422) == (caught.value.code, caught.value.status)


def test_an_object_that_is_being_deleted_is_not_made_again(
    face: Face, cluster: KubernetesCluster, admin: Rest, name: str
) -> None:
    """While a finalizer holds it, an apply changes the old object; with the finalizer it goes."""
    path = f"{POOLS}/{name}"
    spec = {"cidr": "10.234.0.0/29", "blockSize": 32}
    admin("POST", POOLS, calico("IPPool", name, spec, finalizers=["example.com/hold"]))
    before = admin("DELETE", path).json
    assert "deletionTimestamp" in before["metadata"]
    after = _apply(cluster, ResourceId(Kind.IP_POOL, name), {"metadata": {"labels": {"a": "1"}}, "spec": spec})
    assert before["metadata"]["uid"] == after["metadata"]["uid"]
    assert "deletionTimestamp" in after["metadata"]
    admin.merge(path, {"metadata": {"finalizers": None}})
    eventually(face, lambda: admin("GET", path).status == 404)


def test_too_many_requests_are_a_reason_to_wait(face: Face, stranger: Rest, tmp_path: Path) -> None:
    """429 comes with Retry-After, in plain text, and becomes an error that says how long to wait."""
    answers = [stranger("GET", FILTERS)]
    nobody = adapter(face.endpoint, face.token(STRANGER), tmp_path)

    def turned_away() -> bool:
        answers.append(stranger("GET", FILTERS))
        return answers[-1].status == 429

    def gave_up() -> bool:
        with pytest.raises((TargetUnavailable, TargetRejected)) as raised:
            nobody.list(Kind.BGP_FILTER)
        caught.append(raised.value)
        return raised.value.status == 429

    caught: list[TargetError] = []
    with face.throttling():
        eventually(face, turned_away)
        eventually(face, gave_up)
    seen, error = answers[-1], caught[-1]
    assert (429, b"Too many requests, please try again later.\n") == (seen.status, seen.body)
    assert 1 <= int(seen.headers["Retry-After"])
    assert isinstance(error, TargetUnavailable)
    assert error.retry_after is not None
    assert 1 <= error.retry_after
