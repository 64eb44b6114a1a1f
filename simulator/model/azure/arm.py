"""One hub behind Azure Resource Manager: each call is authorised, counted and then carried out.

Bodies are JSON as ARM speaks it; refusals are ArmError. `learnedRoutes/action` as an action's name is an assumption.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.model.azure.activity import SOMEBODY, ActivityLog, Caller
from simulator.model.azure.classic import OWN_LISTS, classic_rules
from simulator.model.azure.contents import Json
from simulator.model.azure.evaluation import Evaluator, FirewallLog
from simulator.model.azure.groups import Accepted, Policy, Refusal
from simulator.model.azure.ids import ResourceIds, etag_of
from simulator.model.azure.operations import Operation, Operations, OperationState
from simulator.model.azure.policies import PolicyTree
from simulator.model.azure.roles import Roles
from simulator.model.azure.route_server import RouteServer
from simulator.model.azure.throttling import Call, Throttling
from simulator.model.bgp.views import ClusterView
from simulator.model.clock import VirtualClock
from simulator.model.documents import HubDocument
from simulator.model.errors import ArmError

PAGE_SIZE = 20
"""Groups on one page of a listing; the real figure is not documented."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `skip` asks for the next one, empty on the last."""

    value: Sequence[Json]
    skip: str


class AzureHub:
    """One hub: policies, firewall and Route Server. `roles` and `throttling` are those of the caller."""

    def __init__(
        self,
        name: str,
        document: HubDocument,
        clock: VirtualClock,
        clusters: Mapping[str, ClusterView],
        throttling: Throttling | None = None,
    ) -> None:
        self.name = name
        self.document = document
        self.ids = ResourceIds(document.subscription, document.resource_group, document.region)
        self.roles = Roles()
        self.throttling = throttling or Throttling(clock)
        self.log = FirewallLog(self.ids.network("azureFirewalls", document.firewall.name))
        self.activity = ActivityLog(clock)
        self._clusters = clusters
        self._operations = Operations(clock, f"{document.subscription}/{name}")
        self.policies = PolicyTree(
            _policies(document),
            seconds=document.firewall.operation_seconds,
            ids=self.ids,
            clock=clock,
            operations=self._operations,
        )
        self.route_server = RouteServer(
            document.route_server, ids=self.ids, clock=clock, operations=self._operations, clusters=self.attached
        )
        self._evaluator: tuple[int, Evaluator] | None = None
        self._seed()

    def attached(self) -> Iterator[ClusterView]:
        """The clusters of this hub, by name."""
        return (
            self._clusters[name] for name in sorted(self._clusters) if self._clusters[name].document.hub == self.name
        )

    def evaluator(self) -> Evaluator:
        """The rules in force, compiled once for each version of them."""
        version = self.policies.enforced_version
        if self._evaluator is None or self._evaluator[0] != version:
            classic = () if self.document.firewall.policy else (classic_rules(self.document.firewall.own),)
            self._evaluator = (version, Evaluator((*classic, *self.policies.enforced())))
        return self._evaluator[1]

    def owns(self, resource: str) -> bool:
        """Whether a resource id lies in this hub's resource group."""
        group = f"/subscriptions/{self.document.subscription}/resourceGroups/{self.document.resource_group}/"
        return resource.lower().startswith(group.lower())

    # --- firewall policies ---------------------------------------------------------------------------------------

    def get_policy(self, name: str) -> Json:
        """A firewall policy."""
        self._admit("firewallPolicies/read", Call.READ, self.ids.network("firewallPolicies", name))
        return self._policy_body(self.policies.policy(name))

    def list_groups(self, policy: str, skip: str = "") -> Page:
        """One page of a policy's rule collection groups, whole bodies, by name."""
        self._admit(
            "firewallPolicies/ruleCollectionGroups/read", Call.READ, self.ids.network("firewallPolicies", policy)
        )
        found = self.policies.policy(policy)
        names = sorted(name for name in found.groups if name > skip)
        page = [self.policies.group_body(found, found.groups[name]) for name in names[:PAGE_SIZE]]
        return Page(page, names[PAGE_SIZE - 1] if len(names) > PAGE_SIZE else "")

    def get_group(self, policy: str, name: str) -> Json:
        """One rule collection group."""
        self._admit("firewallPolicies/ruleCollectionGroups/read", Call.READ, self.ids.group(policy, name))
        group = self.policies.group(policy, name)
        return self.policies.group_body(self.policies.policy(policy), group)

    def put_group(self, policy: str, name: str, body: Mapping[str, Any], by: Caller = SOMEBODY) -> Accepted:
        """Begin to replace a group: 200 or 201, with an operation to poll."""
        self._admit("firewallPolicies/ruleCollectionGroups/write", Call.WRITE, self.ids.group(policy, name))
        accepted = self.policies.put(policy, name, body)
        self.activity.note(self.ids.group(policy, name), "write", by)
        return accepted

    def delete_group(self, policy: str, name: str, by: Caller = SOMEBODY) -> Accepted:
        """Begin to delete a group: 202 with an operation, or 204."""
        self._admit("firewallPolicies/ruleCollectionGroups/delete", Call.DELETE, self.ids.group(policy, name))
        accepted = self.policies.delete(policy, name)
        self.activity.note(self.ids.group(policy, name), "delete", by)
        return accepted

    def list_activity(self, resource: str, since: datetime, until: datetime) -> Sequence[Json]:
        """What the activity log shows of a resource in that time."""
        self.roles.check("Microsoft.Insights/eventtypes/values/read", f"/subscriptions/{self.document.subscription}")
        self.throttling.take(Call.READ)
        return self.activity.shown(resource, since, until)

    def get_firewall(self, name: str) -> Json:
        """The firewall; a classic one has no `firewallPolicy`."""
        identity = self.ids.network("azureFirewalls", name)
        self._admit("azureFirewalls/read", Call.READ, identity)
        firewall = self.document.firewall
        if not firewall.name or name.lower() != firewall.name.lower():
            raise ArmError(
                404, "ResourceNotFound", f"The Resource 'Microsoft.Network/azureFirewalls/{name}' was not found."
            )
        properties: Json = {
            "provisioningState": "Succeeded",
            "sku": {"name": "AZFW_VNet", "tier": "Standard"},
            "threatIntelMode": "Alert",
            "ipConfigurations": [{"name": "ipconfig", "properties": {"privateIPAddress": firewall.private_ip}}],
            **{kind: [] for kind in OWN_LISTS},
            **copy.deepcopy(firewall.own),
        }
        if firewall.policy:
            properties["firewallPolicy"] = {"id": self.ids.reference("firewallPolicies", firewall.policy)}
        return {
            "id": identity,
            "name": firewall.name,
            "type": "Microsoft.Network/azureFirewalls",
            "location": self.document.region,
            "etag": etag_of(identity, 1),
            "properties": properties,
        }

    # --- operations ----------------------------------------------------------------------------------------------

    def get_operation(self, identity: str) -> Json:
        """How an operation stands: `{status, error}`."""
        return self._operation("locations/operations/read", identity).body()

    def get_result(self, identity: str) -> Json | None:
        """What an operation found, None while it runs; an empty object for one that finds nothing."""
        operation = self._operation("locations/operationResults/read", identity)
        if operation.state is OperationState.IN_PROGRESS:
            return None
        if operation.error is not None:
            raise ArmError(409, *operation.error)
        return operation.result or {}

    # --- Route Server --------------------------------------------------------------------------------------------

    def get_route_server(self, name: str) -> Json:
        """The Route Server, whose ARM type is virtualHubs."""
        identity = self.ids.network("virtualHubs", name)
        self._admit("virtualHubs/read", Call.READ, identity)
        self._own_route_server(name)
        document = self.document.route_server
        return {
            "id": identity,
            "name": document.name,
            "type": "Microsoft.Network/virtualHubs",
            "kind": "RouteServer",
            "location": self.document.region,
            "etag": etag_of(identity, 1),
            "properties": {
                "provisioningState": "Succeeded",
                "routingState": "Provisioned",
                "sku": "Standard",
                "virtualRouterAsn": document.asn,
                "virtualRouterIps": list(document.peer_ips),
                "allowBranchToBranchTraffic": False,
            },
        }

    def list_connections(self, route_server: str) -> Page:
        """All connections of the Route Server."""
        self._admit("virtualHubs/bgpConnections/read", Call.READ, self.ids.network("virtualHubs", route_server))
        self._own_route_server(route_server)
        server = self.route_server
        return Page([server.connection_body(server.connections[name]) for name in sorted(server.connections)], "")

    def get_connection(self, route_server: str, name: str) -> Json:
        """One connection."""
        self._admit("virtualHubs/bgpConnections/read", Call.READ, self._connection_id(route_server, name))
        self._own_route_server(route_server)
        return self.route_server.connection_body(self.route_server.connection(name))

    def put_connection(self, route_server: str, name: str, body: Mapping[str, Any]) -> Accepted:
        """Begin to create or change a connection."""
        self._admit("virtualHubs/bgpConnections/write", Call.WRITE, self._connection_id(route_server, name))
        self._own_route_server(route_server)
        return self.route_server.put(name, body)

    def delete_connection(self, route_server: str, name: str) -> Accepted:
        """Begin to delete a connection."""
        self._admit("virtualHubs/bgpConnections/delete", Call.DELETE, self._connection_id(route_server, name))
        self._own_route_server(route_server)
        return self.route_server.delete(name)

    def learned_routes(self, route_server: str, connection: str) -> Accepted:
        """Begin to list what was learned over a connection: 202; the result is `{RouteServiceRole_IN_0: [...], ..._IN_1}`."""
        scope = self._connection_id(route_server, connection)
        self._admit("virtualHubs/bgpConnections/learnedRoutes/action", Call.WRITE, scope)
        self._own_route_server(route_server)
        return self.route_server.list_routes(connection)

    # --- what people and faults do -------------------------------------------------------------------------------

    def edit_group(self, policy: str, name: str, mutate: Callable[[Json], object]) -> Accepted:
        """A person changes the group's properties in the portal: the same slow write under somebody else's name."""
        return self.policies.edit(policy, name, mutate)

    def fail_next_operation(self, count: int = 1, *, late: bool = False) -> None:
        """The next writes are accepted and their operations fail: soon, or after their whole time."""
        self.policies.fail_next(count, late=late)

    def refuse_contents(self, unwelcome: str | Callable[[Mapping[str, Any]], bool]) -> None:
        """The firewall fails, without naming anything, every group with this FQDN or for which the predicate holds."""
        self.policies.refuse(unwelcome if callable(unwelcome) else _Names(unwelcome.lower()))

    def accept_contents(self) -> None:
        """The firewall works again."""
        self.policies.accept_all()

    def refuse_with(self, refusal: Refusal) -> None:
        """How a write is turned away while another one runs."""
        self.policies.refusal = refusal

    def busy(self, seconds: float, *, visible: bool = True) -> Operation:
        """Somebody writes to the base policy for that long; not visible: the child's state does not show it."""
        return self.policies.busy(seconds, visible=visible)

    # --- inside --------------------------------------------------------------------------------------------------

    def _seed(self) -> None:
        firewall = self.document.firewall
        for policy, groups in (
            (firewall.base_policy, self.document.base_groups),
            (firewall.policy, self.document.groups),
        ):
            for body in groups:
                self.policies.seed(self.policies.policy(policy), body)
        for cluster in self.attached():
            for node in cluster.document.nodes:
                if node.reflector and not cluster.document.bare:
                    self.route_server.seed(f"{cluster.name}-{node.name}", node.address, cluster.document.asn)

    def _admit(self, action: str, call: Call, scope: str) -> None:
        self.roles.check(f"Microsoft.Network/{action}", scope)
        self.throttling.take(call)

    def _operation(self, action: str, identity: str) -> Operation:
        self._admit(action, Call.READ, self.ids.operation(identity))
        return self._operations.get(identity)

    def _connection_id(self, route_server: str, name: str) -> str:
        return self.ids.network("virtualHubs", route_server, "bgpConnections", name)

    def _own_route_server(self, name: str) -> None:
        if name.lower() != self.document.route_server.name.lower():
            raise ArmError(
                404, "ResourceNotFound", f"The Resource 'Microsoft.Network/virtualHubs/{name}' was not found."
            )

    def _policy_body(self, policy: Policy) -> Json:
        identity = self.ids.network("firewallPolicies", policy.name)
        children = [each.name for each in self.policies.policies.values() if each.base is policy]
        properties: Json = {
            "sku": {"tier": "Standard"},
            "threatIntelMode": "Alert",
            "dnsSettings": {"servers": [], "enableProxy": True},
            "childPolicies": [{"id": self.ids.reference("firewallPolicies", name)} for name in children],
            "ruleCollectionGroups": [
                {"id": self.ids.reference("firewallPolicies", policy.name, "ruleCollectionGroups", group.name)}
                for group in policy.groups.values()
            ],
            "firewalls": [{"id": self.ids.reference("azureFirewalls", name)} for name in policy.firewalls],
            "provisioningState": str(policy.state),
        }
        if policy.base is not None:
            properties["basePolicy"] = {"id": self.ids.reference("firewallPolicies", policy.base.name)}
        if policy.afc_managed:
            properties["afcManaged"] = True
        return {
            "id": identity,
            "name": policy.name,
            "type": "Microsoft.Network/FirewallPolicies",
            "location": self.document.region,
            "etag": etag_of(identity, policy.version),
            "properties": properties,
        }


@dataclass(frozen=True, slots=True)
class _Names:
    """Whether a group has an application rule with exactly this FQDN."""

    fqdn: str

    def __call__(self, properties: Mapping[str, Any]) -> bool:
        return any(
            self.fqdn == name.lower()
            for collection in properties.get("ruleCollections", ())
            for rule in collection["rules"]
            for name in (*rule.get("targetFqdns", ()), *rule.get("destinationFqdns", ()))
        )


def _policies(document: HubDocument) -> dict[str, Policy]:
    """None for a classic firewall; a hub without a firewall (an empty name) has policies without one."""
    firewall = document.firewall
    if not firewall.policy:
        return {}
    base = Policy(firewall.base_policy, None, ()) if firewall.base_policy else None
    child = Policy(firewall.policy, base, (firewall.name,) if firewall.name else (), firewall.afc_managed)
    return {policy.name: policy for policy in (base, child) if policy is not None}
