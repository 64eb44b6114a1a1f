"""What a request to an API server asks for: verb, body, field manager and options."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import yaml

from simulator.model.errors import ApiError
from simulator.wire.kubernetes_paths import ResourcePath
from simulator.wire.messages import Request
from simulator.wire.protobuf import namespace_from

APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"


class _JsonLikeLoader(yaml.CSafeLoader):
    """YAML as a JSON API reads it: times stay text."""


_JsonLikeLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def verb_of(request: Request, path: ResourcePath) -> str:
    """The API's verb for a request; raises ApiError 404 or 405 for what does not exist here."""
    if path.subresource not in ("", "status"):
        raise ApiError(404, "NotFound", f"the server could not find the requested resource ({path.subresource})")
    watching = request.query.get("watch", "") in ("true", "1")
    match request.method, bool(path.name):
        case "GET" | "HEAD", True:
            return "get"
        case "GET" | "HEAD", False:
            return "watch" if watching else "list"
        case "POST", False:
            return "create"
        case "PUT", True:
            return "update"
        case "PATCH", True:
            return "apply" if media_type_of(request) == APPLY_PATCH and not path.subresource else "patch"
        case "DELETE", True if not path.subresource:
            return "delete"
        case _:
            message = "the server does not allow this method on the requested resource"
            raise ApiError(405, "MethodNotAllowed", message)


def _number(text: str) -> float | int:
    """A number as an API server stores it: 3.0 is 3."""
    value = float(text)
    return int(value) if value.is_integer() else value


def media_type_of(request: Request) -> str:
    """The Content-Type without parameters, lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def body_of(request: Request) -> Any:
    """The request's JSON, or YAML where Kubernetes takes it; raises ApiError 400 or 415."""
    media_type = media_type_of(request)
    if "protobuf" in media_type:
        namespace = namespace_from(request.body)
        if namespace is not None:
            return namespace
        raise ApiError(415, "UnsupportedMediaType", "the simulated API server reads JSON and YAML, no protobuf")
    with contextlib.suppress(ValueError):
        return json.loads(request.body, parse_float=_number)
    try:
        if "yaml" in media_type:
            return yaml.load(request.body, _JsonLikeLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        raise ApiError(400, "BadRequest", f"error parsing YAML: {type(error).__name__}") from error
    raise ApiError(400, "BadRequest", "the object provided is unrecognized: it is no JSON")


def json_object(value: Any) -> dict[str, Any]:
    """The value, which must be an object; raises ApiError 400."""
    if not isinstance(value, dict):
        raise ApiError(400, "BadRequest", "the object provided is unrecognized: a JSON object is expected")
    return value


def manager_of(request: Request) -> str:
    """The field manager: as named, else the program of the User-Agent, as kube-apiserver does."""
    return request.query.get("fieldManager") or request.headers.get("user-agent", "").partition("/")[0] or "unknown"


def is_dry_run(request: Request) -> bool:
    """Whether nothing is to be stored."""
    return request.query.get("dryRun", "") == "All"


def name_of_new(request: Request) -> str:
    """The name in a body that is being created, empty when there is none: faults and counts go by it."""
    if request.method != "POST":
        return ""
    try:
        value = body_of(request)
    except ApiError:
        return ""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def number(query: Mapping[str, str], name: str) -> int:
    """A parameter's whole number, 0 when absent; raises ApiError 400."""
    text = query.get(name, "") or "0"
    if not text.isdecimal():
        raise ApiError(400, "BadRequest", f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)
