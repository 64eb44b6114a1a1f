"""One write of ours to the firewall policy, judged by the group as it was and as it will be."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.judge.asking import Asked
from simulator.judge.books import Books
from simulator.judge.cluster_writes import Finding
from simulator.judge.truth import allowing_rules
from simulator.judge.violations import Invariant
from simulator.model.azure.contents import size_in_bytes
from simulator.model.azure.groups import State
from simulator.model.faults import Call
from simulator.model.world import World


@dataclass(frozen=True, slots=True)
class GroupBefore:
    """The addressed group directly before the call; `shown` is None when there was none."""

    call: Call
    shown: dict[str, Any] | None
    state: State
    version: int


class FirewallJudge:
    """Judges PUT and DELETE of rule collection groups."""

    def __init__(self, world: World, hub: str, books: Books) -> None:
        self._world = world
        self._hub = hub
        self._books = books

    def before(self, call: Call) -> GroupBefore:
        """The group where the call goes."""
        group = self._groups().get(call.name.lower())
        if group is None:
            return GroupBefore(call, None, State.SUCCEEDED, 0)
        return GroupBefore(call, copy.deepcopy(group.shown), group.state, group.version)

    def after(self, before: GroupBefore, asked: Asked) -> Iterator[Finding]:
        """Everything that this write broke."""
        call = before.call
        group = self._groups().get(call.name.lower())
        if group is not None and group.version == before.version:
            return
        hub = next(iter(asked.tree.definitions.hubs.values()))
        shards = hub.spec.firewall.shards
        if not re.fullmatch(re.escape(shards.prefix) + r"-(\d{3}|block)", call.name):
            yield Invariant.FOREIGN, f"rule collection group {call.name} is not ours"
        if call.verb == "delete" or group is None:
            return
        if before.shown == group.shown and before.state is State.SUCCEEDED:
            yield Invariant.ONCE, f"{call.name} was written and stood so already"
        if size_in_bytes(group.shown) > shards.max_bytes:
            yield Invariant.LIMITS, f"{call.name} has {size_in_bytes(group.shown)} bytes, {shards.max_bytes} at most"
        if call.name.endswith("-block"):
            return
        held = {(str(one.key.tenant), str(one.range)) for one in (*self._books.live(), *self._books.lost())}
        for tenant, source in allowing_rules(group.shown):
            if (tenant, source) not in held:
                yield Invariant.RANGES, f"{call.name} allows {source} to {tenant}, which the ledger does not give it"
                return

    def written(self, before: GroupBefore) -> dict[str, Any]:
        """The content that this write puts there; empty when it changed nothing, deletes, or is the block's."""
        call, group = before.call, self._groups().get(before.call.name.lower())
        if group is None or group.version == before.version or call.verb == "delete" or call.name.endswith("-block"):
            return {}
        shown: dict[str, Any] = group.shown
        return shown

    def _groups(self) -> dict[str, Any]:
        hub = self._world.hubs[self._hub]
        return hub.policies.policy(hub.document.firewall.policy).groups
