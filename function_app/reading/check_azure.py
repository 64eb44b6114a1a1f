"""Cross-file rules on what Terraform builds: subnets, names, priorities, and how many peers a hub's reflectors make.

Terraform refuses the same by itself (terraform/modules/inventory/definitions); here a pull request hears of it with its line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from function_app.model.azure_definitions import ClusterAzure, HubAzure
from function_app.model.definitions import AksApiServer, Cluster, Hub
from function_app.model.errors import Problem
from function_app.model.platform_definitions import MOST_PEERS
from function_app.reading.candidate import Candidate, Filed, usable
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Path
from function_app.reading.ranges import address, network_fault

LONGEST_NAME = 40
"""Other names are made of a hub's and a cluster's; Azure takes 63 to 80 characters for those."""
_KEPT_BY_AZURE = 5
_AZURE: Path = ("spec", "azure")


def built_alone(tree: Candidate) -> Iterator[Problem]:
    """What one hub's or cluster's Azure part tells by itself."""
    for hub in tree.hubs:
        azure = hub.definition.spec.azure
        if azure is not None:
            yield from _name(tree, hub.file, hub.name)
            vnet = hub.definition.spec.vnet
            subnets = (
                ((*_AZURE, "firewallSubnet"), azure.firewall_subnet, 26),
                ((*_AZURE, "routeServerSubnet"), azure.route_server_subnet, 27),
            )
            yield from _subnets(tree, hub.file, subnets, vnet)
            yield from _instances(tree, hub, azure)
    for cluster in tree.clusters:
        azure_part = cluster.definition.spec.azure
        if azure_part is not None:
            yield from _name(tree, cluster.file, cluster.name)
            network = cluster.definition.spec.network
            subnets = (
                (("spec", "network", "nodes"), network.nodes, 27),
                ((*_AZURE, "reflectorSubnet"), azure_part.reflector_subnet, 29),
            )
            yield from _subnets(tree, cluster.file, subnets, network.vnet)
            yield from _room(tree, cluster.file, azure_part)


def built_together(tree: Candidate) -> Iterator[Problem]:
    """A built cluster has a built hub and is the AKS resource that it names; priorities are apart and peers few enough."""
    by_hub: dict[str, list[tuple[Filed[Cluster], ClusterAzure]]] = defaultdict(list)
    for cluster in tree.clusters:
        azure = cluster.definition.spec.azure
        if azure is None:
            continue
        hub = tree.hub_by_name.get(cluster.definition.spec.hub)
        if hub is None or hub.definition.spec.azure is None:
            # A hub whose file is wrong may have lost its part while it was read; that file says so.
            if hub is not None and hub.file.definition is not None:
                message = f"hub `{hub.name}` has no `azure` part, so Terraform cannot attach this cluster to it."
                hint = "Write the hub's `azure` part, or leave this one out."
                yield tree.problem(cluster.file, _AZURE, "hub-not-built", message, hint, others=(hub.file.path,))
            continue
        by_hub[hub.name].append((cluster, azure))
        yield from _resource(tree, cluster, hub)
    for hub_name, built in by_hub.items():
        yield from _priorities(tree, built)
        yield from _peers(tree, tree.hub_by_name[hub_name], built)


def _name(tree: Candidate, file: ParsedFile, name: str) -> Iterator[Problem]:
    if len(name) > LONGEST_NAME:
        message = f"the name has {len(name)} characters; with an `azure` part at most {LONGEST_NAME} fit."
        yield tree.problem(file, ("metadata", "name"), "name-length", message, "Take a shorter name.")


def _subnets(
    tree: Candidate, file: ParsedFile, subnets: tuple[tuple[Path, str, int], ...], vnet: tuple[str, ...]
) -> Iterator[Problem]:
    space = [range_ for text in vnet if (range_ := usable(text)) is not None]
    for path, text, smallest in subnets:
        fault = network_fault(text)
        mine = usable(text)
        if fault is not None:
            if path[-1] != "nodes":
                yield tree.problem(file, path, fault.code, fault.message, fault.hint)
        elif mine is not None and path[-1] != "nodes" and not any(mine.subnet_of(range_) for range_ in space):
            message = f"{mine} lies outside the VNet ({', '.join(vnet)})."
            yield tree.problem(file, path, "outside-vnet", message, "Correct this value or `vnet`.")
        elif mine is not None and mine.prefixlen > smallest:
            message = f"{mine} is too small; a /{smallest} is the least."
            yield tree.problem(file, path, "subnet-size", message, f"Write a /{smallest} or larger.")
    for (_, one, _), (path, other, _) in combinations(subnets, 2):
        first, second = usable(one), usable(other)
        if first is not None and second is not None and first.overlaps(second):
            yield tree.problem(file, path, "overlap", f"{second} overlaps {first}.", "Correct the one that is wrong.")


def _instances(tree: Candidate, hub: Filed[Hub], azure: HubAzure) -> Iterator[Problem]:
    subnet = usable(azure.route_server_subnet)
    for index, text in enumerate(hub.definition.spec.route_server.peer_ips):
        instance = address(text)
        if subnet is not None and instance is not None and instance not in subnet:
            message = f"{text} does not lie in routeServerSubnet, {subnet}, where Azure takes it from."
            path: Path = ("spec", "routeServer", "peerIPs", index)
            yield tree.problem(hub.file, path, "outside-subnet", message, "Correct this value or the subnet.")


def _room(tree: Candidate, file: ParsedFile, azure: ClusterAzure) -> Iterator[Problem]:
    subnet = usable(azure.reflector_subnet)
    if subnet is not None and subnet.num_addresses - _KEPT_BY_AZURE - 1 < azure.reflectors.count:
        message = (
            f"{azure.reflectors.count} reflectors do not fit into {subnet}: Azure keeps {_KEPT_BY_AZURE} addresses, and one more "
            "is needed while a node is replaced."
        )
        path: Path = (*_AZURE, "reflectors", "count")
        yield tree.problem(file, path, "subnet-size", message, "Take fewer, or a larger reflectorSubnet.")


def _resource(tree: Candidate, cluster: Filed[Cluster], hub: Filed[Hub]) -> Iterator[Problem]:
    api = cluster.definition.spec.api_server
    begins = f"/subscriptions/{hub.definition.spec.subscription}/".lower()
    if not isinstance(api, AksApiServer):
        message = "Terraform builds AKS clusters; this one is reached by an address."
        yield tree.problem(cluster.file, _AZURE, "not-aks", message, "Write apiServer.aksResourceId.")
    elif not api.aks_resource_id.lower().startswith(begins) or not api.aks_resource_id.endswith(f"/{cluster.name}"):
        message = f"with an `azure` part this is cluster {cluster.name} in the subscription of hub `{hub.name}`."
        path: Path = ("spec", "apiServer", "aksResourceId")
        others = (hub.file.path,)
        yield tree.problem(cluster.file, path, "other-resource", message, "Correct the id.", others=others)


def _priorities(tree: Candidate, built: list[tuple[Filed[Cluster], ClusterAzure]]) -> Iterator[Problem]:
    first: dict[int, Filed[Cluster]] = {}
    for cluster, azure in sorted(built, key=lambda each: (tree.is_changed(each[0].file), each[0].name)):
        other = first.setdefault(azure.platform_priority, cluster)
        if other is not cluster:
            message = f"{azure.platform_priority} is the priority of cluster `{other.name}` already."
            path: Path = (*_AZURE, "platformPriority")
            hint = "Take one from 200 to 999 that no cluster of the hub has."
            yield tree.problem(cluster.file, path, "priority-taken", message, hint, others=(other.file.path,))


def _peers(tree: Candidate, hub: Filed[Hub], built: list[tuple[Filed[Cluster], ClusterAzure]]) -> Iterator[Problem]:
    wanted = sum(azure.reflectors.count for _, azure in built)
    if wanted > MOST_PEERS:
        names = ", ".join(sorted(cluster.name for cluster, _ in built))
        message = f"{wanted} reflectors of {names} want to peer with it; an Azure Route Server takes {MOST_PEERS}."
        hint = "Attach a cluster to another hub, or give clusters fewer reflectors."
        others = tuple(cluster.file.path for cluster, _ in built)
        yield tree.problem(hub.file, ("spec", "routeServer"), "too-many-peers", message, hint, others=others)
