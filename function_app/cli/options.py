"""Options and arguments that several commands share, with their forms.

Checking a folder needs none of the parts that a pass is made of: they are imported by the commands that assemble them.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from function_app.cli.printing import OutputForm
from function_app.settings import PREFIX, Settings

if TYPE_CHECKING:
    from function_app.bootstrap import Assembly

_DURATION = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=366)


def stated(text: str) -> str:
    """A reason that says something; raises BadParameter."""
    if not text.strip():
        raise typer.BadParameter("it is empty. Say why in a few words; it is recorded and shown.")
    return text.strip()


HubOption = Annotated[str | None, typer.Option("--hub", metavar="NAME", help="Only this hub; without it, all hubs.")]
OneHubOption = Annotated[
    str | None, typer.Option("--hub", metavar="NAME", help="The hub; may be left out while only one is known.")
]
RefOption = Annotated[
    str | None, typer.Option("--ref", metavar="REF", help="Branch, tag or commit instead of EGRESS_REF.")
]
RepoOption = Annotated[
    str | None, typer.Option("--repo", metavar="URL_OR_PATH", help="Repository instead of EGRESS_REPOSITORY.")
]
OutputOption = Annotated[OutputForm, typer.Option("--output", "-o", help="For people, or JSON for machines.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="WHY", callback=stated, help="Why; it is recorded.")]


def duration(text: str) -> timedelta:
    """`30m`, `4h`, `2d`; raises BadParameter."""
    found = _DURATION.fullmatch(text.strip())
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < length <= _LONGEST:
        raise typer.BadParameter(f"`{text}` is no length of time up to 366 days. Write 30m, 4h or 2d.")
    return length


def settings_of(repository: str | None = None) -> Settings:
    """The environment's settings, with another repository when one is given; raises SettingsError."""
    given = {} if repository is None else {f"{PREFIX}REPOSITORY": repository}
    return Settings.from_environment({**os.environ, **given})


def assembled(repository: str | None = None) -> Assembly:
    """The parts for the environment's settings, with logging set up.

    A person at a terminal is shown what happens by the command itself: logs are for those who ask for a level.
    """
    from function_app.bootstrap import assemble  # noqa: PLC0415 - see above
    from function_app.logs import configure_logs  # noqa: PLC0415 - see above

    settings = settings_of(repository)
    asked = f"{PREFIX}LOG_LEVEL" in os.environ or not sys.stderr.isatty()
    configure_logs(settings.service.log_level if asked else "ERROR")
    return assemble(settings)


BasePolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--base-policy",
        metavar="FILE",
        help="The base policy's groups as exported JSON, in the place of access to Azure.",
    ),
]


def teams(text: str | None) -> frozenset[str] | None:
    """Teams as an option names them, `payments,shop`."""
    return None if text is None else frozenset(one.strip() for one in text.split(",") if one.strip())
