"""Tenants that hold something and that Git does not define any more: what was in force of them before.

Whoever is removed by a commit is still known by his last definition. A force-push takes that away as well, while ranges, gateways
and rules stay until their removal has been through its limits and orders; meanwhile their rules are those of the commit that was
in force. The state keeps which one that is. Where it cannot be read any more, or where something of the tenant was deferred then,
all that is known of the rules is what stands in the firewall. Whoever comes back before his removal began, as the limit on removals
asks for, is what he was at that commit and no newcomer.

What stands in the firewall is also all that tells of whoever was removed before the hub took up all that Git has unasked:
his last definition may be one that nobody approved, and whoever let everything in did not see it in Git any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from function_app.model.ledger import Holding
from function_app.model.names import AttachmentKey, Commit, TenantName
from function_app.model.tree import HubDefinitions
from function_app.planning.deferring import Asked


def to_recall(asked: Asked, attached_before: frozenset[TenantName]) -> Mapping[TenantName, Commit]:
    """The commit at which each tenant that Git does not define any more was in force last, as far as that is known.

    While the ledger cannot tell who holds something, whoever was attached at the commit in force before may do so.
    """
    known, before = asked.state.recalled, asked.state.last_good_commit
    holding = (
        known.keys() | attached_before if asked.ledger is None else {one.key.tenant for one in asked.ledger.live()}
    )
    return {
        tenant: commit
        for tenant in sorted(holding - asked.hub.rules.keys() | holding & asked.hub.departed.keys())
        if (commit := known.get(tenant, before)) not in (None, asked.hub.commit) and not _was_deferred(asked, tenant)
    }


def brought_back(asked: Asked, key: AttachmentKey) -> Commit | None:
    """At which commit something that Git defines again was in force, before it was removed or a rewind dropped it."""
    return asked.state.recalled.get(key.tenant) if key in asked.hub.attachments else None


def still_stands(asked: Asked, former: HubDefinitions | None, key: AttachmentKey) -> bool:
    """All that an attachment was is still there: its removal has not begun, and it had all its namespaces.

    What was interrupted is not carried on without a question.
    """
    found = former.attachments.get(key) if former is not None else None
    if found is None or asked.ledger is None:
        return False
    return any(
        one.holding is Holding.HELD and one.range == found.range and {*found.attachment.namespaces} <= {*one.routed}
        for one in asked.ledger.of(key)
    )


def doubtful(asked: Asked, *, everything: bool) -> frozenset[TenantName]:
    """Removed tenants whose last definition may never have been in force; `everything` that Git has is taken up unasked now."""
    before = asked.hub.departed.keys() if everything else asked.hub.departed.keys() & asked.state.doubtful
    if not before or asked.ledger is None:
        return frozenset(before)
    known = {one.key.tenant for one in asked.ledger.generations.values()}
    return frozenset(before - known | before & {one.key.tenant for one in asked.ledger.live()})


def _was_deferred(asked: Asked, tenant: TenantName) -> bool:
    return any(part.startswith(f"{tenant}@") for part in asked.state.standing)


def with_recalled(
    hub: HubDefinitions, wanted: Mapping[TenantName, Commit], trees: Mapping[Commit, HubDefinitions | None]
) -> tuple[HubDefinitions, Mapping[TenantName, Commit]]:
    """The hub with the rules of those that it knows nothing of and that were attached, and whom to ask for again.

    That is also whose commit is not among `trees`, and whoever is known by his last definition, should Git define him again.
    """
    found = {
        tenant: one.rules[tenant]
        for tenant, commit in wanted.items()
        if tenant not in hub.rules
        and (one := trees.get(commit)) is not None
        and any(key.tenant == tenant for key in one.attachments)
    }
    known = found.keys() | hub.rules.keys()
    again = {tenant: commit for tenant, commit in wanted.items() if tenant in known or commit not in trees}
    return (replace(hub, rules={**hub.rules, **found}) if found else hub), again
