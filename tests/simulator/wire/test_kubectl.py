"""People work on the simulated clusters with the kubectl they have."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from raw_client import Wire, walkthrough

Kubectl = Callable[..., str]
CLUSTERS = ("spoke1-aks", "spoke2-aks")

POOL = """\
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: tenant0-pool}
spec: {cidr: CIDR, blockSize: 32, nodeSelector: "!all()"}
"""


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A fresh walkthrough over HTTPS."""
    with walkthrough() as running:
        yield running


@pytest.fixture
def kubectl(wire: Wire, tmp_path: Path) -> Kubectl:
    """`kubectl(cluster, *arguments, fails=False, text="")` gives what it printed; its cache is the test's own."""
    program = shutil.which("kubectl")
    assert program, (
        "kubectl is missing. Install it with: sudo apt-get install kubectl (or snap install kubectl --classic)"
    )
    kubeconfig = wire.server.write_kubeconfig(tmp_path / "kubeconfig")
    environment = {"KUBECONFIG": str(kubeconfig), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    def run(cluster: str, *arguments: str, fails: bool = False, text: str = "") -> str:
        done = subprocess.run(
            [program, "--context", cluster, "--request-timeout", "10s", *arguments],
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    return run


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_get_prints_tables_with_telling_columns(kubectl: Kubectl, cluster: str) -> None:
    """Namespaces and pools are seen at a glance."""
    namespaces = [line.split() for line in kubectl(cluster, "get", "namespaces").splitlines()]
    assert namespaces[0] == ["NAME", "STATUS", "AGE"]
    assert ["shop", "Active", "0s"] in namespaces
    header, pool = kubectl(cluster, "get", "ippools").splitlines()
    assert header.split() == ["NAME", "CIDR", "BLOCK", "SIZE", "DISABLED", "SELECTOR", "AGE"]
    assert pool.split()[0] == "default-ipv4-ippool"


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_annotate_and_patch_and_label(kubectl: Kubectl, cluster: str) -> None:
    """Three ways to change one namespace; a person's edit is owned by kubectl's field managers."""
    kubectl(cluster, "annotate", "ns", "shop", "egress.projectcalico.org/selector=tenant == 'x'")
    kubectl(cluster, "patch", "ns", "shop", "-p", '{"metadata":{"labels":{"team":"shop"}}}')
    kubectl(cluster, "label", "ns", "shop", "team-")
    shop = json.loads(kubectl(cluster, "get", "ns", "shop", "-o", "json", "--show-managed-fields"))
    assert shop["metadata"]["annotations"] == {"egress.projectcalico.org/selector": "tenant == 'x'"}
    assert "team" not in shop["metadata"]["labels"]
    assert "kubectl-annotate" in [entry["manager"] for entry in shop["metadata"]["managedFields"]]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_apply_server_side_delete_and_apply_again(kubectl: Kubectl, cluster: str) -> None:
    """A pool comes, is refused another range, goes, and comes again."""
    file = POOL.replace("CIDR", "10.99.0.0/29")
    assert "serverside-applied" in kubectl(cluster, "apply", "--server-side", "-f", "-", text=file)
    assert "tenant0-pool" in kubectl(cluster, "get", "ippools", "-o", "name")
    moved = POOL.replace("CIDR", "10.99.8.0/29")
    refusal = kubectl(cluster, "apply", "--server-side", "-f", "-", text=moved, fails=True)
    assert "is invalid" in refusal
    assert "deleted" in kubectl(cluster, "delete", "ippool", "tenant0-pool")
    assert "NotFound" in kubectl(cluster, "get", "ippool", "tenant0-pool", fails=True)
    assert "serverside-applied" in kubectl(cluster, "apply", "--server-side", "-f", "-", text=moved)


def test_apply_names_the_owner_of_a_field(kubectl: Kubectl) -> None:
    """Two managers, one field: 409 with the other's name."""
    file = POOL.replace("CIDR", "10.99.0.0/29")
    kubectl("spoke2-aks", "apply", "--server-side", "--field-manager", "egress-gitops", "-f", "-", text=file)
    changed = file.replace("!all()", "all()")
    refusal = kubectl("spoke2-aks", "apply", "--server-side", "-f", "-", text=changed, fails=True)
    assert 'conflict with "egress-gitops": .spec.nodeSelector' in refusal


def test_create_and_delete_a_namespace(kubectl: Kubectl) -> None:
    """`kubectl create namespace` sends protobuf; delete waits until it is gone."""
    assert "created" in kubectl("spoke1-aks", "create", "namespace", "red")
    assert "deleted" in kubectl("spoke1-aks", "delete", "namespace", "red")
    assert "NotFound" in kubectl("spoke1-aks", "get", "ns", "red", fails=True)


def test_json_patch(kubectl: Kubectl) -> None:
    """A list of operations is applied as a whole or not at all."""
    add = '[{"op":"add","path":"/metadata/labels/a","value":"b"}]'
    kubectl("spoke2-aks", "patch", "ippool", "default-ipv4-ippool", "--type", "json", "-p", add)
    bad = '[{"op":"add","path":"/metadata/labels/c","value":"d"},{"op":"test","path":"/spec/blockSize","value":1}]'
    kubectl("spoke2-aks", "patch", "ippool", "default-ipv4-ippool", "--type", "json", "-p", bad, fails=True)
    pool = json.loads(kubectl("spoke2-aks", "get", "ippool", "default-ipv4-ippool", "-o", "json"))
    assert (pool["metadata"]["labels"].get("a"), "c" in pool["metadata"]["labels"]) == ("b", False)


def test_wait_sees_a_change_through_a_watch(kubectl: Kubectl) -> None:
    """`kubectl wait` lists, then watches."""
    kubectl("spoke2-aks", "wait", "--for=jsonpath={.status.phase}=Active", "ns/shop", "--timeout=5s")


def test_a_server_dry_run_stores_nothing(kubectl: Kubectl) -> None:
    """The answer is that of an apply."""
    file = POOL.replace("CIDR", "10.99.0.0/29")
    said = kubectl("spoke2-aks", "apply", "--server-side", "--dry-run=server", "-f", "-", text=file)
    assert "serverside-applied (server dry run)" in said
    assert "NotFound" in kubectl("spoke2-aks", "get", "ippool", "tenant0-pool", fails=True)


def test_api_resources_and_version(kubectl: Kubectl, wire: Wire) -> None:
    """Discovery shows what there is."""
    assert "egressgateways" in kubectl("spoke1-aks", "api-resources", "--api-group=operator.tigera.io")
    assert f"v{wire.world.document.clusters['spoke1-aks'].kubernetes_version}" in kubectl("spoke1-aks", "version")
