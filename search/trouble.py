"""What fails: nodes, gateways, Azure, single calls, the ledger, the process."""

from __future__ import annotations

from contextlib import suppress

from function_app.model.state import HubState
from search.actions import Group, deed
from search.history import History
from search.worlds import CANARY, CLUSTERS, HUB
from simulator.model.azure.groups import Refusal
from simulator.model.azure.throttling import Call as Bucket
from simulator.model.bgp.views import internal_ip
from simulator.model.documents import NodeDocument
from simulator.model.errors import ArmError
from simulator.model.faults import Action as FaultAction
from simulator.model.faults import Fault
from simulator.model.trees import labels_of, name_of

OPERATION_FAILS = "operation fails"
CONTENT_REFUSED = "content refused"
POLICY_BUSY = "policy busy"
LEDGER_UNREADABLE = "ledger unreadable"
LEDGER_DEATH = "died in a ledger append"
API_DOWN = "Calico API down"


# --- nodes and gateways -------------------------------------------------------------------------------------------


def _nodes(history: History, cluster: str) -> list[str]:
    return [one["metadata"]["name"] for one in history.desk.world.clusters[cluster].api.objects("Node")]


@deed(Group.NODES, "node number {1} of {0} is replaced")
def replace_node(history: History, cluster: str, which: int) -> None:
    """As by an upgrade; Terraform then moves the Route Server connection of a reflector."""
    world = history.desk.world
    names = _nodes(history, cluster)
    old = names[which % len(names)]
    nodes = world.clusters[cluster].api.objects("Node")
    labels = next(one["metadata"].get("labels") or {} for one in nodes if one["metadata"]["name"] == old)
    reflector = labels.get("route-reflector") == "true"
    history.born += 1
    number = CLUSTERS.index(cluster) + 1
    address = f"10.{number}.1.{history.born}"
    new = NodeDocument(name=f"n{number}-new{history.born}", address=address, zone="1", reflector=reflector)
    history.meddle((cluster,))
    world.replace_node(cluster, old, new)
    history.meddle((cluster,))
    if reflector and not history.variant.bare:
        _move_connection(history, cluster, new)


def _move_connection(history: History, cluster: str, new: NodeDocument) -> None:
    """Old connection out, new one in, half a minute later."""
    world = history.desk.world
    server = world.hubs[HUB].route_server
    addresses = {
        entry["address"] for one in world.clusters[cluster].api.objects("Node") for entry in one["status"]["addresses"]
    }
    subnet = f"10.{CLUSTERS.index(cluster) + 1}."
    stale = [
        one.name
        for one in server.connections.values()
        if one.peer_ip.startswith(subnet) and one.peer_ip not in addresses
    ]

    def out() -> None:
        with suppress(ArmError):
            server.delete(stale[0])

    def put() -> None:
        with suppress(ArmError):
            body = {"properties": {"peerIp": new.address, "peerAsn": world.clusters[cluster].document.asn}}
            server.put(f"{cluster}-{new.name}", body)

    if stale:
        world.clock.schedule(10, out)
    world.clock.schedule(40, put)


def apply_terraform(history: History) -> None:
    """Each reflector has its Route Server connection again, and nothing else has one; unless connections are ours."""
    if history.variant.bare:
        return
    world = history.desk.world
    server = world.hubs[HUB].route_server
    for cluster, member in world.clusters.items():
        reflectors = {
            internal_ip(one): name_of(one)
            for one in member.api.objects("Node")
            if labels_of(one).get("route-reflector") == "true"
        }
        subnet = f"10.{CLUSTERS.index(cluster) + 1}."
        for key, one in list(server.connections.items()):
            if one.peer_ip.startswith(subnet) and one.peer_ip not in reflectors:
                del server.connections[key]
        standing = {one.peer_ip for one in server.connections.values()}
        for address in reflectors.keys() - standing:
            with suppress(ArmError):
                server.seed(f"{cluster}-{reflectors[address]}", address, member.document.asn)


@deed(Group.NODES, "node number {1} of {0} is cordoned: {2}")
def cordon(history: History, cluster: str, which: int, cordoned: bool) -> None:
    """No new pods there."""
    names = _nodes(history, cluster)
    history.desk.world.clusters[cluster].cordon(names[which % len(names)], cordoned=cordoned)
    history.meddle((cluster,))


@deed(Group.NODES, "node number {1} of {0} falls silent")
def silence_node(history: History, cluster: str, which: int) -> None:
    """Its kubelet no longer answers."""
    names = _nodes(history, cluster)
    name = names[which % len(names)]
    history.desk.world.clusters[cluster].set_node_ready(name, ready=False)
    history.meddle((cluster,), lasting=f"node {cluster}")


@deed(Group.NODES, "all nodes of {0} answer again")
def wake_nodes(history: History, cluster: str) -> None:
    """And take pods."""
    for name in _nodes(history, cluster):
        history.desk.world.clusters[cluster].set_node_ready(name, ready=True)
        history.desk.world.clusters[cluster].cordon(name, cordoned=False)
    history.lasting.discard(f"node {cluster}")
    history.meddle((cluster,))


@deed(Group.GATEWAYS, "no new gateway pod of {1} on {0} becomes ready")
def fail_gateways(history: History, cluster: str, tenant: str) -> None:
    """Ready ones stay so."""
    history.desk.world.clusters[cluster].fail_pods(f"{tenant}-egw")
    history.meddle((cluster,), lasting=f"gateways of {tenant} on {cluster}")


@deed(Group.GATEWAYS, "all gateway pods of {1} on {0} fail")
def crash_gateways(history: History, cluster: str, tenant: str) -> None:
    """The ready ones too."""
    history.desk.world.clusters[cluster].crash_pods(f"{tenant}-egw")
    history.meddle((cluster,), lasting=f"gateways of {tenant} on {cluster}")


@deed(Group.GATEWAYS, "gateway pods of {1} on {0} work again")
def heal_gateways(history: History, cluster: str, tenant: str) -> None:
    """The end of both."""
    history.desk.world.clusters[cluster].heal_pods(f"{tenant}-egw")
    history.lasting.discard(f"gateways of {tenant} on {cluster}")
    history.meddle((cluster,))


# --- Azure --------------------------------------------------------------------------------------------------------


@deed(Group.AZURE, "the next {0} firewall operations fail, late: {1}")
def fail_operations(history: History, count: int, late: bool) -> None:
    """Accepted, then failed."""
    history.desk.world.hubs[HUB].fail_next_operation(count, late=late)
    history.conditions.add(OPERATION_FAILS)


@deed(Group.AZURE, "the firewall refuses everything with {0}")
def refuse_content(history: History, site: str) -> None:
    """Without naming anything."""
    history.desk.world.hubs[HUB].refuse_contents(site)
    history.conditions.add(CONTENT_REFUSED)


@deed(Group.AZURE, "the firewall works again")
def accept_content(history: History) -> None:
    """No content is refused, no operation made to fail."""
    history.desk.world.hubs[HUB].accept_contents()
    history.conditions -= {CONTENT_REFUSED, OPERATION_FAILS}


@deed(Group.AZURE, "somebody else writes to the base policy for {0} s, visible: {1}, refusals as {2}")
def occupy(history: History, seconds: float, visible: bool, refusal: str) -> None:
    """The policy is busy."""
    hub = history.desk.world.hubs[HUB]
    hub.refuse_with(Refusal(refusal))
    with suppress(ArmError):
        hub.busy(seconds, visible=visible)
        history.conditions.add(POLICY_BUSY)
        history.desk.world.clock.schedule(seconds, lambda: history.conditions.discard(POLICY_BUSY))


@deed(Group.AZURE, "somebody else has used up the {0} of the subscription")
def throttle(history: History, bucket: str) -> None:
    """The token bucket is empty."""
    history.desk.world.hubs[HUB].throttling.drain(Bucket(bucket))


# --- calls --------------------------------------------------------------------------------------------------------


@deed(Group.TROUBLE, "{0} {1} {2}: {3}, from call {4} on, {5} times")
def trouble(
    history: History, target: str, verb: str, kind: str, action: str, nth: int, count: int, status: int
) -> None:
    """A fault on calls; count 0 is for ever."""
    history.desk.world.faults.add(
        Fault(
            target=target,
            verb=verb,
            kind=kind,
            action=FaultAction(action),
            nth=nth,
            count=count,
            status=status,
            seconds=20.0,
            retry_after=30.0 if status == 429 else None,
        )
    )


@deed(Group.TROUBLE, "the process will die on {0} when {1} of several namespaces have been pointed")
def die_between(history: History, cluster: str, done: int) -> None:
    """Between the k-th and the next patch of a namespace in one pass."""
    history.desk.world.faults.add(
        Fault(
            target=f"cluster/{cluster}", verb="patch", kind="Namespace", action=FaultAction.CRASH_BEFORE, nth=done + 1
        )
    )


@deed(Group.TROUBLE, "calls work again")
def clear_trouble(history: History) -> None:
    """All faults on calls are taken back."""
    history.desk.world.faults.clear()
    history.desk.world.clusters["spoke1"].api.calico_apiserver_down = False
    history.conditions.discard(API_DOWN)


@deed(Group.TROUBLE, "the Calico API server of spoke1 is down")
def calico_down(history: History) -> None:
    """An aggregated group answers 503."""
    history.desk.world.clusters["spoke1"].api.calico_apiserver_down = True
    history.conditions.add(API_DOWN)


# --- what is remembered -------------------------------------------------------------------------------------------


@deed(Group.MEMORY, "the ledger is lost (state too: {0})")
def lose_ledger(history: History, state_too: bool) -> None:
    """All records are gone."""
    history.ledger.records.clear()
    if state_too:
        history.state.state = HubState()


@deed(Group.MEMORY, "the state is lost")
def lose_state(history: History) -> None:
    """All but decisions."""
    history.state.state = HubState()
    history.desk.checkpoint = None


@deed(Group.MEMORY, "the ledger cannot be read")
def damage_ledger(history: History) -> None:
    """Until it is restored."""
    history.ledger.unreadable = "line 3 is damaged"
    history.conditions.add(LEDGER_UNREADABLE)


@deed(Group.MEMORY, "the ledger can be read again")
def restore_ledger(history: History) -> None:
    """From a backup."""
    history.ledger.unreadable = ""
    history.conditions.discard(LEDGER_UNREADABLE)


@deed(Group.MEMORY, "the process will die {0} it appends to the ledger")
def die_in_ledger(history: History, when: str) -> None:
    """Before or after."""
    history.ledger.dies = when
    history.conditions.add(LEDGER_DEATH)


@deed(Group.MEMORY, "the process will die before it writes its state")
def die_in_state(history: History) -> None:
    """Everything else was done."""
    history.state.dies = True


@deed(Group.CLUSTER, "somebody notes a secret on {1} of {0}")
def note_secret(history: History, cluster: str, namespace: str) -> None:
    """In an annotation that is nobody's business."""
    body = {"metadata": {"annotations": {"team/note": CANARY}}}
    history.desk.world.clusters[cluster].api.merge_patch("Namespace", None, namespace, body, manager="kubectl-edit")
