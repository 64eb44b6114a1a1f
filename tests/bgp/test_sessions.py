"""What becomes of the sessions with Route Server: while a filter is edited, and beyond the limit of routes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network

from clusters import REFLECTOR, Cluster, a_cluster, simulated, tenant_range
from places import a_namespace
from speakers import AZURE_LIMIT, Instance, Network, Start, is_fence, until

POOL = "10.64.0.0/16"


def crowded(routes: int) -> Cluster:
    """A cluster whose filter lets exactly that many routes out."""
    cluster = a_cluster()
    cluster.pool(POOL)
    for number in range(routes):
        cluster.pod(str(IPv4Network(POOL)[number]), REFLECTOR)
    cluster.our_filter(POOL)
    return cluster


def told_of(told: Callable[[], list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """What was told before the fence, fences left out; a fence is withdrawn and told anew."""
    until(lambda: any(what == "ROUTE" and is_fence(prefix) for what, prefix in reversed(told())), "a fence was told")
    return sorted((what, prefix) for what, prefix in told() if not is_fence(prefix))


def test_an_edited_filter_keeps_the_session_and_tells_every_route_again(network: Network) -> None:
    """No reset and nothing withdrawn that both filters let out; each such route is told once more."""
    cluster = a_cluster(2)
    before, _ = network.settle(cluster)
    instance = network.instances[0]
    session = instance.session()
    with instance.listening() as told:
        cluster.our_filter(tenant_range(0), tenant_range(1), tenant_range(2))
        assert [before, before] == network.settle(cluster)
        events = told_of(told)
    assert [("ROUTE", prefix) for prefix in sorted(before)] == [event for event in events if event[0] == "ROUTE"]
    assert before.keys().isdisjoint(prefix for what, prefix in events if what == "DELROUTE")
    assert session == instance.session()


def test_what_is_not_edited_is_not_told_again(network: Network) -> None:
    """A new pod is the only news; so a filter is written when it changed and at no other time."""
    cluster = a_cluster(2)
    network.settle(cluster)
    with network.instances[0].listening() as told:
        cluster.pod("10.99.0.3", REFLECTOR)
        network.settle(cluster)
        assert [("ROUTE", "10.99.0.3/32")] == told_of(told)


def test_beyond_the_limit_the_session_drops_for_everybody(start: Start) -> None:
    """At the limit all is well and a filter may be edited; with one route more nothing at all is learned.

    GoBGP counts the prefixes that it holds. Azure counts what it is told, so that there an edited filter counts twice.
    """
    cluster = crowded(AZURE_LIMIT)
    with start(cluster, a_namespace()) as network:
        network.keep(cluster)
        for ranges in ([POOL], [POOL, "10.65.0.0/16"]):
            cluster.our_filter(*ranges)
            network.keep(cluster)
            for instance in network.instances:
                until(partial(_has, instance, AZURE_LIMIT), "everything was learned")
            assert simulated(cluster) == network.learned()
        beyond = crowded(AZURE_LIMIT + 1)
        network.birds[REFLECTOR].configure(beyond)
        for instance in network.instances:
            until(instance.is_down, "the session dropped")
        assert [{}, {}] == network.learned()
        assert [AZURE_LIMIT + 1] * 2 == [len(routes) for routes in simulated(beyond)]


def _has(instance: Instance, routes: int) -> bool:
    return instance.count() == routes
