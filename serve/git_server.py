"""A Git server over HTTPS: `git http-backend` behind a small server (git-http-backend(1), CGI by RFC 3875). Loopback only.

Anybody may push: it is a desk's. Repositories lie as bare ones in one folder.
"""

from __future__ import annotations

import gzip
import ssl
import subprocess
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from serve.listening import Listening, LoopbackServer

_LARGEST_BODY = 64 * 1024 * 1024


class GitServer(Listening["_Server"]):
    """Serves the bare repositories of a folder. A context manager; `certificate` and `key` are PEM files."""

    def __init__(self, folder: Path, certificate: Path, key: Path, *, port: int = 0) -> None:
        super().__init__(_Server(folder, port))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def fetches(self) -> int:
        """How often somebody asked what there is to fetch."""
        return self.server.fetches

    @property
    def url(self) -> str:
        """Where it listens; a repository is a path below."""
        return f"https://127.0.0.1:{self.port}"


def make_repository(folder: Path, name: str) -> Path:
    """An empty bare repository that takes pushes over HTTP."""
    path = folder / name
    _git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
    _git("-C", str(path), "config", "http.receivepack", "true")
    return path


class _Server(LoopbackServer):
    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(port, _Connection)
        self.folder, self.fetches = folder, 0


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
        """Pushes show in Git."""

    def _serve(self) -> None:
        if self.path.endswith("/info/refs?service=git-upload-pack"):
            self.server.fetches += 1
        length = self.headers.get("Content-Length", "0")
        chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            self.send_error(413)
            return
        body = self._chunks() if chunked else self.rfile.read(int(length))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        done = subprocess.run(
            ["git", "http-backend"],  # noqa: S607 - git is found on PATH
            input=body,
            capture_output=True,
            check=False,
            env=self._variables(len(body)),
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode("latin-1").splitlines() if ": " in line]
        headers = {name.lower(): value for name, value in lines}
        self.send_response(int(headers.pop("status", "200").split(" ", 1)[0] if done.stdout else 500))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _serve  # noqa: N815 - the base class's names

    def _variables(self, length: int) -> Mapping[str, str]:
        parts = urlsplit(self.path)
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_PROTOCOL": self.request_version,
        }

    def _chunks(self) -> bytes:
        """A body that came in parts (RFC 9112, section 7.1)."""
        found = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
            if len(found) > _LARGEST_BODY:
                raise ValueError("the body is too large")
        self.rfile.readline()
        return bytes(found)


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)  # noqa: S603, S607 - fixed words
