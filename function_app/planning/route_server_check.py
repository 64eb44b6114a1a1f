"""Whether Route Server is the one that the hub's definition describes: peers written for another one never come up."""

from __future__ import annotations

from function_app.model.names import route_server_target
from function_app.model.plan import Refusal, RefusalCode
from function_app.model.resources import RouteServerObservation
from function_app.planning.situation import Situation


def route_server_differs(situation: Situation) -> Refusal | None:
    """Why no BGPPeer to Route Server and no BGP connection is written; None when it is as defined, unread or does not say."""
    observed = situation.observations.route_server
    if not isinstance(observed, RouteServerObservation):
        return None
    defined = situation.hub.hub.spec.route_server
    properties = observed.hub.get("properties") or {}
    number = properties.get("virtualRouterAsn") or defined.asn
    addresses = tuple(str(one) for one in properties.get("virtualRouterIps") or defined.peer_ips)
    if number == defined.asn and set(addresses) == set(defined.peer_ips):
        return None
    message = (
        f"Route Server {defined.name} has AS number {number} and the addresses {', '.join(addresses)}, the definition says "
        f"{defined.asn} and {', '.join(defined.peer_ips)}: peerings written from it would never be Established, and those that "
        "stand would be lost. No BGPPeer to Route Server and no BGP connection is written. Correct spec.routeServer.asn and "
        f"peerIPs in hubs/{situation.hub.name}.yaml, or spec.routeServer.name if another Route Server is meant."
    )
    return Refusal(RefusalCode.PREFLIGHT, str(route_server_target(situation.hub.name)), message)
