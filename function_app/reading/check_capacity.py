"""Cross-file rules on numbers: routes for each Route Server peer, peers, shards and priorities of a hub."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import ceil

from function_app.model.definitions import Cluster, Hub, Tenant
from function_app.model.errors import Problem, Severity
from function_app.model.platform_definitions import MOST_PEERS, REFLECTORS_PER_CLUSTER
from function_app.reading.candidate import Attached, Candidate, Filed
from function_app.reading.places import Path
from function_app.reading.platform_forms import ROUTE_SERVER_ASN
from function_app.reading.tenant_forms import surge

COLLECTIONS_PER_TENANT = 2


def routes_per_peer(tree: Candidate) -> Iterator[Problem]:
    """A peer sends a route for each gateway pod of its cluster, surge counted."""
    by_cluster: dict[str, list[Attached]] = defaultdict(list)
    for attached in tree.attachments:
        by_cluster[attached.attachment.cluster].append(attached)
    for cluster in tree.clusters:
        hub = tree.hub_by_name.get(cluster.definition.spec.hub)
        members = by_cluster[cluster.name]
        routes = sum(each.attachment.gateway.replicas + surge(each.attachment.gateway.replicas) for each in members)
        if hub is None or routes <= hub.definition.spec.limits.routes_per_peer:
            continue
        limit = hub.definition.spec.limits.routes_per_peer
        message = (
            f"cluster `{cluster.name}` would send {routes} routes to each Route Server instance "
            f"({len(members)} attachments, replicas and surge); the limit of hub `{hub.name}` is {limit}."
        )
        hint = "Use fewer replicas or another cluster; raise spec.limits.routesPerPeer only when Azure has raised its limit."
        holders = {each.tenant.file.path: (each.tenant, (*each.path, "gateway", "replicas")) for each in members}
        yield _too_many(
            tree, hub, cluster, holders, ("spec", "limits", "routesPerPeer"), "routes-per-peer", message, hint
        )


def peers(tree: Candidate) -> Iterator[Problem]:
    """A Route Server has room for few clusters."""
    by_hub: dict[str, list[Filed[Cluster]]] = defaultdict(list)
    for cluster in tree.clusters:
        by_hub[cluster.definition.spec.hub].append(cluster)
    for name, clusters in by_hub.items():
        count = len(clusters)
        if count * REFLECTORS_PER_CLUSTER <= MOST_PEERS:
            continue
        told, *others = sorted(clusters, key=lambda each: (not tree.is_changed(each.file), each.name))
        message = (
            f"hub `{name}` has {count} clusters; with {REFLECTORS_PER_CLUSTER} route reflectors each they need "
            f"{count * REFLECTORS_PER_CLUSTER} peers, and a Route Server takes {MOST_PEERS}."
        )
        severity = Severity.ERROR if count > MOST_PEERS else Severity.WARNING
        yield tree.problem(
            told.file,
            ("spec", "hub"),
            "too-many-peers",
            message,
            "Attach the cluster to another hub.",
            others=tuple(each.file.path for each in others),
            severity=severity,
        )


def shards(tree: Candidate) -> Iterator[Problem]:
    """A hub's priority band, rule collection groups and rule collections hold all its tenants."""
    hub_of = {cluster.name: cluster.definition.spec.hub for cluster in tree.clusters}
    by_hub: dict[str, dict[str, tuple[Filed[Tenant], Path]]] = defaultdict(dict)
    for attached in tree.attachments:
        if name := hub_of.get(attached.attachment.cluster):
            by_hub[name][attached.tenant.file.path] = (attached.tenant, (*attached.path, "cluster"))
    for hub in tree.hubs:
        spec = hub.definition.spec
        tenants = by_hub[hub.name]
        needed = ceil(len(tenants) / spec.firewall.shards.tenants_per_shard) + 1
        band = spec.firewall.shards.priority
        for have, need, what, path in (
            (band.last - band.first + 1, needed, "priorities", ("spec", "firewall", "shards", "priority")),
            (
                spec.limits.rule_collection_groups,
                needed,
                "rule collection groups",
                ("spec", "limits", "ruleCollectionGroups"),
            ),
            (
                spec.limits.rule_collections,
                len(tenants) * COLLECTIONS_PER_TENANT + 1,
                "rule collections",
                ("spec", "limits", "ruleCollections"),
            ),
        ):
            if need > have and band.last > band.first:
                message = f"{len(tenants)} tenants and the block shard need {need} {what}; hub `{hub.name}` has {have}."
                hint = "Put more tenants into a shard, widen the hub's band or limit, or move tenants to another hub."
                yield _too_many(tree, hub, None, tenants, path, "hub-full", message, hint)


def asn_apart(tree: Candidate) -> Iterator[Problem]:
    """A cluster and its Route Server speak external BGP, so their AS numbers differ; Azure's own is refused in any file."""
    for cluster in tree.clusters:
        hub = tree.hub_by_name.get(cluster.definition.spec.hub)
        asn = cluster.definition.spec.bgp.asn
        if hub is not None and hub.definition.spec.route_server.asn == asn != ROUTE_SERVER_ASN:
            message = f"AS number {asn} is also that of the Route Server of hub `{hub.name}`."
            hint = "Take another one from 64512 to 65514."
            yield tree.problem(cluster.file, ("spec", "bgp", "asn"), "same-asn", message, hint, others=(hub.file.path,))


def _too_many(
    tree: Candidate,
    hub: Filed[Hub],
    cluster: Filed[Cluster] | None,
    holders: dict[str, tuple[Filed[Tenant], Path]],
    limit: Path,
    code: str,
    message: str,
    hint: str,
) -> Problem:
    """Told at the last changed tenant, else at the hub's limit; everybody who takes part is listed."""
    changed = [path for path, (tenant, _) in sorted(holders.items()) if tree.is_changed(tenant.file)]
    others = (*sorted(holders), hub.file.path, *((cluster.file.path,) if cluster else ()))
    if changed:
        tenant, path = holders[changed[-1]]
        return tree.problem(tenant.file, path, code, message, hint, others=others)
    return tree.problem(hub.file, limit, code, message, hint, others=others)
