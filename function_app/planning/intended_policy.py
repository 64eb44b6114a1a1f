"""The firewall policy that definitions alone imply: what stands in the shards once everything they ask for has come about.

Needs no ledger and no target, so a pull request can be judged with neither. Seats are taken over from the policy before,
so that what a change writes is what it would write in the hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Network

from function_app.model.names import TenantName
from function_app.model.plan import Refusal
from function_app.model.resources import Body
from function_app.model.tree import HubDefinitions
from function_app.planning.firewall_resources import Content, TenantRules, render_rules, shard_body
from function_app.planning.placement import place
from function_app.planning.reachability.spans import Spans
from function_app.planning.reachability.traffic import addresses


@dataclass(frozen=True, slots=True)
class Intended:
    """One hub's firewall as defined. `contents` is by shard, `sources` are each tenant's addresses."""

    hub: HubDefinitions | None = None
    today: date = date.min
    rules: Mapping[TenantName, TenantRules] = field(default_factory=dict)
    ranges: Mapping[TenantName, tuple[IPv4Network, ...]] = field(default_factory=dict)
    contents: Mapping[str, Content] = field(default_factory=dict)
    groups: tuple[Body, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def sources(self) -> dict[TenantName, Spans[int]]:
        """Each tenant's addresses as a set."""
        return {tenant: addresses(ranges) for tenant, ranges in self.ranges.items()}


def intended(hub: HubDefinitions, today: date, before: Intended | None = None) -> Intended:
    """What the hub's definitions imply, everything seated where it was seated before."""
    ranges: dict[TenantName, list[IPv4Network]] = {}
    for key, attachment in hub.attachments.items():
        ranges.setdefault(key.tenant, []).append(attachment.range)
    rules = {
        tenant: _kept(before, tenant, hub, found, today)
        or render_rules(tenant, hub.rules.get(tenant, ()), found, today)
        for tenant, found in sorted(ranges.items())
    }
    shards, limits = hub.hub.spec.firewall.shards, hub.hub.spec.limits
    placement = place(
        shards,
        rules,
        before.contents if before is not None else {},
        {},
        {tenant: (found,) for tenant, found in rules.items()},
        most_shards=min(shards.priority.last - shards.priority.first, limits.rule_collection_groups - 1),
        most_collections=limits.rule_collections - 1,
    )
    return Intended(
        hub=hub,
        today=today,
        rules=rules,
        ranges={tenant: tuple(sorted(found)) for tenant, found in ranges.items()},
        contents=placement.contents,
        groups=tuple(
            shard_body(shards, name, content)
            for name, content in sorted(placement.contents.items())
            if any(content.values())
        ),
        refused=placement.refused,
    )


def _kept(
    before: Intended | None, tenant: TenantName, hub: HubDefinitions, ranges: list[IPv4Network], today: date
) -> TenantRules | None:
    """The rules from before, the very same, when nothing that they are made from has changed: most of a hub stays as it is."""
    if before is None or before.hub is None or before.today != today:
        return None
    same = before.hub.rules.get(tenant) == hub.rules.get(tenant) and before.ranges.get(tenant) == tuple(sorted(ranges))
    return before.rules.get(tenant) if same else None
