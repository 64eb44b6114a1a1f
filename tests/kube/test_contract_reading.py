"""What our adapter relies on when it lists, deletes and is refused, on the simulator and on a real API server alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from faces import Face, adapter, eventually
from transcripts import CALICO, FELIX, FILTERS, NAMESPACES, POLICIES, calico

from function_app.adapters.kubernetes_cluster import PAGE_SIZE, KubernetesCluster
from function_app.model.errors import Conflict, TargetRejected, TargetUnavailable
from function_app.model.resources import Body, Kind, ResourceId
from real.kube.installing import CALICO_CRDS, CRDS, await_served, definition
from real.kube.rest import Rest
from real.kube.server import RECONCILER, STRANGER, Endpoint
from simulator.wire.certificates import make_certificates


def _policies(admin: Rest, name: str, number: int) -> list[str]:
    names = [f"{name}-{index:04}" for index in range(number)]
    for each in names:
        body = calico("EgressGatewayPolicy", each, {"rules": []}, labels={"list": name})
        assert 201 == admin("POST", POLICIES, body).status
    return names


def _policy(cluster: KubernetesCluster, name: str) -> Body:
    resource = ResourceId(Kind.EGRESS_GATEWAY_POLICY, name)
    return cluster.apply(resource, {"spec": {"rules": []}}, force=False, resource_version="")


def test_a_long_list_is_read_page_by_page(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """Every object once, by name, with kind and apiVersion."""
    names = _policies(admin, name, PAGE_SIZE + 3)
    found = cluster.list(Kind.EGRESS_GATEWAY_POLICY, label_selector=f"list={name}")
    assert names == [body["metadata"]["name"] for body in found]
    assert {("projectcalico.org/v3", "EgressGatewayPolicy")} == {(body["apiVersion"], body["kind"]) for body in found}


def test_pages_show_what_the_first_one_saw(admin: Rest, name: str) -> None:
    """An object that goes between two pages is still listed, a new one is not."""
    names = _policies(admin, name, 4)
    query = {"labelSelector": f"list={name}", "limit": "2"}
    first = admin("GET", POLICIES, **query).json
    admin("DELETE", f"{POLICIES}/{names[3]}")
    admin("POST", POLICIES, calico("EgressGatewayPolicy", f"{names[3]}-late", {"rules": []}, labels={"list": name}))
    second = admin("GET", POLICIES, **query, **{"continue": first["metadata"]["continue"]}).json
    assert names[2:] == [item["metadata"]["name"] for item in second["items"]]
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


def test_an_expired_list_is_gone(face: Face, admin: Rest, name: str) -> None:
    """410 with the reason Expired, and a token with which the rest can be read as it is now."""
    names = _policies(admin, name, 4)
    query = {"labelSelector": f"list={name}", "limit": "2"}
    token = admin("GET", POLICIES, **query).json["metadata"]["continue"]
    admin.merge(f"{POLICIES}/{names[0]}", {"metadata": {"labels": {"later": "x"}}})
    face.forget_lists()
    answers = []

    def expired() -> bool:
        answers.append(admin("GET", POLICIES, **query, **{"continue": token}))
        return answers[-1].status == 410

    eventually(face, expired)
    said = answers[-1].json
    assert ("Expired", "Failure", 410) == (said["reason"], said["status"], said["code"])
    rest = admin("GET", POLICIES, **query, **{"continue": said["metadata"]["continue"]}).json
    assert names[2:] == [item["metadata"]["name"] for item in rest["items"]]


def test_selectors_choose(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """By label, and by namespace for kinds that have one; nothing found is an empty list."""
    names = _policies(admin, name, 2)
    admin.merge(f"{POLICIES}/{names[1]}", {"metadata": {"labels": {"other": "x"}}})
    chosen = cluster.list(Kind.EGRESS_GATEWAY_POLICY, label_selector=f"list={name},other=x")
    assert [names[1]] == [body["metadata"]["name"] for body in chosen]
    assert [] == list(cluster.list(Kind.EGRESS_GATEWAY, namespace=f"{name}-nowhere"))


def test_a_delete_spares_another_object_of_the_same_name(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """The uid is a condition: what was made again under its name stays."""
    resource = ResourceId(Kind.EGRESS_GATEWAY_POLICY, name)
    old = _policy(cluster, name)["metadata"]["uid"]
    cluster.delete(resource, uid=old, resource_version="")
    new = _policy(cluster, name)["metadata"]["uid"]
    with pytest.raises(Conflict, match="UID"):
        cluster.delete(resource, uid=old, resource_version="")
    assert new == admin("GET", f"{POLICIES}/{name}").json["metadata"]["uid"]


def test_a_delete_of_another_version_is_refused(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """The version is a condition where we give one; what is gone already counts as deleted."""
    resource = ResourceId(Kind.EGRESS_GATEWAY_POLICY, name)
    made = _policy(cluster, name)["metadata"]
    admin.merge(f"{POLICIES}/{name}", {"metadata": {"labels": {"a": "1"}}})
    with pytest.raises(Conflict, match="ResourceVersion"):
        cluster.delete(resource, uid=made["uid"], resource_version=made["resourceVersion"])
    cluster.delete(resource, uid=made["uid"], resource_version="")
    cluster.delete(resource, uid=made["uid"], resource_version="")
    assert 404 == admin("GET", f"{POLICIES}/{name}").status


def test_a_finalizer_keeps_what_we_deleted(cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """The object stays, marked, until its finalizer is taken off."""
    body = calico("EgressGatewayPolicy", name, {"rules": []}, labels={"list": name}, finalizers=["example.com/hold"])
    uid = admin("POST", POLICIES, body).json["metadata"]["uid"]
    cluster.delete(ResourceId(Kind.EGRESS_GATEWAY_POLICY, name), uid=uid, resource_version="")
    (held,) = cluster.list(Kind.EGRESS_GATEWAY_POLICY, label_selector=f"list={name}")
    assert "deletionTimestamp" in held["metadata"]
    admin.merge(f"{POLICIES}/{name}", {"metadata": {"finalizers": None}})
    assert [] == list(cluster.list(Kind.EGRESS_GATEWAY_POLICY, label_selector=f"list={name}"))


def test_a_namespace_goes_with_its_content(face: Face, cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """Terminating at once, closed to new content, held by what has a finalizer, then gone."""
    made = cluster.apply(ResourceId(Kind.NAMESPACE, name), {}, force=False, resource_version="")
    budget = ResourceId(Kind.DISRUPTION_BUDGET, "held", name)
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    body = {"metadata": {"finalizers": ["example.com/hold"]}, "spec": spec}
    cluster.apply(budget, body, force=False, resource_version="")

    cluster.delete(ResourceId(Kind.NAMESPACE, name), uid=made["metadata"]["uid"], resource_version="")

    assert "Terminating" == admin("GET", f"{NAMESPACES}/{name}").json["status"]["phase"]
    late = ResourceId(Kind.DISRUPTION_BUDGET, "late", name)
    with pytest.raises(TargetUnavailable, match="namespace is being deleted") as caught:
        cluster.apply(late, {"spec": spec}, force=False, resource_version="")
    assert ("NamespaceTerminating", 403) == (caught.value.code, caught.value.status)
    path = f"/apis/policy/v1/namespaces/{name}/poddisruptionbudgets/held"
    eventually(face, lambda: "deletionTimestamp" in admin("GET", path).json["metadata"])
    assert 200 == admin("GET", f"{NAMESPACES}/{name}").status
    admin.merge(path, {"metadata": {"finalizers": None}})
    eventually(face, lambda: admin("GET", f"{NAMESPACES}/{name}").status == 404)


def test_a_namespace_that_is_missing_is_named(cluster: KubernetesCluster, name: str) -> None:
    """Content cannot be made before its namespace."""
    spec = {"ipPools": [{"name": "x"}]}
    with pytest.raises(Exception, match=f'namespaces "{name}" not found'):
        cluster.apply(ResourceId(Kind.EGRESS_GATEWAY, "x", name), {"spec": spec}, force=False, resource_version="")


def test_without_the_role_nothing_is_allowed(face: Face, tmp_path: Path) -> None:
    """403 says which right is missing."""
    nobody = adapter(face.endpoint, face.token(STRANGER), tmp_path)
    with pytest.raises(TargetRejected, match="grant it the verb list") as caught:
        nobody.list(Kind.IP_POOL)
    assert ("Forbidden", 403) == (caught.value.code, caught.value.status)
    with pytest.raises(TargetRejected, match="grant it the verb patch and create"):
        nobody.apply(ResourceId(Kind.BGP_FILTER, "x"), {"spec": {}}, force=False, resource_version="")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/namespaces/default/pods/any"),
        ("GET", f"{POLICIES}/one-by-one"),
        ("PUT", f"{FILTERS}/export-egress-ips"),
        ("DELETE", f"{FELIX}/default"),
        ("DELETE", f"{CALICO}/bgpconfigurations/default"),
        ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
        ("GET", f"{CALICO}/licensekeys/default"),
        ("POST", "/apis/apps/v1/namespaces/default/deployments"),
        ("DELETE", "/api/v1/nodes/any"),
        ("PATCH", "/api/v1/nodes/any/status"),
        ("GET", "/apis/apiregistration.k8s.io/v1/apiservices/v1.apps"),
    ],
)
def test_the_role_gives_no_more(face: Face, method: str, path: str) -> None:
    """What the reconciler never does it may not do."""
    with_role = Rest(face.endpoint, face.token(RECONCILER))
    answer = with_role(method, path, {} if method in ("POST", "PUT", "PATCH") else None)
    with_role.close()
    assert (403, "Forbidden") == (answer.status, answer.json["reason"])


def test_a_token_that_nobody_knows(face: Face, tmp_path: Path) -> None:
    """401 asks for another credential."""
    with pytest.raises(TargetRejected, match="401") as caught:
        adapter(face.endpoint, "not-a-token", tmp_path).list(Kind.NAMESPACE)
    assert ("Unauthorized", 401) == (caught.value.code, caught.value.status)


def test_an_expired_certificate_is_refused(face: Face, tmp_path: Path) -> None:
    """Nothing is sent to a server whose certificate is out of time."""
    with face.with_expired_certificate() as endpoint, pytest.raises(TargetRejected, match="expired"):
        adapter(endpoint, face.token(RECONCILER), tmp_path).list(Kind.NAMESPACE)


def test_another_authority_is_not_trusted(face: Face, tmp_path: Path) -> None:
    """A server that proves itself by somebody else's authority is refused."""
    other = tmp_path / "other.pem"
    other.write_bytes(make_certificates().ca)
    with pytest.raises(TargetRejected, match="certificate"):
        adapter(Endpoint(face.endpoint.url, other), face.token(RECONCILER), tmp_path).list(Kind.NAMESPACE)


def _define_again(face: Face, admin: Rest, crd: str, body: Body) -> None:
    """Once the old definition is gone altogether."""
    eventually(face, lambda: admin("POST", CRDS, body).status == 201)
    await_served(admin, crd)


@pytest.mark.usefixtures("crds")
def test_a_group_that_vanished_is_no_empty_list(face: Face, cluster: KubernetesCluster, admin: Rest) -> None:
    """With its last CRD a group is gone from discovery and from every path, for lists and writes alike, until it is back."""
    group = "/apis/operator.tigera.io"
    bodies = {crd: definition(crd) for crd in CALICO_CRDS if crd.endswith(".operator.tigera.io")}
    assert 200 == admin("GET", f"{group}/v1").status
    assert [] == list(cluster.list(Kind.EGRESS_GATEWAY))
    try:
        for crd in bodies:
            assert 200 == admin("DELETE", f"{CRDS}/{crd}").status
        eventually(face, lambda: {404} == {admin("GET", path).status for path in (group, f"{group}/v1")})
        assert "operator.tigera.io" not in [each["name"] for each in admin("GET", "/apis").json["groups"]]
        with pytest.raises(TargetRejected, match="is not served") as caught:
            cluster.list(Kind.EGRESS_GATEWAY)
        assert 404 == caught.value.status
        with pytest.raises(TargetRejected, match="is not served"):
            cluster.apply(
                ResourceId(Kind.EGRESS_GATEWAY, "x", "default"), {"spec": {}}, force=False, resource_version=""
            )
    finally:
        for crd, body in bodies.items():
            _define_again(face, admin, crd, body)
    assert [] == list(cluster.list(Kind.EGRESS_GATEWAY))


@pytest.mark.usefixtures("crds")
def test_a_kind_that_vanished_is_no_empty_list(face: Face, cluster: KubernetesCluster, admin: Rest, name: str) -> None:
    """A deleted CRD takes its objects and its path with it; listing says that it is not served, until it is back."""
    crd = "egressgatewaypolicies.projectcalico.org"
    _policy(cluster, name)
    body = definition(crd)
    assert 200 == admin("DELETE", f"{CRDS}/{crd}").status
    eventually(face, lambda: admin("GET", POLICIES).status == 404)
    with pytest.raises(TargetRejected, match="is not served") as caught:
        cluster.list(Kind.EGRESS_GATEWAY_POLICY)
    assert 404 == caught.value.status
    with pytest.raises(TargetRejected, match="is not served"):
        cluster.apply(ResourceId(Kind.EGRESS_GATEWAY_POLICY, name), {"spec": {}}, force=False, resource_version="")
    _define_again(face, admin, crd, body)
    eventually(face, lambda: admin("GET", f"{POLICIES}/{name}").status == 404)
