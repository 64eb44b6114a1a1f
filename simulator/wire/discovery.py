"""What an API server says of itself: version, groups, resources, and as much OpenAPI as `kubectl` asks before it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulator.model.kubernetes.kinds import ServedKind

_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def version(text: str) -> Mapping[str, Any]:
    """`/version` for a version such as 1.36.3."""
    major, minor, *_ = text.split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{text}",
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "go1.26.8",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def core_versions(server: str) -> Mapping[str, Any]:
    """`/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}],
    }


def group_list(kinds: Iterable[ServedKind]) -> Mapping[str, Any]:
    """`/apis`."""
    names = sorted({(kind.group, kind.version) for kind in kinds if kind.group})
    groups = [
        {key: value for key, value in _group(*each).items() if key not in ("kind", "apiVersion")} for each in names
    ]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(kinds: Iterable[ServedKind], name: str) -> Mapping[str, Any] | None:
    """`/apis/GROUP`, None when no kind belongs to it."""
    version = next((kind.version for kind in kinds if kind.group == name and name), None)
    return None if version is None else _group(name, version)


def _group(name: str, version: str) -> dict[str, Any]:
    served = {"groupVersion": f"{name}/{version}", "version": version}
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": [served], "preferredVersion": served}


def resource_list(kinds: Iterable[ServedKind], api_version: str) -> Mapping[str, Any] | None:
    """`/api/v1` and `/apis/GROUP/VERSION`, None when nothing is served there."""
    members = sorted((kind for kind in kinds if kind.api_version == api_version), key=lambda kind: kind.plural)
    if not members:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": api_version,
        "resources": [entry for kind in members for entry in _resources(kind)],
    }


def _resources(kind: ServedKind) -> Sequence[Mapping[str, Any]]:
    entry: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": _VERBS,
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if not kind.status:
        return (entry,)
    status = {"name": f"{kind.plural}/status", "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind}
    return (entry, {**status, "verbs": ["get", "patch", "update"]})


def openapi_index(kinds: Iterable[ServedKind], prefix: str) -> Mapping[str, Any]:
    """`/openapi/v3`: where each group version's document lies. `prefix` is the path before the API server's own paths."""
    paths = sorted({_api_path(kind) for kind in kinds})
    return {"paths": {path: {"serverRelativeURL": f"{prefix}/openapi/v3/{path}"} for path in paths}}


def openapi_document(kinds: Iterable[ServedKind], path: str) -> Mapping[str, Any] | None:
    """`/openapi/v3/PATH`: which writes take `fieldValidation` and `dryRun`, and no schemas. None when nothing is served there.

    `kubectl apply`, `patch` and `edit` look for these parameters before they leave validation to the server
    (kubernetes/client-go, openapi3 and cli-runtime resource/query_param_verifier_v3.go).
    """
    members = [kind for kind in kinds if _api_path(kind) == path]
    if not members:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "simulated"},
        "paths": {_item_path(kind): _operations(kind) for kind in members},
        "components": {"schemas": {}},
    }


def _operations(kind: ServedKind) -> Mapping[str, Any]:
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    ok = {"200": {"description": "OK"}}
    return {
        verb: {"parameters": parameters, "responses": ok, "x-kubernetes-group-version-kind": gvk}
        for verb in ("patch", "put")
    }


def _api_path(kind: ServedKind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def _item_path(kind: ServedKind) -> str:
    namespace = "namespaces/{namespace}/" if kind.namespaced else ""
    return f"/{_api_path(kind)}/{namespace}{kind.plural}/{{name}}"
