"""One hub's import: its clusters' gateways and its policy's rules become tenants' files, and lists for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from function_app.authoring.tenant_file import SCHEMA_LINE
from function_app.importing.gateways import FoundGateway, gateways_of
from function_app.importing.rules import ForeignRule, RulesFound, foreign_rules, rules_for, superseded
from function_app.model.names import ClusterName, HubName
from function_app.model.resources import ClusterObservation, FirewallObservation, Kind, Observations, Unreadable
from function_app.model.tree import Definitions

FILTER = "export-egress-ips"


@dataclass(frozen=True, slots=True)
class Imported:
    """`tenants` are new files by tenant; `adopting` are clusters whose file must say `bgp.adopt: true`.

    `barred` says what keeps a cluster from being imported, `left` which rules have no copy, `superseded` which foreign rules
    their owner may remove once all is converged, `notes` what else is to be known.
    """

    tenants: Mapping[str, str] = field(hash=False)
    adopting: tuple[str, ...]
    barred: tuple[str, ...]
    left: tuple[str, ...]
    superseded: tuple[str, ...]
    notes: tuple[str, ...]


def imported(
    hub: HubName,
    definitions: Definitions,
    seen: Observations,
    *,
    team: str = "to-be-named",
    contact: str = "to-be-named",
) -> Imported:
    """Definitions for what stands on a hub's clusters, unmarked; the hub and its clusters are defined already."""
    barred: list[str] = []
    notes: list[str] = []
    found: list[FoundGateway] = []
    adopting: list[str] = []
    for name, cluster in sorted(definitions.clusters.items()):
        if cluster.spec.hub != hub:
            continue
        observed = seen.clusters.get(str(name))
        if not isinstance(observed, ClusterObservation):
            barred.append(f"{name} cannot be read: {observed.message if observed else 'it was not asked'}")
            continue
        there = gateways_of(str(name), cluster, observed)
        notes += there.notes
        if there.barred:
            barred += there.barred
            notes.append(f"{name} is left as it is: its route filter would shut out what cannot be written down")
        elif there.gateways:
            found += there.gateways
            adopting.append(str(name))
            notes += _exported(name, observed)
    rules, left, gone = _rules(hub, definitions, seen, found)
    if isinstance(seen.firewall, Unreadable):
        notes.append(f"no rule is imported: {seen.firewall.message}")
    taken = {str(name) for name in definitions.tenants}
    tenants = {
        tenant: _file(tenant, members, rules.get(members[0].range, RulesFound()), team, contact)
        for tenant, members in _tenants(found, rules, taken)
    }
    return Imported(tenants, tuple(adopting), tuple(barred), left, gone, tuple(notes))


def _exported(cluster: ClusterName, seen: ClusterObservation) -> Iterable[str]:
    """Pools that reach the Route Server today and will not any more."""
    if seen.get(Kind.BGP_FILTER, FILTER) is not None:
        return
    named = {
        str(one.get("name")) for gateway in seen.of(Kind.EGRESS_GATEWAY) for one in gateway.spec.get("ipPools") or ()
    }
    others = [
        one.id.name
        for one in seen.of(Kind.IP_POOL)
        if one.id.name not in named and not one.spec.get("disableBGPExport")
    ]
    if others:
        yield (
            f"{cluster} has no filter today, so its pools {', '.join(others)} are advertised as well; from the merge on tenants' "
            "ranges alone are. Whoever reaches pods by these addresses must know."
        )


def _rules(
    hub: HubName, definitions: Definitions, seen: Observations, found: Sequence[FoundGateway]
) -> tuple[dict[IPv4Network, RulesFound], tuple[str, ...], tuple[str, ...]]:
    if not isinstance(seen.firewall, FirewallObservation):
        return {}, (), ()
    shards = definitions.hubs[hub].spec.firewall.shards
    foreign = foreign_rules(shards, seen.firewall)
    by_range = {one.range: rules_for(one.range, foreign, shards) for one in found}
    copied: dict[ForeignRule, list[IPv4Network]] = {}
    for cidr, each in by_range.items():
        for rule in each.copied:
            copied.setdefault(rule, []).append(cidr)
    left = tuple(dict.fromkeys(one for each in by_range.values() for one in each.left))
    return by_range, left, superseded(foreign, copied)


def _tenants(
    found: Sequence[FoundGateway], rules: Mapping[IPv4Network, RulesFound], taken: set[str]
) -> list[tuple[str, list[FoundGateway]]]:
    """Gateways of one name on several clusters are one tenant if the same is allowed from each, else one tenant each."""
    by_name: dict[str, list[FoundGateway]] = {}
    for one in found:
        by_name.setdefault(one.tenant, []).append(one)
    result: list[tuple[str, list[FoundGateway]]] = []
    for name, members in sorted(by_name.items()):
        allowed = {json.dumps(rules.get(one.range, RulesFound()).allow, sort_keys=True) for one in members}
        if len(allowed) == 1 and name not in taken:
            result.append((name, members))
            continue
        for one in members:
            plain = f"{name[: 39 - len(one.cluster)]}-{one.cluster}"
            result.append(
                (
                    next(each for each in (plain, *(f"{plain[:37]}-{n}" for n in range(2, 100))) if each not in taken),
                    [one],
                )
            )
    return result


def _file(name: str, members: Sequence[FoundGateway], rules: RulesFound, team: str, contact: str) -> str:
    lines = [
        SCHEMA_LINE.rstrip(),
        "# Imported as it was found: merging this takes over gateway and pool, and copies the rules that let the range out.",
        "apiVersion: egress-gitops.io/v1alpha1",
        "kind: Tenant",
        f"metadata: {{name: {json.dumps(name)}}}",
        "spec:",
        f"  owner: {{team: {json.dumps(team)}, contact: {json.dumps(contact)}}}",
        "  attachments:",
    ]
    for one in members:
        lines += [
            f"    - cluster: {json.dumps(one.cluster)}",
            f"      cidr: {one.range}",
            f"      namespaces: {json.dumps(list(one.namespaces))}",
            f"      gateway: {_flow(one.gateway)}",
            f"      adopt: {{gateway: {one.name}, pool: {one.pool}, labels: {_flow(one.labels, quoted=True)}}}",
        ]
    if rules.allow:
        lines += ["  egress:", "    allow:"]
    for entry in rules.allow:
        first, *rest = entry.items()
        lines.append(f"      - {first[0]}: {json.dumps(first[1])}")
        lines += [f"        {key}: {json.dumps(value)}" for key, value in rest]
    return "\n".join(lines) + "\n"


def _flow(values: Mapping[str, Any], *, quoted: bool = False) -> str:
    return (
        "{"
        + ", ".join(f"{json.dumps(key) if quoted else key}: {json.dumps(value)}" for key, value in values.items())
        + "}"
    )
