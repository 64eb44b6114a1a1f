"""What happens to the network under the tenants: reflectors, sessions, Route Server, clusters that come, go and are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from search.actions import Group, deed
from search.history import History
from search.reviews import merge
from search.worlds import CLUSTERS, HUB, cluster_file
from simulator.model.azure.route_server import Connection
from simulator.model.bgp.inputs import REFLECTOR_ANNOTATION
from simulator.model.bgp.views import internal_ip
from simulator.model.errors import ApiError, ArmError
from simulator.model.trees import name_of

_BY_HAND = "kubectl-edit"
_LABEL = "route-reflector"
_ECHO_SECONDS = 45.0
"""By then Route Server has learned, or unlearned, what an act on it led to."""


def _node(history: History, cluster: str, which: int) -> Mapping[str, Any]:
    nodes = history.desk.world.clusters[cluster].api.objects("Node")
    return nodes[which % len(nodes)]


def _connection(history: History, which: int) -> Connection | None:
    standing = sorted(history.desk.world.hubs[HUB].route_server.connections.values(), key=lambda one: one.name)
    return standing[which % len(standing)] if standing else None


def _meddle_and_later(history: History, clusters: tuple[str, ...] = CLUSTERS) -> None:
    """Somebody has acted, and what that leads to comes later."""
    history.meddle(clusters)
    history.desk.world.clock.schedule(_ECHO_SECONDS, partial(history.meddle, clusters))


def _patch(history: History, cluster: str, kind: str, name: str, body: Mapping[str, Any]) -> None:
    with suppress(ApiError):
        history.desk.world.clusters[cluster].api.merge_patch(kind, None, name, body, manager=_BY_HAND)
    _meddle_and_later(history, (cluster,))


# --- reflectors -------------------------------------------------------------------------------------------------------


@deed(Group.FABRIC, "somebody labels node number {1} of {0} a reflector: {2}")
def label_node(history: History, cluster: str, which: int, reflector: bool) -> None:
    """Or takes the label off."""
    labels = {_LABEL: "true" if reflector else None}
    _patch(history, cluster, "Node", name_of(_node(history, cluster, which)), {"metadata": {"labels": labels}})


@deed(Group.FABRIC, "somebody sets the cluster id of node number {1} of {0} to {2!r}")
def set_cluster_id(history: History, cluster: str, which: int, value: str | None) -> None:
    """Ours, another one, or none."""
    annotations = {REFLECTOR_ANNOTATION: value}
    body = {"metadata": {"annotations": annotations}}
    _patch(history, cluster, "Node", name_of(_node(history, cluster, which)), body)


@deed(Group.FABRIC, "calico-node of node number {1} of {0} tells nothing of its sessions: {2}")
def silence_status(history: History, cluster: str, which: int, silent: bool) -> None:
    """Its routing goes on."""
    name = name_of(_node(history, cluster, which))
    history.desk.world.clusters[cluster].silence_status(name, silent=silent)


# --- BGP inside the cluster -------------------------------------------------------------------------------------------


@deed(Group.FABRIC, "somebody edits the BGPConfiguration of {0}: {1}")
def edit_bgp(history: History, cluster: str, spec: Mapping[str, Any]) -> None:
    """The mesh, the AS number, or what is none of our business."""
    _patch(history, cluster, "BGPConfiguration", "default", {"spec": spec})


@deed(Group.FABRIC, "somebody deletes {1} {2} on {0}")
def delete_part_of_bgp(history: History, cluster: str, kind: str, name: str) -> None:
    """The BGPConfiguration, or the peering with the reflectors."""
    with suppress(ApiError):
        history.desk.world.clusters[cluster].api.delete(kind, None, name)
    _meddle_and_later(history, (cluster,))


@deed(Group.FABRIC, "somebody makes a peering of his own with the reflectors of {0}")
def rival_peering(history: History, cluster: str) -> None:
    """Beside ours."""
    spec = {"nodeSelector": "all()", "peerSelector": f"{_LABEL} == 'true'"}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "BGPPeer", "metadata": {"name": "rivals"}, "spec": spec}
    with suppress(ApiError):
        history.desk.world.clusters[cluster].api.create("BGPPeer", None, body, manager=_BY_HAND)
    _meddle_and_later(history, (cluster,))


@deed(Group.FABRIC, "somebody changes the AS number of {0} to {1}, on the cluster and on its connections")
def change_asn(history: History, cluster: str, asn: int) -> None:
    """On both sides: the sessions come up again."""
    subnet = f"10.{CLUSTERS.index(cluster) + 1}."
    for one in history.desk.world.hubs[HUB].route_server.connections.values():
        if one.peer_ip.startswith(subnet):
            one.peer_asn = asn
    edit_bgp(history, cluster, {"asNumber": asn})


# --- Route Server -----------------------------------------------------------------------------------------------------


@deed(Group.FABRIC, "the sessions of connection number {0} end for {1} s")
def flap(history: History, which: int, seconds: float) -> None:
    """And come up again by themselves."""
    found = _connection(history, which)
    if found is not None:
        history.desk.world.hubs[HUB].route_server.reset(found.name, seconds)
        history.meddle(lasting=f"flap {found.name}")

        def over() -> None:
            history.lasting.discard(f"flap {found.name}")
            history.meddle()

        history.desk.world.clock.schedule(seconds + _ECHO_SECONDS, over)


@deed(Group.FABRIC, "instance {0} of Route Server has no sessions: {1}")
def deafen(history: History, instance: int, deaf: bool) -> None:
    """Half of what the hub learns is missing, or comes again."""
    history.desk.world.hubs[HUB].route_server.deafen(instance, deaf=deaf)
    if deaf:
        history.meddle(lasting=f"instance {instance}")
    else:
        history.lasting.discard(f"instance {instance}")
        _meddle_and_later(history)


@deed(Group.FABRIC, "somebody deletes connection number {0} in the portal")
def drop_connection(history: History, which: int) -> None:
    """Whosever it is."""
    found = _connection(history, which)
    if found is not None:
        with suppress(ArmError):
            history.desk.world.hubs[HUB].route_server.delete(found.name)
        _meddle_and_later(history)


@deed(Group.FABRIC, "somebody gives connection number {0} the AS number {1}")
def spoil_connection(history: History, which: int, asn: int) -> None:
    """On Azure's side alone."""
    found = _connection(history, which)
    if found is not None:
        _put(history, found.name, found.peer_ip, asn)


@deed(Group.FABRIC, "somebody connects node number {1} of {0} to Route Server by hand")
def connect_by_hand(history: History, cluster: str, which: int) -> None:
    """Under a name of his own; refused where a connection has the address."""
    node = _node(history, cluster, which)
    _put(history, f"{cluster}-{name_of(node)}", internal_ip(node), 63400)


@deed(Group.FABRIC, "{0} appliances of somebody else peer with Route Server")
def crowd(history: History, count: int) -> None:
    """Room for eight is all there is."""
    server = history.desk.world.hubs[HUB].route_server
    for number in range(count):
        with suppress(ArmError):
            server.seed(f"nva-{number}", f"10.0.9.{number + 4}", 65001)


@deed(Group.FABRIC, "the appliances of somebody else are gone")
def disperse(history: History) -> None:
    """There is room again."""
    connections = history.desk.world.hubs[HUB].route_server.connections
    for key in [key for key in connections if key.startswith("nva-")]:
        del connections[key]


def _put(history: History, name: str, address: str, asn: int) -> None:
    with suppress(ArmError):
        body = {"properties": {"peerIp": address, "peerAsn": asn}}
        history.desk.world.hubs[HUB].route_server.put(name, body)
    _meddle_and_later(history)


# --- clusters come and go ---------------------------------------------------------------------------------------------


@deed(Group.FABRIC, "commit: {0} is to leave the hub: {1}")
def leave(history: History, cluster: str, leaving: bool) -> None:
    """Held back while tenants are attached."""
    merge(history, {f"clusters/{cluster}.yaml": cluster_file(cluster, leaving=leaving)})


@deed(Group.FABRIC, "commit: the file of {0} is removed")
def undefine(history: History, cluster: str) -> None:
    """Held back as well while tenants are attached."""
    merge(history, {f"clusters/{cluster}.yaml": None})


@deed(Group.FABRIC, "another cluster takes the place of {0} under its name")
def rebuild(history: History, cluster: str) -> None:
    """Nothing of ours is on it, and its kube-system has another uid."""
    history.meddle((cluster,))
    history.desk.world.clusters[cluster].rebuild()
    _meddle_and_later(history, (cluster,))


def settle_fabric(history: History) -> None:
    """Every node tells of its sessions again, and both instances of Route Server have theirs."""
    for cluster in CLUSTERS:
        for node in history.desk.world.clusters[cluster].api.objects("Node"):
            history.desk.world.clusters[cluster].silence_status(name_of(node), silent=False)
    for instance in (0, 1):
        history.desk.world.hubs[HUB].route_server.deafen(instance, deaf=False)
