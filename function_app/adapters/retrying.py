"""The one thing that is sent twice: a read whose connection was reset.

Load balancers drop idle connections without a word (Azure's after four minutes), and a kept connection shows it only when it is
used. Everything else is for the next pass to repeat; a write is never sent twice, since the first may have had its effect.
"""

from __future__ import annotations

from collections.abc import Callable

from function_app.adapters.vendor_errors import VENDOR_FAILURES, is_reset


def once_more_after_reset[T](read: Callable[[], T]) -> T:
    """The result of `read`, called a second time when the first one's connection was reset."""
    try:
        return read()
    except VENDOR_FAILURES as error:
        if not is_reset(error):
            raise
    return read()
