"""When commits may be taken up: change windows, and what comes after what. Shapes only."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from function_app.model.definition_fields import Definition, DnsLabel

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class ChangeWindow(Definition):
    """A time of the week in which commits are taken up, by the clock on the wall in a time zone."""

    days: Annotated[
        tuple[Weekday, ...],
        Field(min_length=1, description="The days on which it opens", examples=[["mon", "tue", "wed", "thu"]]),
    ]
    from_: Annotated[
        str,
        Field(alias="from", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description='When it opens: "22:00"'),
    ]
    to: Annotated[
        str,
        Field(
            pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
            description='When it closes, on the next day if that is earlier than `from`: "04:00"',
        ),
    ]
    time_zone: Annotated[
        str, Field(description="The time zone's name in the IANA database", examples=["Europe/Berlin", "UTC"])
    ]


class Rollout(Definition):
    """What takes a commit up before: it must have been at rest with that commit for so long."""

    after: Annotated[tuple[DnsLabel, ...], Field(min_length=1, description="Who comes before", examples=[["canary"]])]
    wait: Annotated[
        str, Field(pattern=r"^[0-9]{1,4}[mhd]$", description="For how long it must have been at rest: 30m, 2h, 1d")
    ] = "0m"

    @property
    def rest(self) -> timedelta:
        """The waiting time."""
        return timedelta(**{_UNITS[self.wait[-1]]: int(self.wait[:-1])})
