"""What operators ask for: a pass at once, a waiver, a block, a suspension, and their ends. Who and why is recorded and logged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from function_app.model.admission import Scope, ScopeKind
from function_app.model.intent import Intent, Reason
from function_app.model.names import Commit, HubName
from function_app.model.plan import RefusalCode
from function_app.model.state import Decision, DecisionKind
from function_app.reporting.json_report import decision_json
from function_app.service.callers import Caller
from function_app.service.intake import ask, every_hub
from function_app.service.parts import Parts
from function_app.service.requests import (
    Answer,
    BadRequest,
    hub_name,
    length_of_time,
    needed,
    optional,
    scope_of,
    tenant_name,
)
from function_app.service.rewinds import rewind_waiver

RESYNC_KEYS = frozenset({"hub", "tenant", "waive", "code", "reason"})
BLOCK_KEYS = frozenset({"hub", "tenant", "for", "reason"})
UNBLOCK_KEYS = frozenset({"hub", "tenant", "reason"})
SUSPEND_KEYS = frozenset({"hub", "scope", "for", "reason"})
RESUME_KEYS = frozenset({"hub", "scope", "reason"})
UNAPPROVED_LASTS = timedelta(days=1)
"""A plan that is permitted is taken up by the next pass; who asks for the same again later asks anew."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PLAN_ID = re.compile(r"[0-9a-f]{12,64}")
_WHY = '{"reason": "ticket 4711"}'


def resync(asked: Mapping[str, object], caller: Caller, parts: Parts) -> Answer:
    """Ask for passes now: `{hub, tenant, waive, code, reason}`, all optional; without a hub all of them.

    `waive` is the id of the hub's newest plan: its refusal is permitted once, with a reason; `code` says which when there are
    several. With the code `rewound` it is the commit to which a rewound branch leads, with `unapproved` the digest of a tenant's
    plan. Raises BadRequest, StateError.
    """
    hub, tenant, reason = optional(asked, "hub"), optional(asked, "tenant"), optional(asked, "reason")
    tenants = frozenset({tenant_name(tenant)} if tenant else ())
    intent = Intent(reasons=frozenset({Reason.RESYNC}), tenants=tenants, by=(caller.name,))
    if optional(asked, "waive"):
        chosen = one_hub(hub, parts)
        waiver = _waiver(asked, chosen, caller, parts)
        parts.stores(chosen).state.decide(waiver)
        _audit("waive", caller, waiver.reason, hub=chosen, plan_id=waiver.subject, code=waiver.code)
        ask(parts, (chosen,), intent)
        return Answer(202, {"hubs": [chosen], "waiver": decision_json(waiver)})
    hubs = (_known_hub(hub, parts),) if hub else every_hub(parts)
    _audit("resync", caller, reason, hubs=list(hubs), tenant=tenant)
    ask(parts, hubs, intent)
    return Answer(202, {"hubs": list(hubs)})


def block(asked: Mapping[str, object], caller: Caller, parts: Parts) -> Answer:
    """Deny all egress of a tenant: `{hub, tenant, for, reason}`; `hub` may be left out while one is known.

    Needs neither Git nor a target. Raises BadRequest, StateError.
    """
    tenant = tenant_name(needed(asked, "tenant", '{"tenant": "tenant0"}'))
    reason, length = needed(asked, "reason", _WHY), length_of_time(needed(asked, "for", '{"for": "4h"}'))
    hub, now = one_hub(optional(asked, "hub"), parts), parts.clock.now()
    decision = Decision(DecisionKind.BLOCK, tenant, reason, caller.name, now, now + length)
    return _decide(hub, decision, caller, parts, tenant=tenant)


def unblock(asked: Mapping[str, object], caller: Caller, parts: Parts) -> Answer:
    """Take a block back: `{hub, tenant, reason}`. Raises BadRequest, StateError."""
    tenant = tenant_name(needed(asked, "tenant", '{"tenant": "tenant0"}'))
    reason = needed(asked, "reason", _WHY)
    hub = one_hub(optional(asked, "hub"), parts)
    return _withdraw(DecisionKind.BLOCK, "unblock", hub, tenant, reason, caller, parts, tenant=tenant)


def suspend(asked: Mapping[str, object], caller: Caller, parts: Parts) -> Answer:
    """Write nothing but what denies: `{hub, scope, for, reason}`, a scope being `tenant/NAME`, `cluster/NAME` or `hub/NAME`.

    `hub` may be left out while one is known. Needs neither Git nor a target. Raises BadRequest, StateError.
    """
    scope, hub = _scope(asked, parts)
    reason, length = needed(asked, "reason", _WHY), length_of_time(needed(asked, "for", '{"for": "4h"}'))
    now = parts.clock.now()
    decision = Decision(DecisionKind.SUSPEND, str(scope), reason, caller.name, now, now + length)
    return _decide(hub, decision, caller, parts, scope=str(scope))


def resume(asked: Mapping[str, object], caller: Caller, parts: Parts) -> Answer:
    """End a suspension: `{hub, scope, reason}`. Raises BadRequest, StateError."""
    scope, hub = _scope(asked, parts)
    reason = needed(asked, "reason", _WHY)
    return _withdraw(DecisionKind.SUSPEND, "resume", hub, str(scope), reason, caller, parts, scope=str(scope))


def _decide(hub: HubName, decision: Decision, caller: Caller, parts: Parts, **about: object) -> Answer:
    """Record it, say in the audit what it is `about`, and ask for a pass."""
    until = decision.expires.isoformat() if decision.expires is not None else None
    parts.stores(hub).state.decide(decision)
    _audit(decision.kind.value, caller, decision.reason, hub=hub, **about, until=until)
    _decided(hub, caller, parts)
    return Answer(202, {"hub": hub, **decision_json(decision)})


def _withdraw(
    kind: DecisionKind,
    action: str,
    hub: HubName,
    subject: str,
    reason: str,
    caller: Caller,
    parts: Parts,
    **about: object,
) -> Answer:
    """End it before its time, and ask for a pass.

    Also where there was none to end: whoever tries again, after a process that died half way, is still owed the pass.
    """
    withdrawn = parts.stores(hub).state.withdraw(kind.value, subject)
    _audit(action, caller, reason, hub=hub, **about, withdrawn=withdrawn)
    _decided(hub, caller, parts)
    body = {"hub": hub, "kind": kind.value, "subject": subject, "withdrawn": withdrawn}
    return Answer(202 if withdrawn else 200, body)


def _scope(asked: Mapping[str, object], parts: Parts) -> tuple[Scope, HubName]:
    """What is meant, and on which hub; a hub's own name says that as well."""
    scope = scope_of(needed(asked, "scope", '{"scope": "tenant/tenant0"}'))
    named = optional(asked, "hub")
    if scope.kind is ScopeKind.HUB and named not in ("", scope.name):
        raise BadRequest(f"`scope` is hub {scope.name} and `hub` is {named}: leave `hub` out.")
    return scope, one_hub(scope.name if scope.kind is ScopeKind.HUB else named, parts)


def one_hub(name: str, parts: Parts) -> HubName:
    """The hub that is meant, the only one when none is named; raises BadRequest with what to write."""
    known = parts.known_hubs()
    if name:
        return _known_hub(name, parts)
    if len(known) != 1:
        raise BadRequest(f"Say which hub: {', '.join(known)}." if known else "No hub is known yet.")
    return known[0]


def _known_hub(name: str, parts: Parts) -> HubName:
    hub, known = hub_name(name), parts.known_hubs()
    if hub not in known:
        raise BadRequest(f"There is no hub of that name; known are: {', '.join(known) or 'none yet'}.", 404)
    return hub


def _waiver(asked: Mapping[str, object], hub: HubName, caller: Caller, parts: Parts) -> Decision:
    """The permission that is asked for; it must be about what the newest pass was refused."""
    plan_id, reason = optional(asked, "waive"), needed(asked, "reason", _WHY)
    if optional(asked, "code") == RefusalCode.REWOUND.value:
        if not _COMMIT.fullmatch(plan_id):
            raise BadRequest("`waive` is not the commit, in 40 hex digits, that the branch leads to now.", 409)
        return rewind_waiver(Commit(plan_id), reason, caller.name, parts.clock.now())
    newest = parts.stores(hub).status.latest(hub) or {}
    if optional(asked, "code") == RefusalCode.UNAPPROVED.value:
        deferrals = newest.get("deferrals")
        waiting = (
            {row.get("plan") for row in deferrals if isinstance(row, dict)} if isinstance(deferrals, list) else set()
        )
        if not plan_id or plan_id not in waiting:
            raise BadRequest(
                f"`waive` is no tenant's plan that waits on {hub} for an approval; GET /api/status tells it.", 409
            )
        return unapproved_waiver(plan_id, reason, caller.name, parts.clock.now())
    if not _PLAN_ID.fullmatch(plan_id) or not str(newest.get("plan_id", "")).startswith(plan_id):
        raise BadRequest(f"`waive` is not the id of the newest plan of {hub}; GET /api/status tells it.", 409)
    rows = newest.get("refused")
    refused = {str(row.get("code")) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set[str]()
    code = optional(asked, "code") or (next(iter(refused)) if len(refused) == 1 else "")
    if code not in refused or code not in set(RefusalCode):
        found = ", ".join(sorted(refused)) or "nothing"
        raise BadRequest(f"`code` must be what the plan is refused for, which is: {found}.", 409)
    full = str(newest["plan_id"])
    return Decision(DecisionKind.WAIVER, full, reason, caller.name, parts.clock.now(), code=code)


def unapproved_waiver(digest: str, reason: str, by: str, now: datetime) -> Decision:
    """One person's permission to apply a tenant's plan that means this, for a day."""
    code = RefusalCode.UNAPPROVED.value
    return Decision(DecisionKind.WAIVER, digest, reason, by, now, now + UNAPPROVED_LASTS, code=code)


def _decided(hub: HubName, caller: Caller, parts: Parts) -> None:
    ask(parts, (hub,), Intent(reasons=frozenset({Reason.DECISION}), by=(caller.name,)))


def _audit(action: str, caller: Caller, reason: str, **about: object) -> None:
    structlog.get_logger().info("operator.decided", action=action, by=caller.name, reason=reason, **about)
