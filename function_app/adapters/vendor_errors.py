"""The door: exceptions of urllib3, requests, azure-core, azure-identity and ssl become errors of the model here and nowhere else.

    no name, refused, reset, time-out, cut off, TLS broken off    TargetUnavailable   waiting helps
    certificate not trusted, expired, for another name            TargetRejected      somebody must act
    no token for our identity                                     TargetRejected      unless the token service itself was down

Answers with an error status are read by `kubernetes_refusals` and `azure_refusals`. What an exception says is not repeated
(it quotes URLs and headers); only its kind is told, in our own words.
"""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

import requests
import urllib3.exceptions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    IncompleteReadError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)

from function_app.adapters.answers import Call
from function_app.model.errors import TargetError, TargetRejected, TargetUnavailable

LONGEST_RETRY_AFTER = 300.0
"""Seconds. A target that asks for more is asked again all the same: passes are cheap, and absurd values exist."""

VENDOR_FAILURES: tuple[type[Exception], ...] = (
    urllib3.exceptions.HTTPError,
    requests.RequestException,
    AzureError,
    HTTPException,
    OSError,
)
"""What the libraries below us raise for the outside world; anything else is a mistake of ours and passes through."""

_TIMEOUTS = (
    TimeoutError,
    urllib3.exceptions.TimeoutError,
    requests.Timeout,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
_CUT_OFF = (
    IncompleteRead,
    urllib3.exceptions.IncompleteRead,
    IncompleteReadError,
    requests.exceptions.ChunkedEncodingError,
)
_RESETS = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, RemoteDisconnected)
_BAD_URLS = (urllib3.exceptions.LocationValueError, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)

_CERTIFICATE_WORDS: Mapping[int, str] = {
    9: "its certificate is not valid yet; compare the clocks",
    10: "its certificate has expired; renew it",
    18: "its certificate is self-signed and not trusted; give the certificate authority that signed it",
    19: "its certificate comes from an authority that is not trusted; give the right certificate authority",
    20: "its certificate comes from an authority that is not trusted; give the right certificate authority",
    23: "its certificate has been revoked",
    62: "its certificate is for another host name; correct the address",
    64: "its certificate is for another address; correct the address",
}
"""By OpenSSL's verification result (openssl x509_vfy.h, X509_V_ERR_*)."""


@contextmanager
def vendor_errors_as_ours(call: Call) -> Iterator[None]:
    """Run a block that talks to a target; whatever vendors raise in it comes out as a TargetError."""
    try:
        yield
    except VENDOR_FAILURES as error:
        raise transport_failure(call, error) from None


def transport_failure(call: Call, error: BaseException) -> TargetError:
    """The error of ours for an exception that came instead of an answer."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, TargetError):
            return cause
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = _CERTIFICATE_WORDS.get(
                cause.verify_code, f"its certificate was not accepted (code {cause.verify_code})"
            )
            return TargetRejected(f"{call}: {words}.", code="CertificateRejected")
        if isinstance(cause, ssl.SSLError) and _is_alert_about_certificate(cause):
            return TargetRejected(
                f"{call}: the server did not accept our client certificate ({cause.reason}); renew it.",
                code="ClientCertificate",
            )
        if isinstance(cause, ClientAuthenticationError):
            return _no_token(call, cause)
        if isinstance(cause, _BAD_URLS):
            return TargetRejected(f"{call}: the address cannot be used as a URL; correct it.", code="InvalidAddress")
    return TargetUnavailable(f"{call}: {_words(causes)}.")


def is_reset(error: BaseException) -> bool:
    """The other side closed the connection; no time-out and no body cut off in the middle."""
    causes = list(_causes(error))
    return any(isinstance(cause, _RESETS) for cause in causes) and not any(
        isinstance(cause, _CUT_OFF) for cause in causes
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a Retry-After header (RFC 9110 section 10.2.3: seconds or an HTTP date), at most 300.

    A date counts from the answer's own Date, so that the two clocks need not agree. None when there is none or it
    cannot be understood; `headers` by lower-case name.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, headers.get("date", ""))
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _seconds_until(text: str, answered: str) -> float:
    until = _http_date(text)
    if until is None:
        return math.nan
    return (until - (_http_date(answered) or datetime.now(UTC))).total_seconds()


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _no_token(call: Call, error: ClientAuthenticationError) -> TargetError:
    status = error.status_code or 0
    if status == 429 or status >= 500:
        return TargetUnavailable(
            f"{call}: the token service answered {status}.", code="TokenServiceUnavailable", status=status
        )
    return TargetRejected(
        f"{call}: no token could be had for our identity; check EGRESS_AZURE_CREDENTIAL and EGRESS_AZURE_CLIENT_ID "
        "(a managed identity must be assigned to this service; azure-cli needs `az login`).",
        code="NoToken",
        status=status,
    )


def _is_alert_about_certificate(error: ssl.SSLError) -> bool:
    reason = (error.reason or "").upper()
    return "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason)


def _words(causes: list[BaseException]) -> str:
    """What happened, from the most telling of the causes."""
    table: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
        (_CUT_OFF, "the answer was cut off in the middle"),
        ((socket.gaierror, urllib3.exceptions.NameResolutionError), "its name cannot be resolved"),
        ((ConnectionRefusedError,), "the connection was refused"),
        (_RESETS, "the connection was reset before the answer was complete"),
        # A connection that failed at once is a kind of time-out to urllib3.
        ((urllib3.exceptions.NewConnectionError,), "no connection came about"),
        (_TIMEOUTS, "no answer within the time limit"),
        ((ssl.SSLError,), "the TLS handshake or connection broke off"),
        ((urllib3.exceptions.DecodeError,), "the answer could not be decompressed"),
    )
    for kinds, words in table:
        if any(isinstance(cause, kinds) for cause in causes):
            return words
    return f"it could not be reached ({type(causes[-1]).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything it wraps, the outermost first: each library hides the cause in another place."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__, *current.args]
        waiting += [getattr(current, name, None) for name in ("reason", "inner_exception")]
