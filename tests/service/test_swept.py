"""What a pass leaves in cycles is collected when it is over, not when so many allocations have come together."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from threading import Thread
from typing import Any, cast
from weakref import ref

import azure.functions as func
import pytest

from function_app import triggers
from function_app.model.names import HubName
from function_app.service.passes import Ran

left: list[ref[object]] = []
"""What the passes of a test have left."""


class _Body:
    """Something that knows itself."""

    def __init__(self) -> None:
        self.itself = self


class _Parts:
    """All that the trigger asks for."""

    def hub_in(self, _message: bytes) -> HubName:
        """Always the same."""
        return HubName("hub1")


@pytest.fixture(autouse=True)
def _nothing_collects() -> Iterator[None]:
    left.clear()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(("ran", "gone"), [(Ran.PASSED, True), (Ran.NOTHING, False)])
def test_a_message_that_made_a_pass_is_swept_up_after(monkeypatch: pytest.MonkeyPatch, ran: Ran, gone: bool) -> None:
    """One that found nothing to do is not: five hundred of those come in a burst."""

    def run_hub(*_: object) -> Ran:
        left.append(ref(_Body()))
        return ran

    told = Thread(target=lambda: None)
    told.start()
    monkeypatch.setattr(triggers, "_parts", _Parts)
    monkeypatch.setattr(triggers, "_measuring", lambda: told)
    monkeypatch.setattr(triggers, "run_hub", run_hub)

    cast("Any", triggers.passes)._function.get_user_function()(func.QueueMessage(id="1", body=b"{}"))

    assert gone == (left[0]() is None)
