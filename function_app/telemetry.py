"""Where spans, metrics and log events go: Application Insights, when a connection string says which.

Imported only then, and by the first trigger that works: the SDK costs half a second of CPU and 40 MiB. Nothing is instrumented
behind our back: a library's spans would carry URLs with tokens and queries.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SERVICE = "egress-gitops"
LOGGER = "egress_gitops"
_LIBRARIES = ("azure_sdk", "django", "fastapi", "flask", "httpx", "psycopg2", "requests", "urllib", "urllib3")
_QUIET = {
    # Figures about the SDK itself, and a control plane of its own: calls to hosts that nobody here was told of.
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    # The detector for virtual machines asks an address that a function has not got.
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "azure_app_service",
}


def configure_telemetry(connection: str, credential: TokenCredential | None = None) -> None:
    """Send what is measured and logged to this Application Insights; once a process.

    `credential` is who we are to it, in the role Monitoring Metrics Publisher; without one the connection string's key must do,
    which an Application Insights with local authentication switched off refuses.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from azure.monitor.opentelemetry import configure_azure_monitor  # noqa: PLC0415 - as the docstring says
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above

    configure_azure_monitor(
        connection_string=connection,
        **({} if credential is None else {"credential": credential}),
        logger_name=LOGGER,
        resource=Resource.create({"service.name": SERVICE}),
        instrumentation_options={library: {"enabled": False} for library in _LIBRARIES},
        sampling_ratio=1.0,
        enable_live_metrics=False,
        enable_performance_counters=False,
    )


def flush() -> None:
    """Send what has not been sent yet, for a process that ends."""
    from opentelemetry import _logs, metrics, trace  # noqa: PLC0415 - as above

    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()):
        force = getattr(provider, "force_flush", None)
        if force is not None:
            force()
