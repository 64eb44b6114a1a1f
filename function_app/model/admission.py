"""Whether what Git has now is taken up on a hub, or what was admitted last stays in force; see `planning.admission`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from function_app.model.names import AttachmentKey, ClusterName, Commit, HubName, TenantName
from function_app.model.tree import DefinedAttachment


class DeferralReason(StrEnum):
    """Why a definition is not taken up yet; a closed enum that outsiders may rely on."""

    SUSPENDED = "suspended"
    CHANGE_WINDOW = "change-window"
    ROLLOUT = "rollout"
    UNAPPROVED = "unapproved"


class ScopeKind(StrEnum):
    """What a deferral, or a suspension, is about."""

    HUB = "hub"
    CLUSTER = "cluster"
    TENANT = "tenant"


class Scope(NamedTuple):
    """A hub with all that is on it, a cluster with all attachments on it, or a tenant on all clusters of the hub."""

    kind: ScopeKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @classmethod
    def hub(cls, name: HubName) -> Scope:
        """The whole hub."""
        return cls(ScopeKind.HUB, name)

    @classmethod
    def cluster(cls, name: ClusterName) -> Scope:
        """One cluster."""
        return cls(ScopeKind.CLUSTER, name)

    @classmethod
    def tenant(cls, name: TenantName) -> Scope:
        """One tenant."""
        return cls(ScopeKind.TENANT, name)

    @classmethod
    def of(cls, text: str) -> Scope | None:
        """A scope as it is written, None for any other text."""
        kind, _, name = text.partition("/")
        return cls(ScopeKind(kind), name) if kind in set(ScopeKind) and name else None


@dataclass(frozen=True, slots=True)
class Deferral:
    """What is not taken up, and why, in words that name who decided it and how it ends.

    `until` is when it ends by itself, or when asking again is worth it; None when only a person can end it. `plan` is the digest
    of what a waiver would permit, empty where none can.
    """

    scope: Scope
    reason: DeferralReason
    words: str
    until: datetime | None = None
    plan: str = ""


NEVER = Commit("")
"""At this commit stands what was never admitted: nothing."""

Standing = Mapping[str, Commit]
"""By attachment (`TENANT@CLUSTER`) or scope (`cluster/NAME`, `hub/NAME`): the commit whose definition stays in force there.

Everything else is in force as the last good commit has it.
"""


@dataclass(frozen=True, slots=True)
class Admission:
    """What of a hub is not taken up.

    `deferred` are attachments, and `platform` clusters and the hub itself, whose definitions in Git differ from those in force;
    `asked` is such an attachment as Git has it, None when it removes it. `suspended` are the suspensions in force: on these
    nothing is written but what denies. `standing` is kept for the next pass, and so is `recalled`: tenants that Git does not define
    any more though they hold something, by the commit at which they were in force. `doubtful` are removed tenants whose last
    definition may never have been in force.
    """

    deferred: Mapping[AttachmentKey, Deferral] = field(default_factory=dict, hash=False)
    platform: tuple[Deferral, ...] = ()
    asked: Mapping[AttachmentKey, DefinedAttachment | None] = field(default_factory=dict, hash=False)
    suspended: Mapping[Scope, Deferral] = field(default_factory=dict, hash=False)
    standing: Standing = field(default_factory=dict, hash=False)
    reviewed: bool = False
    recalled: Mapping[TenantName, Commit] = field(default_factory=dict, hash=False)
    doubtful: frozenset[TenantName] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.deferred or self.platform or self.suspended)

    @property
    def deferrals(self) -> tuple[Deferral, ...]:
        """Each of them once, suspensions first."""
        return tuple(dict.fromkeys((*self.suspended.values(), *self.platform, *self.deferred.values())))

    def suspension_of(self, hub: HubName, cluster: ClusterName | None, tenant: TenantName | None) -> Deferral | None:
        """The suspension that holds for a hub, for a cluster of it, for a tenant, or for a tenant on a cluster."""
        scopes = [Scope.hub(hub)]
        scopes += [Scope.cluster(cluster)] if cluster is not None else []
        scopes += [Scope.tenant(tenant)] if tenant is not None else []
        return next((self.suspended[one] for one in scopes if one in self.suspended), None)


EVERYTHING = Admission()
"""All that Git has is taken up."""
