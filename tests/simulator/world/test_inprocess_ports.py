"""The ports on the rules: what a caller sees of answers and of faults."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from function_app.model.errors import Conflict, NotFound, TargetError, TargetRejected, TargetUnavailable
from function_app.model.resources import ApiMode, Kind, ResourceId
from simulator.__main__ import PACKAGED_WORLD
from simulator.inprocess import Door, InProcessClock, InProcessCluster, InProcessFirewall, InProcessRouteServer
from simulator.model.faults import Action, Call, Crash, Fault
from simulator.model.world import World

RED = ResourceId(Kind.NAMESPACE, "red")
SHOP = ResourceId(Kind.NAMESPACE, "shop")
GROUP = {"properties": {"priority": 1000, "ruleCollections": []}}


@pytest.fixture
def world() -> World:
    """The walkthrough, nothing done yet."""
    return World.from_file(PACKAGED_WORLD)


@pytest.fixture
def cluster(world: World) -> InProcessCluster:
    """The native cluster."""
    return InProcessCluster(Door(world), "spoke2-aks")


@pytest.fixture
def firewall(world: World) -> InProcessFirewall:
    """The hub's firewall policy."""
    return InProcessFirewall(Door(world), "hub1")


def namespace(name: str) -> dict[str, Any]:
    """A Namespace to apply."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def exists(world: World, name: str) -> bool:
    """Whether the namespace is stored, past all ports and faults."""
    return name in [each["metadata"]["name"] for each in world.clusters["spoke2-aks"].api.objects("Namespace")]


def test_apply_list_patch_and_delete(world: World, cluster: InProcessCluster) -> None:
    """The way of one object through the port."""
    labelled = namespace("red") | {"metadata": {"name": "red", "labels": {"team": "red"}}}
    applied = cluster.apply(RED, labelled, force=False, resource_version="")
    assert [entry["manager"] for entry in applied["metadata"]["managedFields"]] == ["egress-gitops"]
    patched = cluster.merge_patch(
        RED, {"metadata": {"annotations": {"a": "b"}}}, resource_version=applied["metadata"]["resourceVersion"]
    )
    assert "red" in [each["metadata"]["name"] for each in cluster.list(Kind.NAMESPACE)]
    with pytest.raises(Conflict):
        cluster.merge_patch(RED, {"metadata": {}}, resource_version=applied["metadata"]["resourceVersion"])
    with pytest.raises(Conflict):
        cluster.delete(RED, uid="another", resource_version="")
    cluster.delete(RED, uid=patched["metadata"]["uid"], resource_version="")
    world.advance(60)
    assert not exists(world, "red")
    cluster.delete(RED, uid=patched["metadata"]["uid"], resource_version="")
    with pytest.raises(NotFound):
        cluster.merge_patch(RED, {"metadata": {}}, resource_version="")


def test_the_api_mode_is_read_from_the_api(world: World, cluster: InProcessCluster) -> None:
    """An APIService with a service behind it means aggregated."""
    assert cluster.mode() is ApiMode.NATIVE
    assert InProcessCluster(Door(world), "spoke1-aks").mode() is ApiMode.AGGREGATED


def test_every_page_is_one_call(world: World, cluster: InProcessCluster) -> None:
    """Lists longer than a page are put together."""
    for number in range(501):
        world.clusters["spoke2-aks"].api.create("Namespace", None, namespace(f"n{number:03}"), manager="tests")
    world.faults.calls.clear()
    assert len(cluster.list(Kind.NAMESPACE)) == 508
    assert world.faults.calls["cluster/spoke2-aks", "list", "Namespace"] == 2


def test_pods_of_one_namespace_are_listed(cluster: InProcessCluster) -> None:
    """A list may be of one namespace."""
    assert [each["metadata"]["name"] for each in cluster.list(Kind.POD, namespace="shop")] == ["web"]
    assert list(cluster.list(Kind.POD, namespace="default")) == []


def test_a_lost_write_is_no_success(world: World) -> None:
    """An aggregated server answers 200 with an object that has no uid."""
    aggregated = InProcessCluster(Door(world), "spoke1-aks")
    world.clusters["spoke1-aks"].api.lose_next_write()
    body = {"apiVersion": "projectcalico.org/v3", "kind": "BGPFilter", "metadata": {"name": "f"}, "spec": {}}
    with pytest.raises(TargetUnavailable, match="lost"):
        aggregated.apply(ResourceId(Kind.BGP_FILTER, "f"), body, force=False, resource_version="")


def test_an_invalid_object_is_rejected_on_both_kinds_of_server(world: World) -> None:
    """500 "error with field" from an aggregated server is as permanent as 422 from a native one."""
    body = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "IPPool",
        "metadata": {"name": "p"},
        "spec": {"cidr": "10.99.0.0/33", "blockSize": 32},
    }
    aggregated = InProcessCluster(Door(world), "spoke1-aks")
    with pytest.raises(TargetRejected) as refused:
        aggregated.apply(ResourceId(Kind.IP_POOL, "p"), body, force=False, resource_version="")
    assert refused.value.status == 500
    native = InProcessCluster(Door(world), "spoke2-aks")
    with pytest.raises(TargetRejected) as refused:
        native.apply(ResourceId(Kind.IP_POOL, "p"), body, force=False, resource_version="")
    assert refused.value.status == 422


def test_a_group_write_is_an_operation_and_the_second_writer_waits(world: World, firewall: InProcessFirewall) -> None:
    """AnotherOperationInProgress is a 409 for which waiting helps."""
    assert "/operations/" in firewall.put_group("t-000", GROUP)
    with pytest.raises(TargetUnavailable) as busy:
        firewall.put_group("t-000", GROUP)
    assert (busy.value.status, busy.value.code) == (409, "AnotherOperationInProgress")
    world.advance(241)
    assert [group["name"] for group in firewall.groups()] == ["t-000"]
    assert [group["name"] for group in firewall.base_groups(firewall.policy()["properties"]["basePolicy"]["id"])] == [
        "platform"
    ]
    assert firewall.delete_group("absent") == ""
    assert firewall.delete_group("t-000") != ""


def test_learned_routes_are_asked_for_and_resumed(world: World) -> None:
    """A listing is done when its operation is; a forgotten one is NotFound."""
    server = InProcessRouteServer(Door(world), "hub1")
    names = [each["name"] for each in server.connections()]
    assert (server.hub()["properties"]["virtualRouterAsn"], len(names)) == (65515, 4)
    listing = server.start_learned_routes(names[0])
    assert (listing.routes, server.resume_learned_routes(listing.operation).routes) == (None, None)
    world.advance(6)
    routes = server.resume_learned_routes(listing.operation).routes
    assert routes is not None
    assert sorted(routes) == ["RouteServiceRole_IN_0", "RouteServiceRole_IN_1"]
    world.advance(3600)
    with pytest.raises(NotFound):
        server.resume_learned_routes(listing.operation)
    assert "/operations/" in server.delete_connection(names[0])
    assert server.delete_connection("absent") == ""


@pytest.mark.parametrize(
    ("action", "happened", "seconds"),
    [
        (Action.TIMEOUT_BEFORE, False, 30),
        (Action.TIMEOUT_AFTER, True, 30),
        (Action.SLOW, True, 30),
        (Action.CUT, True, 0),
        (Action.HTML, True, 0),
        (Action.TRUNCATED, True, 0),
        (Action.EMPTY_OBJECT, False, 0),
        (Action.UNREACHABLE, False, 0),
        (Action.REFUSE, False, 0),
    ],
)
def test_a_struck_write_is_unavailable_whether_it_happened_or_not(
    world: World,
    cluster: InProcessCluster,
    action: Action,
    happened: bool,
    seconds: int,
) -> None:
    """The caller cannot tell; only what is read afterwards does. A time-out costs virtual time."""
    before = world.clock.now()
    world.faults.add(Fault(action=action, verb="apply"))
    with pytest.raises(TargetUnavailable):
        cluster.apply(RED, namespace("red"), force=False, resource_version="")
    assert exists(world, "red") is happened
    assert world.clock.now() - before == timedelta(seconds=seconds)


def test_a_slow_answer_within_the_time_limit_arrives(world: World, cluster: InProcessCluster) -> None:
    """Slowness costs virtual time and nothing else."""
    before = world.clock.now()
    world.faults.add(Fault(action=Action.SLOW, seconds=20))
    assert len(cluster.list(Kind.NAMESPACE)) == 7
    assert world.clock.now() - before == timedelta(seconds=20)


@pytest.mark.parametrize(("action", "happened"), [(Action.CRASH_BEFORE, False), (Action.CRASH_AFTER, True)])
def test_a_crash_passes_every_except_exception(
    world: World,
    cluster: InProcessCluster,
    action: Action,
    happened: bool,
) -> None:
    """The process dies at the call; the world goes on."""
    assert not issubclass(Crash, Exception)
    world.faults.add(Fault(action=action, name="red"))
    with pytest.raises(Crash):
        cluster.apply(RED, namespace("red"), force=False, resource_version="")
    assert exists(world, "red") is happened
    cluster.apply(SHOP, namespace("shop"), force=False, resource_version="")


def test_a_read_is_sent_again_after_a_reset_and_a_write_is_not(world: World, cluster: InProcessCluster) -> None:
    """Idle connections are dropped by load balancers; the first write may have had its effect."""
    world.faults.add(Fault(action=Action.UNREACHABLE))
    assert len(cluster.list(Kind.NAMESPACE)) == 7
    world.faults.add(Fault(action=Action.UNREACHABLE, count=0))
    with pytest.raises(TargetUnavailable):
        cluster.list(Kind.NAMESPACE)


def test_whoever_looks_is_called_after_each_call_that_reached_the_world(world: World) -> None:
    """Refused by a rule: reached. Refused by a fault: not. Struck after the effect: reached."""
    seen: list[Call] = []
    cluster = InProcessCluster(Door(world, on_call=seen.append), "spoke2-aks")
    cluster.apply(RED, namespace("red"), force=False, resource_version="")
    with pytest.raises(NotFound):
        cluster.merge_patch(ResourceId(Kind.NAMESPACE, "absent"), {"metadata": {}}, resource_version="")
    world.faults.add(
        Fault(action=Action.REFUSE, verb="list", count=1),
        Fault(action=Action.TIMEOUT_AFTER, verb="delete"),
        Fault(action=Action.CRASH_AFTER, kind="Node"),
    )
    with pytest.raises(TargetError):
        cluster.list(Kind.NAMESPACE)
    with pytest.raises(TargetError):
        cluster.delete(RED, uid="", resource_version="")
    with pytest.raises(Crash):
        cluster.list(Kind.NODE)
    assert [(call.verb, call.kind, call.name) for call in seen] == [
        ("apply", "Namespace", "red"),
        ("patch", "Namespace", "absent"),
        ("delete", "Namespace", "red"),
        ("list", "Node", ""),
    ]


def test_sleeping_lets_the_world_go_on(world: World) -> None:
    """The port's clock is the world's."""
    clock = InProcessClock(world)
    before = clock.now()
    clock.sleep(90)
    assert clock.now() - before == timedelta(seconds=90)


def test_a_connection_is_put_as_a_slow_write(world: World) -> None:
    """ARM shows at once what was asked for; a second write meanwhile is refused; then the state is Succeeded."""
    server = InProcessRouteServer(Door(world), "hub1")
    standing = server.connections()[0]["name"]
    server.delete_connection(standing)
    with pytest.raises(TargetUnavailable):
        server.put_connection("new", peer_ip="10.1.0.9", peer_asn=63400)
    world.advance(20)

    assert "/operations/" in server.put_connection("new", peer_ip="10.1.0.9", peer_asn=63400)
    shown = [each["properties"] for each in server.connections() if each["name"] == "new"]
    assert [(each["peerIp"], each["peerAsn"], each["provisioningState"]) for each in shown] == [
        ("10.1.0.9", 63400, "Updating")
    ]
    world.advance(20)
    states = {each["name"]: each["properties"]["provisioningState"] for each in server.connections()}
    assert "Succeeded" == states["new"]
