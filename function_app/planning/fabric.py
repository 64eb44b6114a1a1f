"""The network that a cluster's tenants stand on: route reflectors, the peering with them, the node-to-node mesh.

    label on a node (somebody's) -> cluster id on the node -> peering nodes <-> reflectors -> mesh off
                                                           -> Route Server connection (`connections.py`)

Becoming a reflector takes a node out of the mesh at once and interrupts its pods for seconds, so that goes one node at a time,
and only while nobody depends on that node alone. The mesh goes only when every reflector is seen to have every session. The
filter and the peerings with Route Server are `shared_plan.py`, a cluster's leave-taking is `leaving.py`.
"""

from __future__ import annotations

from dataclasses import replace

from function_app.model.names import cluster_target
from function_app.model.plan import Change, ChangeReason, MergePatch, Refusal, RefusalCode, Verb, WaitsFor
from function_app.model.resources import Kind, Resource, ResourceId
from function_app.planning import RELEASE
from function_app.planning.bgp_configuration import plan_configuration, plan_mesh
from function_app.planning.cluster_resources import (
    REFLECTOR_PEER_NAME,
    node_status,
    reflector_peer,
)
from function_app.planning.compare import differences
from function_app.planning.connections import barred
from function_app.planning.facts import Facts
from function_app.planning.firewall_resources import digest_of
from function_app.planning.keeping import Draft, behind_a_person, delete, keep, rendered_key, shared_change
from function_app.planning.ownership import ours, owned_paths
from function_app.planning.placing import excluding
from function_app.planning.reflectors import (
    CLUSTER_ID_ANNOTATION,
    Loss,
    Reflectors,
    anything_routed,
    lost_without,
    peered,
    reflectors_of,
    unsettled,
    untold,
)
from function_app.planning.situation import Situation
from function_app.planning.stages import internal_address

_ANNOTATION_PATH = ("metadata", "annotations", CLUSTER_ID_ANNOTATION)


def plan_fabric(situation: Situation, facts: Facts, draft: Draft) -> None:
    """Everything of a cluster's fabric that the definition implies and the cluster lacks."""
    reflectors = reflectors_of(facts.definition, facts.observed)
    if not reflectors.nodes:
        draft.refused.append(_no_reflectors(facts, reflectors))
        return
    _tell_of_few(facts, draft, reflectors)
    _tell_of_gateways(facts, draft, reflectors)
    written = plan_configuration(situation, facts, draft)
    _plan_statuses(situation, facts, draft, reflectors)
    standing = bool(reflectors.annotated) and _plan_peering(situation, facts, draft, frozenset())
    marked = _plan_cluster_ids(situation, facts, draft, reflectors, standing=standing)
    if marked is not None and not reflectors.annotated:
        standing = _plan_peering(situation, facts, draft, frozenset({marked}))
    if not written:
        plan_mesh(situation, facts, draft, reflectors, standing=standing)


def _no_reflectors(facts: Facts, reflectors: Reflectors) -> Refusal:
    selector = facts.definition.spec.bgp.reflectors.selector
    why = "no node matches it" if reflectors.understood else "it is no Calico selector"
    message = (
        f"{facts.name} has no route reflector: spec.bgp.reflectors.selector is {selector!r} and {why}. Nothing of its BGP is "
        "changed. Label at least two nodes (on AKS a label of their node pool), or correct the selector."
    )
    return Refusal(RefusalCode.FABRIC, f"cluster/{facts.name}", message)


def _tell_of_few(facts: Facts, draft: Draft, reflectors: Reflectors) -> None:
    count = len(reflectors.ready)
    if count >= 2:
        return
    which = f"only {reflectors.ready[0].id.name} is a ready route reflector" if count else "no route reflector is ready"
    what = "the moment it is replaced or restarts" if count else "until one is"
    draft.notes.append(f"{facts.name}: {which}; Route Server loses every tenant's route {what}. Have at least two")


def _tell_of_gateways(facts: Facts, draft: Draft, reflectors: Reflectors) -> None:
    wanted = facts.definition.spec.bgp.reflectors
    if not wanted.dedicated:
        return
    if excluding(wanted.selector) is not None:
        nodes = facts.observed.of(Kind.NODE)
        if len(reflectors.nodes) == len(nodes):
            message = (
                f"All {len(nodes)} nodes of {facts.name} are route reflectors, and gateways do not run on those: their pods have "
                "nowhere to go. Label fewer nodes, add some, or write spec.bgp.reflectors.dedicated: false."
            )
            subject = f"{cluster_target(facts.name)} {Kind.EGRESS_GATEWAY}"
            draft.refused.append(Refusal(RefusalCode.FABRIC, subject, message))
    else:
        draft.notes.append(
            f"{facts.name}: gateways are not kept off reflectors, since {wanted.selector!r} cannot be told to the scheduler. Write "
            "KEY == 'VALUE' or has(KEY), joined by &&"
        )


# --- reflectors --------------------------------------------------------------------------------------------------------


def _plan_cluster_ids(
    situation: Situation, facts: Facts, draft: Draft, reflectors: Reflectors, *, standing: bool
) -> ResourceId | None:
    """One node a pass gets the cluster id, or loses one of ours; the node that is written.

    `standing` says that the peering stands, or comes by what passes do.
    """
    cluster_id = facts.definition.spec.bgp.reflectors.cluster_id
    for node in reflectors.nodes:
        key = rendered_key(facts.name, node.id)
        draft.wanted.add(key)
        if node.annotations.get(CLUSTER_ID_ANNOTATION) == cluster_id:
            draft.rendered[key] = (cluster_id, RELEASE)
    lacking = [node for node in reflectors.ready if node not in reflectors.annotated]
    changes = [_marking(situation, facts, node, cluster_id) for node in lacking]
    if not situation.hub.doubt:
        changes += [_unmarking(situation, facts, node) for node in strays(facts, reflectors)]
    if not changes:
        return None
    if len(reflectors.nodes) == 1 and lacking and lost_without(situation, facts, [internal_address(lacking[0])]).words:
        draft.notes.append(
            f"{facts.name}: {lacking[0].id.name} does not get its cluster id: traffic needs its routes, which that interrupts. "
            "Add a second reflector first"
        )
        return None
    nodes = {node.id: node for node in facts.observed.of(Kind.NODE)}
    stuck = barred(situation, facts, draft.changes)
    losses = [
        _hindrance(situation, facts, draft, reflectors, nodes[one.resource], standing=standing, stuck=stuck)
        for one in changes
    ]
    turn = next(
        (at for at, (one, loss) in enumerate(zip(changes, losses, strict=True)) if not (loss.words or one.waits_for)),
        None,
    )
    draft.changes.extend(
        _placed(one, loss, turn=at == turn) for at, (one, loss) in enumerate(zip(changes, losses, strict=True))
    )
    return changes[turn].resource if turn is not None else None


def strays(facts: Facts, reflectors: Reflectors) -> list[Resource]:
    """Nodes that are reflectors no more and bear the cluster id that we gave them."""
    cluster_id = facts.definition.spec.bgp.reflectors.cluster_id
    return [
        node
        for node in facts.observed.of(Kind.NODE)
        if node not in reflectors.nodes and bears_our_id(node, cluster_id) and not node.terminating
    ]


def bears_our_id(node: Resource, cluster_id: str) -> bool:
    """The node's cluster id is the defined one, and our field manager wrote it."""
    return node.annotations.get(CLUSTER_ID_ANNOTATION) == cluster_id and _ANNOTATION_PATH in owned_paths(node)


def _marking(situation: Situation, facts: Facts, node: Resource, cluster_id: str) -> Change:
    before = situation.state.rendered.get(rendered_key(facts.name, node.id))
    found = node.annotations.get(CLUSTER_ID_ANNOTATION)
    reason = ChangeReason.NEW if found is None else ChangeReason.EDITED
    if before is not None and before[0] == cluster_id:
        reason = ChangeReason.DRIFT
    words = f"it is a route reflector and its cluster id is {found or 'not set'}, not {cluster_id}"
    patch = MergePatch({"metadata": {"annotations": {CLUSTER_ID_ANNOTATION: cluster_id}}})
    return shared_change(situation, facts, Verb.UPDATE, node.id, reason, words, patch)


def _unmarking(situation: Situation, facts: Facts, node: Resource) -> Change:
    return shared_change(
        situation,
        facts,
        Verb.UPDATE,
        node.id,
        ChangeReason.REMOVED,
        "it is no route reflector any more and bears the cluster id that we gave it",
        unmark(),
    )


def unmark() -> MergePatch:
    """Takes the cluster id off a node."""
    return MergePatch({"metadata": {"annotations": {CLUSTER_ID_ANNOTATION: None}}})


def _hindrance(
    situation: Situation,
    facts: Facts,
    draft: Draft,
    reflectors: Reflectors,
    node: Resource,
    *,
    standing: bool,
    stuck: bool,
) -> Loss:
    """Why a node may not be interrupted now: another reflector is not settled, or somebody depends on this one alone.

    Until the peering stands the mesh alone knows the way to what runs on a node, and a reflector is not in the mesh.
    `stuck` says that no other connection comes before a person acts.
    """
    if reflectors.annotated and not peered(facts):
        return Loss("the peering with the reflectors comes first", person=not standing)
    if not anything_routed(facts):
        return Loss("")
    if peered(facts):
        for other in reflectors.annotated:
            if other.id != node.id and (words := unsettled(facts.observed, other)):
                return Loss(words, person=untold(facts, draft, other.id.name))
    cut_off = "" if peered(facts) else node.id.name
    loss = lost_without(situation, facts, [internal_address(node)], cut_off)
    return replace(loss, person=loss.person or stuck)


def _placed(change: Change, loss: Loss, *, turn: bool) -> Change:
    """The first one that hurts nobody is ready; the others wait for their turn."""
    if change.waits_for is not None:
        return change
    hindrance = loss.words or ("" if turn else "one node at a time")
    return Change(
        change.verb,
        change.target,
        change.resource,
        change.reason,
        f"{change.because}; {hindrance}" if hindrance else change.because,
        change.write,
        loss.waits or WaitsFor.FABRIC if hindrance else None,
        evidence_at=loss.evidence_at if turn else None,
    )


# --- the peering and its witnesses -------------------------------------------------------------------------------------


def _plan_peering(situation: Situation, facts: Facts, draft: Draft, needs: frozenset[ResourceId]) -> bool:
    """Whether it stands, or comes by what passes do."""
    wanted = reflector_peer(situation.hub.name, facts.definition)
    draft.wanted.add(rendered_key(facts.name, wanted.id))
    selector = str(wanted.spec["peerSelector"])
    rival = next(
        (
            other.id.name
            for other in facts.observed.of(Kind.BGP_PEER)
            if other.id != wanted.id and str(other.spec.get("peerSelector", "")) == selector
        ),
        None,
    )
    if rival is not None:
        message = (
            f"BGPPeer {rival} on {facts.name} already peers with the nodes that {selector!r} selects and is not ours; two peerings "
            "between the same nodes make either win by chance. Delete it, or rename it to "
            f"{REFLECTOR_PEER_NAME} and set spec.bgp.adopt."
        )
        draft.refused.append(Refusal(RefusalCode.FOREIGN_PEER, f"cluster/{facts.name}", message))
        return False
    kept = keep(
        situation,
        facts,
        draft,
        wanted,
        source=digest_of(wanted.body),
        adopt=facts.definition.spec.bgp.adopt,
        needs=needs,
    )
    return kept and not behind_a_person(facts, draft, wanted.id)


def _plan_statuses(situation: Situation, facts: Facts, draft: Draft, reflectors: Reflectors) -> None:
    """One CalicoNodeStatus a reflector; somebody else's that tells the same of the same node serves as well."""
    names = {node.id.name for node in reflectors.nodes}
    for name in sorted(names):
        wanted = node_status(situation.hub.name, name)
        found = facts.observed.resources.get(wanted.id)
        if found is not None and not ours(found, situation.hub.name, ()) and not _spec_differs(wanted, found):
            continue
        keep(situation, facts, draft, wanted, source=digest_of(wanted.body))
    for found in facts.observed.of(Kind.CALICO_NODE_STATUS):
        if found.id.name not in names and ours(found, situation.hub.name, ()) and not found.terminating:
            words = "the node that it tells of is no route reflector any more"
            draft.changes.append(delete(facts.name, found, ChangeReason.REMOVED, words))


def _spec_differs(wanted: Resource, found: Resource) -> bool:
    return any(path.startswith("spec") for path in differences(wanted, found))
