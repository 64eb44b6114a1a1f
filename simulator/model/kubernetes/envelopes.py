"""Whether a request's body and its address speak of the same object, and of the version that is stored.

Belongs here: checks before the rules of a write begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.refusals import bad_request, conflict, modified
from simulator.model.kubernetes.store import Key
from simulator.model.kubernetes.trees import Object


def check_envelope(kind: ServedKind, key: Key, body: Mapping[str, Any]) -> None:
    """The body is an object of this kind, name and namespace; 400 otherwise."""
    if not isinstance(body, Mapping) or not isinstance(body.get("metadata", {}), Mapping):
        raise bad_request("the object provided is unrecognized: it must be a JSON object with metadata")
    for field, expected in (("apiVersion", kind.api_version), ("kind", kind.kind)):
        if body.get(field, expected) != expected:
            raise bad_request(f"{field} in the data ({body[field]}) does not match the expected {field} ({expected})")
    metadata = body.get("metadata") or {}
    if "metadata" not in body:
        raise bad_request("metadata is required")
    if metadata.get("name", key[1]) != key[1]:
        raise bad_request(f"the name of the object ({metadata['name']}) does not match the name on the URL ({key[1]})")
    if metadata.get("namespace", key[0]) != key[0]:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def check_applicable(kind: ServedKind, key: Key, body: Mapping[str, Any]) -> None:
    """The body is a configuration that can be applied; 400 otherwise."""
    if not isinstance(body, Mapping) or not body.get("apiVersion") or not body.get("kind"):
        raise bad_request("invalid object type: apiVersion and kind are required in an applied configuration")
    check_envelope(kind, key, {"metadata": {}, **body})
    if "metadata" not in body or not body["metadata"].get("name"):
        raise bad_request("metadata.name is required in an applied configuration")
    if body["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")


def check_versions(kind: ServedKind, old: Object, metadata: Mapping[str, Any]) -> None:
    """The uid and resourceVersion of a body, where given, are the stored ones; 409 otherwise."""
    uid = metadata.get("uid")
    if uid and uid != old["metadata"]["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['metadata']['uid']}"
        raise conflict(kind, old["metadata"]["name"], why)
    version = metadata.get("resourceVersion")
    if version and version != old["metadata"]["resourceVersion"]:
        raise modified(kind, old["metadata"]["name"])
