"""A service that others run, by HTTPS on this machine: what it was asked, and how it answers."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, override

from simulator.wire.certificates import make_certificates

type Reply = tuple[int, object]


@dataclass
class WebService:
    """A server by HTTPS on this machine. `requests` are method, path, headers and body; `processes` what a process list showed."""

    port: int = 0
    ca_file: Path = Path()
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self.port}"


class Asked(BaseHTTPRequestHandler):
    """One request, noted and answered; nothing is printed."""

    protocol_version = "HTTP/1.1"

    def __init__(self, service: WebService, answer: Callable[[Asked, bytes], None], *arguments: Any) -> None:
        self._service = service
        self._answer = answer
        super().__init__(*arguments)

    @override
    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """As any other."""
        self._take()

    def do_POST(self) -> None:
        """As any other."""
        self._take()

    def _take(self) -> None:
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._service.requests.append((self.command, self.path, headers, body))
        self._service.processes += command_lines()
        self._answer(self, body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        """An answer."""
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def web_service(folder: Path, answer: Callable[[Asked, bytes], None]) -> Iterator[WebService]:
    """A server that answers so, with a certificate of an authority of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    made, service = make_certificates(), WebService(ca_file=folder / "ca.pem")
    service.ca_file.write_bytes(made.ca)
    chain = folder / "server.pem"
    chain.write_bytes(made.certificate + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Asked, service, answer)) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        service.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


def json_answers(answer: Callable[[str, str, Any], Reply]) -> Callable[[Asked, bytes], None]:
    """Answers to method, path and JSON body."""

    def reply(request: Asked, body: bytes) -> None:
        status, value = answer(request.command, request.path, json.loads(body) if body else None)
        request.send(status, json.dumps(value).encode(), ("Content-Type", "application/json"))

    return reply


def command_lines() -> list[str]:
    """What anybody on this machine sees of git's processes and those that they start."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if any(name in line for name in ("git", "ssh")):
            found.append(line)
    return found
