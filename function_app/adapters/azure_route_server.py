"""One Azure Route Server (ARM type virtualHubs), as ports.RouteServerApi.

Learned routes are the answer of an operation: 202 with a Location until it answers 200 (Azure/azure-rest-api-specs,
VirtualRouterPeerListLearnedRoute.json).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from function_app.adapters.answers import Answer, Call
from function_app.adapters.azure_arm import FOREIGN_HOST, ResourceManager, operation_of
from function_app.adapters.azure_refusals import operation_failure
from function_app.model.errors import NotFound, TargetRejected, TargetUnavailable
from function_app.model.names import TargetName
from function_app.model.once import Read, once
from function_app.model.resources import Body
from function_app.ports import RouteListing

_INSTANCE = re.compile(r"RouteServiceRole_IN_\d+")
_ENVELOPES = ("value", "properties", "output")


class AzureRouteServer:
    """A Route Server by its resource id."""

    def __init__(self, target: TargetName, arm: ResourceManager, hub_id: str) -> None:
        self.target = target
        self._arm = arm
        self._hub_id = hub_id

    def hub(self) -> Body:
        """The Route Server; NotFound when it does not exist."""
        return self._arm.get(Call(self.target, "read", "the Route Server"), self._hub_id)

    def connections(self) -> Sequence[Body]:
        """Its BGP connections."""
        call = Call(self.target, "list", "the BGP connections", listing=True)
        return self._arm.pages(call, f"{self._hub_id}/bgpConnections")

    def put_connection(self, name: str, *, peer_ip: str, peer_asn: int) -> str:
        """Start creating or replacing a BGP connection; the operation's URL, empty when ARM names none."""
        call = Call(self.target, "write", f"BgpConnection/{name}")
        body = {"properties": {"peerIp": peer_ip, "peerAsn": peer_asn}}
        return operation_of(self._arm.start(call, "PUT", f"{self._hub_id}/bgpConnections/{quote(name, safe='')}", body))

    def delete_connection(self, name: str) -> str:
        """Start deleting a BGP connection; the operation's URL, empty when it was already gone."""
        call = Call(self.target, "delete", f"BgpConnection/{name}")
        return self._arm.delete(call, f"{self._hub_id}/bgpConnections/{quote(name, safe='')}")

    def start_learned_routes(self, connection: str) -> RouteListing:
        """Ask for the routes; they seldom come at once, so usually the operation's URL comes back. It is not polled here."""
        call = Call(self.target, "list", f"the routes learned over {connection}")
        answer = self._arm.start(
            call, "POST", f"{self._hub_id}/bgpConnections/{quote(connection, safe='')}/learnedRoutes"
        )
        if answer.status != 202:
            return self._finished(call, answer, "")
        operation = answer.headers.get("location") or answer.headers.get("azure-asyncoperation") or ""
        if not operation:
            raise TargetUnavailable(f"{call}: was accepted without saying where the result will be.", status=202)
        return RouteListing(None, self._arm.own_url(call, operation))

    def resume_learned_routes(self, operation: str) -> RouteListing:
        """Ask again; NotFound when there is nothing to ask after any more, so that the listing is started anew.

        That is so when ARM has forgotten the operation, and when the URL, kept since an earlier pass, leads to another ARM.
        """
        call = Call(self.target, "ask after", "the listing of learned routes")
        try:
            answer = self._arm.poll(call, operation)
        except (TargetRejected, TargetUnavailable) as error:
            if error.code == FOREIGN_HOST or error.status in (404, 410):
                raise NotFound(f"{error} Start it anew.", code=error.code, status=error.status) from None
            raise
        if answer.status == 202:
            return RouteListing(None, self._moved(call, answer, operation))
        return self._finished(call, answer, operation)

    def _moved(self, call: Call, answer: Answer, operation: str) -> str:
        """Azure may name a new place with each answer."""
        return self._arm.own_url(call, answer.headers.get("location") or operation)

    def _finished(self, call: Call, answer: Answer, operation: str) -> RouteListing:
        body = self._arm.decoded(call, answer)
        routes = _routes(body)
        if routes is not None:
            return RouteListing(routes)
        status = str(body.get("status", "")).lower()
        if status in ("failed", "canceled"):
            raise operation_failure(call, body)
        if status and status != "succeeded" and operation:
            return RouteListing(None, operation)
        raise TargetUnavailable(f"{call}: the answer names no Route Server instance.", status=answer.status)


@once
def _routes(body: Mapping[str, Any]) -> Mapping[str, Sequence[Body]] | None:
    """Routes by instance name, at the top level or inside an envelope; None when no instance is named.

    A connected peer that advertises nothing gives two empty lists, which is an answer.
    """
    instances = {name: value for name, value in body.items() if _INSTANCE.fullmatch(name)}
    if instances:
        if not all(isinstance(value, list | None) for value in instances.values()):
            return None
        return Read({name: tuple(value or ()) for name, value in instances.items()})
    for envelope in _ENVELOPES:
        inner = body.get(envelope)
        if isinstance(inner, dict):
            found = _routes(inner)
            if found is not None:
                return found
    return None
