"""What a pass leaves for the next one: learned before planning, kept after it. Losing it costs time, never safety."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from function_app.model.definitions import Shards
from function_app.model.plan import AttachmentState, Change, ChangeReason, WaitsFor
from function_app.model.report import Outcome, Result
from function_app.model.resources import ClusterObservation, FirewallObservation, Observations, RouteServerObservation
from function_app.model.state import Drift, HubState, Repairs, Wait
from function_app.planning.in_force import learn
from function_app.planning.keeping import FORGET_REPAIRS

_UNDONE = (Result.CREATED, Result.UPDATED, Result.STARTED)


def learn_from(state: HubState, shards: Shards, observations: Observations, now: datetime) -> HubState:
    """State that knows what these observations say: shards in force, failures, running listings, identities of clusters."""
    if isinstance(observations.firewall, FirewallObservation):
        state = replace(state, shards=learn(state.shards, shards, observations.firewall, now))
    if isinstance(observations.route_server, RouteServerObservation):
        running = {peer.name: peer.operation for peer in observations.route_server.connections if peer.operation}
        state = replace(state, operations=running)
    seen = {name: one.identity for name, one in observations.clusters.items() if isinstance(one, ClusterObservation)}
    return replace(state, clusters={**seen, **state.clusters})


def after_repairs(state: HubState, outcomes: Iterable[Outcome], now: datetime) -> HubState:
    """State that counts what this pass changed back, and says what it was; counts of what is left alone for an hour go."""
    kept = {key: one for key, one in state.repairs.items() if now - one.last < FORGET_REPAIRS}
    drifts = dict(state.drifts)
    for outcome in outcomes:
        change = outcome.change
        if change.reason is not ChangeReason.DRIFT or outcome.result not in _UNDONE:
            continue
        key = f"{change.target} {change.resource}"
        if outcome.result is not Result.STARTED:
            kept[key] = Repairs(kept[key].count + 1 if key in kept else 1, now)
        drift = Drift(now, str(change.target), str(change.resource), change.because)
        drifts.update(dict.fromkeys(("", *map(str, change.attachments)), drift))
    return replace(state, repairs=kept, drifts=drifts)


def without_leavers(drifts: Mapping[str, Drift], attachments: Iterable[AttachmentState]) -> Mapping[str, Drift]:
    """The drifts of attachments that there still are, and the newest of all."""
    kept = {"", *(str(one.key) for one in attachments)}
    return {key: one for key, one in drifts.items() if key in kept}


def waits_after(
    state: HubState, attachments: Iterable[AttachmentState], changes: Iterable[Change], now: datetime
) -> Mapping[str, Wait]:
    """Since when each attachment is where it is, and since when each shard waits to be written."""
    found: dict[str, Wait] = {}
    for one in attachments:
        waiting = ",".join(one.waiting_for)
        found[str(one.key)] = _kept(state, str(one.key), str(one.stage), waiting, now)
    for change in changes:
        if change.waits_for in (WaitsFor.FIREWALL_BUSY, WaitsFor.FIREWALL_BACKOFF):
            key = f"shard {change.resource.name}"
            found[key] = _kept(state, key, "waiting", "", now)
    return found


def _kept(state: HubState, key: str, stage: str, waiting: str, now: datetime) -> Wait:
    before = state.waits.get(key)
    if before is not None and (before.stage, before.waiting_for) == (stage, waiting):
        return before
    return Wait(stage, waiting, now)
