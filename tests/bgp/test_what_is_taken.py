"""What a node takes from Route Server: nothing under our filter, everything without one."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from clusters import FILTER, REFLECTOR, Cluster, a_cluster
from places import INSTANCES
from speakers import Network, until

HUB_ROUTES = ("0.0.0.0/0", "10.0.0.0/16", "10.244.0.0/16", "192.168.0.0/16")
"""What a Route Server tells: a default route, its VNet, and what on-premises networks announce, a pod range among it."""


@dataclass(frozen=True, slots=True)
class Count:
    """Of the routes that one instance tells the reflector: how many stand there, how many were turned away."""

    network: Network
    instance: str
    stood: int
    turned_away: int

    def since(self) -> tuple[int, int]:
        """From when this was made."""
        stands, turned_away = self.network.birds[REFLECTOR].taken(self.instance)
        return stands - self.stood, turned_away - self.turned_away

    def complete(self) -> bool:
        """Everything that is announced was decided."""
        return sum(self.since()) >= len(HUB_ROUTES)

    def over(self) -> bool:
        """Nothing of it stands any more."""
        return self.since()[0] == 0


def counted(network: Network, cluster: Cluster) -> list[tuple[int, int]]:
    """For each instance, how many of these routes stand on the reflector and how many were turned away."""
    network.settle(cluster)
    counts = [Count(network, one, *network.birds[REFLECTOR].taken(one)) for one in INSTANCES]
    with ExitStack() as announcing:
        for instance in network.instances:
            announcing.enter_context(instance.announcing(*HUB_ROUTES))
        for count in counts:
            until(count.complete, "the reflector was told everything")
        found = [count.since() for count in counts]
    for count in counts:
        until(count.over, "it was taken back")
    return found


def test_under_our_filter_nothing_is_taken(network: Network) -> None:
    """No default route past the firewall, no range of somebody else over pods."""
    assert [(0, len(HUB_ROUTES))] * 2 == counted(network, a_cluster(1))


@pytest.mark.parametrize("how", ["published", "unlisted"])
def test_without_a_rule_for_it_everything_is_taken(network: Network, how: str) -> None:
    """The published filter has none: whatever the hub, its peers and on-premises networks tell is in the node's table."""
    cluster = a_cluster(1)
    if how == "published":
        cluster.filter({"action": "Reject", "matchOperator": "NotIn", "cidr": "10.99.0.0/29"}, name=FILTER)
    else:
        cluster.peers(filters=None)
    assert [(len(HUB_ROUTES), 0)] * 2 == counted(network, cluster)
