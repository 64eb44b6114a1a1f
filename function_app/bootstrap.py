"""Composition root: settings in, ports filled with real things out. The one module that knows every adapter.

Adapters and the heavy libraries behind them are imported where they are first needed: validating definitions loads neither
Kubernetes nor Azure. Nothing is connected to here. How a cluster is reached is found out by its first call, so that an
unreadable kubeconfig, an `exec` plugin or a wrong authority makes that one target unreadable and not the pass.
"""

# ruff: noqa: PLC0415 - see the docstring

from __future__ import annotations

import gc
import getpass
import hashlib
import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from function_app.gathering import Patience, Unanswered
from function_app.looking import Seen
from function_app.memory import set_up_memory
from function_app.model.definitions import Cluster
from function_app.model.errors import SettingsError, StateError
from function_app.model.names import ClusterName, Commit, HubName, cluster_target, firewall_target, route_server_target
from function_app.model.tree import Tree, hub_definitions
from function_app.ports import (
    Approvals,
    Clock,
    ClusterApi,
    CommitStatuses,
    History,
    HubPorts,
    Intents,
    Leases,
    LedgerStore,
    Notices,
    Passes,
    ShownPlans,
    StateStore,
    StatusStore,
    ToldStore,
)
from function_app.reconcile import Source
from function_app.service.rewinds import RewindWaivers
from function_app.settings import Callers, CommitHost, CredentialKind, GitAccessKind, NoticeForm, Settings
from function_app.sourcing import Kept, Sourcing
from function_app.turns import MOST_HUBS, Turns

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from function_app.adapters.answers import RequestLimits
    from function_app.adapters.azure_arm import ResourceManager
    from function_app.adapters.git_access import GitAccess
    from function_app.adapters.git_repository import GitRepository
    from function_app.adapters.git_signatures import Signers
    from function_app.adapters.git_tokens import Token
    from function_app.adapters.kubernetes_cluster import KubernetesCluster
    from function_app.adapters.storage_parts import StorageParts
    from function_app.adapters.web import Web
    from function_app.reviewing import Compared
    from function_app.service.callers import Entitlement
    from function_app.service.intake import Gate

STORAGE_TIME_SECONDS = 30.0
"""So long an answer of the storage service about its time counts, with the time that passes here."""


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept of one hub; needs neither Git nor a target."""

    ledger: LedgerStore
    state: StateStore
    status: StatusStore


class Assembly:
    """Everything that a process needs, each part built when it is first asked for. A context manager: it ends what it started."""

    def __init__(self, settings: Settings, turns: Turns | None = None) -> None:
        self.settings = settings
        self._turns = turns or Turns()
        self._closing = ExitStack()
        self._repositories: dict[str, GitRepository] = {}
        self._clusters: dict[ClusterName, tuple[Cluster, KubernetesCluster]] = {}
        self._unanswered: dict[HubName, Unanswered[Seen]] = {}
        self._stores: dict[HubName, Stores] = {}
        self._storing = Lock()

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

        settings = self.settings
        if settings.calls.time_source:
            return HttpDateClock(settings.calls.time_source, ca_file=settings.calls.ca_file)
        if settings.storage.account:
            return HttpDateClock(
                settings.storage.account, ca_file=settings.calls.ca_file, good_for_seconds=STORAGE_TIME_SECONDS
            )
        return SystemClock()

    @property
    def patience(self) -> Patience:
        """How long a pass waits for late targets."""
        return Patience(self.settings.calls.late_target_grace_seconds, self.settings.calls.late_target_limit_seconds)

    def unanswered(self, hub: HubName) -> Unanswered[Seen]:
        """What this process's passes over a hub have not been answered yet."""
        return self._unanswered.setdefault(hub, Unanswered())

    @property
    def author(self) -> str:
        """Who is recorded for decisions given here."""
        if self.settings.service.author:
            return self.settings.service.author
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return f"uid {os.getuid()}"

    @property
    def holder(self) -> str:
        """Who holds a lease that this process takes."""
        return f"{self.author}@{socket.gethostname()}:{os.getpid()}"

    def source(self, ref: str | None = None, repository: str | None = None, *, fetch: bool = True) -> Source:
        """The effective tree in force at a ref; the settings say which unless told otherwise. Raises SourceError.

        Without `fetch` what this process fetched last is good enough, if there was no trouble with it.
        """
        return self._sourcing.source(ref, repository, fetch=fetch)

    def newest(self) -> Commit:
        """The newest commit of the settings' ref, whether it may be in force or not; raises SourceError."""
        return self._sourcing.newest()

    @cached_property
    def _sourcing(self) -> Sourcing:
        source = self.settings.source
        return Sourcing(
            self._repository,
            self._kept,
            RewindWaivers(self.known_hubs, lambda hub: self.stores(hub).state, lambda: self.clock),
            lambda: self.clock,
            location=source.repository,
            ref=source.ref,
            root=source.folder,
        )

    def _kept(self) -> Kept:
        from function_app.adapters.state_files import CheckpointFile

        folder = self.settings.storage.folder
        meanings = CheckpointFile(folder / "meanings.json")
        if (storage := self._storage) is not None:
            return Kept(storage.checkpoint, storage.in_force, meanings)
        return Kept(CheckpointFile(folder / "checkpoint.json"), CheckpointFile(folder / "in-force.json"), meanings)

    def compared(self, base: str | None, head: str, repository: str | None = None) -> Compared:
        """The trees before and after merging `head` into `base`, which is the settings' ref unless told; raises SourceError."""
        from function_app.reviewing import compared

        source = self.settings.source
        git = self._repository(repository or source.repository)
        git.fetch()
        commits = git.resolve(base or source.ref), git.resolve(head)
        return compared(git, *commits, today=self.clock.now().date(), root=source.folder)

    def committed_at(self, commit: Commit) -> datetime | None:
        """When a commit of our repository was made, None when that cannot be told."""
        return self._repository(self.settings.source.repository).committed_at(commit)

    def hubs(self, tree: Tree) -> tuple[HubName, ...]:
        """The hubs that a tree defines, by name."""
        return tuple(sorted(tree.definitions.hubs))

    def known_hubs(self) -> tuple[HubName, ...]:
        """The hubs of which something is kept, by name; raises StateError."""
        if self._storage is not None:
            return self._storage.hubs()
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

        folder, storage = hub_folder(self._hubs_folder, hub), self._storage
        with self._storing:
            stores = self._stores.pop(hub, None)
            if stores is None:
                stores = (
                    Stores(storage.ledger(hub), storage.state(hub), storage.status)
                    if storage is not None
                    else Stores(LedgerFile(folder), StateFile(folder), StatusFiles(self._hubs_folder))
                )
            # Readers ask for all hubs, whether there was a pass over them here or not; what was asked for last goes last.
            self._stores[hub] = stores
            if len(self._stores) > MOST_HUBS:
                del self._stores[next(iter(self._stores))]
        return stores

    @property
    def leases(self) -> Leases:
        """Where leases come from."""
        from function_app.adapters.lease_file import LeaseFiles

        return self._storage.leases if self._storage else LeaseFiles(self._hubs_folder, self.clock)

    @property
    def intents(self) -> Intents:
        """What is asked of hubs; raises SettingsError without a storage account."""
        return self._needed_storage.intents

    @property
    def passes(self) -> Passes:
        """The queue of passes; raises SettingsError without a storage account."""
        return self._needed_storage.passes

    @property
    def history(self) -> History:
        """What became of past passes; raises SettingsError without a storage account."""
        return self._needed_storage.history

    @property
    def told(self) -> ToldStore:
        """What has been told to the outside; raises SettingsError without a storage account."""
        return self._needed_storage.told

    @property
    def telemetry_credential(self) -> TokenCredential | None:
        """Who we are to Application Insights; nobody where it is a stand-in on this machine, which is spoken to in the clear."""
        return self._credential if "IngestionEndpoint=https://" in self.settings.service.telemetry else None

    @cached_property
    def shown(self) -> ShownPlans:
        """What was answered for branches."""
        from function_app.adapters.shown_plans import ShownFiles

        return self._storage.shown if self._storage is not None else ShownFiles(self.settings.storage.folder)

    @cached_property
    def approvals(self) -> Approvals:
        """Who approved what; where nobody can be asked, each question is answered with why."""
        from function_app.adapters.git_hosts import RepositoryPlace
        from function_app.adapters.git_reviews import (
            AzureDevOpsApprovals,
            GitHubApprovals,
            GitLabApprovals,
            NoApprovals,
        )

        token, settings = self._git_token, self.settings
        if settings.telling.approvals is CommitHost.NONE or token is None:
            return NoApprovals("EGRESS_APPROVALS is not set, so no Git host says who approved what.")
        branch = settings.source.ref.removeprefix("refs/heads/")
        try:
            place = RepositoryPlace.of(settings.source.repository)
            match settings.telling.approvals:
                case CommitHost.GITHUB:
                    return GitHubApprovals(place, branch, settings.git.github_api, token, self._web)
                case CommitHost.AZURE_DEVOPS:
                    entra = settings.git.kind is GitAccessKind.MANAGED_IDENTITY
                    return AzureDevOpsApprovals(place, branch, token, self._web, basic=not entra)
                case CommitHost.GITLAB:
                    return GitLabApprovals(place, branch, token, self._web)
        except SettingsError as problem:
            return NoApprovals(str(problem))

    @cached_property
    def commit_statuses(self) -> CommitStatuses | None:
        """Where commits bear statuses; raises SettingsError for a repository that no Git host shows."""
        from function_app.adapters.git_hosts import (
            AzureDevOpsStatuses,
            GitHubStatuses,
            GitLabStatuses,
            RepositoryPlace,
        )

        token, settings = self._git_token, self.settings
        if settings.telling.commit_status is CommitHost.NONE or token is None:
            return None
        place = RepositoryPlace.of(settings.source.repository)
        page = settings.telling.public_url
        match settings.telling.commit_status:
            case CommitHost.GITHUB:
                return GitHubStatuses(place, settings.git.github_api, token, self._web, page)
            case CommitHost.AZURE_DEVOPS:
                entra = settings.git.kind is GitAccessKind.MANAGED_IDENTITY
                return AzureDevOpsStatuses(place, token, self._web, page, basic=not entra)
            case CommitHost.GITLAB:
                return GitLabStatuses(place, token, self._web, page)

    @cached_property
    def notices(self) -> Notices | None:
        """The channel that owners read, None when there is none."""
        from function_app.adapters.notice_channels import WebhookNotices, slack_message, teams_message

        telling = self.settings.telling
        if not telling.notice_url:
            return None
        message = slack_message if telling.notice_form is NoticeForm.SLACK else teams_message
        return WebhookNotices(message, telling.notice_url, self._web)

    def hub_in(self, message: str | bytes) -> HubName | None:
        """The hub that a message of the queue names, None for those that nobody knows yet; raises StateError."""
        from function_app.adapters.storage_passes import hub_in

        return hub_in(message)

    @property
    def gate(self) -> Gate:
        """Which webhooks are let in."""
        from function_app.service.intake import Gate

        settings = self.settings
        return Gate(
            provider=settings.webhooks.provider,
            secrets=tuple(each for each in (settings.webhooks.secret, settings.webhooks.second_secret) if each),
            repository=settings.webhooks.repository or settings.source.repository,
            ref=settings.source.ref,
            folder=settings.source.folder,
            most_bytes=settings.webhooks.body_bytes,
        )

    @property
    def entitlement(self) -> Entitlement:
        """How callers are known."""
        from function_app.service.callers import Entitlement

        settings = self.settings
        return Entitlement(
            settings.service.callers is Callers.ENTRA, settings.service.reader_role, settings.service.operator_role
        )

    def ports(self, hub: HubName, tree: Tree) -> HubPorts:
        """Everything that a pass over one hub of a tree talks to."""
        from function_app.adapters.azure_arm import network_resource_id
        from function_app.adapters.azure_firewall import AzureFirewall
        from function_app.adapters.azure_route_server import AzureRouteServer

        self._turn_to(hub, tree)
        spec, arm = tree.definitions.hubs[hub].spec, self._arm
        group = (spec.subscription, spec.resource_group)
        policy = network_resource_id(*group, "firewallPolicies", spec.firewall.policy)
        firewall = network_resource_id(*group, "azureFirewalls", spec.firewall.name)
        route_server = network_resource_id(*group, "virtualHubs", spec.route_server.name)
        stores = self.stores(hub)
        return HubPorts(
            clusters={
                str(name): self._cluster(name, cluster)
                for name, cluster in sorted(tree.definitions.clusters.items())
                if cluster.spec.hub == hub
            },
            firewall=AzureFirewall(firewall_target(hub), arm, policy, firewall),
            route_server=AzureRouteServer(route_server_target(hub), arm, route_server),
            ledger=stores.ledger,
            state=stores.state,
            status=stores.status,
            leases=self.leases,
            clock=self.clock,
            approvals=self.approvals,
            shown=self.shown,
        )

    def _turn_to(self, hub: HubName, tree: Tree) -> None:
        """What was read of a hub is kept for its next pass while there is room for it beside the hubs that come in between.

        Bodies are kept where they are listed and, by what was worked out from them, with the ledger's generations: neither may
        stay without the other going. Connections go with the bodies.
        """
        let_go = self._turns.take(hub, len(hub_definitions(tree, hub).attachments))
        for other in let_go.hubs:
            with self._storing:
                self._stores.pop(other, None)
            self._arm.forget_bodies(firewall_target(other))
            self._arm.forget_bodies(route_server_target(other))
            for name, (definition, cluster) in list(self._clusters.items()):
                if definition.spec.hub == other:
                    self._clusters.pop(name, None)
                    cluster.close()
        if let_go.searching:
            # Generations and bodies know of each other what was worked out from both: cycles, old enough not to be looked at soon.
            gc.collect()

    @cached_property
    def _storage(self) -> StorageParts | None:
        """What the storage account keeps; None on a desk without one."""
        settings = self.settings
        if not settings.storage.account:
            return None
        from function_app.adapters.credentials import azure_credential
        from function_app.adapters.storage_parts import StorageParts

        built = StorageParts(
            settings.storage.account,
            settings.storage.queue_endpoint,
            settings.storage.container,
            settings.storage.key_file
            or azure_credential(
                azure_cli=settings.azure.credential is CredentialKind.AZURE_CLI, client_id=settings.azure.client_id
            ),
            ca_file=settings.calls.ca_file,
        )
        self._closing.callback(built.close)
        return built

    @property
    def _needed_storage(self) -> StorageParts:
        if self._storage is None:
            raise SettingsError(
                "EGRESS_STORAGE_ACCOUNT is not set. The service keeps what is asked of it there; at a desk, start an "
                "emulated one with: python -m real.azurite"
            )
        return self._storage

    @property
    def _hubs_folder(self) -> Path:
        return self.settings.storage.folder / "hubs"

    def _repository(self, location: str) -> GitRepository:
        """A repository has a copy of its own, so that `--repo` never replaces the copy of the one in force.

        Who we are is shown to the host of the settings' repository alone.
        """
        from function_app.adapters.git_repository import GitRepository

        if location not in self._repositories:
            ours = location == self.settings.source.repository
            url = str(Path(location).absolute()) if Path(location).is_dir() else location
            cache = self.settings.storage.folder / "repositories" / hashlib.sha256(url.encode()).hexdigest()[:16]
            built = GitRepository(
                url,
                cache,
                definitions_folder=self.settings.source.folder,
                access=self._git_access if ours else None,
                signers=self._signers if ours else None,
                ca_file=self.settings.calls.ca_file,
            )
            self._closing.callback(built.close)
            self._repositories[location] = built
        return self._repositories[location]

    @cached_property
    def _git_access(self) -> GitAccess:
        from function_app.adapters.git_access import Anonymous, DeployKey, HttpAccess

        git, url = self.settings.git, self.settings.source.repository
        if git.kind is GitAccessKind.DEPLOY_KEY:
            return DeployKey(git.deploy_key, git.host_keys)
        if self._git_token is None:
            return Anonymous()
        user = {GitAccessKind.TOKEN: git.user, GitAccessKind.GITHUB_APP: "x-access-token"}.get(git.kind, "")
        return HttpAccess(url, self._git_token, user)

    @cached_property
    def _git_token(self) -> Token | None:
        """The token for the repository's host, None where there is none."""
        from function_app.adapters.git_tokens import GitHubAppToken, azure_devops_token, fixed_token

        git = self.settings.git
        if git.kind is GitAccessKind.GITHUB_APP:
            numbers = (git.github_app_id, git.github_app_installation)
            return GitHubAppToken(*numbers, git.github_app_key, git.github_api, self._web)
        if git.kind is GitAccessKind.MANAGED_IDENTITY:
            return azure_devops_token(self._credential)
        return fixed_token(git.token) if git.token else None

    @cached_property
    def _signers(self) -> Signers | None:
        from function_app.adapters.git_signatures import Signers

        git = self.settings.git
        return Signers(git.signers, git.signer_keys) if git.signers or git.signer_keys else None

    @cached_property
    def _web(self) -> Web:
        from function_app.adapters.web import Web

        built = Web(self.settings.calls.ca_file)
        self._closing.callback(built.close)
        return built

    def _cluster(self, name: ClusterName, cluster: Cluster) -> ClusterApi:
        """Connections are kept from pass to pass while the definition stays as it is."""
        from function_app.adapters.kubernetes_access import AccessOptions, cluster_access
        from function_app.adapters.kubernetes_cluster import KubernetesCluster

        settings, known = self.settings, self._clusters.get(name)
        if known is not None and known[0] == cluster:
            return known[1]
        options = AccessOptions(settings.clusters.kubeconfig, settings.clusters.token_file, settings.calls.ca_file)
        access = cluster_access(cluster, options, self._arm, self._credential)
        built = KubernetesCluster(cluster_target(name), access, self._limits)
        self._clusters[name] = (cluster, built)
        return built

    @cached_property
    def _arm(self) -> ResourceManager:
        from function_app.adapters.azure_arm import ResourceManager

        settings = self.settings
        return ResourceManager(
            self._credential, endpoint=settings.azure.endpoint, ca_file=settings.calls.ca_file, limits=self._limits
        )

    @cached_property
    def _credential(self) -> TokenCredential:
        from function_app.adapters.credentials import azure_credential

        return azure_credential(
            token_file=self.settings.azure.token_file,
            azure_cli=self.settings.azure.credential is CredentialKind.AZURE_CLI,
            client_id=self.settings.azure.client_id,
        )

    @cached_property
    def _limits(self) -> RequestLimits:
        from function_app.adapters.answers import RequestLimits

        return RequestLimits(
            connect_seconds=self.settings.calls.connect_timeout_seconds,
            read_seconds=self.settings.calls.read_timeout_seconds,
        )


def assemble(settings: Settings) -> Assembly:
    """The parts for these settings, none of them built yet."""
    set_up_memory()
    return Assembly(settings)
