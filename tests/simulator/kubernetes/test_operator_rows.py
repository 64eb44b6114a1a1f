"""Tigera's operator, row by row as it was recorded on a real API server."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes_builders import (
    MANAGER,
    a_clock,
    a_cluster,
    a_gateway,
    a_namespace,
    a_pool,
    addresses,
    conditions,
    deployment,
    fields_of,
    gateway,
    pods,
    put_up,
    put_up_tenant,
    refused,
)

ALL_GOOD = ("True", "AllObjectsAvailable", "All objects available")
NOT_TRUE = ("False", "Unknown", "")
AFFINITY_FIELDS: dict[str, Any] = {
    ".": {},
    "f:nodeAffinity": {".": {}, "f:requiredDuringSchedulingIgnoredDuringExecution": {}},
    "f:podAntiAffinity": {".": {}, "f:preferredDuringSchedulingIgnoredDuringExecution": {}},
}


def degraded(why: str) -> tuple[str, str, str]:
    """The Degraded condition that the operator sets."""
    return ("True", "Error_reconciling_Egress_Gateway", why)


def test_row_00_what_an_installation_leaves() -> None:
    """The pod pool bears the operator's label and keeps its routes; FelixConfiguration's keys are the operator's; no BGP yet."""
    cluster = a_cluster(a_clock(), bare=True)
    assert cluster.api.objects("BGPConfiguration") == []
    pool = cluster.api.get("IPPool", None, "default-ipv4-ippool")
    felix = cluster.api.get("FelixConfiguration", None, "default")
    assert pool["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tigera-operator"}
    assert pool["spec"] == {
        "allowedUses": ["Workload", "Tunnel"],
        "assignmentMode": "Automatic",
        "blockSize": 26,
        "cidr": "10.244.0.0/16",
        "disableBGPExport": True,
        "ipipMode": "Never",
        "natOutgoing": True,
        "nodeSelector": "all()",
        "vxlanMode": "Always",
    }
    assert fields_of(pool, "tigera-operator", "Update")["f:spec"]["f:allowedUses"] == {
        ".": {},
        'v:"Tunnel"': {},
        'v:"Workload"': {},
    }
    assert fields_of(felix, "tigera-operator", "Update") == {
        "f:metadata": {"f:annotations": {".": {}, "f:operator.tigera.io/bpfEnabled": {}}},
        "f:spec": {
            ".": {},
            "f:bpfEnabled": {},
            "f:healthPort": {},
            "f:nftablesMode": {},
            "f:policySyncPathPrefix": {},
            "f:vxlanPort": {},
            "f:vxlanVNI": {},
        },
    }
    assert "egressIPSupport" not in felix["spec"]


def test_row_01_defaults_go_into_the_spec_under_the_operators_name() -> None:
    """The operator adds labels and affinity; the applier keeps owning what it sent, and the generation is 2."""
    cluster = a_cluster(a_clock())
    put_up_tenant(cluster)
    stored = gateway(cluster)
    assert stored["metadata"]["generation"] == 2
    assert fields_of(stored, MANAGER) == {"f:spec": {"f:ipPools": {}, "f:logSeverity": {}, "f:replicas": {}}}
    assert fields_of(stored, "tigera-operator", "Update") == {
        "f:spec": {
            "f:template": {
                ".": {},
                "f:metadata": {".": {}, "f:labels": {".": {}, "f:projectcalico.org/egw": {}}},
                "f:spec": {".": {}, "f:affinity": AFFINITY_FIELDS},
            }
        }
    }
    assert fields_of(stored, "tigera-operator", "Update", "status") == {
        "f:status": {".": {}, "f:conditions": {}, "f:state": {}}
    }
    assert stored["spec"]["template"]["metadata"]["labels"] == {"projectcalico.org/egw": "tenant0-egw"}
    affinity = stored["spec"]["template"]["spec"]["affinity"]
    (term,) = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "type", "operator": "NotIn", "values": ["virtual-node"]},
        {"key": "kubernetes.azure.com/cluster", "operator": "Exists"},
    ]
    (preferred,) = affinity["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preferred["podAffinityTerm"]["topologyKey"] == "topology.kubernetes.io/zone"


def test_row_01_the_deployment() -> None:
    """It has the gateway's name, is controlled by it, names the pool to Calico's IPAM and selects the template's labels."""
    cluster = a_cluster(a_clock())
    put_up_tenant(cluster)
    made = deployment(cluster)
    template = made["spec"]["template"]
    owner = made["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["uid"], owner["controller"]) == (
        "EgressGateway",
        gateway(cluster)["metadata"]["uid"],
        True,
    )
    assert made["spec"]["selector"] == {"matchLabels": {"projectcalico.org/egw": "tenant0-egw"}}
    assert made["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    assert template["metadata"]["annotations"] == {"cni.projectcalico.org/ipv4pools": '["tenant0-pool"]'}
    assert template["metadata"]["labels"] == {
        "app.kubernetes.io/component": "EgressGateway.operator.tigera.io",
        "app.kubernetes.io/instance": "tenant0-egw",
        "app.kubernetes.io/managed-by": "tigera-operator",
        "app.kubernetes.io/name": "tenant0-egw",
        "app.kubernetes.io/part-of": "Calico",
        "k8s-app": "tenant0-egw",
        "projectcalico.org/egw": "tenant0-egw",
    }
    assert template["spec"]["containers"][0]["ports"] == [{"containerPort": 8080, "name": "health", "protocol": "TCP"}]
    assert cluster.api.list("PodDisruptionBudget").items == []


def test_row_01_says_ready_before_any_pod_runs() -> None:
    """The gateway says Ready at once; the shared TigeraStatus says five seconds later how many replicas are missing."""
    clock = a_clock()
    cluster = a_cluster(clock, pod_seconds=30.0)
    put_up_tenant(cluster)
    assert (gateway(cluster)["status"]["state"], conditions(gateway(cluster))) == ("Ready", {"Available": ALL_GOOD})
    assert conditions(deployment(cluster))["Available"][:2] == ("False", "MinimumReplicasUnavailable")
    clock.advance(5)
    shared = cluster.api.get("TigeraStatus", None, "egressgateway")
    assert conditions(shared) == {
        "Progressing": (
            "True",
            "ResourceNotReady",
            'Deployment "tenant0-egw/tenant0-egw" is not available (awaiting 2 replicas)',
        ),
        "Degraded": NOT_TRUE,
        "Available": NOT_TRUE,
    }


def test_row_02_a_missing_pool_and_its_appearance() -> None:
    """Degraded without Deployment and state; within five seconds of the pool's appearance the Deployment is there."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up(cluster, a_namespace("s2"))
    put_up(cluster, a_gateway("s2", "nope"))
    stored = gateway(cluster, "s2")
    why = 'Error validating egress gateway err = IPPool.projectcalico.org "nope" not found'
    assert conditions(stored) == {"Degraded": degraded(why)}
    assert ("state" in stored["status"], stored["metadata"]["generation"]) == (False, 1)
    assert cluster.api.list("Deployment").items == []
    put_up(cluster, a_pool("nope"))
    clock.advance(5)
    assert conditions(gateway(cluster, "s2")) == {"Degraded": NOT_TRUE, "Available": ALL_GOOD}
    assert deployment(cluster, "s2")["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param(
            {"ipPools": [{"name": "tenant0-pool", "cidr": "10.99.9.0/29"}]},
            "IPPool CIDR does not match with name",
            id="row-03-name-and-cidr-disagree",
        ),
        pytest.param(
            {"egressGatewayFailureDetection": {}},
            "either ICMP or HTTP probe must be configured",
            id="row-10-failure-detection-without-probe",
        ),
        pytest.param({"ipPools": []}, "at least one IPPool must be specified", id="row-11-no-pools"),
    ],
)
def test_rows_03_10_11_accepted_by_the_api_refused_by_the_operator(spec: dict[str, Any], why: str) -> None:
    """What the API accepts and the operator cannot render is Degraded and has no Deployment."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_pool())
    put_up(cluster, a_namespace("tenant0-egw"))
    put_up(cluster, a_gateway(**spec))
    assert conditions(gateway(cluster)) == {"Degraded": degraded(f"Error validating egress gateway err = {why}")}
    assert cluster.api.list("Deployment").items == []


def test_row_04_a_pool_named_by_cidr() -> None:
    """The pod annotation carries the CIDR, and pods get addresses from the pool that has it."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster, ipPools=[{"cidr": "10.99.0.0/29"}])
    annotations = deployment(cluster)["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"cni.projectcalico.org/ipv4pools": '["10.99.0.0/29"]'}
    assert addresses(cluster) == ["10.99.0.0", "10.99.0.1"]


def test_row_05_more_replicas() -> None:
    """The Deployment follows with a new generation; the gateway's conditions do not change."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    clock.advance(10)
    before = (gateway(cluster)["status"], deployment(cluster)["metadata"]["generation"])
    put_up(cluster, a_gateway(replicas=3))
    assert deployment(cluster)["spec"]["replicas"] == 3
    assert (gateway(cluster)["status"], deployment(cluster)["metadata"]["generation"] - 1) == before


def test_row_06_another_pool_rolls_with_surge() -> None:
    """Old pods stay until new ones are available, and the gateway says Ready throughout."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster, template={"spec": {"terminationGracePeriodSeconds": 0}})
    put_up(cluster, a_pool("second-pool", "10.99.0.8/29"))
    clock.advance(10)
    old = addresses(cluster)
    put_up(
        cluster,
        a_gateway(ipPools=[{"name": "second-pool"}], template={"spec": {"terminationGracePeriodSeconds": 0}}),
    )
    assert addresses(cluster) == [*old, "10.99.0.8"]
    assert (gateway(cluster)["status"]["state"], conditions(gateway(cluster))) == ("Ready", {"Available": ALL_GOOD})
    clock.advance(8)
    assert len(set(addresses(cluster)) & set(old)) == 1
    clock.advance(8)
    assert addresses(cluster) == ["10.99.0.8", "10.99.0.9"]


def test_row_07_other_labels_break_the_gateway_and_it_still_says_ready() -> None:
    """The selector is immutable: Degraded, the old Deployment stays as it was, and state still says Ready."""
    cluster = a_cluster(a_clock())
    put_up_tenant(cluster, template={"metadata": {"labels": {"egress-code": "red"}}})
    before = deployment(cluster)
    put_up(cluster, a_gateway(template={"metadata": {"labels": {"egress-code": "blue"}}}))
    stored = gateway(cluster)
    why = (
        'Error creating / updating resource err = Deployment.apps "tenant0-egw" is invalid: spec.selector: '
        'Invalid value: {"matchLabels":{"egress-code":"blue"}}: field is immutable'
    )
    assert conditions(stored) == {"Available": NOT_TRUE, "Degraded": degraded(why)}
    assert stored["status"]["state"] == "Ready"
    assert deployment(cluster) == before


def test_row_08_the_operators_affinity_is_not_ours_to_change() -> None:
    """A later apply that sets the affinity conflicts with the operator, path named; nothing changes."""
    cluster = a_cluster(a_clock())
    put_up_tenant(cluster)
    before = gateway(cluster)
    affinity: dict[str, Any] = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
    }
    with refused(409, "Conflict") as caught:
        put_up(cluster, a_gateway(template={"spec": {"affinity": affinity}}))
    path = ".spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
    assert caught.value.message == (
        f'Apply failed with 1 conflict: conflict with "tigera-operator" using operator.tigera.io/v1: {path}'
    )
    assert caught.value.details["causes"][0]["field"] == path
    assert gateway(cluster) == before


def test_row_09_topology_spread_beside_the_operators_affinity() -> None:
    """A template with labels and spread constraints is kept; the operator adds its affinity beside it."""
    cluster = a_cluster(a_clock())
    spread = {
        "labelSelector": {"matchLabels": {"projectcalico.org/egw": "tenant0-egw"}},
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
    }
    template = {
        "metadata": {"labels": {"projectcalico.org/egw": "tenant0-egw"}},
        "spec": {"terminationGracePeriodSeconds": 30, "topologySpreadConstraints": [spread]},
    }
    put_up_tenant(cluster, template=template)
    stored = gateway(cluster)
    assert stored["spec"]["template"]["spec"]["topologySpreadConstraints"] == [spread]
    assert fields_of(stored, "tigera-operator", "Update") == {
        "f:spec": {"f:template": {"f:spec": {"f:affinity": AFFINITY_FIELDS}}}
    }
    assert len({pod["spec"]["nodeName"] for pod in pods(cluster)}) == 2


def test_row_12_no_replicas() -> None:
    """A gateway of none says available, and its Deployment is complete with nothing."""
    cluster = a_cluster(a_clock())
    put_up_tenant(cluster, replicas=0)
    assert (gateway(cluster)["status"]["state"], conditions(gateway(cluster))) == ("Ready", {"Available": ALL_GOOD})
    assert conditions(deployment(cluster))["Progressing"][:2] == ("True", "NewReplicaSetAvailable")
    assert pods(cluster) == []


def test_row_13_the_shared_status() -> None:
    """A gateway whose pods run leaves the list; one bad gateway makes the one shared status Degraded."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    clock.advance(20)
    assert conditions(cluster.api.get("TigeraStatus", None, "egressgateway"))["Available"] == ALL_GOOD
    put_up_tenant(cluster, "tenant1", "10.99.0.8/29", ipPools=[])
    clock.advance(5)
    shared = conditions(cluster.api.get("TigeraStatus", None, "egressgateway"))
    assert (shared["Available"][0], shared["Degraded"][0], shared["Progressing"][0]) == ("False", "True", "False")
    assert "tenant1-egw" in shared["Degraded"][2]


def test_rows_14_and_17_a_gateway_is_deleted() -> None:
    """Gateway and Deployment go at once; pods and addresses stay for the grace period; the shared status goes too."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    clock.advance(10)
    held = addresses(cluster)
    cluster.api.delete("EgressGateway", "tenant0-egw", "tenant0-egw")
    assert (cluster.api.objects("EgressGateway"), cluster.api.objects("Deployment")) == ([], [])
    assert all("deletionTimestamp" in pod["metadata"] for pod in pods(cluster))
    clock.advance(29)
    assert addresses(cluster) == held
    clock.advance(1)
    assert pods(cluster) == []
    assert cluster.api.objects("TigeraStatus") == []


def test_row_15_a_namespace_with_a_gateway_is_deleted() -> None:
    """It terminates until its pods are gone; gateway and Deployment go first, and nothing new may come."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    clock.advance(10)
    cluster.api.delete("Namespace", None, "tenant0-egw")
    assert cluster.api.get("Namespace", None, "tenant0-egw")["status"]["phase"] == "Terminating"
    assert (cluster.api.objects("EgressGateway"), cluster.api.objects("Deployment")) == ([], [])
    assert len(pods(cluster)) == 2
    with refused(403, "Forbidden") as caught:
        put_up(cluster, a_gateway())
    assert caught.value.details["causes"][0]["reason"] == "NamespaceTerminating"
    clock.advance(30)
    with refused(404, "NotFound"):
        cluster.api.get("Namespace", None, "tenant0-egw")


def test_row_16_a_pool_in_use_is_deleted_natively() -> None:
    """With calico-kube-controllers running the pool terminates until no block is left, and gives no address meanwhile."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up_tenant(cluster)
    clock.advance(10)
    cluster.api.delete("IPPool", None, "tenant0-pool")
    leaving = cluster.api.get("IPPool", None, "tenant0-pool")
    assert conditions(leaving)["Allocatable"][:2] == ("False", "Terminating")
    assert len(addresses(cluster)) == 2
    cluster.api.delete("EgressGateway", "tenant0-egw", "tenant0-egw")
    clock.advance(30)
    with refused(404, "NotFound"):
        cluster.api.get("IPPool", None, "tenant0-pool")


def test_row_18_overlapping_pools_natively() -> None:
    """The API accepts the second pool; the older one keeps allocating, the other says CIDROverlap until that is gone."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up(cluster, a_pool("first"))
    clock.advance(1)
    put_up(cluster, a_pool("second", "10.99.0.0/28"))

    def reason(name: str) -> str:
        return conditions(cluster.api.get("IPPool", None, name))["Allocatable"][1]

    assert (reason("first"), reason("second")) == ("OK", "CIDROverlap")
    assert "finalizers" not in cluster.api.get("IPPool", None, "second")["metadata"]
    cluster.api.merge_patch("IPPool", None, "first", {"spec": {"disabled": True}}, manager=MANAGER)
    assert (reason("first"), reason("second")) == ("PoolDisabled", "OK")
