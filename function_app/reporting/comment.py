"""A review as one comment on a pull request: first whether it may be merged, then who gains and loses what, then what it takes.

The first line is a marker by which the comment is found again and replaced. The same review always gives the same text. What
has no room is counted, never cut in the middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from function_app.model.errors import Severity
from function_app.model.review import Access, HubReview, Measure, Pressure, Review, TenantReview, Waiting
from function_app.reporting.markdown import code, html, prose
from function_app.reporting.words import counted, lasting, short

MARKER = "<!-- egress-gitops: review of this pull request -->"
MOST_BYTES = 65_000
"""GitHub takes 65,536 characters, GitLab 1,000,000, Azure DevOps 150,000; bytes are never fewer than characters."""
_RESERVED_BYTES = 1_500
"""For the words on what was left out, and the end."""
_MOST_REASONS = 25
_MOST_WARNINGS = 15
_OPEN_TENANTS = 8
"""So many tenants are shown at once; of more, each is a line to open."""
_SIGN = {Pressure.FINE: "", Pressure.NEAR: "near", Pressure.OVER: "**over**"}


def comment(review: Review) -> str:
    """The whole comment, never longer than any host takes."""
    blocks = [*_head(review), *(block for hub in review.hubs for block in _hub(hub, review))]
    end = _end(review)
    kept: list[str] = []
    size, left_out = len(end.encode()) + _RESERVED_BYTES, 0
    for block in blocks:
        length = len(block.encode()) + 2
        if size + length > MOST_BYTES:
            left_out += 1
            continue
        kept.append(block)
        size += length
    if left_out:
        kept.append(
            f"_{counted(left_out, 'part')} of this comment had no room; `egressctl plan --base BASE --head HEAD --output json` "
            "has all of it._"
        )
    return "\n\n".join([*kept, end]) + "\n"


def _head(review: Review) -> Iterator[str]:
    touched = sum(len(hub.tenants) for hub in review.hubs)
    title = "this must not be merged as it is" if review.refused else _title(review, touched)
    yield f"{MARKER}\n### Egress: {title}"
    if review.refused:
        yield _bullets(review.refusals, _MOST_REASONS, "reason")
    if review.held:
        yield (
            f"Merged all the same, {counted(len(review.held), 'file')} would be held back and everything else come into force: "
            f"{_several(review.held)}. What was in force before them stays."
        )
    warnings = [
        *(f"{path} was changed on the base branch as well: merge or rebase first" for path in review.conflicts),
        *(str(problem) for problem in review.problems if problem.severity is Severity.WARNING),
        *(warning for hub in review.hubs for warning in hub.warnings),
        *(one.words for hub in review.hubs for one in hub.statements if not one.refused and not one.inherited),
    ]
    if warnings:
        yield f"**Warnings**\n\n{_bullets(list(dict.fromkeys(warnings)), _MOST_WARNINGS, 'warning')}"
    standing = [one for hub in review.hubs for one in hub.statements if one.inherited]
    if review.standing or standing:
        told = [counted(review.standing, "problem")] if review.standing else []
        told += [f"{counted(len(standing), 'expectation')} not met"] if standing else []
        yield f"The base branch already has {' and '.join(told)}; they are not this change's."


def _title(review: Review, touched: int) -> str:
    if not review.hubs:
        return "nothing changes"
    if not touched:
        return "no tenant gains or loses anything"
    return f"{counted(touched, 'tenant')} changed on {', '.join(prose(hub.hub) for hub in review.hubs if hub.tenants)}"


def _hub(hub: HubReview, review: Review) -> Iterator[str]:
    yield f"#### {code(hub.hub)}\n\n{_sum(hub)}"
    several = len(hub.tenants) > _OPEN_TENANTS
    for tenant in sorted(hub.tenants, key=lambda one: (_quiet(one), one.tenant)):
        lines = list(_tenant(tenant))
        if several:
            yield _details(f"{tenant.tenant}: {_in_short(tenant)}", "\n".join(lines))
        else:
            yield "\n".join([f"**{prose(tenant.tenant)}**", "", *lines])
    if hub.forecast:
        yield _details(_forecast_title(hub.forecast), _table(hub.forecast))
    if review.live and hub.live is not None:
        rows = [*hub.live.notes, *hub.live.changes]
        yield _details(
            f"What a pass would do now: {counted(len(hub.live.changes), 'change')}",
            _bullets(rows, 60, "line") or "Nothing.",
        )


def _quiet(tenant: TenantReview) -> bool:
    return not (tenant.gains or tenant.losses)


def _sum(hub: HubReview) -> str:
    plan = f"Plan {code(hub.plan_id)}. " if hub.plan_id else ""
    timing = (
        f" Takes effect in turn: {'; '.join(map(prose, hub.timing))}. What it takes away goes at once."
        if hub.timing
        else ""
    )
    return f"{plan}{_waiting(hub.waiting)}{timing}"


def _waiting(waiting: Waiting) -> str:
    if not waiting.shards:
        return "No firewall rules are written."
    each = lasting(timedelta(seconds=waiting.seconds_each))
    whole = lasting(timedelta(seconds=waiting.seconds_each * len(waiting.shards)))
    how = (
        f"of this hub's last {waiting.measured}"
        if waiting.measured
        else "as Azure documents it, nothing was measured here"
    )
    names = ", ".join(code(name) for name in waiting.shards[:5])
    more = f" and {len(waiting.shards) - 5} more" if len(waiting.shards) > 5 else ""
    return (
        f"Firewall: {counted(len(waiting.shards), 'shard')} written ({names}{more}), one after the other, about {whole} "
        f"({each} each, {how}). A namespace is pointed to a new gateway only when its pods serve, its routes are learned and "
        "its rules are in force."
    )


def _in_short(tenant: TenantReview) -> str:
    told = [f"gains {len(tenant.gains)}"] if tenant.gains else []
    told += [f"loses {len(tenant.losses)}"] if tenant.losses else []
    return ", ".join(told) or "no change of reach"


def _tenant(tenant: TenantReview) -> Iterator[str]:
    for sign, verb, found in (("+", "may now reach", tenant.gains), ("-", "may no longer reach", tenant.losses)):
        for access in sorted(found, key=lambda one: (one.rule, one.whats, one.hows)):
            yield f"- `{sign}` {verb} {_access(access)}"
    yield from (f"- {prose(one)}" for one in tenant.moves)
    yield from (f"- cut: {prose(one)}" for one in tenant.cuts)
    yield from (f"- **unattributed**: {prose(one)}" for one in tenant.unattributed)
    yield from (f"- {prose(one)}" for one in tenant.advice)


def _access(access: Access) -> str:
    whats, hows = (_several(sorted(texts)) for texts in (access.whats, access.hows))
    froms = ", ".join(
        code(one.partition(" on ")[0]) + f" on {code(one.partition(' on ')[2])}" for one in sorted(access.froms)
    )
    return f"{whats} on {hows} from {froms} (rule {code(access.rule)})"


def _several(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - 12} more" if len(texts) > 12 else ""
    return ", ".join(code(text) for text in texts[:12]) + more


def _forecast_title(measures: Sequence[Measure]) -> str:
    worst = [one for one in measures if one.pressure is not Pressure.FINE]
    return f"Limits: {counted(len(worst), 'number')} near or over" if worst else "Limits: all far off"


def _table(measures: Iterable[Measure]) -> str:
    rows = ["| | now | after | in 90 days | limit | | set by |", "|---|--:|--:|--:|--:|---|---|"]
    for one in measures:
        later = f"{one.later:,}" if one.later is not None else "?"
        limit = f"{one.limit:,}{'' if one.hard else ' (soft)'}"
        rows.append(
            f"| {prose(one.what)} | {one.now:,} | {one.after:,} | {later} | {limit} | {_SIGN[one.pressure]} | {prose(one.source)} |"
        )
    return "\n".join(rows)


def _details(title: str, body: str) -> str:
    return f"<details><summary>{html(title)}</summary>\n\n{body}\n\n</details>"


def _bullets(lines: Sequence[str], most: int, noun: str) -> str:
    shown = [f"- {prose(line)}" for line in lines[:most]]
    more = [f"- and {counted(len(lines) - most, noun)} more"] if len(lines) > most else []
    return "\n".join([*shown, *more])


def _end(review: Review) -> str:
    seen = (
        "with what is on the targets"
        if review.live
        else "from definitions alone: no cluster, firewall or ledger was read"
    )
    return f"<sub>{short(review.base)} to {short(review.head)}, {seen}. Replaced when the pull request changes.</sub>"
