"""Taking a generation down, each step on what was observed, none on what was done before.

still there                          = step
somebody points at the gateway       = wait (its annotations are `pointing.py`'s); a day at most for foreign users, but not
                                       under a gateway that was made by hand
EgressGateway, policy, budget        = delete them
pods, terminating ones included      = wait: they outlive gateway and Deployment by their grace period, whoever else must act
pool                                 = delete it (the filter entry went with the pods)
our namespace, nothing foreign in it = delete it
nothing, no route, no rule           = freed: quarantine starts
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from function_app.model.ledger import Generation, Holding, Record, RecordKind
from function_app.model.plan import ChangeReason, Refusal, RefusalCode, WaitsFor
from function_app.model.resources import Kind, ResourceId, RouteServerObservation
from function_app.planning.cluster_resources import FILTER_NAME
from function_app.planning.facts import Facts, blocks_left, gateway_may_go, pods_left, routes_left, rules_stay
from function_app.planning.firewall_resources import read_shard, shard_index
from function_app.planning.in_force import provisioning_state
from function_app.planning.keeping import Draft, delete
from function_app.planning.ownership import ours
from function_app.planning.situation import Situation
from function_app.planning.stages import gateway_pods

Waits = list[tuple[WaitsFor, str]]
STUCK_AFTER = timedelta(hours=1)


def plan_teardown(
    situation: Situation, facts: Facts, generation: Generation, draft: Draft
) -> tuple[Waits, tuple[Record, ...]]:
    """The next steps for one leaving generation, what it waits for, and its `freed` record once everything is gone."""
    waits: Waits = []
    renumbered = generation.key in situation.hub.attachments
    reason = ChangeReason.RENUMBERED if renumbered else ChangeReason.REMOVED
    if not gateway_may_go(situation, facts, generation):
        waits.append(_pointed(facts, generation))
        return waits, ()
    _delete_gateway(situation, facts, generation, reason, draft)
    if (stranger := _in_the_way(situation, facts, generation)) is not None:
        draft.refused.append(stranger)
        waits.append((WaitsFor.FOREIGN, stranger.message))
    waits.extend(_pods_going(situation, facts, generation))
    if waits:
        if any(what is WaitsFor.PODS_GONE for what, _ in waits):
            _tell_if_stuck(situation, generation, waits, draft)
        return waits, ()
    pool = facts.observed.get(Kind.IP_POOL, generation.pool)
    if pool is not None:
        if not pool.terminating and ours(pool, situation.hub.name, (generation.id,)):
            words = f"{generation.range} is no longer in use"
            needs = frozenset({ResourceId(Kind.BGP_FILTER, FILTER_NAME)})
            draft.changes.append(delete(facts.name, pool, reason, words, keys=(generation.key,), needs=needs))
        waits.append((WaitsFor.BLOCKS_GONE, f"IPPool {generation.pool} is going"))
    elif blocks := blocks_left(facts, generation):
        waits.append((WaitsFor.BLOCKS_GONE, f"IPAM blocks {', '.join(blocks[:3])} are still there"))
    waits.extend(_namespace_going(situation, facts, generation, reason, draft))
    waits.extend(_still_known(situation, facts, generation))
    if waits:
        _tell_if_stuck(situation, generation, waits, draft)
        return waits, ()
    return [], (situation.record(RecordKind.FREED, generation),)


def _pointed(facts: Facts, generation: Generation) -> tuple[WaitsFor, str]:
    """Who keeps the gateway, and whether that ends without a person."""
    words = f"{', '.join(facts.users(generation)[:3])} still points at {generation.gateway}"
    if not facts.ends_by_hand(generation):
        return WaitsFor.UNPOINTED, words
    whose = "by annotations that we did not set, and the gateway was made by hand"
    return WaitsFor.FOREIGN, f"{words} {whose}: it stays with its rules until somebody takes the annotations off"


def _in_the_way(situation: Situation, facts: Facts, generation: Generation) -> Refusal | None:
    """A gateway or pool that was this generation's and no longer bears our marks: it is not ours to delete."""
    for found in (
        facts.observed.get(Kind.EGRESS_GATEWAY, generation.gateway, generation.gateway_namespace),
        facts.observed.get(Kind.IP_POOL, generation.pool),
    ):
        if found is not None and not ours(found, situation.hub.name, (generation.id,)):
            message = (
                f"{found.id} on {facts.name} no longer bears our marks, so {generation.key} cannot give back {generation.range}. "
                "It was not touched. Delete it, or give it its labels back."
            )
            return Refusal(RefusalCode.FOREIGN_RESOURCE, f"cluster/{facts.name} {found.id}", message)
    return None


def _pods_going(situation: Situation, facts: Facts, generation: Generation) -> Waits:
    """What holds the filter entry: what goes by itself is waited for, whatever only a person can take away is his."""
    gateway = facts.observed.get(Kind.EGRESS_GATEWAY, generation.gateway, generation.gateway_namespace)
    if gateway is not None and not gateway.terminating and not ours(gateway, situation.hub.name, (generation.id,)):
        return []
    left, pods = _gateway_left(facts, generation), pods_left(facts, generation)
    if not left and not pods:
        return []
    going = gateway_pods(generation, facts.observed) or any(pod.terminating for pod in pods)
    if not left and not going:
        names = ", ".join(str(pod.id) for pod in pods[:3])
        words = f"{names} is not ours and bears an address of {generation.range}; delete it or give it another pool"
        return [(WaitsFor.FOREIGN, words)]
    words = f"{len(pods)} gateway pods of {generation.gateway} still run or terminate" if pods else f"{left} is going"
    return [(WaitsFor.PODS_GONE, words)]


def _tell_if_stuck(situation: Situation, generation: Generation, waits: Waits, draft: Draft) -> None:
    """What should take minutes and has taken an hour needs a look; until then the range stays out of everybody's hands."""
    since = situation.now - (generation.leaving_at or situation.now)
    if since > STUCK_AFTER:
        hours = since.total_seconds() / 3600
        draft.notes.append(f"{generation.key}: {generation.range} has been leaving for {hours:.0f} h: {waits[0][1]}")


def _delete_gateway(
    situation: Situation, facts: Facts, generation: Generation, reason: ChangeReason, draft: Draft
) -> None:
    namespace, name = generation.gateway_namespace, generation.gateway
    candidates = [
        facts.observed.get(Kind.EGRESS_GATEWAY, name, namespace),
        facts.observed.get(Kind.DISRUPTION_BUDGET, name, namespace),
    ]
    if not facts.naming(generation.gateway):
        candidates.append(facts.observed.get(Kind.EGRESS_GATEWAY_POLICY, name))
    for found in candidates:
        if found is not None and not found.terminating and ours(found, situation.hub.name, (generation.id,)):
            words = f"nothing points at the gateway of {generation.key.tenant} for {generation.range} any more"
            draft.changes.append(delete(facts.name, found, reason, words, keys=(generation.key,)))


def _gateway_left(facts: Facts, generation: Generation) -> str:
    for kind in (Kind.EGRESS_GATEWAY, Kind.DEPLOYMENT):
        found = facts.observed.get(kind, generation.gateway, generation.gateway_namespace)
        if found is not None:
            return f"{found.id}"
    return ""


def _namespace_going(
    situation: Situation, facts: Facts, generation: Generation, reason: ChangeReason, draft: Draft
) -> Waits:
    """Delete the gateway namespace if we made it, no other generation lives there and it holds nothing foreign."""
    namespace = facts.observed.get(Kind.NAMESPACE, generation.gateway_namespace)
    if namespace is None or not ours(namespace, situation.hub.name, ()):
        return []
    sharing = any(
        one.gateway_namespace == generation.gateway_namespace and one.id != generation.id
        for one in facts.generations.values()
        if one.live
    )
    if sharing:
        return []
    if namespace.terminating:
        return [(WaitsFor.PODS_GONE, f"namespace {namespace.id.name} is going")]
    if tenants := _foreign_content(situation, facts, generation):
        draft.notes.append(f"{facts.name}: namespace {namespace.id.name} stays, it holds {', '.join(tenants[:3])}")
        return []
    words = f"the gateway namespace of {generation.key.tenant} is empty"
    draft.changes.append(delete(facts.name, namespace, reason, words, keys=(generation.key,)))
    return [(WaitsFor.PODS_GONE, f"namespace {namespace.id.name} is going")]


def _foreign_content(situation: Situation, facts: Facts, generation: Generation) -> tuple[str, ...]:
    return tuple(
        str(resource.id)
        for resource in facts.observed.resources.values()
        if resource.id.namespace == generation.gateway_namespace
        and not ours(resource, situation.hub.name, (generation.id,))
    )


def _still_known(situation: Situation, facts: Facts, generation: Generation) -> Waits:
    waits: Waits = []
    observed = situation.observations.route_server
    known = (
        routes_left(facts.definition, observed, generation) if isinstance(observed, RouteServerObservation) else None
    )
    if known or known is None:
        words = "still knows a route" if known else "has not answered whether it still knows a route"
        waits.append((WaitsFor.ROUTES_GONE, f"Route Server {words} inside {generation.range}"))
    waits.extend(_still_in_rules(situation, generation))
    return waits


def _still_in_rules(situation: Situation, generation: Generation) -> Waits:
    """No shard shows a rule for the range, and each says Succeeded, which alone tells that what it shows is all that it enforces.

    Until then it may hold what no pass saw: what is shown is the last write's, and one of ours that came before may still land,
    or has landed, whatever became of the last. What is remembered of a shard does not help, since a pass may have died before it
    remembered its own write.
    """
    observed, shards, cidr = situation.firewall, situation.hub.hub.spec.firewall.shards, str(generation.range)
    if observed is None:
        return [(WaitsFor.RULES_GONE, f"the firewall has not answered whether rules still name {cidr}")]
    for name, body in sorted(observed.groups.items()):
        if shard_index(shards, name) is None:
            continue
        if any(cidr in rules.sources() for rules in read_shard(body).values()):
            return [(WaitsFor.RULES_GONE, f"firewall rules still name {cidr}")]
        if (state := provisioning_state(body)) != "Succeeded":
            return [(WaitsFor.RULES_GONE, f"{name} says {state} and may still hold rules that name {cidr}")]
    return []


def forget(situation: Situation, generation: Generation) -> tuple[Waits, tuple[Record, ...]]:
    """What stood on a cluster that an operator gave up and Route Server no longer talks to leaves, and is free without its rules.

    The firewall, unlike the cluster, can be asked: no plan frees a range that a shard allows or is about to.
    """
    if generation.holding is not Holding.LEAVING:
        return [], (situation.record(RecordKind.LEAVE, generation),)
    if rules_stay(situation, {}, generation):
        return [], ()
    if waits := _still_in_rules(situation, generation):
        return waits, ()
    return [], (replace(situation.record(RecordKind.FREED, generation), author="forget"),)
