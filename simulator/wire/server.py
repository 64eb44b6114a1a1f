"""The HTTPS server: sockets, threads and the world's lock. What a path means is said by the faces."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from simulator.model.faults import Call
from simulator.model.world import World
from simulator.wire.certificates import Certificates, make_certificates
from simulator.wire.exchange import Delivery, deliver
from simulator.wire.faces import Faces
from simulator.wire.messages import ADMIN_TOKEN, Answer, Request, Routed
from simulator.wire.settings import kubeconfig

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes of one request body; API servers take 3 MiB, Resource Manager 4 MB."""


OnCall = Callable[[Call], None]


def _nothing(_: Call) -> None:
    """Nobody looks."""


class SimulatorServer:
    """One world over HTTPS on 127.0.0.1. A context manager; `port` 0 takes a free one.

    Files (CA, token, kubeconfig) go into `folder`, or into a temporary one that lives as long as the server. Its
    certificates are made at start, unless some are given. Every answer is late by `latency_seconds`, real ones, during which
    other connections are served. `before_call` and `on_call` are called, under the world's lock, around each call of a client.
    """

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        folder: Path | None = None,
        certificates: Certificates | None = None,
        latency_seconds: float = 0.0,
        before_call: OnCall = _nothing,
        on_call: OnCall = _nothing,
    ) -> None:
        self.world = world
        self._certificates = certificates or make_certificates()
        self._stopping = Event()
        # The port first: when it is taken, nothing else has begun.
        self._http = _HttpServer(port, latency_seconds, before_call, on_call)
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="egress-simulator-")
        self.folder = folder or Path(self._temporary.name if self._temporary else "")
        self.url = f"https://127.0.0.1:{self._http.server_port}"
        try:
            self._prepare()
        except BaseException:
            self._close()
            raise
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        certificates = self._certificates
        self.ca_file = self._write("ca.pem", certificates.ca)
        self.token_file = self._write("token", ADMIN_TOKEN.encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(
            self._write("server.pem", certificates.certificate), self._write("server.key", certificates.key)
        )
        # The handshake happens in each connection's own thread.
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._http.faces = Faces(self.world, certificates.ca, self._stopping)
        self._http.stopping = self._stopping

    def _close(self) -> None:
        self._http.server_close()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Close the listening socket, end waits and watches, remove a temporary folder."""
        self._stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._close()

    def write_kubeconfig(self, path: Path | str) -> Path:
        """A kubeconfig with one context per cluster, called as the cluster, and a static token."""
        path = Path(path)
        path.write_text(
            kubeconfig(
                {name: f"{self.url}/kubernetes/{name}" for name in self.world.clusters},
                self.ca_file.read_bytes(),
                ADMIN_TOKEN,
            ),
            encoding="utf-8",
        )
        path.chmod(0o600)
        return path

    def settings(self) -> dict[str, str]:
        """The environment under which `egressctl` talks to this world."""
        return {
            "EGRESS_KUBECONFIG": str(self.write_kubeconfig(self.folder / "kubeconfig")),
            "EGRESS_ARM_ENDPOINT": self.url,
            "EGRESS_ARM_TOKEN_FILE": str(self.token_file),
            "EGRESS_CA_FILE": str(self.ca_file),
            "EGRESS_TIME_SOURCE": f"{self.url}/_control/time",
        }

    def _write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return path


class _HttpServer(ThreadingHTTPServer):
    """The listening socket and what its connections need."""

    daemon_threads = True
    # Threads of connections that are kept open must not hold up the end.
    block_on_close = False
    request_queue_size = 128
    faces: Faces
    stopping: Event

    def __init__(self, port: int, latency_seconds: float, before_call: OnCall, on_call: OnCall) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.latency_seconds, self.before_call, self.on_call = latency_seconds, before_call, on_call

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are daily life; anything else is ours and is shown."""
        if not isinstance(sys.exception(), (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # a socket, given on as it came


class _Connection(BaseHTTPRequestHandler):
    """One connection with its requests, one after the other."""

    protocol_version = "HTTP/1.1"
    server_version = "egress-simulator"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _HttpServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
        """Calls are counted under /_control/calls instead of being written to the terminal."""

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - the base class's signature
        """The Date header carries virtual time (RFC 7231)."""
        return format_datetime(self.server.faces.world.clock.now(), usegmt=True)

    def _serve(self) -> None:
        request = self._request()
        if request is None:
            return
        faces = self.server.faces
        with faces.world.lock:
            routed = faces.route(request)
            if isinstance(routed, Routed):
                self.server.before_call(routed.call)
                delivery = deliver(routed, faces.world.faults.strike(routed.call))
                self.server.on_call(routed.call)
                faces.world.advance(delivery.virtual_wait)
            else:
                delivery = Delivery(routed)
        self._deliver(delivery)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the base class's names

    def _request(self) -> Request | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._send(
                Answer(413 if length.isdecimal() else 411, b"send a Content-Length of at most 8 MiB", "text/plain")
            )
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # whoever sent it is gone; half a request has no effect
            self.close_connection = True
            return None
        url = urlsplit(self.path)
        return Request(
            method=self.command,
            path=url.path,
            segments=tuple(unquote(part) for part in url.path.split("/") if part),
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            base_url=f"https://{self.headers.get('Host', 'localhost')}",
        )

    def _deliver(self, delivery: Delivery) -> None:
        if wait := delivery.wait + self.server.latency_seconds:
            self.server.stopping.wait(wait)
        if delivery.answer is None:
            self.close_connection = True
            if delivery.reset:
                self._reset()
            return
        if delivery.cut and delivery.answer.status == 204:
            self._reset()
        elif delivery.cut:
            self._cut(delivery.answer)
        else:
            self._send(delivery.answer)

    def _send(self, answer: Answer) -> None:
        if answer.stream is not None:
            self._send_chunks(answer, answer.stream)
            return
        self._send_head(answer, {"Content-Length": str(len(answer.body))} if answer.status != 204 else {})
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _send_chunks(self, answer: Answer, stream: Iterator[bytes]) -> None:
        self._send_head(answer, {"Transfer-Encoding": "chunked"})
        with contextlib.suppress(OSError):
            self.wfile.flush()
            for chunk in stream:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
            return
        self.close_connection = True

    def _send_head(self, answer: Answer, framing: Mapping[str, str]) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in {**answer.headers, **framing}.items():
            self.send_header(name, value)
        self.end_headers()

    def _cut(self, answer: Answer) -> None:
        self._send_head(answer, {"Content-Length": str(max(len(answer.body), 2))})
        self.wfile.write(answer.body[: len(answer.body) // 2])
        self.wfile.flush()
        # Closed without a reset: one would make the caller's system throw away what has arrived.
        self.close_connection = True

    def _reset(self) -> None:
        """End the connection with RST, as a machine does that knows nothing of it."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_RD)
