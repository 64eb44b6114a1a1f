"""What the page shows of a hub, gathered from its stored report, its history and its ledger, in the order in which one asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from pydantic import ValidationError

from function_app.model.admission import DeferralReason
from function_app.model.attribution import Attribution
from function_app.model.ledger import Holding
from function_app.model.plan import ChangeReason, Stage
from function_app.reporting.document import AttachmentRow, ClusterRow, LimitRow, ReportDocument
from function_app.reporting.page.addresses import Holder, Picture, picture_of
from function_app.reporting.words import STAGES, counted, lasting, waits_in_words

_NEAR, _OVER = 0.8, 1.0
_EARLIER_SECONDS = 1800
"""A hub whose newest pass is older than this is not being looked after: the timer comes every ten minutes."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that a person should know first: what it is about, in words, and how grave."""

    what: str
    words: str
    grave: bool = True


@dataclass(frozen=True, slots=True)
class TenantRow:
    """One attachment."""

    tenant: str
    cluster: str
    cidr: str
    stage: str
    reached: int
    waits: str
    since: str
    detail: str
    namespaces: str
    blocked: bool

    @property
    def quiet(self) -> bool:
        """Routed, and nothing to say."""
        return self.stage == Stage.ROUTED and not self.waits and not self.blocked


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit, and how much of it is used, in percent."""

    name: str
    subject: str
    used: int
    most: int
    percent: int
    grade: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """One cluster's workload namespaces: those of tenants, and those that leave as nodes."""

    cluster: str
    attributed: int
    unattributed: tuple[str, ...]

    @property
    def percent(self) -> int:
        """Of all that were seen."""
        return round(100 * self.attributed / max(1, self.attributed + len(self.unattributed)))


@dataclass(frozen=True, slots=True)
class PassRow:
    """One pass of the history."""

    at: str
    commit: str
    asked: str
    outcome: str
    changes: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class HubContent:
    """One hub, ready to be rendered."""

    name: str
    verdict: str
    grade: str
    commit: str
    commit_seen: str
    passed: str
    passed_ago: str
    next_look: str
    concerns: tuple[Concern, ...]
    rows: tuple[TenantRow, ...]
    bars: tuple[Bar, ...]
    coverage: tuple[Coverage, ...]
    pictures: tuple[Picture, ...]
    drift: tuple[str, ...]
    passes: tuple[PassRow, ...]

    @property
    def loud(self) -> tuple[TenantRow, ...]:
        """What waits, or is blocked."""
        return tuple(row for row in self.rows if not row.quiet)

    @property
    def quiet(self) -> tuple[TenantRow, ...]:
        """What is routed and at rest."""
        return tuple(row for row in self.rows if row.quiet)


def content_of(hub: Mapping[str, Any], holders: Iterable[Attribution], now: datetime) -> HubContent:
    """A hub's row of the status answer (`service.questions.status`), with who holds a range now by its ledger."""
    document, problem = _document(hub)
    blocked = {str(one.get("subject")): one for one in hub.get("blocks") or ()}
    held = tuple(holders)
    concerns = (
        *_decided("blocked", blocked.values(), now),
        *_decided("suspended", hub.get("suspensions") or (), now),
        *_concerns(document, str(hub.get("problem") or "") or problem, now),
    )
    rows = _rows(document, blocked, now)
    verdict, grade = _verdict(document, rows, concerns)
    passes = tuple(hub.get("passes") or ())
    return HubContent(
        name=str(hub.get("hub", "")),
        verdict=verdict,
        grade=grade,
        commit=document.commit if document else "",
        commit_seen=(document.commit_seen or document.commit) if document else "",
        passed=document.finished_at.isoformat() if document and document.finished_at else "",
        passed_ago=lasting(now - document.finished_at) if document and document.finished_at else "",
        next_look=_next_look(hub, now),
        concerns=concerns,
        rows=rows,
        bars=_bars(document),
        coverage=_coverage(document),
        pictures=_pictures(document, held),
        drift=_drift(passes),
        passes=tuple(_pass(one) for one in reversed(passes)),
    )


def _document(hub: Mapping[str, Any]) -> tuple[ReportDocument | None, str]:
    report = hub.get("report")
    if report is None:
        return None, ""
    try:
        return ReportDocument.model_validate(report), ""
    except ValidationError:
        return None, "The stored report is of another release or damaged; the next pass writes a new one."


def _verdict(
    document: ReportDocument | None, rows: Sequence[TenantRow], concerns: Sequence[Concern]
) -> tuple[str, str]:
    if document is None:
        return "no pass yet", "grave"
    if any(one.grave for one in concerns):
        return "needs a person", "grave"
    moving = sum(bool(row.waits) for row in rows)
    if moving:
        return f"{counted(moving, 'attachment')} under way", "moving"
    return ("as Git says", "good") if document.converged else ("under way", "moving")


def _decided(what: str, decisions: Iterable[Mapping[str, Any]], now: datetime) -> Iterable[Concern]:
    for one in decisions:
        expires = one.get("expires")
        until = (
            f"for {lasting(datetime.fromisoformat(str(expires)) - now)} more" if expires else "until it is taken back"
        )
        yield Concern(
            f"{one.get('subject')} is {what}", f"{until}: {one.get('reason')} (by {one.get('by')})", grave=False
        )


def _concerns(document: ReportDocument | None, problem: str, now: datetime) -> Iterable[Concern]:
    if problem:
        yield Concern("what is stored cannot be read", problem)
    if document is None:
        return
    if document.finished_at and (now - document.finished_at).total_seconds() > _EARLIER_SECONDS:
        yield Concern("no pass came lately", f"the newest ended {lasting(now - document.finished_at)} ago")
    if document.source_problem:
        yield Concern("the last good commit stays in force", document.source_problem)
    for row in document.refused:
        yield Concern(f"refused: {row.subject} ({row.code})", row.message)
    for target in document.unreadable:
        yield Concern(f"{target.target} cannot be read", target.message, grave=target.permanent)
    for deferral in document.deferrals:
        if deferral.reason != DeferralReason.SUSPENDED:  # told with what people decided
            yield Concern(f"not taken up on {deferral.scope}", deferral.detail, grave=deferral.until is None)
    for held in document.held:
        first = held.problems[0] if held.problems else None
        where = f"{first.file}:{first.line}:{first.column} {first.message} {first.hint}" if first else "it is not valid"
        former = "its previous content stays in force" if held.previous_in_force else "it is not in force"
        yield Concern(f"held back: {held.file}", f"{former}. {where}".strip())


def _rows(document: ReportDocument | None, blocked: Mapping[str, Any], now: datetime) -> tuple[TenantRow, ...]:
    if document is None:
        return ()
    return tuple(
        _row(one, one.tenant in blocked, now) for one in sorted(document.attachments, key=lambda one: one.name)
    )


def _row(one: AttachmentRow, is_blocked: bool, now: datetime) -> TenantRow:
    reached = STAGES.index(Stage(one.stage)) + 1 if one.stage in STAGES else 0
    return TenantRow(
        tenant=one.tenant,
        cluster=one.cluster,
        cidr=one.cidr,
        stage=one.stage,
        reached=reached,
        waits=waits_in_words(one.waiting_for),
        since=lasting(now - one.since) if one.since and one.waiting_for else "",
        detail=one.detail,
        namespaces=", ".join(one.namespaces),
        blocked=is_blocked,
    )


def _bars(document: ReportDocument | None) -> tuple[Bar, ...]:
    found = [_bar(one) for one in document.limits] if document else []
    return tuple(sorted(found, key=lambda bar: (bar.name != "routes per peer", -bar.percent, bar.name, bar.subject)))


def _bar(one: LimitRow) -> Bar:
    share = one.used / max(1, one.most)
    grade = "grave" if share >= _OVER else "moving" if share >= _NEAR else "good"
    return Bar(one.limit, one.subject, one.used, one.most, min(100, round(100 * share)), grade)


def _coverage(document: ReportDocument | None) -> tuple[Coverage, ...]:
    if document is None:
        return ()
    return tuple(
        Coverage(
            cluster,
            len({name for row in document.attachments if row.cluster == cluster for name in row.namespaces}),
            tuple(names),
        )
        for cluster, names in sorted(document.unattributed.items())
    )


def _pictures(document: ReportDocument | None, held: Sequence[Attribution]) -> tuple[Picture, ...]:
    clusters: Mapping[str, ClusterRow] = document.clusters if document else {}
    holders = [_holder(one) for one in held]
    return tuple(
        picture_of(name, IPv4Network(one.egress), holders) for name, one in sorted(clusters.items()) if one.egress
    )


def _holder(one: Attribution) -> Holder:
    names = ", ".join(one.namespaces)
    match one.holding:
        case Holding.HELD if one.namespaces:
            return Holder(one.tenant, one.cluster, one.range, "routed", f"{one.tenant}: {names}")
        case Holding.HELD:
            return Holder(one.tenant, one.cluster, one.range, "waiting", f"{one.tenant}, nothing routed")
        case Holding.LEAVING:
            return Holder(one.tenant, one.cluster, one.range, "leaving", f"{one.tenant}, leaving")
        case _:
            return Holder(
                one.tenant, one.cluster, one.range, "quarantined", f"in quarantine, last held by {one.tenant}"
            )


def _next_look(hub: Mapping[str, Any], now: datetime) -> str:
    asked = hub.get("asked") or {}
    if asked.get("pending"):
        return "a pass is asked for"
    again = asked.get("look_again_at")
    return f"next look in {lasting(datetime.fromisoformat(str(again)) - now)}" if again else ""


def _drift(passes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What was changed behind Git's back and put right, or only reported, newest first."""
    return tuple(
        f"{str(one.get('finished_at', ''))[:19]}Z {change.get('target')} {change.get('resource')}: {change.get('outcome')}"
        for one in reversed(passes)
        for change in one.get("changes") or ()
        if change.get("reason") == ChangeReason.DRIFT
    )


def _pass(one: Mapping[str, Any]) -> PassRow:
    changes = [
        f"{change.get('outcome') or change.get('verb')} {change.get('target')} {change.get('resource')} ({change.get('reason')})"
        for change in one.get("changes") or ()
    ]
    told = one.get("problem") or ("converged" if one.get("converged") else "not converged")
    refused = one.get("refused") or ()
    return PassRow(
        at=str(one.get("finished_at") or ""),
        commit=str(one.get("commit") or ""),
        asked=", ".join(str(each) for each in (*(one.get("reasons") or ()), *(one.get("by") or ()))),
        outcome=f"{told}, {len(refused)} refused" if refused else str(told),
        changes=tuple(changes),
        more=int(one.get("changes_in_all") or 0) - len(changes),
    )
