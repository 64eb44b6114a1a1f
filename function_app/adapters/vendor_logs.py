"""Keeps the vendors' own loggers from writing what we may not: URLs with signatures, headers, bodies."""

from __future__ import annotations

import logging

_CHATTY = ("urllib3", "requests", "azure", "msal", "kubernetes", "client")
"""`urllib3` writes the query string of each URL at level DEBUG, which for an ARM operation is its signature; `azure.core`,
`msal` and the Kubernetes client (whose loggers are named `kubernetes` and `client`) write headers or bodies there."""


def quieten_vendor_logs() -> None:
    """Let vendors' loggers say errors only, whatever the root logger's level is; calling it again changes nothing."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
