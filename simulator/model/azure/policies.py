"""Firewall policies and their rule collection groups: serial writes that take minutes and replace the whole group.

Sources: azurerm #15440 and Azure/ResourceModules #1325 (one write at a time over a policy, its base and that base's other
children; 14 s without a firewall), azurerm PR 32081 (409), Microsoft Learn request-limits-and-throttling (429), azurerm #19843
(accepted, then failed), azure-sdk-for-python #24182 (a PUT replaces), Microsoft Learn azure-subscription-service-limits and
firewall known issues (limits). Assumptions: two groups of one policy may not share a priority; a failed write leaves the
policy Failed too; what a failed write carried is never enforced, later writes of other groups do not bring it in.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from simulator.model.azure.contents import Json, accepted_properties, check_name, size_in_bytes
from simulator.model.azure.groups import Accepted, EnforcedGroup, Group, Limits, Policy, Refusal, State
from simulator.model.azure.ids import ResourceIds, etag_of
from simulator.model.azure.operations import Operation, Operations
from simulator.model.clock import VirtualClock
from simulator.model.errors import ArmError

POLL_SECONDS = 10
"""Retry-After of an accepted write."""
LOCK_SECONDS = 30
"""Retry-After of a write refused because of another one, and how long an accepted loser takes to fail."""
UNATTACHED_SECONDS = 14.0
"""How long a write takes on a policy without a firewall."""


class PolicyTree:
    """A base policy and its child: one domain of serial writes. `enforced_version` rises when what is in force changes."""

    def __init__(
        self,
        policies: Mapping[str, Policy],
        *,
        seconds: float,
        ids: ResourceIds,
        clock: VirtualClock,
        operations: Operations,
    ) -> None:
        self.policies = {name.lower(): policy for name, policy in policies.items()}
        self.limits = Limits()
        self.refusal = Refusal.CONFLICT
        self.enforced_version = 0
        self._seconds = seconds
        self._ids = ids
        self._clock = clock
        self._operations = operations
        self._running: Operation | None = None
        self._failing: list[bool] = []
        self._refused: list[Callable[[Mapping[str, Any]], bool]] = []

    def policy(self, name: str) -> Policy:
        """Raises ArmError 404."""
        policy = self.policies.get(name.lower())
        if policy is None:
            raise _not_found("firewallPolicies", name)
        return policy

    def group(self, policy: str, name: str) -> Group:
        """Raises ArmError 404."""
        group = self.policy(policy).groups.get(name.lower())
        if group is None:
            raise _not_found(f"firewallPolicies/{policy}/ruleCollectionGroups", name)
        return group

    def seed(self, policy: Policy, body: Mapping[str, Any]) -> None:
        """A group that exists from the start. Raises ArmError when it could not."""
        properties = accepted_properties({"properties": body["properties"]})
        name = str(body["name"])
        self._check(policy, name, properties)
        policy.groups[name.lower()] = Group(name, properties, properties, State.SUCCEEDED)
        self.enforced_version += 1

    def enforced(self) -> Iterator[EnforcedGroup]:
        """What the firewall applies: parent policies first, groups in no particular order."""
        for policy in sorted(self.policies.values(), key=_depth):
            for group in policy.groups.values():
                if group.enforced is not None:
                    yield EnforcedGroup(policy.name, group.name, group.enforced)

    def put(self, policy_name: str, name: str, body: Mapping[str, Any]) -> Accepted:
        """Begin to replace or create a group. Raises ArmError 400, 404, 409, 429."""
        policy = self._writable(policy_name)
        properties = accepted_properties(body)
        self._check(policy, name, properties)
        losing = self._admit()
        group = policy.groups.get(name.lower())
        status = 200 if group else 201
        if group is None:
            group = policy.groups[name.lower()] = Group(name, properties, None, State.UPDATING, 0)
        group.shown, group.state = properties, State.UPDATING
        group.version += 1
        operation = self._begin(policy, losing, partial(self._finish_put, policy, group, properties, losing))
        group.last_write = operation.id
        return Accepted(status, self.group_body(policy, group), operation.id, POLL_SECONDS)

    def delete(self, policy_name: str, name: str) -> Accepted:
        """Begin to delete a group. Raises ArmError 400, 404, 409, 429."""
        policy = self._writable(policy_name)
        group = policy.groups.get(name.lower())
        if group is None:
            return Accepted(204, None, "", 0)
        if name.lower().startswith("default") and name.lower().endswith("rulecollectiongroup"):
            raise ArmError(400, "BadRequest", f"The default rule collection group {name} cannot be deleted.")
        losing = self._admit()
        group.state = State.DELETING
        group.version += 1
        operation = self._begin(policy, losing, partial(self._finish_delete, policy, group, losing))
        group.last_write = operation.id
        return Accepted(202, None, operation.id, POLL_SECONDS)

    def edit(self, policy_name: str, name: str, mutate: Callable[[Json], object]) -> Accepted:
        """Read the group's properties, let somebody change them in place, and write them back."""
        properties = copy.deepcopy(self.group(policy_name, name).shown)
        mutate(properties)
        return self.put(policy_name, name, {"properties": properties})

    def fail_next(self, count: int, *, late: bool) -> None:
        """The next accepted writes fail: after their whole time when late, else soon."""
        self._failing.extend([late] * count)

    def refuse(self, unwelcome: Callable[[Mapping[str, Any]], bool]) -> None:
        """From now on the firewall fails every write whose group is unwelcome, naming nothing."""
        self._refused.append(unwelcome)

    def refuses(self, properties: Mapping[str, Any]) -> bool:
        """Whether a write with this content fails now whenever it is made."""
        return any(unwelcome(properties) for unwelcome in self._refused)

    def accept_all(self) -> None:
        """The firewall refuses no content any more, and no further write is made to fail."""
        self._refused.clear()
        self._failing.clear()

    def busy(self, seconds: float, *, visible: bool) -> Operation:
        """Somebody else writes to the base policy; unless visible, child policies go on to say Succeeded."""
        refused = self._admit()
        if refused:
            raise self._another(self._running, Refusal.CONFLICT)
        touched = [policy for policy in self.policies.values() if visible or policy.base is None]
        for policy in touched:
            policy.state = State.UPDATING
        self._running = self._operations.start(seconds, partial(self._finish_foreign, touched))
        return self._running

    def group_body(self, policy: Policy, group: Group) -> Json:
        """The group as ARM gives it back."""
        size = f"{size_in_bytes(group.shown) / 1_000_000:.6f}".rstrip("0").rstrip(".")
        identity = self._ids.group(policy.name, group.name)
        return {
            "id": identity,
            "name": group.name,
            "type": "Microsoft.Network/FirewallPolicies/RuleCollectionGroups",
            "etag": etag_of(identity, group.version),
            "properties": {
                "size": f"{size}MB",
                "provisioningState": str(group.state),
                **copy.deepcopy(group.shown),
            },
        }

    def _writable(self, name: str) -> Policy:
        policy = self.policy(name)
        if policy.afc_managed:
            raise ArmError(
                409,
                "OperationNotAllowed",
                f"Firewall policy {policy.name} is managed by Azure Firewall for Containers and is read-only to others.",
            )
        return policy

    def _check(self, policy: Policy, name: str, properties: Json) -> None:
        """Names, and the limits that count over the whole policy."""
        check_name(name)
        others = [group for key, group in policy.groups.items() if key != name.lower()]
        limits = self.limits
        if len(others) >= limits.groups_per_policy:
            raise ArmError(
                400,
                "BadRequest",
                f"Policy {policy.name} holds {limits.groups_per_policy} rule collection groups at most.",
            )
        twin = next((group.name for group in others if group.shown["priority"] == properties["priority"]), None)
        if twin is not None:
            raise ArmError(400, "BadRequest", f"Priority {properties['priority']} of {name} is taken by {twin}.")
        size = size_in_bytes(properties)
        if size > limits.bytes_per_group:
            raise ArmError(
                400, "BadRequest", f"Rule collection group {name} has {size} bytes, {limits.bytes_per_group} at most."
            )
        count = len(properties["ruleCollections"]) + sum(len(group.shown["ruleCollections"]) for group in others)
        if count > limits.collections_per_policy:
            raise ArmError(
                400,
                "BadRequest",
                f"Policy {policy.name} would hold {count} rule collections, {limits.collections_per_policy} at most.",
            )

    def _admit(self) -> bool:
        """Whether a write that begins now loses to a running one. Raises the refusal where that comes at once."""
        if self._running is None:
            return False
        if self.refusal is Refusal.ACCEPTED_THEN_FAILED:
            return True
        raise self._another(self._running, self.refusal)

    def _another(self, running: Operation | None, refusal: Refusal) -> ArmError:
        uri = self._ids.operation(running.id if running else "")
        message = (
            "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: "
            f"https://management.azure.com{uri}?api-version=2026-03-01."
        )
        if refusal is Refusal.RETRYABLE:
            return ArmError(429, refusal, message, headers={"Retry-After": str(LOCK_SECONDS)})
        return ArmError(409, refusal, message)

    def _begin(self, policy: Policy, losing: bool, finish: Callable[[Operation], None]) -> Operation:
        attached = any(other.firewalls for other in self.policies.values() if policy in _line(other))
        seconds = self._seconds if attached else UNATTACHED_SECONDS
        policy.version += 1
        if losing:
            return self._operations.start(LOCK_SECONDS, finish)
        policy.state = State.UPDATING
        if self._failing and not self._failing[0]:
            seconds = min(seconds, LOCK_SECONDS)
        self._running = self._operations.start(seconds, finish)
        return self._running

    def _finish_put(self, policy: Policy, group: Group, properties: Json, losing: bool, operation: Operation) -> None:
        failed = self._fails(losing, properties)
        if not failed:
            group.enforced = properties
            self.enforced_version += 1
        self._settle(policy, group, operation, failed=failed, losing=losing)

    def _finish_delete(self, policy: Policy, group: Group, losing: bool, operation: Operation) -> None:
        failed = self._fails(losing, {})
        if not failed:
            policy.groups.pop(group.name.lower(), None)
            self.enforced_version += 1
        self._settle(policy, group, operation, failed=failed, losing=losing)

    def _fails(self, losing: bool, properties: Mapping[str, Any]) -> bool:
        if losing:
            return True
        if self._failing:
            self._failing.pop(0)
            return True
        return self.refuses(properties)

    def _settle(self, policy: Policy, group: Group, operation: Operation, *, failed: bool, losing: bool) -> None:
        state = State.FAILED if failed else State.SUCCEEDED
        if group.last_write == operation.id:
            group.state = state
            group.version += 1
        if failed:
            operation.fail(
                Refusal.ACCEPTED_THEN_FAILED,
                f"Put on Firewall Policy {policy.name} Failed with 1 faulted referenced firewalls",
            )
        if not losing:
            policy.state = state
            policy.version += 1
            self._running = None

    def _finish_foreign(self, touched: list[Policy], _operation: Operation) -> None:
        for policy in touched:
            policy.state = State.SUCCEEDED
        self._running = None


def _line(policy: Policy) -> Iterator[Policy]:
    """A policy and those above it."""
    current: Policy | None = policy
    while current is not None:
        yield current
        current = current.base


def _depth(policy: Policy) -> int:
    return sum(1 for _ in _line(policy))


def _not_found(kind: str, name: str) -> ArmError:
    return ArmError(404, "ResourceNotFound", f"The Resource 'Microsoft.Network/{kind}/{name}' was not found.")
