"""The road on one page: commit -> tree -> observations -> plan -> apply -> report.

Webhook, timer, resync and terminal run this and nothing else. A pass is short: it starts what is slow, says so, and the
next pass observes how it went. Killed at any point, it has lost nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from function_app.applying import Patience, apply_plan, gather
from function_app.model.errors import StateError, TargetError, TargetRejected, TargetUnavailable
from function_app.model.ledger import BrokenLedger, Holding, Ledger, fold
from function_app.model.names import (
    GenerationId,
    HubName,
    TargetName,
    cluster_target,
    firewall_target,
    route_server_target,
)
from function_app.model.report import Outcome, Report
from function_app.model.resources import (
    ClusterObservation,
    FirewallObservation,
    Observations,
    RouteServerObservation,
    Unreadable,
)
from function_app.model.state import HubState
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.observing import observe_cluster, observe_firewall, observe_route_server
from function_app.planning.plan import Planned, make_plan, make_revocation_plan
from function_app.planning.remembering import after_repairs, learn_from
from function_app.planning.situation import Situation
from function_app.ports import ClusterApi, HubPorts
from function_app.reporting.json_report import report_json

Seen = ClusterObservation | FirewallObservation | RouteServerObservation | Unreadable


@dataclass(frozen=True, slots=True)
class Source:
    """The tree that a pass works from. `seen` is the newest commit, `problem` says why it could not be fetched or read."""

    tree: Tree
    seen: str
    problem: str = ""


class HubBusy(StateError):
    """Another pass holds the hub; it will read the same intent."""


def draw_generation() -> GenerationId:
    """A fresh generation id."""
    return GenerationId(secrets.token_hex(4))


def reconcile(
    hub: HubName,
    source: Source,
    ports: HubPorts,
    patience: Patience,
    *,
    holder: str,
    draw: Callable[[], GenerationId] = draw_generation,
) -> Report:
    """One pass over one hub; raises HubBusy while somebody else makes one."""
    lease = ports.leases.acquire(hub, holder)
    if lease is None:
        raise HubBusy(f"another pass over {hub} is under way")
    try:
        definitions = hub_definitions(source.tree, hub)
        started, outcomes = ports.clock.now(), list[Outcome]()
        planned: Planned | None = None
        for observations in _observations(definitions, ports, patience):
            planned, ledger = _decide(definitions, observations, ports, draw)
            done = frozenset((outcome.change.target, outcome.change.resource) for outcome in outcomes)
            seen = observations.firewall if isinstance(observations.firewall, FirewallObservation) else None
            made = apply_plan(planned.plan, ports, lease, ledger, seen, patience, done=done)
            state = after_repairs(planned.state, made, ports.clock.now())
            ports.state.write(replace(state, last_good_commit=source.tree.commit), lease.epoch)
            outcomes.extend(made)
        if planned is None:
            raise StateError(f"{hub} has no targets")
        report = _report(planned, outcomes, source, started, ports.clock.now(), observations)
        lease.check()
        ports.status.record(hub, _kept(report, planned.state))
        return report
    finally:
        lease.release()


def preview(
    hub: HubName,
    source: Source,
    ports: HubPorts,
    patience: Patience,
    *,
    draw: Callable[[], GenerationId] = draw_generation,
) -> Report:
    """The same road, stopped before anything is written; needs no lease."""
    definitions, started = hub_definitions(source.tree, hub), ports.clock.now()
    observations = next(_observations(definitions, ports, patience))
    planned, _ = _decide(definitions, observations, ports, draw)
    return _report(planned, [], source, started, ports.clock.now(), observations)


def _decide(
    definitions: HubDefinitions, observations: Observations, ports: HubPorts, draw: Callable[[], GenerationId]
) -> tuple[Planned, Ledger]:
    now = ports.clock.now()
    state = learn_from(ports.state.read(), definitions.hub.spec.firewall.shards, observations, now)
    decisions = ports.state.decisions()
    try:
        ledger = fold(ports.ledger.read())
    except (BrokenLedger, StateError) as problem:
        nothing = Ledger((), {})
        situation = Situation(definitions, nothing, observations, state, decisions, now, draw)
        return make_revocation_plan(situation, str(problem)), nothing
    return make_plan(Situation(definitions, ledger, observations, state, decisions, now, draw)), ledger


def _observations(definitions: HubDefinitions, ports: HubPorts, patience: Patience) -> Iterator[Observations]:
    """Everything that was read, and again for each target that answers late."""
    clock, hub = ports.clock, definitions.name
    emptying = _emptying(ports)
    operations = ports.state.read().operations
    tasks: dict[TargetName, Callable[[], Seen]] = {
        firewall_target(hub): _guarded(firewall_target(hub), ports, lambda: observe_firewall(ports.firewall, clock)),
        route_server_target(hub): _guarded(
            route_server_target(hub), ports, lambda: observe_route_server(ports.route_server, clock, operations)
        ),
    }
    for name in definitions.clusters:
        target = cluster_target(name)
        tasks[target] = _guarded(target, ports, _reading(ports.clusters[name], ports, emptying.get(name, ())))
    for answered in gather(tasks, patience):
        late = {target: _late_answer(target, clock.now()) for target in tasks if target not in answered}
        yield _collected(definitions, {**answered, **late})


def _reading(api: ClusterApi, ports: HubPorts, emptying: tuple[str, ...]) -> Callable[[], Seen]:
    return lambda: observe_cluster(api, ports.clock, emptying)


def _emptying(ports: HubPorts) -> Mapping[str, tuple[str, ...]]:
    """By cluster: gateway namespaces of generations on their way out."""
    try:
        ledger = fold(ports.ledger.read())
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
            return read()
        except TargetUnavailable as problem:
            return Unreadable(target, ports.clock.now(), str(problem), retry_after=problem.retry_after)
        except TargetRejected as problem:
            return Unreadable(target, ports.clock.now(), str(problem), permanent=True)
        except TargetError as problem:
            return Unreadable(target, ports.clock.now(), str(problem))

    return observed


def _late_answer(target: TargetName, now: datetime) -> Unreadable:
    return Unreadable(target, now, f"{target} has not answered yet", late=True)


def _collected(definitions: HubDefinitions, seen: Mapping[TargetName, Seen]) -> Observations:
    firewall, route_server = seen[firewall_target(definitions.name)], seen[route_server_target(definitions.name)]
    clusters = {str(name): seen[cluster_target(name)] for name in definitions.clusters}
    if not isinstance(firewall, FirewallObservation | Unreadable) or not isinstance(
        route_server, RouteServerObservation | Unreadable
    ):
        raise TypeError("a target answered with another target's observation")
    return Observations(
        clusters={name: one for name, one in clusters.items() if isinstance(one, ClusterObservation | Unreadable)},
        firewall=firewall,
        route_server=route_server,
    )


def _report(
    planned: Planned,
    outcomes: list[Outcome],
    source: Source,
    started: datetime,
    finished: datetime,
    observations: Observations,
) -> Report:
    seen = (*observations.clusters.values(), observations.firewall, observations.route_server)
    plan = planned.plan
    asked = max((outcome.retry_after for outcome in outcomes if outcome.retry_after), default=0.0)
    if plan.look_again_seconds is not None:
        plan = replace(plan, look_again_seconds=max(plan.look_again_seconds, asked))
    return Report(
        plan=plan,
        outcomes=tuple(outcomes),
        commit_seen=source.seen,
        started_at=started,
        finished_at=finished,
        unreadable=tuple(one for one in seen if isinstance(one, Unreadable)),
        held=source.tree.held,
        source_problem=source.problem,
    )


def _kept(report: Report, state: HubState) -> Mapping[str, object]:
    return report_json(report, state.waits)
