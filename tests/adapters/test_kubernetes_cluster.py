"""The cluster adapter against a real server that answers recorded shapes."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Callable

import orjson
import pytest
from answering import (
    AnsweringServer,
    Authority,
    Cut,
    Outcome,
    Reply,
    Reset,
    Seen,
    Silence,
    Trickle,
    answering,
    closed_port,
    status,
)

from function_app.adapters.answers import RequestLimits
from function_app.adapters.kubernetes_access import ApiServerAccess
from function_app.adapters.kubernetes_cluster import KubernetesCluster
from function_app.model.errors import Conflict, NotFound, TargetError, TargetRejected, TargetUnavailable
from function_app.model.names import cluster_target
from function_app.model.resources import ApiMode, Kind, ResourceId

POOL = ResourceId(Kind.IP_POOL, "tenant0-pool")
GATEWAY = ResourceId(Kind.EGRESS_GATEWAY, "tenant0-egw", "tenant0-egw")
QUICK = RequestLimits(connect_seconds=0.2, read_seconds=0.2, answer_seconds=0.3, answer_bytes=100_000)


def reaching(server: AnsweringServer, limits: RequestLimits = QUICK) -> KubernetesCluster:
    """The cluster behind a plain server."""
    return KubernetesCluster(
        cluster_target("spoke1"), lambda: ApiServerAccess(server.url, None, lambda: "a-token"), limits
    )


def stored(resource: ResourceId, uid: str = "u-1") -> Reply:
    """An object as the API server returns it."""
    return Reply(200, {"apiVersion": "x", "kind": resource.kind.value, "metadata": {"name": resource.name, "uid": uid}})


def page(names: list[str], token: str = "") -> Reply:
    """One page of an IPPoolList (Kubernetes API Concepts, "Retrieving large results sets in chunks")."""
    items = [{"metadata": {"name": name, "uid": f"u-{name}"}} for name in names]
    metadata = {"resourceVersion": "7"} | ({"continue": token} if token else {})
    return Reply(
        200, {"kind": "IPPoolList", "apiVersion": "projectcalico.org/v3", "metadata": metadata, "items": items}
    )


def names_of(cluster: KubernetesCluster) -> list[str]:
    """The names of the cluster's pools."""
    return [item["metadata"]["name"] for item in cluster.list(Kind.IP_POOL)]


def test_a_list_follows_every_page_and_fills_in_what_items_lack() -> None:
    """Items of a list bear no apiVersion and kind; ours do, and the second page is asked for with the first one's token."""
    with answering([page(["a", "b"], "more"), page(["c"])]) as server:
        found = reaching(server).list(Kind.IP_POOL, label_selector="x=y")
    assert [(item["kind"], item["apiVersion"], item["metadata"]["name"]) for item in found] == [
        ("IPPool", "projectcalico.org/v3", name) for name in "abc"
    ]
    assert [seen.query for seen in server.seen] == [
        {"limit": "1000", "labelSelector": "x=y"},
        {"limit": "1000", "labelSelector": "x=y", "continue": "more"},
    ]
    assert server.seen[0].path == "/apis/projectcalico.org/v3/ippools"
    assert server.seen[0].headers["Authorization"] == "Bearer a-token"


def test_a_list_may_be_of_one_namespace() -> None:
    """Only of kinds that live in namespaces."""
    with answering(Reply(200, {"kind": "PodList", "items": []})) as server:
        reaching(server).list(Kind.POD, namespace="tenant0-egw")
        with pytest.raises(TargetRejected, match="no namespaces"):
            reaching(server).list(Kind.NODE, namespace="tenant0-egw")
    assert [seen.path for seen in server.seen] == ["/api/v1/namespaces/tenant0-egw/pods"]


def test_a_null_list_is_empty() -> None:
    """Go writes an empty slice as null."""
    with answering(Reply(200, {"kind": "IPPoolList", "metadata": {}, "items": None})) as server:
        assert reaching(server).list(Kind.IP_POOL) == []


def test_an_expired_continue_token_restarts_the_list_once() -> None:
    """410 on the second page: the whole list is read anew."""
    gone = status(410, "Expired", "The provided continue parameter is too old")
    with answering([page(["a"], "more"), gone, page(["a"], "more"), page(["b"])]) as server:
        assert names_of(reaching(server)) == ["a", "b"]


def test_a_list_that_keeps_expiring_is_unavailable() -> None:
    """A second 410 is not followed by a third attempt."""
    gone = status(410, "Expired", "too old")
    answers = [page(["a"], "more"), gone, page(["a"], "more"), gone]
    with answering(answers) as server, pytest.raises(TargetUnavailable) as caught:
        names_of(reaching(server))
    assert caught.value.status == 410


def test_a_repeated_continue_token_does_not_hang() -> None:
    """A server that gives the same token for ever is unavailable, not an endless loop."""
    with answering(lambda _seen: page(["a"], "again")) as server, pytest.raises(TargetUnavailable, match="do not end"):
        names_of(reaching(server))
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {}),
        Reply(200, {"kind": "Status", "status": "Success"}),
        Reply(200, {"kind": "PodList", "items": []}),
        Reply(200, {"kind": "IPPoolList", "items": [{"metadata": {}}]}),
        Reply(200, {"kind": "IPPoolList", "items": ["a"]}),
        Reply(200, []),
        Reply(200, b"<html>sign in</html>"),
        Reply(200, b""),
    ],
)
def test_what_is_no_list_is_never_an_empty_one(reply: Reply) -> None:
    """Doubtful answers are unavailable."""
    with answering(reply) as server, pytest.raises(TargetUnavailable):
        reaching(server).list(Kind.IP_POOL)


def apply(cluster: KubernetesCluster) -> object:
    """A write."""
    return cluster.apply(POOL, {"spec": {"cidr": "10.99.0.0/29"}}, force=False, resource_version="")


def listing(cluster: KubernetesCluster) -> object:
    """A read of a collection."""
    return cluster.list(Kind.IP_POOL)


CONFLICT = status(
    409,
    "Conflict",
    "Apply failed with 2 conflicts",
    causes=[
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl-edit" using v3', "field": ".spec.cidr"},
        {"reason": "FieldManagerConflict", "message": 'conflict with "flux"', "field": ".spec.disabled"},
    ],
)
INVALID = status(
    422,
    "Invalid",
    "IPPool is invalid",
    name="tenant0-pool",
    causes=[{"reason": "FieldValueInvalid", "message": "Value is immutable", "field": "spec.cidr"}],
)
CLASSES: list[tuple[str, Outcome, Callable[[KubernetesCluster], object], type[TargetError], str]] = [
    ("no credential", status(401, "Unauthorized", "Unauthorized"), listing, TargetRejected, "401, the credential"),
    (
        "no right",
        status(403, "Forbidden", 'User "canary" cannot list resource "ippools" in API group "projectcalico.org"'),
        listing,
        TargetRejected,
        "may not list IPPool; grant it the verb list",
    ),
    (
        "admission (Gatekeeper answers 403)",
        status(403, "Forbidden", 'admission webhook "validation.gatekeeper.sh" denied the request: no'),
        apply,
        TargetRejected,
        "validation.gatekeeper.sh",
    ),
    (
        "namespace on its way out",
        status(
            403,
            "Forbidden",
            "being terminated",
            causes=[{"reason": "NamespaceTerminating", "field": "metadata.namespace"}],
        ),
        apply,
        TargetUnavailable,
        "being deleted",
    ),
    ("CRD missing (listing)", Reply(404, b"404 page not found\n"), listing, TargetRejected, "is not served"),
    ("CRD missing (write)", Reply(404, b"404 page not found\n"), apply, TargetRejected, "is not served"),
    (
        "group without the resource",
        status(404, "NotFound", "could not find the requested resource"),
        apply,
        TargetRejected,
        "not served",
    ),
    (
        "absent",
        status(404, "NotFound", 'namespaces "x" not found', name="x", kind="namespaces"),
        apply,
        NotFound,
        '"x" not found',
    ),
    ("foreign manager", CONFLICT, apply, Conflict, '"kubectl-edit" owns .spec.cidr; "flux" owns .spec.disabled'),
    (
        "changed meanwhile",
        status(409, "Conflict", "the object has been modified"),
        apply,
        Conflict,
        "has been modified",
    ),
    ("invalid", INVALID, apply, TargetRejected, "spec.cidr: Value is immutable"),
    ("bad request", status(400, "BadRequest", "unknown field"), apply, TargetRejected, "unknown field"),
    (
        "aggregated, invalid on create (recorded)",
        status(500, "", "error with field IPPool.Spec.CIDR = '10.99.2.1/29' (not strictly masked)"),
        apply,
        TargetRejected,
        "not strictly masked",
    ),
    (
        "aggregated, several fields (recorded)",
        status(500, "", "error with the following fields:\n-  IPPool.Spec.CIDR\n-  IPPool.Spec.BlockSize"),
        apply,
        TargetRejected,
        "IPPool.Spec.BlockSize",
    ),
    (
        "aggregated, unknown field (recorded)",
        status(500, "", "failed to create typed patch object (/x; IPPool): .spec.nope: field not declared in schema"),
        apply,
        TargetRejected,
        ".spec.nope",
    ),
    (
        "server failure",
        status(500, "InternalError", "etcdserver: request timed out"),
        apply,
        TargetUnavailable,
        "etcdserver",
    ),
    (
        "aggregated server down (recorded)",
        Reply(503, b"error trying to reach service: dial tcp"),
        listing,
        TargetUnavailable,
        "503, no Status",
    ),
    ("proxy page", Reply(502, b"<html>canary-body</html>"), listing, TargetUnavailable, "502, no Status"),
    ("throttled", status(429, "TooManyRequests", "please try again"), listing, TargetUnavailable, "try again"),
    (
        "redirect",
        Reply(302, b"", {"Location": "https://login.example.com/?canary"}),
        listing,
        TargetRejected,
        "redirects",
    ),
    ("not JSON", Reply(200, b"ok"), apply, TargetUnavailable, "not JSON"),
    (
        "lost write (recorded)",
        Reply(200, {"metadata": {"creationTimestamp": None}}),
        apply,
        TargetUnavailable,
        "lost write",
    ),
    ("cut off", Cut(page(["a" * 500]), 200), listing, TargetUnavailable, "cut off"),
    ("write reset", Reset(), apply, TargetUnavailable, "reset"),
    ("read reset again and again", Reset(), listing, TargetUnavailable, "reset"),
    ("silent", Silence(), listing, TargetUnavailable, "no answer within the time limit"),
    ("a byte now and then", Trickle(), listing, TargetUnavailable, "not complete after 0.3 s"),
    ("endless", Reply(200, b" " * 200_000), listing, TargetRejected, "larger than 100000 bytes"),
    (
        "zip bomb",
        Reply(200, gzip.compress(b" " * 9_000_000), {"Content-Encoding": "gzip"}),
        listing,
        TargetRejected,
        "larger than",
    ),
]


@pytest.mark.parametrize(
    ("outcome", "act", "kind", "words"), [row[1:] for row in CLASSES], ids=[row[0] for row in CLASSES]
)
def test_every_failure_has_its_class(
    outcome: Outcome, act: Callable[[KubernetesCluster], object], kind: type[TargetError], words: str
) -> None:
    """Whose is it to fix, and does waiting help: by what the server does. Bodies that are no Status are never quoted."""
    with answering(outcome) as server, pytest.raises(TargetError) as caught:
        act(reaching(server))
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert "cluster/spoke1" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_refused_connection_is_unavailable() -> None:
    """Nobody listens."""
    url = f"http://127.0.0.1:{closed_port()}"
    cluster = KubernetesCluster(cluster_target("spoke1"), lambda: ApiServerAccess(url, None, lambda: ""), QUICK)
    with pytest.raises(TargetUnavailable, match="connection was refused"):
        listing(cluster)


def test_an_address_that_is_no_url_is_rejected() -> None:
    """A port that does not exist."""
    access = ApiServerAccess("http://127.0.0.1:99999", None, lambda: "")
    with pytest.raises(TargetRejected, match="cannot be used as a URL"):
        listing(KubernetesCluster(cluster_target("spoke1"), lambda: access, QUICK))


def test_a_name_without_address_is_unavailable() -> None:
    """The reserved top level domain `invalid` never resolves."""
    access = ApiServerAccess("http://nowhere.invalid", None, lambda: "")
    cluster = KubernetesCluster(cluster_target("spoke1"), lambda: access, QUICK)
    with pytest.raises(TargetUnavailable, match="cannot be resolved"):
        listing(cluster)


def test_a_read_is_sent_again_after_a_reset_and_a_write_never() -> None:
    """Idle connections are dropped by load balancers; a write may have had its effect."""
    with answering([Reset(), page(["a"])]) as server:
        assert names_of(reaching(server)) == ["a"]
    with answering([Reset(), stored(POOL)]) as server, pytest.raises(TargetUnavailable):
        apply(reaching(server))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "failing", [status(503, "ServiceUnavailable"), status(500, "InternalError"), status(409, "Conflict")]
)
def test_nothing_is_sent_twice_because_of_an_error_status(failing: Reply) -> None:
    """Neither with nor without Retry-After: repeating is the next pass's business."""
    reply = Reply(failing.status, failing.body, {"Retry-After": "0"})
    for act in (listing, apply):
        with answering(reply) as server, pytest.raises(TargetError):
            act(reaching(server))
        assert len(server.seen) == 1


def test_retry_after_is_carried() -> None:
    """Kubernetes' priority and fairness answers 429 with Retry-After."""
    with answering(Reply(429, {}, {"Retry-After": "7"})) as server, pytest.raises(TargetUnavailable) as caught:
        listing(reaching(server))
    assert caught.value.retry_after == 7.0


def test_an_apply_carries_manager_force_and_version() -> None:
    """Server-side apply: kubernetes.io "Server-Side Apply"."""
    with answering(stored(GATEWAY)) as server:
        written = reaching(server).apply(
            GATEWAY, {"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 2}}, force=True, resource_version="41"
        )
    (seen,) = server.seen
    assert written["metadata"]["uid"] == "u-1"
    assert (seen.method, seen.path) == (
        "PATCH",
        "/apis/operator.tigera.io/v1/namespaces/tenant0-egw/egressgateways/tenant0-egw",
    )
    assert seen.query == {"fieldManager": "egress-gitops", "force": "true", "fieldValidation": "Ignore"}
    assert seen.headers["Content-Type"] == "application/apply-patch+yaml"
    assert seen.json == {
        "apiVersion": "operator.tigera.io/v1",
        "kind": "EgressGateway",
        "metadata": {"labels": {"a": "b"}, "name": "tenant0-egw", "namespace": "tenant0-egw", "resourceVersion": "41"},
        "spec": {"replicas": 2},
    }


def test_a_merge_patch_carries_our_keys_and_the_version_alone() -> None:
    """JSON merge patch, RFC 7396: null removes a key; the resourceVersion guards the write."""
    namespace = ResourceId(Kind.NAMESPACE, "default")
    with answering(stored(namespace)) as server:
        reaching(server).merge_patch(namespace, {"metadata": {"annotations": {"a": None}}}, resource_version="9")
    (seen,) = server.seen
    assert (seen.path, seen.query["fieldManager"]) == ("/api/v1/namespaces/default", "egress-gitops")
    assert seen.headers["Content-Type"] == "application/merge-patch+json"
    assert seen.json == {"metadata": {"annotations": {"a": None}, "resourceVersion": "9"}}


def test_a_delete_names_the_object_it_means() -> None:
    """Preconditions keep somebody else's object of the same name."""
    with answering(Reply(200, {"kind": "Status", "status": "Success"})) as server:
        reaching(server).delete(POOL, uid="u-1", resource_version="5")
    assert server.seen[0].json == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": "u-1", "resourceVersion": "5"},
    }


def test_deleting_what_is_absent_succeeds_but_not_when_its_kind_is_unknown() -> None:
    """Absent is the aim; an unserved kind proves nothing."""
    with answering(status(404, "NotFound", "not found", name="tenant0-pool")) as server:
        reaching(server).delete(POOL, uid="u-1", resource_version="")
    with answering(Reply(404, b"404 page not found")) as server, pytest.raises(TargetRejected):
        reaching(server).delete(POOL, uid="u-1", resource_version="")


def api_service(service: object) -> Reply:
    """An APIService of kube-aggregator (apiregistration.k8s.io/v1)."""
    return Reply(
        200, {"kind": "APIService", "metadata": {"name": "v3.projectcalico.org"}, "spec": {"service": service}}
    )


def blocks(seen: Seen) -> Reply:
    """An empty list of IPAM blocks, wherever it is asked for."""
    return Reply(200, {"kind": "IPAMBlockList", "items": []}) if seen.path.endswith("ipamblocks") else api_service(None)


def test_an_api_service_with_a_service_is_the_aggregated_mode() -> None:
    """There IPAM blocks are read where the aggregated server keeps them."""

    def script(seen: Seen) -> Reply:
        return (
            blocks(seen) if seen.path.endswith("ipamblocks") else api_service({"name": "calico-api", "namespace": "x"})
        )

    with answering(script) as server:
        cluster = reaching(server)
        assert cluster.mode() is ApiMode.AGGREGATED
        cluster.list(Kind.IPAM_BLOCK)
    assert server.seen[-1].path == "/apis/crd.projectcalico.org/v1/ipamblocks"


def test_an_api_service_without_a_service_is_the_native_mode() -> None:
    """Kubernetes makes such an APIService for the group of a CRD; the mode is found out when blocks need it."""
    with answering(blocks) as server:
        cluster = reaching(server)
        cluster.list(Kind.IPAM_BLOCK)
        assert cluster.mode() is ApiMode.NATIVE
    assert server.seen[1].path == "/apis/projectcalico.org/v3/ipamblocks"


def test_without_an_api_service_the_group_itself_is_asked() -> None:
    """Served all the same: native. Not served, or without pools: refused with words."""
    absent = status(404, "NotFound", "not found", name="v3.projectcalico.org")
    with answering([absent, Reply(200, {"kind": "APIResourceList", "resources": [{"name": "ippools"}]})]) as server:
        assert reaching(server).mode() is ApiMode.NATIVE
    for nothing in (Reply(404, b"404 page not found"), Reply(200, {"kind": "APIResourceList", "resources": []})):
        with (
            answering([absent, nothing]) as server,
            pytest.raises(TargetRejected, match=r"projectcalico.org/v3 is not served"),
        ):
            reaching(server).mode()


def test_a_group_that_is_down_is_never_native() -> None:
    """503 from the aggregation layer, or an object that is no APIService, is unavailable."""
    for reply in (Reply(503, b"error trying to reach service"), Reply(200, {})):
        with answering(reply) as server, pytest.raises(TargetUnavailable):
            reaching(server).mode()


def test_the_connection_is_kept() -> None:
    """A pass of many writes pays for one connection."""
    with answering(stored(POOL)) as server:
        cluster = reaching(server)
        for _ in range(5):
            apply(cluster)
        assert len(server.connections) == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings are the only thing that is read from the environment."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    with answering(page(["a"])) as server:
        assert names_of(reaching(server)) == ["a"]


def over_tls(server: AnsweringServer, authority: Authority) -> KubernetesCluster:
    """The cluster behind a TLS server, trusting one authority."""
    context = ssl.create_default_context(cafile=authority.file)
    return KubernetesCluster(cluster_target("spoke1"), lambda: ApiServerAccess(server.url, context, lambda: "t"), QUICK)


def test_certificates_decide(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Trusted answers; expired, of another authority, and for another address are rejected, each in its words."""
    authority, other = Authority(tmp_path_factory.mktemp("a")), Authority(tmp_path_factory.mktemp("b"), "other")
    with answering(page(["a"]), authority.issue()) as server:
        assert names_of(over_tls(server, authority)) == ["a"]
        with pytest.raises(TargetRejected, match="authority that is not trusted"):
            listing(over_tls(server, other))
    expired = authority.issue(expired=True)
    with answering(page(["a"]), expired) as server, pytest.raises(TargetRejected, match="certificate has expired"):
        listing(over_tls(server, authority))
    with (
        answering(page(["a"]), authority.issue(address="10.0.0.1")) as server,
        pytest.raises(TargetRejected, match="another"),
    ):
        listing(over_tls(server, authority))


def test_access_is_found_out_anew_after_a_refused_certificate(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A cluster whose authority was replaced is reached again without a restart."""
    old, new = Authority(tmp_path_factory.mktemp("a"), "old"), Authority(tmp_path_factory.mktemp("b"), "new")
    known = [old, new]
    with answering(page(["a"]), new.issue()) as server:
        cluster = KubernetesCluster(
            cluster_target("spoke1"),
            lambda: ApiServerAccess(server.url, ssl.create_default_context(cafile=known.pop(0).file), lambda: ""),
            QUICK,
        )
        with pytest.raises(TargetRejected):
            listing(cluster)
        assert names_of(cluster) == ["a"]


def test_a_broken_off_handshake_is_unavailable() -> None:
    """A server that speaks plain HTTP, or closes, breaks the handshake: waiting may help."""
    with answering(page(["a"])) as server:
        access = ApiServerAccess(server.url.replace("http:", "https:"), ssl.create_default_context(), lambda: "")
        with pytest.raises(TargetUnavailable, match="TLS"):
            listing(KubernetesCluster(cluster_target("spoke1"), lambda: access, QUICK))


def test_compressed_answers_are_read() -> None:
    """kube-apiserver compresses answers of more than 128 KiB when asked to."""
    content = gzip.compress(orjson.dumps(page(["a", "b"]).body))
    with answering(Reply(200, content, {"Content-Encoding": "gzip"})) as server:
        assert names_of(reaching(server)) == ["a", "b"]
    assert server.seen[0].headers["Accept-Encoding"] == "gzip"
