"""What the road needs of the outside world, as Protocols. Adapters and the simulator fill them; `bootstrap` chooses.

All calls are blocking and raise errors of `model.errors` only. A call that names a deadline gives up after `timeout_seconds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from function_app.model.approval import PullRequest, Shown
from function_app.model.intent import HubIntent, Intent
from function_app.model.ledger import Record
from function_app.model.names import Commit, HubName, TargetName
from function_app.model.resources import ApiMode, Body, Kind, ResourceId
from function_app.model.state import Decision, HubState
from function_app.model.telling import CommitStatus, Notice, Told


class Clock(Protocol):
    """Time that matters across instances; aware datetimes in UTC."""

    def now(self) -> datetime:
        """The present moment."""

    def sleep(self, seconds: float) -> None:
        """Let that much time pass."""


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """One file of a commit's tree.

    `mode` is Git's: 0o100644, 0o100755, 0o120000 (link), 0o160000 (submodule), or 0o040000 for a folder that was not
    looked into because there are too many.
    """

    path: str
    mode: int
    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class CommitEntry:
    """One commit of the first-parent line; `first_parent` is None for the line's root, or when it is not known.

    `approver` and `pull_request` are what its message says of the review, empty when it says nothing.
    """

    commit: Commit
    author: str
    at: datetime
    first_parent: Commit | None = None
    approver: str = ""
    pull_request: str = ""


class Repository(Protocol):
    """A Git repository, read at commits from the object database; nothing is checked out."""

    def fetch(self) -> None:
        """Bring the local copy up to date; raises SourceError and then leaves the last copy usable."""

    def resolve(self, ref: str) -> Commit:
        """The commit behind a ref; raises SourceError, also for a ref that could be taken for an option."""

    def first_parents(self, commit: Commit, since: Commit | None) -> Sequence[CommitEntry]:
        """The first-parent line, oldest first, ending with `commit`; without `since` and what lies before it.

        When `since` is not on the line the whole line is returned.
        """

    def entries(self, commit: Commit) -> Sequence[BlobEntry]:
        """All files below the definitions folder, with paths relative to it."""

    def read(self, blob: str) -> bytes:
        """One blob's content."""


class BranchedRepository(Repository, Protocol):
    """A repository in which branches can be compared."""

    def merge_base(self, one: Commit, other: Commit) -> Commit | None:
        """The newest commit that both come from; None when they share none, or it was not fetched."""


class ClusterApi(Protocol):
    """One cluster's API, raw JSON in and out.

    Raises TargetUnavailable, TargetRejected, Conflict, NotFound.
    """

    target: TargetName

    def mode(self) -> ApiMode:
        """Who serves `projectcalico.org/v3` here."""

    def list(self, kind: Kind, *, namespace: str = "", label_selector: str = "") -> Sequence[Body]:
        """All objects of a kind, in every namespace or in one, every page; each item bears apiVersion and kind."""

    def apply(self, resource: ResourceId, body: Body, *, force: bool, resource_version: str) -> Body:
        """Server-side apply with our field manager; returns the object as stored, which has a uid.

        With `resource_version` an existing object is changed on that version only, else Conflict; an absent one is made.
        """

    def merge_patch(self, resource: ResourceId, body: Body, *, resource_version: str) -> Body:
        """JSON merge patch; NotFound when the object does not exist."""

    def delete(self, resource: ResourceId, *, uid: str, resource_version: str) -> None:
        """Delete the object with this uid; an absent object counts as deleted."""


class FirewallApi(Protocol):
    """One firewall policy, ARM bodies in and out. Raises as ClusterApi."""

    target: TargetName

    def policy(self) -> Body:
        """The policy."""

    def firewall(self) -> Body:
        """The firewall that the hub names, whichever policy it has, or none."""

    def groups(self) -> Sequence[Body]:
        """The policy's rule collection groups, all pages, whole bodies."""

    def base_groups(self, base_policy_id: str) -> Sequence[Body]:
        """The rule collection groups of the base policy."""

    def put_group(self, name: str, body: Body) -> str:
        """Start replacing a group; returns the operation's URL at once and never waits for it."""

    def delete_group(self, name: str) -> str:
        """Start deleting a group; returns the operation's URL, empty when it was already gone."""

    def activity(self, name: str, since: datetime, until: datetime) -> Sequence[Body]:
        """What Azure's activity log shows of a group in that time: events as its API has them."""


@dataclass(frozen=True, slots=True)
class RouteListing:
    """An answer to a route listing: `routes` (by instance name) when done, else `operation` to ask again."""

    routes: Mapping[str, Sequence[Body]] | None
    operation: str = ""


class RouteServerApi(Protocol):
    """One Azure Route Server (ARM type virtualHubs). Raises as ClusterApi."""

    target: TargetName

    def hub(self) -> Body:
        """The Route Server itself."""

    def connections(self) -> Sequence[Body]:
        """Its BGP connections."""

    def put_connection(self, name: str, *, peer_ip: str, peer_asn: int) -> str:
        """Start creating or replacing a BGP connection; returns the operation's URL at once and never waits for it."""

    def delete_connection(self, name: str) -> str:
        """Start deleting a BGP connection; returns the operation's URL, empty when it was already gone."""

    def start_learned_routes(self, connection: str) -> RouteListing:
        """Ask for the routes learned over one connection."""

    def resume_learned_routes(self, operation: str) -> RouteListing:
        """Ask how a listing went; NotFound when the operation has expired."""


class LedgerStore(Protocol):
    """A hub's ledger."""

    def read(self) -> tuple[Record, ...]:
        """All records, oldest first; raises StateError when there is something that cannot be read."""

    def append(self, records: Iterable[Record]) -> None:
        """Append durably, all or none; raises LeaseLost when an epoch is older than the newest stored one."""


class StateStore(Protocol):
    """A hub's small records."""

    def read(self) -> HubState:
        """What was last written; the empty state when nothing was or it cannot be understood."""

    def write(self, state: HubState, epoch: int) -> None:
        """Replace; raises LeaseLost when a newer epoch has written."""

    def decisions(self) -> tuple[Decision, ...]:
        """What people decided, expired ones included; raises StateError."""

    def decide(self, decision: Decision) -> None:
        """Add a decision, or replace the one of the same kind and subject."""

    def withdraw(self, kind: str, subject: str) -> bool:
        """Take a decision back; False when there was none."""


class Lease(Protocol):
    """One writer for a hub, held from `acquire` to `release`."""

    epoch: int

    def check(self) -> None:
        """Raises LeaseLost unless the lease is still ours, renewing it when half its time is gone."""

    def release(self) -> None:
        """Give it back."""


class Leases(Protocol):
    """Where leases come from."""

    def acquire(self, hub: HubName, holder: str) -> Lease | None:
        """The hub's lease with the next epoch, or None when somebody holds it."""


class StatusStore(Protocol):
    """Reports kept for readers."""

    def record(self, hub: HubName, report: Mapping[str, object], epoch: int) -> None:
        """Keep the newest report as JSON-ready data; raises LeaseLost when a newer epoch has written."""

    def latest(self, hub: HubName) -> Mapping[str, object] | None:
        """The newest report, None before the first pass."""


class History(Protocol):
    """What became of a hub's last passes, for readers."""

    def add(self, hub: HubName, entry: Mapping[str, object], epoch: int) -> None:
        """Keep one pass's entry as JSON-ready data, the last 200 in all; raises LeaseLost when a newer epoch has written."""

    def entries(self, hub: HubName) -> tuple[Mapping[str, object], ...]:
        """The entries kept, oldest first."""


class ToldStore(Protocol):
    """What of each hub has been told to the outside."""

    def read(self, hub: HubName) -> Told:
        """What was last written, nothing told when nothing was or it cannot be understood; raises StateError."""

    def write(self, hub: HubName, told: Told, epoch: int) -> None:
        """Replace; raises LeaseLost when a newer epoch has written."""


class Approvals(Protocol):
    """How commits came into our branch, and who approved that, as the Git host vouches for it."""

    def of(self, commit: Commit) -> tuple[PullRequest, ...]:
        """The merged pull requests that brought a commit; none for one that was pushed. Raises SourceError."""


class ShownPlans(Protocol):
    """What the service answered for branches, for hubs that apply what was approved; written under no lease."""

    def add(self, hub: HubName, shown: Shown) -> None:
        """Note an answer, unless the last one for that commit was the same; raises StateError."""

    def of(self, hub: HubName, head: Commit) -> tuple[Shown, ...]:
        """The answers for a commit, oldest first; raises StateError."""


class CommitStatuses(Protocol):
    """What stands on commits, at a Git host."""

    def set(self, status: CommitStatus) -> None:
        """Set a hub's status of a commit; raises SourceError when the host does not take it."""


class Notices(Protocol):
    """A channel that owners of tenants read."""

    def give(self, notice: Notice) -> None:
        """Give a notice; raises SourceError when the channel does not take it."""


class Intents(Protocol):
    """What is asked of hubs, recorded before anything is done about it, so that nothing asked for gets lost."""

    def record(self, hub: HubName, intent: Intent) -> int:
        """Note that somebody asks; returns the hub's counter, which each call raises by one."""

    def read(self, hub: HubName) -> HubIntent:
        """Where the hub stands."""

    def served(self, hub: HubName, upto: int, at: datetime) -> None:
        """A pass that began when the counter stood there is over at that time; what came later stays."""

    def look_again(self, hub: HubName, at: datetime | None) -> bool:
        """Note when the next look is due, None for no need; True when that is another time than was noted before."""


@dataclass(frozen=True, slots=True)
class PoisonedMessage:
    """A message that failed too often. `hub` is None when its content names none."""

    hub: HubName | None
    since: datetime


class Passes(Protocol):
    """The queue of passes to be made: a message is a hub's name, or asks for whatever hubs Git defines while none is known."""

    def send(self, hub: HubName | None, delay_seconds: float = 0.0) -> None:
        """Ask for a pass, after so many seconds at the earliest; without a hub for the first ones of all."""

    def poisoned(self) -> tuple[PoisonedMessage, ...]:
        """What was set aside, at most 32 messages."""

    def revive(self) -> tuple[PoisonedMessage, ...]:
        """Ask for the passes of what was set aside once more, and forget it; at most 32 messages, which are returned."""


@dataclass(frozen=True, slots=True)
class HubPorts:
    """Everything one hub's pass talks to."""

    clusters: Mapping[str, ClusterApi]
    firewall: FirewallApi
    route_server: RouteServerApi
    ledger: LedgerStore
    state: StateStore
    status: StatusStore
    leases: Leases
    clock: Clock
    approvals: Approvals
    shown: ShownPlans
