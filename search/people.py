"""What people do behind our back, on clusters and in the portal, and what strangers put there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from function_app.model.names import (
    EGRESS_ANNOTATIONS,
    FIELD_MANAGER,
    GENERATION_LABEL,
    HUB_LABEL,
    MANAGED_BY_LABEL,
    NAMESPACE_SELECTOR_ANNOTATION,
    SELECTOR_ANNOTATION,
    TENANT_LABEL,
)
from search.actions import Group, deed
from search.history import History
from search.rule_collections import rule_collection
from search.worlds import CANARY, HUB, cidr_of
from simulator.model.errors import ApiError, ArmError

_BY_HAND = "kubectl-edit"
STRANGER = "stranger"


def _patch(
    history: History, cluster: str, kind: str, namespace: str | None, name: str, body: Mapping[str, Any]
) -> None:
    with suppress(ApiError):
        history.desk.world.clusters[cluster].api.merge_patch(kind, namespace, name, body, manager=_BY_HAND)


def _delete(history: History, cluster: str, kind: str, namespace: str | None, name: str) -> None:
    with suppress(ApiError):
        history.desk.world.clusters[cluster].api.delete(kind, namespace, name)


def _create(history: History, cluster: str, kind: str, namespace: str | None, body: Mapping[str, Any]) -> None:
    with suppress(ApiError):
        history.desk.world.clusters[cluster].api.create(kind, namespace, body, manager=_BY_HAND)


def _tenants(history: History, cluster: str, kind: str, tenant: str) -> list[Mapping[str, Any]]:
    return [
        one
        for one in history.desk.world.clusters[cluster].api.objects(kind)
        if (one["metadata"].get("labels") or {}).get(TENANT_LABEL) == tenant
    ]


@deed(Group.CLUSTER, "somebody deletes {1} of {2} on {0}")
def delete_part(history: History, cluster: str, kind: str, tenant: str) -> None:
    """A pool, gateway, budget or policy of ours."""
    for found in _tenants(history, cluster, kind, tenant)[:1]:
        history.meddle((cluster,))
        _delete(history, cluster, kind, found["metadata"].get("namespace"), found["metadata"]["name"])
        history.meddle((cluster,))


@deed(Group.CLUSTER, "somebody edits {1} of {2} on {0}: {3}")
def edit_part(history: History, cluster: str, kind: str, tenant: str, spec: Mapping[str, Any]) -> None:
    """Fields of a pool or gateway of ours."""
    for found in _tenants(history, cluster, kind, tenant)[:1]:
        _patch(history, cluster, kind, found["metadata"].get("namespace"), found["metadata"]["name"], {"spec": spec})
        history.meddle((cluster,))


@deed(Group.CLUSTER, "somebody takes our labels off {1} of {2} on {0}")
def unlabel(history: History, cluster: str, kind: str, tenant: str) -> None:
    """From then on it only used to be ours."""
    for found in _tenants(history, cluster, kind, tenant)[:1]:
        labels = {MANAGED_BY_LABEL: None}
        body = {"metadata": {"labels": labels}}
        _patch(history, cluster, kind, found["metadata"].get("namespace"), found["metadata"]["name"], body)
        history.meddle((cluster,))


@deed(Group.CLUSTER, "somebody deletes {1} {2} on {0}")
def delete_shared(history: History, cluster: str, kind: str, name: str) -> None:
    """The filter or a peer."""
    _delete(history, cluster, kind, None, name)
    history.meddle((cluster,))


@deed(Group.CLUSTER, "somebody edits {1} {2} on {0}: {3}")
def edit_shared(history: History, cluster: str, kind: str, name: str, spec: Mapping[str, Any]) -> None:
    """The filter, a peer, or Felix's switch."""
    _patch(history, cluster, kind, None, name, {"spec": spec})
    history.meddle((cluster,))


@deed(Group.CLUSTER, "somebody takes annotations {2} off {1} on {0}")
def unannotate(history: History, cluster: str, namespace: str, keys: tuple[str, ...]) -> None:
    """All of ours, or one of two."""
    annotations = {"annotations": dict.fromkeys(keys or EGRESS_ANNOTATIONS)}
    _patch(history, cluster, "Namespace", None, namespace, {"metadata": annotations})
    history.meddle((cluster,))


@deed(Group.CLUSTER, "somebody points {1} on {0} to the gateways of {2}")
def annotate(history: History, cluster: str, namespace: str, tenant: str) -> None:
    """To another tenant's gateway, by the labels that all its gateways bear."""
    selector = {SELECTOR_ANNOTATION: f"{TENANT_LABEL} == '{tenant}'", NAMESPACE_SELECTOR_ANNOTATION: "all()"}
    _patch(history, cluster, "Namespace", None, namespace, {"metadata": {"annotations": selector}})
    history.meddle((cluster,))


@deed(Group.CLUSTER, "somebody deletes namespace {1} on {0}, and it comes again")
def remake_namespace(history: History, cluster: str, namespace: str) -> None:
    """Its annotations are gone with it."""
    _delete(history, cluster, "Namespace", None, namespace)
    history.meddle((cluster,))
    history.desk.world.advance(60)
    _create(history, cluster, "Namespace", None, {"metadata": {"name": namespace}})
    history.meddle((cluster,))


@deed(Group.CLUSTER, "somebody deletes the gateway namespace of {1} on {0}")
def delete_home(history: History, cluster: str, tenant: str) -> None:
    """With all gateways of the tenant in it."""
    _delete(history, cluster, "Namespace", None, f"{tenant}-egw")
    history.meddle((cluster,))


@deed(Group.FOREIGN, "somebody makes a pool on {0} slot {1} (ours by its labels: {2})")
def foreign_pool(history: History, cluster: str, slot: int, lookalike: bool) -> None:
    """In the egress CIDR; perhaps with labels copied from ours."""
    labels = {MANAGED_BY_LABEL: FIELD_MANAGER, HUB_LABEL: HUB, TENANT_LABEL: "t9", GENERATION_LABEL: "ffffffff"}
    metadata = {"name": f"theirs-{slot}", "annotations": {"note": CANARY}, "labels": labels if lookalike else {}}
    spec = {"cidr": cidr_of(cluster, slot), "blockSize": 32, "nodeSelector": "!all()", "vxlanMode": "Never"}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "IPPool", "metadata": metadata, "spec": spec}
    _create(history, cluster, "IPPool", None, body)
    history.meddle((cluster,))


@deed(Group.FOREIGN, "the foreign pool on {0} slot {1} goes")
def foreign_pool_gone(history: History, cluster: str, slot: int) -> None:
    """As it came."""
    _delete(history, cluster, "IPPool", None, f"theirs-{slot}")
    history.meddle((cluster,))


@deed(Group.FOREIGN, "a foreign namespace on {0} uses the gateways of {1}")
def foreign_user(history: History, cluster: str, tenant: str) -> None:
    """By a label that every gateway of the tenant bears."""
    selector = {SELECTOR_ANNOTATION: f"{TENANT_LABEL} == '{tenant}'", NAMESPACE_SELECTOR_ANNOTATION: "all()"}
    metadata = {"name": STRANGER, "annotations": {**selector, "note": CANARY}}
    _create(history, cluster, "Namespace", None, {"metadata": metadata})


@deed(Group.FOREIGN, "the foreign namespace on {0} goes")
def foreign_user_gone(history: History, cluster: str) -> None:
    """And its annotations with it."""
    _delete(history, cluster, "Namespace", None, STRANGER)


@deed(Group.FOREIGN, "somebody puts a budget of his own into the gateway namespace of {1} on {0}")
def foreign_guest(history: History, cluster: str, tenant: str) -> None:
    """Something foreign in a namespace that we made."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "theirs"}}}
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "theirs"}, "spec": spec}
    _create(history, cluster, "PodDisruptionBudget", f"{tenant}-egw", body)


@deed(Group.FOREIGN, "somebody makes a peer of his own towards Route Server on {0}")
def foreign_peer(history: History, cluster: str) -> None:
    """A second peer for one address."""
    subnet = history.desk.world.clusters[cluster].document.node_subnet
    spec = {"peerIP": "10.0.1.4", "asNumber": 65515, "nodeSelector": "all()", "reachableBy": f"{subnet[:-5]}.1"}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "BGPPeer", "metadata": {"name": "by-hand"}, "spec": spec}
    _create(history, cluster, "BGPPeer", None, body)
    history.meddle((cluster,))


@deed(Group.FOREIGN, "the foreign peer on {0} goes")
def foreign_peer_gone(history: History, cluster: str) -> None:
    """As it came."""
    _delete(history, cluster, "BGPPeer", None, "by-hand")
    history.meddle((cluster,))


@deed(Group.FOREIGN, "somebody makes {2} {3} on {0} before {1} does")
def foreign_twin(history: History, cluster: str, tenant: str, kind: str, name: str) -> None:
    """Under the name that ours would bear."""
    del tenant
    body: dict[str, Any] = {"kind": kind, "metadata": {"name": name}}
    if kind == "BGPFilter":
        body |= {"apiVersion": "projectcalico.org/v3", "spec": {"exportV4": [{"action": "Accept"}]}}
    _create(history, cluster, kind, None, body)
    history.meddle((cluster,))


@deed(Group.FIREWALL, "somebody allows everything in {0} in the portal")
def portal_opens(history: History, shard: str) -> None:
    """The same slow write, with wildcards."""

    def widen(properties: dict[str, Any]) -> None:
        for collection in properties["ruleCollections"]:
            for rule in collection["rules"]:
                if "targetFqdns" in rule:
                    rule["targetFqdns"] = ["*"]

    _portal(history, shard, widen)


@deed(Group.FIREWALL, "somebody takes the rules out of {0} in the portal")
def portal_empties(history: History, shard: str) -> None:
    """All collections of a shard."""
    _portal(history, shard, lambda properties: properties["ruleCollections"].clear())


def _portal(history: History, shard: str, mutate: Any) -> None:
    with suppress(ArmError):
        history.desk.world.hubs[HUB].edit_group("tenants", shard, mutate)
        history.meddle()


@deed(Group.FIREWALL, "somebody deletes {0} in the portal")
def portal_deletes(history: History, shard: str) -> None:
    """A shard, or somebody's own group."""
    with suppress(ArmError):
        history.desk.world.hubs[HUB].delete_group("tenants", shard)
        history.meddle()


@deed(Group.FIREWALL, "somebody adds a group of his own with priority {0}")
def portal_adds(history: History, priority: int) -> None:
    """Perhaps a priority of our band."""
    rule = {
        "ruleType": "NetworkRule",
        "name": "theirs",
        "ipProtocols": ["TCP"],
        "sourceAddresses": ["10.99.0.0/16"],
        "destinationAddresses": ["203.0.113.99"],
        "destinationPorts": ["443"],
    }
    collection = rule_collection("theirs", "Allow", rule, priority=500)
    body = {"properties": {"priority": priority, "ruleCollections": [collection]}}
    with suppress(ArmError):
        history.desk.world.hubs[HUB].put_group("tenants", "theirs", body)
