"""How much of each limit a hub uses: now, after a change, and in 90 days if it goes on growing as in the last 90.

Numbers come from definitions; where targets were read, what others left there is added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from function_app.model.names import ClusterName
from function_app.model.platform_definitions import MOST_PEERS, REFLECTORS_PER_CLUSTER
from function_app.model.resources import Body
from function_app.model.review import Measure, Pressure
from function_app.model.tree import HubDefinitions
from function_app.planning.intended_policy import Intended
from function_app.planning.limits import with_surge

NEAR_SHARE = 0.8
"""From this share of a limit on it is warned of."""
NETWORK_RULE_PRODUCTS = 20_000
"""Unique sources x unique destinations, summed over network rules; beyond it the firewall gets slower (firewall limits)."""


@dataclass(frozen=True, slots=True)
class Others:
    """What takes room besides: groups and collections of others, and addresses in quarantine by cluster."""

    groups: int = 0
    collections: int = 0
    quarantined: Mapping[ClusterName, int] | None = None


@dataclass(frozen=True, slots=True)
class _Use:
    what: str
    used: int
    limit: int
    hard: bool
    source: str


def forecast(
    now: tuple[HubDefinitions, Intended] | None,
    after: tuple[HubDefinitions, Intended],
    earlier: tuple[HubDefinitions, Intended] | None,
    others: Others,
) -> tuple[Measure, ...]:
    """Every number of a hub; what was 90 days ago is None when the repository does not go back so far."""
    before = {one.what: one.used for one in _uses(*now, others)} if now is not None else {}
    long_ago = {one.what: one.used for one in _uses(*earlier, others)} if earlier is not None else None
    measures: list[Measure] = []
    for use in _uses(*after, others):
        standing = before.get(use.what, 0)
        growth = max(0, standing - long_ago.get(use.what, 0)) if long_ago is not None else None
        later = use.used + growth if growth is not None else None
        measures.append(
            Measure(
                use.what,
                standing,
                use.used,
                later,
                use.limit,
                use.hard,
                use.source,
                _pressure(use.used, later, use.limit),
            )
        )
    return tuple(measures)


def _pressure(after: int, later: int | None, limit: int) -> Pressure:
    if after > limit:
        return Pressure.OVER
    return Pressure.NEAR if max(after, later or 0) >= NEAR_SHARE * limit else Pressure.FINE


def _uses(hub: HubDefinitions, intended: Intended, others: Others) -> Iterator[_Use]:
    limits, shards = hub.hub.spec.limits, hub.hub.spec.firewall.shards
    for name, cluster in hub.clusters.items():
        attached = [one for key, one in hub.attachments.items() if key.cluster == name]
        routes = sum(with_surge(one.attachment.gateway.replicas) for one in attached)
        yield _Use(
            f"{name}: routes to each peer, surge included",
            routes,
            limits.routes_per_peer,
            hard=True,
            source="spec.limits.routesPerPeer; Azure drops the session at 1,000",
        )
        held = sum(one.range.num_addresses for one in attached)
        held += (others.quarantined or {}).get(name, 0)
        quarantine = ", quarantine included" if others.quarantined is not None else ""
        yield _Use(
            f"{name}: addresses of {cluster.spec.egress_cidr} given out{quarantine}",
            held,
            IPv4Network(cluster.spec.egress_cidr).num_addresses,
            hard=True,
            source="the cluster's egressCIDR",
        )
        tightest = max(
            ((_needed(one.attachment.gateway.replicas), one.range.num_addresses) for one in attached),
            key=lambda pair: pair[0] / pair[1],
            default=None,
        )
        if tightest is not None:
            yield _Use(
                f"{name}: addresses in its tightest range, surge and terminating pods included",
                tightest[0],
                tightest[1],
                hard=True,
                source="the range itself",
            )
    yield _Use(
        "peers of the Route Server",
        REFLECTORS_PER_CLUSTER * len(hub.clusters),
        MOST_PEERS,
        hard=False,
        source="Azure Route Server limits",
    )
    yield _Use(
        "rule collection groups, the block shard included",
        len(intended.groups) + 1 + others.groups,
        limits.rule_collection_groups,
        hard=True,
        source="spec.limits.ruleCollectionGroups; Azure Firewall limits",
    )
    collections = sum(rules.collections for rules in intended.rules.values()) + 1 + others.collections
    yield _Use(
        "rule collections, the block's included",
        collections,
        limits.rule_collections,
        hard=True,
        source="spec.limits.ruleCollections; Azure Firewall limits",
    )
    yield _Use(
        "bytes of the fullest shard",
        max((sum(rules.size() for rules in content.values()) for content in intended.contents.values()), default=0),
        shards.max_bytes,
        hard=True,
        source="spec.firewall.shards.maxBytes; Azure takes 2 MB",
    )
    yield _Use(
        "sources x destinations of network rules",
        sum(_product(rule) for rules in intended.rules.values() for rule in rules.net),
        NETWORK_RULE_PRODUCTS,
        hard=False,
        source="Azure Firewall limits; beyond it the firewall gets slower",
    )


def _needed(replicas: int) -> int:
    """Addresses while a gateway rolls: what runs, what is added, and as many again that still terminate."""
    return 2 * with_surge(replicas) - replicas


def _product(rule: Body) -> int:
    return len(set(rule["sourceAddresses"])) * len(set(rule["destinationAddresses"]))
