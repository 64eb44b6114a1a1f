"""A tenant's whole life on real API servers: people and the reconciler write there, and the simulator's controllers act there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from faces import CLUSTER

from demo.real_scene import RealScene, real_scene
from demo.scene import PLATFORM, sample
from function_app.model.ledger import Holding
from real.kube.programs import Programs
from real.kube.world.informer import expected
from real.kube.world.shapes import received, sent
from simulator.model.packets import Verdict

SITE = "http://www.tigera.io"
HOME = "spoke1-aks"
PATHS = {
    "EgressGateway": "/apis/operator.tigera.io/v1/egressgateways",
    "Deployment": "/apis/apps/v1/deployments",
    "Pod": "/api/v1/pods",
    "IPPool": "/apis/projectcalico.org/v3/ippools",
    "IPAMBlock": "/apis/projectcalico.org/v3/ipamblocks",
    "Namespace": "/api/v1/namespaces",
}


@pytest.fixture(scope="module")
def scene(programs: Programs) -> Iterator[RealScene]:
    """The walkthrough's hub and clusters on real servers, without any tenant."""
    with real_scene(programs) as built:
        built.merge("hub and clusters", sample(*PLATFORM))
        built.converge()
        yield built


def listed(scene: RealScene, kind: str) -> list[Mapping[str, Any]]:
    """All objects of a kind on the real server of the tenant's cluster."""
    items: list[Mapping[str, Any]] = expected(scene.servers[HOME].admin("GET", PATHS[kind]))["items"]
    return items


def names(scene: RealScene, kind: str) -> set[str]:
    """The names of what there is of the tenant."""
    return {name for one in listed(scene, kind) if "tenant0" in (name := str(one["metadata"]["name"]))}


def test_a_tenant_comes_and_goes_on_real_servers(scene: RealScene) -> None:
    """Denied before the merge, allowed after it from the tenant's range, and nothing of it is left once its file is removed."""
    before = scene.request(HOME, "default", SITE)

    scene.merge("add tenant0", sample("tenants/tenant0.yaml"))
    arrived = scene.converge()
    during = scene.request(HOME, "default", SITE)
    gateway = next(one for one in listed(scene, "EgressGateway") if one["metadata"]["name"] == "tenant0-egw")
    addresses = {
        one["status"]["podIP"] for one in listed(scene, "Pod") if one["metadata"]["namespace"] == "tenant0-egw"
    }
    allocated = {
        holder["secondary"]["namespace"]
        for block in listed(scene, "IPAMBlock")
        if block["spec"]["cidr"].startswith("10.99.")
        for holder in block["spec"]["attributes"]
    }
    idle = scene.run_pass()

    scene.merge("remove tenant0", {"tenants/tenant0.yaml": None})
    left = scene.converge()
    after = scene.request(HOME, "default", SITE)

    assert (Verdict.DENIED, "") == (before.verdict, before.range_tenant)
    assert (Verdict.ALLOWED, "tenant0") == (during.verdict, during.range_tenant)
    assert (True, True) == (arrived.converged, left.converged)
    assert "Ready" == gateway["status"]["state"]
    assert {"10.99.0.0", "10.99.0.1"} == addresses
    assert {"tenant0-egw"} == allocated
    assert 0 == idle.writes
    assert (Verdict.DENIED, "") == (after.verdict, after.range_tenant)
    assert {kind: set() for kind in PATHS} == {kind: names(scene, kind) for kind in PATHS}
    assert [Holding.QUARANTINED] == [one.holding for one in scene.generations()]


def test_every_writer_bears_its_own_name(scene: RealScene) -> None:
    """On the real server each object says which controller made it, as on a cluster where all of them run.

    Putting a pod on a node leaves no name: the server itself writes what a binding says.
    """
    scene.merge("add tenant1", sample("tenants/tenant1.yaml"))
    scene.converge()

    writers = {
        kind: {
            entry["manager"]
            for one in listed(scene, kind)
            if "tenant1" in str(one["metadata"]["name"])
            for entry in one["metadata"]["managedFields"]
        }
        for kind in ("EgressGateway", "Deployment", "Pod", "IPPool")
    }

    assert {
        "EgressGateway": {"egress-gitops", "tigera-operator"},
        "Deployment": {"tigera-operator", "kube-controller-manager"},
        "Pod": {"kube-controller-manager", "kubelet"},
        "IPPool": {"egress-gitops", "calico-kube-controllers"},
    } == writers


def test_a_block_is_the_same_after_the_server_kept_it(scene: RealScene) -> None:
    """What the simulated IPAM knows of a block survives the translation into Calico's own form and back."""
    now = scene.world.clock.now()
    spec = {
        "cidr": "10.99.0.0/29",
        "affinity": "host:node-1",
        "allocations": {"10.99.0.0": "a-egw/a-1", "10.99.0.5": "b-egw/b-1"},
    }
    body = {"metadata": {"name": "10-99-0-0-29"}, "spec": spec}

    kept = sent("IPAMBlock", "projectcalico.org/v3", body, "")
    stored = {**kept, "metadata": {**kept["metadata"], "uid": "u", "resourceVersion": "1"}}

    assert [0, None, None, None, None, 1, None, None] == kept["spec"]["allocations"]
    assert spec == received("IPAMBlock", stored, None, now)["spec"]


def test_nobody_writes_past_the_real_server(scene: RealScene) -> None:
    """The clusters of this world have no simulated API that could be written to by mistake."""
    api = scene.world.clusters[CLUSTER].api

    with pytest.raises(Exception, match="a real API server serves this cluster"):
        api.list("IPPool")
