"""Composition root: settings in, ports filled with real things out. The one module that knows every adapter.

Adapters and the heavy libraries behind them are imported where they are first needed: validating definitions loads neither
Kubernetes nor Azure. Nothing is connected to here. How a cluster is reached is found out by its first call, so that an
unreadable kubeconfig, an `exec` plugin or a wrong authority makes that one target unreadable and not the pass.
"""

# ruff: noqa: PLC0415 - see the docstring

from __future__ import annotations

import getpass
import hashlib
import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from function_app.applying import Patience
from function_app.model.definitions import Cluster, Hub
from function_app.model.errors import SourceError, StateError
from function_app.model.names import HubName, cluster_target, firewall_target, route_server_target
from function_app.model.tree import Tree
from function_app.ports import Clock, ClusterApi, HubPorts, LedgerStore, Repository, StateStore, StatusStore
from function_app.reconcile import Source
from function_app.settings import CredentialKind, Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from function_app.adapters.answers import RequestLimits
    from function_app.adapters.azure_arm import ResourceManager


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept of one hub; needs neither Git nor a target."""

    ledger: LedgerStore
    state: StateStore
    status: StatusStore


class Assembly:
    """Everything that a process needs, each part built when it is first asked for. A context manager: it ends what it started."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._closing = ExitStack()
        self._repositories: dict[str, Repository] = {}
        self._clusters: dict[str, tuple[Cluster, ClusterApi]] = {}
        self._azure: dict[str, ResourceManager] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @cached_property
    def clock(self) -> Clock:
        """The time that counts across instances."""
        from function_app.adapters.clocks import HttpDateClock, SystemClock

        if not self.settings.time_source:
            return SystemClock()
        return HttpDateClock(self.settings.time_source, ca_file=self.settings.ca_file)

    @property
    def patience(self) -> Patience:
        """How long a pass waits for late targets."""
        return Patience(self.settings.late_target_grace_seconds, self.settings.late_target_limit_seconds)

    @property
    def author(self) -> str:
        """Who is recorded for decisions given here."""
        if self.settings.author:
            return self.settings.author
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return f"uid {os.getuid()}"

    @property
    def holder(self) -> str:
        """Who holds a lease that this process takes."""
        return f"{self.author}@{socket.gethostname()}:{os.getpid()}"

    def source(self, ref: str | None = None, repository: str | None = None) -> Source:
        """The effective tree at the newest commit of a ref; the settings say which unless told otherwise.

        When the repository cannot be fetched, what was fetched last is in force and the source says so. Raises SourceError when
        there is no such ref, or nothing was ever fetched.
        """
        from function_app.adapters.state_files import CheckpointFile
        from function_app.reading.checkpoint import from_json
        from function_app.reading.effective import effective_tree

        git = self._repository(repository or self.settings.repository)
        problem = ""
        try:
            git.fetch()
        except SourceError as error:
            problem = str(error)
        try:
            commit = git.resolve(ref or self.settings.ref)
        except SourceError as error:
            raise SourceError(f"{problem} {error}".strip()) from None
        kept = CheckpointFile(self.settings.state_folder / "checkpoint.json")
        text = kept.read_checkpoint()
        tree, checkpoint = effective_tree(
            git,
            commit,
            checkpoint=from_json(text) if text else None,
            today=self.clock.now().date(),
            root=self.settings.definitions_folder,
        )
        kept.write_checkpoint(checkpoint.to_json())
        return Source(tree, seen=commit, problem=problem)

    def hubs(self, tree: Tree) -> tuple[HubName, ...]:
        """The hubs that a tree defines, by name."""
        return tuple(sorted(tree.definitions.hubs))

    def known_hubs(self) -> tuple[HubName, ...]:
        """The hubs of which something is kept, by name; raises StateError."""
        folder = self._hubs_folder
        try:
            return tuple(HubName(each.name) for each in sorted(folder.iterdir()) if each.is_dir())
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StateError(f"{folder} cannot be read ({error.strerror}); check EGRESS_STATE_FOLDER.") from None

    def stores(self, hub: HubName) -> Stores:
        """What is kept of one hub; raises StateError for a name that no hub can have."""
        from function_app.adapters.durable_files import hub_folder
        from function_app.adapters.ledger_file import LedgerFile
        from function_app.adapters.state_files import StateFile, StatusFiles

        folder = hub_folder(self._hubs_folder, hub)
        return Stores(LedgerFile(folder), StateFile(folder), StatusFiles(self._hubs_folder))

    def ports(self, hub: HubName, tree: Tree) -> HubPorts:
        """Everything that a pass over one hub of a tree talks to."""
        from function_app.adapters.azure_arm import network_resource_id
        from function_app.adapters.azure_firewall import AzureFirewall
        from function_app.adapters.azure_route_server import AzureRouteServer
        from function_app.adapters.lease_file import LeaseFiles

        definition = tree.definitions.hubs[hub]
        spec = definition.spec
        arm = self._resource_manager(definition)
        group = (spec.subscription, spec.resource_group)
        policy = network_resource_id(*group, "firewallPolicies", spec.firewall.policy)
        route_server = network_resource_id(*group, "virtualHubs", spec.route_server.name)
        stores = self.stores(hub)
        return HubPorts(
            clusters={
                str(name): self._cluster(cluster, arm)
                for name, cluster in sorted(tree.definitions.clusters.items())
                if cluster.spec.hub == hub
            },
            firewall=AzureFirewall(firewall_target(hub), arm, policy),
            route_server=AzureRouteServer(route_server_target(hub), arm, route_server),
            ledger=stores.ledger,
            state=stores.state,
            status=stores.status,
            leases=LeaseFiles(self._hubs_folder, self.clock),
            clock=self.clock,
        )

    @property
    def _hubs_folder(self) -> Path:
        return self.settings.state_folder / "hubs"

    def _repository(self, location: str) -> Repository:
        """A repository has a copy of its own, so that `--repo` never replaces the copy of the one in force."""
        from function_app.adapters.git_repository import GitRepository

        if location not in self._repositories:
            url = str(Path(location).absolute()) if Path(location).is_dir() else location
            cache = self.settings.state_folder / "repositories" / hashlib.sha256(url.encode()).hexdigest()[:16]
            built = GitRepository(url, cache, definitions_folder=self.settings.definitions_folder)
            self._closing.callback(built.close)
            self._repositories[location] = built
        return self._repositories[location]

    def _cluster(self, cluster: Cluster, arm: ResourceManager) -> ClusterApi:
        """Connections are kept from pass to pass while the definition stays as it is."""
        from function_app.adapters.kubernetes_access import AccessOptions, cluster_access
        from function_app.adapters.kubernetes_cluster import KubernetesCluster

        name, settings = cluster.metadata.name, self.settings
        known = self._clusters.get(name)
        if known is not None and known[0] == cluster:
            return known[1]
        options = AccessOptions(settings.kubeconfig, settings.kube_token_file, settings.ca_file)
        access = cluster_access(cluster, options, arm, self._credential)
        built = KubernetesCluster(cluster_target(name), access, self._limits)
        self._clusters[name] = (cluster, built)
        return built

    def _resource_manager(self, hub: Hub) -> ResourceManager:
        from function_app.adapters.azure_arm import ResourceManager

        subscription = hub.spec.subscription
        if subscription not in self._azure:
            self._azure[subscription] = ResourceManager(
                subscription,
                self._credential,
                endpoint=self.settings.arm_endpoint,
                ca_file=self.settings.ca_file,
                limits=self._limits,
            )
        return self._azure[subscription]

    @cached_property
    def _credential(self) -> TokenCredential:
        from function_app.adapters.credentials import azure_credential

        return azure_credential(
            token_file=self.settings.arm_token_file,
            azure_cli=self.settings.azure_credential is CredentialKind.AZURE_CLI,
            client_id=self.settings.azure_client_id,
        )

    @cached_property
    def _limits(self) -> RequestLimits:
        from function_app.adapters.answers import RequestLimits

        return RequestLimits(
            connect_seconds=self.settings.connect_timeout_seconds, read_seconds=self.settings.read_timeout_seconds
        )


def assemble(settings: Settings) -> Assembly:
    """The parts for these settings, none of them built yet."""
    return Assembly(settings)
