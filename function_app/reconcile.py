"""The road on one page: commit -> tree -> observations -> what is taken up -> plan -> apply -> report.

Webhook, timer, resync and terminal run this and nothing else. A pass is short: it starts what is slow, says so, and the
next pass observes how it went. Killed at any point, it has lost nothing.

While a pass waits for a late target it does not hold the hub: its report is published, and anybody's pass may come in
between. Then it ends, since what it has seen of the others may no longer be so.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from function_app.admitting import admitted_now
from function_app.applying import apply_plan
from function_app.gathering import Gathering, Patience, Unanswered
from function_app.looking import Seen, activity_log_in, activity_readings, look, observations_in, readings_of
from function_app.measuring import span
from function_app.model.admission import Admission
from function_app.model.errors import SourceError, StateError
from function_app.model.ledger import BrokenLedger, Ledger, folded
from function_app.model.names import Commit, GenerationId, HubName
from function_app.model.plan import RefusalCode
from function_app.model.report import Outcome, Report
from function_app.model.resources import FirewallObservation, Observations, Unreadable
from function_app.model.state import Decision, HubState
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.planning.activity import explained, unexplained
from function_app.planning.admission import Admitted
from function_app.planning.deferring import Asked
from function_app.planning.plan import Planned, make_plan, make_revocation_plan
from function_app.planning.rebuilding import may_be_in_use
from function_app.planning.remembering import after_repairs, learn_from, without_leavers
from function_app.planning.settling import HUB, looking_again, settled_after, stuck_after
from function_app.planning.situation import Situation
from function_app.ports import HubPorts, Lease
from function_app.reporting.json_report import report_json


def _no_former(commit: Commit) -> Tree:
    raise SourceError(f"commit {commit[:12]} cannot be read again here.")


@dataclass(frozen=True, slots=True)
class Source:
    """The tree that a pass works from. `seen` is the newest commit, `problem` says why it could not be fetched or read.

    `former` reads the tree of a commit that was in force before, which is asked for only while something of `tree` is not
    taken up; raises SourceError.
    """

    tree: Tree
    seen: str
    problem: str = ""
    former: Callable[[Commit], Tree] = _no_former


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
    unanswered: Unanswered[Seen] | None = None,
) -> Report:
    """One pass over one hub; raises HubBusy while somebody else makes one.

    `unanswered` is what this process's passes over the hub share; without it a late target is begun anew by the next one.
    """
    lease = ports.leases.acquire(hub, holder)
    if lease is None:
        raise HubBusy(f"another pass over {hub} is under way")
    try:
        definitions, started, outcomes = hub_definitions(source.tree, hub), ports.clock.now(), list[Outcome]()
        state = ports.state.read()
        with span("observe"):
            readings = readings_of(definitions, ports, patience, state.operations)
            readings |= activity_readings(hub, ports, unexplained(state.drifts, hub))
            gathering = Gathering(readings, patience, unanswered or Unanswered())
            answers = gathering.first(lease.epoch)
        while True:
            observations = observations_in(definitions, answers, ports.clock.now())
            with span("plan"):
                situated = _situated(definitions, observations, source, ports, draw, state)
                # Megabytes, which planning has no more use for: what the targets show is in force has taken its place.
                del state
                planned, ledger = situated.planned(), situated.situation.ledger
            admission = None if situated.unknown else situated.admission
            done = frozenset((outcome.change.target, outcome.change.resource) for outcome in outcomes)
            seen = observations.firewall if isinstance(observations.firewall, FirewallObservation) else None
            until = gathering.writing_until(planned.plan.look_again_seconds)
            made = apply_plan(planned.plan, ports, lease, ledger, seen, patience, done=done, until=until)
            state = _kept_state(planned, made, source, admission, ports.clock.now())
            log = activity_log_in(answers, hub)
            state = replace(state, drifts=explained(state.drifts, hub, log, ports.clock.now()))
            ports.state.write(state, lease.epoch)
            outcomes.extend(made)
            report = _report(planned, outcomes, source, started, ports.clock.now(), observations, state)
            lease.check()
            ports.status.record(hub, _kept(report, state), lease.epoch)
            gathering.leave(lease.epoch)
            lease.release()
            more = gathering.another(lease.epoch, report.plan.look_again_seconds)
            again = _next_lease(hub, ports, holder, lease.epoch) if more is not None else None
            if more is None or again is None:
                pause = gathering.pause(report.plan.look_again_seconds)
                return replace(report, plan=replace(report.plan, look_again_seconds=pause))
            lease, answers = again, more
    finally:
        lease.release()


def _kept_state(
    planned: Planned, made: Iterable[Outcome], source: Source, admission: Admission | None, now: datetime
) -> HubState:
    """What the next pass starts from, and what readers are told of drift and of the commit in force.

    Without an admission nothing was taken up, and what was in force before is still asked for.
    """
    state, commit = after_repairs(planned.state, made, now), source.tree.commit
    state = replace(state, drifts=without_leavers(state.drifts, planned.plan.attachments))
    if admission is None:
        return replace(state, settled={}, stuck={})
    hub = hub_definitions(source.tree, planned.plan.hub)
    return replace(
        state,
        last_good_commit=commit,
        last_good_since=state.last_good_since if state.last_good_commit == commit else now,
        standing=admission.standing,
        reviewed=admission.reviewed,
        recalled=admission.recalled,
        doubtful=admission.doubtful,
        settled=settled_after(state, planned.plan, admission, hub.clusters, now),
        stuck=stuck_after(planned.plan, admission, hub),
    )


def _next_lease(hub: HubName, ports: HubPorts, holder: str, epoch: int) -> Lease | None:
    """The hub again, unless somebody else has or had it meanwhile."""
    lease = ports.leases.acquire(hub, holder)
    if lease is not None and lease.epoch != epoch + 1:
        lease.release()
        return None
    return lease


def preview(
    hub: HubName,
    source: Source,
    ports: HubPorts,
    patience: Patience,
    *,
    draw: Callable[[], GenerationId] = draw_generation,
) -> Report:
    """The same road, stopped before anything is written; needs no lease."""
    return preview_from(hub, source, ports, look(hub, source.tree, ports, patience), draw=draw)


def preview_from(
    hub: HubName,
    source: Source,
    ports: HubPorts,
    observations: Observations,
    *,
    draw: Callable[[], GenerationId] = draw_generation,
    as_asked: bool = False,
) -> Report:
    """A preview from what was read before. `as_asked`: as if all of the tree were taken up."""
    definitions, started = hub_definitions(source.tree, hub), ports.clock.now()
    situated = _situated(definitions, observations, source, ports, draw, ports.state.read(), as_asked=as_asked)
    planned = situated.planned()
    return _report(planned, [], source, started, ports.clock.now(), observations)


@dataclass(frozen=True, slots=True)
class _Situated:
    """What is planned from. `unknown` says why it cannot be told what was taken up, `broken` what is wrong with the ledger."""

    situation: Situation
    admission: Admission
    unknown: str = ""
    broken: str = ""

    def planned(self) -> Planned:
        """Decide everything, or only what is safe while something cannot be told."""
        if self.unknown:
            return make_revocation_plan(self.situation, self.unknown, RefusalCode.STANDING_UNKNOWN)
        return make_revocation_plan(self.situation, self.broken) if self.broken else make_plan(self.situation)


def _situated(
    definitions: HubDefinitions,
    observations: Observations,
    source: Source,
    ports: HubPorts,
    draw: Callable[[], GenerationId],
    before: HubState,
    *,
    as_asked: bool = False,
) -> _Situated:
    """Everything that a plan is made from; `before` is the state that the last pass left."""
    now, decisions = ports.clock.now(), ports.state.decisions()
    ledger, broken = Ledger((), {}), ""
    try:
        ledger = folded(ports.ledger.read())
    except (BrokenLedger, StateError) as problem:
        broken = str(problem)
    firewall = observations.firewall if isinstance(observations.firewall, FirewallObservation) else None
    asked = Asked(definitions, before, decisions, now, firewall=firewall, ledger=None if broken else ledger)
    unknown, admitted = _beyond_us(decisions, now), Admitted(definitions)
    try:
        if not (as_asked or unknown):
            as_merged = Situation(definitions, ledger, observations, before, decisions, now, draw)
            in_use = bool(broken) or may_be_in_use(as_merged)
            admitted = admitted_now(asked, source.tree, source.former, ports, in_use=in_use)
    except SourceError as problem:
        unknown = f"{str(problem).rstrip('.')}. The ledger: {broken}" if broken else str(problem)
    hub = admitted.hub
    state = learn_from(before, hub.hub.spec.firewall.shards, observations, now)
    observed = replace(
        observations, clusters={name: one for name, one in observations.clusters.items() if name in hub.clusters}
    )
    situation = Situation(hub, ledger, observed, state, decisions, now, draw, admitted.admission)
    return _Situated(situation, admitted.admission, unknown, broken)


def _beyond_us(decisions: Iterable[Decision], now: datetime) -> str:
    """Decisions in force of which only a newer release can tell what they allow; empty when there is none."""
    return "; ".join(
        f"`{one.kind}` was decided on {one.subject} by {one.by}, and only a newer release knows what that asks for; run that one"
        for one in decisions
        if one.kind.unknown and one.is_in_force(now)
    )


def _report(
    planned: Planned,
    outcomes: list[Outcome],
    source: Source,
    started: datetime,
    finished: datetime,
    observations: Observations,
    state: HubState | None = None,
) -> Report:
    """`state` is what the pass leaves."""
    seen = (*observations.clusters.values(), observations.firewall, observations.route_server)
    plan = planned.plan
    asked = max((outcome.retry_after for outcome in outcomes if outcome.retry_after), default=0.0)
    again = plan.look_again_seconds
    if state is not None:
        again = looking_again(again, planned.state, state)
    if again is not None:
        plan = replace(plan, look_again_seconds=max(again, asked))
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
    rest = state.settled.get(HUB)
    since = rest.since if rest is not None and rest.commit == report.plan.commit else None
    return report_json(report, state.waits, state.drifts, state.last_good_since, since)
