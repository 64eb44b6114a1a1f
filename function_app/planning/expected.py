"""Expectations after a merge: what the policy says once this plan is carried out, told in the report and acted on nowhere.

Deciding them takes longer than planning a hub in which nothing changed, and the answer depends on the policy and the definitions
alone: it is kept for as long as neither changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from threading import Lock

from function_app.model.names import PlanId, TenantName
from function_app.model.plan import Change, DeleteGroup, PutGroup
from function_app.model.resources import Body, FirewallObservation
from function_app.planning.firewall_plan import FirewallPlan, FirewallWish
from function_app.planning.firewall_resources import digest_of
from function_app.planning.reachability.expectations import Standing, decide
from function_app.planning.reachability.policy import policy_of
from function_app.planning.reachability.traffic import addresses
from function_app.planning.situation import Situation

_MOST_TOLD = 20
_ANSWERS_KEPT = 8


type _Key = tuple[object, ...]


class _Answers:
    """The last answers by what they depend on; the definitions and bodies themselves are not kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[_Key, tuple[str, ...]] = {}

    def get(self, key: _Key, decide_afresh: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """A kept answer, or a new one in the place of the oldest."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        answer = decide_afresh()
        with self._lock:
            while len(self._kept) >= _ANSWERS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = answer
        return answer


_ANSWERS = _Answers()


def expectations_not_met(
    situation: Situation, plan_id: PlanId, firewall: FirewallPlan, wish: FirewallWish
) -> tuple[str, ...]:
    """Broken statements in words, the first twenty; a blocked tenant's are left out, since nothing of it may pass."""
    hub, observed = situation.hub, situation.firewall
    demanded = hub.guardrails is not None and hub.guardrails.spec.expect
    if observed is None or not (demanded or any(one.tenant.spec.expect for one in hub.attachments.values())):
        return ()
    groups = _resulting(observed.groups, firewall.changes)
    sources = {tenant: rules.sources() for tenant, rules in wish.tenants.items() if tenant not in wish.blocked}
    versions = [_version(name, body) for name, body in sorted([*groups.items(), *observed.base_groups.items()])]
    key = (hub.name, plan_id, tuple(versions), tuple(sorted((name, *sorted(found)) for name, found in sources.items())))
    return _ANSWERS.get(key, lambda: _told(situation, observed, groups, sources))


def _resulting(observed: Mapping[str, Body], changes: tuple[Change, ...]) -> dict[str, Body]:
    """The policy's groups once every change of ours is through."""
    groups = dict(observed)
    for change in changes:
        if isinstance(change.write, PutGroup):
            groups[change.resource.name] = change.write.body
        elif isinstance(change.write, DeleteGroup):
            groups.pop(change.resource.name, None)
    return groups


def _version(name: str, body: Body) -> tuple[str, str]:
    return name, str(body.get("etag") or digest_of(body))


def _told(
    situation: Situation,
    observed: FirewallObservation,
    groups: Mapping[str, Body],
    held: Mapping[TenantName, frozenset[str]],
) -> tuple[str, ...]:
    hub = situation.hub
    sources = {tenant: addresses(map(IPv4Network, found)) for tenant, found in held.items()}
    tenants = {key.tenant: one.tenant for key, one in hub.attachments.items()}
    policy = policy_of(groups.values(), observed.base_groups.values())
    decided = decide(policy, tenants, hub.guardrails, sources)
    broken = [f"expectation not met: {one}" for one in decided if one.standing is Standing.BROKEN]
    more = [f"{len(broken) - _MOST_TOLD} more expectations are not met"] if len(broken) > _MOST_TOLD else []
    return (*broken[:_MOST_TOLD], *more)
