"""Real servers for real repositories: git's own CGI behind HTTPS with a lock on the door, OpenSSH's sshd, GitHub's token route."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from getpass import getuser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, override

from real_parts import missing

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


class _Quiet(BaseHTTPRequestHandler):
    """One request, noted and answered; nothing is printed."""

    protocol_version = "HTTP/1.1"

    def __init__(self, service: WebService, answer: Callable[[_Quiet, bytes], None], *arguments: Any) -> None:
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
def web_service(folder: Path, answer: Callable[[_Quiet, bytes], None]) -> Iterator[WebService]:
    """A server that answers so, with a certificate of an authority of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    made, service = make_certificates(), WebService(ca_file=folder / "ca.pem")
    service.ca_file.write_bytes(made.ca)
    chain = folder / "server.pem"
    chain.write_bytes(made.certificate + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, service, answer)) as server:
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


def json_answers(answer: Callable[[str, str, Any], Reply]) -> Callable[[_Quiet, bytes], None]:
    """Answers to method, path and JSON body."""

    def reply(request: _Quiet, body: bytes) -> None:
        status, value = answer(request.command, request.path, json.loads(body) if body else None)
        request.send(status, json.dumps(value).encode(), ("Content-Type", "application/json"))

    return reply


def git_behind(authorization: str, root: Path) -> Callable[[_Quiet, bytes], None]:
    """The repositories below a folder, by git-http-backend(1), for whoever shows this Authorization header."""

    def serve(request: _Quiet, body: bytes) -> None:
        if request.headers.get("Authorization") != authorization:
            request.send(401, b"", ("WWW-Authenticate", 'Basic realm="git"'))
            return
        path, _, query = request.path.partition("?")
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": request.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], env=variables, input=body, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        request.send(status, content, *((name, value) for name, value in fields if name != "Status"))

    return serve


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


@dataclass(frozen=True, slots=True)
class Sshd:
    """OpenSSH's server on this machine. `client_key` is let in; `host_keys` is the line of a known_hosts file."""

    port: int
    client_key: str
    host_keys: str
    log: Path

    def url(self, repository: Path) -> str:
        """How a repository is named."""
        return f"ssh://{getuser()}@127.0.0.1:{self.port}{repository}"


@contextmanager
def an_sshd(folder: Path) -> Iterator[Sshd]:
    """A server with keys of its own, which lets in nobody but the holder of one key."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("sshd is missing. Install it with: sudo apt-get install openssh-server")
    folder.mkdir(mode=0o700, parents=True)
    host, client = folder / "host", folder / "client"
    for key in (host, client):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (folder / "authorized_keys").write_text(client.with_suffix(".pub").read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    lines = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host,
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd, as root, shuts its weaker half in
    log = folder / "log"
    process = subprocess.Popen([program, "-D", "-f", str(folder / "config"), "-E", str(log)])
    public = host.with_suffix(".pub").read_text().split()
    try:
        _wait_for(port)
        yield Sshd(port, client.read_text(), f"[127.0.0.1]:{port} {public[0]} {public[1]}", log)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("sshd does not listen")
