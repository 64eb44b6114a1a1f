"""What is not taken up, as people read it in the rows of attachments, and when it is worth looking again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from function_app.model.admission import Admission, Deferral, DeferralReason
from function_app.model.plan import AttachmentState, Stage, WaitsFor
from function_app.planning.situation import Situation

DEFERRED = frozenset(WaitsFor(reason) for reason in DeferralReason)
"""Waits that end at a time of their own, or by a person; see `ends_in`."""
_LONGEST_LOOK_SECONDS = 6 * 3600.0
_SHORTEST_LOOK_SECONDS = 10.0


def deferred_rows(situation: Situation, rows: Iterable[AttachmentState]) -> tuple[AttachmentState, ...]:
    """The rows, saying what is deferred; attachments of which nothing is in force yet get one.

    On what is suspended nothing is waited for but its end, whatever is amiss there.
    """
    admission = situation.admission
    if not admission:
        return tuple(rows)
    found = {row.key: row for row in rows}
    for key, deferral in admission.deferred.items():
        asked = admission.asked.get(key)
        cidr = str(asked.range) if asked is not None else None
        row = found.get(key) or AttachmentState(key, cidr or "", Stage.ABSENT, current=False, waiting_for=(), detail="")
        found[key] = _waiting(row, deferral, cidr)
    return tuple(_watched(situation, found[key]) for key in sorted(found))


def _watched(situation: Situation, row: AttachmentState) -> AttachmentState:
    suspension = situation.admission.suspension_of(situation.hub.name, row.key.cluster, row.key.tenant)
    if suspension is None:
        return row
    told = WaitsFor.SUSPENDED in row.waiting_for
    return replace(row if told else _waiting(row, suspension, None, differs=False), waiting_for=(WaitsFor.SUSPENDED,))


def _waiting(row: AttachmentState, deferral: Deferral, cidr: str | None, *, differs: bool = True) -> AttachmentState:
    asks = f"Git asks for {cidr}; " if cidr is not None and cidr != row.cidr else ""
    if differs and cidr is None:
        asks = "Git removes it; "
    besides = f"; besides: {row.detail}" if row.detail else ""
    waiting = tuple(dict.fromkeys((WaitsFor(deferral.reason), *row.waiting_for)))
    return replace(
        row,
        current=row.current and not differs,
        waiting_for=waiting,
        detail=f"{asks}{deferral.words}{besides}",
    )


def ends_in(admission: Admission, now: datetime) -> Iterator[float]:
    """Seconds until each deferral that ends by itself is worth a look."""
    for one in admission.deferrals:
        if one.until is not None:
            yield min(max((one.until - now).total_seconds(), _SHORTEST_LOOK_SECONDS), _LONGEST_LOOK_SECONDS)
