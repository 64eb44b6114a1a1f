"""Those who were there before us, or who work on the same objects: gateways made by hand, and second controllers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from function_app.model.names import TENANT_LABEL
from search.actions import Group, deed
from search.commits import write
from search.history import History
from search.worlds import CLUSTERS, Place, TenantFile, cidr_of, egress_cidr
from simulator.model.errors import ApiError

ROUND_SECONDS = 20.0
_BY_HAND = "kubectl-client-side-apply"
_RIVAL = "another-controller"


@deed(Group.FOREIGN, "a second controller on {0} sets {1} of {2} to {3} again and again, {4} times")
def rival(history: History, cluster: str, kind: str, tenant: str, spec: Mapping[str, Any], rounds: int) -> None:
    """Whatever we write it writes back, until faults stop. Objects that all tenants share are meant by an empty tenant."""
    api = history.desk.world.clusters[cluster].api
    peace = history.peace

    def turn(left: int) -> None:
        if not left or history.peace != peace:
            return
        for found in list(api.objects(kind)):
            metadata = found["metadata"]
            if (metadata.get("labels") or {}).get(TENANT_LABEL, "") == tenant:
                with suppress(ApiError):
                    api.merge_patch(kind, metadata.get("namespace"), metadata["name"], {"spec": spec}, manager=_RIVAL)
        history.meddle((cluster,))
        history.desk.world.clock.schedule(ROUND_SECONDS, lambda: turn(left - 1))

    turn(rounds)


@deed(Group.FOREIGN, "somebody sets a gateway for {1} up by hand on {0}, slot {2}, for {3}")
def by_hand(history: History, cluster: str, tenant: str, slot: int, namespace: str) -> None:
    """Namespace, pool and gateway under the published example's names, and the annotation that points to them."""
    home, pool = f"{tenant}-egw", f"{tenant}-pool"
    bodies: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}},
        {
            "apiVersion": "projectcalico.org/v3",
            "kind": "IPPool",
            "metadata": {"name": pool},
            "spec": {"cidr": cidr_of(cluster, slot), "blockSize": 32, "nodeSelector": "!all()", "vxlanMode": "Never"},
        },
        {
            "apiVersion": "operator.tigera.io/v1",
            "kind": "EgressGateway",
            "metadata": {"name": home, "namespace": home},
            "spec": {
                "logSeverity": "Info",
                "replicas": 2,
                "ipPools": [{"name": pool}],
                "template": {"metadata": {"labels": {"tenant": home}}, "spec": {"terminationGracePeriodSeconds": 0}},
            },
        },
    ]
    api = history.desk.world.clusters[cluster].api
    history.made_by_hand.append((cluster, tenant, slot))
    with suppress(ApiError):
        for body in bodies:
            api.create(body["kind"], body["metadata"].get("namespace"), body, manager=_BY_HAND)
        pointing = {"egress.projectcalico.org/namespaceSelector": f"projectcalico.org/name == '{home}'"}
        body = {"metadata": {"annotations": pointing}}
        api.merge_patch("Namespace", None, namespace, body, manager="kubectl-annotate")
    history.meddle((cluster,))


@deed(Group.FOREIGN, "somebody peers {0} with Route Server by hand, under the published names, through a filter: {1}")
def peer_by_hand(history: History, cluster: str, filtered: bool) -> None:
    """As the published example does, or as somebody does who lets out the cluster's egress range alone."""
    accept = {"action": "Accept", "matchOperator": "In", "cidr": egress_cidr(cluster)}
    made: list[tuple[str, str, dict[str, Any]]] = [
        (
            "BGPPeer",
            f"azure-route-server-{letter}",
            {
                "peerIP": address,
                "reachableBy": f"10.{CLUSTERS.index(cluster) + 1}.0.1",
                "asNumber": 65515,
                "keepOriginalNextHop": True,
                "nodeSelector": "route-reflector == 'true'",
                **({"filters": ["export-egress-ips"]} if filtered else {}),
            },
        )
        for letter, address in (("a", "10.0.1.4"), ("b", "10.0.1.5"))
    ]
    if filtered:
        made.insert(0, ("BGPFilter", "export-egress-ips", {"exportV4": [accept, {"action": "Reject"}]}))
    api = history.desk.world.clusters[cluster].api
    for kind, name, spec in made:
        body = {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name}, "spec": spec}
        with suppress(ApiError):
            api.create(kind, None, body, manager=_BY_HAND)
    switch = {"spec": {"egressIPSupport": "EnabledPerNamespaceOrPerPod"}}
    with suppress(ApiError):
        api.merge_patch("FelixConfiguration", None, "default", switch, manager=_BY_HAND)
    history.meddle((cluster,))


@deed(Group.ADDED, "commit: {0} comes, on {1} slot {2} for {3}, and takes over what was made by hand")
def adopt(
    history: History, tenant: str, cluster: str, slot: int, namespaces: tuple[str, ...], sites: tuple[str, ...]
) -> None:
    """A new tenant whose pool and gateway may stand already."""
    if tenant not in history.files:
        write(history, TenantFile(tenant, (Place(cluster, slot, namespaces, adopt=True),), sites))
