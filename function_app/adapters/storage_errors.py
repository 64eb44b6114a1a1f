"""The door for Azure Storage: whatever its clients raise becomes a StateError in our own words.

Conditions that did not hold (404, 409, 412) are answers that callers expect; they look at them before this does.
"""

from __future__ import annotations

from collections.abc import Callable
from traceback import clear_frames

from azure.core.exceptions import DecodeError, HttpResponseError

from function_app.adapters.answers import Call
from function_app.adapters.retrying import once_more_after_reset
from function_app.adapters.safe_text import scrubbed
from function_app.adapters.vendor_errors import VENDOR_FAILURES, transport_failure
from function_app.measuring import CALLS
from function_app.model.errors import StateError

_BUSY = frozenset({408, 429, 500, 502, 503, 504})


class Refused(Exception):
    """Storage answered with an error; `status` is HTTP's and `code` storage's own word (`BlobNotFound`)."""

    def __init__(self, call: Call, status: int, code: str) -> None:
        super().__init__(f"{call}: {status} {code}")
        self.call = call
        self.status = status
        self.code = code

    def in_words(self) -> StateError:
        """The error for callers who did not expect this answer."""
        said = f"{self.status} {self.code}".strip()
        if self.status in (401, 403):
            return StateError(
                f"{self.call}: the storage account refuses us ({said}). Give our identity the roles Storage Blob Data "
                "Contributor and Storage Queue Data Contributor there, and let its network rules admit us."
            )
        if self.status in _BUSY:
            return StateError(
                f"{self.call}: the storage account is busy or throttles us ({said}); the next try may pass."
            )
        return StateError(f"{self.call}: the storage account answered {said}.")


def asked[T](call: Call, action: Callable[[], T], *, again: bool = True) -> T:
    """What `action` returns; raises Refused for an answer, StateError without one.

    A connection that was reset is tried once more, unless `again` forbids it: for what must not happen twice.
    """
    status = 0
    try:
        result = once_more_after_reset(action) if again else action()
    except VENDOR_FAILURES as error:
        if isinstance(error, HttpResponseError) and not isinstance(error, DecodeError) and error.status_code:
            status = error.status_code
            _forget_frames(error)
            raise Refused(call, status, _code(error)) from None
        raise StateError(str(transport_failure(call, error))) from None
    else:
        status = 200
        return result
    finally:
        CALLS.add(1, {"target": call.target, "verb": call.verb, "status": status})


def _forget_frames(error: BaseException) -> None:
    """The libraries keep an error in a frame that it keeps itself, and so all that its callers hold, until garbage is collected."""
    found: BaseException | None = error
    while found is not None:
        clear_frames(found.__traceback__)
        found = found.__context__


def _code(error: HttpResponseError) -> str:
    """Storage's own word; its clients give it as an enum, or as text when it is newer than they."""
    code = getattr(error, "error_code", None)
    return scrubbed(str(getattr(code, "value", code or "")))
