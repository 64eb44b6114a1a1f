"""The ports of `function_app.ports` directly on the rules: no sockets and no waiting, faults and virtual time included.

For searches over histories. What a caller sees is what a careful HTTP client would make of the same answer; every time-out
costs virtual time. `before_call` and `on_call` are called, under the world's lock, around each call that reaches the world.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from function_app.model.errors import NotFound, TargetUnavailable
from function_app.model.leaning import KEPT, lean
from function_app.model.names import FIELD_MANAGER, TargetName, cluster_target, firewall_target, route_server_target
from function_app.model.once import Read
from function_app.model.resources import OUR_REQUESTS, ApiMode, Body, Kind, ResourceId
from function_app.ports import RouteListing
from simulator.classifying import azure_refusal, kubernetes_refusal
from simulator.model.azure.activity import Caller
from simulator.model.azure.arm import AzureHub
from simulator.model.azure.groups import Accepted
from simulator.model.errors import ApiError, ArmError
from simulator.model.faults import Action, Call, Crash, Fault, azure_error, kubernetes_error
from simulator.model.world import World

PAGE_SIZE = 500
US = Caller("the service's identity", f"{OUR_REQUESTS}-0000-4000-8000-000000000000")
CALICO_API_SERVICE = "v3.projectcalico.org"

RESENT = frozenset({"get", "list"})
"""Reads go out a second time when the connection was reset: load balancers drop idle ones without a word."""

OnCall = Callable[[Call], None]


@dataclass(frozen=True, slots=True)
class Door:
    """How callers reach the world: the caller's time limit in seconds, and who looks directly before and after each call."""

    world: World
    timeout_seconds: float = 30.0
    on_call: OnCall = lambda _: None
    before_call: OnCall = lambda _: None

    def pass_through[T](
        self, call: Call, effect: Callable[[], T], *, empty: T | None = None, body_unread: bool = False
    ) -> T:
        """One call; raises TargetError, or Crash by fault.

        `empty` is what the caller makes of `{}`; without it that is a lost answer. A caller that looks at the headers alone
        (`body_unread`) takes a page of HTML for the same, and does not notice a truncated body.
        """
        with self.world.lock:
            fault = self.world.faults.strike(call)
            if fault is not None and fault.action is Action.UNREACHABLE and call.verb in RESENT:
                fault = self.world.faults.strike(call)
            try:
                if fault is None:
                    return self._reached(call, effect)
                if fault.action is Action.EMPTY_OBJECT and empty is not None:
                    return empty
                if body_unread and empty is not None and fault.action in (Action.HTML, Action.TRUNCATED):
                    return self._headers_alone(call, effect, empty, fault.action)
                return self._struck(call, effect, fault)
            except ApiError as error:
                raise kubernetes_refusal(call, error) from error
            except ArmError as error:
                raise azure_refusal(call, error) from error

    def _reached[T](self, call: Call, effect: Callable[[], T]) -> T:
        self.before_call(call)
        try:
            return effect()
        finally:
            self.on_call(call)

    def _headers_alone[T](self, call: Call, effect: Callable[[], T], empty: T, action: Action) -> T:
        """Wrong content comes with status 200, a page without the headers of the answer that it replaces."""
        value = empty
        with contextlib.suppress(ApiError, ArmError):
            value = self._reached(call, effect)
        return empty if action is Action.HTML else value

    def _struck[T](self, call: Call, effect: Callable[[], T], fault: Fault) -> T:
        match fault.action:
            case Action.CRASH_BEFORE:
                raise Crash(f"before {call}")
            case Action.REFUSE:
                raise kubernetes_error(fault) if call.target.startswith("cluster/") else azure_error(fault)
            case Action.UNREACHABLE:
                raise TargetUnavailable(f"{call}: the connection was reset.")
            case Action.EMPTY_OBJECT:
                raise _empty_answer(call)
            case Action.TIMEOUT_BEFORE:
                raise self._timed_out(call)
            case Action.SLOW if fault.seconds < self.timeout_seconds:
                value = self._reached(call, effect)
                self.world.advance(fault.seconds)
                return value
            case _:
                # A refusal is an answer as well, and this answer does not arrive.
                with contextlib.suppress(ApiError, ArmError):
                    self._reached(call, effect)
                raise self._unanswered(call, fault.action)

    def _unanswered(self, call: Call, action: Action) -> BaseException:
        match action:
            case Action.CRASH_AFTER:
                return Crash(f"after {call}")
            case Action.TIMEOUT_AFTER | Action.SLOW:
                return self._timed_out(call)
            case Action.CUT:
                return TargetUnavailable(f"{call}: the answer was cut off in the middle.")
            case _:
                return TargetUnavailable(f"{call}: the answer is not JSON.", status=200)

    def _timed_out(self, call: Call) -> TargetUnavailable:
        self.world.advance(self.timeout_seconds)
        return TargetUnavailable(f"{call}: no answer within {self.timeout_seconds:g} s.")


@dataclass(frozen=True, slots=True)
class InProcessClock:
    """The world's clock; sleeping lets virtual time pass."""

    world: World

    def now(self) -> datetime:
        """The present moment of the world."""
        return self.world.clock.now()

    def sleep(self, seconds: float) -> None:
        """Advance the world."""
        with self.world.lock:
            self.world.advance(seconds)


class _Bodies:
    """Bodies as a reader has them: a stored object that was not written since the last listing is the body that it was there.

    So whoever keeps with a body what was worked out from it is searched with that in place.
    """

    def __init__(self) -> None:
        self._last: dict[str, dict[int, tuple[object, Body]]] = {}

    def of(self, kind: Kind, selection: str, stored: Sequence[Mapping[str, Any]]) -> builtins.list[Body]:
        """The bodies of these objects, which nobody changes in place."""
        what, kept = f"{kind} {selection}", KEPT.get(kind)
        before = self._last.get(what, {})
        now: dict[int, tuple[object, Body]] = {}
        for one in stored:
            known = before.get(id(one))
            now[id(one)] = (
                known if known is not None and known[0] is one else (one, Read(lean(one, kept) if kept else one))
            )
        self._last[what] = now
        return [body for _, body in now.values()]


class InProcessCluster:
    """`ports.ClusterApi` on one simulated cluster."""

    def __init__(self, door: Door, name: str) -> None:
        self.target: TargetName = cluster_target(name)
        self._door = door
        self._cluster = door.world.clusters[name]
        self._bodies = _Bodies()

    def mode(self) -> ApiMode:
        """Who serves `projectcalico.org/v3` here: aggregated when an APIService hands the group to a service."""
        call = Call(self.target, "get", "APIService", CALICO_API_SERVICE)
        service = self._door.pass_through(call, partial(self._cluster.api.get, "APIService", None, CALICO_API_SERVICE))
        return ApiMode.AGGREGATED if service["spec"].get("service") else ApiMode.NATIVE

    def list(self, kind: Kind, *, namespace: str = "", label_selector: str = "") -> Sequence[Body]:
        """All objects of a kind, in every namespace or in one, page by page; begun anew once when the listing expired."""
        try:
            return self._listed(kind, namespace, label_selector)
        except TargetUnavailable as error:
            if error.status != 410:
                raise
        return self._listed(kind, namespace, label_selector)

    def _listed(self, kind: Kind, namespace: str, label_selector: str) -> Sequence[Body]:
        items: builtins.list[Mapping[str, Any]] = []
        token = ""
        while True:
            page = self._door.pass_through(
                Call(self.target, "list", kind, namespace=namespace),
                partial(
                    self._cluster.api.list,
                    kind,
                    namespace or None,
                    label_selector=label_selector,
                    limit=PAGE_SIZE,
                    continue_token=token,
                ),
            )
            items.extend(page.items)
            token = page.continue_token
            if not token:
                return self._bodies.of(kind, f"{namespace} {label_selector}", items)

    def apply(self, resource: ResourceId, body: Body, *, force: bool, resource_version: str) -> Body:
        """Server-side apply as our field manager; raises TargetUnavailable when the answer bears no uid."""
        sent = _versioned(body, resource_version)
        call = self._call("apply", resource)
        stored = self._door.pass_through(
            call,
            lambda: self._cluster.api.apply(
                resource.kind, resource.namespace or None, resource.name, sent, manager=FIELD_MANAGER, force=force
            ),
        )
        return _kept(call, stored)

    def merge_patch(self, resource: ResourceId, body: Body, *, resource_version: str) -> Body:
        """JSON merge patch as our field manager; raises TargetUnavailable when the answer bears no uid."""
        sent = _versioned(body, resource_version)
        call = self._call("patch", resource)
        stored = self._door.pass_through(
            call,
            lambda: self._cluster.api.merge_patch(
                resource.kind, resource.namespace or None, resource.name, sent, manager=FIELD_MANAGER
            ),
        )
        return _kept(call, stored)

    def delete(self, resource: ResourceId, *, uid: str, resource_version: str) -> None:
        """Delete with preconditions; an absent object counts as deleted."""

        def effect() -> bool:
            where = (resource.kind, resource.namespace or None, resource.name)
            self._cluster.api.delete(*where, uid=uid, resource_version=resource_version)
            return True

        with contextlib.suppress(NotFound):
            self._door.pass_through(self._call("delete", resource), effect, empty=True)

    def _call(self, verb: str, resource: ResourceId) -> Call:
        return Call(self.target, verb, resource.kind, resource.name, resource.namespace)


def _versioned(body: Body, resource_version: str) -> dict[str, Any]:
    if not resource_version:
        return dict(body)
    return {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": resource_version}}


def _kept(call: Call, stored: Mapping[str, Any]) -> Body:
    if not stored.get("metadata", {}).get("uid"):
        raise _empty_answer(call)
    return stored


class InProcessFirewall:
    """`ports.FirewallApi` on one hub's simulated firewall policy."""

    def __init__(self, door: Door, hub: str) -> None:
        self.target: TargetName = firewall_target(hub)
        self._door = door
        self._hub = door.world.hubs[hub]
        self._policy = self._hub.document.firewall.policy

    def policy(self) -> Body:
        """The policy."""
        call = Call(self.target, "get", Kind.FIREWALL_POLICY, self._policy)
        return self._door.pass_through(call, lambda: self._hub.get_policy(self._policy), empty={})

    def firewall(self) -> Body:
        """The firewall itself."""
        name = self._hub.document.firewall.name
        call = Call(self.target, "get", "AzureFirewall", name)
        return self._door.pass_through(call, lambda: self._hub.get_firewall(name), empty={})

    def groups(self) -> Sequence[Body]:
        """The policy's rule collection groups."""
        return self._groups_of(self._policy)

    def base_groups(self, base_policy_id: str) -> Sequence[Body]:
        """The rule collection groups of the base policy."""
        return self._groups_of(base_policy_id.rpartition("/")[2])

    def put_group(self, name: str, body: Body) -> str:
        """Start replacing a group."""
        call = Call(self.target, "put", Kind.RULE_COLLECTION_GROUP, name)
        return _started(self._door, self._hub, call, lambda: self._hub.put_group(self._policy, name, body, US))

    def delete_group(self, name: str) -> str:
        """Start deleting a group."""
        call = Call(self.target, "delete", Kind.RULE_COLLECTION_GROUP, name)
        try:
            return _started(self._door, self._hub, call, lambda: self._hub.delete_group(self._policy, name, US))
        except NotFound:
            return ""

    def activity(self, name: str, since: datetime, until: datetime) -> Sequence[Body]:
        """The activity log of a group."""
        call = Call(self.target, "list", "ActivityLog", name)
        group = self._hub.ids.group(self._policy, name)
        return self._door.pass_through(call, lambda: self._hub.list_activity(group, since, until))

    def _groups_of(self, policy: str) -> Sequence[Body]:
        call = Call(self.target, "list", Kind.RULE_COLLECTION_GROUP, policy)
        groups: list[Body] = []
        skip = ""
        while True:
            page = self._door.pass_through(call, partial(self._hub.list_groups, policy, skip))
            groups.extend(page.value)
            skip = page.skip
            if not skip:
                return groups


class InProcessRouteServer:
    """`ports.RouteServerApi` on one hub's simulated Route Server."""

    def __init__(self, door: Door, hub: str) -> None:
        self.target: TargetName = route_server_target(hub)
        self._door = door
        self._hub = door.world.hubs[hub]
        self._name = self._hub.document.route_server.name

    def hub(self) -> Body:
        """The Route Server itself."""
        call = Call(self.target, "get", "RouteServer", self._name)
        return self._door.pass_through(call, lambda: self._hub.get_route_server(self._name), empty={})

    def connections(self) -> Sequence[Body]:
        """Its BGP connections."""
        call = Call(self.target, "list", Kind.BGP_CONNECTION, self._name)
        return self._door.pass_through(call, lambda: self._hub.list_connections(self._name)).value

    def put_connection(self, name: str, *, peer_ip: str, peer_asn: int) -> str:
        """Start creating or replacing a BGP connection."""
        call = Call(self.target, "put", Kind.BGP_CONNECTION, name)
        body = {"properties": {"peerIp": peer_ip, "peerAsn": peer_asn}}
        return _started(self._door, self._hub, call, lambda: self._hub.put_connection(self._name, name, body))

    def delete_connection(self, name: str) -> str:
        """Start deleting a BGP connection."""
        call = Call(self.target, "delete", Kind.BGP_CONNECTION, name)
        try:
            return _started(self._door, self._hub, call, lambda: self._hub.delete_connection(self._name, name))
        except NotFound:
            return ""

    def start_learned_routes(self, connection: str) -> RouteListing:
        """Ask for the routes learned over one connection; the listing is an operation."""
        call = Call(self.target, "learned-routes", Kind.BGP_CONNECTION, connection)
        accepted = self._door.pass_through(call, lambda: self._hub.learned_routes(self._name, connection))
        return RouteListing(None, self._hub.ids.operation(accepted.operation_id))

    def resume_learned_routes(self, operation: str) -> RouteListing:
        """Ask how a listing went."""
        identity = operation.rpartition("/")[2]
        call = Call(self.target, "get", "Operation", identity)
        try:
            result = self._door.pass_through(call, lambda: self._hub.get_result(identity))
        except TargetUnavailable as error:
            if error.status != 410:
                raise
            raise NotFound(str(error), code=error.code, status=410) from error
        return RouteListing(None, operation) if result is None else RouteListing(result)


def _started(door: Door, hub: AzureHub, call: Call, start: Callable[[], Accepted]) -> str:
    """The address of the operation that a write started; it stands in the headers, the body is not read."""

    def effect() -> str:
        accepted = start()
        return hub.ids.operation(accepted.operation_id) if accepted.operation_id else ""

    return door.pass_through(call, effect, empty="", body_unread=True)


def _empty_answer(call: Call) -> TargetUnavailable:
    """`{}` is no list and no APIService; after a write it means that the write was lost."""
    if call.verb in RESENT:
        return TargetUnavailable(f"{call}: the answer is not what was asked for.")
    return TargetUnavailable(f"{call}: the answer has no uid, the write was lost.", code=_lost(call), status=200)


def _lost(call: Call) -> str:
    return "LostWrite" if call.verb in ("apply", "patch") else ""
