"""When a timer fires: six fields, seconds first (learn.microsoft.com, "NCRONTAB expressions"), as far as this app uses them."""

from __future__ import annotations

from datetime import datetime, timedelta

_LONGEST = timedelta(days=2)


def next_after(schedule: str, moment: datetime) -> datetime:
    """The first second after a moment that a schedule names; raises ValueError for one that is not read here.

    A field is `*`, a number or `*/N`; day, month and day of the week must be `*`.
    """
    fields = schedule.split()
    if len(fields) != 6 or fields[3:] != ["*", "*", "*"]:
        raise ValueError(f"{schedule!r} is no schedule that is read here")
    found = moment.replace(microsecond=0) + timedelta(seconds=1)
    while found - moment < _LONGEST:
        if not _names(fields[2], found.hour):
            found = (found + timedelta(hours=1)).replace(minute=0, second=0)
        elif not _names(fields[1], found.minute):
            found = (found + timedelta(minutes=1)).replace(second=0)
        elif not _names(fields[0], found.second):
            found += timedelta(seconds=1)
        else:
            return found
    raise ValueError(f"{schedule!r} names no time of the day")


def _names(field: str, value: int) -> bool:
    if field == "*":
        return True
    if field.startswith("*/"):
        return value % int(field[2:]) == 0
    return value == int(field)
