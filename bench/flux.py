"""`python -m bench.flux HUB`: Flux's call pattern over the same objects, on the same wire. One line of JSON for each line told.

Restated from github.com/fluxcd/pkg/ssa, manager_apply.go: for each object a GET and a server-side apply as dry run, then the
apply itself when the object does not exist or the dry run differs from it. Four objects at a time, each cluster with its own
controller. Nothing of Flux runs here, and what surrounds its engine (sources, build, health checks) is left out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3

from function_app.adapters.kubernetes_access import kubeconfig_access
from function_app.bootstrap import assemble
from function_app.model.ledger import fold
from function_app.model.names import FIELD_MANAGER, HubName
from function_app.model.resources import Kind, Resource
from function_app.model.tree import hub_definitions
from function_app.planning.cluster_resources import generation_resources
from function_app.settings import Settings

CONCURRENT = 4
"""Objects at a time: kustomize-controller's default of --concurrent-ssa."""
_PLURALS = {
    Kind.NAMESPACE: "namespaces",
    Kind.IP_POOL: "ippools",
    Kind.EGRESS_GATEWAY: "egressgateways",
    Kind.DISRUPTION_BUDGET: "poddisruptionbudgets",
}


class _Cluster:
    """One cluster's API and what should be there."""

    def __init__(self, kubeconfig: Path, name: str) -> None:
        access = kubeconfig_access(kubeconfig, name)
        self._server = access.server
        self._headers = {"Authorization": f"Bearer {access.bearer()}", "Accept": "application/json"}
        self._pool = urllib3.PoolManager(ssl_context=access.tls, maxsize=CONCURRENT)
        self.wanted: list[Resource] = []

    def reconcile(self) -> int:
        """Every object once; how many were written."""
        namespaces = [one for one in self.wanted if one.id.kind is Kind.NAMESPACE]
        others = [one for one in self.wanted if one.id.kind is not Kind.NAMESPACE]
        with ThreadPoolExecutor(CONCURRENT) as workers:
            return sum(workers.map(self._bring, namespaces)) + sum(workers.map(self._bring, others))

    def _bring(self, resource: Resource) -> bool:
        found = self._request("GET", resource, {}, None)
        trial = self._request("PATCH", resource, {"dryRun": "All"}, resource.body)
        if found is not None and trial is not None and _same(found, trial):
            return False
        self._request("PATCH", resource, {}, resource.body)
        return True

    def _request(
        self, method: str, resource: Resource, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        options = {} if body is None else {"fieldManager": FIELD_MANAGER, "force": "true", **query}
        headers = self._headers | ({} if body is None else {"Content-Type": "application/apply-patch+yaml"})
        url = f"{self._server}{_path(resource)}" + (f"?{urlencode(options)}" if options else "")
        answer = self._pool.request(method, url, body=None if body is None else orjson.dumps(body), headers=headers)
        if answer.status == 404:
            return None
        if answer.status >= 400:
            raise RuntimeError(f"{method} {resource.id}: {answer.status}")
        found: dict[str, Any] = orjson.loads(answer.data)
        return found


def _path(resource: Resource) -> str:
    version = str(resource.body["apiVersion"])
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    within = f"/namespaces/{resource.id.namespace}" if resource.id.namespace else ""
    return f"{root}{within}/{_PLURALS[resource.id.kind]}/{resource.id.name}"


def _same(found: Mapping[str, Any], trial: Mapping[str, Any]) -> bool:
    """As Flux compares: labels, annotations and everything outside metadata and status."""
    return all(found["metadata"].get(key) == trial["metadata"].get(key) for key in ("labels", "annotations")) and {
        key: found[key] for key in found if key not in ("metadata", "status")
    } == {key: trial[key] for key in trial if key not in ("metadata", "status")}


def _clusters(hub: HubName) -> list[_Cluster]:
    """What the ledger and the definitions ask for, rendered as the reconciler renders it."""
    settings = Settings.from_environment(os.environ)
    if settings.clusters.kubeconfig is None:
        raise RuntimeError("the measured world is reached by a kubeconfig")
    with assemble(settings) as assembly:
        definitions = hub_definitions(assembly.source().tree, hub)
        generations = fold(assembly.stores(hub).ledger.read()).live()
    clusters = {name: _Cluster(settings.clusters.kubeconfig, name) for name in definitions.clusters}
    for generation in generations:
        attachment = definitions.attachments[generation.key].attachment
        clusters[generation.key.cluster].wanted += generation_resources(hub, generation, attachment, ())
    return list(clusters.values())


def main(hub: HubName) -> None:
    """Serve the lines of stdin."""
    clusters = _clusters(hub)
    for _ in sys.stdin:
        started, cpu = time.monotonic(), time.process_time()
        with ThreadPoolExecutor(len(clusters)) as controllers:
            written = sum(controllers.map(_Cluster.reconcile, clusters))
        figures = {
            "objects": sum(len(cluster.wanted) for cluster in clusters),
            "written": written,
            "seconds": time.monotonic() - started,
            "cpu_seconds": time.process_time() - cpu,
        }
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(HubName(sys.argv[1]))
