"""What all attachments of a cluster share: the filter, the peers that carry it, and the switch for egress gateways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network

from function_app.model.ledger import Generation, Holding
from function_app.model.names import AttachmentKey, ClusterName, HubName, TargetName, cluster_target
from function_app.model.once import once
from function_app.model.plan import (
    Apply,
    Change,
    ChangeReason,
    MergePatch,
    Refusal,
    RefusalCode,
    Verb,
)
from function_app.model.resources import Kind, Resource, ResourceId
from function_app.planning import RELEASE
from function_app.planning.cluster_resources import (
    EGRESS_SUPPORT,
    EGRESS_SUPPORT_KEY,
    EGRESS_SUPPORT_PER_POD,
    FELIX_NAME,
    FILTER_NAME,
    PEER_NAMES,
    export_filter,
    lists_filter,
    route_server_peers,
)
from function_app.planning.connections import filter_holds
from function_app.planning.facts import Facts, pods_left
from function_app.planning.firewall_resources import digest_of
from function_app.planning.generations import Intent
from function_app.planning.hand_made import shut_out
from function_app.planning.keeping import Draft, keep, rendered_key, report_only
from function_app.planning.ownership import ours
from function_app.planning.route_server_check import route_server_differs
from function_app.planning.situation import Situation


def plan_shared(situation: Situation, facts: Facts, intents: Iterable[Intent], draft: Draft) -> None:
    """The filter with an Accept for every range that may have pods, the peers that carry it, and the egress switch."""
    live = [one for one in facts.generations.values() if _advertise(facts, one)]
    ranges = tuple(one.range for one in live if _lies_in(one, facts.definition.spec.egress_cidr))
    keys = tuple(sorted({one.key for one in live}))
    adopting = facts.definition.spec.bgp.adopt
    barred = _barred(situation, facts, ranges) if adopting else ""
    wanted_filter, source = _wanted_filter(facts.observed.get(Kind.BGP_FILTER, FILTER_NAME), situation.hub.name, ranges)
    closes = _closes(situation, facts, ranges)
    if closes is not None:
        draft.wanted.add(rendered_key(facts.name, wanted_filter.id))
        draft.refused.append(closes)
    standing = closes is None and keep(
        situation, facts, draft, wanted_filter, source=source, keys=keys, adopt=adopting, barred=barred
    )
    peers = route_server_peers(situation.hub.name, facts.definition, situation.hub.hub.spec.route_server)
    draft.wanted.update(rendered_key(facts.name, peer.id) for peer in peers)
    if standing and route_server_differs(situation) is None:
        _note_open(facts, draft, wanted_filter.id)
        _plan_peers(situation, facts, draft, peers, wanted_filter.id, adopting=adopting, barred=barred)
    _plan_switch(situation, facts, draft, tuple(intent.key for intent in intents if intent.target))


def _barred(situation: Situation, facts: Facts, ranges: tuple[IPv4Network, ...]) -> str:
    """Why filter and peers that somebody made may not be taken over: what they let out today works, and would be shut out."""
    names = (FILTER_NAME, *PEER_NAMES)
    shared = (*facts.observed.of(Kind.BGP_FILTER), *facts.observed.of(Kind.BGP_PEER))
    if all(one.id.name not in names or ours(one, situation.hub.name, ()) for one in shared):
        return ""
    words = shut_out(facts.name, facts.observed, ranges)
    return words and (
        f"{words}, which no tenant is given here, and the filter would shut that out. Define it with `adopt` and the range that "
        "its pool has, or point nothing at it any more."
    )


def _closes(situation: Situation, facts: Facts, ranges: tuple[IPv4Network, ...]) -> Refusal | None:
    """Peers that somebody made name a filter that is not there and let out everything: the filter would shut out what works."""
    if facts.observed.get(Kind.BGP_FILTER, FILTER_NAME) is not None:
        return None
    naming = [one for one in facts.observed.of(Kind.BGP_PEER) if lists_filter(one)]
    if not naming or any(ours(one, situation.hub.name, ()) for one in naming):
        return None
    words = shut_out(facts.name, facts.observed, ranges)
    if not words:
        return None
    message = (
        f"{naming[0].id} on {facts.name} is not ours and names BGPFilter {FILTER_NAME}, which does not exist, so it lets out every "
        f"range. {words}, which no tenant is given here, and the filter would shut that out. Define it with `adopt` and the range "
        "that its pool has, point nothing at it any more, or take the filter's name off the peer."
    )
    return Refusal(RefusalCode.FOREIGN_RESOURCE, f"{cluster_target(facts.name)} {naming[0].id}", message)


@once
def _lies_in(generation: Generation, egress_cidr: str) -> bool:
    return generation.range.subnet_of(IPv4Network(egress_cidr))


@once
def _wanted_filter(_: Resource | None, hub: HubName, ranges: tuple[IPv4Network, ...]) -> tuple[Resource, str]:
    """The filter and its digest, kept with the filter that was found; what was found does not decide what is wanted."""
    wanted = export_filter(hub, ranges)
    return wanted, digest_of(wanted.body)


def _advertise(facts: Facts, generation: Generation) -> bool:
    return (
        generation.holding is Holding.HELD or bool(pods_left(facts, generation)) or _gateway_exists(facts, generation)
    )


def _gateway_exists(facts: Facts, generation: Generation) -> bool:
    found = (Kind.EGRESS_GATEWAY, Kind.DEPLOYMENT)
    return any(facts.observed.get(kind, generation.gateway, generation.gateway_namespace) is not None for kind in found)


def _note_open(facts: Facts, draft: Draft, filter_id: ResourceId) -> None:
    """No peer is written under a filter that is open and is not put right before it."""
    waits = next((one.waits_for for one in draft.changes if one.resource == filter_id), None)
    if waits is not None and not filter_holds(facts):
        draft.lacking[filter_id] = waits


def _plan_peers(
    situation: Situation,
    facts: Facts,
    draft: Draft,
    peers: tuple[Resource, ...],
    filter_id: ResourceId,
    *,
    adopting: bool,
    barred: str,
) -> None:
    own_names = {peer.id.name for peer in peers}
    for peer in peers:
        address = str(peer.spec["peerIP"])
        rival = next(
            (
                other.id.name
                for other in facts.observed.of(Kind.BGP_PEER)
                if other.id.name not in own_names and str(other.spec.get("peerIP", "")).split(":")[0] == address
            ),
            None,
        )
        if rival is not None:
            message = (
                f"BGPPeer {rival} on {facts.name} already peers with Route Server {address} and is not ours; a second peer for "
                "one address would make either win by chance. Delete it, or rename it to the published name and set spec.bgp.adopt."
            )
            draft.refused.append(Refusal(RefusalCode.FOREIGN_PEER, f"cluster/{facts.name}", message))
            continue
        keep(
            situation,
            facts,
            draft,
            peer,
            source=digest_of(peer.body),
            adopt=adopting,
            barred="" if _is_filtered(facts, peer.id) else barred,
            needs=frozenset({filter_id}),
        )


def _is_filtered(facts: Facts, peer: ResourceId) -> bool:
    """It carries the filter already, so that taking it over shuts nothing out."""
    found = facts.observed.resources.get(peer)
    return found is not None and lists_filter(found)


def open_filters(facts: Mapping[ClusterName, Facts]) -> frozenset[TargetName]:
    """Clusters whose filter does not stand, or lets out more than tenants' ranges."""
    return frozenset(cluster_target(name) for name, one in facts.items() if not filter_holds(one))


def _plan_switch(situation: Situation, facts: Facts, draft: Draft, keys: tuple[AttachmentKey, ...]) -> None:
    felix = facts.observed.get(Kind.FELIX_CONFIGURATION, FELIX_NAME)
    value = str(felix.spec.get(EGRESS_SUPPORT_KEY, "")) if felix is not None else ""
    resource = ResourceId(Kind.FELIX_CONFIGURATION, FELIX_NAME)
    key = rendered_key(facts.name, resource)
    draft.wanted.add(key)
    if value.lower() == EGRESS_SUPPORT_PER_POD.lower():
        draft.notes.append(
            f"{facts.name}: egressIPSupport is {EGRESS_SUPPORT_PER_POD}; a pod's own annotations override its namespace's"
        )
        return
    if value.lower() == EGRESS_SUPPORT.lower():
        draft.rendered[key] = (EGRESS_SUPPORT, RELEASE)
        return
    if not keys:
        return
    reason = ChangeReason.DRIFT if key in situation.state.rendered else ChangeReason.NEW
    body = {"spec": {EGRESS_SUPPORT_KEY: EGRESS_SUPPORT}}
    write: MergePatch | Apply = MergePatch(body)
    if felix is None:
        write = Apply(
            {
                "apiVersion": "projectcalico.org/v3",
                "kind": "FelixConfiguration",
                "metadata": {"name": FELIX_NAME},
                **body,
            }
        )
    words = f"egress gateways work only with egressIPSupport {EGRESS_SUPPORT}, it is {value or 'not set'}"
    verb = Verb.UPDATE if felix is not None else Verb.CREATE
    draft.changes.append(
        Change(
            verb,
            cluster_target(facts.name),
            resource,
            reason,
            words,
            write,
            report_only(situation, facts.name, reason),
            attachments=keys,
        )
    )


def switch_is_on(facts: Facts) -> bool:
    """Annotations on namespaces have an effect."""
    felix = facts.observed.get(Kind.FELIX_CONFIGURATION, FELIX_NAME)
    value = str(felix.spec.get(EGRESS_SUPPORT_KEY, "")) if felix is not None else ""
    return value.lower() in (EGRESS_SUPPORT.lower(), EGRESS_SUPPORT_PER_POD.lower())
