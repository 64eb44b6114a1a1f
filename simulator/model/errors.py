"""How simulated services refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """A Kubernetes API error: becomes a `Status` object on the wire; `continue_token` goes into its list metadata."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        continue_token: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.continue_token = continue_token
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})


class ArmError(Exception):
    """An Azure Resource Manager error: becomes `{"error": {"code", "message"}}` on the wire."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
