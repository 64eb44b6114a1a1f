"""Outside its change windows a hub or a cluster takes no commit up; what was begun is carried through.

A window goes by the clock on the wall. Where clocks are put forward, a time that is left out is the moment of the change; where
they are put back, the first of two equal times counts: so a window opens once on each of its days, and one that lies wholly in
what is left out does not open. Only admission asks for the time: a renumbering or a removal that a window let in goes on after it
has closed, because half of it is worse than either end, and drift is repaired at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from function_app.model.admission import Deferral, DeferralReason, Scope
from function_app.model.definitions import WEEKDAYS, ChangeWindow
from function_app.planning.deferring import Asked, Changed, Ground

_DAY = timedelta(days=1)
_AROUND = 15
"""Days looked ahead: two weeks, since the next one may be left out."""


def _applies(asked: Asked) -> bool:
    return any(windows and not is_open(windows, asked.now) for _, windows in _windows(asked))


def _defers(asked: Asked, _changed: Changed) -> Iterable[Deferral]:
    for scope, windows in _windows(asked):
        if windows and not is_open(windows, asked.now):
            opens = next_opening(windows, asked.now)
            when = f"the next window opens {opens:%Y-%m-%d %H:%M} UTC" if opens is not None else "no window ever opens"
            words = f"{scope.kind} {scope.name} takes changes {in_words(windows)}: {when}"
            yield Deferral(scope, DeferralReason.CHANGE_WINDOW, words, opens)


CHANGE_WINDOWS = Ground(applies=_applies, defers=_defers)


def _windows(asked: Asked) -> Iterator[tuple[Scope, tuple[ChangeWindow, ...]]]:
    yield Scope.hub(asked.hub.name), asked.hub.hub.spec.change_windows
    for name, cluster in asked.hub.clusters.items():
        yield Scope.cluster(name), cluster.spec.change_windows


def is_open(windows: Iterable[ChangeWindow], now: datetime) -> bool:
    """Some window is open; its last moment is the one before it closes."""
    return any(opens <= now < closes for one in windows for opens, closes in _times(one, now, -2, 1))


def next_opening(windows: Iterable[ChangeWindow], now: datetime) -> datetime | None:
    """When a window opens next, in UTC."""
    found = (opens for one in windows for opens, closes in _times(one, now, -1, _AROUND) if now < opens < closes)
    return min(found, default=None)


def in_words(windows: Sequence[ChangeWindow]) -> str:
    """`mon, tue 22:00 to 04:00 Europe/Berlin`, several of them joined."""
    return "; ".join(f"{', '.join(one.days)} {one.from_} to {one.to} {one.time_zone}" for one in windows)


def _times(window: ChangeWindow, now: datetime, first: int, last: int) -> Iterator[tuple[datetime, datetime]]:
    zone = ZoneInfo(window.time_zone)
    today = now.astimezone(zone).date()
    overnight = window.to <= window.from_
    for offset in range(first, last + 1):
        day = today + offset * _DAY
        if WEEKDAYS[day.weekday()] in window.days:
            yield _moment(zone, day, window.from_), _moment(zone, day + _DAY if overnight else day, window.to)


@lru_cache(maxsize=1024)
def _moment(zone: ZoneInfo, day: date, text: str) -> datetime:
    """When the clocks of a zone show a time on a day for the first time; where they skip it, when they skip it."""
    if text == "24:00":
        day, text = day + _DAY, "00:00"
    shown = datetime.combine(day, time.fromisoformat(text), tzinfo=zone)
    at = shown.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
        return at
    before, after = shown.replace(fold=1).astimezone(UTC), at
    behind = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        before, after = (before, middle) if middle.astimezone(zone).utcoffset() == behind else (middle, after)
    return after.replace(microsecond=0)
