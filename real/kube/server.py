"""A control plane of our own: etcd, kube-apiserver and kube-controller-manager on free ports of loopback.

Belongs here: starting, waiting, ending by process id, files that clients need. Nothing acts on what is stored but namespace
deletion, garbage collection and aggregation of roles: no operator, no IPAM, no kubelet.
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from real.kube.programs import Programs
from simulator.wire.certificates import Certificates, make_certificates
from simulator.wire.settings import kubeconfig

ADMIN, RECONCILER, STRANGER = "kube-admin", "egress-gitops", "kube-stranger"
"""Users of every server: the administrator, the reconciler as its ClusterRoleBinding names it, and one without any right."""
_START_SECONDS = 120.0
_END_SECONDS = 15.0
_AUDIT_POLICY = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - {level: Metadata}
"""


class ControlPlaneFailed(Exception):
    """A program ended or did not become ready; the message names its log."""


@dataclass(slots=True)
class _Process:
    name: str
    popen: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One face of an API server: where it is, and the authority behind its certificate."""

    url: str
    ca_file: Path


@dataclass(slots=True)
class ControlPlane:
    """A running control plane. A context manager; its folder goes at the end, unless something failed."""

    programs: Programs
    keep: bool = False
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="egress-kube-")))
    _processes: list[_Process] = field(default_factory=list)
    _etcd: str = ""
    endpoint: Endpoint = field(init=False)
    _certificates: Certificates = field(default_factory=make_certificates, repr=False)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.keep = True
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.keep = self.keep or kind is not None
        self.stop()

    def stop(self) -> None:
        """End every program by its process id, the last one first; keep the folder with the logs when asked to."""
        for process in reversed(self._processes):
            process.popen.terminate()
            try:
                process.popen.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
        self._processes.clear()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def audit_log(self) -> Path:
        """One JSON line for each call, written before the call is answered."""
        return self.folder / "audit.log"

    def audited(self, offset: int = 0) -> Iterator[Mapping[str, Any]]:
        """Audited calls from a byte of the log on; a line that is still being written is left out."""
        with self.audit_log.open("rb") as log:
            log.seek(offset)
            for line in log:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def token(self, user: str) -> str:
        """The bearer token of one of the users."""
        return f"{user}-token"

    def write_kubeconfig(self, path: Path, user: str = ADMIN, *, context: str = "kube") -> Path:
        """A kubeconfig with one context for one user."""
        authority = self.endpoint.ca_file.read_bytes()
        path.touch(mode=0o600)
        path.write_text(kubeconfig({context: self.endpoint.url}, authority, self.token(user)), encoding="utf-8")
        return path

    def compact(self) -> None:
        """Let etcd forget everything but the newest version of each object, as it does every five minutes."""
        revision = _etcd_call(self._etcd, "kv/range", {"key": "Lw==", "count_only": True})["header"]["revision"]
        # What API servers tell each other when one of them compacts; each forgets its own snapshots then.
        _etcd_call(self._etcd, "kv/put", {"key": _base64("compact_rev_key"), "value": _base64(str(revision))})
        _etcd_call(self._etcd, "kv/compaction", {"revision": revision, "physical": True})

    @contextmanager
    def second_apiserver(self, certificates: Certificates) -> Iterator[Endpoint]:
        """One more API server over the same data, with a certificate of the caller's choice."""
        folder = self.folder / f"apiserver-{len(self._processes)}"
        process, endpoint = self._apiserver(folder, certificates)
        try:
            yield endpoint
        finally:
            self._processes.remove(process)
            process.popen.terminate()
            process.popen.wait(_END_SECONDS)

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write("tokens.csv", _tokens().encode())
        self._write("audit.yaml", _AUDIT_POLICY.encode())
        self._write("service-accounts.key", _rsa_key())
        self._start_etcd()
        _, self.endpoint = self._apiserver(self.folder / "apiserver", self._certificates, audited=True)
        self._start_controllers()

    def _start_etcd(self) -> None:
        clients, peers = _free_ports(2)
        self._etcd = f"http://127.0.0.1:{clients}"
        arguments = {
            "data-dir": self.folder / "etcd",
            "listen-client-urls": self._etcd,
            "advertise-client-urls": self._etcd,
            "listen-peer-urls": f"http://127.0.0.1:{peers}",
            "logger": "zap",
        }
        # What this server holds is worth nothing once the tests are over.
        process = self._spawn("etcd", self.programs.etcd, [*_flags(arguments), "--unsafe-no-fsync"])
        self._await(process, lambda: _answers(f"{self._etcd}/health"))

    def _apiserver(
        self, folder: Path, certificates: Certificates, *, audited: bool = False
    ) -> tuple[_Process, Endpoint]:
        folder.mkdir()
        (port,) = _free_ports(1)
        key = self.folder / "service-accounts.key"
        arguments: dict[str, object] = {
            "etcd-servers": self._etcd,
            "cert-dir": folder,
            "tls-cert-file": _written(folder / "server.pem", certificates.certificate),
            "tls-private-key-file": _written(folder / "server.key", certificates.key),
            "secure-port": port,
            "bind-address": "127.0.0.1",
            "service-cluster-ip-range": "10.0.0.0/24",
            "service-account-key-file": key,
            "service-account-signing-key-file": key,
            "service-account-issuer": "https://kubernetes.default.svc",
            "token-auth-file": self.folder / "tokens.csv",
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "ServiceAccount",
        }
        if audited:
            arguments |= {"audit-policy-file": self.folder / "audit.yaml", "audit-log-path": self.audit_log}
        endpoint = Endpoint(f"https://127.0.0.1:{port}", _written(folder / "ca.pem", certificates.ca))
        process = self._spawn(folder.name, self.programs.apiserver, _flags(arguments))
        headers = {"Authorization": f"Bearer {self.token(ADMIN)}"}
        ready = Request(f"{endpoint.url}/readyz", headers=headers)  # noqa: S310 - a loopback URL of our own
        self._await(process, lambda: _answers(ready, unchecked=True))
        return process, endpoint

    def _start_controllers(self) -> None:
        arguments = {
            "kubeconfig": self.write_kubeconfig(self.folder / "controllers.kubeconfig"),
            "controllers": "namespace-controller,garbage-collector-controller",
            "leader-elect": "false",
            "secure-port": 0,
        }
        self._spawn("kube-controller-manager", self.programs.controller_manager, _flags(arguments))

    def _spawn(self, name: str, program: Path, arguments: Sequence[str]) -> _Process:
        log = self.folder / f"{name}.log"
        # A test run that is killed must not leave servers behind.
        guard = [found, "--pdeathsig", "TERM", "--"] if (found := shutil.which("setpriv")) else []
        with log.open("wb") as out:
            popen = subprocess.Popen([*guard, str(program), *arguments], stdout=out, stderr=out, cwd=self.folder)  # noqa: S603 - our own arguments
        process = _Process(name, popen, log)
        self._processes.append(process)
        return process

    def _await(self, process: _Process, ready: Callable[[], bool]) -> None:
        deadline = monotonic() + _START_SECONDS
        while not ready():
            if process.popen.poll() is not None:
                raise ControlPlaneFailed(f"{process.name} ended with {process.popen.returncode}; see {process.log}")
            if monotonic() > deadline:
                raise ControlPlaneFailed(f"{process.name} was not ready after {_START_SECONDS:g} s; see {process.log}")
            sleep(0.1)

    def _write(self, name: str, content: bytes) -> Path:
        return _written(self.folder / name, content)


def _written(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def _tokens() -> str:
    groups = {ADMIN: ',"system:masters"', RECONCILER: "", STRANGER: ""}
    return "".join(f"{user}-token,{user},{user}{group}\n" for user, group in groups.items())


def _rsa_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _flags(arguments: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in arguments.items()]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _answers(request: Request | str, *, unchecked: bool = False) -> bool:
    """Whether something says ok there; `unchecked` also takes a certificate that is meant to be wrong."""
    context = ssl._create_unverified_context() if unchecked else None  # noqa: S323, SLF001 - whose certificate it is does not matter for readiness
    try:
        with closing(urlopen(request, timeout=5, context=context)) as answer:  # noqa: S310 - loopback URLs of our own
            return bool(answer.status == 200)
    except (HTTPError, URLError, OSError):
        return False


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _etcd_call(server: str, path: str, body: Mapping[str, object]) -> Any:
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = Request(f"{server}/v3/{path}", data=content, headers=headers)  # noqa: S310 - as above
    with closing(urlopen(request, timeout=10)) as answer:  # noqa: S310 - as above
        return json.load(answer)
