"""The stand-in's HTTP face: size, route, key, then the worker; nothing of a request is read before it is known to fit."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from serve.listening import Listening, LoopbackServer
from serve.routing import Route, Routes, without_principal
from serve.workers import Answered, Worker, WorkerDied

USUAL_BODY_BYTES = 104_857_600
"""What the Functions host takes unless FUNCTIONS_REQUEST_BODY_SIZE_LIMIT says otherwise (azure-functions-host, ScriptConstants)."""
_ADMIN = "/admin/functions/"
_SILENCE_SECONDS = 30.0


class Front(Listening["_Server"]):
    """Serves on a port of loopback, 0 for a free one. A context manager.

    `worker` gives the process of the moment, `fire` runs a function that is no HTTP function: `POST /admin/functions/NAME` with a
    key, as the host offers it for trying things out ("Manually run a non HTTP-triggered function").
    """

    def __init__(
        self,
        routes: Routes,
        worker: Callable[[], Worker],
        fire: Callable[[str], bool],
        *,
        port: int = 0,
        most_bytes: int = USUAL_BODY_BYTES,
    ) -> None:
        self.routes, self.worker, self.fire, self.most_bytes = routes, worker, fire, most_bytes
        super().__init__(_Server(port, self))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


class _Server(LoopbackServer):
    request_queue_size = 256

    def __init__(self, port: int, front: Front) -> None:
        super().__init__(port, _Connection)
        self.front = front


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "egress-host-stand-in"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = _SILENCE_SECONDS
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
        """The app logs what it did; requests for nothing of it are not worth a line."""

    def _serve(self) -> None:
        front, parts = self.server.front, urlsplit(self.path)
        headers = without_principal(self.headers.items())
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path.startswith(_ADMIN):
            self._administer(parts.path.removeprefix(_ADMIN), front.routes.has_key(headers, query))
            return
        found = front.routes.find(self.command, parts.path)
        if found is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        route, values = found
        if not front.routes.admits(route, headers, query):
            self._refuse(HTTPStatus.UNAUTHORIZED)
            return
        body = self._body()
        if body is not None:
            self._send(self._answer(route, headers, body, values, query))

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the base class's names

    def _answer(
        self, route: Route, headers: dict[str, str], body: bytes, values: object, query: dict[str, str]
    ) -> Answered:
        url = f"http://{headers.get('host', '127.0.0.1')}{self.path}"
        try:
            worker = self.server.front.worker()
            return worker.http(
                route.function,
                self.command,
                headers=headers,
                body=body,
                route=dict(values) if isinstance(values, dict) else {},
                query=query,
                url=url,
            )
        except WorkerDied:
            return Answered(503, {"Retry-After": "5"}, b"")

    def _administer(self, function: str, entitled: bool) -> None:
        self._body()
        if not entitled:
            self._refuse(HTTPStatus.UNAUTHORIZED)
        elif self.command != "POST" or not self.server.front.fire(function):
            self._refuse(HTTPStatus.NOT_FOUND)
        else:
            self._send(Answered(202, {}, b""))

    def _body(self) -> bytes | None:
        """The body; None once it has been refused unread."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > self.server.front.most_bytes:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            return self.rfile.read(int(length))
        return None

    def _refuse(self, status: HTTPStatus) -> None:
        """Without having read the body: what follows on this connection could not be told apart from it."""
        self.close_connection = True
        body = json.dumps({"problem": f"{status.phrase}, says the host."}).encode()
        self._send(Answered(status, {"Content-Type": "application/json", "Connection": "close"}, body))
        self._leave_unread()

    def _leave_unread(self) -> None:
        """Say that no more is written, so that the answer is not lost to a reset while the other side still sends."""
        self.wfile.flush()
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1.0)
            for _ in range(64):
                if not self.connection.recv(65536):
                    return
        except OSError:
            return

    def _send(self, answer: Answered) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()
