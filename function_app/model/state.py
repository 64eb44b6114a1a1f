"""Small records that a hub's passes leave for the next one. All but decisions can be lost without breaking an invariant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network

from function_app.model.admission import Standing
from function_app.model.names import Commit, GenerationId, TenantName
from function_app.model.resources import Body


class DecisionKind(StrEnum):
    """What a person decided, outside Git. A kind that only a newer release knows keeps its name and is `unknown`."""

    BLOCK = "block"
    WAIVER = "waiver"
    FORGET = "forget"
    SUSPEND = "suspend"

    @classmethod
    def _missing_(cls, value: object) -> DecisionKind | None:
        if not isinstance(value, str):
            return None
        kind = str.__new__(cls, value)
        kind._name_, kind._value_ = "UNKNOWN", value
        return kind

    @property
    def unknown(self) -> bool:
        """Nobody here can tell what it asks for."""
        return self not in DecisionKind.__members__.values()


@dataclass(frozen=True, slots=True)
class Decision:
    """One recorded decision: who, why, until when.

    `subject` is a tenant (block), a plan id (waiver), a cluster (forget) or a scope such as `tenant/NAME` (suspend); `code` is
    the refusal code that a waiver lifts.
    """

    kind: DecisionKind
    subject: str
    reason: str
    by: str
    at: datetime
    expires: datetime | None = None
    code: str = ""

    def is_in_force(self, now: datetime) -> bool:
        """It has not expired."""
        return self.expires is None or self.expires > now


@dataclass(frozen=True, slots=True)
class ShardMemory:
    """What we know of one shard beyond what Azure shows.

    `in_force` is the last content seen Succeeded. `failures` maps the digest of a content to how often an operation with
    it was seen to fail, `counted` is the etag of the failure counted last. No write before `backoff_until`. `since` maps each
    tenant in it to when its rules in force were first seen as they are. `possible` are, for the block shard, the sources of
    every content seen being written, or Failed, since: one of those writes may have succeeded before somebody else's failed.
    """

    in_force: Body | None = field(default=None, hash=False)
    failures: Mapping[str, int] = field(default_factory=dict, hash=False)
    counted: str = ""
    backoff_until: datetime | None = None
    since: Mapping[TenantName, datetime] = field(default_factory=dict, hash=False)
    possible: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Since when an attachment has been at this stage with this wait."""

    stage: str
    waiting_for: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Repairs:
    """How often in a row drift of one resource was undone, and when last."""

    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Drift:
    """The last drift that was undone: when, of what, and in words who changed what, as far as the target tells.

    `who` is what Azure's activity log said afterwards, or why it does not tell; empty as long as it is asked, and for clusters.
    """

    at: datetime
    target: str
    resource: str
    words: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """All of a commit has been in force and at rest since then, without a break."""

    commit: Commit
    since: datetime


@dataclass(frozen=True, slots=True)
class HubState:
    """Everything a pass remembers.

    `pointed` are (generation, cluster, namespace) that were seen annotated: what a restore may rely on. `rendered` maps a
    resource key (`TARGET KIND/NAME`) to (definition digest, release) at the time it last matched: it tells drift from an
    edit and from a release that renders differently. `operations` keeps the URL of a route listing by connection name.
    `clusters` maps a cluster to the identity that was seen behind its name. `repairs` is by the keys of `rendered`.
    `drifts` is by attachment, and "" for the newest of all. `last_good_since` is when that commit came into force; what of it
    was not taken up stands as `standing` says. `settled` is by cluster, and "" for the hub: what is at rest. `stuck` is by cluster
    that others come after: what keeps it from rest until a person acts, in words.
    """

    shards: Mapping[str, ShardMemory] = field(default_factory=dict)
    placement: Mapping[TenantName, tuple[str, int]] = field(default_factory=dict)
    pointed: frozenset[tuple[GenerationId, str, str]] = frozenset()
    rendered: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    operations: Mapping[str, str] = field(default_factory=dict)
    waits: Mapping[str, Wait] = field(default_factory=dict)
    clusters: Mapping[str, str] = field(default_factory=dict)
    repairs: Mapping[str, Repairs] = field(default_factory=dict)
    drifts: Mapping[str, Drift] = field(default_factory=dict)
    last_good_commit: Commit | None = None
    last_good_since: datetime | None = None
    standing: Standing = field(default_factory=dict)
    settled: Mapping[str, Rest] = field(default_factory=dict)
    stuck: Mapping[str, str] = field(default_factory=dict)
    reviewed: bool = False
    """Whether the hub in force applies only what was approved."""
    ledger_rebuilt_at: datetime | None = None
    recalled: Mapping[TenantName, Commit] = field(default_factory=dict)
    """Tenants that hold something and that Git does not define any more: the commit in force before."""
    doubtful: frozenset[TenantName] = frozenset()
    """Removed tenants whose last definition may never have been in force: of their rules stays what stands."""


@dataclass(frozen=True, slots=True)
class FreedRange:
    """A range in quarantine and when it ends."""

    range: IPv4Network
    former: TenantName
    until: datetime
