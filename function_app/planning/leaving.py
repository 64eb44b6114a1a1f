"""A cluster leaves: what is ours on it goes step by step, each seen done before the next begins.

    connections to Route Server (`connections.py`) -> peers that carry the filter -> mesh on again -> cluster ids off, one node a
    pass -> peering with the reflectors -> CalicoNodeStatus -> the filter, last

Nothing begins before the last tenant's gateway has gone. `egressIPSupport` stays on: pods that somebody else points at gateways
of his own would leave as nodes without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from function_app.model.names import cluster_target
from function_app.model.plan import Change, ChangeReason, MergePatch, Refusal, RefusalCode, Verb, WaitsFor
from function_app.model.resources import Kind, Resource, RouteServerObservation
from function_app.planning.bgp_configuration import mesh_is_on
from function_app.planning.cluster_resources import (
    BGP_CONFIGURATION_NAME,
    FILTER_NAME,
    PEER_NAMES,
    REFLECTOR_PEER_NAME,
    lists_filter,
)
from function_app.planning.connections import ours_of
from function_app.planning.fabric import bears_our_id, unmark
from function_app.planning.facts import Facts
from function_app.planning.keeping import Draft, delete
from function_app.planning.ownership import ours
from function_app.planning.situation import Situation

_WORDS = "the cluster leaves the hub"


def plan_leaving(situation: Situation, facts: Facts, draft: Draft) -> None:
    """The first step that is not done yet; a note when all are."""
    if not _connections_gone(situation, facts):
        return
    for step in (_peers(situation, facts), _mesh(facts), _cluster_ids(facts), _rest(situation, facts)):
        changes = list(step)
        if changes:
            draft.changes.extend(changes)
            return
    if not _take_filter(situation, facts, draft):
        draft.notes.append(
            f"{facts.name} has left: nothing of ours is on it but egressIPSupport, which stays. Its file can be removed"
        )


def _connections_gone(situation: Situation, facts: Facts) -> bool:
    observed = situation.observations.route_server
    if not isinstance(observed, RouteServerObservation):
        return False
    return not ours_of(facts.name, observed)


def _own(situation: Situation, facts: Facts, kind: Kind) -> Iterator[Resource]:
    return (one for one in facts.observed.of(kind) if ours(one, situation.hub.name, ()) and not one.terminating)


def _peers(situation: Situation, facts: Facts) -> Iterator[Change]:
    for peer in _own(situation, facts, Kind.BGP_PEER):
        if peer.id.name in PEER_NAMES:
            yield delete(facts.name, peer, ChangeReason.REMOVED, _WORDS)


def _mesh(facts: Facts) -> Iterator[Change]:
    found = facts.observed.get(Kind.BGP_CONFIGURATION, BGP_CONFIGURATION_NAME)
    if found is not None and not mesh_is_on(found):
        write = MergePatch({"spec": {"nodeToNodeMeshEnabled": True}})
        words = f"{_WORDS} and its nodes need their mesh again"
        yield Change(Verb.UPDATE, cluster_target(facts.name), found.id, ChangeReason.REMOVED, words, write)


def _cluster_ids(facts: Facts) -> Iterator[Change]:
    cluster_id = facts.definition.spec.bgp.reflectors.cluster_id
    for node in facts.observed.of(Kind.NODE):
        if bears_our_id(node, cluster_id) and not node.terminating:
            yield Change(Verb.UPDATE, cluster_target(facts.name), node.id, ChangeReason.REMOVED, _WORDS, unmark())
            return


def _rest(situation: Situation, facts: Facts) -> Iterator[Change]:
    for peer in _own(situation, facts, Kind.BGP_PEER):
        if peer.id.name == REFLECTOR_PEER_NAME:
            yield delete(facts.name, peer, ChangeReason.REMOVED, _WORDS)
    for status in _own(situation, facts, Kind.CALICO_NODE_STATUS):
        yield delete(facts.name, status, ChangeReason.REMOVED, _WORDS)


def _take_filter(situation: Situation, facts: Facts, draft: Draft) -> bool:
    """Whether it is still there; a peer that lists it, until it is gone itself, would export everything without it."""
    found = next((one for one in _own(situation, facts, Kind.BGP_FILTER) if one.id.name == FILTER_NAME), None)
    if found is None:
        return False
    users = [peer for peer in facts.observed.of(Kind.BGP_PEER) if lists_filter(peer)]
    if staying := [peer.id.name for peer in users if not peer.terminating]:
        message = (
            f"BGPFilter {FILTER_NAME} stays on {facts.name}: BGPPeer {', '.join(staying)} lists it and is not ours, and would "
            "export every pool without it. Take the filter out of that peer, or delete the peer."
        )
        draft.refused.append(Refusal(RefusalCode.FOREIGN_PEER, str(cluster_target(facts.name)), message))
        return True
    words, waits = _WORDS, None
    if users:
        words += f"; BGPPeer {', '.join(peer.id.name for peer in users)} lists the filter and is going"
        waits = WaitsFor.FABRIC
    draft.changes.append(delete(facts.name, found, ChangeReason.REMOVED, words, waits=waits))
    return True
