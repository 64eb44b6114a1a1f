"""Rollouts, addresses, nodes: what happens to pods."""

from __future__ import annotations

import orjson
import pytest
from kubernetes_builders import (
    PERSON,
    a_clock,
    a_cluster,
    a_gateway,
    a_namespace,
    a_node,
    a_pool,
    addresses,
    conditions,
    deployment,
    gateway,
    pods,
    put_up,
    put_up_tenant,
)

from simulator.model.kubernetes.cluster import Cluster
from simulator.model.trees import Object


def nodes_of(cluster: Cluster, namespace: str = "tenant0-egw") -> list[str]:
    """Where the pods of a namespace run, sorted."""
    return sorted(pod["spec"].get("nodeName", "") for pod in pods(cluster, namespace))


def ready(cluster: Cluster, namespace: str = "tenant0-egw") -> int:
    """How many pods of a namespace are ready."""
    return sum(conditions(pod).get("Ready", ("",))[0] == "True" for pod in pods(cluster, namespace))


def waiting(pod: Object) -> dict[str, str]:
    """Why a pod's container does not run."""
    reason: dict[str, str] = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    return reason


def test_pods_become_ready_in_their_time() -> None:
    """They have an address at once, and are ready `pod_seconds` after they were bound."""
    clock = a_clock()
    cluster = a_cluster(clock, pod_seconds=8.0)
    put_up_tenant(cluster)
    clock.advance(7)
    assert (addresses(cluster), ready(cluster)) == (["10.99.0.0", "10.99.0.1"], 0)
    clock.advance(1)
    status = deployment(cluster)["status"]
    assert (ready(cluster), status["availableReplicas"], status["observedGeneration"]) == (2, 2, 1)
    assert conditions(deployment(cluster))["Progressing"][1] == "NewReplicaSetAvailable"


def test_a_template_change_rolls_one_by_one() -> None:
    """With two replicas one pod comes first, and an old one goes when it is ready; two are always available."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    clock.advance(10)
    put_up(cluster, a_gateway(logSeverity="Debug"))
    seen = []
    for _ in range(20):
        active = [pod for pod in pods(cluster) if "deletionTimestamp" not in pod["metadata"]]
        seen.append((len(active), deployment(cluster)["status"]["availableReplicas"] >= 2))
        clock.advance(1)
    assert {count for count, _ in seen} == {2, 3}
    assert all(available for _, available in seen)
    status = deployment(cluster)["status"]
    assert (status["updatedReplicas"], status["replicas"], status["terminatingReplicas"]) == (2, 2, 2)
    clock.advance(30)
    assert deployment(cluster)["status"]["terminatingReplicas"] == 0


def test_a_full_pool_stops_a_rollout() -> None:
    """Two replicas in two addresses: the surge pod waits in ContainerCreating for ever, the old ones serve on."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster, cidr="10.99.0.0/31")
    clock.advance(10)
    put_up(cluster, a_gateway(logSeverity="Debug"))
    clock.advance(700)
    stuck = [pod for pod in pods(cluster) if not pod["status"].get("podIP")]
    assert (len(stuck), ready(cluster)) == (1, 2)
    assert waiting(stuck[0])["reason"] == "ContainerCreating"
    assert "exhausted" in waiting(stuck[0])["message"]
    assert conditions(deployment(cluster))["Progressing"][:2] == ("False", "ProgressDeadlineExceeded")


def test_terminating_pods_hold_addresses() -> None:
    """A rollout in a pool without room for terminating pods waits for their grace period, and then goes on."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster, cidr="10.99.0.0/30", template={"spec": {"terminationGracePeriodSeconds": 60}}, replicas=3)
    clock.advance(10)
    slow = {"spec": {"terminationGracePeriodSeconds": 60}}
    put_up(cluster, a_gateway(logSeverity="Debug", replicas=3, template=slow))
    clock.advance(30)
    assert deployment(cluster)["status"]["updatedReplicas"] == 2
    clock.advance(400)
    status = deployment(cluster)["status"]
    assert (status["updatedReplicas"], status["availableReplicas"], status["replicas"]) == (3, 3, 3)


@pytest.mark.parametrize("mode", ["native", "aggregated"])
def test_a_disabled_pool_gives_no_address(mode: str) -> None:
    """The pod waits, and starts soon after the pool is enabled."""
    clock = a_clock()
    cluster = a_cluster(clock, mode)
    put_up(cluster, a_namespace("tenant0-egw"))
    put_up(cluster, a_pool(disabled=True))
    put_up(cluster, a_gateway())
    clock.advance(60)
    assert addresses(cluster) == ["", ""]
    assert "is not enabled" in waiting(pods(cluster)[0])["message"]
    put_up(cluster, a_pool(disabled=False))
    clock.advance(2)
    assert addresses(cluster) == ["10.99.0.0", "10.99.0.1"]


def test_a_block_belongs_to_one_node() -> None:
    """Pods of one node fill its block before another is claimed; pods of other nodes have their own."""
    clock = a_clock()
    cluster = a_cluster(clock, nodes=2)
    put_up(cluster, a_namespace("tenant0-egw"))
    put_up(cluster, a_pool(cidr="10.99.0.0/28", blockSize=30))
    put_up(cluster, a_gateway(replicas=4))
    blocks = {
        block["spec"]["affinity"]: len(block["spec"]["allocations"]) for block in cluster.api.objects("IPAMBlock")
    }
    assert blocks == {"host:node-0": 2, "host:node-1": 2}


def test_a_full_pool_lends_and_reclaims() -> None:
    """Where blocks have room another node borrows; an empty block moves to the node that needs it after a minute."""
    clock = a_clock()
    cluster = a_cluster(clock, nodes=2)
    put_up(cluster, a_namespace("tenant0-egw"))
    put_up(cluster, a_pool(cidr="10.99.0.0/31", blockSize=31))
    put_up(cluster, a_gateway())
    assert (addresses(cluster), len(cluster.api.objects("IPAMBlock"))) == (["10.99.0.0", "10.99.0.1"], 1)
    put_up(cluster, a_namespace("tenant1-egw"))
    put_up(cluster, a_pool("tenant1-pool", "10.99.0.4/32"))
    quick = {"spec": {"terminationGracePeriodSeconds": 0}}
    put_up(cluster, a_gateway("tenant1-egw", "tenant1-pool", replicas=1, template=quick))
    clock.advance(10)
    [home] = nodes_of(cluster, "tenant1-egw")
    cluster.cordon(home)
    cluster.api.delete("Pod", "tenant1-egw", pods(cluster, "tenant1-egw")[0]["metadata"]["name"])
    clock.advance(59)
    assert addresses(cluster, "tenant1-egw") == [""]
    clock.advance(2)
    assert (addresses(cluster, "tenant1-egw"), nodes_of(cluster, "tenant1-egw") == [home]) == (["10.99.0.4"], False)


def test_empty_blocks_are_given_back_in_time() -> None:
    """A block outlives its last pod for a quarter of an hour while its pool lives."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    clock.advance(10)
    cluster.api.delete("EgressGateway", "tenant0-egw", "tenant0-egw")
    clock.advance(31)
    assert [block["spec"]["allocations"] for block in cluster.api.objects("IPAMBlock")] == [{}, {}]
    clock.advance(900)
    assert cluster.api.objects("IPAMBlock") == []


def test_pods_spread_over_ready_nodes() -> None:
    """Zones first, then nodes; a cordoned and a silent node get nothing new."""
    clock = a_clock()
    cluster = a_cluster(clock, nodes=4)
    cluster.cordon("node-1")
    cluster.set_node_ready("node-2", ready=False)
    put_up_tenant(cluster, replicas=4)
    assert nodes_of(cluster) == ["node-0", "node-0", "node-3", "node-3"]


def test_a_pod_without_a_node_waits_for_one() -> None:
    """It says why, and is bound when a node fits."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster, replicas=1, template={"spec": {"nodeSelector": {"pool": "egress"}}})
    [pending] = pods(cluster)
    assert (pending["status"]["phase"], conditions(pending)["PodScheduled"][:2]) == (
        "Pending",
        ("False", "Unschedulable"),
    )
    cluster.add_node(a_node(9, labels={"pool": "egress"}))
    assert nodes_of(cluster) == ["node-9"]


def test_strict_spread_keeps_zones_even() -> None:
    """With one zone cordoned and DoNotSchedule the third pod stays pending rather than doubling up."""
    clock = a_clock()
    cluster = a_cluster(clock)
    cluster.cordon("node-2")
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"k8s-app": "tenant0-egw"}},
    }
    put_up_tenant(cluster, replicas=3, template={"spec": {"topologySpreadConstraints": [spread]}})
    assert nodes_of(cluster) == ["", "node-0", "node-1"]
    cluster.cordon("node-2", cordoned=False)
    assert nodes_of(cluster) == ["node-0", "node-1", "node-2"]


def test_a_replaced_node() -> None:
    """Its pods and blocks are gone, others take their place, and what was set by hand on the node is lost."""
    clock = a_clock()
    cluster = a_cluster(clock, nodes=2)
    put_up_tenant(cluster)
    clock.advance(10)
    mark = {"metadata": {"annotations": {"projectcalico.org/RouteReflectorClusterID": "244.0.0.1"}}}
    cluster.api.merge_patch("Node", None, "node-0", mark, manager=PERSON)
    cluster.replace_node("node-0", a_node(7, reflector=True))
    assert nodes_of(cluster) == ["node-1", "node-7"]
    assert [node["metadata"]["name"] for node in cluster.api.objects("Node")] == ["node-1", "node-7"]
    new = cluster.api.get("Node", None, "node-7")["metadata"]
    assert new["labels"]["route-reflector"] == "true"
    assert "projectcalico.org/RouteReflectorClusterID" not in new["annotations"]
    affinities = {block["spec"]["affinity"] for block in cluster.api.objects("IPAMBlock")}
    assert affinities == {"host:node-1", "host:node-7"}
    clock.advance(10)
    assert ready(cluster) == 2


def test_the_last_node_goes() -> None:
    """Pods come back, pending, and workloads under their own names."""
    clock = a_clock()
    cluster = a_cluster(clock, nodes=1, workloads={"shop": ("web",)})
    put_up_tenant(cluster)
    cluster.remove_node("node-0")
    assert (nodes_of(cluster), nodes_of(cluster, "shop")) == (["", ""], [""])
    cluster.add_node(a_node(1))
    assert (nodes_of(cluster), nodes_of(cluster, "shop")) == (["node-1", "node-1"], ["node-1"])


def test_a_silent_node_makes_its_pods_unready() -> None:
    """And they are ready again when it answers."""
    clock = a_clock()
    cluster = a_cluster(clock, nodes=1)
    put_up_tenant(cluster)
    clock.advance(10)
    cluster.set_node_ready("node-0", ready=False)
    assert (ready(cluster), conditions(deployment(cluster))["Available"][0]) == (0, "False")
    cluster.set_node_ready("node-0", ready=True)
    assert (ready(cluster), conditions(deployment(cluster))["Available"][0]) == (2, "True")


def test_a_gateway_that_never_comes_up() -> None:
    """Its pods fail and the Deployment gives up after ten minutes, while the gateway says Ready; healed, it serves."""
    clock = a_clock()
    cluster = a_cluster(clock)
    cluster.fail_pods("tenant0-egw")
    put_up_tenant(cluster)
    clock.advance(700)
    assert (ready(cluster), gateway(cluster)["status"]["state"]) == (0, "Ready")
    assert waiting(pods(cluster)[0])["reason"] == "CrashLoopBackOff"
    assert conditions(deployment(cluster))["Progressing"][:2] == ("False", "ProgressDeadlineExceeded")
    cluster.heal_pods("tenant0-egw")
    assert (ready(cluster), conditions(deployment(cluster))["Progressing"][0]) == (2, "True")


def test_all_pods_of_a_gateway_crash() -> None:
    """They keep their addresses and are ready again when healed."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    clock.advance(10)
    held = addresses(cluster)
    cluster.crash_pods("tenant0-egw")
    assert (ready(cluster), addresses(cluster)) == (0, held)
    cluster.heal_pods("tenant0-egw")
    assert (ready(cluster), addresses(cluster)) == (2, held)


def test_a_deployment_deleted_by_hand_comes_back() -> None:
    """The operator looks at what it made every five minutes."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    cluster.api.delete("Deployment", "tenant0-egw", "tenant0-egw")
    clock.advance(299)
    assert cluster.api.objects("Deployment") == []
    clock.advance(1)
    assert deployment(cluster)["spec"]["replicas"] == 2


def test_workloads_run_from_the_first_moment() -> None:
    """With addresses of the pod pool; a deleted one comes back under its name."""
    clock = a_clock()
    cluster = a_cluster(clock, workloads={"shop": ("web", "worker")})
    assert ready(cluster, "shop") == 2
    assert all(address.startswith("10.244.") for address in addresses(cluster, "shop"))
    before = cluster.api.get("Pod", "shop", "web")["metadata"]["uid"]
    cluster.api.delete("Pod", "shop", "web", grace_seconds=0)
    after = cluster.api.get("Pod", "shop", "web")
    assert after["metadata"]["uid"] != before
    clock.advance(8)
    assert ready(cluster, "shop") == 2


def test_objects_of_a_world_exist_and_run() -> None:
    """What the document lists is there, settled and ready, whatever its order in the file."""
    objects = (a_gateway(), a_pool(), a_namespace("tenant0-egw"), a_namespace("default", annotations={"a": "1"}))
    cluster = a_cluster(a_clock(), objects=objects, egress_ip_support="EnabledPerNamespace")
    assert ready(cluster) == 2
    assert cluster.api.get("Namespace", None, "default")["metadata"]["annotations"] == {"a": "1"}
    felix = cluster.api.get("FelixConfiguration", None, "default")
    assert felix["spec"]["egressIPSupport"] == "EnabledPerNamespace"


def history(mode: str) -> bytes:
    """The state after a busy hour."""
    clock = a_clock()
    cluster = a_cluster(clock, mode, nodes=4, workloads={"shop": ("web",)})
    for number in range(6):
        put_up_tenant(cluster, f"tenant{number}", f"10.99.0.{8 * number}/29")
        clock.advance(3)
    cluster.replace_node("node-3", a_node(8))
    put_up(cluster, a_gateway("tenant2-egw", "tenant2-pool", logSeverity="Debug"))
    cluster.api.delete("Namespace", None, "tenant1-egw")
    cluster.crash_pods("tenant4-egw")
    clock.advance(3600)
    return orjson.dumps(cluster.state(), option=orjson.OPT_SORT_KEYS)


@pytest.mark.parametrize("mode", ["native", "aggregated"])
def test_the_same_history_gives_the_same_state(mode: str) -> None:
    """Versions, uids, names, times: everything."""
    assert history(mode) == history(mode)
