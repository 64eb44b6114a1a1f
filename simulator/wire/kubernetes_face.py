"""The Kubernetes face of one cluster: HTTP in, calls of the API's rules out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Event
from typing import Any

from simulator.model.errors import ApiError
from simulator.model.faults import Call, Fault, kubernetes_error
from simulator.model.kubernetes.cluster import Cluster
from simulator.model.kubernetes.kinds import ServedKind
from simulator.model.kubernetes.refusals import no_such_path
from simulator.model.kubernetes.rights import Asked, forbidden, is_allowed
from simulator.model.world import World
from simulator.wire import discovery
from simulator.wire.kubernetes_paths import ResourcePath, parse_resource_path
from simulator.wire.kubernetes_requests import (
    MERGE_PATCH,
    body_of,
    is_dry_run,
    json_object,
    manager_of,
    media_type_of,
    name_of_new,
    number,
    verb_of,
)
from simulator.wire.messages import (
    ADMIN_TOKEN,
    READER_TOKEN,
    RECONCILER_TOKEN,
    STRANGER_TOKEN,
    Answer,
    Request,
    Routed,
    json_answer,
    literal_refusal,
    status_answer,
)
from simulator.wire.tables import table, wants_table
from simulator.wire.watching import RememberedLists, Watched, events

USERS: Mapping[str, str] = {
    ADMIN_TOKEN: "sim-admin",
    READER_TOKEN: "sim-reader",
    RECONCILER_TOKEN: "egress-gitops",
    STRANGER_TOKEN: "sim-stranger",
}
"""Users by token. The first two hold fixed rights; the others have those of ClusterRoles that are bound to them."""
READING = frozenset({"get", "list", "watch", "discover"})
DEFAULT_WATCH_SECONDS = 300.0


class KubernetesFace:
    """One cluster's API server below `prefix`."""

    def __init__(self, world: World, cluster: Cluster, prefix: str, stopping: Event) -> None:
        self._world = world
        self._cluster = cluster
        self._prefix = prefix
        self._stopping = stopping
        self._lists = RememberedLists()

    @property
    def _kinds(self) -> tuple[ServedKind, ...]:
        """The kinds whose definitions exist now."""
        api = self._cluster.api
        return tuple(kind for kind in api.kinds.values() if api.is_defined(kind))

    def route(self, request: Request) -> Routed | Answer:
        """What the request asks for; a request without a known token gets 401 before anything else."""
        user = USERS.get(request.token)
        if user is None:
            return status_answer(ApiError(401, "Unauthorized", "Unauthorized"))
        segments = request.segments[2:]
        path = parse_resource_path(segments)
        kind = self._kind(path) if path else None
        if path is None or kind is None:
            return self._routed(
                Call(self._target, "discover", "", "/".join(segments)), lambda: self._discover(segments)
            )
        try:
            verb = verb_of(request, path)
        except ApiError as error:
            return status_answer(error)
        call = Call(self._target, verb, kind.kind, path.name or name_of_new(request), path.namespace)
        return self._routed(call, lambda: self._authorized(user, verb, kind, path, request))

    def _authorized(self, user: str, verb: str, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        """The call's answer, once the user may make it. Floods are turned away before, by faults."""
        refused = self._refused(user, verb, kind, path, request)
        return self._perform(verb, kind, path, request) if refused is None else status_answer(refused)

    def _refused(self, user: str, verb: str, kind: ServedKind, path: ResourcePath, request: Request) -> ApiError | None:
        """The first right that the user lacks for a call: an apply is a patch, and a create when nothing is there yet."""
        if user == USERS[ADMIN_TOKEN]:
            return None
        verbs = ["patch" if verb == "apply" else verb]
        if verb == "apply" and not self._exists(kind, path):
            verbs.append("create")
        named = Asked(
            "", kind, path.namespace or (path.name if kind.kind == "Namespace" else ""), path.name, path.subresource
        )
        for asked in (replace(named, verb=each) for each in verbs):
            allowed = (
                asked.verb in READING if request.token == READER_TOKEN else is_allowed(self._cluster.api, user, asked)
            )
            if not allowed:
                return forbidden(user, asked)
        return None

    def _exists(self, kind: ServedKind, path: ResourcePath) -> bool:
        return any(
            item["metadata"]["name"] == path.name
            for item in _within(self._cluster.api.objects(kind.kind), path.namespace)
        )

    @property
    def _target(self) -> str:
        return f"cluster/{self._cluster.name}"

    def _routed(self, call: Call, perform: Callable[[], Answer]) -> Routed:
        def effect() -> Answer:
            try:
                return perform()
            except ApiError as error:
                return status_answer(error)

        def refusal(fault: Fault) -> Answer:
            return literal_refusal(fault) or status_answer(kubernetes_error(fault))

        return Routed(call, effect, refusal)

    def _kind(self, path: ResourcePath) -> ServedKind | None:
        return next(
            (
                kind
                for kind in self._kinds
                if (kind.group, kind.version, kind.plural) == (path.group, path.version, path.plural)
            ),
            None,
        )

    def _discover(self, segments: tuple[str, ...]) -> Answer:
        found: Mapping[str, Any] | None
        if segments[:1] == ("apis",) and len(segments) > 2:
            self._cluster.api.check_answered(segments[1])
        match segments:
            case ("version",):
                found = discovery.version(self._cluster.document.kubernetes_version)
            case ("healthz" | "livez" | "readyz",):
                return Answer(200, b"ok", "text/plain; charset=utf-8")
            case ("api",):
                found = discovery.core_versions("127.0.0.1")
            case ("apis",):
                found = discovery.group_list(self._kinds)
            case ("apis", group):
                found = discovery.group(self._kinds, group)
            case ("api", version):
                found = discovery.resource_list(self._kinds, version)
            case ("apis", group, version):
                found = discovery.resource_list(self._kinds, f"{group}/{version}")
            case ("openapi", "v3"):
                found = discovery.openapi_index(self._kinds, self._prefix)
            case ("openapi", "v3", *path):
                found = discovery.openapi_document(self._kinds, "/".join(path))
            case _:
                found = None
        if found is None:
            raise no_such_path()
        return json_answer(found)

    def _perform(self, verb: str, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        match verb:
            case "list":
                return self._list(kind, path, request)
            case "watch":
                return self._watch(kind, path, request)
            case "get":
                found = self._cluster.api.get(kind.kind, path.namespace or None, path.name)
                return self._shown(kind, found, request)
            case "create":
                return self._create(kind, path, request)
            case "update":
                return self._replace(kind, path, request)
            case "delete":
                return self._delete(kind, path, request)
            case "apply":
                return self._apply(kind, path, request)
            case _:
                return self._patch(kind, path, request)

    def _list(self, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        query = request.query
        page = self._cluster.api.list(
            kind.kind,
            path.namespace or None,
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
            limit=number(query, "limit"),
            continue_token=query.get("continue", ""),
        )
        if not page.continue_token and "continue" not in query:
            self._lists.remember(_listed(kind, path, request), page.resource_version, page.items)
        if wants_table(request.headers.get("accept", "")):
            return json_answer(
                table(kind.kind, page.items, page.resource_version, page.continue_token, self._world.clock.now())
            )
        metadata = {"resourceVersion": page.resource_version}
        if page.continue_token:
            metadata["continue"] = page.continue_token
        # Items of a list bear no kind and apiVersion when the server has them typed; ours are sent as they are stored.
        return json_answer(
            {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": page.items}
        )

    def _watch(self, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        query = request.query
        if "sendInitialEvents" in query:
            # The answer of a server whose WatchList feature is off; clients then list and watch.
            message = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch"
            raise ApiError(422, "Invalid", message)
        api = self._cluster.api

        def look() -> Sequence[Mapping[str, Any]]:
            return api.list(
                kind.kind,
                path.namespace or None,
                label_selector=query.get("labelSelector", ""),
                field_selector=query.get("fieldSelector", ""),
            ).items

        def shown(item: Mapping[str, Any]) -> Any:
            if not wants_table(request.headers.get("accept", "")):
                return item
            return table(kind.kind, [item], item["metadata"]["resourceVersion"], "", self._world.clock.now())

        watched = Watched(look, lambda: api.revision, shown, self._world.lock)
        start = self._lists.recall(_listed(kind, path, request), query.get("resourceVersion", ""))
        look()  # An outage is an answer of its own, before the stream begins.
        seconds = float(number(query, "timeoutSeconds") or DEFAULT_WATCH_SECONDS)
        return Answer(stream=events(watched, start, self._stopping, seconds))

    def _shown(self, kind: ServedKind, found: Mapping[str, Any], request: Request, status: int = 200) -> Answer:
        if wants_table(request.headers.get("accept", "")) and found.get("metadata"):
            version = found["metadata"].get("resourceVersion", "")
            return json_answer(table(kind.kind, [found], version, "", self._world.clock.now()), status)
        return json_answer(found, status)

    def _create(self, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        created = self._cluster.api.create(
            kind.kind,
            path.namespace or None,
            json_object(body_of(request)),
            manager=manager_of(request),
            dry_run=is_dry_run(request),
            field_validation=request.query.get("fieldValidation", ""),
        )
        return self._shown(kind, created, request, 201)

    def _replace(self, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        api, where = self._cluster.api, (kind.kind, path.namespace or None, path.name)
        body, manager = json_object(body_of(request)), manager_of(request)
        if path.subresource:
            return self._shown(kind, api.replace_status(*where, body, manager=manager), request)
        replaced = api.replace(
            *where,
            body,
            manager=manager,
            dry_run=is_dry_run(request),
            field_validation=request.query.get("fieldValidation", ""),
        )
        return self._shown(kind, replaced, request)

    def _apply(self, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        api, where = self._cluster.api, (kind.kind, path.namespace or None, path.name)
        existed = self._exists(kind, path)
        applied = api.apply(
            *where,
            json_object(body_of(request)),
            manager=request.query.get("fieldManager", ""),
            force=request.query.get("force", "") in ("true", "1"),
            dry_run=is_dry_run(request),
        )
        return self._shown(kind, applied, request, 200 if existed or not applied else 201)

    def _patch(self, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        api, where = self._cluster.api, (kind.kind, path.namespace or None, path.name)
        media_type = media_type_of(request)
        body, manager, trial = body_of(request), manager_of(request), is_dry_run(request)
        if path.subresource:
            if media_type != MERGE_PATCH:
                raise ApiError(415, "UnsupportedMediaType", f"the status subresource takes {MERGE_PATCH} here")
            return self._shown(kind, api.patch_status(*where, json_object(body), manager=manager), request)
        validation = request.query.get("fieldValidation", "")
        match media_type:
            case "application/merge-patch+json":
                patched = api.merge_patch(
                    *where, json_object(body), manager=manager, dry_run=trial, field_validation=validation
                )
            case "application/json-patch+json" if isinstance(body, list):
                patched = api.json_patch(*where, body, manager=manager, dry_run=trial, field_validation=validation)
            case "application/strategic-merge-patch+json":
                patched = api.strategic_merge_patch(
                    *where, json_object(body), manager=manager, dry_run=trial, field_validation=validation
                )
            case "application/json-patch+json":
                raise ApiError(400, "BadRequest", "a JSON patch is a list of operations")
            case _:
                raise ApiError(415, "UnsupportedMediaType", _UNKNOWN_FORMAT)
        return self._shown(kind, patched, request)

    def _delete(self, kind: ServedKind, path: ResourcePath, request: Request) -> Answer:
        options = json_object(body_of(request)) if request.body else {}
        if is_dry_run(request) or options.get("dryRun"):
            return self._shown(kind, self._cluster.api.get(kind.kind, path.namespace or None, path.name), request)
        preconditions = options.get("preconditions") or {}
        grace = options.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
        deleted = self._cluster.api.delete(
            kind.kind,
            path.namespace or None,
            path.name,
            uid=preconditions.get("uid", ""),
            resource_version=preconditions.get("resourceVersion", ""),
            grace_seconds=None if grace is None else int(grace),
        )
        # A namespace always goes later, however little it holds.
        if kind.kind == "Namespace" or _still_there(self._cluster.api.objects(kind.kind), deleted):
            return json_answer(deleted)
        details = {"name": path.name, "group": kind.group, "kind": kind.plural, "uid": deleted["metadata"]["uid"]}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return json_answer({**status, "details": {key: value for key, value in details.items() if value}})


_UNKNOWN_FORMAT = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
)


def _listed(kind: ServedKind, path: ResourcePath, request: Request) -> tuple[str, ...]:
    """What a list or watch is about."""
    selectors = (request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
    return (kind.kind, path.namespace, *selectors)


def _within(items: Iterable[Mapping[str, Any]], namespace: str) -> Iterable[Mapping[str, Any]]:
    return (item for item in items if item["metadata"].get("namespace", "") == namespace)


def _still_there(items: Iterable[Mapping[str, Any]], deleted: Mapping[str, Any]) -> bool:
    return any(item["metadata"]["uid"] == deleted["metadata"]["uid"] for item in items)
