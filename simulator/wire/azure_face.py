"""The Azure face: Resource Manager's HTTP for the hubs of a world and for the AKS resources of its clusters.

Verbs, statuses and headers as azure-mgmt-network 33.1.0 speaks and reads them; operations as in learn.microsoft.com,
"Track asynchronous Azure operations".
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from simulator.model.azure.activity import Caller
from simulator.model.azure.arm import AzureHub, Page
from simulator.model.azure.groups import Accepted
from simulator.model.azure.throttling import Call as Bucket
from simulator.model.errors import ArmError
from simulator.model.faults import Call, Fault, azure_error
from simulator.model.world import World
from simulator.wire.azure_paths import ArmPath, parse_arm_path
from simulator.wire.messages import (
    ADMIN_TOKEN,
    READER_TOKEN,
    Answer,
    Request,
    Routed,
    arm_error_answer,
    json_answer,
    literal_refusal,
)
from simulator.wire.settings import kubeconfig

NETWORK = "microsoft.network"
CONTAINERS = "microsoft.containerservice"
INSIGHTS = "microsoft.insights"
READER_ACTIONS = frozenset({"*/read"})
"""Azure's built-in role Reader."""

RETRY_AFTER_SECONDS = 2
_ACTIVITY_OF = re.compile(
    r"eventTimestamp ge '(?P<since>[^']+)' and eventTimestamp le '(?P<until>[^']+)' and resourceUri eq '(?P<resource>[^']+)'"
)

Effect = Callable[[], Answer]
Found = tuple[Call, Effect]


class AzureFace:
    """Everything below `/subscriptions`."""

    def __init__(self, world: World, ca: bytes) -> None:
        self._world = world
        self._ca = ca

    def route(self, request: Request) -> Routed | Answer:
        """What the request asks for. Token and api-version are looked at first, as by Resource Manager."""
        if request.token not in (ADMIN_TOKEN, READER_TOKEN):
            message = "The access token is missing or invalid."
            headers = {"WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/common"'}
            return arm_error_answer(ArmError(401, "InvalidAuthenticationToken", message, headers=headers))
        if not request.query.get("api-version"):
            message = "The api-version query parameter (?api-version=) is required for all requests."
            return arm_error_answer(ArmError(400, "MissingApiVersionParameter", message))
        try:
            call, effect = self._find(request)
        except ArmError as error:
            return arm_error_answer(error)

        def refusal(fault: Fault) -> Answer:
            return literal_refusal(fault) or arm_error_answer(azure_error(fault))

        return Routed(call, lambda: self._answered(request, effect), refusal)

    def _answered(self, request: Request, effect: Effect) -> Answer:
        hubs = self._world.hubs.values()
        allowed = [hub.roles.allowed for hub in hubs]
        if request.token == READER_TOKEN:
            for hub in hubs:
                hub.roles.allowed = READER_ACTIONS
        try:
            return effect()
        except ArmError as error:
            return arm_error_answer(error)
        finally:
            for hub, before in zip(hubs, allowed, strict=True):
                hub.roles.allowed = before

    def _find(self, request: Request) -> Found:
        path = parse_arm_path(request.segments)
        if path is None:
            raise _no_such_type(request)
        if path.provider == CONTAINERS:
            return self._cluster(path, request)
        if path.provider == INSIGHTS:
            return self._activity(path, request)
        if path.provider != NETWORK:
            raise _no_such_type(request)
        if path.types[0] == "locations":
            return self._operation(path, request)
        self._check_group(path)
        name = path.names[0] if path.names else ""
        match path.types[0]:
            case "firewallpolicies":
                hub = self._hub(path, lambda hub: name.lower() in (known.lower() for known in hub.policies.policies))
                return _firewall_policy(hub, path, request)
            case "azurefirewalls" if (request.method, len(path.names), len(path.types)) == ("GET", 1, 1):
                hub = self._hub(path, lambda hub: name.lower() == hub.document.firewall.name.lower())
                call = Call(f"firewall/{hub.name}", "get", "AzureFirewall", name)
                return call, lambda: _one(hub, request, hub.get_firewall(name))
            case "virtualhubs":
                hub = self._hub(path, lambda hub: name.lower() == hub.document.route_server.name.lower())
                return _route_server(hub, path, request)
            case _:
                raise _no_such_type(request)

    def _check_group(self, path: ArmPath) -> None:
        hubs = self._world.hubs.values()
        if path.subscription.lower() not in (hub.document.subscription.lower() for hub in hubs):
            message = f"The subscription '{path.subscription}' could not be found."
            raise ArmError(404, "SubscriptionNotFound", message)
        if not any(_in_group(hub, path) for hub in hubs):
            message = f"Resource group '{path.resource_group}' could not be found."
            raise ArmError(404, "ResourceGroupNotFound", message)

    def _hub(self, path: ArmPath, owns: Callable[[AzureHub], bool]) -> AzureHub:
        hub = next((hub for hub in self._world.hubs.values() if _in_group(hub, path) and owns(hub)), None)
        if hub is None:
            raise _not_found(path)
        return hub

    def _operation(self, path: ArmPath, request: Request) -> Found:
        """Operations are asked by the URL that was handed out; it carries the target in an opaque parameter, as Azure's do."""
        if request.method != "GET" or len(path.names) != 2:
            raise _no_such_type(request)
        target, identity = request.query.get("t", ""), path.names[1]
        hub = self._world.hubs.get(target.partition("/")[2])
        if hub is None or hub.document.subscription.lower() != path.subscription.lower():
            raise ArmError(
                404, "NotFound", f"Operation {identity} is not found: use the address from the answer's headers."
            )
        call = Call(target, "get", "Operation", identity)
        match path.types[1:]:
            case ("operations",):
                return call, lambda: _one(hub, request, hub.get_operation(identity))
            case ("operationresults",):
                return call, lambda: _result(hub, request, target, identity)
            case _:
                raise _no_such_type(request)

    def _activity(self, path: ArmPath, request: Request) -> Found:
        """The activity log, asked for one resource: of the few filters that Azure allows only that one is imitated."""
        if request.method != "GET" or (path.types, path.names) != (("eventtypes", "values"), ("management",)):
            raise _no_such_type(request)
        wanted = _ACTIVITY_OF.fullmatch(request.query.get("$filter", ""))
        if wanted is None:
            raise ArmError(
                400, "BadRequest", "The filter is not one that the activity log takes; it needs a start time."
            )
        since, until = (datetime.fromisoformat(wanted[name]) for name in ("since", "until"))
        hub = next((one for one in self._world.hubs.values() if one.owns(wanted["resource"])), None)
        if hub is None or hub.document.subscription.lower() != path.subscription.lower():
            raise ArmError(404, "ResourceNotFound", "The filter's resource is not in this subscription.")
        call = Call(f"firewall/{hub.name}", "list", "ActivityLog", wanted["resource"].rpartition("/")[2])
        return call, lambda: json_answer({"value": hub.list_activity(wanted["resource"], since, until)})

    def _cluster(self, path: ArmPath, request: Request) -> Found:
        """AKS: where the API server is. The credential is one that only a person with kubelogin could use."""
        name = path.names[0] if path.names else ""
        document = self._world.document.clusters.get(name)
        owner = self._world.document.hubs.get(document.hub) if document else None
        if (
            document is None
            or owner is None
            or path.types[0] != "managedclusters"
            or path.resource_group.lower() != document.resource_group.lower()
            or path.subscription.lower() != owner.subscription.lower()
        ):
            raise _not_found(path)
        roles = self._world.hubs[document.hub].roles

        def entitled(action: str, body: Mapping[str, Any]) -> Effect:
            def answer() -> Answer:
                roles.check(f"Microsoft.ContainerService/managedClusters/{action}", request.path)
                return json_answer(body)

            return answer

        match request.method, path.types[1:]:
            case "GET", ():
                body = _managed_cluster(path, document.kubernetes_version, owner.region)
                return Call(f"cluster/{name}", "get", "ManagedCluster", name), entitled("read", body)
            case "POST", ("listclusterusercredential",):
                text = kubeconfig({name: f"{request.base_url}/kubernetes/{name}"}, self._ca, "")
                body = {"kubeconfigs": [{"name": "clusterUser", "value": b64encode(text.encode()).decode()}]}
                call = Call(f"cluster/{name}", "credential", "ManagedCluster", name)
                return call, entitled("listClusterUserCredential/action", body)
            case _:
                raise _no_such_type(request)


def _firewall_policy(hub: AzureHub, path: ArmPath, request: Request) -> Found:
    target, policy = f"firewall/{hub.name}", path.names[0]
    group = path.names[1] if len(path.names) > 1 else ""
    kind = "RuleCollectionGroup"
    match request.method, path.types[1:], group:
        case "GET", (), "":
            return Call(target, "get", "FirewallPolicy", policy), lambda: _one(hub, request, hub.get_policy(policy))
        case "GET", ("rulecollectiongroups",), "":
            skip = request.query.get("$skipToken", "")
            return Call(target, "list", kind, policy), lambda: _page(hub, request, hub.list_groups(policy, skip))
        case "GET", ("rulecollectiongroups",), _:
            return Call(target, "get", kind, group), lambda: _one(hub, request, hub.get_group(policy, group))
        case "PUT", ("rulecollectiongroups",), name if name:
            return (
                Call(target, "put", kind, group),
                lambda: _accepted(hub, request, target, hub.put_group(policy, group, _body(request), _caller(request))),
            )
        case "DELETE", ("rulecollectiongroups",), name if name:
            return (
                Call(target, "delete", kind, group),
                lambda: _accepted(hub, request, target, hub.delete_group(policy, group, _caller(request))),
            )
        case _:
            raise _no_such_type(request)


def _route_server(hub: AzureHub, path: ArmPath, request: Request) -> Found:
    target, server = f"route-server/{hub.name}", path.names[0]
    name = path.names[1] if len(path.names) > 1 else ""
    kind = "BgpConnection"
    match request.method, path.types[1:], name:
        case "GET", (), "":
            return Call(target, "get", "RouteServer", server), lambda: _one(hub, request, hub.get_route_server(server))
        case "GET", ("bgpconnections",), "":
            return Call(target, "list", kind, server), lambda: _page(hub, request, hub.list_connections(server))
        case "GET", ("bgpconnections",), _:
            return Call(target, "get", kind, name), lambda: _one(hub, request, hub.get_connection(server, name))
        case "PUT", ("bgpconnections",), connection if connection:
            return (
                Call(target, "put", kind, name),
                lambda: _accepted(hub, request, target, hub.put_connection(server, name, _body(request))),
            )
        case "DELETE", ("bgpconnections",), connection if connection:
            return (
                Call(target, "delete", kind, name),
                lambda: _accepted(hub, request, target, hub.delete_connection(server, name)),
            )
        case "POST", ("bgpconnections", "learnedroutes"), _:
            return (
                Call(target, "learned-routes", kind, name),
                lambda: _accepted(hub, request, target, hub.learned_routes(server, name)),
            )
        case _:
            raise _no_such_type(request)


def _one(hub: AzureHub, request: Request, body: Mapping[str, Any]) -> Answer:
    etag = {"ETag": str(body["etag"])} if "etag" in body else {}
    return json_answer(body, headers=_limits(hub, request) | etag)


def _page(hub: AzureHub, request: Request, page: Page) -> Answer:
    body: dict[str, Any] = {"value": page.value}
    if page.skip:
        version = quote(request.query["api-version"])
        body["nextLink"] = f"{request.base_url}{request.path}?api-version={version}&$skipToken={quote(page.skip)}"
    return json_answer(body, headers=_limits(hub, request))


def _accepted(hub: AzureHub, request: Request, target: str, accepted: Accepted) -> Answer:
    """A write or listing that goes on: a PUT is polled by Azure-AsyncOperation, the others by Location."""
    headers = _limits(hub, request)
    if accepted.operation_id:
        headers["Azure-AsyncOperation"] = _operation_url(hub, request, target, "operations", accepted.operation_id)
        headers["Retry-After"] = str(accepted.retry_after)
        if request.method != "PUT":
            headers["Location"] = _operation_url(hub, request, target, "operationResults", accepted.operation_id)
    if accepted.body is None:
        return Answer(accepted.status, b"", headers=headers)
    return json_answer(accepted.body, accepted.status, headers)


def _result(hub: AzureHub, request: Request, target: str, identity: str) -> Answer:
    result = hub.get_result(identity)
    headers = _limits(hub, request)
    if result is None:
        location = _operation_url(hub, request, target, "operationResults", identity)
        return Answer(202, b"", headers=headers | {"Location": location, "Retry-After": str(RETRY_AFTER_SECONDS)})
    return json_answer(result, headers=headers) if result else Answer(204, b"", headers=headers)


def _operation_url(hub: AzureHub, request: Request, target: str, kind: str, identity: str) -> str:
    document = hub.document
    place = f"/subscriptions/{document.subscription}/providers/Microsoft.Network/locations/{document.region}"
    version = quote(request.query["api-version"])
    return f"{request.base_url}{place}/{kind}/{identity}?api-version={version}&t={quote(target, safe='')}"


def _limits(hub: AzureHub, request: Request) -> dict[str, str]:
    bucket = {"GET": Bucket.READ, "DELETE": Bucket.DELETE}.get(request.method, Bucket.WRITE)
    return {f"x-ms-ratelimit-remaining-subscription-{bucket}": str(hub.throttling.remaining(bucket))}


def _managed_cluster(path: ArmPath, version: str, region: str) -> Mapping[str, Any]:
    name = path.names[0]
    scope = f"/subscriptions/{path.subscription}/resourceGroups/{path.resource_group}"
    return {
        "id": f"{scope}/providers/Microsoft.ContainerService/managedClusters/{name}",
        "name": name,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "location": region,
        "properties": {
            "provisioningState": "Succeeded",
            "powerState": {"code": "Running"},
            "kubernetesVersion": version,
            "aadProfile": {"managed": True, "enableAzureRBAC": False},
            "disableLocalAccounts": True,
        },
    }


def _caller(request: Request) -> Caller:
    """Every token is the same identity here; the request's own id tells whose request it was."""
    return Caller("00000000-0000-4000-8000-000000000001", request.headers.get("x-ms-client-request-id", ""))


def _body(request: Request) -> Mapping[str, Any]:
    try:
        value = json.loads(request.body)
    except ValueError as error:
        raise ArmError(
            400, "InvalidRequestContent", "The request content was invalid and could not be parsed."
        ) from error
    if not isinstance(value, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content is no JSON object.")
    return value


def _in_group(hub: AzureHub, path: ArmPath) -> bool:
    document = hub.document
    return (document.subscription.lower(), document.resource_group.lower()) == (
        path.subscription.lower(),
        path.resource_group.lower(),
    )


def _not_found(path: ArmPath) -> ArmError:
    resource = "/".join((path.type, *path.names))
    message = f"The Resource '{resource}' under resource group '{path.resource_group}' was not found."
    return ArmError(404, "ResourceNotFound", message)


def _no_such_type(request: Request) -> ArmError:
    message = f"{request.method} {request.path} is not imitated; docs/simulator.md lists what is."
    return ArmError(404, "InvalidResourceType", message)
