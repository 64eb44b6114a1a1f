"""Change windows by the clock on the wall, through the nights in which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from function_app.model.definitions import WEEKDAYS, ChangeWindow
from function_app.planning.windows import is_open, next_opening

HOUR = timedelta(hours=1)


def window(opens: str, closes: str, *days: str, zone: str = "Europe/Berlin") -> tuple[ChangeWindow]:
    """One window, on all days unless some are named."""
    values = {"days": days or WEEKDAYS, "from": opens, "to": closes, "timeZone": zone}
    return (ChangeWindow.model_validate(values, strict=False),)


def utc(text: str) -> datetime:
    """`2027-03-28 00:59` as a moment."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times_open(windows: tuple[ChangeWindow], first: str, hours: int = 26) -> list[str]:
    """When a window opens and closes, watched minute by minute."""
    start, found, before = utc(first), list[str](), False
    for minute in range(hours * 60):
        at = start + timedelta(minutes=minute)
        now = is_open(windows, at)
        if now != before:
            found.append(f"{at:%d %H:%M}")
        before = now
    return found


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    """Monday's night is open until Tuesday morning, Tuesday's evening is not."""
    monday = window("22:00", "04:00", "mon")
    assert ["30 21:00", "01 03:00"] == times_open(monday, "2026-11-30 00:00", 48)


def test_a_window_closes_when_it_says() -> None:
    """The first moment belongs to it and the last does not."""
    found = window("09:00", "10:00")
    assert is_open(found, utc("2026-11-30 08:00"))
    assert not is_open(found, utc("2026-11-30 09:00"))
    assert not is_open(found, utc("2026-11-30 07:59") + timedelta(seconds=59))


def test_a_whole_day_is_open_to_its_end() -> None:
    """`24:00` is midnight at the end of the day."""
    assert ["28 23:00", "29 23:00"] == times_open(window("00:00", "24:00", "sun"), "2026-11-28 12:00", 48)


@pytest.mark.parametrize(
    ("opens", "closes", "night", "expected"),
    [
        pytest.param("01:00", "04:00", "2027-03-27 12:00", ["28 00:00", "28 02:00"], id="an hour shorter in spring"),
        pytest.param("02:30", "04:00", "2027-03-27 12:00", ["28 01:00", "28 02:00"], id="opens at the change"),
        pytest.param("01:00", "02:30", "2027-03-27 12:00", ["28 00:00", "28 01:00"], id="closes at the change"),
        pytest.param("02:15", "02:45", "2027-03-27 12:00", [], id="left out altogether"),
        pytest.param("01:00", "04:00", "2026-10-24 12:00", ["24 23:00", "25 03:00"], id="an hour longer in autumn"),
        pytest.param("02:30", "04:00", "2026-10-24 12:00", ["25 00:30", "25 03:00"], id="opens the first time"),
        pytest.param("01:00", "02:30", "2026-10-24 12:00", ["24 23:00", "25 00:30"], id="closes the first time"),
        pytest.param("02:15", "02:45", "2026-10-24 12:00", ["25 00:15", "25 00:45"], id="opens once"),
    ],
)
def test_the_nights_in_which_clocks_change(opens: str, closes: str, night: str, expected: list[str]) -> None:
    """What is skipped counts as the moment of the change, what comes twice counts the first time."""
    assert expected == times_open(window(opens, closes, "sun"), night, 22)


def test_the_next_opening_is_the_first_of_all_windows() -> None:
    """Over a night in which clocks change: 02:30 on Sunday in Berlin does not exist, so it is 01:00 UTC."""
    found = (*window("02:30", "04:00", "sun"), *window("12:00", "13:00", "mon", zone="America/New_York"))
    assert utc("2027-03-28 01:00") == next_opening(found, utc("2027-03-27 12:00"))
    assert utc("2027-03-29 16:00") == next_opening(found, utc("2027-03-28 01:00"))


def test_a_window_that_is_left_out_opens_a_week_later() -> None:
    """The look ahead goes beyond a week."""
    found = window("02:15", "02:45", "sun")
    assert utc("2027-04-04 00:15") == next_opening(found, utc("2027-03-21 06:00"))


def test_half_an_hour_can_be_the_change() -> None:
    """Lord Howe Island puts its clocks forward by thirty minutes, at 02:00: 02:15 does not exist there that night."""
    found = window("02:15", "03:00", "sun", zone="Australia/Lord_Howe")
    assert ["03 15:30", "03 16:00"] == times_open(found, "2026-10-03 06:00", 20)
