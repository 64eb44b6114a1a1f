"""One cluster's API, as ports.ClusterApi: the real Kubernetes client's connection pool, raw JSON instead of its typed models.

Nothing is sent twice but a read whose connection was reset, no redirect is followed, and no proxy of the environment is used.
Sources: kubernetes.io "Kubernetes API Concepts" and "Server-Side Apply"; Calico's aggregated API server v3.32.1 as recorded, which
ignores `limit` and answers a lost write with 200 and an empty object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
import urllib3
from kubernetes.client.configuration import Configuration
from kubernetes.client.rest import RESTClientObject

from function_app.adapters.answers import Answer, Call, RequestLimits, collected, json_object, lower_cased
from function_app.adapters.bodies import Listed, decode_once
from function_app.adapters.kubernetes_access import Access, ApiServerAccess
from function_app.adapters.kubernetes_bodies import Page, body_of, page_of
from function_app.adapters.kubernetes_refusals import kubernetes_refusal
from function_app.adapters.retrying import once_more_after_reset
from function_app.adapters.vendor_errors import vendor_errors_as_ours
from function_app.adapters.vendor_logs import quieten_vendor_logs
from function_app.measuring import counted
from function_app.model.errors import NotFound, TargetRejected, TargetUnavailable
from function_app.model.names import FIELD_MANAGER, TargetName
from function_app.model.resources import ApiMode, Body, Kind, ResourceId

PAGE_SIZE = 1000
_MOST_PAGES = 10_000
_CHUNK_BYTES = 1024 * 1024
_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class _Served:
    """Where a kind is served."""

    api_version: str
    plural: str
    namespaced: bool = False

    def collection(self, namespace: str = "") -> str:
        """The path of all its objects, or of those in one namespace."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        return f"{root}/namespaces/{quote(namespace, safe='')}/{self.plural}" if namespace else f"{root}/{self.plural}"


_CALICO = "projectcalico.org/v3"
_SERVED: Mapping[Kind, _Served] = {
    Kind.NAMESPACE: _Served("v1", "namespaces"),
    Kind.NODE: _Served("v1", "nodes"),
    Kind.POD: _Served("v1", "pods", namespaced=True),
    Kind.DEPLOYMENT: _Served("apps/v1", "deployments", namespaced=True),
    Kind.DISRUPTION_BUDGET: _Served("policy/v1", "poddisruptionbudgets", namespaced=True),
    Kind.IP_POOL: _Served(_CALICO, "ippools"),
    Kind.IPAM_BLOCK: _Served(_CALICO, "ipamblocks"),
    Kind.BGP_FILTER: _Served(_CALICO, "bgpfilters"),
    Kind.BGP_PEER: _Served(_CALICO, "bgppeers"),
    Kind.BGP_CONFIGURATION: _Served(_CALICO, "bgpconfigurations"),
    Kind.CALICO_NODE_STATUS: _Served(_CALICO, "caliconodestatuses"),
    Kind.FELIX_CONFIGURATION: _Served(_CALICO, "felixconfigurations"),
    Kind.EGRESS_GATEWAY: _Served("operator.tigera.io/v1", "egressgateways", namespaced=True),
    Kind.EGRESS_GATEWAY_POLICY: _Served(_CALICO, "egressgatewaypolicies"),
    Kind.INSTALLATION: _Served("operator.tigera.io/v1", "installations"),
    Kind.LICENSE_KEY: _Served(_CALICO, "licensekeys"),
    Kind.TIGERA_STATUS: _Served("operator.tigera.io/v1", "tigerastatuses"),
    Kind.DATASTORE_MIGRATION: _Served("migration.projectcalico.org/v1beta1", "datastoremigrations"),
}
_AGGREGATED_BLOCKS = _Served("crd.projectcalico.org/v1", "ipamblocks")
"""The aggregated API server does not serve blocks; they are read where it keeps them, and never written."""


@dataclass(frozen=True, slots=True)
class _Connection:
    """`path` is what the server's URL ends in, before its API begins."""

    access: ApiServerAccess
    pool: urllib3.HTTPConnectionPool
    path: str


class KubernetesCluster:
    """One cluster. Connections are kept until it is closed; calls may come from several threads.

    How to reach the cluster is found out at the first call, and again after the server's certificate or our credential was
    refused: both are replaced now and then.
    """

    def __init__(self, target: TargetName, access: Access, limits: RequestLimits | None = None) -> None:
        self.target = target
        self._access = access
        self._limits = limits or RequestLimits()
        self._timeout = urllib3.Timeout(connect=self._limits.connect_seconds, read=self._limits.read_seconds)
        self._lock = Lock()
        self._connection: _Connection | None = None
        self._mode: ApiMode | None = None
        self._bodies: dict[tuple[Kind, str], Listed] = {}

    def close(self) -> None:
        """Let go of connections and of what was read; a call that comes all the same connects anew."""
        self._bodies = {}
        self._forget()

    def mode(self) -> ApiMode:
        """Aggregated when an APIService hands the group to a service (Calico docs, "crd-migration"), native when CRDs serve it.

        Raises TargetRejected when nobody serves it.
        """
        call = Call(self.target, "read", "the APIService v3.projectcalico.org")
        try:
            service = self._json(call, "GET", "/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org")
        except NotFound:
            # Kubernetes makes an APIService for each CRD's group, but some time after the CRD.
            self._expect_pools_served()
            self._mode = ApiMode.NATIVE
            return self._mode
        spec = service.get("spec")
        if service.get("kind") != "APIService" or not isinstance(spec, dict):
            raise TargetUnavailable(f"{call}: the answer is no APIService.")
        self._mode = ApiMode.AGGREGATED if spec.get("service") else ApiMode.NATIVE
        return self._mode

    def list(self, kind: Kind, *, namespace: str = "", label_selector: str = "") -> Sequence[Body]:
        """All objects of a kind, in every namespace or in one, every page; each item bears apiVersion and kind."""
        call = Call(self.target, "list", kind.value, listing=True)
        try:
            return self._listed(call, kind, namespace, label_selector)
        except TargetUnavailable as error:
            # The server forgets a listing that was read too slowly; from the beginning it is a new one.
            if error.status != 410:
                raise
        return self._listed(call, kind, namespace, label_selector)

    def apply(self, resource: ResourceId, body: Body, *, force: bool, resource_version: str) -> Body:
        """Server-side apply. Unknown fields are refused whatever is asked about them, for they fit no typed patch.

        With `resource_version` what exists is changed on that version only, else Conflict, also when it was deleted and made
        again by somebody. What does not exist is made: an API server takes a version for no condition there (kube-apiserver
        1.36.3, 201), and neither do we, for what is wanted and gone is to be made either way.
        """
        served = self._served(resource.kind)
        metadata = dict(body.get("metadata") or {}) | {"name": resource.name}
        if served.namespaced:
            metadata["namespace"] = resource.namespace
        if resource_version:
            metadata["resourceVersion"] = resource_version
        whole = dict(body) | {"apiVersion": served.api_version, "kind": resource.kind.value, "metadata": metadata}
        # To an apply "Strict" means reading the whole text once more for keys that stand twice (kube-apiserver 1.36.3,
        # `applyPatchToCurrentObject`). A mapping of ours has none.
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false", "fieldValidation": "Ignore"}
        return self._written(Call(self.target, "apply", str(resource)), resource, whole, query, _APPLY)

    def merge_patch(self, resource: ResourceId, body: Body, *, resource_version: str) -> Body:
        """JSON merge patch (RFC 7396) under our field manager; with `resource_version` only on that version, else Conflict."""
        patch = dict(body)
        if resource_version:
            patch["metadata"] = dict(body.get("metadata") or {}) | {"resourceVersion": resource_version}
        return self._written(
            Call(self.target, "patch", str(resource)), resource, patch, {"fieldManager": FIELD_MANAGER}, _MERGE
        )

    def delete(self, resource: ResourceId, *, uid: str, resource_version: str) -> None:
        """Delete the object with this uid; Conflict when another object has its name by now. Absent counts as deleted."""
        preconditions = {name: value for name, value in (("uid", uid), ("resourceVersion", resource_version)) if value}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": preconditions,
        }
        call = Call(self.target, "delete", str(resource))
        try:
            self._json(call, "DELETE", self._path(call, resource), body=options)
        except NotFound:
            return

    def _expect_pools_served(self) -> None:
        call = Call(self.target, "discover", _CALICO, listing=True)
        resources = self._json(call, "GET", f"/apis/{_CALICO}").get("resources") or ()
        if not any(isinstance(resource, dict) and resource.get("name") == "ippools" for resource in resources):
            raise TargetRejected(
                f"{call}: {_CALICO} is not served with IP pools by this cluster; install Calico.", code="NotServed"
            )

    def _listed(self, call: Call, kind: Kind, namespace: str, label_selector: str) -> Sequence[Body]:
        served = self._served(kind)
        if namespace and not served.namespaced:
            raise TargetRejected(f"{call}: this kind has no namespaces.", code="InvalidName")
        before = self._bodies.get((kind, label_selector), {})
        now: Listed = {}
        for page in self._pages(call, kind, served.collection(namespace), label_selector):
            decode_once(page.items or (), before, now, partial(body_of, call, kind, served.api_version))
        if not namespace:
            self._bodies[kind, label_selector] = now
        return list(now.values())

    def _pages(self, call: Call, kind: Kind, path: str, label_selector: str) -> Iterator[Page]:
        query = {"limit": str(PAGE_SIZE)} | ({"labelSelector": label_selector} if label_selector else {})
        seen: set[str] = set()
        while True:
            page = page_of(call, self._accepted(call, "GET", f"{path}?{urlencode(query)}"), kind)
            yield page
            token = page.metadata.token if page.metadata is not None else ""
            if not token:
                return
            if token in seen or len(seen) >= _MOST_PAGES:
                raise TargetUnavailable(f"{call}: the pages of the answer do not end.")
            seen.add(token)
            query["continue"] = token

    def _written(
        self, call: Call, resource: ResourceId, body: Body, query: Mapping[str, str], content_type: str
    ) -> Body:
        stored = self._json(
            call, "PATCH", f"{self._path(call, resource)}?{urlencode(query)}", body=body, content_type=content_type
        )
        metadata = stored.get("metadata")
        if not isinstance(metadata, dict) or not metadata.get("uid"):
            raise TargetUnavailable(
                f"{call}: lost write, the answer is an object without a uid.", code="LostWrite", status=200
            )
        return stored

    def _served(self, kind: Kind) -> _Served:
        if kind is Kind.IPAM_BLOCK and (self._mode or self.mode()) is ApiMode.AGGREGATED:
            return _AGGREGATED_BLOCKS
        return _SERVED[kind]

    def _path(self, call: Call, resource: ResourceId) -> str:
        served = self._served(resource.kind)
        if not resource.name or served.namespaced != bool(resource.namespace):
            raise TargetRejected(f"{call}: name or namespace does not fit the kind.", code="InvalidName")
        return f"{served.collection(resource.namespace)}/{quote(resource.name, safe='')}"

    def _json(
        self, call: Call, method: str, path: str, *, body: Body | None = None, content_type: str = _JSON
    ) -> dict[str, Any]:
        """The object that a successful request answers."""
        return json_object(call, self._accepted(call, method, path, body=body, content_type=content_type))

    def _accepted(
        self, call: Call, method: str, path: str, *, body: Body | None = None, content_type: str = _JSON
    ) -> Answer:
        try:
            with vendor_errors_as_ours(call):
                connection = self._connected()
                answered = partial(self._answer, call, connection, method, path, body, content_type)
                send = partial(counted, call.target, call.verb, answered)
                answer = once_more_after_reset(send) if method == "GET" else send()
            if not answer.successful:
                raise kubernetes_refusal(call, answer)
        except TargetRejected as error:
            if error.status in (0, 401):
                self._forget()
            raise
        return answer

    def _answer(
        self, call: Call, connection: _Connection, method: str, path: str, body: Body | None, content_type: str
    ) -> Answer:
        started = monotonic()
        headers = {"Accept": _JSON, "Accept-Encoding": "gzip", "User-Agent": FIELD_MANAGER}
        token = connection.access.bearer()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = content_type
        response = connection.pool.urlopen(
            method,
            connection.path + path,
            body=None if body is None else orjson.dumps(body),
            headers=headers,
            timeout=self._timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            received = collected(call, iter(lambda: response.read1(_CHUNK_BYTES), b""), self._limits, started)
        except BaseException:
            # What was not read to its end must not be taken for the next answer on this connection.
            response.close()
            raise
        return Answer(response.status, lower_cased(response.headers), received)

    def _connected(self) -> _Connection:
        with self._lock:
            if self._connection is None:
                quieten_vendor_logs()
                access = self._access()
                self._connection = _Connection(access, _pool(access), urlsplit(access.server).path)
            return self._connection

    def _forget(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.pool.close()
            self._connection = None


def _pool(access: ApiServerAccess) -> urllib3.HTTPConnectionPool:
    """The Kubernetes client's own connections to one server, without proxies; our TLS context holds the client certificate."""
    configuration = Configuration(host=access.server)
    configuration.proxy = None
    configuration.retries = False
    configuration.connection_pool_maxsize = 16
    if access.tls_server_name:
        configuration.tls_server_name = access.tls_server_name
    manager: urllib3.PoolManager = RESTClientObject(configuration).pool_manager
    if access.tls is not None:
        manager.connection_pool_kw["ssl_context"] = access.tls
    return manager.connection_from_url(access.server)
