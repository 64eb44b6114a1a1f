"""A server on loopback that runs while a context lasts, as the desk's HTTP servers do."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self


class LoopbackServer(ThreadingHTTPServer):
    """Listens on a port of loopback, 0 for a free one; a connection that is still open keeps nobody from ending."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, connection: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up in the middle is no news."""


class Listening[Server: LoopbackServer]:
    """A context manager: serves in a thread of its own from enter to exit."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()
