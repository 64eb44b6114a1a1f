"""What the service needs of the process it runs in; `bootstrap.Assembly` is that, tests have their own."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from function_app.gathering import Patience, Unanswered
from function_app.looking import Seen
from function_app.model.names import Commit, HubName
from function_app.model.tree import Tree
from function_app.ports import (
    Clock,
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
from function_app.reviewing import Compared


class Stores(Protocol):
    """What is kept of one hub; needs neither Git nor a target."""

    @property
    def ledger(self) -> LedgerStore:
        """Who held which range."""

    @property
    def state(self) -> StateStore:
        """Small records and decisions."""

    @property
    def status(self) -> StatusStore:
        """Newest reports."""


class Parts(Protocol):
    """Everything that the service works with."""

    @property
    def clock(self) -> Clock:
        """The time that counts across instances."""

    @property
    def patience(self) -> Patience:
        """How long a pass waits for late targets."""

    @property
    def holder(self) -> str:
        """Who holds a lease that this process takes."""

    @property
    def intents(self) -> Intents:
        """What is asked of hubs."""

    @property
    def passes(self) -> Passes:
        """The queue of passes."""

    @property
    def history(self) -> History:
        """What became of past passes."""

    @property
    def told(self) -> ToldStore:
        """What has been told to the outside."""

    @property
    def commit_statuses(self) -> CommitStatuses | None:
        """Where commits bear statuses; None for nowhere."""

    @property
    def shown(self) -> ShownPlans:
        """What was answered for branches."""

    @property
    def notices(self) -> Notices | None:
        """Where owners hear of us; None for nowhere."""

    @property
    def leases(self) -> Leases:
        """Where leases come from."""

    def source(self, *, fetch: bool = True) -> Source:
        """The effective tree at the newest commit, or without `fetch` at the one that was fetched last; raises SourceError."""

    def compared(self, base: str | None, head: str) -> Compared:
        """The trees before and after merging one branch into another, ours unless told; raises SourceError."""

    def committed_at(self, commit: Commit) -> datetime | None:
        """When a commit was made, None when that cannot be told."""

    def known_hubs(self) -> tuple[HubName, ...]:
        """The hubs of which something is kept, by name; raises StateError."""

    def stores(self, hub: HubName) -> Stores:
        """What is kept of one hub; raises StateError for a name that no hub can have."""

    def ports(self, hub: HubName, tree: Tree) -> HubPorts:
        """Everything that a pass over one hub talks to."""

    def unanswered(self, hub: HubName) -> Unanswered[Seen]:
        """What this process's passes over a hub have not been answered yet."""
