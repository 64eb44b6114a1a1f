"""Worlds and repositories of one's own: other names, other ranges, three clusters, five tenants; and a process that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import yaml

from demo.scene import PLATFORM, Scene, sample
from function_app.model.names import HubName
from simulator.model.documents import WorldDocument
from simulator.model.packets import Verdict
from simulator.model.world import World

CLUSTERS = ("amber", "birch", "cedar")
TENANTS = ("claims", "ledger-core", "pricing", "risk", "web-shop")


def a_world() -> dict[str, Any]:
    """One hub `north` with three clusters, two in native and one in aggregated mode, in ranges of its own."""
    clusters = {
        name: {
            "hub": "north",
            "resourceGroup": "north-spokes",
            "apiMode": "aggregated" if name == "birch" else "native",
            "vnet": [f"172.2{number}.0.0/16"],
            "nodeSubnet": f"172.2{number}.8.0/24",
            "pods": f"192.168.{64 * number}.0/18",
            "services": f"172.31.{64 * number}.0/18",
            "asn": 64700 + number,
            "nodes": [
                {
                    "name": f"{name}-{node}",
                    "address": f"172.2{number}.8.{10 + node}",
                    "zone": str(node % 3 + 1),
                    "reflector": node < 2,
                }
                for node in range(5)
            ],
            "workloads": {tenant: ["app"] for tenant in TENANTS},
        }
        for number, name in enumerate(CLUSTERS)
    }
    hub = {
        "subscription": "99999999-8888-7777-6666-555555555555",
        "resourceGroup": "north-hub",
        "vnet": ["172.16.0.0/16"],
        "firewall": {
            "name": "fw",
            "policy": "north-tenants",
            "privateIP": "172.16.0.4",
            "publicIP": "203.0.113.77",
            "operationSeconds": 120,
        },
        "routeServer": {"name": "rs", "peerIPs": ["172.16.1.4", "172.16.1.5"]},
    }
    sites = {"one.example.net": "198.51.100.1", "two.example.net": "198.51.100.2"}
    return {"clock": datetime(2026, 3, 1, tzinfo=UTC), "hubs": {"north": hub}, "clusters": clusters, "sites": sites}


def definitions(world: dict[str, Any]) -> dict[str, str]:
    """A repository for it: each tenant on every cluster, in ranges of 100.64/10."""
    subscription = world["hubs"]["north"]["subscription"]
    hub = {
        "subscription": subscription,
        "resourceGroup": "north-hub",
        "vnet": ["172.16.0.0/16"],
        "firewall": {"name": "fw", "policy": "north-tenants", "shards": {"prefix": "tn", "tenantsPerShard": 2}},
        "routeServer": {"name": "rs", "peerIPs": ["172.16.1.4", "172.16.1.5"]},
    }
    files = {"hubs/north.yaml": document("Hub", "north", hub)}
    for number, name in enumerate(CLUSTERS):
        cluster = world["clusters"][name]
        spec: dict[str, Any] = {
            "hub": "north",
            "apiServer": {
                "aksResourceId": f"/subscriptions/{subscription}/resourceGroups/north-spokes"
                f"/providers/Microsoft.ContainerService/managedClusters/{name}"
            },
            "network": {
                "vnet": cluster["vnet"],
                "nodes": cluster["nodeSubnet"],
                "pods": cluster["pods"],
                "services": cluster["services"],
            },
            "bgp": {"asn": cluster["asn"], "reachableBy": f"172.2{number}.8.1"},
            "egressCIDR": f"100.64.{number}.0/24",
        }
        files[f"clusters/{name}.yaml"] = document("Cluster", name, spec)
    for place, tenant in enumerate(TENANTS):
        spec = {
            "owner": {"team": tenant, "contact": f"{tenant}@example.net"},
            "attachments": [
                {
                    "cluster": name,
                    "cidr": f"100.64.{number}.{place * 16}/28",
                    "namespaces": [tenant],
                    "gateway": {"replicas": 3},
                }
                for number, name in enumerate(CLUSTERS)
            ],
            "egress": {"allow": [{"name": "site", "fqdns": ["one.example.net" if place % 2 else "two.example.net"]}]},
        }
        files[f"tenants/{tenant}.yaml"] = document("Tenant", tenant, spec)
    return files


def document(kind: str, name: str, spec: dict[str, Any]) -> str:
    """One definition as text."""
    return yaml.safe_dump(
        {"apiVersion": "egress-gitops.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    )


def test_a_world_and_a_repository_of_ones_own_go_the_same_way() -> None:
    """Fifteen attachments become routed; each workload reaches its own site alone, from its own range; then nothing is written."""
    world = a_world()
    with Scene(World(WorldDocument.model_validate(world)), HubName("north")) as scene:
        scene.merge("everything", definitions(world))
        last = scene.converge()
        again = scene.run_pass()
        seen = {
            (cluster, tenant, site): scene.request(cluster, tenant, f"https://{site}.example.net")
            for cluster in CLUSTERS
            for tenant in TENANTS
            for site in ("one", "two")
        }

    expected = {
        (cluster, tenant, site): Verdict.ALLOWED if (site == "one") == bool(place % 2) else Verdict.DENIED
        for cluster in CLUSTERS
        for place, tenant in enumerate(TENANTS)
        for site in ("one", "two")
    }
    assert last.converged
    assert 0 == again.writes
    assert expected == {key: packet.verdict for key, packet in seen.items()}
    assert {key: key[1] for key in seen} == {key: packet.range_tenant for key, packet in seen.items()}
    assert 3 == scene.figures.firewall_operations


@pytest.fixture
def ticking() -> Any:
    """A scene whose time passes by itself, forty times as fast as ours."""
    with Scene() as scene:
        stop = Event()

        def tick() -> None:
            while not stop.wait(0.05):
                with scene.world.lock:
                    scene.world.advance(2.0)

        thread = Thread(target=tick, daemon=True)
        thread.start()
        yield scene
        stop.set()
        thread.join()


def test_a_process_killed_in_the_middle_of_a_pass_is_continued_by_the_next(ticking: Scene) -> None:
    """SIGKILL at growing moments of the run; the last run converges, and a pass after it has nothing to do."""
    ticking.merge("platform and two tenants", sample(*PLATFORM, "tenants/tenant0.yaml", "tenants/tenant1.yaml"))
    environment = {**os.environ, **ticking.environment("state")}
    command = [sys.executable, "-m", "function_app", "reconcile", "--until-converged", "--timeout", "3600"]
    killed = 0
    for wait in (0.9, 1.3, 1.7, 2.5):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL

    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    plan = subprocess.run([*command[:3], "plan"], env=environment, capture_output=True, text=True, check=False)
    packet = ticking.request("spoke1-aks", "default", "http://www.tigera.io")

    assert killed >= 3
    assert 0 == finished.returncode, finished.stdout + finished.stderr
    assert 0 == plan.returncode, plan.stdout + plan.stderr
    assert (Verdict.ALLOWED, "tenant0") == (packet.verdict, packet.range_tenant)


def test_a_repository_that_cannot_be_reached_leaves_the_last_good_commit_in_force(
    ticking: Scene, tmp_path: Path
) -> None:
    """With the origin gone the pass goes on with what was fetched last, and says so."""
    ticking.merge("platform", sample(*PLATFORM, "tenants/tenant0.yaml"))
    environment = {**os.environ, **ticking.environment("state")}
    command = [sys.executable, "-m", "function_app", "reconcile", "--until-converged", "--timeout", "3600"]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    ticking.origin.rename(tmp_path / "away.git")

    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    status = subprocess.run([*command[:3], "status"], env=environment, capture_output=True, text=True, check=False)

    assert 0 == first.returncode, first.stdout + first.stderr
    assert "origin.git" in second.stdout + second.stderr
    assert "tenant0@spoke1-aks" in status.stdout
