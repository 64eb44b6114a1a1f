"""Whether a request's body and its address speak of the same object, and of the version that is stored.

Belongs here: checks before the rules of a write begin.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.refusals import Cause, bad_request, invalid, modified
from simulator.model.kubernetes.store import Key
from simulator.model.trees import Object


def check_envelope(kind: ServedKind, key: Key, body: Mapping[str, Any]) -> None:
    """The body is an object of this kind, name and namespace; 400 otherwise."""
    if not isinstance(body, Mapping) or not isinstance(body.get("metadata", {}), Mapping):
        raise bad_request("the object provided is unrecognized: it must be a JSON object with metadata")
    version = body.get("apiVersion", kind.api_version)
    if version != kind.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({kind.api_version})"
        )
    if body.get("kind", kind.kind) != kind.kind:
        message = f"Invalid value: {json.dumps(body['kind'])}: must be {kind.kind}"
        name = str((body.get("metadata") or {}).get("name", ""))
        raise invalid(replace(kind, kind=str(body["kind"])), name, [Cause("kind", "FieldValueInvalid", message)])
    metadata = body.get("metadata") or {}
    if "metadata" not in body:
        raise bad_request("metadata is required")
    if metadata.get("name", key[1]) != key[1]:
        raise bad_request(f"the name of the object ({metadata['name']}) does not match the name on the URL ({key[1]})")
    if kind.namespaced and metadata.get("namespace", key[0]) != key[0]:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def check_texts(kind: ServedKind, body: Mapping[str, Any]) -> None:
    """Labels and annotations are maps of texts; 400 in the words of Go's JSON decoder otherwise."""
    metadata = body.get("metadata") or {}
    for field in ("labels", "annotations"):
        values = metadata.get(field)
        if isinstance(values, Mapping):
            wrong = next((value for value in values.values() if not isinstance(value, str | None)), None)
            if wrong is not None:
                raise bad_request(
                    f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: json: cannot unmarshal '
                    f"{_json_name(wrong)} into Go struct field ObjectMeta.{field} of type string"
                )


def _json_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {int: "number", float: "number"}.get(type(value), "array" if isinstance(value, list) else "object")


def check_applicable(kind: ServedKind, key: Key, body: Mapping[str, Any]) -> None:
    """The body is a configuration that can be applied; 400 otherwise."""
    said = body if isinstance(body, Mapping) else {}
    version, named = said.get("apiVersion", ""), said.get("kind", "")
    if (version, named) != (kind.api_version, kind.kind):
        raise bad_request(f"invalid object type: {version if '/' in version else '/' + version}, Kind={named}")
    check_envelope(kind, key, {"metadata": {}, **body})
    if "metadata" not in body or not body["metadata"].get("name"):
        raise bad_request("metadata.name is required in an applied configuration")
    if body["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")


def immutable_uid(uid: str) -> Cause:
    """What is wrong with a body that names another uid; kube-apiserver lists it twice."""
    return Cause("metadata.uid", "FieldValueInvalid", f"Invalid value: {json.dumps(uid)}: field is immutable")


def check_versions(kind: ServedKind, old: Object, metadata: Mapping[str, Any]) -> None:
    """The uid and resourceVersion of a body, where given, are the stored ones; 422 and 409 otherwise."""
    uid = metadata.get("uid")
    if uid and uid != old["metadata"]["uid"]:
        raise invalid(kind, old["metadata"]["name"], [immutable_uid(str(uid))] * 2)
    version = metadata.get("resourceVersion")
    if version and version != old["metadata"]["resourceVersion"]:
        raise modified(kind, old["metadata"]["name"])
