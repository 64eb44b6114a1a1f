"""The service: who may call it, when it looks by itself, what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from function_app.settings import forms
from function_app.settings.forms import Form


class Callers(StrEnum):
    """Who says who may call the service's routes besides webhook and health.

    With FUNCTION_KEY the Functions host lets in who shows a key; with ENTRA App Service authentication, which must be on, says
    who calls and with which app roles. Its header counts then alone: without it, anybody could send that header.
    """

    FUNCTION_KEY = "function-key"
    ENTRA = "entra"


def _callers(value: str) -> Callers:
    return Callers(forms.one_of(*Callers)(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Callers, the timer, logs."""

    callers: Annotated[
        Callers,
        Form(
            "CALLERS",
            _callers,
            "Who may call: function-key (the host asks for a key), or entra (app roles; App Service authentication must be on).",
            default=Callers.FUNCTION_KEY,
        ),
    ]
    reader_role: Annotated[
        str,
        Form(
            "READER_ROLE",
            forms.text,
            "With EGRESS_CALLERS=entra: the app role that may see status, plan and whois.",
            default="Egress.Read",
        ),
    ]
    operator_role: Annotated[
        str,
        Form(
            "OPERATOR_ROLE",
            forms.text,
            "With EGRESS_CALLERS=entra: the app role that may, besides, ask for passes, waive, block and unblock.",
            default="Egress.Operate",
        ),
    ]
    author: Annotated[
        str,
        Form(
            "AUTHOR",
            forms.text,
            "Who is recorded for blocks, suspensions, waivers and forgets given at a terminal; without it the login name.",
            default="",
            example="jo@example.com",
        ),
    ]
    drift_minutes: Annotated[
        int,
        Form(
            "DRIFT_MINUTES",
            forms.minutes_of_an_hour,
            "Every so many minutes each hub is looked at without anybody asking, hubs spread over that time.",
            default="10",
            unit="minutes",
        ),
    ]
    telemetry: Annotated[
        str,
        Form(
            "TELEMETRY",
            forms.or_empty(forms.connection_string),
            "The connection string of the Application Insights that gets traces, metrics and log events, for which our identity "
            "is Monitoring Metrics Publisher; without it they stay. Do not let the host do the same "
            "(PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY): everything would come twice.",
            default="",
            example="InstrumentationKey=...;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/",
            secret=True,
        ),
    ] = field(repr=False)
    log_level: Annotated[
        str,
        Form(
            "LOG_LEVEL",
            forms.one_of("DEBUG", "INFO", "WARNING", "ERROR"),
            "The least important level that is logged.",
            default="INFO",
        ),
    ]
