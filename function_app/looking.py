"""What a pass reads of its targets: how each is read, and what becomes of one that cannot be read or has not answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from function_app.gathering import Gathering, Patience, Reading, Unanswered
from function_app.measuring import carried, span
from function_app.model.errors import StateError, TargetError, TargetRejected, TargetUnavailable
from function_app.model.ledger import BrokenLedger, Holding, folded
from function_app.model.names import (
    HubName,
    TargetName,
    activity_log_target,
    cluster_target,
    firewall_target,
    route_server_target,
)
from function_app.model.resources import (
    ActivityLog,
    ClusterObservation,
    FirewallObservation,
    Observations,
    RouteServerObservation,
    Unreadable,
)
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.observing import observe_cluster, observe_firewall, observe_route_server
from function_app.planning.activity import LOOKS_BACK
from function_app.ports import HubPorts

Seen = ClusterObservation | FirewallObservation | RouteServerObservation | ActivityLog | Unreadable


def look(hub: HubName, tree: Tree, ports: HubPorts, patience: Patience) -> Observations:
    """What a hub's targets show, each asked once; what does not answer in time is unreadable."""
    definitions = hub_definitions(tree, hub)
    readings = readings_of(definitions, ports, patience, ports.state.read().operations)
    answers = Gathering(readings, patience, Unanswered()).first(epoch=0)
    return observations_in(definitions, answers, ports.clock.now())


def readings_of(
    definitions: HubDefinitions, ports: HubPorts, patience: Patience, operations: Mapping[str, str]
) -> dict[TargetName, Reading[Seen]]:
    """How each target is read; `operations` are listings that an earlier pass started."""
    clock, hub = ports.clock, definitions.name
    firewall, route_server = firewall_target(hub), route_server_target(hub)
    emptying = _emptying(ports)
    routes = partial(observe_route_server, ports.route_server, clock, operations, patience.listing)
    readings: dict[TargetName, Reading[Seen]] = {
        firewall: Reading(_guarded(firewall, ports, partial(observe_firewall, ports.firewall, clock))),
        route_server: Reading(_guarded(route_server, ports, routes)),
    }
    for name in definitions.clusters:
        target, api, going = cluster_target(name), ports.clusters[name], emptying.get(name, ())
        objects = partial(observe_cluster, api, clock, going, patience.listing)
        readings[target] = Reading(_guarded(target, ports, objects), about=(api, going))
    return readings


def activity_readings(hub: HubName, ports: HubPorts, drifts: Mapping[str, datetime]) -> dict[TargetName, Reading[Seen]]:
    """How it is found out who changed shards whose drift an earlier pass has undone; nothing is asked without such a drift."""
    target = activity_log_target(hub)

    def read() -> Seen:
        return ActivityLog({shard: ports.firewall.activity(shard, at - LOOKS_BACK, at) for shard, at in drifts.items()})

    return {target: Reading(_guarded(target, ports, read))} if drifts else {}


def activity_log_in(answers: Mapping[TargetName, Seen], hub: HubName) -> ActivityLog | Unreadable | None:
    """What the activity log answered, None where it was not asked or has not answered yet."""
    seen = answers.get(activity_log_target(hub))
    return seen if isinstance(seen, ActivityLog | Unreadable) else None


def _emptying(ports: HubPorts) -> Mapping[str, tuple[str, ...]]:
    """By cluster: gateway namespaces of generations on their way out."""
    try:
        ledger = folded(ports.ledger.read())
    except (BrokenLedger, StateError):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for generation in ledger.live():
        if generation.holding is Holding.LEAVING:
            cluster = str(generation.key.cluster)
            found[cluster] = (*found.get(cluster, ()), generation.gateway_namespace)
    return found


def _guarded(target: TargetName, ports: HubPorts, read: Callable[[], Seen]) -> Callable[[], Seen]:
    """An unreadable target is an observation of its own, never an empty one."""

    def observed() -> Seen:
        try:
            with span("observe.target", target=target):
                return read()
        except TargetUnavailable as problem:
            return Unreadable(target, ports.clock.now(), str(problem), retry_after=problem.retry_after)
        except TargetRejected as problem:
            return Unreadable(target, ports.clock.now(), str(problem), permanent=True)
        except TargetError as problem:
            return Unreadable(target, ports.clock.now(), str(problem))

    return carried(observed)


def observations_in(definitions: HubDefinitions, answers: Mapping[TargetName, Seen], now: datetime) -> Observations:
    """What was read; a target that has not answered yet is unreadable so far."""

    def seen(target: TargetName) -> Seen:
        return answers.get(target) or Unreadable(target, now, f"{target} has not answered yet", late=True)

    firewall, route_server = seen(firewall_target(definitions.name)), seen(route_server_target(definitions.name))
    clusters = {str(name): seen(cluster_target(name)) for name in definitions.clusters}
    if not isinstance(firewall, FirewallObservation | Unreadable) or not isinstance(
        route_server, RouteServerObservation | Unreadable
    ):
        raise TypeError("a target answered with another target's observation")
    return Observations(
        clusters={name: one for name, one in clusters.items() if isinstance(one, ClusterObservation | Unreadable)},
        firewall=firewall,
        route_server=route_server,
    )
