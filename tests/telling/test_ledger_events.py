"""The ledger's records as log events: each at least once, in order, and those that still hold each day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from service.service_desk import HUB, Killed, ServiceDesk, sample
from structlog.testing import LogCapture

from function_app.model.intent import Intent, Reason
from function_app.service.intake import ask

DOCS = Path(__file__).parents[2] / "docs" / "telemetry.md"


@pytest.fixture
def capture() -> Iterator[LogCapture]:
    """All log events."""
    found = LogCapture()
    structlog.configure(processors=[found])
    yield found
    structlog.reset_defaults()


def recorded(capture: LogCapture) -> list[MutableMapping[str, Any]]:
    """The ledger's events."""
    return [entry for entry in capture.entries if entry["event"] == "ledger.recorded"]


def onboarded() -> ServiceDesk:
    """A service that a first tenant was pushed to."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample("tenants/tenant0.yaml"))
    asked(service)
    return service


def asked(service: ServiceDesk) -> None:
    """Somebody asks for a pass."""
    ask(service, (HUB,), Intent(reasons=frozenset({Reason.PUSH})))


def test_each_record_is_logged_once_in_its_order(capture: LogCapture) -> None:
    """From the reservation to the routing, with the fields that the page promises."""
    service = onboarded()
    service.work_for(1800)

    ledger = service.desk.ports.ledger.read()
    events = recorded(capture)
    assert [record.seq for record in ledger] == [event["seq"] for event in events]
    assert {"reserve", "route"} <= {event["kind"] for event in events}
    (example,) = re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert json.loads(example).keys() - {"level", "timestamp"} == events[0].keys() - {"log_level"}
    assert json.loads(json.dumps(events)) == events


def test_what_a_killed_process_left_untold_is_told_by_the_next(capture: LogCapture) -> None:
    """The record was appended, the process died before it said so."""
    service = onboarded()

    def die(when: str, name: str) -> None:
        if (when, name) == ("before", "served"):
            raise Killed

    service.on_call = die
    with pytest.raises(Killed):
        service.work()
    appended = service.desk.ports.ledger.read()
    assert appended
    assert not recorded(capture)
    service.on_call = lambda _when, _name: None
    service.work_for(900)

    assert [record.seq for record in appended] == [event["seq"] for event in recorded(capture)][: len(appended)]


def test_what_still_holds_is_logged_again_each_day(capture: LogCapture) -> None:
    """A workspace has forgotten what the ledger keeps; what was taken back in the meantime is not repeated."""
    service = onboarded()
    service.work_for(1800)
    before = len(recorded(capture))
    service.desk.world.advance(86_400.0)
    asked(service)
    service.work()
    again = recorded(capture)[before:]

    assert {"reserve", "route"} == {event["kind"] for event in again}
    assert all(event["restated"] for event in again)
    asked(service)
    service.work()
    assert len(again) == len(recorded(capture)[before:])


def test_telling_that_fails_keeps_no_pass_from_being_made(capture: LogCapture) -> None:
    """Storage does not say what was told: the tenant is routed all the same, and it is logged."""
    service = onboarded()
    service.tellings.problem = "the storage account does not answer"
    service.work_for(1800)

    assert {"reserve", "route"} <= {record.kind.value for record in service.desk.ports.ledger.read()}
    assert {"the storage account does not answer"} == {
        entry["problem"] for entry in capture.entries if entry["event"] == "telling.failed"
    }
