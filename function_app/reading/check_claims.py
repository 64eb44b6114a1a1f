"""Cross-file rules on names: unique ones, references that exist, namespaces and Azure resources with one owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from function_app.model.definitions import AksApiServer, Guardrails
from function_app.model.errors import Problem
from function_app.model.names import ALWAYS_RESERVED_NAMESPACES
from function_app.reading.candidate import Attached, Candidate
from function_app.reading.layout import path_of
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Path, listed

GATEWAY_NAMESPACE_SUFFIX = "-egw"


def unique_names(tree: Candidate) -> Iterator[Problem]:
    """Two files of one kind never have one name."""
    owners: dict[tuple[str, str], list[tuple[ParsedFile, Path]]] = defaultdict(list)
    for file in tree.files.values():
        if file.draft is not None and not isinstance(file.draft, Guardrails):
            owners[file.kind, file.draft.metadata.name].append((file, ("metadata", "name")))
    for (kind, name), claims in owners.items():
        message = f"{kind} `{name}` is defined twice"
        yield from _one_owner(
            tree, claims, "duplicate-name", message, "Give one of the two another name, or delete it."
        )


def references(tree: Candidate) -> Iterator[Problem]:
    """Hubs, clusters and rule sets that are named exist."""
    for cluster in tree.clusters:
        yield from _reference(tree, cluster.file, ("spec", "hub"), "Hub", cluster.definition.spec.hub)
    for tenant in tree.tenants:
        spec = tenant.definition.spec
        for index, attachment in enumerate(spec.attachments):
            yield from _reference(
                tree, tenant.file, ("spec", "attachments", index, "cluster"), "Cluster", attachment.cluster
            )
        for index, name in enumerate(spec.egress.include):
            yield from _reference(tree, tenant.file, ("spec", "egress", "include", index), "RuleSet", name)


def leaving_clusters(tree: Candidate) -> Iterator[Problem]:
    """A cluster that leaves has no tenants: they go first. Told at whichever file this commit changed."""
    for attached in tree.attachments:
        cluster = tree.cluster_by_name.get(attached.attachment.cluster)
        if cluster is None or not cluster.definition.spec.leaving:
            continue
        tenant = attached.tenant
        if tree.is_changed(cluster.file) and not tree.is_changed(tenant.file):
            message = f"cluster `{cluster.name}` cannot leave: tenant `{tenant.name}` is attached to it."
            hint = "Remove that attachment first, or in the same commit."
            path: Path = ("spec", "leaving")
            yield tree.problem(cluster.file, path, "cluster-leaving", message, hint, others=(tenant.file.path,))
        else:
            message = f"cluster `{cluster.name}` is leaving its hub (spec.leaving) and takes no tenant."
            hint = "Attach the tenant to another cluster, or take `leaving` back."
            path = (*attached.path, "cluster")
            yield tree.problem(tenant.file, path, "cluster-leaving", message, hint, others=(cluster.file.path,))


def namespaces(tree: Candidate) -> Iterator[Problem]:
    """A namespace of a cluster belongs to one tenant at most, and a reserved one to none."""
    owners: dict[tuple[str, str], dict[str, tuple[Attached, int]]] = defaultdict(dict)
    for attached in tree.attachments:
        yield from _reserved(tree, attached)
        for index, namespace in enumerate(attached.attachment.namespaces):
            owners[attached.attachment.cluster, namespace].setdefault(attached.tenant.file.path, (attached, index))
    for (cluster, namespace), claims in owners.items():
        names = " and ".join(f"tenant `{attached.tenant.name}`" for attached, _ in claims.values())
        message = f"namespace `{namespace}` of cluster `{cluster}` is claimed by {names}"
        places = [(attached.tenant.file, (*attached.path, "namespaces", index)) for attached, index in claims.values()]
        yield from _one_owner(tree, places, "namespace-claimed", message, "Leave it to one of them.")


def azure_resources(tree: Candidate) -> Iterator[Problem]:
    """A firewall policy and a Route Server belong to one hub, an API server to one cluster; ARM ignores letter case."""
    owners: dict[tuple[str, ...], list[tuple[ParsedFile, Path]]] = defaultdict(list)
    words: dict[tuple[str, ...], str] = {}
    for hub in tree.hubs:
        spec = hub.definition.spec
        group = (spec.subscription.lower(), spec.resource_group.lower())
        for what, name, path in (
            ("firewall policy", spec.firewall.policy, ("spec", "firewall", "policy")),
            ("Route Server", spec.route_server.name, ("spec", "routeServer", "name")),
        ):
            resource = (what, *group, name.lower())
            owners[resource].append((hub.file, path))
            words[resource] = f"{what} `{name}` of resource group `{spec.resource_group}`"
    for cluster in tree.clusters:
        api = cluster.definition.spec.api_server
        aks = isinstance(api, AksApiServer)
        text = api.aks_resource_id if isinstance(api, AksApiServer) else api.server
        server = ("API server", text.lower().rstrip("/"))
        owners[server].append((cluster.file, ("spec", "apiServer", "aksResourceId" if aks else "server")))
        words[server] = "this API server"
    for key, claims in owners.items():
        hint = "Each hub has a policy and a Route Server, and each cluster an API server, of its own."
        yield from _one_owner(tree, claims, "shared-resource", f"{words[key]} is named", hint)


def _one_owner(
    tree: Candidate, claims: Sequence[tuple[ParsedFile, Path]], code: str, message: str, hint: str
) -> Iterator[Problem]:
    """Each claim but the first is a problem; those in unchanged files come first, for they were there before."""
    first, *rest = sorted(claims, key=lambda claim: (tree.is_changed(claim[0]), claim[0].path))
    for file, path in rest:
        where = first[0].places.value(first[1])
        yield tree.problem(file, path, code, f"{message}, and at {where} as well.", hint, others=(first[0].path,))


def _reserved(tree: Candidate, attached: Attached) -> Iterator[Problem]:
    cluster = tree.cluster_by_name.get(attached.attachment.cluster)
    own = cluster.definition.spec.reserved_namespaces if cluster else ()
    for index, namespace in enumerate(attached.attachment.namespaces):
        path: Path = (*attached.path, "namespaces", index)
        hint = "Take it off the list."
        others: tuple[str, ...] = ()
        if namespace in ALWAYS_RESERVED_NAMESPACES:
            why = "it belongs to the system"
        elif namespace.endswith(GATEWAY_NAMESPACE_SUFFIX):
            why = f"names that end in `{GATEWAY_NAMESPACE_SUFFIX}` belong to gateways"
        elif cluster is not None and namespace in own:
            why = f"cluster `{cluster.name}` reserves it"
            others = (cluster.file.path,)
        else:
            continue
        message = f"namespace `{namespace}` is reserved: {why}."
        yield tree.problem(attached.tenant.file, path, "namespace-reserved", message, hint, others=others)


def _reference(tree: Candidate, file: ParsedFile, path: Path, kind: str, name: str) -> Iterator[Problem]:
    target = path_of(kind, name)
    if target in tree.files:
        return
    known = sorted(
        other.path.rsplit("/", 1)[-1].removesuffix(".yaml") for other in tree.files.values() if other.kind == kind
    )
    word = {"Hub": "hub", "Cluster": "cluster", "RuleSet": "rule set"}[kind]
    close = get_close_matches(name, known, n=1)
    if close:
        hint = f"Did you mean `{close[0]}`?"
    elif known:
        hint = f"Known are {listed(known[:10])}."
    else:
        hint = f"Add `{target}`."
    message = f"{word} `{name}` does not exist: there is no {tree.shown(target)}."
    yield tree.problem(file, path, "unknown-reference", message, hint, others=(target,))
