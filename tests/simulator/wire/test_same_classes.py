"""A search in process is worth something only when its ports answer as the adapters do over HTTP: one world, asked both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from raw_client import ARM, Wire, walkthrough

from function_app.adapters.answers import RequestLimits
from function_app.adapters.azure_arm import ResourceManager
from function_app.adapters.azure_firewall import AzureFirewall
from function_app.adapters.azure_route_server import AzureRouteServer
from function_app.adapters.credentials import FileCredential
from function_app.adapters.kubernetes_access import kubeconfig_access
from function_app.adapters.kubernetes_cluster import KubernetesCluster
from function_app.model.errors import TargetError
from function_app.model.names import cluster_target, firewall_target, route_server_target
from function_app.model.resources import Kind, ResourceId
from function_app.ports import ClusterApi, FirewallApi, RouteServerApi
from simulator.__main__ import PACKAGED_WORLD
from simulator.inprocess import Door, InProcessCluster, InProcessFirewall, InProcessRouteServer
from simulator.model.faults import Action, Fault
from simulator.model.world import World

PATIENT = RequestLimits()
IMPATIENT = RequestLimits(read_seconds=0.1)
"""For calls that are never answered."""
SHOP = ResourceId(Kind.NAMESPACE, "shop")
ABSENT = ResourceId(Kind.NAMESPACE, "absent")
GROUP = {"properties": {"priority": 1000, "ruleCollections": []}}


@dataclass(frozen=True)
class Ports:
    """One world and its ports."""

    world: World
    cluster: ClusterApi
    firewall: FirewallApi
    routes: RouteServerApi


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """One server for all calls; each call leaves time enough for the world to come to rest."""
    with walkthrough() as running:
        yield running


def adapters(wire: Wire, limits: RequestLimits) -> Ports:
    """The adapters against the HTTPS face."""
    server = wire.server
    kubeconfig = server.write_kubeconfig(server.folder / "kubeconfig")
    arm = ResourceManager(
        FileCredential(server.token_file),
        endpoint=server.url,
        ca_file=server.ca_file,
        limits=limits,
    )
    access = partial(kubeconfig_access, kubeconfig, "spoke2-aks")
    return Ports(
        wire.world,
        KubernetesCluster(cluster_target("spoke2-aks"), access, limits),
        AzureFirewall(firewall_target("hub1"), arm, f"{ARM}/firewallPolicies/tenants", f"{ARM}/azureFirewalls/hub-fw"),
        AzureRouteServer(route_server_target("hub1"), arm, f"{ARM}/virtualHubs/hub-rs"),
    )


@pytest.fixture(scope="module")
def patient(wire: Wire) -> Ports:
    """Adapters that wait for an answer."""
    return adapters(wire, PATIENT)


@pytest.fixture(scope="module")
def impatient(wire: Wire) -> Ports:
    """Adapters that soon give up."""
    return adapters(wire, IMPATIENT)


@pytest.fixture(scope="module")
def in_process() -> Ports:
    """The ports on the rules."""
    world = World.from_file(PACKAGED_WORLD)
    door = Door(world)
    return Ports(
        world,
        InProcessCluster(door, "spoke2-aks"),
        InProcessFirewall(door, "hub1"),
        InProcessRouteServer(door, "hub1"),
    )


EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CALLS: dict[str, Callable[[Ports], Any]] = {
    "mode": lambda ports: ports.cluster.mode(),
    "list": lambda ports: ports.cluster.list(Kind.NAMESPACE),
    "apply": lambda ports: ports.cluster.apply(SHOP, namespace(), force=False, resource_version=""),
    "patch": lambda ports: ports.cluster.merge_patch(SHOP, {"metadata": {}}, resource_version=""),
    "patch absent": lambda ports: ports.cluster.merge_patch(ABSENT, {"metadata": {}}, resource_version=""),
    "delete absent": lambda ports: ports.cluster.delete(ABSENT, uid="", resource_version=""),
    "policy": lambda ports: ports.firewall.policy(),
    "groups": lambda ports: ports.firewall.groups(),
    "put group": lambda ports: ports.firewall.put_group("t-000", GROUP),
    "put wrong group": lambda ports: ports.firewall.put_group("t-000", {"properties": {"priority": 1}}),
    "delete absent group": lambda ports: ports.firewall.delete_group("absent"),
    "activity": lambda ports: ports.firewall.activity("t-000", EPOCH, EPOCH + timedelta(days=1)),
    "connections": lambda ports: ports.routes.connections(),
    "learned routes": lambda ports: ports.routes.start_learned_routes("spoke2-aks-spoke2-0"),
    "learned routes of nobody": lambda ports: ports.routes.start_learned_routes("absent"),
}
FAULTS = {
    "none": None,
    **{
        f"refuse {status}": Fault(action=Action.REFUSE, status=status, retry_after=7)
        for status in (400, 401, 403, 404, 409, 410, 422, 429, 500, 503)
    },
    "refuse 404 by a proxy": Fault(action=Action.REFUSE, status=404, body="<html>"),
    "refuse 409 by a proxy": Fault(action=Action.REFUSE, status=409, body="<html>"),
    "refuse 503 in plain text": Fault(action=Action.REFUSE, status=503, body="error trying to reach service"),
    "refuse 409 Conflict": Fault(action=Action.REFUSE, status=409, code="Conflict"),
    **{str(action): Fault(action=action, count=0, seconds=5) for action in Action if not action.startswith("crash")},
    "unreachable once": Fault(action=Action.UNREACHABLE),
}


def namespace() -> dict[str, Any]:
    """What is applied."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def outcome(ports: Ports, call: str, fault: Fault | None) -> tuple[object, ...]:
    """Class, code, status and delay of the error, or the kind of value that came back."""
    ports.world.faults.clear()
    if fault is not None:
        ports.world.faults.add(fault)
    try:
        value = CALLS[call](ports)
    except TargetError as error:
        return (type(error).__name__, error.code, error.status, getattr(error, "retry_after", None))
    finally:
        ports.world.faults.clear()
        with ports.world.lock:
            ports.world.advance(600)
    return ("answered", bool(value))


@pytest.mark.parametrize("fault", [name for name in FAULTS if not name.startswith("timeout")])
@pytest.mark.parametrize("call", CALLS)
def test_both_ways_end_alike(patient: Ports, in_process: Ports, call: str, fault: str) -> None:
    """Every kind of call under every kind of fault that is answered or broken off."""
    assert outcome(in_process, call, FAULTS[fault]) == outcome(patient, call, FAULTS[fault])


@pytest.mark.parametrize("fault", [name for name in FAULTS if name.startswith("timeout")])
@pytest.mark.parametrize("call", CALLS)
def test_both_ways_give_up_alike(impatient: Ports, in_process: Ports, call: str, fault: str) -> None:
    """Every kind of call that is never answered."""
    assert outcome(in_process, call, FAULTS[fault]) == outcome(impatient, call, FAULTS[fault])
