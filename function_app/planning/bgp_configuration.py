"""A cluster's BGPConfiguration: somebody else's object, of which two keys are ours, the AS number and the node-to-node mesh."""

from __future__ import annotations

from enum import Enum, auto

from function_app.model.plan import Apply, ChangeReason, MergePatch, Refusal, RefusalCode, Verb, WaitsFor
from function_app.model.resources import Kind, Resource, ResourceId, RouteServerObservation
from function_app.planning import RELEASE
from function_app.planning.cluster_resources import (
    BGP_CONFIGURATION_NAME,
    DEFAULT_ASN,
    REFLECTOR_PEER_NAME,
    bgp_configuration,
)
from function_app.planning.facts import Facts
from function_app.planning.keeping import Draft, rendered_key, shared_change
from function_app.planning.reflectors import CONNECTED, Reflectors, anything_routed, peering_stands, unsettled, untold
from function_app.planning.situation import Situation
from function_app.planning.stages import cluster_connections

_CONFIGURATION = ResourceId(Kind.BGP_CONFIGURATION, BGP_CONFIGURATION_NAME)


def plan_configuration(situation: Situation, facts: Facts, draft: Draft) -> bool:
    """The AS number; True when the object is written in this pass."""
    asn = facts.definition.spec.bgp.asn
    key = rendered_key(facts.name, _CONFIGURATION)
    draft.wanted.update((key, _mesh_key(facts)))
    found = facts.observed.resources.get(_CONFIGURATION)
    before = situation.state.rendered.get(key)
    standing = int((found.spec.get("asNumber") if found is not None else None) or DEFAULT_ASN)
    as_before = before is not None and before[0] == str(asn)
    if found is not None and standing != asn and not as_before and anything_routed(facts):
        draft.refused.append(_other_asn(facts, standing, asn))
        return False
    carried = _carried(situation, facts, standing) if standing != asn else _Carried.NOTHING
    if carried is _Carried.TENANTS:
        draft.refused.append(_under_another_asn(facts, standing, asn))
        return False
    waiting, at = WaitsFor.FABRIC if carried is _Carried.UNKNOWN else None, facts.observed.at
    if found is None:
        reason = ChangeReason.DRIFT if before is not None else ChangeReason.NEW
        words = "it was deleted outside Git" if before is not None else "Calico's installation does not make it"
        write = Apply(bgp_configuration(asn).body)
        draft.changes.append(
            shared_change(situation, facts, Verb.CREATE, _CONFIGURATION, reason, words, write, waiting=waiting, at=at)
        )
        return True
    if standing == asn:
        draft.rendered[key] = (str(asn), RELEASE)
        return False
    reason = ChangeReason.DRIFT if as_before else ChangeReason.EDITED
    words = f"the cluster's AS number is {standing}, the definition's {asn}"
    patch = MergePatch({"spec": {"asNumber": asn}})
    draft.changes.append(
        shared_change(situation, facts, Verb.UPDATE, _CONFIGURATION, reason, words, patch, waiting=waiting, at=at)
    )
    return True


class _Carried(Enum):
    """What sessions with Route Server under the AS number that stands carry."""

    NOTHING = auto()
    TENANTS = auto()
    UNKNOWN = auto()


def _carried(situation: Situation, facts: Facts, standing: int) -> _Carried:
    """A number that was changed on the cluster alone has no session; changed on both sides, routes may depend on it."""
    if not anything_routed(facts):
        return _Carried.NOTHING
    route_server = situation.observations.route_server
    if not isinstance(route_server, RouteServerObservation):
        return _Carried.UNKNOWN
    connections = cluster_connections(facts.definition, route_server)
    up = any(one.peer_asn == standing and one.state == CONNECTED for one in connections)
    return _Carried.TENANTS if up else _Carried.NOTHING


def _under_another_asn(facts: Facts, standing: int, asn: int) -> Refusal:
    message = (
        f"The AS number of {facts.name} is {standing}, the definition asks for {asn}; connections of Route Server were changed "
        f"to {standing} as well, and traffic is routed over them. Changing the number drops these sessions, so nothing is "
        f"put back. Write asn: {standing} in the definition; another number can be had when nothing is routed."
    )
    return Refusal(RefusalCode.IMMUTABLE, f"cluster/{facts.name} {_CONFIGURATION}", message)


def _other_asn(facts: Facts, standing: int, asn: int) -> Refusal:
    message = (
        f"The AS number of {facts.name} is {standing}, the definition asks for {asn}, and traffic is routed there. "
        "Changing it drops every BGP session of the cluster at once, and Route Server refuses the new number until its "
        f"connections name it. Write asn: {standing}, or change the number when nothing is routed."
    )
    return Refusal(RefusalCode.IMMUTABLE, f"cluster/{facts.name} {_CONFIGURATION}", message)


def plan_mesh(situation: Situation, facts: Facts, draft: Draft, reflectors: Reflectors, *, standing: bool) -> None:
    """Off for good once the reflectors are seen to carry everything; a cluster with one reflector keeps it."""
    found = facts.observed.resources.get(_CONFIGURATION)
    if found is None or len(reflectors.nodes) < 2:
        return
    key = _mesh_key(facts)
    if not mesh_is_on(found):
        draft.rendered[key] = ("off", RELEASE)
        return
    missing = _mesh_needs(facts, reflectors, standing=standing)
    reason = ChangeReason.DRIFT if key in situation.state.rendered else ChangeReason.NEW
    words = (
        "the reflectors have taken its place" if not missing else f"the reflectors have not taken its place: {missing}"
    )
    if reason is ChangeReason.DRIFT:
        words = f"somebody turned the node-to-node mesh on; {words}"
    patch = MergePatch({"spec": {"nodeToNodeMeshEnabled": False}})
    draft.changes.append(
        shared_change(
            situation,
            facts,
            Verb.UPDATE,
            _CONFIGURATION,
            reason,
            words,
            patch,
            waiting=_waits(facts, draft, reflectors, missing, standing=standing),
            at=facts.observed.at,
        )
    )


def _waits(facts: Facts, draft: Draft, reflectors: Reflectors, missing: str, *, standing: bool) -> WaitsFor | None:
    """For the fabric to settle, or for the person for whom a cluster id, the peering or what tells of sessions waits."""
    if not missing:
        return None
    marking = any(one.resource.kind is Kind.NODE and one.waits_for is WaitsFor.PERSON for one in draft.changes)
    unpeered = bool(reflectors.annotated) and not standing
    unseen = any(untold(facts, draft, node.id.name) for node in reflectors.ready)
    return WaitsFor.PERSON if marking or unpeered or unseen else WaitsFor.FABRIC


def _mesh_key(facts: Facts) -> str:
    """Under which key the state remembers that the mesh was off."""
    return f"{rendered_key(facts.name, _CONFIGURATION)} mesh"


def mesh_is_on(configuration: Resource | None) -> bool:
    """Calico's default is on."""
    return configuration is None or configuration.spec.get("nodeToNodeMeshEnabled") is not False


def _mesh_needs(facts: Facts, reflectors: Reflectors, *, standing: bool) -> str:
    if len(reflectors.annotated) < 2 or len(reflectors.annotated) < len(reflectors.ready):
        return f"{len(reflectors.annotated)} of {max(2, len(reflectors.ready))} reflectors have their cluster id"
    if not standing or not peering_stands(facts):
        return f"BGPPeer {REFLECTOR_PEER_NAME} does not stand as it should"
    return next((words for node in reflectors.ready if (words := unsettled(facts.observed, node))), "")
