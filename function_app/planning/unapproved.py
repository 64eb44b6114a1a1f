"""Merged and not approved as it would be applied: on a hub with `apply: reviewed` a tenant waits for somebody to approve.

Only what a changed tenant's plan means is asked for, so a rule that is written otherwise goes without a question, and so does
whoever leaves the hub. Who takes `apply: reviewed` off a hub needs somebody else's approval for that as well; until then
everything new on the hub waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from function_app.model.admission import Deferral, DeferralReason, Scope
from function_app.model.approval import Origin
from function_app.model.definitions import ApplyMode
from function_app.model.names import TenantName
from function_app.model.plan import RefusalCode
from function_app.model.resources import FirewallObservation
from function_app.model.state import DecisionKind
from function_app.planning.approving import Proposed, Verdict, not_approved
from function_app.planning.deferring import Asked, Changed, Ground
from function_app.planning.meaning import around, meanings, policy_with

_AGAIN = timedelta(minutes=1)


def is_reviewed(asked: Asked) -> bool:
    """Whether the hub applies only what was approved, by what Git has or by what was in force before."""
    return asked.hub.hub.spec.apply is ApplyMode.REVIEWED or asked.state.reviewed


def stays_reviewed(asked: Asked) -> bool:
    """What `is_reviewed` goes by from the next pass on."""
    return asked.hub.hub.spec.apply is ApplyMode.REVIEWED or (
        asked.state.reviewed and _not_taken_off(asked) is not None
    )


def tenants_to_ask_about(asked: Asked, changed: Changed) -> frozenset[TenantName]:
    """Tenants on the hub whose plan would mean something else; all that differ while the firewall, or what stands, is not known."""
    names = frozenset(key.tenant for key in changed.keys) & {key.tenant for key in asked.hub.attachments}
    if not names or asked.firewall is None or changed.standing is asked.hub:
        return names
    beside, today = around(asked.hub, asked.firewall.groups, asked.firewall.base_groups), asked.now.date()
    before, after = (meanings(hub, names, beside, today) for hub in (changed.standing, asked.hub))
    return frozenset(name for name in names if before[name].digest != after[name].digest)


def _defers(asked: Asked, changed: Changed) -> Iterable[Deferral]:
    if asked.hub.hub.spec.apply is not ApplyMode.REVIEWED:
        why = _not_taken_off(asked)
        if why is None:
            return
        yield _deferral(asked, Scope.hub(asked.hub.name), why)
    for name in sorted(tenants_to_ask_about(asked, changed)):
        verdict = _judged(asked, asked.firewall, name)
        if verdict is not None:
            yield _deferral(asked, Scope.tenant(name), verdict)


def _judged(asked: Asked, firewall: FirewallObservation | None, name: TenantName) -> Verdict | None:
    if firewall is None:
        words = f"whether {name} is as it was approved cannot be told while the firewall policy cannot be read; it is tried again"
        return Verdict(words, again=True)
    beside, today = around(asked.hub, firewall.groups, firewall.base_groups), asked.now.date()
    proposed = Proposed(
        asked.hub.name,
        name,
        lambda day: meanings(asked.hub, (name,), beside, day)[name],
        policy_with(asked.hub, (name,), beside, today),
        today,
    )
    return not_approved(proposed, asked.origins.get(name, ()), frozenset(_waived(asked)))


def _waived(asked: Asked) -> Iterator[str]:
    """Digests of plans that somebody permits."""
    return (one.subject for one in asked.active(DecisionKind.WAIVER) if one.code == RefusalCode.UNAPPROVED)


def _not_taken_off(asked: Asked) -> Verdict | None:
    """Why `apply: reviewed` still holds though Git no longer has it; None when somebody else approved that commit as it is."""
    hub, origin = asked.hub.name, asked.hub_origin or Origin(asked.hub.commit)
    if any(one.head == pull.head for pull in origin.pull_requests for one in pull.approvals):
        return None
    if origin.problem:
        words = f"whether taking `apply: reviewed` off {hub} was approved cannot be told: {origin.problem} It is asked again"
        return Verdict(words, again=True)
    words = (
        f"{origin.commit[:10]} takes `apply: reviewed` off {hub}, and nobody entitled has approved that in a pull request; have "
        "it approved there, or put it back"
    )
    return Verdict(words)


def _deferral(asked: Asked, scope: Scope, verdict: Verdict) -> Deferral:
    until = asked.now + _AGAIN if verdict.again else None
    return Deferral(scope, DeferralReason.UNAPPROVED, verdict.words, until, verdict.plan)


APPROVAL = Ground(applies=is_reviewed, defers=_defers)
