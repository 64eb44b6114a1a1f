"""A world over HTTPS for one test, and a raw client that sees what is really on the wire."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from simulator.__main__ import PACKAGED_WORLD
from simulator.model.world import World
from simulator.wire.messages import ADMIN_TOKEN
from simulator.wire.server import SimulatorServer

ARM = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/demo-hub-network/providers/Microsoft.Network"
VERSION = "api-version=2026-03-01"


@dataclass(frozen=True)
class Seen:
    """An answer as it came over the wire."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


class Ask:
    """`ask(method, path, body)`: one request on a connection of its own; a `bytes` body is sent as it is."""

    def __init__(self, server: SimulatorServer) -> None:
        self._host = urlsplit(server.url).netloc
        self._context = ssl.create_default_context(cafile=str(server.ca_file))

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = ADMIN_TOKEN,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 5.0,
    ) -> Seen:
        """The answer; raises what http.client raises."""
        connection = HTTPSConnection(self._host, timeout=timeout, context=self._context)
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": "curl/8.0"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        payload = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            connection.request(method, path, payload, headers)
            answer = connection.getresponse()
            return Seen(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


@dataclass(frozen=True)
class Wire:
    """A world of its own over HTTPS."""

    world: World
    server: SimulatorServer
    ask: Ask


@contextmanager
def walkthrough() -> Iterator[Wire]:
    """The packaged world, nothing done yet."""
    world = World.from_file(PACKAGED_WORLD)
    with SimulatorServer(world) as server:
        yield Wire(world, server, Ask(server))
