"""What the definitions ask for, as the judge reads them: who claims a namespace, and what a tenant may reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from function_app.model.definitions import AllowRule, OnRemoval
from function_app.model.names import ClusterName, TenantName
from function_app.model.tree import Tree, written_out_rules

FILTER_NAME = "export-egress-ips"
_FABRIC = frozenset(
    {("BGPFilter", FILTER_NAME), ("BGPPeer", "azure-route-server-a"), ("BGPPeer", "azure-route-server-b")}
)
"""What the published example calls its filter and its peers."""

MayAdopt = Callable[[str, str, str], bool]
"""Whether an object that is not ours may be taken over: cluster, kind, name."""


@dataclass
class Asked:
    """One effective tree. `unparsable` are tenants whose newest file cannot be read."""

    tree: Tree
    unparsable: frozenset[str] = frozenset()
    _until: dict[tuple[str, str], date | None] = field(default_factory=dict)

    def claimant(self, cluster: str, namespace: str) -> str:
        """The tenant that claims a namespace, empty for nobody."""
        for name, tenant in self.tree.definitions.tenants.items():
            for attachment in tenant.spec.attachments:
                if attachment.cluster == cluster and namespace in attachment.namespaces:
                    return str(name)
        return ""

    def until(self, tenant: str, url: str) -> date | None:
        """The last day (UTC) on which a tenant's rules permit a URL, `date.max` where there is none; None when they never do."""
        key = (tenant, url)
        if key not in self._until:
            days = [_last_day(rule) for rule in self._rules(tenant) if _permits(rule, url)]
            self._until[key] = max(days, default=None)
        return self._until[key]

    def allows(self, tenant: str, url: str, on: date) -> bool:
        """Whether a tenant's rules permit a URL on that day."""
        until = self.until(tenant, url)
        return until is not None and on <= until

    def spells(self, tenant: str, url: str, on: date) -> bool:
        """Whether a tenant's rules have the very name in a URL that day, not a wildcard above it alone."""
        return any(urlsplit(url).hostname in rule.fqdns and on <= _last_day(rule) for rule in self._rules(tenant))

    def has_rules(self, tenant: str, on: date) -> bool:
        """Whether a tenant has any rule that day."""
        return any(on <= _last_day(rule) for rule in self._rules(tenant))

    def _rules(self, tenant: str) -> tuple[AllowRule, ...]:
        found = self.tree.definitions.tenants.get(TenantName(tenant))
        return written_out_rules(found, self.tree.definitions.rulesets) if found is not None else ()

    def ends_traffic(self, tenant: str) -> bool:
        """Whether a tenant, or what it last was, asks that its traffic ends with its removal."""
        name = TenantName(tenant)
        found = self.tree.definitions.tenants.get(name) or self.tree.departed.get(name)
        return found is not None and found.spec.on_removal is OnRemoval.BLOCK

    def bypasses(self, tenant: str, destination: str) -> bool:
        """Whether a destination does not go through the tenant's gateway."""
        found = self.tree.definitions.tenants.get(TenantName(tenant))
        where = destination.rpartition(":")[0]
        return found is not None and any(IPv4Address(where) in IPv4Network(cidr) for cidr in found.spec.egress.bypass)

    def adopts(self, cluster: str, kind: str, name: str) -> bool:
        """Whether a definition asks to take over an object that is not ours."""
        if (kind, name) in _FABRIC:
            defined = self.tree.definitions.clusters.get(ClusterName(cluster))
            return defined is not None and defined.spec.bgp.adopt
        return any(
            attachment.cluster == cluster
            and attachment.adopt is not None
            and (kind, name)
            in (("IPPool", attachment.adopt.pool), ("EgressGateway", attachment.adopt.gateway.rpartition("/")[2]))
            for tenant in self.tree.definitions.tenants.values()
            for attachment in tenant.spec.attachments
        )

    def egress_cidr(self, cluster: str) -> IPv4Network | None:
        """Where a cluster's ranges come from."""
        found = self.tree.definitions.clusters.get(ClusterName(cluster))
        return IPv4Network(found.spec.egress_cidr) if found is not None else None

    def range_of(self, tenant: str, cluster: str) -> IPv4Network | None:
        """The range that a tenant asks for on a cluster."""
        found = self.tree.definitions.tenants.get(TenantName(tenant))
        places = found.spec.attachments if found is not None else ()
        return next((IPv4Network(one.cidr) for one in places if one.cluster == cluster), None)

    def namespaces_of(self, tenant: str, cluster: str) -> tuple[str, ...]:
        """The namespaces that a tenant claims on a cluster."""
        found = self.tree.definitions.tenants.get(TenantName(tenant))
        places = found.spec.attachments if found is not None else ()
        return tuple(str(name) for one in places if one.cluster == cluster for name in one.namespaces)

    def defines(self, tenant: str, cluster: str) -> bool:
        """Whether a tenant has an attachment on a cluster."""
        found = self.tree.definitions.tenants.get(TenantName(tenant))
        return found is not None and any(one.cluster == cluster for one in found.spec.attachments)


def _last_day(rule: AllowRule) -> date:
    return date.fromisoformat(rule.expires) if rule.expires is not None else date.max


def _permits(rule: AllowRule, url: str) -> bool:
    """Rules and probes of one form each: names over HTTPS on 443, addresses over TCP with a port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "tcp":
        return str(parts.port) in rule.ports and any(IPv4Address(host) in IPv4Network(one) for one in rule.destinations)
    return any(name == host or (name.startswith("*.") and host.endswith(name[1:])) for name in rule.fqdns)
