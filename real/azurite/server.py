"""A running Azurite: started on free ports, stopped and started again on the same ones, ended by its process id."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Self

from real.npm import Program

ACCOUNT = "egressdesk"
_START_SECONDS = 60.0
_END_SECONDS = 15.0
_LISTENS = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at http://127\.0\.0\.1:(\d+)")


class AzuriteFailed(Exception):
    """It ended or did not become ready; the message names its log."""


@dataclass(slots=True)
class Azurite:
    """One storage account on loopback. A context manager; its folder goes at the end when it was made here.

    The key of the account is drawn anew for each one and lies in `key_file`.
    """

    program: Program
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="egress-azurite-")))
    _ports: dict[str, int] = field(default_factory=lambda: {"Blob": 0, "Queue": 0, "Table": 0})
    _process: subprocess.Popen[bytes] | None = None
    _key: str = field(default_factory=lambda: b64encode(secrets.token_bytes(64)).decode(), repr=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(self._key, encoding="ascii")
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()  # nothing of it is wanted any more; asked politely it waits for idle connections first
            self._process.wait()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process; raises RuntimeError when none runs."""
        if self._process is None:
            raise RuntimeError("Azurite does not run")
        return self._process.pid

    @property
    def key_file(self) -> Path:
        """The account's key."""
        return self.folder / "account.key"

    @property
    def blobs(self) -> str:
        """The account's URL for blobs."""
        return f"http://127.0.0.1:{self._ports['Blob']}/{ACCOUNT}"

    @property
    def queues(self) -> str:
        """The account's URL for queues."""
        return f"http://127.0.0.1:{self._ports['Queue']}/{ACCOUNT}"

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment under which the service keeps everything here."""
        return {
            "EGRESS_STORAGE_ACCOUNT": self.blobs,
            "EGRESS_STORAGE_QUEUES": self.queues,
            "EGRESS_STORAGE_KEY_FILE": str(self.key_file),
        }

    def start(self) -> None:
        """Start, on the ports of the last time if there was one; what was stored then is there. Raises AzuriteFailed."""
        log = self.folder / "azurite.log"
        with log.open("wb") as stream:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [str(self.program.node), str(self.program.main), *self._arguments()],
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{self._key}"},
                start_new_session=True,  # a Ctrl-C at a terminal is for whoever started us
            )
        deadline = monotonic() + _START_SECONDS
        while len(found := dict(_LISTENS.findall(log.read_text(encoding="utf-8", errors="replace")))) < len(
            self._ports
        ):
            if self._process.poll() is not None or monotonic() > deadline:
                raise AzuriteFailed(f"Azurite does not start: {_last_line(log)} ({log})")
            sleep(0.05)
        self._ports = {service: int(port) for service, port in found.items()}

    def stop(self) -> None:
        """End the process and wait for that; what is stored stays until the end of the context."""
        if self._process is None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def pause(self) -> None:
        """Let it answer nothing, with its ports open, until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _arguments(self) -> list[str]:
        """Without a check of the API version, since client libraries are ahead of it; without telemetry."""
        services = [
            argument
            for service, port in self._ports.items()
            for argument in (f"--{service.lower()}Host", "127.0.0.1", f"--{service.lower()}Port", str(port))
        ]
        return ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--location", str(self.folder), *services]


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
