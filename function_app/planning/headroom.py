"""How much of each limit is used as things stand, for readers. Decides nothing: what would exceed a limit is refused elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from function_app.model.names import ClusterName
from function_app.model.plan import LimitUse
from function_app.model.platform_definitions import MOST_PEERS
from function_app.model.resources import FirewallObservation, RouteServerObservation
from function_app.planning.facts import Facts
from function_app.planning.firewall_resources import collections_of, read_shard, shard_index
from function_app.planning.limits import standing_routes
from function_app.planning.situation import Situation


def limits_used(situation: Situation, facts: Mapping[ClusterName, Facts]) -> tuple[LimitUse, ...]:
    """Routes per peer by cluster, BGP peers, rule collection groups, rule collections, bytes of each shard."""
    return (*_routes(situation, facts), *_peers(situation), *_firewall(situation))


def _routes(situation: Situation, facts: Mapping[ClusterName, Facts]) -> Iterator[LimitUse]:
    limit = situation.hub.hub.spec.limits.routes_per_peer
    for name, found in facts.items():
        used = standing_routes(found.generations.values(), found.observed)
        yield LimitUse("routes per peer", str(name), used, limit)


def _peers(situation: Situation) -> Iterator[LimitUse]:
    seen = situation.observations.route_server
    if isinstance(seen, RouteServerObservation):
        yield LimitUse("BGP peers", situation.hub.hub.spec.route_server.name, len(seen.connections), MOST_PEERS)


def _firewall(situation: Situation) -> Iterator[LimitUse]:
    seen, spec = situation.observations.firewall, situation.hub.hub.spec
    if not isinstance(seen, FirewallObservation):
        return
    policy = spec.firewall.policy
    yield LimitUse("rule collection groups", policy, len(seen.groups), spec.limits.rule_collection_groups)
    collections = sum(len(collections_of(body)) for body in seen.groups.values())
    yield LimitUse("rule collections", policy, collections, spec.limits.rule_collections)
    for name, body in sorted(seen.groups.items()):
        if shard_index(spec.firewall.shards, name) is not None:
            used = sum(rules.size() for rules in read_shard(body).values())
            yield LimitUse("bytes", name, used, spec.firewall.shards.max_bytes)
