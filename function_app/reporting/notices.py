"""What owners of tenants should know: refused, blocked, suspended, expiring soon, drift undone.

Each thing once, for as long as it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from function_app.model.admission import Scope, ScopeKind
from function_app.model.definitions import Tenant
from function_app.model.names import HubName, TenantName
from function_app.model.plan import ChangeReason, RefusalCode
from function_app.model.report import Report, Result
from function_app.model.state import Decision, DecisionKind
from function_app.model.telling import Notice, NoticeKind
from function_app.model.tree import Tree, written_out_rules
from function_app.reporting.words import moment, plain

EXPIRY_NOTICE = timedelta(days=14)
MEMORY = timedelta(days=30)
ENDED = timedelta(hours=24)
"""What comes and goes, drift and refusals, has ended when it was not seen for so long; seen again, it is told again."""
_COMES_AND_GOES = frozenset({NoticeKind.DRIFT, NoticeKind.REFUSED})
_UNDONE = frozenset({Result.CREATED, Result.UPDATED, Result.DELETED, Result.STARTED})


def notices_of(report: Report, tree: Tree, decisions: Iterable[Decision], now: datetime) -> tuple[Notice, ...]:
    """Everything that there is reason to tell after a pass, whether it was told before or not."""
    return (
        *_refused(report, tree),
        *_decided(report.plan.hub, tree, [one for one in decisions if one.is_in_force(now)]),
        *_expiring(report, tree, now.date()),
        *_drift(report, tree),
    )


def untold(notices: Iterable[Notice], told: Mapping[str, datetime], now: datetime) -> tuple[Notice, ...]:
    """Those that were not given yet, or whose reason had ended."""

    def ended(one: Notice) -> bool:
        return one.kind in _COMES_AND_GOES and told[one.key] < now - ENDED

    return tuple(one for one in notices if one.key not in told or ended(one))


def remembered(
    notices: Iterable[Notice], told: Mapping[str, datetime], now: datetime, failed: Iterable[Notice] = ()
) -> Mapping[str, datetime]:
    """What is to be remembered, where all were given but those that failed."""
    lost = {one.key for one in failed}
    seen = {one.key: now for one in notices if one.key not in lost}
    return {**{key: at for key, at in told.items() if at >= now - MEMORY}, **seen}


def _refused(report: Report, tree: Tree) -> Iterator[Notice]:
    """A refusal's subject may be a tenant, an attachment of one, or something that is no one tenant's."""
    hub = report.plan.hub
    for refusal in report.plan.refused:
        if refusal.code is RefusalCode.DEFINITION_HELD:
            continue  # told with the file, below
        key = f"refused {refusal.code.value} {refusal.subject}"
        owner = _owner(tree, TenantName(refusal.subject.partition("@")[0]))
        title = f"Refused on {hub}: {refusal.subject}"
        yield Notice(NoticeKind.REFUSED, hub, key, title, plain(refusal.message), owner)
    for held in report.held:
        words = "\n".join(str(problem) for problem in held.problems[:5])
        title = f"Not in force on {hub}: {held.file}"
        yield Notice(
            NoticeKind.REFUSED, hub, f"held {held.file} {held.since}", title, plain(words), _holder(tree, held.file)
        )


def _decided(hub: HubName, tree: Tree, decisions: Iterable[Decision]) -> Iterator[Notice]:
    for one in decisions:
        until = f"until {moment(one.expires)}" if one.expires is not None else "until it is taken back"
        scope = Scope.of(one.subject) if one.kind is DecisionKind.SUSPEND else None
        if one.kind is DecisionKind.BLOCK:
            text = f"All egress of {one.subject} is denied {until}, by {one.by}: {one.reason}"
            key = f"blocked {one.subject} {one.at.isoformat()}"
            owner = _owner(tree, TenantName(one.subject))
            yield Notice(NoticeKind.BLOCKED, hub, key, f"Blocked on {hub}: {one.subject}", plain(text), owner)
        elif scope is not None:
            text = f"Nothing is written for {scope} {until} but what denies, by {one.by}: {one.reason}"
            key = f"suspended {scope} {one.at.isoformat()}"
            owner = _owner(tree, TenantName(scope.name)) if scope.kind is ScopeKind.TENANT else ""
            yield Notice(NoticeKind.SUSPENDED, hub, key, f"Suspended on {hub}: {scope}", plain(text), owner)


def _expiring(report: Report, tree: Tree, today: date) -> Iterator[Notice]:
    hub = report.plan.hub
    for name in sorted({one.key.tenant for one in report.plan.attachments}):
        tenant = tree.definitions.tenants.get(name)
        for rule in written_out_rules(tenant, tree.definitions.rulesets) if tenant is not None else ():
            if rule.expires is None or not today <= date.fromisoformat(rule.expires) <= today + EXPIRY_NOTICE:
                continue
            text = f"Rule {rule.name} of {name} is not rendered any more after {rule.expires}. Write a later day if it is to stay."
            key = f"expiring {name} {rule.name} {rule.expires}"
            yield Notice(NoticeKind.EXPIRING, hub, key, f"Expires soon on {hub}: {name}", text, _owner(tree, name))


def _drift(report: Report, tree: Tree) -> Iterator[Notice]:
    hub = report.plan.hub
    for outcome in report.outcomes:
        change = outcome.change
        if change.reason is not ChangeReason.DRIFT or outcome.result not in _UNDONE:
            continue
        for tenant in sorted({key.tenant for key in change.attachments}):
            where = f"{change.target} {change.resource}"
            text = f"{where} was changed outside Git and has been put right: {change.because}"
            title, key = f"Drift undone on {hub}: {tenant}", f"drift {tenant} {where}"
            yield Notice(NoticeKind.DRIFT, hub, key, title, plain(text), _owner(tree, tenant))


def _holder(tree: Tree, file: str) -> str:
    """Whose file it is: of a tenant's that is held, the owner by what is in force of it, if anything is."""
    folder, _, name = file.rpartition("/")
    return _owner(tree, TenantName(name.removesuffix(".yaml"))) if folder == "tenants" else ""


def _owner(tree: Tree, name: TenantName) -> str:
    tenant: Tenant | None = tree.definitions.tenants.get(name) or tree.departed.get(name)
    owner = tenant.spec.owner if tenant is not None else None
    return plain(f"{owner.team}, {owner.contact}") if owner is not None else ""
