"""A plan: our ordered changes and what each waits for. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from function_app.model.admission import Deferral
from function_app.model.ledger import Record
from function_app.model.names import AttachmentKey, Commit, HubName, PlanId, TargetName
from function_app.model.resources import Body, ResourceId


class Verb(StrEnum):
    """What happens to the resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class ChangeReason(StrEnum):
    """Why a change is in the plan; a closed enum that outsiders may rely on."""

    NEW = "new"
    EDITED = "edited"
    RENUMBERED = "renumbered"
    MOVED = "moved"
    REMOVED = "removed"
    DRIFT = "drift"
    RELEASE = "release"
    ADOPTED = "adopted"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    EXPIRED = "expired"
    RETRY = "retry"


class WaitsFor(StrEnum):
    """What a change, or an attachment, waits for; a closed enum that outsiders may rely on."""

    POOLED = "pooled"
    SERVING = "serving"
    ADVERTISED = "advertised"
    PERMITTED = "permitted"
    ROUTED = "routed"
    FIREWALL_BUSY = "firewall-busy"
    FIREWALL_BACKOFF = "firewall-backoff"
    BACKOFF = "backoff"
    DRAIN = "drain"
    QUARANTINE = "quarantine"
    UNPOINTED = "unpointed"
    PODS_GONE = "pods-gone"
    BLOCKS_GONE = "blocks-gone"
    RULES_GONE = "rules-gone"
    ROUTES_GONE = "routes-gone"
    BLOCK_SHARD = "block-shard"
    NAMESPACE = "namespace"
    FOREIGN = "foreign"
    TARGET = "target"
    WAIVER = "waiver"
    DEFINITION = "definition"
    FABRIC = "fabric"
    ROUTE_SERVER_BUSY = "route-server-busy"
    LEDGER = "ledger"
    PERSON = "person"
    SUSPENDED = "suspended"
    CHANGE_WINDOW = "change-window"
    ROLLOUT = "rollout"
    UNAPPROVED = "unapproved"


class RefusalCode(StrEnum):
    """Why something is refused; a closed enum that outsiders may rely on."""

    REMOVALS = "removals"
    ROUTES_PER_PEER = "routes-per-peer"
    SHARD_BYTES = "shard-bytes"
    SHARDS = "shards"
    COLLECTIONS = "collections"
    POOL_ADDRESSES = "pool-addresses"
    QUARANTINE = "quarantine"
    RANGE_HELD = "range-held"
    FOREIGN_RESOURCE = "foreign-resource"
    FOREIGN_PEER = "foreign-peer"
    FABRIC = "fabric"
    PEERS = "peers"
    POLICY_UNSUITABLE = "policy-unsuitable"
    TARGET_REJECTED = "target-rejected"
    LEDGER_LOST = "ledger-lost"
    LEDGER_UNREADABLE = "ledger-unreadable"
    DEFINITION_HELD = "definition-held"
    RULE_REJECTED = "rule-rejected"
    CLUSTER_REPLACED = "cluster-replaced"
    PREFLIGHT = "preflight"
    IMMUTABLE = "immutable"
    REWOUND = "rewound"
    STANDING_UNKNOWN = "standing-unknown"
    UNAPPROVED = "unapproved"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that will not be done until a person acts: what, the numbers, the limit and the way out, in words."""

    code: RefusalCode
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply with our field manager. `force` takes fields over from other managers, only on what is ours.

    A non-empty `resource_version` makes the write fail with Conflict when the resource changed since it was read; what was
    deleted since is made again.
    """

    body: Body = field(hash=False)
    force: bool = False
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class MergePatch:
    """JSON merge patch of only our keys on a shared object; null removes a key."""

    body: Body = field(hash=False)
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete exactly the object that was observed."""

    uid: str
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class PutGroup:
    """Replace one rule collection group; `body` is the whole ARM body."""

    body: Body = field(hash=False)


@dataclass(frozen=True, slots=True)
class DeleteGroup:
    """Delete one rule collection group."""


@dataclass(frozen=True, slots=True)
class PutConnection:
    """Create or replace one BGP connection of a Route Server: the peer's address and its AS number."""

    peer_ip: str
    peer_asn: int


@dataclass(frozen=True, slots=True)
class DeleteConnection:
    """Delete one BGP connection of a Route Server."""


Write = Apply | MergePatch | Delete | PutGroup | DeleteGroup | PutConnection | DeleteConnection


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one resource.

    `because` says the reason in words. `waits_for` is None when the change may be carried out in this pass. `needs` are
    resources whose changes come earlier in the same pass: when one of them fails, this one is skipped. `records` are
    appended to the ledger before the write. `attachments` are those that the change serves. `evidence_at` is the age of
    the oldest reading on which the change relies, None when it relies on none: too old, and it is left for the next pass.
    Neighbours of one `rank` may be made at once; None is made alone.
    """

    verb: Verb
    target: TargetName
    resource: ResourceId
    reason: ChangeReason
    because: str
    write: Write
    waits_for: WaitsFor | None = None
    needs: frozenset[ResourceId] = frozenset()
    records: tuple[Record, ...] = ()
    attachments: tuple[AttachmentKey, ...] = ()
    evidence_at: datetime | None = None
    rank: int | None = None


class Stage(StrEnum):
    """How far an attachment has come (design, section 4)."""

    ABSENT = "absent"
    POOLED = "pooled"
    SERVING = "serving"
    ADVERTISED = "advertised"
    PERMITTED = "permitted"
    ROUTED = "routed"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class GatewayPod:
    """A gateway pod that has an address, and since when: a pod keeps its address as long as it lives."""

    name: str
    address: str
    node: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ClusterAddresses:
    """Where a cluster's packets come from: tenants' ranges, and its nodes by name with their addresses."""

    egress: str
    node_subnet: str
    nodes: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How much of a limit is used: `subject` is the cluster, policy, shard or Route Server that it holds for."""

    limit: str
    subject: str
    used: int
    most: int


@dataclass(frozen=True, slots=True)
class AttachmentState:
    """One attachment as this pass saw it. `current` says that the rules in force are those that Git asks for.

    `gateways` are the pods of all its live generations.
    """

    key: AttachmentKey
    cidr: str
    stage: Stage
    current: bool
    waiting_for: tuple[WaitsFor, ...]
    detail: str
    namespaces: tuple[str, ...] = ()
    generation: str = ""
    gateways: tuple[GatewayPod, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one pass decided.

    `changes` are in the order in which each target is written; `records` are ledger records that no change carries.
    `look_again_seconds` is when the next pass is worth making, None when nothing is pending.
    """

    plan_id: PlanId
    hub: HubName
    commit: Commit
    changes: tuple[Change, ...]
    records: tuple[Record, ...]
    refused: tuple[Refusal, ...]
    attachments: tuple[AttachmentState, ...]
    notes: tuple[str, ...] = ()
    look_again_seconds: float | None = None
    unattributed: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """By cluster: namespaces whose pods leave as nodes."""
    deferrals: tuple[Deferral, ...] = ()
    """Why some of what Git has is not taken up, suspensions first."""
    clusters: Mapping[str, ClusterAddresses] = field(default_factory=dict, hash=False)
    """Those that were read."""
    limits: tuple[LimitUse, ...] = ()

    @property
    def ready(self) -> tuple[Change, ...]:
        """Changes that this pass carries out."""
        return tuple(change for change in self.changes if change.waits_for is None)

    @property
    def pending(self) -> bool:
        """Something is left for a later pass without anybody's help."""
        return bool(self.changes) or self.look_again_seconds is not None
