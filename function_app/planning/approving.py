"""Whether what is about to be applied for a tenant is what somebody approved, and what differs in words if it is not.

An approval is of a commit, and what was answered for that commit by then is what was approved. A later push, another tenant's merge
or a rule that is written otherwise does not matter as long as the tenant's plan means the same; a rule of somebody else's in the
firewall does when it changes what the tenant may reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from function_app.model.approval import Approval, Meaning, Origin, PullRequest, Reach, Shown
from function_app.model.names import HubName, TenantName
from function_app.planning.reachability.judging import judge
from function_app.planning.reachability.outcome import DENIED, Change, Fate, changes
from function_app.planning.reachability.policy import Policy
from function_app.planning.reachability.spans import Spans, count, names_ending_in, one_name
from function_app.planning.reachability.traffic import (
    ADDRESSES,
    NAMED,
    NAMES,
    PORTS,
    TRANSPORTS,
    WEB,
    Application,
    Box,
    Transport,
    ranges_of,
)

_Days = tuple[tuple[str, Reach], ...]
_MOST_DIFFERENCES = 5
_MOST_LISTED = 3


@dataclass(frozen=True, slots=True)
class Proposed:
    """A changed tenant of a hub. `now` makes its plan out for a day, as Git and the firewall are now; `policy` is today's."""

    hub: HubName
    tenant: TenantName
    now: Callable[[date], Meaning]
    policy: Policy
    today: date


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a tenant's plan is not applied, in words; `again` says that asking again may be answered otherwise without a person.

    `plan` is the digest that a waiver permits.
    """

    words: str
    again: bool = False
    plan: str = ""


def not_approved(proposed: Proposed, origins: Iterable[Origin], waived: frozenset[str]) -> Verdict | None:
    """None when the plan as it is now was approved, or permitted by a waiver for its digest."""
    found = tuple(origins)
    digest = proposed.now(proposed.today).digest
    if digest in waived:
        return None
    approvals = [
        (pull, approval, _seen(proposed.tenant, approval, origin.shown))
        for origin in found
        for pull in origin.pull_requests
        for approval in pull.approvals
    ]
    for _, _, shown in approvals:
        if shown is not None and proposed.now(shown.day).digest == shown.tenants[proposed.tenant].digest:
            return None
    problem = next((one.problem for one in found if one.problem), "")
    if problem:
        words = f"whether the change of {proposed.tenant} was approved cannot be told: {problem} It is asked again"
        return Verdict(words, again=True, plan=digest)
    way_out = (
        f"Have it approved in a pull request, or permit it as it is now: `egressctl reconcile --hub {proposed.hub} --waive "
        f"unapproved --plan {digest} --reason WHY`"
    )
    return Verdict(f"{_why(proposed, found, approvals)}. {way_out}", plan=digest)


def _seen(tenant: TenantName, approval: Approval, shown: Iterable[Shown]) -> Shown | None:
    """What the approver had before them: the last answer for that commit until then.

    Their host's clock and ours may tell whole seconds: which came first within one is not known, and nobody reads that fast.
    """
    before = [one for one in shown if one.head == approval.head and one.at < approval.at]
    newest = max(before, key=lambda one: one.at, default=None)
    return newest if newest is not None and tenant in newest.tenants else None


def _why(
    proposed: Proposed, origins: Iterable[Origin], approvals: Iterable[tuple[PullRequest, Approval, Shown | None]]
) -> str:
    tenant = proposed.tenant
    known = sorted(approvals, key=lambda one: one[1].at, reverse=True)
    for pull, approval, shown in known:
        if shown is not None:
            differs = "; ".join(differences(shown.tenants[tenant], proposed.now(shown.day), proposed.policy))
            return f"{tenant} is not as {approval.by} approved it in {pull.name} at {approval.at:%Y-%m-%d %H:%M} UTC: {differs}"
    for pull, approval, _ in known:
        return (
            f"{approval.by} approved {pull.name} at {approval.at:%Y-%m-%d %H:%M} UTC, but until then no plan of {tenant} had been "
            f"asked of this service for {approval.head[:10]}; the pipeline asks with GET /api/plan?ref=BRANCH"
        )
    pulls = [pull for origin in origins for pull in origin.pull_requests]
    if pulls:
        told = (
            f" ({'; '.join(one for pull in pulls for one in pull.discounted)})"
            if any(pull.discounted for pull in pulls)
            else ""
        )
        return f"nobody entitled has approved {', '.join(pull.name for pull in pulls)}, which changed {tenant}{told}"
    commits = ", ".join(origin.commit[:10] for origin in origins) or "an unknown commit"
    return f"{tenant} was changed by {commits}, which came in without a pull request"


def differences(approved: Meaning, now: Meaning, policy: Policy) -> tuple[str, ...]:
    """What differs, in words; at least one line when the digests do."""
    told = [*_plan_differences(approved.plan, now.plan), *reach_differences(approved, now, policy)]
    more = len(told) - _MOST_DIFFERENCES
    return (*told[:_MOST_DIFFERENCES], *((f"and {more} more differences",) if more > 0 else ()))


def _plan_differences(approved: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(approved, Mapping) and isinstance(now, Mapping):
        for key in sorted(approved.keys() | now.keys()):
            yield from _plan_differences(approved.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif approved != now:
        yield f"{path} is now {_value(now)}, was {_value(approved)}"


def _value(value: Any) -> str:
    if value is None or value == {}:
        return "absent"
    return ", ".join(map(str, value)) or "empty" if isinstance(value, list) else str(value)


def reach_differences(before: Meaning, after: Meaning, policy: Policy | None = None) -> tuple[str, ...]:
    """What may be reached otherwise, from when on, else what is asked for otherwise; with a policy, which rule decides now."""
    told = tuple(_told(end, one, policy) for end, one in _changes(before.reach, after.reach))
    own = "its own rules alone: "
    return told or tuple(f"{own}{_told(end, one, None)}" for end, one in _changes(before.asks, after.asks))


def _changes(before: _Days, after: _Days) -> tuple[tuple[str, Change], ...]:
    """Of the first day on which there are any."""
    for end in sorted({end for one in (before, after) for end, _ in one}):
        found = changes(_in_force(before, end), _in_force(after, end))
        if found:
            return tuple((end, one) for one in found)
    return ()


def _in_force(days: _Days, end: str) -> Reach:
    return [reach for since, reach in days if since <= end][-1]


def _told(end: str, change: Change, policy: Policy | None) -> str:
    since, ranges = f"after {end}: " if end else "", _listed(str(one) for one in ranges_of(change.box.sources))
    fates = f"is now {_fate(change.after)}, was {_fate(change.before)}"
    return f"{since}{_what(change.box)} from {ranges} {fates}{_by(change.box, policy)}"


def _fate(fate: Fate) -> str:
    if fate == DENIED:
        return "denied"
    last = {True: "allowed", False: "denied", None: "open between rules of one priority"}[fate[0]]
    for allow, *reasons in reversed(fate[1:]):
        last = f"{'allowed' if allow else 'denied'} or {last} ({_listed(reasons)})"
    return last


def _by(box: Box, policy: Policy | None) -> str:
    parts = judge(policy, box) if policy is not None else ()
    rules = dict.fromkeys(f"`{one.rule.name}`" if one.rule is not None else "no rule" for one in parts)
    return f" ({_listed(rules)} decides)" if rules else ""


def _what(box: Box) -> str:
    named = not box.names >= NAMES
    whats = [_listed(_name(*part) for part in box.names.parts)] if named else []
    if not named or not box.destinations >= ADDRESSES:
        whats.append(_where(box.destinations))
    return f"{' at '.join(whats)} on {_how(box)}"


def _where(destinations: Spans[int]) -> str:
    if destinations >= ADDRESSES:
        return "any address"
    if count(destinations) > count(ADDRESSES) // 2:
        return f"any address but {_listed(str(one) for one in ranges_of(ADDRESSES - destinations))}"
    return _listed(str(one) for one in ranges_of(destinations))


def _how(box: Box) -> str:
    ports = "all ports" if box.ports >= PORTS else _listed(_numbers(*part) for part in box.ports.parts)
    if box.applications <= WEB:
        kinds = [one.name for one in Application if one.value in box.applications]
    elif box.transports >= TRANSPORTS:
        kinds = ["any protocol"]
    else:
        kinds = [one.name for one in Transport if one.value in box.transports]
    return f"{' and '.join(kinds)} {ports}"


def _numbers(first: int, behind: int) -> str:
    return str(first) if behind == first + 1 else f"{first}-{behind - 1}"


def _name(first: str, behind: str) -> str:
    if (first, behind) == one_name(""):
        return "what names no host"
    if Spans(((first, behind),)) == NAMED:
        return "any name"
    shown = first[::-1]
    if (first, behind) == one_name(shown):
        return shown
    return f"*{shown}" if (first, behind) == names_ending_in(shown) else f"names around {shown.strip(chr(0))}"


def _listed(items: Iterable[str]) -> str:
    every = iter(items)
    shown = list(islice(every, _MOST_LISTED))
    more = sum(1 for _ in every)
    return f"{', '.join(shown)}{f' and {more} more' if more else ''}"
