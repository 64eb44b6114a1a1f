"""The things of a firewall policy: groups, what is shown of them and what is in force, states, limits, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from simulator.model.azure.contents import Json


class State(StrEnum):
    """`provisioningState`."""

    SUCCEEDED = "Succeeded"
    UPDATING = "Updating"
    DELETING = "Deleting"
    FAILED = "Failed"


class Refusal(StrEnum):
    """How a write is turned away while another one runs."""

    CONFLICT = "AnotherOperationInProgress"
    RETRYABLE = "RetryableErrorDueToAnotherOperation"
    ACCEPTED_THEN_FAILED = "FirewallPolicyUpdateFailed"


@dataclass(slots=True)
class Limits:
    """What the service holds; Microsoft moved these over time."""

    groups_per_policy: int = 60
    bytes_per_group: int = 2_000_000
    collections_per_policy: int = 2_000


@dataclass(slots=True)
class Group:
    """One rule collection group. `shown` is what a read returns, `enforced` what last succeeded (None: never)."""

    name: str
    shown: Json
    enforced: Json | None
    state: State
    version: int = 1
    last_write: str = ""


@dataclass(slots=True)
class Policy:
    """One firewall policy; `firewalls` are names."""

    name: str
    base: Policy | None
    firewalls: tuple[str, ...]
    afc_managed: bool = False
    state: State = State.SUCCEEDED
    version: int = 1
    groups: dict[str, Group] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnforcedGroup:
    """A group as the firewall applies it."""

    policy: str
    group: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A write that was taken: 201 or 200 with a body for a PUT, 202 or 204 (was gone, no operation) for a DELETE."""

    status: int
    body: Json | None
    operation_id: str
    retry_after: int
