"""What became of one new connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from simulator.model.azure.arm import AzureHub
from simulator.model.azure.evaluation import NO_RULE, RuleName
from simulator.model.bgp.views import ClusterView
from simulator.model.clock import VirtualClock


class World(Protocol):
    """Where packets travel. `sites` is DNS: names to addresses."""

    @property
    def clock(self) -> VirtualClock:
        """The time."""

    @property
    def clusters(self) -> Mapping[str, ClusterView]:
        """Clusters by name."""

    @property
    def hubs(self) -> Mapping[str, AzureHub]:
        """Hubs by name."""

    @property
    def sites(self) -> Mapping[str, str]:
        """Addresses by DNS name."""

    @property
    def packets(self) -> list[Packet]:
        """All packets sent so far, oldest first."""


class Verdict(StrEnum):
    """How it ended."""

    ALLOWED = "allowed"
    DENIED = "denied"
    DROPPED = "dropped"


class Reason(StrEnum):
    """Why it ended so."""

    RULE = "a firewall rule"
    DEFAULT_ACTION = "no firewall rule matched"
    NO_FIREWALL = "the destination is reached without the firewall"
    NO_CLIENT = "no running pod to send it"
    NO_ADDRESS = "DNS does not know the name"
    POLICY_MISSING = "the EgressGatewayPolicy that is named does not exist"
    UNREACHABLE = "unreachable: no ready gateway matches the selectors"
    NO_ROUTE_BACK = "no route back: Route Server has not learned the source address"
    WRONG_NEXT_HOP = "wrong next hop: the route back leads to another node than the gateway's"


@dataclass(frozen=True, slots=True)
class Packet:
    """One new connection from a pod.

    `path` tells each step in words. `gateway` is `namespace/pod` of an egress gateway or the name of a node. `tenant` is whom the
    firewall takes it for: by the name of the collection that matched, else by the pool that holds the source; empty for nobody.
    `range_tenant` goes by the pool alone. `http_status` is what a client sees: 200, 470, or None for no HTTP answer.
    """

    at: datetime
    cluster: str
    namespace: str
    pod: str
    url: str
    verdict: Verdict
    reason: Reason
    path: tuple[str, ...] = ()
    destination: str = ""
    source: str = ""
    gateway: str = ""
    node: str = ""
    rule: RuleName = NO_RULE
    tenant: str = ""
    range_tenant: str = ""
    http_status: int | None = None
    answer: str = ""

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self) | {"at": self.at.isoformat()}
