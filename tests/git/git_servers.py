"""Real servers for real repositories: git's own CGI behind HTTPS with a lock on the door, and OpenSSH's sshd."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

from real_parts import missing
from web_services import Asked


def git_behind(authorization: str, root: Path) -> Callable[[Asked, bytes], None]:
    """The repositories below a folder, by git-http-backend(1), for whoever shows this Authorization header."""

    def serve(request: Asked, body: bytes) -> None:
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
