"""Clocks: this machine's, and a server's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from function_app.adapters.clocks import HttpDateClock, SystemClock
from function_app.model.errors import StateError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(slots=True)
class TimeServer:
    """A server whose time a test sets; `step` passes with each question."""

    url: str = ""
    moment: datetime | None = NOON
    step: timedelta = timedelta(0)
    connections: set[object] = field(default_factory=set)


@pytest.fixture
def server() -> Iterator[TimeServer]:
    """A server that answers HEAD with a Date."""
    state = TimeServer()

    class Face(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            state.connections.add(self.client_address)
            self.send_response_only(404)
            if state.moment is not None:
                self.send_header("Date", format_datetime(state.moment, usegmt=True))
                state.moment += state.step
            self.send_header("Content-Length", "0")
            self.end_headers()

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Face)
    state.url = f"http://127.0.0.1:{httpd.server_address[1]}/"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_the_system_clock_is_aware() -> None:
    """In UTC, and moving."""
    clock = SystemClock()
    before = datetime.now(UTC)
    clock.sleep(-1)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().utcoffset() == timedelta(0)


def test_a_server_s_time_is_asked_each_time(server: TimeServer) -> None:
    """A jump by an hour is seen at once, over the same connection."""
    clock = HttpDateClock(server.url)
    assert NOON <= clock.now() < NOON + timedelta(seconds=1)
    server.moment = NOON + timedelta(hours=1)
    assert NOON + timedelta(hours=1) <= clock.now() < NOON + timedelta(hours=1, seconds=1)
    assert len(server.connections) == 1


def test_a_server_s_time_never_goes_back(server: TimeServer) -> None:
    """An answer from an instance that is behind counts as the last one."""
    clock = HttpDateClock(server.url)
    before = clock.now()
    server.moment = NOON - timedelta(minutes=5)
    assert clock.now() >= before


def test_a_sleep_ends_when_the_server_s_time_has_passed(server: TimeServer) -> None:
    """An hour of a time that runs fast takes less than a second."""
    clock = HttpDateClock(server.url)
    server.step = timedelta(minutes=30)
    started = time.monotonic()
    clock.sleep(3600)
    assert time.monotonic() - started < 2


def test_a_sleep_gives_up_when_the_server_s_time_stands_still(server: TimeServer) -> None:
    """No longer than it would have taken in real time."""
    clock = HttpDateClock(server.url)
    started = time.monotonic()
    clock.sleep(0.05)
    assert 0.05 <= time.monotonic() - started < 2


def test_a_server_without_a_date_is_an_error(server: TimeServer) -> None:
    """A clock that does not say the time is named, without its user and query."""
    server.moment = None
    with pytest.raises(StateError, match="without a Date header") as caught:
        HttpDateClock(server.url + "?token=canary").now()
    assert "canary" not in str(caught.value)


def test_a_server_that_is_away_is_an_error() -> None:
    """Nobody listens on that port."""
    with pytest.raises(StateError, match="does not answer"):
        HttpDateClock("http://127.0.0.1:9/").now()
